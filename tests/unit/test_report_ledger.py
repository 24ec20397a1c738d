"""The ledger against the pure rules of attribution, on random persons with repeats, ties and late conversions."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsvc.attribution import MODELS, WHOLE, Conversion, Scope, Touch, collapse, credit_conversion
from leadsvc.errors import Reject
from leadsvc.reports.calendar import beginnings, month_named, months_between
from leadsvc.reports.ledger import COLLAPSED, CREDITS, LEADS, TOUCHES, Id, Ledger, Reached, Rules, Seen

START = datetime(2026, 3, 30, tzinfo=UTC)
PLACES = (uuid.UUID(int=1), uuid.UUID(int=2), None)
MONTHS = months_between(date(2026, 2, 1), date(2026, 4, 1))
STARTS: dict[Id | None, Sequence[datetime]] = {
    PLACES[0]: beginnings(MONTHS, "America/Chicago"),
    PLACES[1]: beginnings(MONTHS, "Pacific/Auckland"),
    None: beginnings(MONTHS, "UTC"),
}

# Few sources and few distances, so that repeats, exact 24 h and ties are common.
_hours = st.integers(0, 16).map(lambda steps: START + timedelta(hours=6 * steps))
_place = st.sampled_from(range(3))
_raw = st.lists(st.tuples(_hours, _place, st.integers(0, 1), st.sampled_from("ZAW"), st.sampled_from(["", "x"])))
_reached = st.lists(st.tuples(_hours, _place), max_size=3)


def seen_of(raw: list[tuple[datetime, int, int, str, str]]) -> list[Seen]:
    """Touches in order, each on one of two cards of its place."""
    made = [Seen(uuid.UUID(int=10 * place + card), PLACES[place], at, *words) for at, place, card, *words in raw]
    return sorted(made, key=lambda each: each.at)


def touches_of(seen: list[Seen]) -> list[Touch]:
    return [
        Touch(uuid.UUID(int=number), each.at, each.at, each.source, each.campaign, None, uuid_of(each.place))
        for number, each in enumerate(seen)
    ]


def uuid_of(place: Id | None) -> uuid.UUID | None:
    assert not isinstance(place, str)
    return place


def by_source(ledger: Ledger, place: int) -> Counter[tuple[str | None, str, Id | None]]:
    sums: Counter[tuple[str | None, str, Id | None]] = Counter()
    for (source, campaign, where, _), tally in ledger.lines.items():
        sums[source, campaign, where] += tally[place]
    return +sums


@given(_raw, _reached, st.sampled_from([0, 1, 2, 60]), st.sampled_from(Scope))
def test_credits_are_those_of_the_pure_rules(
    raw: list[tuple[datetime, int, int, str, str]], reached: list[tuple[datetime, int]], window: int, scope: Scope
) -> None:
    seen = seen_of(raw)
    touches, conversions = touches_of(seen), [Conversion(at, "leased", PLACES[place]) for at, place in reached]
    ledger = Ledger(len(MODELS))
    rules = Rules(STARTS, tuple(MODELS), window, scope is Scope.PORTFOLIO, lead=False)
    rules.enter(ledger, seen, [Reached("c", each.property_id, each.at) for each in conversions], unidentified=False)
    assert ledger.conversions == len(conversions)
    assert ledger.unbalanced(tuple(MODELS)) == []
    for place, model in enumerate(MODELS, CREDITS):
        expected: Counter[tuple[str | None, str, Id | None]] = Counter()
        for each in conversions:
            for touch_id, micros in credit_conversion(touches, each, model, window, scope).items():
                told = (
                    (None, "") if touch_id is None else (touches[touch_id.int].source, touches[touch_id.int].campaign)
                )
                expected[*told, each.property_id] += micros
        assert by_source(ledger, place) == +expected


@given(_raw, st.sampled_from([0, 1, 60]), st.sampled_from(Scope))
def test_leads_are_the_cards_and_their_last_touch_converts(
    raw: list[tuple[datetime, int, int, str, str]], window: int, scope: Scope
) -> None:
    seen = seen_of(raw)
    touches, ledger = touches_of(seen), Ledger(len(MODELS))
    Rules(STARTS, tuple(MODELS), window, scope is Scope.PORTFOLIO, lead=True).enter(ledger, seen, (), unidentified=True)
    firsts = {each.card: each for each in reversed(seen)}
    lasts = {each.card: each for each in seen}
    assert ledger.conversions == len(firsts)
    assert by_source(ledger, TOUCHES) == Counter((each.source, each.campaign, each.place) for each in seen)
    assert by_source(ledger, LEADS) == Counter((each.source, each.campaign, each.place) for each in firsts.values())
    groups = [touches] if scope is Scope.PORTFOLIO else [[t for t in touches if t.property_id == p] for p in PLACES]
    kept = [touch for group in groups for touch in collapse(group)]
    assert by_source(ledger, COLLAPSED) == Counter((each.source, each.campaign, each.property_id) for each in kept)
    for place, model in enumerate(MODELS, CREDITS):
        expected: Counter[tuple[str | None, str, Id | None]] = Counter()
        for each in lasts.values():
            conversion = Conversion(each.at, "lead", uuid_of(each.place))
            for touch_id, micros in credit_conversion(touches, conversion, model, window, scope).items():
                assert touch_id is not None
                expected[touches[touch_id.int].source, touches[touch_id.int].campaign, each.place] += micros
        assert by_source(ledger, place) == +expected


@given(st.lists(_raw, max_size=4), st.data())
def test_credits_are_conserved_whoever_is_merged_with_whom(
    people: list[list[tuple[datetime, int, int, str, str]]], data: st.DataObject
) -> None:
    outcomes = [Reached(number, PLACES[0], START + timedelta(days=2)) for number in map(str, range(len(people)))]
    roots = [data.draw(st.integers(0, number)) for number in range(len(people))]

    def report(root_of: Sequence[int]) -> Ledger:
        ledger = Ledger(len(MODELS))
        for root in sorted(set(root_of)):
            members = [number for number in range(len(people)) if root_of[number] == root]
            merged = seen_of([row for number in members for row in people[number]])
            Rules(STARTS, tuple(MODELS), 30, True, lead=False).enter(
                ledger, merged, [outcomes[number] for number in members], unidentified=False
            )
        return ledger

    apart, merged = report(range(len(people))), report(roots)
    assert apart.unbalanced(tuple(MODELS)) == merged.unbalanced(tuple(MODELS)) == []
    assert apart.conversions == merged.conversions
    assert by_source(apart, TOUCHES) == by_source(merged, TOUCHES)
    assert report(range(len(people))).lines == apart.lines


def test_every_model_looks_at_positions_alone() -> None:
    """The ledger remembers shares by position; a model for which that is wrong must not be asked that way."""
    near = [Touch(uuid.UUID(int=n), START + timedelta(hours=n), START, "Z") for n in range(4)]
    far = [Touch(uuid.UUID(int=n), START + timedelta(days=9 * n), START, "Z") for n in range(4)]
    for model in MODELS.values():
        assert list(model(near, near[-1].received_at)) == list(model(far, far[-1].received_at))


def test_only_the_opened_line_is_kept_by_card() -> None:
    ledger = Ledger(1, ("Z", "", None, 0))
    rules = Rules({None: STARTS[None]}, ("last",), 60, False, lead=True)
    at = datetime(2026, 2, 2, tzinfo=UTC)
    rules.enter(ledger, [Seen("a", None, at, "Z", "")], (), unidentified=False)
    rules.enter(ledger, [Seen("b", None, at, "A", "")], (), unidentified=True)
    assert ledger.cards == {"a": [1, 1, 1, 0, WHOLE]}


def test_months_are_named_and_counted() -> None:
    assert month_named("2026-11") == date(2026, 11, 1)
    assert months_between(date(2025, 11, 1), date(2026, 2, 1))[1:3] == (date(2025, 12, 1), date(2026, 1, 1))


@pytest.mark.parametrize("text", ["", "2026-1", "2026-13", "2026-1x", "26-11", "2026-11-01", "٢٠٢٦-11"])
def test_other_words_are_no_months(text: str) -> None:
    with pytest.raises(Reject):
        month_named(text)
