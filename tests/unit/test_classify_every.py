"""What holds for the judge of every vendor: all recorded answers, answers with nothing in them, any JSON at all.

What is odd about one vendor's answers stands in a module of its own, ``test_classify_VENDOR.py``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsvc.workers.destinations.base import Outcome
from leadsvc.workers.destinations.vendors.appfolio import wire as appfolio
from leadsvc.workers.destinations.vendors.buildium import wire as buildium
from leadsvc.workers.destinations.vendors.funnel import wire as funnel
from leadsvc.workers.destinations.vendors.hubspot import verdict as hubspot
from leadsvc.workers.destinations.vendors.salesforce import verdict as salesforce
from tests.contract_cases import FOLDER, Case, cases
from tests.judges import NOTHING_IN_IT, Judge, any_json, check_case, fails_safe

RECORDED = sorted(path.parent.name for path in FOLDER.glob("*/manifest.json"))
# By vendor, an operation that it has and another vendor's, which it does not have.
OPERATIONS = {
    "appfolio": ("create_lead", "upsert_lead"),
    "buildium": ("create_applicant", "create_lead"),
    "entrata": ("send_leads", "send_pigeons"),
    "funnel": ("create_client", "create_lead"),
    "hubspot": ("create_contact", "insertprospect"),
    "mri": ("create_guest_card", "create_pigeon"),
    "realpage": ("insert_prospect", "insert_pigeon"),
    "rentmanager": ("create_prospect", "create_tenant"),
    "resman": ("post_lead", "send_leads"),
    "salesforce": ("upsert_lead", "create_contact"),
    "simpms": ("create_card", "explode"),
    "webhook": ("put_prospect", "create_lead"),
    "yardi": ("import_guest", "send_leads"),
}


@dataclass(frozen=True)
class Json:
    """A vendor that answers in JSON. ``reads``: operations that leave nothing to be looked for."""

    ops: tuple[str, ...]
    reads: tuple[str, ...]
    statuses: tuple[int, ...]
    names: tuple[str, ...]


TALK_JSON = {
    "appfolio": Json(
        appfolio.OPS,
        (*appfolio.READS, "token"),
        (200, 201, 400, 404, 409, 422, 533, 701),
        ("Id", "LeadId", "code", "message", "status", "error", "data", "results", "LastName", "next_page_path"),
    ),
    "buildium": Json(
        buildium.OPS,
        (*buildium.READS, "token"),
        (200, 201, 400, 404, 409, 422, 503),
        ("Id", "UserMessage", "Errors", "Key", "Value", "message", "FirstName", "TenantId", "Note"),
    ),
    "funnel": Json(
        funnel.OPS,
        (*funnel.READS, "token"),
        (200, 201, 400, 404, 409, 503),
        ("id", "data", "client", "clients", "errors", "message", "notes", "note", "people"),
    ),
    "hubspot": Json(
        hubspot.OPS,
        (*hubspot.READS, "token"),
        (200, 201, 207, 400, 404, 409, 429),
        ("id", "properties", "results", "errors", "status", "category", "message", "context", "options", "in"),
    ),
    "salesforce": Json(
        salesforce.OPS,
        (*salesforce.READS, "token"),
        (200, 201, 204, 300, 400, 403, 404, 503),
        (
            *("id", "success", "errors", "errorCode", "statusCode", "message", "fields", "records", "Id", "created"),
            *("error", "duplicateResult", "matchResults", "matchRecords", "record", "access_token"),
        ),
    ),
}


@pytest.mark.parametrize("case", [case for vendor in RECORDED for case in cases(vendor)], ids=lambda case: case.full_id)
def test_recorded(case: Case) -> None:
    result = check_case(case)
    asked = case.headers.get("Retry-After", "")
    if result.outcome is Outcome.RETRY and asked.isdigit():
        assert result.retry_after_s == float(asked)
    if result.outcome is Outcome.RETRY and case.name == "server_error":
        assert result.verify_first is not case.read


@pytest.mark.parametrize(("vendor", "there", "not_there"), [(vendor, *ops) for vendor, ops in OPERATIONS.items()])
def test_an_operation_it_does_not_have(vendor: str, there: str, not_there: str) -> None:
    with pytest.raises(ValueError, match=there):
        Judge(vendor)(not_there, 200, b"{}")


@pytest.mark.parametrize(("vendor", "op"), [(vendor, op) for vendor in TALK_JSON for op in TALK_JSON[vendor].ops])
@pytest.mark.parametrize(("status", "body"), NOTHING_IN_IT)
def test_a_good_status_with_nothing_in_it_is_unknown(vendor: str, op: str, status: int, body: bytes | None) -> None:
    fails_safe(Judge(vendor), op, status, body, read=op in TALK_JSON[vendor].reads)


@pytest.mark.parametrize("vendor", TALK_JSON)
@given(data=st.data())
def test_any_json_is_judged(vendor: str, data: st.DataObject) -> None:
    vendors = TALK_JSON[vendor]
    op, status = data.draw(st.sampled_from(vendors.ops)), data.draw(st.sampled_from(vendors.statuses))
    value = data.draw(any_json(vendors.names))
    assert Judge(vendor)(op, status, json.dumps(value).encode()).outcome in Outcome
