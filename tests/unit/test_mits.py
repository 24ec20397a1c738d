"""MITS documents: written strictly, read whatever they look like."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from lxml import etree

from leadsvc.workers.destinations import tree
from leadsvc.workers.destinations.base import CardKind
from leadsvc.workers.destinations.filling import Values
from leadsvc.workers.destinations.mits import (
    Event,
    Identification,
    day,
    e164,
    instant,
    local,
    moment,
    national,
    one_line,
    prospects,
)
from leadsvc.workers.destinations.mitsdocument import Dialect, document, dollars

AT = datetime(2026, 11, 20, 10, 0, 0)


def written(values: Values, *events: Event, dialect: Dialect | None = None) -> etree._Element:
    ids = (Identification("ThirdPartyID", "GC-1", "Us"),)
    return etree.fromstring(etree.tostring(document(dialect or Dialect(), ids, values, events, AT)))


def test_a_name_that_is_missing_is_a_blank() -> None:
    name = written({}).find("Prospects/Prospect/Customers/Customer/Name")
    assert name is not None
    assert [(each.tag, each.text) for each in name] == [("FirstName", " "), ("LastName", " ")]


def test_what_is_not_known_is_not_there() -> None:
    prospect = written({"first_name": "Ada"}).find("Prospects/Prospect")
    assert prospect is not None
    assert [each.tag for each in prospect] == ["LastUpdateDate", "Customers"]


@pytest.mark.parametrize(
    ("values", "attributes"),
    [
        ({"bedrooms_min": 0, "bedrooms_max": 0}, {"Exact": "0"}),
        ({"bedrooms_min": 1, "bedrooms_max": 2}, {"Min": "1", "Max": "2"}),
        ({"bedrooms_min": "2", "bedrooms_max": 2}, {"Exact": "2"}),
        ({"bedrooms_max": 3}, {"Max": "3"}),
    ],
)
def test_rooms(values: Values, attributes: dict[str, str]) -> None:
    rooms = written(values).find("Prospects/Prospect/CustomerPreferences/DesiredNumBedrooms")
    assert rooms is not None
    assert {str(key): str(value) for key, value in rooms.attrib.items()} == attributes


def test_what_no_xml_takes_is_left_out_and_lines_are_joined() -> None:
    assert one_line("a\r\n\tb\x00\ufffe\ud83d c") == "a b c"
    comment = written({"comment": "<b>\n]]>&\uffff"}).findtext("Prospects/Prospect/CustomerPreferences/Comment")
    assert comment == "<b> ]]>&"


def test_dialects() -> None:
    event = Event(kind="Other", at=AT, agent="a7", event_id="0")
    by_id = written({}, event, dialect=Dialect(agents_by="id", event_ids=False)).find(".//Event")
    assert by_id is not None
    assert by_id.find("EventID") is None
    agent = by_id.find("Agent/AgentID")
    assert agent is not None
    assert agent.get("IDValue") == "a7"
    named = written({}, event, dialect=Dialect(namespace="urn:x"))
    assert named.tag == "{urn:x}LeadManagement"
    assert len(named.findall(".//{urn:x}EventID")) == 1


def test_what_is_written_is_read_again() -> None:
    values: Values = {
        "first_name": "Zoë",
        "last_name": "Byron & Söhne",
        "email": "zoe@example.com",
        "phone": "+17065550123",
        "move_in": "2027-02-01",
        "bedrooms_min": 1,
        "bedrooms_max": 2,
        "budget_max_cents": 150_050,
        "floor_plan_ref": "L1",
        "unit_ref": "9",
        "comment": "Hello",
    }
    begun = Event(kind="Webservice", at=AT, text="Hello", source="Zillow.com", agent="Ben Ito", first_contact=True)
    (found,) = prospects(written(values, begun))
    expected = {name: str(value) for name, value in values.items()}
    assert found.values == {**expected, "source_name": "Zillow.com", "agent_ref": "Ben Ito"}
    assert (found.id("ThirdPartyID", "us"), found.id("ThirdPartyID", "them")) == ("GC-1", "")
    assert (found.status, found.updated_at, found.first_event) == (CardKind.PROSPECT, AT, found.events[0])


def test_days_of_long_ago_mean_none() -> None:
    preferences = "<TargetMoveInDate>1753-01-01T00:00:00</TargetMoveInDate>"
    (found,) = prospects(
        tree.read(f"<x><Prospect><CustomerPreferences>{preferences}</CustomerPreferences></Prospect></x>".encode())
    )
    assert found.values == {}
    assert (moment("1753-01-01T00:00:00"), day("2027-02-01T00:00:00"), day("soon")) == (None, date(2027, 2, 1), None)


@pytest.mark.parametrize(
    "event",
    [
        '<Event EventType="Show"/>',
        '<Event EventType="Show" EventDate="yesterday"/>',
        '<Event EventType="Show" EventDate="1753-01-01T00:00:00"/>',
    ],
)
def test_an_event_without_a_time_is_none(event: str) -> None:
    (found,) = prospects(tree.read(f"<x><Prospect><Events>{event}</Events></Prospect></x>".encode()))
    assert found.events == ()


def test_an_agent_that_is_none_and_other_oddities() -> None:
    inner = (
        '<m:Prospect xmlns:m="urn:m"><m:Customer type="Lost"><m:Identification idtype="PersonID" IDVALUE="7"/>'
        "<m:Phone><m:PhoneNumber>(706) 555-0123</m:PhoneNumber></m:Phone></m:Customer>"
        '<m:Event EventType="Show" EventDate="2026-11-20T10:00:00-05:00"><m:EventID IDValue="0"/><m:AgentName>'
        "<m:FirstName>None</m:FirstName><m:LastName>None</m:LastName></m:AgentName><m:EventReasons>None</m:EventReasons>"
        "</m:Event><m:DesiredRent Max='$1,500.00'/></m:Prospect>"
    )
    (found,) = prospects(tree.read(f"<x>{inner}</x>".encode()))
    assert (found.id("personid"), found.status, found.phones) == ("7", CardKind.CLOSED, ("+17065550123",))
    assert found.events == (Event(kind="Show", at=AT, event_id=""),)


def test_a_type_that_nobody_knows_is_other() -> None:
    (found,) = prospects(tree.read(b'<x><Prospect><Customer Type="astronaut"/></Prospect></x>'))
    assert (found.status, found.kind) == (CardKind.OTHER, "astronaut")


def test_numbers_and_money() -> None:
    assert [national(each) for each in ("+17065550123", "+4930123456", "")] == ["7065550123", "+4930123456", ""]
    assert [e164(each) for each in ("(706) 555-0123", "1-706-555-0123", "", "+49 30 123456")] == [
        "+17065550123",
        "+17065550123",
        "",
        "+4930123456",
    ]
    assert [dollars(150_000), dollars(150_050), dollars(5)] == ["1500", "1500.50", "0.05"]


def test_local_times_over_the_change_of_clocks() -> None:
    winter, summer = datetime(2026, 1, 5, 15, 0, tzinfo=UTC), datetime(2026, 7, 5, 15, 0, tzinfo=UTC)
    assert local(winter, "America/New_York") == datetime(2026, 1, 5, 10, 0)
    assert local(summer, "America/New_York") == datetime(2026, 7, 5, 11, 0)
    assert instant(local(summer, "America/New_York"), "America/New_York") == summer
    assert local(summer, "No/Such_Zone") == datetime(2026, 7, 5, 15, 0)
