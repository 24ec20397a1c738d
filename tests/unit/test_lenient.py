"""What the words of an error mean when no code does, and what is read where vendors write as they please."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from leadsvc.workers.destinations.base import Outcome
from leadsvc.workers.destinations.lenient import pick, remote_id, says_nothing_found, spoken, wait_of, within
from leadsvc.workers.destinations.local import cents, day, e164, moment_at, unmarked, written

NOW = datetime(2026, 3, 14, 15, 22, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ("Rate limit exceeded.", Outcome.RETRY),
        ("Too many requests, slow down", Outcome.RETRY),
        ("The request was throttled.", Outcome.RETRY),
        ("Transaction (Process ID 71) was deadlocked on lock resources", Outcome.RETRY),
        ("Timeout expired.", Outcome.RETRY),
        ("The operation has timed out", Outcome.RETRY),
        ("Service temporarily unavailable", Outcome.RETRY),
        ("Please try again later.", Outcome.RETRY),
        ("An unexpected error occurred", Outcome.RETRY),
        ("The record is locked by another user", Outcome.RETRY),
        ("Authentication failed: API key is not valid.", Outcome.AUTH),
        ("The user name or password is incorrect.", Outcome.AUTH),
        ("You do not have the privilege Add Prospects.", Outcome.AUTH),
        ("User does not have rights to this site", Outcome.AUTH),
        ("Access denied", Outcome.AUTH),
        ("Your session has expired", Outcome.AUTH),
        ("The license key has expired", Outcome.AUTH),
        ("This address is not allowed.", Outcome.AUTH),
        ("A record with the same name already exists", Outcome.DUPLICATE),
        ("Duplicate prospect", Outcome.DUPLICATE),
        ("This lead is a duplicate", Outcome.DUPLICATE),
        ("Duplicate phone types are not accepted", None),
        ("The date is not in the right format", None),
        ("The appointment time is not available.", None),
        ("Move-in must be later than today", None),
        ("Leasing agent 9999 is not active.", None),
        ("Email is not valid", None),
        ("lastname is required", None),
        ("", None),
    ],
)
def test_words(words: str, outcome: Outcome | None) -> None:
    assert spoken(words) is outcome


@pytest.mark.parametrize(
    ("words", "nothing"),
    [
        ("No leads found.", True),
        ("No records were found that match.", True),
        ("Nothing found", True),
        ("The query returned no rows", True),
        ("No match for this API key", False),
        ("The property was not found", False),
        ("No permission", False),
    ],
)
def test_nothing_found_is_told_from_no_rights(words: str, nothing: bool) -> None:
    assert says_nothing_found(words) is nothing


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, ""), ("00000", ""), (None, ""), ("null", ""), (" 17 ", "17"), (17.0, "17"), (True, ""), ({}, "")],
)
def test_ids_that_are_none(value: object, expected: str) -> None:
    assert remote_id(value) == expected


def test_names_in_any_spelling() -> None:
    assert pick({"Application_Id": 5}, "applicationId") == 5
    assert pick({"a": None, "A": 2}, "a") is None or pick({"A": 2}, "a") == 2
    assert pick([], "a") is None
    assert within({"Customers": {"customer": [1]}}, "customers", "Customer") == [1]


@pytest.mark.parametrize(
    ("headers", "words", "seconds"),
    [
        ({"Retry-After": "9"}, "", 9),
        ({"Retry-After": "Sat, 14 Mar 2026 15:22:53 GMT"}, "", 30),
        ({"x-ratelimit-resettime": "Sat, 14 Mar 2026 15:22:43 GMT"}, "", 20),
        ({"X-RateLimit-Reset": "2026-03-14T15:22:33Z"}, "", 10),
        ({}, "Try again in 2 minutes", 120),
        ({}, "wait 5 seconds", 5),
        ({}, "in 900000 hours", 86_400),
        ({"x-ratelimit-reset": "soon"}, "no idea", None),
    ],
)
def test_waits(headers: dict[str, str], words: str, seconds: float | None) -> None:
    assert wait_of(headers, {"received_at": NOW}, words) == seconds


def test_places_write_times_without_offset() -> None:
    assert written(NOW, "America/New_York") == "2026-03-14T11:22:23"
    assert moment_at("2026-03-14T11:22:23", "America/New_York") == NOW
    assert moment_at("2026-03-14T15:22:23Z", "America/New_York") == NOW
    assert moment_at("03/14/2026T09:22:23", "America/Denver", "%m/%d/%YT%H:%M:%S") == NOW
    assert moment_at("yesterday", "UTC") is None
    assert moment_at("2026-03-14", "No/Such_Zone") == datetime(2026, 3, 14, tzinfo=UTC)
    assert (day("2027-02-01T00:00:00"), day("0001-01-01"), day("1900-01-01"), day("")) == ("2027-02-01", "", "", "")


@pytest.mark.parametrize(
    ("written_there", "ours"), [("1,650.00", "165000"), ("$1500", "150000"), ("0.00", ""), ("-5", ""), ("many", "")]
)
def test_amounts(written_there: str, ours: str) -> None:
    assert cents(written_there) == ours


def test_phones_and_marks() -> None:
    assert [e164(each) for each in ("(706) 555-0123", "17065550123", "+44 20 5550 0123", "")] == [
        "+17065550123",
        "+17065550123",
        "+442055500123",
        "",
    ]
    assert unmarked("Is it free? [ref GC-1] [ref IN-2]") == ("Is it free?", "GC-1")
    assert unmarked("no mark") == ("no mark", "")
