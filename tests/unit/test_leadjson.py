"""Every lead survives being written as JSON and read again."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsvc.leadjson import encode, from_json, to_json
from leadsvc.model import (
    CoContact,
    Consent,
    ContactType,
    EmailAddress,
    HintKind,
    Lead,
    MoveIn,
    PersonName,
    Pets,
    PhoneNumber,
    PropertyHint,
    Range,
    TourRequest,
    Value,
)

TEXT = st.text(max_size=12)
NUMBER = st.none() | st.floats(allow_nan=False, allow_infinity=False)
SEVERAL = st.lists(TEXT, max_size=2).map(tuple)
TIMES = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-6))]))
DAYS = st.none() | st.dates()


def value(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Value[Any]]:
    return st.builds(Value, of, TEXT, TEXT)


def maybe(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Value[Any] | None]:
    return st.none() | value(of)


def several(of: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Value[Any], ...]]:
    return st.lists(value(of), max_size=3).map(tuple)


RANGES = st.builds(Range, NUMBER, NUMBER)
NAMES = st.builds(PersonName, TEXT, TEXT, TEXT, TEXT)
LEADS = st.builds(
    Lead,
    source=TEXT,
    contact_type=st.sampled_from(ContactType),
    format=TEXT,
    map_id=TEXT,
    map_version=st.integers(0, 999),
    confidence=st.floats(0, 1),
    name=maybe(NAMES),
    emails=several(st.builds(EmailAddress, TEXT, TEXT, st.booleans())),
    phones=several(st.builds(PhoneNumber, TEXT, TEXT)),
    co_applicants=several(NAMES),
    property_hints=several(st.builds(PropertyHint, st.sampled_from(HintKind), TEXT)),
    unit_hint=maybe(TEXT),
    floor_plan_hint=maybe(TEXT),
    agent_hint=maybe(TEXT),
    bedrooms=maybe(RANGES),
    bathrooms=maybe(RANGES),
    move_in=maybe(st.builds(MoveIn, DAYS, DAYS, TEXT)),
    budget_cents=maybe(RANGES),
    occupants=maybe(st.integers(0, 50)),
    pets=maybe(st.builds(Pets, st.booleans(), TEXT)),
    lease_term_months=maybe(st.integers(0, 120)),
    tour=maybe(st.builds(TourRequest, st.lists(TEXT, max_size=2).map(tuple), TEXT)),
    message=maybe(TEXT),
    campaign=maybe(TEXT),
    utm=st.dictionaries(TEXT, TEXT, max_size=3),
    consents=several(st.builds(Consent, TEXT, st.booleans(), TEXT, st.none() | TIMES)),
    external_id=maybe(TEXT),
    thread_id=maybe(TEXT),
    occurred_at=maybe(TIMES),
    language=TEXT,
    notes=st.lists(TEXT, max_size=2).map(tuple),
    unused=st.lists(TEXT, max_size=2).map(tuple),
    co_contacts=several(st.builds(CoContact, TEXT, SEVERAL, SEVERAL)),
    extras=st.dictionaries(TEXT, TEXT, max_size=2),
    sure=st.dictionaries(st.sampled_from(["name", "emails"]), st.floats(0, 1), max_size=2),
)


@given(LEADS)
def test_a_lead_comes_back_as_it_was(lead: Lead) -> None:
    assert from_json(json.loads(json.dumps(to_json(lead)))) == lead


def test_every_field_of_a_lead_is_among_those_tried() -> None:
    tried = {field.name for field in dataclasses.fields(Lead)}
    told = Lead("zillow", ContactType.FORM, "form", "m", 1)
    assert set(to_json(told)) <= tried
    # A field that is added to the model must be added to the strategy above.
    assert len(tried) == 35


def test_empty_fields_are_left_out_and_zeros_are_not() -> None:
    lead = Lead(
        "zillow",
        ContactType.FORM,
        "form",
        "m",
        1,
        bedrooms=Value(Range(0, None), "studio", "r"),
        pets=Value(Pets(False), "no", "r"),
        occupants=Value(0, "0", "r"),
    )
    written = to_json(lead)
    assert written["bedrooms"]["value"] == {"low": 0}
    assert written["pets"]["value"] == {"has": False}
    assert written["occupants"]["value"] == 0
    assert "message" not in written


def test_days_and_times_are_iso() -> None:
    assert encode(date(2026, 5, 1)) == "2026-05-01"
    assert encode(datetime(2026, 5, 1, 8, tzinfo=UTC)) == "2026-05-01T08:00:00+00:00"


def test_what_has_no_json_form_is_refused() -> None:
    with pytest.raises(TypeError, match="set has no JSON form"):
        encode({1, 2})
