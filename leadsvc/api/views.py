"""Views and their description in one decorator, over flask-smorest, which is untyped.

The document is made from the same declaration that routes and parses, so the two cannot disagree. A view that parses
nothing is registered bare: describing it costs a request nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Blueprint as FlaskBlueprint
from flask import Response, request
from flask_smorest import Api, Blueprint
from flask_smorest.utils import prepare_response
from marshmallow import Schema
from werkzeug.exceptions import HTTPException
from werkzeug.sansio.response import Response as BaseResponse

from leadsvc.api import examples, schemas
from leadsvc.api.problems import MEDIA_TYPE, guard, protocol
from leadsvc.errors import NotFound, Reject

View = TypeVar("View", bound=Callable[..., Response])

OURS = ("/v1/", "/healthz", "/readyz", "/openapi.json", "/docs")
"""Where an unknown address or a wrong method is answered as a problem; everything else belongs to the pages."""

SMALL_BODY = 65_536

_KEY = re.compile(r"[A-Z]{1,3}-[0-9A-Z]{4,16}")


def new_blueprint(name: str, description: str, prefix: str = "/v1") -> FlaskBlueprint:
    """A group of views whose errors are problems; ``description`` heads it in the document."""
    blueprint: FlaskBlueprint = Blueprint(name, __name__, url_prefix=prefix, description=description)
    guard(blueprint)
    return blueprint


def view(
    blueprint: FlaskBlueprint,
    rule: str,
    returns: type[Schema] | None,
    *,
    method: str = "GET",
    query: type[Schema] | None = None,
    body: type[Schema] | None = None,
    example: Mapping[str, Any] | None = None,
    content_type: str | None = None,
    **described: Any,
) -> Callable[[View], View]:
    """Register and describe a view. With ``query`` or ``body`` it is called with the parsed parameters as its first
    argument; ``described`` goes into the document as it is (security, requestBody …)."""
    smorest: Any = blueprint

    def register(function: View) -> View:
        shown = smorest.response(200, returns, example=example, content_type=content_type)(
            smorest.doc(**described)(function)
        )
        target: Any = function
        if query is not None or body is not None:
            place = {"location": "query"} if query is not None else {"location": "json", "required": True}
            shown = target = smorest.arguments(query or body, **place)(shown)
        target._apidoc = shown._apidoc
        smorest.add_url_rule(rule, function.__name__, target, methods=[method])
        return function

    return register


def reply(body: object) -> Response:
    """JSON with an ETag; a reader who has it already is told so by 304."""
    text = json.dumps(body, default=_plain, separators=(",", ":"))
    response = Response(text, mimetype="application/json")
    response.headers["Cache-Control"] = "private, no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


def _plain(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else str(value)


class ProblemApi(Api):  # type: ignore[misc]  # flask-smorest has no types
    """flask-smorest whose errors are problems, in the answers and in the document."""

    ERROR_SCHEMA = schemas.Problem

    def handle_http_exception(self, error: HTTPException) -> BaseResponse | HTTPException:
        return protocol(error) if request.path.startswith(OURS) else error

    def _register_responses(self) -> None:
        for name, description in [(each.name, each.phrase) for each in HTTPStatus] + [("DEFAULT_ERROR", "Any error")]:
            response: dict[str, Any] = {"description": description, "schema": schemas.Problem}
            prepare_response(response, self.spec, MEDIA_TYPE)
            self.spec.components.response(name, response, lazy=True)

    def _register_pagination_header(self) -> None:
        """Pages have a cursor in the body; flask-smorest's header is not used."""


def small_json() -> None:
    """Refuse a body that is long or no JSON, before anything parses it. Raises :class:`Reject` (400)."""
    request.max_content_length = SMALL_BODY
    body = request.get_data()
    try:
        json.loads(body or "{}")
    except (
        ValueError,
        RecursionError,
    ):  # beyond bad syntax also huge numbers and nesting, which the parser lets through
        detail = "The body is not JSON that can be read; send one object, or nothing where everything is optional."
        raise Reject(400, "Malformed JSON", detail, code="malformed") from None


def public_key(text: str) -> str:
    """``text`` as the key of a card or a prospect. Raises :class:`NotFound` for what cannot be one."""
    if not _KEY.fullmatch(text.upper()):
        raise NotFound("That is no key of a card or a prospect; one looks like GC-7Q4Z8N2B.")
    return text.upper()


def describe_credentials(api: Any) -> None:
    """Put the kinds of credentials into the document."""
    for name, scheme in examples.SCHEMES.items():
        api.spec.components.security_scheme(name, scheme)
