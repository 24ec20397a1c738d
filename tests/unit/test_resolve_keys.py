"""The keys by which inquiries of one person meet: still in common after a slip, and the same in every process."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from leadsvc.resolve.keys import SEASON_S, crowd_of, given_root, keys, marks, written
from leadsvc.resolve.levels import HUB
from leadsvc.resolve.trace import Trace, number
from tests.processes import ROOT

WHOLE = Trace(
    "a",
    100 * SEASON_S,
    ("robert",),
    ("lindqvist",),
    emails=("robert.lindqvist@example.com",),
    threads=("zillow:17",),
    phones=("+12125550134",),
    place="P1",
    region="tulsa",
    move_in=739_000,
    said=12345,
)
ELSEWHERE: dict[str, Any] = {"place": "P9", "region": "reno", "at": 300 * SEASON_S, "move_in": None, "said": 0}
BARE: dict[str, Any] = {"emails": (), "phones": (), "threads": (), "said": 0}


def meet(one: Trace, other: Trace) -> bool:
    return bool(set(keys(one)) & set(keys(other)))


@pytest.mark.parametrize(
    "change",
    [
        {"emails": ("other@example.org",), "phones": ()},
        {"emails": ("robert.lindqvist@gmial.com",), "phones": (), "given": (), "family": ()},
        {"emails": (), "phones": ("+12125550143",)},
        {"emails": (), "phones": ("+12125550139",), "family": ()},
        {"emails": (), "phones": ("+12125550139",), "given": ("bob",), "family": ("weber",)},
        {"emails": (), "phones": ("+13125550134",), "given": (), "family": ("lindkvist",)},
        {"emails": ("r@example.org",), "phones": (), "given": ("lindqvist",), "family": ("robert",)},
        {"emails": ("r@example.org",), "phones": (), "given": ("bob",)},
    ],
    ids=str,
)
def test_one_person_met_elsewhere(change: dict[str, Any]) -> None:
    """A value or the name is left, or a slip of it."""
    elsewhere = {"threads": (), **ELSEWHERE, **change}
    if "family" in change and change["family"] == ("lindkvist",):
        assert meet(replace(WHOLE, given=()), replace(WHOLE, **elsewhere))
    else:
        assert meet(WHOLE, replace(WHOLE, **elsewhere))


@pytest.mark.parametrize(
    "change",
    [
        {"family": ("berg",)},
        {"given": ("mei",), "family": ("lindkvist",)},
        {"given": ("rob",), "family": ("linndqvist",), "place": "P2"},
        {"given": ("roberto",), "family": ("lindqvist",), "place": "P2"},
        {"place": "P2", "family": (), "at": 300 * SEASON_S},
    ],
    ids=str,
)
def test_one_person_met_by_name_at_a_property_or_in_a_region(change: dict[str, Any]) -> None:
    assert meet(WHOLE, replace(WHOLE, **{**BARE, **change}))


def test_strangers_do_not_meet() -> None:
    other = Trace("b", 300 * SEASON_S, ("mei",), ("tanaka",), emails=("mei@example.org",), phones=("+14155550188",))
    assert not meet(WHOLE, other)
    assert not meet(replace(WHOLE, **BARE), Trace("b", WHOLE.at, ("mei",), ("tanaka",), place="P1", region="tulsa"))
    assert keys(Trace("b", 0)) == ()


def test_neighbours_in_time_share_a_season_whatever_day_it_begins() -> None:
    """Two windows overlap by half, so that names that sound alike meet within half a season anyway."""
    only = {**BARE, "place": "", "move_in": None}
    for day in range(0, 120, 7):
        at = WHOLE.at + day * 86_400
        one = replace(WHOLE, **only, at=at)
        assert meet(one, replace(one, at=at + SEASON_S // 2 - 1, family=("lindkvist",)))
    assert not meet(replace(WHOLE, **only), replace(WHOLE, **only, at=WHOLE.at + 2 * SEASON_S, family=("lindkvist",)))


def test_they_are_few_distinct_sorted_and_fit_a_database() -> None:
    found = keys(WHOLE)
    assert list(found) == sorted(set(found))
    assert len(found) <= 16
    assert all(-(2**63) <= each < 2**63 for each in found)
    assert len(found) == len(set(written(WHOLE)))


def test_they_are_the_same_in_every_process() -> None:
    told = (
        "import json, sys; from leadsvc.resolve.keys import keys; from leadsvc.resolve.trace import Trace\n"
        "print(json.dumps(keys(Trace.from_json('a', json.load(sys.stdin)))))"
    )
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", told],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            input=json.dumps(WHOLE.to_json()),
            capture_output=True,
            text=True,
            check=True,
        )
        assert tuple(json.loads(done.stdout)) == keys(WHOLE)
    assert number("e|robert.lindqvist@example.com") in keys(WHOLE)


def test_a_first_name_is_counted_once_in_all_its_forms() -> None:
    assert given_root(("bob",)) == given_root(("robert",)) == given_root(("rob", "j")) != given_root(("rosa",))
    assert given_root(()) == given_root(("r",)) == ""


def test_whose_a_value_is() -> None:
    """One for each first name; a value used in season after season is a desk's."""
    people = [replace(WHOLE, given=(name,)) for name in ("bob", "robert", "rosa", "mei", "r")]
    assert crowd_of({mark for each in people for mark in marks(each)}) == 3
    long = [replace(WHOLE, at=WHOLE.at + season * SEASON_S) for season in range(HUB)]
    assert crowd_of({mark for each in long for mark in marks(each)}) == 1
    longer = [*long, replace(WHOLE, at=WHOLE.at + HUB * SEASON_S)]
    assert crowd_of({mark for each in longer for mark in marks(each)}) == HUB + 1
    assert crowd_of(set()) == 1
