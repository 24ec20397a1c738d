"""The keys under which two inquiries of one person meet: exact values, and what survives a slip in one of them.

Candidates are found by equal keys only, never by a scan. A key that more inquiries have than :data:`CAP` tells nothing
and is ignored whole; cutting it would make the result depend on the order of arrival. Every key is a number: a hash of
its kind and its parts, the same in every process.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache

from leadsvc.resolve.levels import HUB
from leadsvc.resolve.likeness import PARTICLES, skeleton
from leadsvc.resolve.names import formal, short_forms
from leadsvc.resolve.trace import Trace, number

CAP = 40
SEASON_S = 60 * 86_400  # renters who write again mostly do so within weeks; two windows overlap by half


@lru_cache(maxsize=50_000)
def given_root(given: tuple[str, ...]) -> str:
    """The formal first name that stands for its short forms (Bob, Rob: robert): of those it may be short for, the one
    with the most short forms. Empty for none or an initial."""
    if not given or len(given[0]) < 2:
        return ""
    return min(formal(given[0]), key=lambda name: (-len(short_forms(name)), name))


def marks(trace: Trace) -> tuple[str, ...]:
    """What is counted behind each contact value of an inquiry, to learn whose it is: first names, and seasons."""
    root = given_root(trace.given)
    return (*((root,) if root else ()), f"{_SEASON_MARK}{trace.at // SEASON_S}")


def crowd_of(marked: Collection[str]) -> int:
    """How many people a contact value seems to have, from the distinct marks seen with it: one for each first name. A
    value that is used in season after season is a desk's, whatever name its clerk signs with."""
    names = sum(not each.startswith(_SEASON_MARK) for each in marked)
    seasons = len(marked) - names
    return max(names, seasons if seasons > HUB else 1)


_SEASON_MARK = "@"


def keys(trace: Trace) -> tuple[int, ...]:
    """The keys of an inquiry, sorted, each once."""
    return tuple(sorted({number(text) for text in written(trace)}))


def written(trace: Trace) -> Iterator[str]:
    """The keys as text: kind first, then its parts."""
    root = given_root(trace.given)
    for email in trace.emails:
        yield f"e|{email}"
        yield f"l|{''.join(filter(str.isalnum, email.rpartition('@')[0]))}"
    for thread in trace.threads:
        yield f"t|{thread}"
    for phone in trace.phones:
        yield f"p|{phone}"
        name = root or (skeleton(trace.family[-1]) if trace.family else "")
        if name:  # a slip in the number leaves one of its halves whole
            yield f"q|{phone[-4:]}|{name}"
            yield f"r|{phone[2:8]}|{name}"
    if trace.said:
        yield f"m|{trace.said}|{trace.given[0] if trace.given else ''}"
    yield from _by_name(trace, root)


def _by_name(trace: Trace, root: str) -> Iterator[str]:
    """A first name at a property, a last name at a property, and whole names: anywhere as they are, and within a region
    and a season as they sound, so that a common name meets itself only where and when that means something."""
    if root and trace.place:
        yield f"g|{trace.place}|{root}"
    if root and trace.move_in is not None:
        yield f"d|{trace.region}|{trace.move_in}|{root}"
    surnames = [each for each in trace.family if each not in PARTICLES] or list(trace.family)
    season = trace.at // SEASON_S
    half = (trace.at + SEASON_S // 2) // SEASON_S
    for surname in surnames:
        if trace.place:
            yield f"f|{trace.place}|{skeleton(surname)}"
        if not trace.given:
            continue
        first, last = sorted((skeleton(trace.given[0]), skeleton(surname)))
        yield f"v|{trace.region}|{season}|{first}|{last}"
        yield f"w|{trace.region}|{half}|{first}|{last}"
        yield f"i|{trace.region}|{season}|{trace.given[0][0]}|{surname}"
        if root:
            yield f"n|{'|'.join(sorted((root, surname)))}"
