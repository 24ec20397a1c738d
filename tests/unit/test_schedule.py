"""When to try again: the schedule as it is promised, the vendor's wish, the circuit."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsvc.workers.schedule import CIRCUIT_AFTER, SCHEDULE, circuit_pause, next_try

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


def test_ten_tries_over_three_days() -> None:
    assert len(SCHEDULE) + 1 == 10
    assert sum(SCHEDULE, timedelta()) / timedelta(hours=1) == pytest.approx(75.6, abs=0.1)
    assert list(SCHEDULE) == sorted(SCHEDULE)
    assert next_try(NOW, len(SCHEDULE) + 1, None) is None


@given(st.integers(1, len(SCHEDULE)))
def test_a_pause_is_within_a_tenth_of_its_schedule(failures: int) -> None:
    due = next_try(NOW, failures, None)
    assert due is not None
    assert 0.9 <= (due - NOW) / SCHEDULE[failures - 1] <= 1.1


def test_a_later_wish_is_honoured_and_an_earlier_one_is_not() -> None:
    assert next_try(NOW, 1, 3600) == NOW + timedelta(hours=1)
    due = next_try(NOW, 3, 1)
    assert due is not None
    assert due - NOW >= SCHEDULE[2] * 0.9


@pytest.mark.parametrize("wish", [1e300, math.inf, math.nan, -5.0, 0.0])
def test_a_monstrous_wish_neither_raises_nor_parks_a_delivery_for_years(wish: float) -> None:
    due = next_try(NOW, 1, wish)
    assert due is not None
    assert NOW < due <= NOW + timedelta(days=2)


def test_the_circuit_opens_after_failures_in_a_row_and_rests_ever_longer() -> None:
    assert circuit_pause(CIRCUIT_AFTER - 1) is None
    pauses = [circuit_pause(CIRCUIT_AFTER + n) for n in range(10)]
    rests = [each for each in pauses if each is not None]
    assert len(rests) == 10
    assert rests == sorted(rests)
    assert rests[-1] == timedelta(minutes=5)
