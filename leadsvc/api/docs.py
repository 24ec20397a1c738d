"""The OpenAPI document for programs and the same document as a page for people; no script, nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Blueprint, Response, render_template, request

from leadsvc.api.problems import PROBLEMS, guard

CSP = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def blueprint(document: Mapping[str, Any]) -> Blueprint:
    """Serves ``document`` at ``/openapi.json`` and, made readable, at ``/docs``."""
    made = Blueprint(
        "docs", __name__, template_folder="templates", static_folder="static", static_url_path="/docs/static"
    )
    guard(made)
    text = json.dumps(document, indent=1)
    groups = list(_groups(document))

    @made.get("/openapi.json")
    def openapi() -> Response:
        return _cacheable(Response(text, mimetype="application/json"))

    @made.get("/docs")
    def page() -> Response:
        html = render_template("api/docs.html", document=document, groups=groups, problems=PROBLEMS)
        response = Response(html, mimetype="text/html")
        response.headers["Content-Security-Policy"] = CSP
        response.headers["Referrer-Policy"] = "no-referrer"
        return _cacheable(response)

    return made


def _cacheable(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "public, max-age=300"
    response.add_etag()
    response.make_conditional(request)
    return response


def _groups(document: Mapping[str, Any]) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """(tag, its description, its operations), in the order of the document."""
    for tag in document["tags"]:
        found = [
            _operation(path, method, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
            if isinstance(operation, Mapping) and tag["name"] in operation.get("tags", ())
        ]
        yield tag["name"], tag["description"], found


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    bodies = (operation.get("requestBody") or {}).get("content", {})
    answers = operation.get("responses", {})
    return {
        "path": path,
        "method": method.upper(),
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "parameters": [each for each in operation.get("parameters", []) if "name" in each],
        "credentials": [next(iter(each)) for each in operation.get("security", [])],
        "bodies": [(kind, _examples(content)) for kind, content in bodies.items()],
        "answers": [
            (
                status,
                answer.get("description", ""),
                [shown for each in answer.get("content", {}).values() for shown in _examples(each)],
            )
            for status, answer in answers.items()
        ],
    }


def _examples(content: Mapping[str, Any]) -> list[str]:
    found = [content["example"]] if "example" in content else []
    found += [each["value"] for each in content.get("examples", {}).values()]
    return [json.dumps(each, indent=2) for each in found]
