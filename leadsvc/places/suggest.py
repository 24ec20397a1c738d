"""What a name that nobody knows may mean: the likeliest of what is configured, each with its reason. Never taken by
itself; a person chooses. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz import fuzz

from leadsvc.normalize.address import fold, street_key, street_parts

_WORTH_SHOWING = 45
_FAR_BEHIND = 40
_SAME_NUMBER = 25


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that a name may be mapped to: ``spellings`` are the texts by which it is known, ``detail`` tells it
    from others of its name."""

    target: str
    label: str
    spellings: tuple[str, ...] = ()
    detail: str = ""
    street: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """``score`` from 0 to 100; ``why`` says in a few words what speaks for it."""

    target: str
    label: str
    detail: str
    score: int
    why: str


def suggest(text: str, options: Iterable[Option], limit: int = 5) -> tuple[Suggestion, ...]:
    """The likeliest of ``options``, best first; equally likely ones by their label."""
    wanted, street = fold(text), street_key(text)
    found = [_judged(wanted, street, option) for option in options]
    found.sort(key=lambda each: (-each.score, each.label, each.target))
    # Beside a sure one the rest is noise.
    worth = max(_WORTH_SHOWING, found[0].score - _FAR_BEHIND) if found else 0
    return tuple(each for each in found[:limit] if each.score >= worth)


def _judged(wanted: str, street: str, option: Option) -> Suggestion:
    score, why = 0, ""
    for spelling in (option.label, *option.spellings):
        known = fold(spelling)
        if not known or not wanted:
            continue
        this, reason = _likeness(wanted, known, spelling)
        if this > score:
            score, why = this, reason
    if street and option.street:
        this, reason = _same_street(street, street_key(option.street))
        if this > score:
            score, why = this, reason
    return Suggestion(option.target, option.label, option.detail, score, why)


def _likeness(wanted: str, known: str, spelling: str) -> tuple[int, str]:
    if wanted.replace(" ", "") == known.replace(" ", ""):
        return 100, f"the same as {spelling}, but for spaces or punctuation"
    words, others = set(wanted.split()), set(known.split())
    shared = sorted(words & others)
    whole = fuzz.ratio(wanted, known)
    if shared and (words <= others or others <= words):
        longer = max(len(words), len(others))
        return round(max(whole, 95 - 40 * (longer - len(shared)) / longer)), f"all words of one are in {spelling}"
    loose = fuzz.token_sort_ratio(wanted, known)
    if shared:
        overlap = 100 * sum(map(len, shared)) / max(len("".join(words)), len("".join(others)))
        return round(max(whole, loose, overlap)), f"shares {', '.join(shared)} with {spelling}"
    return round(max(whole, loose)), f"spelled like {spelling}"


def _same_street(wanted: str, known: str) -> tuple[int, str]:
    ours, theirs = street_parts(wanted), street_parts(known)
    if not ours.name or not theirs.name:
        return 0, ""
    alike = fuzz.ratio(ours.name, theirs.name)
    if ours.number == theirs.number:
        return round(_SAME_NUMBER + alike * (100 - _SAME_NUMBER) / 100), "the same house number, a street spelled alike"
    return round(alike * 0.7), "a street spelled alike, another house number"
