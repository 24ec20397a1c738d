"""Move-in days: every notation, words, spans, and days that do not exist."""

from __future__ import annotations

from datetime import date

import pytest

from leadsvc.normalize.dates import day, local_slot, moment, move_in

TODAY = date(2026, 2, 3)
"""A Tuesday."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # written out
        ("20260301", "2026-03-01"),
        ("2026-03-01", "2026-03-01"),
        ("2026/3/1", "2026-03-01"),
        ("2026-03-01T00:00:00Z", "2026-03-01"),
        ("2026-03-01T23:30:00-05:00", "2026-03-01"),
        ("2026-03-01 00:00:00", "2026-03-01"),
        ("2026-03-01T05:00:00.000Z", "2026-03-01"),
        ("20260301T000000", "2026-03-01"),
        ("1772323200", "2026-03-01"),
        ("1772323200000", "2026-03-01"),
        ("3/1/26", "2026-03-01"),
        ("3/1/'26", "2026-03-01"),
        ("03/01/2026", "2026-03-01"),
        ("03 / 01 / 2026", "2026-03-01"),
        ("03/01/2026 12:00:00 AM", "2026-03-01"),
        ("03-01-2026", "2026-03-01"),
        ("3.1.26", "2026-03-01"),
        ("15.03.2026", "2026-03-15"),
        ("03012026", "2026-03-01"),
        ("Jun 06, 2026", "2026-06-06"),
        ("June 6th 2026", "2026-06-06"),
        ("JUNE 6, 2026", "2026-06-06"),
        ("September 1, 2026", "2026-09-01"),
        ("Sunday, June 7, 2026", "2026-06-07"),
        ("1st of June", "2026-06-01"),
        ("the 15th of June", "2026-06-15"),
        ("15-Jun-2026", "2026-06-15"),
        ("15 June 2026", "2026-06-15"),
        ("15JUN2026", "2026-06-15"),
        ("Sept. 5", "2026-09-05"),
        ("12/15", "2026-12-15"),
        ("around 6/1", "2026-06-01"),
        ("April 3 or so", "2026-04-03"),
        ("by June 1", "2026-06-01"),
        ("after June 1st", "2026-06-01"),
        ("Jan 5", "2027-01-05"),
        ("1/15", "2027-01-15"),
        ("04/15/2026 flexible", "2026-04-15"),
        ("June 1 (ASAP if possible)", "2026-06-01"),
        ("3/1/2026 or later", "2026-03-01"),
        # at once
        ("ASAP", "2026-02-03"),
        ("asap!!", "2026-02-03"),
        ("A.S.A.P.", "2026-02-03"),
        ("Now!", "2026-02-03"),
        ("today", "2026-02-03"),
        ("as soon as possible", "2026-02-03"),
        ("immediately", "2026-02-03"),
        ("Immediate move in", "2026-02-03"),
        ("right away", "2026-02-03"),
        ("urgent", "2026-02-03"),
        ("tomorrow", "2026-02-04"),
        ("lo antes posible", "2026-02-03"),
        ("inmediatamente", "2026-02-03"),
        ("ahora", "2026-02-03"),
        ("d\u00e8s que possible", "2026-02-03"),
        ("imm\u00e9diatement", "2026-02-03"),
        ("this week", "2026-02-03"),
        ("this month", "2026-02-03"),
        # from now on
        ("Within 30 days", "2026-03-05"),
        ("within60Days", "2026-04-04"),
        ("Less than 30 days", "2026-03-05"),
        ("< 30 days", "2026-03-05"),
        ("0-30 days", "2026-03-05"),
        ("30-60 days", "2026-03-05"),
        ("in 45 days", "2026-03-20"),
        ("in 2 weeks", "2026-02-17"),
        ("two weeks from now", "2026-02-17"),
        ("a month from today", "2026-03-03"),
        ("2 wks", "2026-02-17"),
        ("in a couple of weeks", "2026-02-17"),
        ("in six weeks", "2026-03-17"),
        ("in a month", "2026-03-03"),
        ("within the next month", "2026-03-03"),
        ("2 months", "2026-04-03"),
        ("1-3 months", "2026-03-03"),
        ("one to two months", "2026-03-03"),
        ("3+ months", "2026-05-03"),
        ("in a year", "2027-02-03"),
        ("en 2 semanas", "2026-02-17"),
        ("dentro de 30 d\u00edas", "2026-03-05"),
        ("dans 2 semaines", "2026-02-17"),
        ("next week", "2026-02-10"),
        # weekdays and days of a month
        ("this Friday", "2026-02-06"),
        ("Friday", "2026-02-06"),
        ("next Monday", "2026-02-09"),
        ("this weekend", "2026-02-07"),
        ("on the 15th", "2026-02-15"),
        ("the 1st", "2026-03-01"),
        ("first of the month", "2026-03-01"),
        ("1st of next month", "2026-03-01"),
        ("15th of next month", "2026-03-15"),
        # months
        ("next month", "2026-03-01"),
        ("el pr\u00f3ximo mes", "2026-03-01"),
        ("le mois prochain", "2026-03-01"),
        ("March", "2026-03-01"),
        ("January", "2027-01-01"),
        ("mid April", "2026-04-01"),
        ("mid-June", "2026-06-01"),
        ("end of June", "2026-06-01"),
        ("beginning of March", "2026-03-01"),
        ("early June 2026", "2026-06-01"),
        ("late August/early September", "2026-08-01"),
        ("March or April", "2026-03-01"),
        ("June of 2026", "2026-06-01"),
        ("May", "2026-05-01"),
        ("sometime in May", "2026-05-01"),
        ("06/2026", "2026-06-01"),
        ("6-2026", "2026-06-01"),
        ("2026-06", "2026-06-01"),
        ("end of the month", "2026-02-28"),
        ("end of next month", "2026-03-31"),
        ("junio", "2026-06-01"),
        ("principios de junio", "2026-06-01"),
        ("juillet 2026", "2026-07-01"),
        # other languages
        ("1 de marzo de 2026", "2026-03-01"),
        ("15 mars 2026", "2026-03-15"),
        ("1er juillet 2026", "2026-07-01"),
        ("1\u00ba de junio", "2026-06-01"),
        ("el 15 de agosto", "2026-08-15"),
        ("5 ao\u00fbt", "2026-08-05"),
    ],
)
def test_days(text: str, expected: str) -> None:
    value = move_in(text, TODAY)
    assert value is not None
    assert str(value.value.on) == expected
    assert value.value.words == text


@pytest.mark.parametrize(
    "text",
    ["02/30/2026", "Feb 30, 2026", "13/02/2026", "2026-13-01", "00/00/0000", "1900-01-01", "01/01/1900", "0001-01-01",
     "9999-12-31", "1990-05-12", "flexible", "not now", "2026", "summer", "whenever it is free", "99999999999",
     "0000-00-00", "00000000", "12/31/9999", "01/01/0001", "1/1/1970", "June 31", "4/31/2026", "anytime", "Spring 2026",
     "next year", "just looking", "no rush", "depends", "not sure yet", "not immediately", "06/15/20206", "0",
     "yesterday", "when my lease is up", "-1"],
)  # fmt: skip
def test_words_that_name_no_day(text: str) -> None:
    value = move_in(text, TODAY)
    assert value is not None
    assert value.value.on is None


@pytest.mark.parametrize("text", ["", "  ", "N/A", "Not answered", "null", "not sure", "TBD", "-", "Not specified"])
def test_nothing_said(text: str) -> None:
    assert move_in(text, TODAY) is None


@pytest.mark.parametrize(
    ("text", "on", "latest"),
    [
        ("June 1 - June 15", "2026-06-01", "2026-06-15"),
        ("June 1-15", "2026-06-01", "2026-06-15"),
        ("June 1 - 15, 2026", "2026-06-01", "2026-06-15"),
        ("June 1st to 15th", "2026-06-01", "2026-06-15"),
        ("June 1st or 15th", "2026-06-01", "2026-06-15"),
        ("Jun 28 - Jul 3", "2026-06-28", "2026-07-03"),
        ("Dec 28 - Jan 3", "2026-12-28", "2027-01-03"),
        ("6/1-6/15", "2026-06-01", "2026-06-15"),
        ("6/1 to 6/15/2026", "2026-06-01", "2026-06-15"),
        ("06/01/2026 - 06/15/2026", "2026-06-01", "2026-06-15"),
        ("2026-06-01 to 2026-06-15", "2026-06-01", "2026-06-15"),
        ("between June 1 and June 15", "2026-06-01", "2026-06-15"),
        ("between March and May", "2026-03-01", "2026-05-31"),
        ("March-April", "2026-03-01", "2026-04-30"),
        ("June", "2026-06-01", "2026-06-30"),
        ("early June 2026", "2026-06-01", "2026-06-30"),
        ("30-60 days", "2026-03-05", "2026-04-04"),
        ("2 to 3 weeks", "2026-02-17", "2026-02-24"),
        ("1-3 months", "2026-03-03", "2026-05-03"),
        ("next month", "2026-03-01", "2026-03-31"),
    ],
)
def test_spans_have_a_latest_day(text: str, on: str, latest: str) -> None:
    span = move_in(text, TODAY)
    assert span is not None
    assert (str(span.value.on), str(span.value.latest)) == (on, latest)


def test_a_single_day_has_no_latest() -> None:
    for text in ("June 1", "ASAP", "within 30 days", "6/1/2026"):
        value = move_in(text, TODAY)
        assert value is not None
        assert value.value.latest is None


@pytest.mark.parametrize(
    ("text", "today", "expected"),
    [
        ("Jan 3", date(2026, 12, 20), "2027-01-03"),
        ("December", date(2026, 12, 20), "2026-12-01"),
        ("next month", date(2026, 12, 20), "2027-01-01"),
        ("in 2 weeks", date(2026, 12, 20), "2027-01-03"),
        ("in 1 month", date(2026, 1, 31), "2026-02-28"),
        ("end of next month", date(2026, 12, 5), "2027-01-31"),
        ("Feb 29, 2028", date(2027, 11, 1), "2028-02-29"),
        ("Friday", date(2026, 2, 6), "2026-02-13"),
        ("the 31st", date(2026, 2, 6), "2026-03-31"),
        ("this weekend", date(2026, 2, 7), "2026-02-07"),
    ],
)
def test_at_the_turn_of_months_and_years(text: str, today: date, expected: str) -> None:
    value = move_in(text, today)
    assert value is not None
    assert str(value.value.on) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("May 19 at 2:00 PM", "2026-05-19T14:00:00"),
        ("May 19, 2026 2:00 PM", "2026-05-19T14:00:00"),
        ("May 19 @ 2pm", "2026-05-19T14:00:00"),
        ("May 19, 2:00 PM - 2:30 PM", "2026-05-19T14:00:00"),
        ("May 19 2-3 PM", "2026-05-19T14:00:00"),
        ("Tuesday, May 19 at 10:30 a.m.", "2026-05-19T10:30:00"),
        ("Apr 27 at Anytime", "2026-04-27"),
        ("2026-05-19T14:00:00-05:00", "2026-05-19T14:00:00-05:00"),
        ("2026-05-19T14:00:00Z", "2026-05-19T14:00:00+00:00"),
        ("2026-05-19T14:00", "2026-05-19T14:00:00"),
        ("2026-05-19 14:00", "2026-05-19T14:00:00"),
        ("2026-05-19", "2026-05-19"),
        ("Tue, 19 May 2026 14:00:00 -0500", "2026-05-19T14:00:00-05:00"),
        ("5/19/2026 2pm", "2026-05-19T14:00:00"),
        ("5/19/2026 02:00 PM", "2026-05-19T14:00:00"),
        ("5/19 2pm", "2026-05-19T14:00:00"),
        ("12:30 am on May 2", "2026-05-02T00:30:00"),
        ("May 2 at 12 pm", "2026-05-02T12:00:00"),
        ("May 2 at noon", "2026-05-02T12:00:00"),
        ("Tomorrow 3pm", "2026-02-04T15:00:00"),
        ("Tomorrow at 10:15 AM", "2026-02-04T10:15:00"),
        ("today at 4:30pm", "2026-02-03T16:30:00"),
        ("Saturday at 2pm", "2026-02-07T14:00:00"),
        ("next Tuesday 10am", "2026-02-10T10:00:00"),
        ("this Friday", "2026-02-06"),
        ("Jan 3 at 2:00 PM", "2027-01-03T14:00:00"),
        ("19 May 14:00", "2026-05-19T14:00:00"),
        ("May 19 at 25:00", "2026-05-19"),
        ("whenever", None),
        ("2pm", None),
        ("Feb 30 at 2 PM", None),
        ("", None),
    ],
)
def test_tour_slots(text: str, expected: str | None) -> None:
    assert local_slot(text, TODAY) == expected


def test_a_day_is_written_out() -> None:
    assert day("June 1, 2026", TODAY) == date(2026, 6, 1)
    assert day("soon", TODAY) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-02-13T18:00:00+0000", "2026-02-13T18:00:00+00:00"),
        ("2026-02-13T18:00:00.123Z", "2026-02-13T18:00:00.123000+00:00"),
        ("Fri, 13 Feb 2026 12:00:00 -0600", "2026-02-13T12:00:00-06:00"),
        ("Fri, 13 Feb 2026 12:00:00 EST", "2026-02-13T12:00:00-05:00"),
        ("1771005600", "2026-02-13T18:00:00+00:00"),
        ("1771005600000", "2026-02-13T18:00:00+00:00"),
        ("2026-02-16T08:00:00", None),
        ("1999-02-16T08:00:00Z", None),
        ("soon", None),
        ("", None),
    ],
)
def test_moments(text: str, expected: str | None) -> None:
    found = moment(text)
    assert (found.value.isoformat() if found else None) == expected
