"""Maps learned from samples: invented senders whose layouts no shipped map knows."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner

from leadsvc.cli.maps_learn import learn
from leadsvc.fieldmap import check_file, compile_map
from leadsvc.flat import row_of
from leadsvc.learning.judge import Verdict, judge
from leadsvc.learning.propose import propose
from leadsvc.learning.samples import Sample, sample_of
from leadsvc.model import Channel, Delivered

AT = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
ADA = ("Ada", "Quinn", "ada.quinn@example.com", "(918) 555-0111", "+19185550111")
BO = ("Bo", "Larsen", "bo.larsen@example.org", "918-555-0122", "+19185550122")
CY = ("Cy", "Duarte", "cy.duarte@example.net", "918.555.0133", "+19185550133")
PEOPLE = (
    (*ADA, "Do you allow two cats?", "2026-05-01", 2),
    (*BO, "Is parking included in the rent?", "2026-06-15", 1),
    (*CY, "Can I see it on Sunday afternoon?", "2026-07-09", 3),
)


def wanted(person: tuple[Any, ...]) -> dict[str, Any]:
    given, family, email, _, phone, message, day, beds = person
    return {
        "lead": True,
        "source": "website",
        "first_name": given,
        "last_name": family,
        "email": email,
        "phone_e164": phone,
        "message": message,
        "move_in_date": day,
        "bedrooms_min": beds,
        "property_hint": "Cedar Hollow",
    }


def labelled_mail(person: tuple[Any, ...]) -> tuple[bytes, str]:
    given, family, email, phone, _, message, day, beds = person
    text = f"""From: Nestfinder <alerts@nestfinder.example>
To: leasing+chd@larkfield.example
Subject: Somebody likes Cedar Hollow
Date: Wed, 4 Mar 2026 09:00:00 -0600
Content-Type: text/plain; charset=utf-8

Good news, a renter wrote to you.

Renter : {given} {family}
Reach them by : {email}
Call : {phone}
Wants to move : {day}
Bedrooms : {beds}
Community : Cedar Hollow
What they say :
{message}

This mail was sent by Nestfinder, the home of homes.
"""
    return text.replace("\n", "\r\n").encode(), "message/rfc822"


def nested_json(person: tuple[Any, ...]) -> tuple[bytes, str]:
    given, family, email, phone, _, message, day, beds = person
    payload = {
        "event": "inquiry.created",
        "data": {
            "who": {"firstName": given, "lastName": family, "contactPoints": [{"type": "mail", "value": email}]},
            "tel": phone,
            "answers": [{"question": "moveIn", "answer": day}, {"question": "bedroomsWanted", "answer": beds}],
            "community": {"title": "Cedar Hollow"},
            "note": message,
        },
    }
    return json.dumps(payload).encode(), "application/json"


def odd_form(person: tuple[Any, ...]) -> tuple[bytes, str]:
    given, family, email, phone, _, message, day, beds = person
    fields = {"vorname": given, "nachname": family, "mail_addr": email, "tel": phone, "comment_text": message}
    return urlencode(fields | {"movein": day, "beds": beds, "community": "Cedar Hollow"}).encode(), (
        "application/x-www-form-urlencoded"
    )


def attributed_xml(person: tuple[Any, ...]) -> tuple[bytes, str]:
    given, family, email, phone, _, message, day, beds = person
    text = f"""<?xml version="1.0" encoding="utf-8"?>
<hl:inquiry xmlns:hl="urn:homeline:1"><hl:community>Cedar Hollow</hl:community>
<hl:person><hl:name part="given">{given}</hl:name><hl:name part="family">{family}</hl:name>
<hl:reach via="mail">{email}</hl:reach><hl:reach via="voice">{phone}</hl:reach></hl:person>
<hl:wish moveIn="{day}" bedrooms="{beds}"/><hl:words>{message}</hl:words></hl:inquiry>"""
    return text.encode(), "application/xml"


def sample(make: Any, person: tuple[Any, ...]) -> Sample:
    body, kind = make(person)
    return sample_of(person[0], Delivered(body, kind, Channel.FILE, AT), wanted(person))


@pytest.mark.parametrize("make", [labelled_mail, nested_json, odd_form, attributed_xml])
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 0, 1)])
def test_two_samples_teach_the_third(make: Any, order: tuple[int, int, int]) -> None:
    taught = [sample(make, PEOPLE[index]) for index in order[:2]]
    field_map = compile_map(propose(taught, "learned", "tests").spec)
    unseen = sample(make, PEOPLE[order[2]])
    assert field_map.claims(unseen.record)
    row = row_of(field_map.lead(field_map.items(unseen.record)[0], AT))
    right = [key for key in unseen.wanted if key in row and judge(key, unseen.wanted, row) is Verdict.RIGHT]
    asserted = [key for key in unseen.wanted if key in row]
    assert len(right) >= 0.8 * len(asserted), sorted(set(asserted) - set(right))


def test_what_stands_nowhere_is_said_and_not_guessed() -> None:
    body, kind = labelled_mail(PEOPLE[0])
    expected = wanted(PEOPLE[0]) | {"lease_term_months": 12}
    proposal = propose([sample_of("one", Delivered(body, kind, Channel.FILE, AT), expected)], "learned", "tests")
    assert proposal.missing == ("lease_term_months",)
    usual = proposal.spec["fields"]["lease_term"]
    assert all("why" in one for one in (usual if isinstance(usual, list) else [usual]))


def test_a_learned_file_passes_check_and_reads_its_samples(tmp_path: Path) -> None:
    for person in PEOPLE[:2]:
        (tmp_path / f"{person[0]}.eml").write_bytes(labelled_mail(person)[0])
        (tmp_path / f"{person[0]}.expected.json").write_text(json.dumps(wanted(person)))
    out = tmp_path / "maps"
    files = [str(tmp_path / f"{person[0]}.eml") for person in PEOPLE[:2]]
    told = CliRunner().invoke(learn, ["--id", "nestfinder_mail", "--owner", "ops", "--out", str(out), *files])
    assert told.exit_code == 0, told.output
    assert check_file(out / "nestfinder_mail.yaml") == []
    assert len(list((out / "fixtures" / "nestfinder_mail").glob("*.expected.json"))) == 2


def test_order_of_samples_does_not_matter() -> None:
    samples = [sample(labelled_mail, person) for person in PEOPLE]
    first = propose(samples, "learned", "tests").spec["fields"].keys()
    random.Random(3).shuffle(samples)
    assert propose(samples, "learned", "tests").spec["fields"].keys() == first
