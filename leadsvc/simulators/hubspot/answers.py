"""How HubSpot answers: one shape of errors, rate limits by policy, bearer tokens."""

from __future__ import annotations

import hmac
from typing import Any

from flask import Response, request

from leadsvc.simulators.kit import Refused, Simulator
from leadsvc.simulators.manners import Manners, as_json

TOKEN_LIFE_S = 1800.0
_CATEGORY = {
    400: "VALIDATION_ERROR",
    401: "INVALID_AUTHENTICATION",
    403: "MISSING_SCOPES",
    404: "OBJECT_NOT_FOUND",
    409: "CONFLICT",
    423: "LOCKED",
    429: "RATE_LIMITS",
}


def error(status: int, message: str, category: str = "", **more: Any) -> Response:
    """An error as HubSpot words it."""
    body = {
        "status": "error",
        "message": message,
        "correlationId": "00000000-aaaa-4bbb-8ccc-000000000001",
        "category": category or _CATEGORY.get(status, "INTERNAL_ERROR"),
    }
    return as_json({**body, **more}, status)


def refuse(status: int, message: str, **more: Any) -> Refused:
    """The same, to be raised."""
    return Refused(error(status, message, **more))


def invalid(problems: list[tuple[str, str, str]]) -> Refused:
    """Values that are refused: (property, code, message) each."""
    listed = [{"message": message, "code": code, "in": name} for name, code, message in problems]
    return Refused(error(400, "Property values were not valid", errors=listed))


def _refused(status: int) -> Response:
    return error(status, "internal error" if status >= 500 else "No.")


def _throttled(wait_s: float) -> Response:
    words = "You have reached your ten_secondly_rolling limit."
    answer = error(429, words, errorType="RATE_LIMIT", policyName="TEN_SECONDLY_ROLLING")
    answer.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = str(max(round(wait_s * 1000), 1))
    return answer


def _unauthorized() -> Response:
    return error(401, "Authentication credentials not found.")


MANNERS = Manners(
    refused=_refused,
    throttled=_throttled,
    unauthorized=_unauthorized,
    error_in_200=lambda: as_json({**error(500, "internal error").get_json(), "category": "INTERNAL_ERROR"}, 200),
    id_keys=("id", "hs_object_id"),
)


def guard(simulator: Simulator) -> None:
    """A private app's token, or one that was given out and is still good."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    known = simulator.credentials["access_token"]
    if scheme != "Bearer" or not token:
        raise Refused(_unauthorized())
    if not hmac.compare_digest(token.encode(), known.encode()) and not simulator.tokens.valid(token):
        words = "The OAuth token used to make this call expired or is unknown."
        raise Refused(error(401, words, "EXPIRED_AUTHENTICATION"))


def body() -> dict[str, Any]:
    """The JSON object of the request, or 400."""
    value = request.get_json(silent=True)
    if not isinstance(value, dict):
        raise refuse(400, "Invalid input JSON: the body must be an object.")
    return value
