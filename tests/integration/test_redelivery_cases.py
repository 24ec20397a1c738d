"""The same thing told again (P2): by the sender's id, by what it says; corrected, late, replayed, in one delivery."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from leadsvc.fieldmap import load_maps
from leadsvc.store.tables import deliveries, exceptions, fates, inquiries, match_decisions, receipts, revisions, tasks
from tests import inbound
from tests.integration.test_way_of_a_lead import zillow
from tests.renters import Office, parts, written

ROSA = ("Rosa Berg", "rosa@example.com", "0120")
MAPS = Path(__file__).parents[2] / "mappings"
FIXTURES = Path(__file__).parents[1] / "fixtures"
A_MAIL = "zillow_group_mail/zillow_group.eml"
QUESTION = "Is the two bedroom on the ground floor still free?"


def told(office: Office) -> int:
    return office.world.count(inquiries)


def found(office: Office) -> list[tuple[str, str]]:
    return [(row["fate"], row["reason"]) for row in office.world.rows(fates)]


# -- by what it says --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hours", "seconds", "status"), [(24, 0, "duplicate"), (24, 1, "accepted")])
def test_the_same_message_within_a_day(office: Office, hours: int, seconds: int, status: str) -> None:
    office.lead(QUESTION, *ROSA)
    office.forward(hours=hours, seconds=seconds)
    assert office.lead(QUESTION, *ROSA) == status


@pytest.mark.parametrize(
    "changed",
    [
        {"message": "Another question"},
        {"email": "other@example.com", "phone": "0121", "name": "Ken Mori"},
        {"home": "olf"},
        {"source": "zillow"},
    ],
    ids=["message", "renter", "property", "source"],
)
def test_each_of_renter_property_source_and_message_alone_makes_another_inquiry(
    office: Office, changed: dict[str, Any]
) -> None:
    lead: dict[str, Any] = {"message": QUESTION, "name": ROSA[0], "email": ROSA[1], "phone": ROSA[2]}
    office.lead(**lead)
    assert office.lead(**lead) == "duplicate"
    assert office.lead(**lead | changed) == "accepted"


def test_however_the_same_words_are_set_they_are_the_same(office: Office) -> None:
    office.lead(QUESTION, *ROSA)
    assert office.lead(f"  {QUESTION.upper()}\n\n", *ROSA) == "duplicate"


def mail(name: str, message_id: str) -> bytes:
    """One of the mails that maps are tested with, under another Message-ID."""
    body = (FIXTURES / name).read_bytes()
    return re.sub(rb"(?im)^message-id:.*$", f"Message-ID: <{message_id}@example.com>".encode(), body, count=1)


def test_a_mail_whose_message_id_was_seen_is_the_same_mail(office: Office) -> None:
    assert office.world.mail(mail(A_MAIL, "m1")).body["status"] == "accepted"
    office.forward(days=3)
    assert office.world.mail(mail(A_MAIL, "m1")).body["status"] == "duplicate"
    assert office.world.mail(mail(A_MAIL, "m2")).body["status"] in {"accepted", "duplicate"}
    assert told(office) in (1, 2)


@pytest.mark.parametrize("provider", inbound.PROVIDERS)
def test_a_mail_and_its_web_hook_are_one(office: Office, provider: str) -> None:
    raw = f"Delivered-To: {inbound.RECIPIENT}\r\n".encode() + mail(A_MAIL, "m1")
    assert office.world.mail(raw).body["status"] == "accepted"
    office.forward(days=3)
    posted = inbound.PROVIDERS[provider](inbound.taken(raw))
    body = posted.body.replace(b"{@example.org : pass}", b"{@zillowrentals.com : pass}")  # as SendGrid finds it
    assert office.world.send(body, posted.content_type, "mail").body["status"] == "duplicate"
    assert told(office) == 1


def test_a_call_back_and_the_canonical_copy_of_it_are_one(office: Office) -> None:
    office.world.send(zillow(message=QUESTION))
    copy = written(QUESTION, "Rosa Lindqvist", None, None, source="zillow", emails=["3f2a@convo.zillow.com"])
    assert office.leads([copy]) == ["duplicate"]
    office.forward(days=2)
    assert office.leads([copy | {"emails": ["9b1c@convo.zillow.com"]}]) == ["accepted"]


def test_what_was_written_on_two_days_and_arrives_on_one_is_two_inquiries(office: Office) -> None:
    now = office.world.clock.now
    for days in (20, 10):
        assert office.lead(QUESTION, *ROSA, occurred_at=(now - timedelta(days=days)).isoformat()) == "accepted"
    assert told(office) == 2


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("form", "duplicate"),
        ("email", "duplicate"),
        ("call", "accepted"),
        ("text", "accepted"),
        ("walk_in", "accepted"),
    ],
)
def test_saying_nothing_twice(office: Office, kind: str, status: str) -> None:
    office.lead(None, *ROSA, contact_type=kind)
    office.forward(minutes=5)
    assert office.lead(None, *ROSA, contact_type=kind) == status


def test_a_repetition_may_bring_the_phone_that_connects_two_people(office: Office) -> None:
    office.lead("a", "Rosa Berg", "rosa@example.com", None)
    office.lead("b", None, None, "0120")
    assert len(office.people()) == 2
    assert office.lead("a", *ROSA) == "duplicate"
    assert office.people() == parts("a b")
    office.settle()
    assert office.remote_people() == 1


def test_a_repetition_of_a_lead_in_review_goes_to_its_own_card(office: Office) -> None:
    office.wary()
    office.lead("a", *ROSA)
    office.forward(days=2)
    office.lead("b", "Anders Berg", "rosa@example.com", None)
    assert office.decided("b")["verdict"] == "review"
    assert office.lead("b", "Anders Berg", "rosa@example.com", None) == "duplicate"
    assert told(office) == 2


# -- by the sender's id -----------------------------------------------------------------------------------------------


def card(office: Office) -> Any:
    (only,) = office.remote()
    return only


def test_a_correction_changes_what_is_known_and_nothing_else(office: Office) -> None:
    office.lead("a", "Rosa Berg", "rosa@example.com", "0187", external_id="A-1")
    office.settle()
    assert office.lead("a", *ROSA, external_id="A-1") == "revised"
    assert office.lead("a", *ROSA, external_id="A-1") == "duplicate"
    office.settle()
    assert (told(office), office.world.count(tasks), len(office.remote())) == (1, 1, 1)
    assert card(office)["phone"] == "+19185550120"
    # Nobody is found any more by what was wrong.
    office.lead("b", None, None, "0187")
    assert office.people() == parts("a", "b")


def test_a_late_copy_of_what_was_corrected_brings_nothing_back(office: Office) -> None:
    wrong, right = ("Rosa Berg", "rosa@example.com", "0129"), ROSA
    office.lead("a", *wrong, external_id="A-1")
    assert office.lead("a", *wrong, external_id="A-1") == "duplicate"
    office.forward(minutes=5)
    assert office.lead("a", *right, external_id="A-1") == "revised"
    assert office.person("a")["golden"]["phones"] == ["+19185550120"]


def test_a_stale_correction_that_was_left_behind_is_told_and_changes_nothing(office: Office) -> None:
    office.lead("a", "Rosa Berg", "rosa@example.com", "0129", external_id="A-1")
    start = office.world.clock.now
    office.forward(minutes=10)
    office.lead("a", *ROSA, external_id="A-1")
    newest = office.world.clock.now
    office.world.clock.now = start + timedelta(minutes=5)
    assert office.lead("a", "Rosa Berg", "rosa@example.com", "0128", external_id="A-1") == "duplicate"
    office.world.clock.now = newest
    assert office.person("a")["golden"]["phones"] == ["+19185550120"]
    assert ("redelivery", "same id of the sender, older than the content on record") in found(office)


def test_replaying_the_original_after_a_correction_flips_nothing_back(office: Office) -> None:
    office.lead("a", "Rosa Berg", "rosa@example.com", "0129", external_id="A-1")
    office.forward(minutes=5)
    office.lead("a", *ROSA, external_id="A-1")
    office.settle()
    before = picture(office)
    for _ in range(2):
        office.actions.replay([row["id"] for row in office.world.rows(receipts)], "tester")
        assert picture(office) == before


def picture(office: Office) -> Any:
    """What a replay must not change."""
    rows = [
        (row["id"], row["revision"], json.dumps(row["lead"], sort_keys=True)) for row in office.world.rows(inquiries)
    ]
    owed = office.world.count(deliveries)
    states = sorted((str(row["id"]), row["state"]) for row in office.world.rows(receipts))
    kinds = sorted((str(row["receipt_id"]), row["position"], row["fate"]) for row in office.world.rows(fates))
    return sorted(rows), owed, states, kinds, office.world.count(revisions), office.people(), office.cards()


def test_a_correction_may_connect_two_people(office: Office) -> None:
    office.lead("a", "Rosa Berg", "rosa@example.com", None)
    office.lead("b", "Rosa Berg", None, "0120")
    office.lead("c", "Rosa Berg", None, "0121", external_id="C-1")
    assert office.lead("c", "Rosa Berg", "rosa@example.com", "0120", external_id="C-1") == "revised"
    assert office.people() == parts("a b c")
    office.settle()
    assert office.remote_people() == 1


def test_corrections_within_one_delivery(office: Office) -> None:
    office.lead("stored", "Rosa Berg", "rosa@example.com", "0129", external_id="S-1")
    items = [
        written("fresh", "Ken Mori", "ken@example.com", phone, external_id="F-1") for phone in ("0131", "0132", "0133")
    ]
    items += [
        written("stored", "Rosa Berg", "rosa@example.com", phone, external_id="S-1") for phone in ("0121", "0122")
    ]
    office.forward(minutes=1)
    assert office.leads(items) == ["accepted", "revised", "revised", "revised", "revised"]
    assert office.inquiry("fresh").revision == 3
    assert office.inquiry("stored").revision == 3
    assert office.person("fresh")["golden"]["phones"] == ["+19185550133"]
    assert office.person("stored")["golden"]["phones"] == ["+19185550122"]
    assert {row["why"] for row in office.world.rows(revisions)} == {"sender"}
    office.settle()
    before = picture(office)
    office.actions.replay([row["id"] for row in office.world.rows(receipts)], "tester")
    assert picture(office) == before


def test_a_corrected_message_is_told_to_the_pms(office: Office) -> None:
    office.leads([written("first words", *ROSA, external_id="A-1"), written("better words", *ROSA, external_id="A-1")])
    office.settle()
    assert len(office.world.pms.state()["events"]) in (1, 2)
    assert any("better words" in json.dumps(event) for event in office.world.pms.state()["events"])


def test_a_correction_that_names_the_property_places_the_card(office: Office) -> None:
    office.lead("a", *ROSA, home="Nowhere Gardens", external_id="A-1")
    office.settle()
    assert office.lead("a", *ROSA, external_id="A-1") == "revised"
    office.settle()
    assert {row["state"] for row in office.world.rows(deliveries)} == {"acknowledged"}
    assert office.asked("unplaced_card") == []


def test_ids_of_two_senders_are_two_ids(office: Office) -> None:
    office.lead("a", *ROSA, external_id="A-1")
    body = json.dumps(written("b", "Ken Mori", "ken@example.com", "0131", external_id="A-1")).encode()
    assert office.world.send(body, "application/json", "mail").body["status"] == "accepted"
    assert office.people() == parts("a", "b")


# -- replay -----------------------------------------------------------------------------------------------------------


NEW_MAP = """
id: harbour_site
version: 1
owner: integrations
source: website
contact_type: form
formats: [json]
provenance: {confidence: documented, rests_on: [a test]}
recognise: [{keys: [renter, reach, where]}]
required: [email]
fields:
  name: {key: renter}
  email: {key: reach}
  property_name: {key: where}
  message: {key: words}
