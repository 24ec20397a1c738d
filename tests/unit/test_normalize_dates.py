"""Move-in days: every notation, words, spans, and days that do not exist."""

from __future__ import annotations

from datetime import date

import pytest

from leadsvc.normalize.dates import local_slot, moment, move_in

TODAY = date(2026, 2, 3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20260301", "2026-03-01"),
        ("2026-03-01", "2026-03-01"),
        ("2026-03-01T00:00:00Z", "2026-03-01"),
        ("3/1/26", "2026-03-01"),
        ("03/01/2026", "2026-03-01"),
        ("03-01-2026", "2026-03-01"),
        ("03012026", "2026-03-01"),
        ("Jun 06, 2026", "2026-06-06"),
        ("September 1, 2026", "2026-09-01"),
        ("Sunday, June 7, 2026", "2026-06-07"),
        ("1st of June", "2026-06-01"),
        ("Sept. 5", "2026-09-05"),
        ("12/15", "2026-12-15"),
        ("April 3 or so", "2026-04-03"),
        ("Jan 5", "2027-01-05"),
        ("04/15/2026 flexible", "2026-04-15"),
        ("ASAP", "2026-02-03"),
        ("Now!", "2026-02-03"),
        ("as soon as possible", "2026-02-03"),
        ("immediately", "2026-02-03"),
        ("tomorrow", "2026-02-04"),
        ("Within 30 days", "2026-03-05"),
        ("within60Days", "2026-04-04"),
        ("in 2 weeks", "2026-02-17"),
        ("next month", "2026-03-01"),
        ("March", "2026-03-01"),
        ("mid April", "2026-04-01"),
        ("early June 2026", "2026-06-01"),
        ("06/2026", "2026-06-01"),
        ("1 de marzo de 2026", "2026-03-01"),
        ("15 mars 2026", "2026-03-15"),
    ],
)
def test_days(text: str, expected: str) -> None:
    value = move_in(text, TODAY)
    assert value is not None
    assert str(value.value.on) == expected
    assert value.value.words


@pytest.mark.parametrize(
    "text",
    ["02/30/2026", "Feb 30, 2026", "13/02/2026", "2026-13-01", "00/00/0000", "1900-01-01", "01/01/1900", "0001-01-01",
     "9999-12-31", "1990-05-12", "flexible", "not now", "2026", "summer", "whenever it is free", "99999999999"],
)  # fmt: skip
def test_words_that_name_no_day(text: str) -> None:
    value = move_in(text, TODAY)
    assert value is not None
    assert value.value.on is None


@pytest.mark.parametrize("text", ["", "  ", "N/A", "Not answered", "null", "not sure"])
def test_nothing_said(text: str) -> None:
    assert move_in(text, TODAY) is None


def test_spans_have_a_latest_day() -> None:
    span = move_in("June 1 - June 15", TODAY)
    assert span is not None
    assert (span.value.on, span.value.latest) == (date(2026, 6, 1), date(2026, 6, 15))
    days = move_in("30-60 days", TODAY)
    assert days is not None
    assert (days.value.on, days.value.latest) == (date(2026, 3, 5), date(2026, 4, 4))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("May 19 at 2:00 PM", "2026-05-19T14:00:00"),
        ("Apr 27 at Anytime", "2026-04-27"),
        ("2026-05-19T14:00:00-05:00", "2026-05-19T14:00:00-05:00"),
        ("5/19/2026 2pm", "2026-05-19T14:00:00"),
        ("12:30 am on May 2", "2026-05-02T00:30:00"),
    ],
)
def test_tour_slots(text: str, expected: str) -> None:
    assert local_slot(text, TODAY) == expected


def test_a_time_without_offset_is_no_moment() -> None:
    assert moment("2026-02-16T08:00:00") is None
    known = moment("2026-02-13T18:00:00+0000")
    assert known is not None
    assert known.value.isoformat() == "2026-02-13T18:00:00+00:00"
