"""What one answer of the simulated PMS means: bytes in, ``Result`` out, for every way an answer can go wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsvc.workers.destinations import classifier
from leadsvc.workers.destinations.base import Outcome, Result
from leadsvc.workers.destinations.vendors.simpms.wire import READS, WRITES

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
CARD = {"guest_card": {"id": "p1", "person_id": "r1", "version": 3, "third_party_id": "GC-1"}, "kept": ["source"]}
JSON = {"Content-Type": "application/json"}
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


def judge(
    op: str, status: int, body: object = None, headers: dict[str, str] | None = None, **context: object
) -> Result:
    raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    return classifier("simpms")(op, status, headers or JSON, raw, {"received_at": NOW, **context})


def error(code: str, **fields: list[str]) -> dict[str, object]:
    return {"error": {"code": code, "message": "No.", "fields": fields}}


def test_created() -> None:
    result = judge("create_card", 201, CARD)
    assert (result.outcome, result.verified) == (Outcome.ACCEPTED, True)
    assert (result.card_id, result.person_id, result.version) == ("p1", "r1", "3")
    assert result.remote_id == "p1"
    assert result.kept == ("source_name",)


def test_the_remote_id_is_of_what_was_written() -> None:
    assert judge("add_event", 201, {"event": {"id": "e1", "card_id": "p1"}}).remote_id == "e1"
    assert judge("create_task", 201, {"task": {"id": "t1", "card_id": "p1"}}).remote_id == "t1"
    assert judge("update_task", 200, {"task": {"id": "t1", "card_id": "p1"}}).remote_id == "t1"


@pytest.mark.parametrize(
    "body", [{"guest_card": {"version": 1}}, {"guest_card": {"id": None}}, {"guest_card": {"id": ""}}]
)
def test_accepted_without_an_id_is_owed_a_look(body: object) -> None:
    result = judge("create_card", 200, body)
    assert (result.outcome, result.verified, result.card_id) == (Outcome.ACCEPTED, False, "")


def test_a_create_answered_200_is_owed_a_look() -> None:
    assert not judge("create_card", 200, CARD).verified
    assert judge("update_card", 200, CARD).verified


def test_an_id_may_be_a_number_and_a_mark_may_stand_in_front() -> None:
    body = b"\xef\xbb\xbf" + json.dumps({"guest_card": {"id": 17}}).encode()
    assert judge("create_card", 201, body).card_id == "17"


@pytest.mark.parametrize("op", sorted({**READS, **WRITES}))
@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b""), (200, HTML), (200, b'{"guest_ca'), (200, b"[]"), (200, b"{}"), (204, None), (200, b"\xff\xfe\x00")],
)
def test_a_good_status_with_nothing_in_it_is_unknown(op: str, status: int, body: bytes | None) -> None:
    result = judge(op, status, body)
    assert result.outcome is Outcome.RETRY
    assert result.verify_first is (op in WRITES)


@pytest.mark.parametrize("op", sorted({**READS, **WRITES}))
@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 520])
def test_trouble_there_is_tried_again(op: str, status: int) -> None:
    result = judge(op, status, HTML, {"Content-Type": "text/html"})
    assert (result.outcome, result.code) == (Outcome.RETRY, f"http_{status}")
    assert result.verify_first is (op in WRITES)


@pytest.mark.parametrize("status", [425, 429])
def test_too_fast_was_not_done(status: int) -> None:
    result = judge("create_card", status, error("slow_down"))
    assert (result.outcome, result.verify_first) == (Outcome.RETRY, False)


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("17", 17.0),
        ("0", 0.0),
        ("Fri, 20 Nov 2026 10:02:00 GMT", 120.0),
        ("Fri, 20 Nov 2026 09:00:00 GMT", 0.0),
        ("9" * 40, 86400.0),
        ("-5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after(words: str, seconds: float | None) -> None:
    assert judge("create_card", 503, b"", {"retry-after": words}).retry_after_s == seconds


def test_clock_of_the_command_line_is_text() -> None:
    headers = {"Retry-After": "Fri, 20 Nov 2026 10:02:00 GMT"}
    assert judge("create_card", 429, b"", headers, received_at="2026-11-20T10:00:00Z").retry_after_s == 120


def test_no_answer() -> None:
    lost = judge("create_card", 0, sent=True)
    assert (lost.outcome, lost.verify_first, lost.code) == (Outcome.RETRY, True, "no_answer")
    unsent = judge("create_card", 0, sent=False)
    assert (unsent.outcome, unsent.verify_first, unsent.code) == (Outcome.RETRY, False, "not_sent")
    assert not judge("search_cards", 0, sent=True).verify_first


@pytest.mark.parametrize("status", [401, 403, 407])
def test_credentials(status: int) -> None:
    assert judge("create_card", status, error("unauthorized")).outcome is Outcome.AUTH


def test_validation_names_our_fields_and_quotes_nobody() -> None:
    said = {"source": ["'Pigeon' is not a source"], "email": ["kim.lee@example.com is taken, call 918-555-0188"]}
    result = judge("create_card", 422, error("invalid", **said), known_remote_id="p9")
    assert (result.outcome, result.code, result.card_id) == (Outcome.REJECT, "invalid", "p9")
    assert set(result.field_errors) == {"source_name", "email"}
    assert "kim.lee" not in repr(result)
    assert "555" not in repr(result)


@pytest.mark.parametrize(
    ("code", "outcome", "look"),
    [
        ("version_conflict", Outcome.RETRY, True),
        ("already_merged", Outcome.DUPLICATE, False),
        ("not_merged", Outcome.DUPLICATE, False),
        ("merged", Outcome.REJECT, False),
        ("not_editable", Outcome.REJECT, False),
        ("never heard of", Outcome.REJECT, False),
    ],
)
def test_conflicts(code: str, outcome: Outcome, look: bool) -> None:
    result = judge("update_card", 409, error(code))
    assert (result.outcome, result.verify_first, result.code) == (outcome, look, code)


def test_not_found() -> None:
    read = judge("get_card", 404, error("no_such_card"))
    assert (read.outcome, read.empty) == (Outcome.ACCEPTED, True)
    assert judge("update_card", 404, error("no_such_card")).outcome is Outcome.REJECT
    elsewhere = judge("get_card", 404, HTML)
    assert elsewhere.outcome is Outcome.REJECT
    assert "base_url" in elsewhere.message


def test_a_redirect_is_for_a_person() -> None:
    result = judge("create_card", 302, b"", {"Location": "http://elsewhere.example.net/"})
    assert result.outcome is Outcome.REJECT
    assert "base_url" in result.message


def test_reads() -> None:
    assert judge("search_cards", 200, {"guest_cards": []}).empty
    found = judge("search_cards", 200, {"guest_cards": [{"id": "p1"}]})
    assert (found.outcome, found.empty) == (Outcome.ACCEPTED, False)
    assert judge("check", 200, {"ok": True}).ok


@given(
    op=st.sampled_from(sorted({**READS, **WRITES})),
    status=st.integers(0, 999),
    body=st.one_of(
        st.none(),
        st.binary(max_size=60),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["error", "fields", "guest_card", "id", "code", "kept"]), inner)
            ),
            max_leaves=8,
        ).map(lambda value: json.dumps(value).encode()),
    ),
    retry=st.text(max_size=12),
)
def test_any_bytes_are_judged(op: str, status: int, body: bytes | None, retry: str) -> None:
    result = judge(op, status, body, {"Retry-After": retry})
    assert result.retry_after_s is None or 0 <= result.retry_after_s <= 86400
    if result.outcome is Outcome.ACCEPTED and op in WRITES:
        assert result.remote_id or not result.verified


@pytest.mark.parametrize(
    "body", [b'{"guest_card": {"id": ' + b"9" * 5000 + b"}}", b"[" * 100_000, b'{"guest_card": 1}']
)
def test_towers_and_monsters(body: bytes) -> None:
    assert judge("create_card", 201, body).outcome is Outcome.RETRY


def test_half_characters_never_leave_an_answer() -> None:
    result = judge("create_card", 201, rb'{"guest_card": {"id": "p\ud800\u00001"}}')
    assert result.card_id == "p1"


def test_a_time_out_of_this_world_is_no_time() -> None:
    headers = {"Retry-After": "Fri, 20 Nov 99999999999 10:00:00 GMT"}
    result = judge("create_card", 429, b"", headers, received_at="0001-01-01T00:00:00+23:00")
    assert result.retry_after_s is None
