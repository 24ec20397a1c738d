"""Weights as data: written and read, refused with the name of what is wrong, and what frequencies do to them."""

from __future__ import annotations

import json
import math
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leadsvc.errors import Reject
from leadsvc.resolve.levels import FIELDS, NEVER_MISSING, compare, usable
from leadsvc.resolve.model import GIVEN, Frequencies, Model, contact_share, weights_of
from leadsvc.resolve.trace import Trace


def broken(**changes: Any) -> dict[str, Any]:
    """The shipped weights with other values; ``same__email={…}`` is a field of a class, ``None`` takes it out."""
    told = deepcopy(Model.default().to_json())
    for name, value in changes.items():
        *path, last = name.split("__")
        table = told
        for each in path:
            table = table[each]
        if value is None:
            del table[last]
        else:
            table[last] = value
    return told


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"repeats": 0}, "repeats: must be a number above 0"),
        ({"repeats": None}, "repeats: must be"),
        ({"mates": "many"}, "mates: must be a number"),
        ({"review": 0.9, "join": 0.5}, "join: "),
        ({"join": 1.0}, "join: "),
        ({"join": 0.4, "review": 0.3}, "join: "),
        ({"same": None}, "same.email: needs exactly"),
        ({"same__email": {"different": 0.1, "same": 0.9}}, "same.email: needs exactly missing, different, local"),
        ({"stranger__gap": {"hour": 1.0}}, "stranger.gap: needs exactly hour, day"),
        ({"household__said__other": 0.0}, "household.said: every probability"),
        ({"household__said__other": 1.5}, "household.said: every probability"),
    ],
    ids=str,
)
def test_weights_that_cannot_be_used_are_named(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(Reject) as refused:
        Model.from_json(broken(**changes))
    assert named in refused.value.detail


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ({"same__email__near": "much"}, "same.email"),
        ({"same__email": 7}, "same.email"),
        ({"same": []}, "same.email"),
        ({"version": None}, "version"),
        ({"mates": math.nan}, "mates"),
        ({"mates": True}, "mates"),
        ({"repeats": math.inf}, "repeats"),
    ],
    ids=str,
)
def test_values_of_another_kind_are_named_too(told: dict[str, Any], named: str) -> None:
    with pytest.raises(Reject) as refused:
        Model.from_json(broken(**told))
    assert refused.value.detail.startswith(named)


def test_files_of_weights(tmp_path: Path) -> None:
    model = Model.default()
    good = tmp_path / "weights.json"
    good.write_text(json.dumps(model.to_json()))
    assert weights_of(good).tables == model.tables
    for name, text in (("a.json", "{"), ("a.toml", "version = "), ("b.json", "[]"), ("b.toml", "\udcff")):
        path = tmp_path / name
        path.write_bytes(text.encode(errors="surrogateescape"))
        with pytest.raises(Reject) as refused:
            weights_of(path)
        assert name in refused.value.detail or "version" in refused.value.detail


def test_they_survive_being_written() -> None:
    model = Model.default()
    again = Model.from_json(json.loads(json.dumps(model.to_json())), model.frequencies)
    assert again == model


def test_what_ships_is_complete_and_says_what_it_should() -> None:
    model = Model.default()
    for kind, table in model.tables.items():
        for (name, _), row in zip(FIELDS, table, strict=True):
            told = row if name in NEVER_MISSING else row[1:]
            assert sum(told) == pytest.approx(1, abs=0.02) or name in {"thread"}, (kind, name)
            if name not in NEVER_MISSING:
                assert row[0] == 1
    for name in ("email", "phone"):
        field = [each for each, _ in FIELDS].index(name)
        same, stranger = model.tables["same"][field], model.tables["stranger"][field]
        assert same[1] < stranger[1]
        assert same[-1] > stranger[-1]


def test_pairs_of_one_person_are_rarer_the_larger_the_store() -> None:
    model = Model.default()
    small, large = (replace(model, frequencies=Frequencies(leads=leads)) for leads in (1_000, 1_000_000))
    assert small.priors[0] - large.priors[0] == pytest.approx(math.log(1_000))


