"""What the resolver compares of one inquiry: a lead reduced to the values that say who wrote it.

A trace is small and made once, kept with its inquiry, and the same whether the lead came alone or in a file of a
million: everything the engine does is a function of traces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from leadsvc.model import Lead, PersonName
from leadsvc.normalize.emails import emails, is_masked, spelled_address
from leadsvc.normalize.names import people
from leadsvc.normalize.phones import own_number, phones
from leadsvc.normalize.signed import signed
from leadsvc.normalize.streets import STATE_CODES
from leadsvc.normalize.text import MAX_TEXT
from leadsvc.resolve.likeness import Spelled
from leadsvc.resolve.names import fold, generation

_DIGITS = re.compile(r"\d{3}.{0,3}\d{3}.{0,3}\d{4}")
_LETTERS = re.compile(r"[a-z]+")
_SIGNS = re.compile(r"[\W_]+")
_SPELLED = 3  # letters that do not stand in an address by chance
_TOLD = 20  # letters of a message below which two people easily write the same


@dataclass(frozen=True, slots=True)
class Trace:
    """One inquiry as it is compared.

    ``at``: seconds since 1970 of the renter's act. ``given``, ``family``: folded words; ``suffix``: which of several
    bearers of the name (``sr``, ``jr``, ``iii``); ``guessed``: the family name was read out of the address or a single
    name field, so that another one does not contradict it. ``emails``: canonical keys of own addresses; ``threads``:
    masked addresses and conversation ids; ``phones``: E.164. ``place``: the id of the property, empty when unknown.
    ``move_in``: ordinal of the day. ``said``: a number for what the message says, 0 for nothing worth comparing.
    """

    id: str
    at: int
    given: tuple[str, ...] = ()
    family: tuple[str, ...] = ()
    suffix: str = ""
    guessed: bool = False
    emails: tuple[str, ...] = ()
    threads: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    place: str = ""
    region: str = ""
    move_in: int | None = None
    bedrooms: float | None = None
    said: int = 0

    @property
    def spelled(self) -> Spelled:
        """The name as :func:`leadsvc.resolve.likeness.names` takes it."""
        return self.given, self.family, self.guessed

    @property
    def vouched(self) -> bool:
        """Whether the first name is spelled in an address of its own, too."""
        name = self.given[0] if self.given else ""
        return len(name) >= _SPELLED and any(name in each.rpartition("@")[0] for each in self.emails)

    def to_json(self) -> list[Any]:
        """Everything but the id, shortest form: a list in the order of the fields."""
        return [
            self.at, " ".join(self.given), " ".join(self.family), self.suffix, int(self.guessed), list(self.emails),
            list(self.threads), list(self.phones), self.place, self.region, self.move_in, self.bedrooms, self.said,
        ]  # fmt: skip

    @classmethod
    def from_json(cls, id: str, row: Sequence[Any]) -> Trace:
        at, given, family, suffix, guessed, emails, threads, phones, place, region, move_in, bedrooms, said = row
        return cls(
            id, at, tuple(given.split()), tuple(family.split()), suffix, bool(guessed), tuple(emails), tuple(threads),
            tuple(phones), place, region, move_in, bedrooms, said,
        )  # fmt: skip


def of_lead(id: str, lead: Lead, at: datetime, place: str, region: str, ignored: frozenset[str] = frozenset()) -> Trace:
    """The trace of a lead. ``ignored``: contact values that are the operator's own and nobody's."""
    addresses = [each.value for each in lead.emails if each.value.key not in ignored]
    masked = {each.key: each.address for each in addresses if each.relay or is_masked(each.address)}
    threads = list(masked.values())
    if lead.thread_id is not None:
        threads.append(f"{lead.source}:{lead.thread_id.value}")
    name = bearer(lead.name.value if lead.name else None, region)
    message = lead.message.value if lead.message else ""
    numbers = [each.value.e164 for each in lead.phones]
    more = told(message, bool(name), bool(addresses), bool(numbers))
    return made(
        id,
        int(at.timestamp()),
        (name.given, name.family, name.suffix) if name else more.name,
        [
            each
            for each in (*(key.key for key in addresses), *more.emails)
            if each not in masked and each not in ignored
        ],
        threads,
        [each for each in (*numbers, *more.phones) if each not in ignored],
        place=place,
        region=region,
        move_in=lead.move_in.value.on if lead.move_in else None,
        bedrooms=lead.bedrooms.value.low if lead.bedrooms else None,
        said=said(message, place),
    )


class Told(NamedTuple):
    """What a message tells of its writer."""

    name: tuple[str, str, str]
    emails: tuple[str, ...]
    phones: tuple[str, ...]


def told(message: str, named: bool, addressed: bool, numbered: bool) -> Told:
    """What a message says besides the fields: how it is signed where no name was given; the number and the address that
    its writer calls their own, and any where the field is empty. For recognising people only."""
    message = message[:MAX_TEXT]
    if not message:
        return Told(("", "", ""), (), ())
    name = ("", "", "")
    if not named and (text := signed(message)):
        name = next(((e.value.given, e.value.family, e.value.suffix) for e in people(text)), name)
    written = message if "@" in message else "" if addressed else spelled_address(message)
    found = [each.value for each in emails(written)] if written else []
    number = ""
    if _DIGITS.search(message):
        number = own_number(message) or ("" if numbered else message)
    numbers = [each.value.e164 for each in phones(number)[0]] if number else []
    return Told(
        name,
        tuple(each.key for each in found if not each.relay and not is_masked(each.address)),
        tuple(numbers) if len(numbers) == 1 else (),
    )


def made(
    id: str,
    at: int,
    name: tuple[str, str, str],
    emails: Iterable[str],
    threads: Iterable[str],
    phones: Iterable[str],
    *,
    place: str = "",
    region: str = "",
    move_in: date | None = None,
    bedrooms: float | None = None,
    said: int = 0,
) -> Trace:
    """A trace out of normalised values; what can be read off them besides is added here, for every way in alike."""
    own, masked = tuple(sorted(set(emails))), tuple(sorted(set(threads)))
    first, last = fold(name[0]), fold(name[1])
    if is_address(first + last, (*own, *masked)):
        first = last = ()
    given, family, guessed = spell(first, last, own)
    return Trace(
        id, at, given, family, generation(name[2]), guessed, own, masked,
        tuple(sorted(set(phones))), place, region, move_in.toordinal() if move_in else None, bedrooms, said,
    )  # fmt: skip


def bearer(name: PersonName | None, region: str) -> PersonName | None:
    """The name, unless a caller-ID filled in the caller's town for it: the region of the property, and a state.

    A hundred callers of one town are not one person. Who is called Austin or Madison has another last name.
    """
    if name is None:
        return None
    words = (*fold(name.given), *fold(name.family))
    town = len(words) > 1 and words[-1].upper() in STATE_CODES and words[:-1] == fold(region)
    return None if town else name


def is_address(name: tuple[str, ...], addresses: Iterable[str]) -> bool:
    """Whether an address was filled in for the name: one with a digit, as names have none. ``mariacastillo`` may stay;
    it tells a name."""
    word = "".join(name)
    return not word.isalpha() and any(word == _SIGNS.sub("", each.rpartition("@")[0].casefold()) for each in addresses)


def spell(given: tuple[str, ...], family: tuple[str, ...], emails: Sequence[str]) -> Spelled:
    """Complete a name: two words in one field are a first and a last name, and an address that spells the first name
    out may tell the last (``jorgevaldes@``)."""
    if family or not given:
        return given, family, False
    if len(given) > 1 and len(given[-1]) > 1:
        return given[:-1], given[-1:], True
    rest = next(filter(None, (_beside(given[0], address) for address in emails)), "")
    return given, ((rest,) if rest else ()), bool(rest)


def _beside(given: str, address: str) -> str:
    """What stands beside the first name in the local part of an address, when it can be a last name."""
    if len(given) < 3:
        return ""
    letters = "".join(_LETTERS.findall(address.rpartition("@")[0]))
    rest = letters.removeprefix(given) if letters.startswith(given) else letters.removesuffix(given)
    return rest if 3 <= len(rest) < len(letters) else ""


def said(message: str, place: str) -> int:
    """A number for the words of a message about a property; 0 when it says too little to be told apart by."""
    words = _words(message[:MAX_TEXT])
    return number(f"{place}\n{words}") if len(words) >= _TOLD else 0


@lru_cache(maxsize=10_000)
def _words(message: str) -> str:
    return " ".join(fold(message))


def number(text: str) -> int:
    """A signed 63-bit number for a text, the same in every process."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True) >> 1


def joined(one: Trace, other: Trace) -> Trace:
    """The same inquiry delivered again: contact values of both, and what the first tells of the rest."""
    named = one if one.given or one.family else other
    return replace(
        one,
        given=named.given,
        family=named.family,
        suffix=named.suffix,
        guessed=named.guessed,
        emails=tuple(sorted({*one.emails, *other.emails})),
        threads=tuple(sorted({*one.threads, *other.threads})),
        phones=tuple(sorted({*one.phones, *other.phones})),
    )
