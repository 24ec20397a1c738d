"""Every recorded exchange at its own address: each double answers there, byte for byte where it is told to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import pytest

from leadsvc.simulators.appfolio import CREDENTIALS as appfolio_credentials
from leadsvc.simulators.buildium import CREDENTIALS as buildium_credentials
from leadsvc.simulators.funnel import CREDENTIALS as funnel_credentials
from leadsvc.simulators.hubspot import CREDENTIALS as hubspot_credentials
from leadsvc.simulators.salesforce import CREDENTIALS as salesforce_credentials
from leadsvc.workers.destinations import classifier, connect
from leadsvc.workers.destinations.rest import basic
from tests.benches import LOCAL, WireBench
from tests.contract_cases import FOLDER, cases
from tests.contracts.test_every_destination import CARD

VENDORS = ("appfolio", "buildium", "funnel", "hubspot", "salesforce")
# Where a vendor's paths begin, when its recorded ones leave that out.
PREFIX = {"funnel": "/api/v2"}


@pytest.fixture(scope="module", params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@dataclass(frozen=True)
class Made:
    """How a vendor makes a guest card. ``done``: how the names of the cases begin in which it did, which are not
    refusals; ``least``: how many refusals were recorded; ``card``: what is asked for where a case needs more."""

    op: str
    done: tuple[str, ...]
    least: int
    card: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


MADE = {
    "appfolio": Made("create_lead", ("success", "replayed"), 10),
    # A unit that is refused is left out and the applicant made without it: that refusal is met without one.
    "buildium": Made("create_applicant", ("success",), 6, {"*": {"unit_ref": "olf-9"}, "unit_not_found": {}}),
    "funnel": Made("create_client", ("success",), 4),
    "hubspot": Made("create_contact", ("success", "duplicate"), 4),
    "salesforce": Made("upsert_lead", ("success", "duplicate"), 10),
}


def operations(vendor: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / vendor / "manifest.json").read_text(encoding="utf-8"))[
        "operations"
    ]
    return found


def called(
    bench: WireBench, operation: dict[str, Any], renamed: dict[str, str], headers: dict[str, str]
) -> httpx2.Response:
    """The recorded request, with what it names replaced by what the demo operator has."""
    name = operation.get("request")
    texts = [operation["path"], operation.get("query") or ""]
    texts.append((FOLDER / bench.vendor / name).read_text(encoding="utf-8") if name else "")
    for theirs, ours in renamed.items():
        texts = [text.replace(theirs, ours) for text in texts]
    path, query, body = texts
    kind = "application/x-www-form-urlencoded" if str(name).endswith(".form") else "application/json"
    return LOCAL.request(
        operation["method"],
        f"{bench.url}{PREFIX.get(bench.vendor, '')}{path}{'?' + query if query else ''}",
        content=body.strip().encode(),
        headers={"Content-Type": kind, **headers},
    )


def test_each_recorded_answer_is_given_byte_for_byte(bench: WireBench) -> None:
    bench.reset()
    for operation in operations(bench.vendor):
        for case in operation["responses"]:
            body = (FOLDER / bench.vendor / case["body"]).read_bytes() if case.get("body") else b""
            body = body.replace(b"{{base_url}}", bench.url.encode())
            headers = {
                name: text.replace("{{base_url}}", bench.url) for name, text in (case.get("headers") or {}).items()
            }
            words = {"status": case["status"], "headers": headers, "body": body.decode()}
            bench.fault("*", "replay", **words)
            answer = called(bench, operation, {}, {})
            assert (answer.status_code, answer.content) == (case["status"], body), (operation["op"], case["case"])
            assert all(answer.headers[name] == value for name, value in words["headers"].items())


def test_each_recorded_refusal_is_concluded_the_same_from_the_network(bench: WireBench) -> None:
    """Twice each, so that a second look or a fallback (a source left out) meets it too."""
    made, judged = MADE[bench.vendor], {}
    for case in cases(bench.vendor):
        if case.op != made.op or case.name.startswith(made.done):
            continue
        bench.reset()
        words = {"status": case.status, "headers": dict(case.headers), "body": (case.body or b"").decode()}
        bench.fault("create", "replay", times=2, **words)
        destination = connect(bench.profile)
        card = replace(CARD, **made.card.get(case.name, made.card.get("*", {})))
        judged[case.name] = (destination.put_prospect(card, None).outcome.value, case.outcome)
        destination.close()
    assert len(judged) >= made.least
    assert all(concluded == expected for concluded, expected in judged.values()), judged


def test_each_recorded_request_has_a_door_that_is_locked(bench: WireBench) -> None:
    bench.reset()
    for operation in operations(bench.vendor):
        answer = called(bench, operation, {}, {})
        assert answer.status_code in (400, 401), operation["op"]
        assert answer.headers["Content-Type"].startswith("application/json"), operation["op"]


# What the recorded requests name -> what the demo operator has, and what opens the door.
_COMMON = {"Example Listings": "Zillow.com", "hcourt": "olf"}
RENAMED: dict[str, dict[str, str]] = {
    "hubspot": {**_COMMON, '"64492917"': '"ben"', "1774994400000": "0"},
    "salesforce": {
        **_COMMON,
        "005EX0000000007AA": "ben",
        "EXAMPLE": salesforce_credentials["client_id"],
        "not-a-real-secret": salesforce_credentials["client_secret"],
        "2026-04-01T00": "2020-04-01T00",
        # The recorded collection holds one address that Salesforce refuses.
        'morgan.lindqvist@example"': 'morgan.lindqvist@example.com"',
    },
    "appfolio": {
        **_COMMON,
        "0b6f3a52-1111-4aaa-8bbb-000000000101": "olf",
        "9c9c0000-4444-4aaa-8bbb-000000000104": "olf-9",
        "12120000-5555-4aaa-8bbb-000000000007": "ben",
        "2026-04-01": "2020-04-01",
    },
    "buildium": {**_COMMON, "10104": '"olf-9"', "2101": '"olf"', '"AssignedToUserId": 7': '"AssignedToUserId": "ben"'},
    "funnel": {**_COMMON, '"community": 2101': '"community": "olf"'},
}
OPENED: dict[str, dict[str, str]] = {
    "hubspot": {"Authorization": f"Bearer {hubspot_credentials['access_token']}"},
    "salesforce": {},
    "appfolio": {
        "Authorization": basic(appfolio_credentials["client_id"], appfolio_credentials["client_secret"]),
        "X-AppFolio-Developer-ID": appfolio_credentials["developer_id"],
    },
    "buildium": {f"x-buildium-{name.replace('_', '-')}": value for name, value in buildium_credentials.items()},
    "funnel": {"Authorization": basic(funnel_credentials["api_key"], "")},
}
# Parts of the recorded answers that the demo operator has no values for.
LACKING = {
    "appfolio list_properties": "Address1 City State Zip",
    "appfolio list_units": "Bathrooms Bedrooms MarketRent",
    "appfolio list_users": "Email",
    "appfolio report_guest_card_inquiries": (
        "guest_card_id inquiry_id inquiry_type last_activity_date last_activity_type lead_type property_id "
        "rental_application_id showings tenant_id unit unit_id"
    ),
    "buildium create_contact_request": "CreatedDateTime",
    "buildium add_note": "FirstName LastName LastUpdatedByUser UpdatedDateTime",
    "buildium list_rentals": "Address AddressLine1 City Country NumberUnits PostalCode State",
    "buildium list_units": "MarketRent UnitBathrooms UnitBedrooms UnitSize",
    "buildium list_users": "Email",
    "buildium list_applicants_changed": "ApplicationNumber ApplicationStatus ApplicationSubmittedDateTime",
    # Nobody has a lease yet.
    "buildium list_leases": (
        "CurrentTenants FirstName Id LastName LastUpdatedDateTime LeaseFromDate LeaseStatus LeaseToDate PropertyId "
        "UnitId"
    ),
    "hubspot list_owners": "after createdAt email link next paging updatedAt userId",
    "hubspot source_options": "fieldType type",
    "salesforce query_outcomes": "nextRecordsUrl url",
}


def names(value: object) -> set[str]:
    if isinstance(value, dict):
        return {*value, *(name for inner in value.values() for name in names(inner))}
    return {name for inner in value for name in names(inner)} if isinstance(value, list) else set()


def recorded_id(value: object) -> str:
    """The id that an answer gives to what was made; empty for none."""
    record = value[0] if isinstance(value, list) and value else value
    while isinstance(record, dict) and not {"id", "Id"} & set(record) and len(record) == 1:
        record = next(iter(record.values()))
    given = record.get("id") or record.get("Id") if isinstance(record, dict) else None
    return str(given or "")


def first_what_makes(operation: dict[str, Any]) -> tuple[bool, bool, bool]:
    op = operation["op"]
    return op != "token", not op.startswith(("create", "upsert_lead")), operation["kind"] != "write"


def test_recorded_requests_are_understood_and_answered_in_the_recorded_shape(bench: WireBench) -> None:
    """First what makes records, so that later requests find them."""
    bench.reset()
    renamed, headers = dict(RENAMED[bench.vendor]), dict(OPENED[bench.vendor])
    for operation in sorted(operations(bench.vendor), key=first_what_makes):
        good = next(case for case in operation["responses"] if case["case"] == "success")
        answer = called(bench, operation, renamed, headers)
        told = classifier(bench.vendor)(operation["op"], answer.status_code, answer.headers, answer.content, {})
        assert told.ok, (operation["op"], answer.text)
        recorded, said = json.loads((FOLDER / bench.vendor / good["body"]).read_bytes()), answer.json()
        lacking = set(LACKING.get(f"{bench.vendor} {operation['op']}", "").split())
        assert names(recorded) - names(said) <= lacking, operation["op"]
        if operation["op"] == "token":
            headers["Authorization"] = f"Bearer {said['access_token']}"
        if operation["kind"] == "write" and recorded_id(recorded):
            renamed[recorded_id(recorded)] = recorded_id(said)
