"""What a receiver's answer to a web hook means, how web hooks are signed, and that payloads are as documented."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsvc.security import signed_by
from leadsvc.workers.destinations.base import CardAt, CardPush, EventPush, Outcome, Profile, TaskPush
from leadsvc.workers.destinations.filling import outgoing
from leadsvc.workers.destinations.rest import Json
from leadsvc.workers.destinations.vendors.webhook import CAPABILITIES, wire
from leadsvc.workers.destinations.vendors.webhook.wire import OPS, classify
from tests.processes import ROOT

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
HTML = b"<html><body>We are down</body></html>"
SCHEMA = json.loads((ROOT / "docs" / "webhook.schema.json").read_text(encoding="utf-8"))

ANSWERS: list[tuple[int, bytes | None, Outcome]] = [
    *((status, body, Outcome.ACCEPTED) for status in (200, 201, 202, 204) for body in (b"", None, b"OK", b"{}", HTML)),
    (299, b"\xff\xfe", Outcome.ACCEPTED),
    (409, b"", Outcome.DUPLICATE),
    (409, HTML, Outcome.DUPLICATE),
    (410, b"", Outcome.AUTH),
    (410, HTML, Outcome.AUTH),
    (401, b"", Outcome.AUTH),
    (402, b"", Outcome.AUTH),
    (403, b"", Outcome.AUTH),
    (407, b"", Outcome.AUTH),
    *((status, HTML, Outcome.RETRY) for status in (0, 408, 425, 429, 500, 502, 503, 504, 521, 599)),
    *((status, b"", Outcome.REJECT) for status in (400, 404, 405, 411, 413, 415, 418, 422, 451, 499)),
    *((status, b"", Outcome.REJECT) for status in (300, 301, 302, 307, 308)),
]


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize(("status", "body", "outcome"), ANSWERS)
def test_the_status_decides(op: str, status: int, body: bytes | None, outcome: Outcome) -> None:
    result = classify(op, status, {}, body, {"received_at": NOW})
    # What is sent again has the same id, so nothing is looked for before.
    assert (result.outcome, result.verify_first, result.verified) == (outcome, False, True)


def test_how_long_to_wait() -> None:
    def wait(**headers: str) -> float | None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return classify("put_task", 503, named, b"", {"received_at": NOW}).retry_after_s

    assert wait() is None
    assert wait(Retry_After="17") == 17
    assert wait(retry_after="Fri, 20 Nov 2026 10:00:45 GMT") == 45
    assert wait(X_RateLimit_Reset="1795168830") == 30


def test_a_receiver_may_say_why() -> None:
    result = classify("put_prospect", 422, {}, b'{"message": "no property for noor@example.com"}', {})
    assert (result.outcome, result.message) == (Outcome.REJECT, "no property for [address]")


@given(st.sampled_from(OPS), st.integers(0, 700), st.one_of(st.none(), st.binary(max_size=100)))
def test_any_bytes_are_judged(op: str, status: int, body: bytes | None) -> None:
    assert classify(op, status, {}, body, {}).outcome in Outcome


# -- signing ----------------------------------------------------------------------------------------------------------


def test_the_signature_is_the_standards() -> None:
    """The example of the standard's own libraries."""
    headers = wire.signature(
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",),
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "1614265330",
        b'{"test": 2432232314}',
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_both_secrets_sign_while_one_is_changed() -> None:
    new, old = "whsec_" + base64.b64encode(b"n" * 24).decode(), "any text"
    body, now = wire.payload("check", {}), 1_795_168_800
    signed = wire.signature((new, old), "msg_1", str(now), body)["webhook-signature"]
    assert len(signed.split()) == 2
    for key in (b"n" * 24, b"any text"):
        assert signed_by((key,), "msg_1", str(now), body, signed, now) == 0
    assert signed_by((b"n" * 24,), "msg_1", str(now), body + b" ", signed, now) == -1
    assert wire.secret_bytes("whsec_no base64!") == b"whsec_no base64!"


def test_an_attempt_keeps_its_id_and_a_return_to_old_content_does_not() -> None:
    first, second = wire.payload("put_prospect", {"a": 1, "b": 2}), wire.payload("put_prospect", {"b": 2, "a": 1})
    assert first == second
    one = wire.message_id("put_prospect", first, "d1")
    assert one == wire.message_id("put_prospect", second, "d1")
    assert one != wire.message_id("put_prospect", first, "d2")
    assert one != wire.message_id("put_prospect", wire.payload("put_prospect", {"a": 2}), "d1")


# -- payloads ---------------------------------------------------------------------------------------------------------

CARD = CardPush(
    our_key="GC-1",
    property_ref="olf",
    person_key="PR-1",
    first_name="Noor \x00",
    last_name="",
    email="noor@example.com",
    phone="+17065550123",
    move_in=date(2027, 2, 1),
    bedrooms_min=0,
    budget_max_cents=150_000,
    source_name="zillow",
    comment="Is it \ud83d free?",
)
AT = CardAt(card_id="GC-1", property_ref="olf", our_key="GC-1")
PROFILE = Profile(name="t", vendor="webhook", base_url="https://crm.example.com/hook", sources={"zillow": "Zillow.com"})
EVENT = EventPush(our_event_key="IN-1", kind="email", at=NOW, text="half \ud83d a sign")
TASK = TaskPush(our_task_key="TK-1", title="Call", due_at=NOW)

SENT: dict[str, Callable[[], Json]] = {
    "check": dict,
    "put_prospect": lambda: wire.prospect(CARD, outgoing(CARD, PROFILE, CAPABILITIES).values),
    "add_event": lambda: wire.inquiry(AT, EVENT, ""),
    "put_task": lambda: wire.task(AT, replace(TASK, kind="appointment")),
    "merge_cards": lambda: wire.merged(AT, replace(AT, card_id="GC-2")),
    "unmerge_card": lambda: wire.parted(AT),
}


@pytest.mark.parametrize("op", OPS)
def test_payloads_are_as_documented(op: str) -> None:
    body = json.loads(wire.payload(op, SENT[op]()))
    checker = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
    checker.validate(body)
    with pytest.raises(jsonschema.ValidationError):
        checker.validate({**body, "data": {**body["data"], "income": 1}})


def test_the_schema_and_its_examples_are_sound() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for example in SCHEMA["examples"]:
        jsonschema.validate(example, SCHEMA)


def test_only_what_is_allowed_goes_out() -> None:
    narrow = replace(PROFILE, allowed_fields=frozenset({"last_name", "email"}))
    sent = wire.prospect(CARD, outgoing(CARD, narrow, CAPABILITIES).values)
    assert sent["fields"] == {"email": "noor@example.com", "last_name": "Unknown"}
