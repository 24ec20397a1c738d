"""Neighbourhoods taken apart into people, and one new inquiry placed among them: order-free, and verdicts stick."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadsvc.resolve.engine import FLOOR, Partition, linked, odds, partition, score
from leadsvc.resolve.joining import place
from leadsvc.resolve.levels import DAY, usable
from leadsvc.resolve.model import Model
from leadsvc.resolve.trace import Trace

AT = 1_740_000_000
MODEL = Model.default()
Pairs = list[tuple[str, str]]


def alone(_: str) -> int:
    return 1


def inquiry(id: str, first: str = "", last: str = "", day: float = 0, **more: Any) -> Trace:
    told = {"place": "P1", "region": "tulsa"} | more
    return Trace(id, AT + int(day * DAY), tuple(first.split()), tuple(last.split()), **told)


ROSA: dict[str, Any] = {"emails": ("rosa.lindqvist@example.com",), "phones": ("+12125550101",)}
MEI: dict[str, Any] = {"emails": ("mei.tanaka@example.org",), "phones": ("+14155550188",)}


def people(found: Partition) -> set[frozenset[str]]:
    return set(found.clusters)


def groups(*texts: str) -> set[frozenset[str]]:
    """``groups("ab", "c")``: a and b are one, c is another."""
    return {frozenset(text) for text in texts}


@pytest.mark.parametrize(
    ("traces", "expected"),
    [
        (
            [inquiry("a", "rosa", "lindqvist", **ROSA), inquiry("b", "rosa", "lindqvist", 3, **ROSA)],
            groups("ab"),
        ),
        (
            [
                inquiry("a", "rosa", "lindqvist", **ROSA),
                inquiry("b", "rosa", "lindqvist", 3, emails=ROSA["emails"], place="P2"),
                inquiry("c", "rosa", "lindqvist", 5, phones=ROSA["phones"], place="P2"),
            ],
            groups("abc"),
        ),
        (
            [inquiry("a", "rosa", "lindqvist", **ROSA), inquiry("b", "mei", "tanaka", 3, **MEI)],
            groups("a", "b"),
        ),
        (
            [
                inquiry("a", "robert", "quistgaard", phones=("+12125550134",)),
                inquiry("b", "bob", "quistgaard", 2, emails=("bobq@example.com",), phones=("+12125550143",)),
            ],
            groups("ab"),
        ),
        (
            [
                inquiry("a", "rosa", "lindqvist", phones=("+12125550101",)),
                inquiry("b", "anders", "lindqvist", 3, phones=("+12125550101",)),
            ],
            groups("a", "b"),
        ),
        (
            [
                inquiry("a", "john", "weberling", suffix="sr", emails=("weberling@example.com",)),
                inquiry("b", "john", "weberling", 1, suffix="jr", emails=("weberling@example.com",)),
            ],
            groups("a", "b"),
        ),
        (
            [
                inquiry("a", "john", "weberling", suffix="sr", emails=("weberling@example.com",)),
                inquiry("b", "john", "weberling", 1, emails=("weberling@example.com",)),
                inquiry("c", "john", "weberling", 2, emails=("weberling@example.com",)),
                inquiry("d", "john", "weberling", 3, suffix="jr", emails=("weberling@example.com",)),
            ],
            groups("abc", "d"),
        ),
        (
            [
                inquiry("a", "rosa", "lindqvist", phones=ROSA["phones"], move_in=740_000),
                inquiry("b", "anders", "lindqvist", phones=ROSA["phones"], move_in=740_000, place="P2"),
            ],
            groups("a", "b"),
        ),
        (
            [inquiry("a", "maria", "garcia"), inquiry("b", "maria", "garcia", 40, place="P2")],
            groups("a", "b"),
        ),
    ],
    ids=[
        "again",
        "address-and-number",
        "strangers",
        "slips",
        "couple",
        "elder-and-younger",
        "elder-younger-and-either",
        "couple-with-one-plan",
        "namesakes",
    ],
)
def test_who_is_who(traces: list[Trace], expected: set[frozenset[str]]) -> None:
    assert people(partition(traces, MODEL, alone)) == expected


def test_a_desks_address_joins_nobody() -> None:
    traces = [
        inquiry("a", "rosa", "lindqvist", emails=("desk@example.net",)),
        inquiry("b", "rosa", "tanaka", 1, emails=("desk@example.net",), place="P2"),
    ]
    assert people(partition(traces, MODEL, lambda _: 9)) == groups("a", "b")


def test_a_household_is_proposed_with_its_evidence() -> None:
    traces = [
        inquiry("a", "rosa", "lindqvist", phones=("+12125550101",)),
        inquiry("b", "anders", "lindqvist", 1, phones=("+12125550101",)),
        inquiry("c", "mei", "tanaka", 1, **MEI),
    ]
    found = partition(traces, MODEL, alone)
    assert people(found) == groups("a", "b", "c")
    ((one, other, chance),) = found.households
    assert (one, other) == ("a", "b")
    assert 0.5 <= chance <= 1


@pytest.mark.parametrize(
    ("one", "other", "sentence"),
    [
        (
            inquiry("a", "rosa", "lindqvist", **ROSA),
            inquiry("b", "rosa", "lindqvist", 3, **ROSA),
            "Same e-mail address, same phone number, same name, at the same property, days apart",
        ),
        (
            inquiry("a", "rosa", "lindqvist", phones=("+12125550101",)),
            inquiry("b", "anders", "lindqvist", 3, phones=("+12125550101",), place="P2"),
            "Same phone number, same last name, days apart, but a different first name",
        ),
        (
            inquiry("a", "wei", "zhang", **ROSA),
            inquiry("b", "zhang", "wei", 300, **MEI),
            "Same name, first and last name turned round, at the same property, a year apart, but another e-mail "
            "address and another phone number",
        ),
        (
            inquiry("a", "rosa", "berg", threads=("t",), move_in=739_000),
            inquiry("b", "mei", "lind", threads=("t",), move_in=739_100),
            "Same conversation, at the same property, within the hour, but a different name and another move-in date",
        ),
    ],
)
def test_a_sentence_says_it(one: Trace, other: Trace, sentence: str) -> None:
    told = score(usable(one, alone), usable(other, alone), MODEL)
    assert told.sentence == sentence
    assert score(usable(other, alone), usable(one, alone), MODEL).sentence == sentence


def test_the_steps_show_both_values_and_what_each_is_worth() -> None:
    one, other = inquiry("a", "rosa", "lindqvist", **ROSA), inquiry("b", "rosa", "lindqvist", 3, **ROSA)
    told = score(usable(one, alone), usable(other, alone), MODEL)
    steps = {each.field: each for each in told.steps}
    assert steps["email"].weight > 0
    assert (steps["phone"].level, steps["phone"].ours, steps["phone"].theirs) == (
        "same",
        "+12125550101",
        "+12125550101",
    )
    assert set(steps) == {"prior", "email", "phone", "given", "family", "order", "place", "gap"}
    assert told.same > 0
    assert told.probability == pytest.approx(1 / (1 + math.exp(-told.same)))
    assert [each["field"] for each in told.evidence()] == [each.field for each in told.steps]


def few(*values: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=2, unique=True).map(lambda found: tuple(sorted(found)))


ONE = st.builds(
    Trace,
    st.just(""),
    st.integers(0, 60).map(lambda days: AT + days * DAY // 2),
    st.sampled_from([(), ("rosa",), ("robert",), ("bob",), ("mei",), ("maria",)]),
    st.sampled_from([(), ("lindqvist",), ("lindkvist",), ("tanaka",), ("garcia",)]),
    st.sampled_from(["", "", "jr", "sr"]),
    st.just(False),
    few("rosa.lindqvist@example.com", "rosa.lindqvits@example.com", "bob@gmail.com", "shared@example.org"),
    few("t1"),
    few("+12125550101", "+12125550110", "+14155550188"),
    st.sampled_from(["P1", "P2", ""]),
    st.just("tulsa"),
    st.none() | st.sampled_from([739_000, 739_050]),
    st.none() | st.sampled_from([1.0, 2.0]),
    st.sampled_from([0, 0, 5]),
)
NEIGHBOURS = st.lists(ONE, min_size=1, max_size=8).map(
    lambda rows: [replace(row, id="abcdefgh"[number]) for number, row in enumerate(rows)]
)
VERDICTS = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=3).map(
    lambda pairs: [pair for pair in pairs if pair[0] != pair[1]]
)


def crowd(value: str) -> int:
    return 4 if value.startswith("shared") else 1


@given(NEIGHBOURS, VERDICTS, VERDICTS, st.randoms(use_true_random=False))
def test_the_order_of_arrival_plays_no_part(traces: list[Trace], same: Pairs, apart: Pairs, random: Random) -> None:
    told = partition(traces, MODEL, crowd, same=same, apart=apart)
    mixed = random.sample(traces, len(traces))
    turned = [(b, a) for a, b in same], [(b, a) for a, b in reversed(apart)]
    assert partition(mixed, MODEL, crowd, same=turned[0], apart=turned[1]) == told
    assert sorted(id for cluster in told.clusters for id in cluster) == sorted(each.id for each in traces)


@given(NEIGHBOURS, VERDICTS, VERDICTS)
def test_verdicts_outrank_what_is_said(traces: list[Trace], same: Pairs, apart: Pairs) -> None:
    told = partition(traces, MODEL, crowd, same=same, apart=apart)
    of = {id: number for number, cluster in enumerate(told.clusters) for id in cluster}
    there = {each.id for each in traces}
    assert all(of[one] != of[other] for one, other in apart if {one, other} <= there)
    if not apart:
        assert all(of[one] == of[other] for one, other in same if {one, other} <= there)
    parted = {frozenset((of[one], of[other])) for one, other in apart if {one, other} <= there}
    asked = {frozenset((of[one], of[other])) for one, other, _ in (*told.reviews, *told.households)}
    assert not parted & asked
    assert all(len(pair) == 2 for pair in asked)


def neighbourhoods(traces: list[Trace]) -> list[list[Trace]]:
    """Inquiries linked directly or over others."""
    rows = [usable(each, crowd) for each in traces]
    found = [[each] for each in traces]
    for one, other in combinations(rows, 2):
        if linked(one, other, MODEL):
            both = [each for each in found if one.trace in each or other.trace in each]
            found = [each for each in found if each not in both] + [[each for part in both for each in part]]
    return found


def settled(traces: list[Trace]) -> set[frozenset[str]]:
    """The people among inquiries, every neighbourhood taken apart as a whole."""
    return {cluster for each in neighbourhoods(traces) for cluster in partition(each, MODEL, crowd).clusters}


@settings(max_examples=300)
@given(NEIGHBOURS)
def test_a_new_inquiry_is_placed_where_the_whole_puts_it(traces: list[Trace]) -> None:
    """What follows for the last one, with the others settled before, is what settling all says as far as those reach
    whom it is linked with; unless one of those comes apart, which joining cannot express."""
    *old, new = traces
    before = settled(old)
    prospects = {min(each): [trace for trace in old if trace.id in each] for each in before}
    mine = usable(new, crowd)
    near = [key for key, rows in prospects.items() if any(linked(mine, usable(each, crowd), MODEL) for each in rows)]
    together = [new, *(trace for key in near for trace in prospects[key])]
    told = place(new, prospects, MODEL, crowd)
    if told.torn:
        return
    joined = {told.group, *told.merge} if told.verdict == "join" else set()
    after = {frozenset(trace.id for trace in prospects[key]) for key in near if key not in joined}
    after.add(frozenset({new.id}.union(*(each for each in before if min(each) in joined))))
    assert after == people(partition(together, MODEL, crowd))


@given(NEIGHBOURS)
def test_who_does_not_join_and_may_be_somebody_is_asked_about(traces: list[Trace]) -> None:
    *old, new = traces
    told = place(new, {each.id: [each] for each in old}, MODEL, crowd)
    best = max((odds(usable(new, crowd), usable(each, crowd), MODEL)[0] for each in old), default=-99.0)
    assert told.verdict in {"join", "review", "new"}
    if told.verdict == "new":
        assert best < MODEL.review_at
        assert told.score is None
    else:
        assert best > FLOOR
        assert told.group is not None
        assert told.score is not None
    if told.verdict == "review":
        assert best >= MODEL.review_at
        assert told.score is not None
        assert told.score.same == best
    assert told.group not in {key for key, _ in told.related}


def test_whom_a_person_kept_apart_is_not_asked_about_again() -> None:
    """There is another who may be it, and only that one is asked about."""
    kept = inquiry("a", "john", "weberling", suffix="sr", emails=("weberling@example.com",))
    other = inquiry("b", "john", "weberling", 1, suffix="jr", emails=("weberling@example.com",))
    new = inquiry("c", "john", "weberling", 2, emails=("weberling@example.com",))
    told = place(new, {"A": [kept], "B": [other]}, MODEL, alone, apart=[("c", "b")])
    assert told.group == "A"
    told = place(new, {"A": [kept], "B": [other]}, MODEL, alone, apart=[("a", "c"), ("c", "b")])
    assert (told.verdict, told.group) == ("new", None)


def test_verdicts_reach_one_who_has_nothing_in_common() -> None:
    rosa, mei = inquiry("a", "rosa", "lindqvist", **ROSA), inquiry("b", "mei", "tanaka", **MEI)
    told = place(mei, {"R": [rosa]}, MODEL, alone, same=[("a", "b")])
    assert (told.verdict, told.group) == ("join", "R")
    assert place(mei, {"R": [rosa]}, MODEL, alone).verdict == "new"
