"""Whatever is sent, the answer is one of those that are promised, the process lives, and what was authenticated is kept
byte for byte (P8, P1)."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadsvc import logs
from leadsvc.model import Lead
from leadsvc.store.tables import receipts
from tests.integration.api_support import Door, door

STATUSES = {"accepted", "duplicate", "quarantined", "not_lead"}


@pytest.fixture
def api(store_url: str, tmp_path: Path) -> Iterator[Door]:
    with door(store_url, tmp_path) as opened:
        yield opened


_BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">%s]><adf><prospect><name>&z;</name></prospect></adf>'
    % (b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(25)))
)
_XXE = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><adf><prospect>&x;</prospect></adf>"""
PAYLOADS: dict[str, tuple[str, bytes]] = {
    "empty": ("application/json", b""),
    "xxe": ("application/xml", _XXE),
    "remote dtd": ("text/xml", b'<!DOCTYPE a SYSTEM "http://192.0.2.1/x.dtd"><a/>'),
    "entity bomb": ("application/xml", _BOMB),
    "deep json": ("application/json", b"[" * 200_000 + b"]" * 200_000),
    "deep objects": ("application/json", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "deep xml": ("application/xml", b"<a>" * 100_000),
    "deep html": ("message/rfc822", b"Content-Type: text/html\r\n\r\n" + b"<div>" * 100_000),
    "invalid utf-8": ("application/json", b'{"name": "\xff\xfe\x80"}'),
    "utf-16": ("application/json", '{"name": "Rosa Example"}'.encode("utf-16")),
    "zero bytes": ("application/json", b'{"name": "Rosa\x00Example"}'),
    "escaped zero": ("application/json", b'{"name": "Rosa\\u0000Example", "email": "rosa@example.com"}'),
    "half a surrogate": ("application/json", b'{"message": "\\ud83d", "email": "rosa@example.com"}'),
    "duplicate keys": ("application/json", b'{"email": "a@example.com", "email": "b@example.com"}'),
    "not a number": ("application/json", b'{"budget": NaN, "email": "rosa@example.com"}'),
    "infinity": ("application/json", b'{"budget": -Infinity, "occupants": 1e999}'),
    "huge integer": ("application/json", b'{"occupants": ' + b"9" * 100_000 + b"}"),
    "list of nothing": ("application/json", b"[{}, {}]"),
    "scalar": ("application/json", b'"rosa"'),
    "null": ("application/json", b"null"),
    "null members": ("application/json", b'{"name": null, "email": null, "phone": null}'),
    "wrong shapes": (
        "application/json",
        b'{"name": [], "email": {"a": 1}, "phone": 5, "property": [[]], "message": {}}',
    ),
    "wrong type": ("application/pdf", b'{"email": "rosa@example.com"}'),
    "no type": ("", b'{"email": "rosa@example.com"}'),
    "odd type": ("; ;; charset=\x7f", b"x=1"),
    "odd charset": ("application/json; charset=utf-7", b"+ADw-"),
    "bad boundary": ("multipart/form-data; boundary=", b"--\r\n\r\n"),
    "multipart": (
        "multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="email"\r\n\r\nrosa@example.com\r\n--b--\r\n',
    ),
    "many parts": (
        "multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * 20_000 + b"--b--\r\n",
    ),
    "many fields": ("application/x-www-form-urlencoded", b"&".join(b"f%d=%d" % (n, n) for n in range(100_000))),
    "bad escapes": ("application/x-www-form-urlencoded", b"name=%ff%00%zz&email=%"),
    "formula": ("application/json", b'{"name": "=cmd|\' /C calc\'!A0", "email": "rosa@example.com"}'),
    "script": ("application/json", b'{"name": "<script>alert(1)</script>", "email": "rosa@example.com"}'),
    "gzip": ("application/json", gzip.compress(b'{"a": "' + b"a" * 1_000_000 + b'"}')),
    "binary": ("application/octet-stream", bytes(range(256)) * 1000),
    "line of text": ("text/plain", b"a" * 1_900_000),
}


@pytest.mark.parametrize("case", PAYLOADS)
def test_native_is_always_recorded_and_answered(api: Door, case: str) -> None:
    kind, body = PAYLOADS[case]
    answer = api.client.post("/v1/leads/fast", data=body, headers=api.bearer("fast") | {"Content-Type": kind})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    told = answer.get_json()
    assert told["status"] in STATUSES
    (kept,) = api.rows(receipts)
    assert (str(kept["id"]), kept["body"]) == (told["receipt"], body)
    assert kept["state"] != "pending"


@pytest.mark.parametrize("case", PAYLOADS)
def test_canonical_answers_200_or_a_problem_and_records(api: Door, case: str) -> None:
    kind, body = PAYLOADS[case]
    answer = api.client.post("/v1/leads", data=body, headers=api.bearer("canonical") | {"Content-Type": kind})
    assert answer.status_code in {200, 422}, answer.get_data(as_text=True)
    told = answer.get_json()
    if answer.status_code == 422:
        assert answer.mimetype == "application/problem+json"
        assert {"type", "title", "status", "detail", "code", "receipt"} <= set(told)
    (kept,) = api.rows(receipts)
    assert (str(kept["id"]), kept["body"]) == (told["receipt"], body)


@pytest.mark.parametrize("case", PAYLOADS)
def test_test_mode_survives_the_same_and_writes_nothing(api: Door, case: str) -> None:
    kind, body = PAYLOADS[case]
    answer = api.client.post("/v1/leads/fast?test=1", data=body, headers=api.bearer("fast") | {"Content-Type": kind})
    assert answer.status_code == 200
    assert api.count(receipts) == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=15), inner, max_size=5),
    max_leaves=25,
)
FIELDS = st.sampled_from(
    [*(field.name for field in dataclasses.fields(Lead)), "person", "email", "phone", "property", "unit", "floor_plan"]
)
FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(st.dictionaries(FIELDS, JSON, max_size=8) | st.lists(st.dictionaries(FIELDS, JSON, max_size=4), max_size=4))
def test_any_json_on_canonical(api: Door, payload: object) -> None:
    answer = api.client.post("/v1/leads", json=payload, headers=_kept(api, "canonical"))
    assert answer.status_code in {200, 422}, answer.get_data(as_text=True)
    assert "receipt" in answer.get_json()


