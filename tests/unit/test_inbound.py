"""The same mail by any provider, by file or raw is the same lead, value by value."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsvc.cli.parse import delivered
from leadsvc.fieldmap import MapSet, load_maps
from leadsvc.flat import row_of
from leadsvc.model import Channel, Delivered, Reading, Verdict
from leadsvc.normalize.records import KeyedRecord, MailRecord
from leadsvc.parsers import records
from leadsvc.reading import read
from tests import inbound

FIXTURES = Path(__file__).parent.parent / "fixtures"
MAILS = sorted(FIXTURES.glob("*/*.eml"))
WHEN = datetime(2026, 2, 10, 15, tzinfo=UTC)
PLAIN = (
    b"From: Ines Example <ines@example.com>\r\nTo: leasing@example.org\r\nSubject: Caf\xc3\xa9 flat\r\n"
    b"Message-ID: <m1@example.com>\r\nDate: Tue, 10 Feb 2026 09:00:00 -0500\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\nIs the caf\xc3\xa9 flat free?\r\n"
)


@cache
def maps() -> MapSet:
    return load_maps()


def reading(body: bytes, content_type: str, headers: dict[str, str] | None = None) -> Reading:
    return read(Delivered(body, content_type, Channel.HTTP, WHEN, headers or {}), maps())


def test_there_are_mails_to_try() -> None:
    assert len(MAILS) > 20


@pytest.mark.parametrize("provider", inbound.PROVIDERS)
@pytest.mark.parametrize("mail", MAILS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_same_lead(mail: Path, provider: str) -> None:
    raw = mail.read_bytes()
    if provider in inbound.LOSSY and not _is_utf8(raw):
        pytest.skip("bytes that are no UTF-8 do not survive this way")
    direct = reading(raw, "message/rfc822", {"envelope-to": inbound.RECIPIENT})
    posted = inbound.PROVIDERS[provider](inbound.taken(raw))
    got = reading(posted.body, posted.content_type)
    assert (got.verdict, got.cause) == (direct.verdict, direct.cause)
    assert got.message_id == direct.message_id
    assert [row_of(lead) for lead in got.leads] == [row_of(lead) for lead in direct.leads]
    assert [replace(lead, unused=()) for lead in got.leads] == [replace(lead, unused=()) for lead in direct.leads]


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def mail_of(posted: inbound.Posted) -> MailRecord:
    [found] = records(posted.body, posted.content_type, {})
    assert isinstance(found, MailRecord)
    return found


def test_the_envelope_gives_the_tag() -> None:
    for provider, post in inbound.PROVIDERS.items():
        assert mail_of(post(inbound.taken(PLAIN))).recipients[0] == inbound.RECIPIENT, provider


@pytest.mark.parametrize("provider", inbound.PROVIDERS)
@pytest.mark.parametrize("name", ["hook.form", "hook.multipart", "hook.txt", "hook"])
def test_a_file_without_headers(provider: str, name: str) -> None:
    posted = inbound.PROVIDERS[provider](inbound.taken(PLAIN))
    sent = delivered(Path(name), posted.body, WHEN, None)
    assert mail_of(inbound.Posted(sent.body, sent.content_type)).header("message-id") == "<m1@example.com>"


def test_a_saved_request_with_its_header() -> None:
    posted = inbound.sendgrid(inbound.taken(PLAIN))
    saved = f"Content-Type: {posted.content_type}\r\n\r\n".encode() + posted.body
    assert mail_of(inbound.Posted(saved, "")).sender.address == "ines@example.com"


def test_fields_in_the_charset_that_is_named() -> None:
    mail = inbound.taken(PLAIN.replace(b"caf\xc3\xa9 flat free", "caf\xe9 „Süd” frei".encode()))
    assert "café" in mail_of(inbound.sendgrid(inbound.taken(PLAIN))).text
    assert "„Süd”" in mail_of(inbound.sendgrid(mail)).text


def test_a_form_that_a_relay_posted_on_as_json() -> None:
    envelope = {"to": ["leads+chd@inbox.example.com"], "from": "ines@example.com"}
    fields = {
        "headers": "From: Ines Example <ines@example.com>\nSubject: Café flat\n",
        "text": "Is the café flat free?",
        "charsets": '{"text":"iso-8859-1"}',
        "attachments": 0,
        "html": None,
    }
    for each in (json.dumps(envelope), envelope):
        mail = mail_of(inbound.Posted(json.dumps(fields | {"envelope": each}).encode(), "application/json"))
        assert (mail.sender.address, mail.text) == ("ines@example.com", "Is the café flat free?")
        assert "leads+chd@inbox.example.com" in mail.recipients
    routed = {"recipient": "leads+chd@inbox.example.com", "from": "Ines <ines@example.com>", "body-plain": "café"}
    listed = [["Subject", "Café"]]
    for pairs in (json.dumps(listed), listed):
        mail = mail_of(inbound.Posted(json.dumps(routed | {"message-headers": pairs}).encode(), "application/json"))
        assert (mail.sender.address, mail.subject, mail.text.strip()) == ("ines@example.com", "Café", "café")


def sendgrid_text(text: bytes) -> str:
    fields = {"headers": b"From: a@example.com\nSubject: x\n", "envelope": b'{"to":["x@example.org"]}', "SPF": b"pass"}
    return mail_of(inbound.multipart(fields | {"text": text, "charsets": b'{"text":"UTF-8"}'})).text


def test_quoted_printable_left_over() -> None:
    assert (
        sendgrid_text(b"Name: Ines=20\nIs the caf=C3=A9 near=\n by? 1 =3D 1")
        == "Name: Ines \nIs the café near by? 1 = 1"
    )
    assert sendgrid_text(b"see https://example.com/?unit=4B&id=7F") == "see https://example.com/?unit=4B&id=7F"
    assert sendgrid_text(b"a = b=20\n and =3D") == "a = b=20\n and =3D"


def cause(posted: inbound.Posted) -> str:
    return reading(posted.body, posted.content_type).cause


def test_what_ses_says_without_a_mail() -> None:
    s3 = inbound.sns(inbound.ses_message("", type="S3", bucketName="inbound-mail", objectKey="o3vrnil0e2"))
    assert cause(s3) == "mail_elsewhere"
    assert "s3://inbound-mail/o3vrnil0e2" in reading(s3.body, s3.content_type).detail
    hostile = inbound.sns(inbound.ses_message("", type="S3", bucketName="x", objectKey="<script>"))
    assert "<script>" not in reading(hostile.body, hostile.content_type).detail
    assert cause(inbound.sns("", Type="SubscriptionConfirmation", Token="t")) == "subscription"
    assert cause(inbound.sns("", Type="UnsubscribeConfirmation", Token="t")) == "unsubscribed"
    assert cause(inbound.sns("Successfully validated SNS topic for Amazon SES event publishing.")) == "provider_notice"
    assert cause(inbound.sns(json.dumps({"notificationType": "Bounce", "mail": {}}))) == "provider_notice"


def test_ses_without_the_envelope_of_sns() -> None:
    bare = inbound.Posted(inbound.ses_message(PLAIN.decode()).encode(), "text/plain")
    assert mail_of(bare).subject == "Café flat"


def test_a_website_form_as_multipart() -> None:
    posted = inbound.multipart(
        {"first_name": b"Ines", "last_name": "Exámple".encode()}, [("cv", "a.txt", "text/plain", b"x")]
    )
    for content_type in (posted.content_type, "multipart/form-data", ""):
        [found] = records(posted.body, content_type, {})
        assert isinstance(found, KeyedRecord)
        assert found.values == {"firstname": "Ines", "lastname": "Exámple"}


def test_broken_forms_are_quarantined() -> None:
    posted = inbound.sendgrid(inbound.taken(PLAIN))
    assert cause(inbound.Posted(posted.body[:-40], posted.content_type)) == "malformed"
    assert cause(inbound.Posted(b"--", "multipart/form-data")) == "malformed"
    many = {f"f{n}": b"" for n in range(1_200)}
    assert cause(inbound.multipart(many)) == "malformed"


def test_a_header_cannot_be_smuggled_in() -> None:
    root = json.loads(inbound.postmark(inbound.taken(PLAIN)).body)
    root["Subject"] = "Hello\r\nDelivered-To: other@example.org\r\n\r\nbody"
    root["Headers"].append({"Name": "X-A\r\nBcc", "Value": "b@example.org"})
    mail = mail_of(inbound.Posted(json.dumps(root).encode(), "application/json"))
    assert "other@example.org" not in mail.recipients
    assert not mail.headers.keys() & {"bcc", "delivered-to"}


def test_leads_named_by_id() -> None:
    entry = {"id": "1", "time": 1, "changes": [{"field": "leadgen", "value": {"leadgen_id": 444, "page_id": "1"}}]}
    root = {
        "object": "page",
        "entry": [entry, entry, entry | {"changes": [{"field": "leadgen", "value": {"leadgen_id": "555"}}]}],
    }
    found = reading(json.dumps(root).encode(), "application/json")
    assert (found.verdict, found.cause) == (Verdict.NOT_LEAD, "pointer")
    assert [each.ref for each in found.pointers] == ["444", "555"]
    root["entry"] = [{"changes": [{"field": "leadgen", "value": {"leadgen_id": "../me"}}]}]
    assert reading(json.dumps(root).encode(), "application/json").cause == "provider_notice"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda each: st.lists(each) | st.dictionaries(st.text(), each),
    max_leaves=10,
)
HOOKS = [json.loads(inbound.PROVIDERS[name](inbound.taken(PLAIN)).body) for name in ("postmark", "cloudmailin", "ses")]


@given(st.sampled_from(HOOKS), st.data())
def test_any_value_anywhere_is_a_reading(hook: dict[str, object], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(hook)))
    changed = hook | {name: data.draw(json_values)}
    reading(json.dumps(changed).encode("utf-8", "replace"), "application/json")


@given(st.binary(max_size=300), st.integers(0, 1_000), st.sampled_from(["sendgrid", "mailgun_mime"]))
def test_any_bytes_in_a_form_are_a_reading(junk: bytes, place: int, provider: str) -> None:
    posted = inbound.PROVIDERS[provider](inbound.taken(PLAIN))
    reading(posted.body[:place] + junk + posted.body[place:], posted.content_type)


def test_a_mail_with_large_attachments_and_nothing_else_that_large() -> None:
    root = json.loads(inbound.postmark(inbound.taken(PLAIN)).body)
    root["Attachments"] = [{"Name": "a.jpg", "ContentType": "image/jpeg", "Content": "A" * 8_000_000}]
    assert mail_of(inbound.Posted(json.dumps(root).encode(), "application/json")).subject == "Café flat"
    assert cause(inbound.Posted(b"[" + b"{}," * 2_000_000 + b"{}]", "application/json")) == "too_large"
    root["Attachments"][0]["Content"] = "A" * 41_000_000
    assert cause(inbound.Posted(json.dumps(root).encode(), "application/json")) == "too_large"
