"""Voyager's own ways, over the wire: documents by their schema, ids in a sentence, local times, who is not edited. One
file, as all of it is one operation that imports and one that searches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner
from lxml import etree

from leadsvc.cli.simulate import simulate
from leadsvc.simulators.yardi import CREDENTIALS
from leadsvc.workers.destinations import classifier, connect
from leadsvc.workers.destinations.base import (
    CardAt,
    CardKind,
    CardPush,
    ConfigKind,
    Destination,
    EventPush,
    Outcome,
    OutcomeKind,
    Query,
    Result,
    TaskPush,
)
from tests.benches import LOCAL, WireBench
from tests.benches.yardi import start
from tests.contract_cases import FOLDER, cases

VENDOR = "yardi"

SCHEMA = Path(__file__).parents[1] / "fixtures" / "yardi" / "mits_lead.xsd"
MITS_20 = "http://yardi.com/LeadManagement2.0"

CARD = CardPush(
    our_key="GC-9R2T5V7X",
    property_ref="olf",
    time_zone="America/New_York",
    first_name="Tomás",
    last_name="Ferreira & Söhne",
    email="tomas.ferreira@example.com",
    phone="+17065550144",
    move_in=date(2027, 5, 1),
    bedrooms_min=1,
    bedrooms_max=2,
    budget_max_cents=150_050,
    floor_plan_ref="L1",
    unit_ref="olf-9",
    source_name="zillow",
    agent_ref="Ben Ito",
    comment="Two lines\nof <text> & more, long enough to be cut when it is read back",
)
EVENT = EventPush(
    our_event_key="IN-77",
    kind="email",
    at=datetime(2026, 7, 1, 2, 30, tzinfo=UTC),
    text="Is it\r\nfree? " + "x" * 1200,
    source_name="zillow",
    time_zone="America/New_York",
)
TASK = TaskPush(
    our_task_key="TK-77",
    title="Call back",
    due_at=datetime(2026, 12, 1, 15, 0, tzinfo=UTC),
    time_zone="America/New_York",
    assignee_ref="Ben Ito",
)


@pytest.fixture(params=["4.0", "2.0"])
def voyager(request: pytest.FixtureRequest, bench: WireBench) -> Iterator[Destination]:
    """The account by either generation of the interface."""
    options = {**bench.profile.options, "version": request.param}
    destination = connect(replace(bench.profile, options=options))
    yield destination
    destination.close()


def at(card_id: str) -> CardAt:
    return CardAt(card_id=card_id, property_ref="olf", our_key=CARD.our_key)


def schema(namespace: str) -> etree.XMLSchema:
    text = SCHEMA.read_text(encoding="utf-8")
    if namespace:
        text = text.replace("<xs:schema ", f'<xs:schema xmlns="{namespace}" targetNamespace="{namespace}" ', 1)
        # The older interface knows fewer events; the one we send that differs is told apart here.
        text = text.replace('value="WalkIn"', 'value="Walk-In"')
    return etree.XMLSchema(etree.fromstring(text.encode()))


def documents(bench: WireBench) -> list[etree._Element]:
    found = []
    for request in bench.wire():
        root = etree.fromstring(request["body"].encode())
        found += [each for each in root.iter() if etree.QName(each).localname == "LeadManagement"]
    return found


def test_every_document_is_valid_by_the_schema(bench: WireBench, voyager: Destination) -> None:
    made = voyager.put_prospect(CARD, None)
    assert made.outcome is Outcome.ACCEPTED
    assert voyager.add_event(at(made.card_id), EVENT).ok
    assert voyager.put_task(at(made.card_id), TASK).ok
    assert voyager.put_task(at(made.card_id), replace(TASK, due_at=TASK.due_at + timedelta(days=1))).ok
    assert voyager.put_prospect(replace(CARD, phone="+17065550145", last_pushed=made.written), None).ok
    for kind in ("form", "call", "text", "chat", "walk_in", "tour_booking", "note"):
        event = replace(EVENT, our_event_key=f"IN-{kind}", kind=kind, agent_ref="Ben Ito")
        assert voyager.add_event(at(made.card_id), event).ok
    nameless = replace(CARD, our_key="GC-2", first_name="", last_name="", comment="", phone="", email="", agent_ref="")
    assert voyager.put_prospect(nameless, None).ok
    sent = documents(bench)
    assert len(sent) >= 13
    for document in sent:
        alone = etree.fromstring(etree.tostring(document))
        namespace = etree.QName(alone).namespace or ""
        judge = schema(namespace)
        assert judge.validate(alone), judge.error_log
    assert {etree.QName(each).namespace or "" for each in sent} <= {"", MITS_20}


def test_a_document_that_breaks_the_schema_would_be_seen(bench: WireBench, destination: Destination) -> None:
    destination.put_prospect(CARD, None)
    document = etree.fromstring(etree.tostring(documents(bench)[0]))
    prospect = document[0][0]
    prospect.append(prospect[0])
    assert not schema("").validate(document)


def test_bodies_are_one_line_with_credentials_in_their_order(bench: WireBench, destination: Destination) -> None:
    destination.put_prospect(CARD, None)
    for request in bench.wire():
        assert "\n" not in request["body"]
        call = etree.fromstring(request["body"].encode())[1][0]
        names = [etree.QName(each).localname for each in call]
        assert names[:5] == ["UserName", "Password", "ServerName", "Database", "Platform"]
        rest = [name for name in names[5:] if name != "YardiPropertyId"]
        assert rest[:2] == ["InterfaceEntity", "InterfaceLicense"]


def test_times_are_those_of_the_property(bench: WireBench, destination: Destination) -> None:
    card_id = destination.put_prospect(CARD, None).card_id
    destination.add_event(at(card_id), EVENT)
    destination.put_task(at(card_id), TASK)
    times = {event["kind"]: event["at"] for event in bench.state()["events"]}
    assert times["EmailFromProspect"] == "2026-06-30T22:30:00"
    assert times["Appointment"] == "2026-12-01T10:00:00"
    _, card = destination.get_card(at(card_id))
    assert card is not None
    assert card.updated_at is not None
    assert abs(card.updated_at - datetime.now(UTC)) < timedelta(minutes=2)


def test_a_comment_that_comes_back_cut_is_still_ours(destination: Destination) -> None:
    made = destination.put_prospect(CARD, None)
    _, card = destination.get_card(at(made.card_id))
    assert card is not None
    assert card.fields["comment"] == "Two lines of <text> & more, long enough to be cut when it is read back"
    assert destination.put_prospect(CARD, card).kept == ()


def test_an_answer_without_an_id_is_looked_up_by_our_key(bench: WireBench, destination: Destination) -> None:
    bench.fault("create", "ok_without_id")
    result = destination.put_prospect(CARD, None)
    assert (result.outcome, result.verified, result.card_id[:1]) == (Outcome.ACCEPTED, True, "p")
    assert bench.requests()[-1] == "search_guest"


def test_our_key_of_another_organisation_is_not_ours(bench: WireBench, destination: Destination) -> None:
    first = destination.put_prospect(CARD, None)
    stranger = connect(replace(bench.profile, options={**bench.profile.options, "organization": "Somebody Else"}))
    other = stranger.put_prospect(CARD, None)
    stranger.close()
    assert other.outcome is Outcome.ACCEPTED
    assert other.card_id != first.card_id


def test_a_guest_of_an_agent_is_adopted_and_keeps_what_is_there(bench: WireBench, destination: Destination) -> None:
    _, found = destination.find_prospect(Query(email="mina.patel@example.com", property_ref="olf"))
    assert [card.our_key for card in found] == [""]
    card = replace(CARD, email="mina.patel@example.com", first_name="Wilhelmina", agent_ref="")
    result = destination.put_prospect(card, found[0])
    assert result.ok
    assert "first_name" in result.kept
    _, again = destination.find_prospect(Query(our_key=CARD.our_key, property_ref="olf"))
    assert [(one.card_id, one.fields["first_name"]) for one in again] == [(found[0].card_id, "Mina")]
    assert bench.state()["counts"]["cards"] == 3


def test_a_guest_without_our_key_is_found_by_its_id_among_what_moved(
    bench: WireBench, destination: Destination
) -> None:
    result, card = destination.get_card(CardAt(card_id="p0000902", property_ref="olf"))
    assert result.ok
    assert card is not None
    assert card.name == "Mina Patel"
    result, card = destination.get_card(CardAt(card_id="p9999999"))
    assert (result.ok, result.empty, card) == (True, True, None)


def test_a_resident_is_left_alone(bench: WireBench, destination: Destination) -> None:
    _, found = destination.find_prospect(Query(email="harold.finch@example.com", property_ref="chd001"))
    assert [card.status for card in found] == [CardKind.RESIDENT]
    card = replace(CARD, property_ref="chd001", email="harold.finch@example.com")
    result = destination.put_prospect(card, found[0])
    assert (result.outcome, result.code) == (Outcome.DUPLICATE, "not_editable")
    there = CardAt(card_id=found[0].card_id, property_ref="chd001")
    assert destination.add_event(there, EVENT).outcome is Outcome.REJECT


def test_a_guest_cancelled_meanwhile_is_linked_and_not_edited(bench: WireBench, destination: Destination) -> None:
    made = destination.put_prospect(CARD, None)
    bench.agent_edits(made.card_id, {}, "Cancel")
    result = destination.put_prospect(replace(CARD, phone="+17065550146", last_pushed=made.written), None)
    assert (result.outcome, result.code, result.card_id) == (Outcome.DUPLICATE, "not_editable", made.card_id)


@pytest.mark.parametrize("outcome", ["CancelAppointment", "Show"])
def test_a_follow_up_that_is_over_is_not_opened_again(bench: WireBench, destination: Destination, outcome: str) -> None:
    card_id = destination.put_prospect(CARD, None).card_id
    made = destination.put_task(at(card_id), TASK)
    words = {"outcome": outcome, "at": (TASK.due_at + timedelta(hours=1)).isoformat()}
    bench.control("POST", f"cards/{card_id}/edit", words)
    again = destination.put_task(at(card_id), replace(TASK, due_at=TASK.due_at + timedelta(days=9)))
    assert (again.outcome, again.task_id) == (Outcome.DUPLICATE, made.task_id)
    other = destination.put_task(
        at(card_id), replace(TASK, our_task_key="TK-78", due_at=TASK.due_at + timedelta(days=9))
    )
    assert (other.outcome, other.code) == (Outcome.ACCEPTED, "task_as_appointment")


def test_what_became_of_guests(bench: WireBench, destination: Destination) -> None:
    since = datetime.now(UTC) - timedelta(days=20)
    card_id = destination.put_prospect(CARD, None).card_id
    destination.put_task(at(card_id), TASK)
    bench.control("POST", f"cards/{card_id}/edit", {"agent_id": "ben", "outcome": "Show"})
    late = (datetime.now(UTC) - timedelta(days=300)).isoformat()
    bench.control("POST", f"cards/{card_id}/edit", {"outcome": "SelfGuidedTour", "at": late})
    bench.control("POST", f"cards/{card_id}/edit", {"outcome": "Cancel", "reason": "Rented elsewhere"})
    told = []
    cursor, more = "", True
    while more:
        result, page = destination.pull_outcomes(since, cursor)
        assert result.ok
        told += [one for one in page.items if one.card_id == card_id]
        cursor, more = page.cursor, page.more
    by_ref = {one.remote_ref: one for one in told}
    assert sorted(one.kind for one in by_ref.values()) == [OutcomeKind.LOST, OutcomeKind.TOURED, OutcomeKind.TOURED]
    lost = next(one for one in by_ref.values() if one.kind is OutcomeKind.LOST)
    assert (lost.reason, lost.our_key) == ("Rented elsewhere", CARD.our_key)


def test_what_a_guest_is_tells_what_no_event_does(bench: WireBench, destination: Destination) -> None:
    since = datetime.now(UTC) - timedelta(hours=1)
    kinds = set()
    cursor, more = "", True
    while more:
        _, page = destination.pull_outcomes(since, cursor)
        kinds |= {(one.card_id, one.kind) for one in page.items}
        cursor, more = page.cursor, page.more
    assert ("p0000915", OutcomeKind.APPLIED) in kinds
    assert ("p0000871", OutcomeKind.MOVED_IN) in kinds


def test_a_simulator_with_credentials_of_ones_own(tmp_path: Path) -> None:
    with replace(start, more=("--credential", "password=of my own"))(tmp_path) as bench:
        stranger = connect(bench.profile)
        assert stranger.check().outcome is Outcome.AUTH
        stranger.close()
        mine = replace(bench.profile, credentials={**CREDENTIALS, "password": "of my own"})
        account = connect(mine)
        assert account.check().ok
        account.close()
    refused = CliRunner().invoke(simulate, ["yardi", "--state", str(tmp_path / "x.db"), "--credential", "pin=1"])
    assert refused.exit_code == 2
    assert "interface_license" in refused.output


def test_inactive_agents_and_sources_are_told_as_such(bench: WireBench, destination: Destination) -> None:
    bench.control("POST", "config/source/Zumper", {"active": False})
    _, page = destination.pull_config(ConfigKind.SOURCE, "olf")
    active = {item.name: item.active for item in page.items}
    assert active["Zillow.com"]
    assert not active["Zumper"]
    _, units = destination.pull_config(ConfigKind.UNIT, "olf")
    assert units.items[0].raw["available"] is True


def test_a_lost_property_says_which_field_is_wrong(bench: WireBench, destination: Destination) -> None:
    bench.control("POST", "revoke", {"property": "olf"})
    result, page = destination.pull_config(ConfigKind.SOURCE, "olf")
    assert (result.outcome, list(result.field_errors)) == (Outcome.REJECT, ["property_ref"])
    assert page.items == ()
    assert page.next_cursor == "bvt"
    result, _ = destination.pull_config(ConfigKind.SOURCE, page.next_cursor)
    assert result.ok


# What the recorded requests name -> what the demo operator has.
_NAMES = {
    "leadsvc_ws": CREDENTIALS["username"],
    "not-a-real-password": CREDENTIALS["password"],
    "EXAMPLESQL01": CREDENTIALS["server_name"],
    "example_live": CREDENTIALS["database"],
    "EXAMPLE-LICENSE-NOT-REAL==": CREDENTIALS["interface_license"],
    "Leadsvc Example": CREDENTIALS["interface_entity"],
    "hcourt": "olf",
    "<FirstName>Dana</FirstName>": "<FirstName>Ben</FirstName>",
    "<LastName>Whitfield</LastName>": "<LastName>Ito</LastName>",
    "Example Listings": "Zillow.com",
}


def _shape(body: bytes) -> set[str]:
    return {etree.QName(each).localname for each in etree.fromstring(body).iter()}


def _ask(bench: WireBench, op: str, *changes: tuple[str, str]) -> tuple[httpx2.Response, Result]:
    """A recorded request, for the demo operator and with ``changes``, and what its answer means."""
    text = (FOLDER / "yardi" / f"{op}.request.xml").read_text(encoding="utf-8")
    for theirs, ours in (*_NAMES.items(), ("2026-04-01T00", "2020-04-01T00"), ("2026-04-03", "2036-04-03"), *changes):
        text = text.replace(theirs, ours)
    path = "itfilsguestcard20.asmx" if op.endswith("v20") else "itfilsguestcard.asmx"
    answer = LOCAL.post(f"{bench.url}/demo/webservices/{path}", content=text.encode())
    return answer, classifier("yardi")(op, answer.status_code, dict(answer.headers), answer.content, {})


def test_recorded_requests_are_understood_and_answered_in_the_recorded_shape(bench: WireBench) -> None:
    """In the order of a lead's life, so that later requests find what earlier ones made."""
    card_id = ""
    good = {case.op: case for case in cases("yardi") if case.name == "success"}
    for op in ("ping", "property_configurations", "agents_sources", "unit_availability", "import_guest", "search_guest",
               "add_event", "import_guest_v20", "guest_activity_range"):  # fmt: skip
        answer, told = _ask(bench, op, ("p0001234", card_id))
        assert told.ok, (op, answer.text)
        card_id = told.card_id or card_id
        recorded = good[op]
        assert recorded.body is not None
        assert answer.headers["Content-Type"] == recorded.headers["Content-Type"]
        missing = _shape(recorded.body) - _shape(answer.content) - _OPTIONAL
        assert missing == set(), (op, missing)
    assert card_id.startswith("p")


