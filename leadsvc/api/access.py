"""One log line a request: which route, which feed and credential, which receipt, how long. Never the path or the query,
which can hold a secret token or a renter's name."""

from __future__ import annotations

from functools import cache
from time import perf_counter
from typing import Any

from flask import Flask, Response, request

from leadsvc.logs import logger


def watch(app: Flask) -> None:
    """Log the requests that the API answers (the pages log their own)."""

    @cache
    def lines() -> Any:
        return logger("api").bind()  # once: binding anew costs more than writing

    @app.before_request
    def _begin() -> None:
        request.environ["leadsvc.begun"] = perf_counter()

    @app.after_request
    def _end(response: Response) -> Response:
        rule, environ = request.url_rule, request.environ
        if rule is None or not rule.rule.startswith("/v1/"):
            return response
        response.headers["X-Content-Type-Options"] = "nosniff"
        lines().info(
            "request",
            method=environ["REQUEST_METHOD"],
            route=rule.rule,
            status=response.status_code,
            ms=round((perf_counter() - environ["leadsvc.begun"]) * 1000, 1),
            feed=environ.get("leadsvc.feed"),
            credential=environ.get("leadsvc.credential"),
            receipt=environ.get("leadsvc.receipt"),
        )
        return response
