"""What is asked of every vendor's judge of answers: how a test shows it one, and what must hold for all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from hypothesis import strategies as st

from leadsvc.workers.destinations import classifier
from leadsvc.workers.destinations.base import Outcome, Result
from tests.contract_cases import RECEIVED_AT, Case

HTML = b"<html><body><h1>We are down for maintenance</h1></body></html>"
JSON = {"Content-Type": "application/json; charset=utf-8"}
XML = {"Content-Type": "text/xml; charset=utf-8"}
NOTHING_IN_IT = [
    (200, None),
    (200, b""),
    (200, HTML),
    (200, b'{"id": "50'),
    (200, b"null"),
    (200, b'"ok"'),
    (200, b"{}"),
    (201, b"\xff\xfe\x00\x01"),
    (200, b"[" * 3000),
]


@dataclass(frozen=True)
class Judge:
    """Calls a vendor's ``classify`` with bodies as they are easiest to write: bytes and text as they stand, anything
    else as JSON. ``headers`` and ``known`` (the context) are what every answer comes with."""

    vendor: str
    headers: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, object] = field(default_factory=lambda: {"received_at": RECEIVED_AT, "sent": True})

    def __call__(
        self, op: str, status: int, body: object = None, headers: Mapping[str, str] | None = None, **context: object
    ) -> Result:
        return classifier(self.vendor)(
            op, status, {**self.headers, **(headers or {})}, _raw(body), {**self.known, **context}
        )


def _raw(body: object) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def check_case(case: Case) -> Result:
    """The judge agrees with a recorded case in outcome, in every id that it names and in how long to wait."""
    result = classifier(case.vendor)(case.op, case.status, case.headers, case.body, case.context)
    outcome = "accepted" if case.outcome in ("ok", "empty") else case.outcome
    assert (result.outcome, result.empty) == (outcome, case.outcome == "empty"), result
    for name, value in case.expect.items():
        if name != "items":
            found = getattr(result, name)
            text = "" if value is None else str(value)  # ids are recorded as the vendor has them: numbers too
            assert found == (text if isinstance(found, str) else value), name
        elif isinstance(value, dict):
            assert {item.raw_ref: item.card_id for item in result.items} == value
        else:
            assert [item.outcome for item in result.items] == value
    return result


def fails_safe(judge: Judge, op: str, status: int, body: bytes | None, *, read: bool) -> None:
    """A good status around nothing is no success: a read is tried again, a write is looked for first."""
    result = judge(op, status, body)
    assert (result.outcome, result.verify_first) == (Outcome.RETRY, not read), result


def any_json(names: tuple[str, ...]) -> st.SearchStrategy[object]:
    """Any JSON value whose objects have these names, which are the vendor's own."""
    return st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=9) | st.integers(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(names), inner, max_size=5),
        max_leaves=12,
    )