@FUZZ
@given(JSON, st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/xml", "text/plain"]))
def test_any_bytes_natively(api: Door, payload: object, kind: str) -> None:
    body = json.dumps(payload).encode()
    answer = api.client.post("/v1/leads/fast", data=body, headers=_kept(api, "fast") | {"Content-Type": kind})
    assert answer.status_code == 200


_PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)


@FUZZ
@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"]),
    st.sampled_from(
        ["leads", "leads/fast", "hooks/x", "receipts", "guest-cards", "prospects", "exceptions", "decisions"]
    ),
    st.lists(st.text(max_size=12), max_size=3),
    st.dictionaries(
        st.sampled_from(["q", "property", "since", "cursor", "limit", "kind", "test"]), st.text(max_size=40)
    ),
    st.dictionaries(st.sampled_from(["Idempotency-Key", "webhook-id", "X-Odd", "Range", "If-None-Match"]), _PRINTABLE),
)
def test_any_address_any_headers(
    api: Door, method: str, head: str, rest: list[str], query: dict[str, str], headers: dict[str, str]
) -> None:
    path = "/v1/" + "/".join([head, *(quote(part, safe="") for part in rest)])
    for credential in (_kept(api, "fast"), _kept(api, None)):
        answer = api.client.open(path, method=method, query_string=query, headers=headers | credential, json={})
        assert answer.status_code < 500, answer.get_data(as_text=True)
        if answer.status_code >= 400 and method != "HEAD":
            assert answer.mimetype == "application/problem+json"
            assert {"type", "title", "status", "detail", "code"} <= set(answer.get_json())


def _kept(api: Door, feed: str | None) -> dict[str, str]:
    """One credential for all examples of a test."""
    kept: dict[str | None, dict[str, str]] = api.app.extensions.setdefault("test.kept", {})
    if feed not in kept:
        kept[feed] = api.bearer(feed, "feed" if feed else "staff:write")
    return kept[feed]


@pytest.mark.parametrize("key", ["a" * 5000, "ключ", "a\tb", " "])
def test_odd_idempotency_keys(api: Door, key: str) -> None:
    headers = api.bearer("fast") | {"Idempotency-Key": key.encode().decode("latin-1")}
    first = api.client.post("/v1/leads/fast", data=b"x=1", headers=headers)
    again = api.client.post("/v1/leads/fast", data=b"x=1", headers=headers)
    assert first.status_code == again.status_code == 200
    if key.strip():
        assert first.get_json() == again.get_json()


def test_what_nobody_thought_of_is_a_problem_with_a_number(api: Door) -> None:
    written = io.StringIO()
    logs.configure("INFO", written)

    def explode(**_: str) -> str:
        raise ValueError("rosa@example.com")

    api.app.view_functions["reading.prospect"] = explode
    api.app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = api.client.get("/v1/prospects/P-22222222", headers=api.staff())
    assert answer.status_code == 500
    told = answer.get_json()
    assert (told["code"], answer.mimetype) == ("internal", "application/problem+json")
    assert told["correlation"] in told["detail"]
    assert told["correlation"] in written.getvalue()
    assert '"error":"ValueError"' in written.getvalue()
    assert "rosa" not in written.getvalue() + answer.get_data(as_text=True)
