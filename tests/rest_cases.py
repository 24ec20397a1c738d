"""What is asked of every judge of JSON answers: the recorded cases, and answers with nothing in them."""

from __future__ import annotations

from leadsvc.workers.destinations import Classify
from leadsvc.workers.destinations.base import Outcome, Result
from tests.contract_cases import RECEIVED_AT, Case

HTML = b"<html><body><h1>We are down for maintenance</h1></body></html>"
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


def check_case(classify: Classify, case: Case) -> Result:
    """The judge agrees with a recorded case in outcome and in every id that it names."""
    result = classify(case.op, case.status, case.headers, case.body, case.context)
    outcome = "accepted" if case.outcome in ("ok", "empty") else case.outcome
    assert result.outcome == outcome, result
    if case.read:
        assert result.empty is (case.outcome == "empty")
    for name, value in case.expect.items():
        if name != "items":
            assert getattr(result, name) == value, name
        elif isinstance(value, dict):
            assert {item.raw_ref: item.card_id for item in result.items} == value
        else:
            assert [item.outcome for item in result.items] == value
    return result


def fails_safe(classify: Classify, op: str, status: int, body: bytes | None, *, read: bool) -> None:
    """A good status around nothing is no success: a read is tried again, a write is looked for first."""
    result = classify(op, status, {}, body, {"received_at": RECEIVED_AT})
    assert (result.outcome, result.verify_first) == (Outcome.RETRY, not read), result