"""


def test_a_quarantined_receipt_is_replayed_after_its_map_was_added(office: Office, tmp_path: Path) -> None:
    lead = {"renter": "Rosa Berg", "reach": "rosa@example.com", "where": "Cedar Hollow", "words": "a"}
    answer = office.world.send(json.dumps(lead).encode(), "application/json", "mail")
    assert answer.body["status"] == "quarantined"
    (receipt,) = office.world.rows(receipts)
    assert office.asked("quarantined") == ["unknown_layout"]
    assert office.actions.replay([receipt["id"]], "tester")[0]["after"] == "quarantined"
    assert office.world.count(exceptions) == 1
    folder = shutil.copytree(MAPS, tmp_path / "maps")
    (folder / "harbour_site.yaml").write_text(NEW_MAP)
    office.world.services.intake.maps = load_maps(folder)
    for _ in range(2):
        assert office.actions.replay([receipt["id"]], "tester")[0]["after"] == "processed"
        assert (told(office), office.asked("quarantined"), office.world.count(fates)) == (1, [], 0)
    assert office.person("a")["golden"]["email"]["value"] == "rosa@example.com"


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_everything_is_replayed_in_any_order_and_nothing_moves(office: Office, order: tuple[int, ...]) -> None:
    office.lead("a", *ROSA, external_id="A-1")
    office.forward(minutes=1)
    office.lead("a", "Rosa Berg", "rosa@example.com", "0121", external_id="A-1")
    office.forward(minutes=1)
    office.leads([written("b", *ROSA), written("b", *ROSA), written("a", "Rosa Berg", "rosa@example.com", "0121")])
    office.settle()
    before = picture(office)
    rows = sorted(office.world.rows(receipts), key=lambda row: row["received_at"])
    office.actions.replay([rows[n]["id"] for n in order], "tester")
    assert picture(office) == before
    assert not office.world.rows(match_decisions, match_decisions.c.kind == "merge")
