"""One log line a request: which route, which feed and credential, which receipt, how long. Never the path or the query,
which can hold a secret token or a renter's name."""

from __future__ import annotations

import time

from flask import Flask, Response, request

from leadsvc.logs import logger


def watch(app: Flask) -> None:
    """Log the requests that the API answers (the pages log their own)."""

    @app.before_request
    def _begin() -> None:
        request.environ["leadsvc.begun"] = time.perf_counter()

    @app.after_request
    def _end(response: Response) -> Response:
        environ, rule = request.environ, request.url_rule
        if rule is None or not rule.rule.startswith("/v1/"):
            return response
        response.headers["X-Content-Type-Options"] = "nosniff"
        logger("api").info(
            "request",
            method=request.method,
            route=rule.rule,
            status=response.status_code,
            ms=round((time.perf_counter() - environ["leadsvc.begun"]) * 1000, 1),
            feed=environ.get("leadsvc.feed"),
            credential=environ.get("leadsvc.credential"),
            receipt=environ.get("leadsvc.receipt"),
        )
        return response
