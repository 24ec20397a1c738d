"""Errors as problem details (RFC 9457): ``title`` says what it is, ``detail`` what to do, ``code`` is for programs.

The last handler here is the only one in the API that takes any exception at all: it answers 500 with a number to quote
and logs where it happened, without the message, which might quote a renter.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.sansio.response import Response as BaseResponse

from leadsvc.errors import Conflict, LeadsvcError, NotFound, Quarantine, Reject, Unavailable
from leadsvc.ids import uuid7
from leadsvc.logs import logger, places

RETRY_UNAVAILABLE_S = 5
MEDIA_TYPE = "application/problem+json"

_CHALLENGE = ('Bearer realm="leadsvc"', 'Basic realm="leadsvc"')
_NEXT = {
    400: "The request cannot be read as HTTP; send it again with a well-formed URL and headers.",
    404: "No such address in this API; /docs lists all of them.",
    405: "This address does not take this method; the Allow header and /docs say which it takes.",
    408: "The body did not arrive in time; send the request again.",
    413: "The body is larger than this feed may send; split it, or ask the operator to raise max_bytes.",
    414: "The URL is too long; put the content into the body.",
    415: "Send JSON with Content-Type: application/json.",
    422: "A parameter cannot be used; errors names it.",
    431: "The headers are too large; send fewer or shorter ones.",
}

PROBLEMS: dict[str, str] = {
    "credential": "401. No live credential of the right kind; nothing was recorded. Do not retry unchanged.",
    "wrong_feed": "403. The credential belongs to another feed.",
    "staff_cannot_send": "403. Leads are sent with a feed's credential.",
    "wrong_scope": "403. The credential may not do this.",
    "address": "403. The credential's IP list does not hold your address.",
    "unproved": "401, 406 to Mailgun. The web hook's signature is not its provider's; nothing was recorded.",
    "challenge": "403. Facebook's hub.verify_token is not the word agreed on.",
    "certificate": "503. The certificate of an SNS message is being fetched; it is sent again.",
    "request_entity_too_large": "413. The body is larger than the feed may send; split it.",
    "rate": "429. More requests a minute than the feed may make; go on after Retry-After.",
    "failures": "429. Too many wrong credentials from your address.",
    "invalid_lead": "422, canonical JSON only. Nothing in it could be taken; errors names each field. It was recorded.",
    "idempotency_key_reused": "422, canonical JSON only. The key was used for other content; send a new key.",
    "unprocessable_entity": "422, reading and acting. errors names the parameter.",
    "bad_request": "400. Not HTTP as it should be, or the body broke off; send it again.",
    "cursor": "400. The cursor is not one that we gave; start from the first page.",
    "method_not_allowed": "405. The Allow header says which methods there are.",
    "malformed": "400, staff actions only. The body is no JSON object.",
    "unavailable": "503. Nothing was recorded; send the same request again after Retry-After.",
    "conflict": "503. Another change came first; send the same request again after Retry-After.",
    "not_found": "404. No such thing, or not yours to see.",
    "internal": "500. Our fault; retry, and quote the correlation number if it stays.",
}
"""Every ``code`` a sender can meet, and what to do; the anchor of a problem's ``type``."""


def problem(
    status: int, title: str, detail: str, code: str, *, retry_after: int | None = None, **more: object
) -> Response:
    """A problem response. ``more`` becomes members of the body beside the usual ones."""
    place = f"problem-{code}" if code in PROBLEMS else "problems"
    body = {"type": f"/docs#{place}", "title": title, "status": status, "detail": detail, "code": code, **more}
    response = Response(json.dumps(body, default=str), status, mimetype=MEDIA_TYPE)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    if status == 401:
        for challenge in _CHALLENGE:
            response.headers.add("WWW-Authenticate", challenge)
    return response


def rejected(error: Reject) -> Response:
    return problem(error.status, error.title, error.detail, error.code, retry_after=error.retry_after)


def not_found(error: NotFound) -> Response:
    detail = str(error) or "It does not exist, or it is not yours to see; check the id and the credential."
    return problem(404, "Not found", detail, "not_found")


def unavailable(_error: Unavailable) -> Response:
    detail = "Nothing was recorded. Send the same request again after Retry-After seconds; it cannot become a double."
    return problem(503, "Not available now", detail, "unavailable", retry_after=RETRY_UNAVAILABLE_S)


def contended(_error: Conflict) -> Response:
    detail = "Another change came first. Send the same request again after Retry-After seconds."
    return problem(503, "Changed by somebody else", detail, "conflict", retry_after=1)


def unreadable(error: Quarantine) -> Response:
    return problem(422, "Cannot be read", error.detail, error.cause)


def protocol(error: HTTPException) -> BaseResponse:
    """What Flask, its URL map or the argument parser refuse: 404, 405, 413, 415, 422 …"""
    if error.response is not None:  # a redirect is an answer, not an error
        return error.response
    status = error.code or 500
    original = getattr(error, "original_exception", None)
    if status >= 500:
        return unforeseen(original or error)
    more: dict[str, Any] = {"errors": fields} if (fields := _field_errors(error)) else {}
    detail = _NEXT.get(status, "The request was refused; /docs says what is expected.")
    answer = problem(status, error.name, detail, error.name.lower().replace(" ", "_"), **more)
    if allow := dict(error.get_headers()).get("Allow"):
        answer.headers["Allow"] = allow
    return answer


def unforeseen(error: Exception) -> Response:
    """Anything nobody thought of: 500 with a number to quote, and the places in the log under the same number."""
    number = str(uuid7())
    rule = request.url_rule.rule if request.url_rule else ""
    logger("api").error("unforeseen", correlation=number, rule=rule, **places(error))
    detail = f"This is our fault. Send the request again; if it stays, give the operator the number {number}."
    return problem(500, "Internal error", detail, "internal", correlation=number)


def _field_errors(error: HTTPException) -> list[dict[str, str]]:
    """What the argument parser found wrong, as ``{"pointer", "detail"}``; the refused values are not repeated."""
    data = getattr(error, "data", None) or {}
    found: list[dict[str, str]] = []
    for location, messages in (data.get("messages") or {}).items():
        _flatten(f"#/{location}", messages, found)
    return found


def _flatten(pointer: str, messages: object, found: list[dict[str, str]]) -> None:
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            _flatten(f"{pointer}/{name}", inner, found)
    elif isinstance(messages, list):
        found.extend({"pointer": pointer, "detail": str(message)} for message in messages)
    else:
        found.append({"pointer": pointer, "detail": str(messages)})


def guard(blueprint: Blueprint) -> None:
    """Give every view of ``blueprint`` these answers."""
    blueprint.register_error_handler(Reject, rejected)
    blueprint.register_error_handler(NotFound, not_found)
    blueprint.register_error_handler(Unavailable, unavailable)
    blueprint.register_error_handler(Conflict, contended)
    blueprint.register_error_handler(Quarantine, unreadable)
    blueprint.register_error_handler(LeadsvcError, unforeseen)
    blueprint.register_error_handler(HTTPException, protocol)
    blueprint.register_error_handler(Exception, unforeseen)
