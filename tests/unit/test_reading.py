"""The recogniser's verdicts that no fixture shows: hints, two claimants, attached mails, lists with bad items."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from leadsvc.canonical import leads_from_canonical
from leadsvc.fieldmap import MapSet, load_maps
from leadsvc.model import Channel, Delivered, HintKind, Verdict
from leadsvc.reading import read

FIXTURES = Path(__file__).parent.parent / "fixtures"
AT = datetime(2026, 2, 3, 23, 30, tzinfo=UTC)
FORM = b"listingId=olf-9&email=ines.moreau%40example.org&moveInTimeframe=asap&brandNewKey=1"


@cache
def maps() -> MapSet:
    return load_maps()


def form(body: bytes, hint: str | None = None) -> Delivered:
    return Delivered(body, "application/x-www-form-urlencoded", Channel.HTTP, AT, map_hint=hint)


def posted(root: object) -> Delivered:
    return Delivered(json.dumps(root).encode(), "application/json", Channel.HTTP, AT)


def test_two_claimants_are_a_matter_for_a_person() -> None:
    ours = maps().maps["zillow_callback"]
    both = MapSet({**maps().maps, "copy": replace(ours, id="copy")}, maps().not_leads)
    got = read(form(FORM), both)
    assert (got.verdict, got.cause) == (Verdict.QUARANTINE, "ambiguous")
    assert "zillow_callback, copy" in got.detail
    assert read(form(FORM, "copy"), both).map_id == "copy"


def test_a_feed_reads_with_its_own_map_only() -> None:
    got = read(form(FORM, "apartments_com_mail"), maps())
    assert (got.verdict, got.cause) == (Verdict.QUARANTINE, "unknown_layout")
    assert "apartments_com_mail" in got.detail


def test_new_keys_are_shown_as_unused() -> None:
    assert read(form(FORM), maps()).leads[0].unused == ("brandNewKey",)


def test_asap_is_the_day_of_the_reception_in_its_own_offset() -> None:
    late = datetime.fromisoformat("2026-02-03T23:30:00-05:00")
    lead = read(replace(form(FORM), received_at=late), maps()).leads[0]
    assert lead.move_in is not None
    assert str(lead.move_in.value.on) == "2026-02-03"
    assert lead.move_in.value.words == "asap"


def test_a_mail_attached_to_another_is_read_with_the_outer_mailbox() -> None:
    inner = (FIXTURES / "zillow_convo_mail" / "zillow_convo.eml").read_bytes()
    outer = (
        b"From: Ana Ruiz <ana@cedarhollow.example.com>\r\nTo: leads+zzz@inbox.example.com\r\nSubject: lead\r\n"
        b"Content-Type: multipart/mixed; boundary=outer\r\n\r\n--outer\r\nContent-Type: text/plain\r\n\r\nsee here\r\n"
        b"--outer\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--outer--\r\n"
    )
    got = read(Delivered(outer, "message/rfc822", Channel.EMAIL, AT), maps())
    assert got.verdict is Verdict.LEADS
    tags = [hint.value.text for hint in got.leads[0].property_hints if hint.value.kind is HintKind.MAILBOX_TAG]
    assert tags == ["zzz"]


def test_the_envelope_is_trusted_before_the_to_header() -> None:
    body = (FIXTURES / "zillow_convo_mail" / "zillow_convo.eml").read_bytes()
    given = Delivered(
        body, "message/rfc822", Channel.EMAIL, AT, headers={"envelope-to": "leads+real@inbox.example.com"}
    )
    hints = read(given, maps()).leads[0].property_hints
    assert [hint.value.text for hint in hints if hint.value.kind is HintKind.MAILBOX_TAG] == ["real"]


def test_good_items_of_a_list_are_kept() -> None:
    body = json.dumps([{"listingId": "a", "email": "a.b@example.com"}, {"listingId": "b", "email": "none@none.com"}])
    got = read(Delivered(body.encode(), "application/json", Channel.HTTP, AT), maps())
    assert (len(got.leads), got.positions, [error.index for error in got.errors]) == (1, (0,), [1])


def test_people_in_a_wrapper_are_a_lead_each_by_their_own_map() -> None:
    ann = {"name": "Ann Lee", "email": "ann.lee@example.com", "message": "One"}
    bo = {"name": "Bo", "phone": "(706) 555-0181", "message": "Two"}
    zillow = {"listingId": "olf-9", "name": "Cy Ode", "email": "cy.ode@example.com", "movingDate": "20260401"}
    found = read(posted({"leads": [ann, bo]}), maps())
    assert [(len(lead.emails), len(lead.phones)) for lead in found.leads] == [(1, 0), (0, 1)]
    found = read(posted({"data": {"leads": [ann, zillow]}}), maps())
    assert [lead.map_id for lead in found.leads] == ["website_form", "zillow_callback"]


def test_an_object_that_a_relay_put_around_is_taken_off() -> None:
    call = {"resource_id": "CAL9", "customer_phone_number": "+12535550145", "tracking_phone_number": "+12535550199"}
    found = read(posted({"event": "post_call", "call": call}), maps())
    assert found.map_id == "callrail_call"
    assert [lead.external_id.value for lead in found.leads if lead.external_id] == ["CAL9"]


def test_what_is_no_object_in_a_list_costs_no_lead() -> None:
    found = read(posted([{"name": "Ann Lee", "email": "ann.lee@example.com"}, "words", 7]), maps())
    assert len(found.leads) == 1
    assert [error.index for error in found.errors] == [1, 2]


def test_what_the_wrapper_says_of_the_property_holds_for_each() -> None:
    body = {"property": "Oakline Lofts", "leads": [{"name": "Ann Lee", "email": "ann.lee@example.com"}, {"foo": 1}]}
    found = read(posted(body), maps())
    assert [hint.value.text for hint in found.leads[0].property_hints] == ["Oakline Lofts"]
    assert len(found.errors) == 1


def test_questions_and_answers_are_one_lead() -> None:
    answers = [{"name": "Email", "value": "ann.lee@example.com"}, {"name": "Name", "value": "Ann Lee"}]
    found = read(posted({"data": answers}), maps())
    assert [lead.name.value.text for lead in found.leads if lead.name] == ["Ann Lee"]


def test_canonical_errors_name_their_fields() -> None:
    items = [
        {"email": "ann@example.com", "occurred_at": "2026-02-03T10:00:00", "bedrooms": {"min": "x"}},
        "text",
        {"person": {"given": ["a"]}, "phone": "706-555-0101"},
        {"phone": "555-0101"},
        {"email": "ann@example.com"},
    ]
    leads, positions, errors = leads_from_canonical(items, AT)
    assert positions == (4,)
    assert len(leads) == 1
    assert [sorted(error.errors) for error in errors] == [
        ["/bedrooms", "/occurred_at"],
        [""],
        ["/person/given"],
        ["", "/phone"],
    ]


def test_canonical_takes_a_thousand_at_most() -> None:
    leads, _, errors = leads_from_canonical([{"email": "ann@example.com"}] * 1_001, AT)
    assert leads == ()
    assert "1,001" in errors[0].errors[""][0]
