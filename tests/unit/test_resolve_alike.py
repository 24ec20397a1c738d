"""People who resemble each other as invented people, serial numbers and namesakes do: none of them wrote twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import pytest

from leadsvc.normalize.emails import emails
from leadsvc.normalize.phones import phones
from leadsvc.resolve.engine import linked, partition
from leadsvc.resolve.levels import usable
from leadsvc.resolve.model import Model
from leadsvc.resolve.trace import Trace, made

MODEL = Model.default()
AT = 1_780_326_000
GIVEN = ("James", "Mary", "Robert", "Patricia", "John", "Jennifer", "Michael", "Linda", "David", "Susan")
FAMILY = ("Smith", "Johnson", "Williams", "Brown", "Jones", "Garcia", "Miller", "Davis", "Wilson", "Moore")
AREAS = ("918", "405", "214", "972")
Renter = tuple[str, str, str, str]
"""First name, last name, e-mail address, phone."""


def numbered(n: int) -> Renter:
    return "Load", f"Test{n}", f"load{n}@example.com", f"+1918555{n:04d}"


def in_a_row(n: int) -> Renter:
    """Everything the same but the last digits of address and number."""
    return "Load", "Test", f"load{n}@example.com", f"+1918555{n:04d}"


def by_address(n: int) -> Renter:
    return f"Lead{n}", "Example", f"lead{n}@example.com", ""


def named(n: int) -> Renter:
    return GIVEN[n % 10], FAMILY[n // 10 % 10], f"renter{n}@example.com", f"+1{AREAS[n // 100 % 4]}55501{n % 100:02d}"


def namesakes(n: int) -> Renter:
    """Every tenth has the name of another, with an address and a number of their own."""
    name = GIVEN[n % 10], FAMILY[n % 10]
    return *name, f"{'.'.join(name)}{n * 37}@example.com".lower(), f"+1{AREAS[n % 4]}555{n * 613 % 10_000:04d}"


def spelled(n: int) -> Renter:
    word = "".join(chr(97 + n // 26**power % 26) for power in range(3))
    return "Renter", word.title(), f"renter.{word}@example.com", f"+1918555{n:04d}"


def trace(n: int, renter: Renter) -> Trace:
    first, last, address, number = renter
    own = [each.value.key for each in emails(address)] if address else []
    reached = [each.value.e164 for each in phones(number)[0]] if number else []
    return made(f"{n:06}", AT + 7 * n, (first, last, ""), own, (), reached, place="home", region="town", bedrooms=2)


def people(traces: Sequence[Trace]) -> list[frozenset[str]]:
    """Taken apart neighbourhood by neighbourhood, each value with one person behind it."""
    rows = [usable(each, lambda _: 1) for each in traces]
    part = {each.id: {each.id} for each in traces}
    for one, other in combinations(rows, 2):
        if part[one.trace.id] is not part[other.trace.id] and linked(one, other, MODEL):
            both = part[one.trace.id] | part[other.trace.id]
            part.update(dict.fromkeys(both, both))
    neighbourhoods = {id(each): each for each in part.values()}.values()
    of = {each.id: each for each in traces}
    return [
        cluster
        for ids in neighbourhoods
        for cluster in partition([of[each] for each in ids], MODEL, lambda _: 1).clusters
    ]


@pytest.mark.parametrize("renter", [numbered, in_a_row, by_address, named, namesakes, spelled])
@pytest.mark.parametrize("count", [12, 90])
def test_who_resembles_another_stays_a_person_of_their_own(renter: Callable[[int], Renter], count: int) -> None:
    found = people([trace(n, renter(n)) for n in range(count)])
    assert [sorted(each) for each in found if len(each) > 1] == []


def test_a_name_and_a_home_alone_make_no_household() -> None:
    """A family shares a number; two of the commonest surname at one property share nothing."""
    smith = trace(1, ("James", "Smith", "james.smith@example.com", "+19185550101"))
    other = trace(2, ("Mary", "Smith", "mary.s@example.org", "+14055550133"))
    wife = trace(3, ("Mary", "Smith", "mary.s@example.org", "+19185550101"))
    assert partition([smith, other], MODEL, lambda _: 1).households == ()
    assert [each[:2] for each in partition([smith, wife], MODEL, lambda _: 1).households] == [(smith.id, wife.id)]