def shares(one: Trace, other: Trace, model: Model, crowd: int = 1) -> tuple[float, ...]:
    pair = [usable(each, lambda _: crowd) for each in (one, other)]
    return model.shares(one, other, compare(*pair))


def test_a_common_name_is_more_probable_among_strangers_than_a_rare_one() -> None:
    known = Frequencies(10_000, {"maria": 900, "isolde": 1}, {"garcia": 700, "quist": 1}, {"P1": 50})
    model = replace(Model.default(), frequencies=known)
    common = Trace("a", 0, ("maria",), ("garcia",))
    rare = Trace("a", 0, ("isolde",), ("quist",))
    unseen = Trace("a", 0, ("zenobia",), ("zyx",))
    of_common, of_rare, of_unseen = (math.prod(shares(each, each, model)[3:5]) for each in (common, rare, unseen))
    assert of_common > 100 * of_rare
    assert 0 < of_unseen <= of_rare
    levels = compare(usable(common, lambda _: 1), usable(common, lambda _: 1)).levels
    odds = [model.odds(levels, shares(each, each, model)) for each in (common, rare)]
    assert odds[1][0] - odds[1][2] > odds[0][0] - odds[0][2] + 5


def test_first_names_of_one_family_are_no_chance() -> None:
    """Where last names agree too, a first name is more common than alone, but never more than half."""
    known = Frequencies(10_000, {"maria": 900}, {"garcia": 700}, namesakes=4.0)
    model = replace(Model.default(), frequencies=known)
    alone, both = Trace("a", 0, ("maria",)), Trace("a", 0, ("maria",), ("garcia",))
    assert shares(both, both, model)[GIVEN] >= min(4 * shares(alone, alone, model)[GIVEN], 0.5) * 0.99
    most = replace(model, frequencies=replace(known, given={"maria": 9_000}))
    assert shares(both, both, most)[GIVEN] <= 0.5


def test_a_name_turned_round_is_as_common_as_it_is_straight() -> None:
    known = Frequencies(
        10_000, {"jorg": 300, "schneider": 1}, {"schneider": 500, "jorg": 1}, whole={"jorg schneider": 90}
    )
    model = replace(Model.default(), frequencies=known)
    straight, turned = Trace("a", 0, ("jorg",), ("schneider",)), Trace("a", 0, ("schneider",), ("jorg",))
    usual, other = (shares(straight, each, model)[3:5] for each in (straight, turned))
    assert other == pytest.approx(usual)


@pytest.mark.parametrize("first", [("min", "kyung"), ("mim", "hoon"), ("m",)], ids=["half", "a slip", "initial"])
def test_first_names_of_one_family_are_alike_more_often(first: tuple[str, ...]) -> None:
    """Who shares a last name with a stranger shares the names that go with it."""
    known = Frequencies(10_000, {"min": 90}, {"shin": 70, "berg": 70})
    few, many = (replace(Model.default(), frequencies=replace(known, namesakes=each)) for each in (1.0, 8.0))
    one, other = Trace("a", 0, ("min", "hoon"), ("shin",)), Trace("b", 0, first, ("shin",))
    assert shares(one, other, few)[GIVEN] > 0
    assert shares(one, other, many)[GIVEN] == pytest.approx(8 * shares(one, other, few)[GIVEN])
    strange = replace(other, family=("berg",))
    assert shares(one, strange, many)[GIVEN] == shares(one, strange, few)[GIVEN]


def test_a_value_of_many_people_is_worth_less() -> None:
    assert contact_share(0, 1_000) == 0
    assert 0 < contact_share(1, 1_000) < contact_share(2, 1_000) < contact_share(5, 1_000)
    assert contact_share(1, 10) > contact_share(1, 1_000)
    one = Trace("a", 0, emails=("a@example.com",))
    told = [shares(one, one, Model.default(), crowd)[0] for crowd in (1, 2, 6)]
    assert told == sorted(told)
    assert told[0] > 0


def test_a_store_that_knows_nothing_has_no_share_of_zero_or_one() -> None:
    nothing = Frequencies(leads=0)
    for share in (nothing.given_share("maria"), nothing.family_share("garcia"), nothing.place_share("P1")):
        assert 0 < share < 0.1
    assert all(map(math.isfinite, replace(Model.default(), frequencies=nothing).priors))
