"""How one vendor says what every vendor says: its content type, its refusals, its throttling."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flask import Response


def as_json(payload: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer of JSON."""
    body = json.dumps(payload, ensure_ascii=False)
    return Response(body, status, headers=dict(headers or {}), content_type="application/json; charset=utf-8")


def as_xml(body: str | bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer of XML that is written already."""
    return Response(body, status, headers=dict(headers or {}), content_type="text/xml; charset=utf-8")


def _refused(status: int) -> Response:
    return as_json({"error": {"code": f"simulated_{status}", "message": "Ordered by a fault.", "fields": {}}}, status)


def _throttled(wait_s: float) -> Response:
    answer = _refused(429)
    answer.headers["Retry-After"] = str(max(round(wait_s), 1))
    return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """A vendor's ways. ``refused(status)``: its refusal with that status. ``throttled(wait_s)``: what it says when it
    is asked too often. ``unauthorized()``: what it says to wrong credentials. ``error_in_200()``: an error that looks
    like a success to who reads the status alone; ``fault_answer()``: a SOAP fault; ``None``: has no such thing.
    ``without_ids(body)``: its good answer with every id taken out. ``id_keys``: the names of ids in JSON, for vendors
    that leave ``without_ids`` alone. ``xml``: answers are XML, so prefixes may differ and JSON's oddities cannot be.
    """

    refused: Callable[[int], Response] = _refused
    throttled: Callable[[float], Response] = _throttled
    unauthorized: Callable[[], Response] = lambda: _refused(401)
    error_in_200: Callable[[], Response] | None = None
    fault_answer: Callable[[], Response] | None = None
    without_ids: Callable[[bytes], bytes] | None = None
    id_keys: tuple[str, ...] = ("id", "person_id", "version", "card_id")
    xml: bool = False
    lacks: frozenset[str] = field(default_factory=frozenset)

    def can(self, mode: str) -> bool:
        """Whether a fault of this mode means anything here; ``lacks`` names more that do not."""
        if mode in self.lacks:
            return False
        if mode in ("numbers_as_text", "one_for_list"):
            return not self.xml
        if mode == "other_prefix":
            return self.xml
        if mode == "error_in_200":
            return self.error_in_200 is not None
        return mode != "soap_fault" or self.fault_answer is not None

    def stripped(self, body: bytes) -> bytes:
        """A good answer without ids."""
        if self.without_ids is not None:
            return self.without_ids(body)
        return json.dumps(_without(json.loads(body or b"null"), frozenset(self.id_keys))).encode()


def _without(value: object, keys: frozenset[str]) -> object:
    if isinstance(value, dict):
        return {key: _without(inner, keys) for key, inner in value.items() if key not in keys}
    if isinstance(value, list):
        return [_without(inner, keys) for inner in value]
    return value


def numbers_as_text(body: bytes) -> bytes:
    """The same JSON with every number as a string."""
    return json.dumps(json.loads(body, parse_int=str, parse_float=str)).encode()


def one_for_list(body: bytes) -> bytes:
    """The same JSON with each list of one object as that object alone."""
    return json.dumps(_single(json.loads(body))).encode()


def _single(value: object) -> object:
    if isinstance(value, dict):
        return {key: _single(inner) for key, inner in value.items()}
    if isinstance(value, list):
        inner = [_single(each) for each in value]
        return inner[0] if len(inner) == 1 and isinstance(inner[0], dict) else inner
    return value


def other_prefix(body: bytes) -> bytes:
    """The same XML with its envelope under another prefix."""
    return re.sub(rb"(</?|xmlns:)(?:soap|s)(?=[:=])", rb"\1SOAP-ENV", body)