_LAST_NAME = "                    <LastName>Avery</LastName>\n"


@pytest.mark.parametrize(
    ("op", "case", "changes"),
    [
        ("import_guest", "auth_error", [(CREDENTIALS["password"], "wrong")]),
        ("import_guest", "invalid_property", [('IDValue="olf"', 'IDValue="nowhere"')]),
        ("import_guest", "validation_error", [("<LastName>Ito<", "<LastName>Itto<")]),
        ("import_guest", "validation_error_source", [("Zillow.com", "Pigeon Post")]),
        ("import_guest", "missing_node", [(_LAST_NAME, "")]),
        ("import_guest_v20", "auth_error", [(CREDENTIALS["interface_license"], "wrong")]),
        ("add_event", "validation_error", [('EventType="Appointment"', 'EventType="Tour"')]),
        ("search_guest", "auth_error", [(CREDENTIALS["username"], "wrong")]),
        ("search_guest", "not_found", [("GC-7Q4Z8N", "GC-NOBODY")]),
        ("guest_activity_range", "empty", [("2036-04-03", "2020-04-03")]),
        ("guest_activity_range", "auth_error", [(CREDENTIALS["database"], "wrong")]),
        ("agents_sources", "invalid_property", [(">olf<", ">nowhere<")]),
        ("property_configurations", "auth_error", [(CREDENTIALS["platform"], "MySQL")]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_said_in_the_recorded_words(
    bench: WireBench, op: str, case: str, changes: list[tuple[str, str]]
) -> None:
    """The recorded words, but for the names of people, sources and properties in them."""
    _, made = _ask(bench, "import_guest")
    answer, told = _ask(bench, op, ("p0001234", made.card_id), *changes)
    recorded = next(each for each in cases("yardi") if (each.op, each.name) == (op, case))
    assert recorded.body is not None
    assert answer.status_code == recorded.status
    assert ("empty" if told.empty else told.outcome) == recorded.outcome
    assert _said(answer.content) == _said(recorded.body)


def _said(body: bytes) -> list[str]:
    """Messages and errors of an answer, with what stands in quotes left out."""
    found = [each for each in etree.fromstring(body).iter() if etree.QName(each).localname in ("Message", "Error")]
    return [re.sub(r"'[^']*'", "'…'", each.text or "") for each in found]


def test_a_lost_property_and_a_closed_guest_in_the_recorded_words(bench: WireBench) -> None:
    recorded = {(each.op, each.name): each.body or b"" for each in cases("yardi")}
    _, made = _ask(bench, "import_guest")
    bench.agent_edits(made.card_id, {}, "Cancel")
    answer, told = _ask(bench, "add_event", ("p0001234", made.card_id))
    assert told.outcome is Outcome.REJECT
    assert _said(answer.content) == _said(recorded["add_event", "duplicate_not_editable"])
    answer, told = _ask(bench, "import_guest")
    assert told.outcome is Outcome.DUPLICATE
    assert _said(answer.content) == _said(recorded["import_guest", "duplicate_not_editable"])
    bench.control("POST", "revoke", {"property": "olf"})
    for op in ("import_guest", "unit_availability"):
        answer, told = _ask(bench, op)
        assert told.outcome is Outcome.REJECT
        assert _said(answer.content) == _said(recorded[op, "property_not_configured"])


def test_nothing_but_the_whitelist_is_in_a_document(bench: WireBench) -> None:
    """Every value of every document sent, one by one: a field that nobody thought of would be seen here."""
    allowed = frozenset({"first_name", "last_name", "source_name"})
    account = connect(replace(bench.profile, allowed_fields=allowed))
    made = account.put_prospect(CARD, None)
    bench.control("POST", f"cards/{made.card_id}/edit", {"fields": {"last_name": ""}})
    assert account.put_prospect(CARD, None).written == {"last_name": CARD.last_name}
    account.close()
    ours = {CARD.first_name, CARD.last_name, CARD.our_key, "olf", made.card_id, "Zillow.com"}
    theirs = {
        CREDENTIALS["interface_entity"],
        "Yardi",
        "ThirdPartyID",
        "PropertyID",
        "ProspectID",
        "prospect",
        "Webservice",
    }
    sent = documents(bench)
    assert len(sent) == 2
    for each in (node for document in sent for node in document.iter()):
        for value in (each.text or "", *map(str, each.attrib.values())):
            plain = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", "", value).strip()
            assert plain in {"", "0", "true", *ours, *theirs}, each.tag


# Parts of the recorded answers that the demo operator has no values for.
_OPTIONAL = {"SquareFeet", "UnitBedrooms", "UnitBathrooms", "MarketRent", "MadeReadyDate"}
