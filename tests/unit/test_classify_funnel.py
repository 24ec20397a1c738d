"""What one answer of Funnel means, in ways that nobody recorded."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from leadsvc.workers.destinations.base import Outcome
from leadsvc.workers.destinations.vendors.funnel.wire import client, remote_card
from tests.judges import HTML, Judge

NOW = datetime.fromisoformat("2026-11-20T10:00:00+00:00")
GOOD = {"data": {"client": {"id": 41877}}}
judge = Judge("funnel", known={"received_at": NOW})

ANSWERS: list[tuple[int, object, Outcome, bool]] = [
    # status, body, outcome, look before writing again
    (200, {"message": "Invalid API key."}, Outcome.AUTH, False),
    (200, {"message": "You do not have permission."}, Outcome.AUTH, False),
    (200, {"message": "Request was throttled."}, Outcome.RETRY, False),
    (200, {"message": "Internal error"}, Outcome.RETRY, True),
    (200, {"message": "Nope."}, Outcome.REJECT, False),
    (200, {"errors": {"client": {"people": ["This field is required."]}}}, Outcome.REJECT, False),
    (201, {"errors": ["x"], "data": None}, Outcome.REJECT, False),
    (400, {"message": "x"}, Outcome.REJECT, False),
    (400, HTML, Outcome.REJECT, False),
    (400, b'{"errors": {"cli', Outcome.REJECT, False),
    (401, b"", Outcome.AUTH, False),
    (402, b"", Outcome.AUTH, False),
    (403, HTML, Outcome.AUTH, False),
    (404, {"message": "Client not found."}, Outcome.REJECT, False),
    (409, {"message": "x"}, Outcome.REJECT, False),
    (422, {"errors": {"email": "x"}}, Outcome.REJECT, False),
    (429, HTML, Outcome.RETRY, False),
    (500, HTML, Outcome.RETRY, True),
    (502, b"", Outcome.RETRY, True),
    (503, None, Outcome.RETRY, True),
    (408, b"", Outcome.RETRY, True),
    (301, b"", Outcome.REJECT, False),
    (0, None, Outcome.RETRY, True),
]


@pytest.mark.parametrize(("status", "body", "outcome", "look"), ANSWERS)
def test_awkward(status: int, body: object, outcome: Outcome, look: bool) -> None:
    result = judge("create_client", status, body)
    assert (result.outcome, result.verify_first) == (outcome, look)


def test_how_long_to_wait() -> None:
    assert judge("create_client", 429, b"", {"Retry-After": "3"}).retry_after_s == 3
    assert judge("create_client", 429, b"", {"X-RateLimit-Reset": "1795168830"}).retry_after_s == 30
    late = {"Retry-After": "Fri, 20 Nov 2026 10:00:45 GMT"}
    assert judge("create_client", 503, b"", late).retry_after_s == 45


def test_errors_are_a_tree() -> None:
    tree = {"client": {"people": [{"email": ["bad"]}, {}], "community": "gone", "price_ceiling": ["too low", "odd"]}}
    result = judge("create_client", 400, {"errors": tree})
    assert set(result.field_errors) == {"email", "property_ref", "budget_max_cents"}
    assert result.field_errors["budget_max_cents"] == ("too low", "odd")
    assert judge("create_client", 400, {"errors": "x"}).message == "x"


def test_a_client_in_every_dress() -> None:
    with_mark = b"\xef\xbb\xbf" + json.dumps(GOOD).encode()
    for body in (GOOD, {"data": {"client": [{"id": "41877"}]}}, with_mark):
        for status in (200, 201):
            assert judge("create_client", status, body).card_id == "41877"
    assert judge("create_client", 200, {"data": {"client": {"id": None}}}).verified is False
    booked = {"data": {"appointment": {"id": 55120, "client": 41877}}}
    assert judge("book_appointment", 200, booked).task_id == "55120"


def test_reads() -> None:
    assert judge("find_client", 200, {"data": {"clients": []}}).empty is True
    assert judge("find_client", 200, {"data": {"clients": {"id": 1}}}).empty is False
    gone = judge("get_client", 404, {"message": "Client not found."})
    assert (gone.outcome, gone.empty) == (Outcome.ACCEPTED, True)
    assert judge("get_client", 404, HTML).outcome is Outcome.REJECT
    assert judge("get_client", 200, {"data": {"client": {}}}).outcome is Outcome.RETRY


def test_a_client_goes_out_as_funnel_has_it() -> None:
    sent = client({"first_name": "Noor", "phone": "+12145550142", "bedrooms_min": 0, "bedrooms_max": 5})
    assert sent["layout"] == ["studio", "1br", "2br", "3br", "4+br"]
    assert sent["people"] == [{"is_primary": True, "first_name": "Noor", "phone_1": "214-555-0142"}]
    assert client({"bedrooms_min": 2})["layout"] == ["2br"]
    others = [{"first_name": "A", "is_primary": True}, {"first_name": "B"}]
    assert client({"email": "a@example.com"}, others)["people"] == [
        {"first_name": "A", "is_primary": True, "email": "a@example.com"},
        {"first_name": "B"},
    ]


def test_the_primary_person_is_the_renter() -> None:
    people = [{"first_name": "Guest"}, {"first_name": "Noor", "is_primary": "true", "phone_1": "(214) 555-0142"}]
    card = remote_card({"id": 1, "people": people, "layout": "2br", "price_ceiling": "1700.00", "status": "toured"})
    assert (card.name, card.phones) == ("Noor", ("+12145550142",))
    assert card.fields["bedrooms_min"] == "2"
    assert card.fields["budget_max_cents"] == "170000"
