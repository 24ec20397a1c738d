"""How Salesforce answers: errors are a list, limits come as 403, sessions end."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from leadsvc.simulators.kit import Refused, Simulator
from leadsvc.simulators.manners import Manners, as_json

TOKEN_LIFE_S = 7200.0
_CODES = {
    400: "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    401: "INVALID_SESSION_ID",
    403: "INSUFFICIENT_ACCESS_OR_READONLY",
    404: "NOT_FOUND",
    503: "SERVER_UNAVAILABLE",
}


def error(status: int, code: str, message: str = "", *fields: str, **more: Any) -> Response:
    """One error, as Salesforce words it: a list of one."""
    return as_json([{"message": message or code.lower(), "errorCode": code, "fields": list(fields), **more}], status)


def refuse(status: int, code: str, message: str = "", *fields: str, **more: Any) -> Refused:
    """The same, to be raised."""
    return Refused(error(status, code, message, *fields, **more))


def _refused(status: int) -> Response:
    return error(status, _CODES.get(status, "UNKNOWN_EXCEPTION"))


def _throttled(wait_s: float) -> Response:
    answer = error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    answer.headers["Retry-After"] = str(max(round(wait_s), 1))
    return answer


def _unauthorized() -> Response:
    return as_json([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}], 401)


MANNERS = Manners(
    refused=_refused,
    throttled=_throttled,
    unauthorized=_unauthorized,
    error_in_200=lambda: error(200, "UNKNOWN_EXCEPTION", "An unexpected error occurred."),
    id_keys=("id", "Id"),
)


def guard(simulator: Simulator) -> None:
    """A token that was given out and is still good."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not simulator.tokens.valid(token):
        raise Refused(_unauthorized())


def body() -> dict[str, Any]:
    """The JSON object of the request, or 400."""
    value = request.get_json(silent=True)
    if not isinstance(value, dict):
        raise refuse(400, "JSON_PARSER_ERROR", "The body must be an object.")
    return value
