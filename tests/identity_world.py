"""Labelled rental leads of invented people, to judge the identity resolver by: several worlds, each its own rates.

One long module, because a world is one stream of random draws: every method takes the next of the same generator, and a
part kept elsewhere would have to hand the generator, the rates and who was drawn lately to and fro.

A *world* (``fixtures/identity/worlds.toml``) says who writes, how often, together with whom, and what goes wrong with
what they write. The same world, number of leads and seed give the same files, byte for byte::

    python -m tests.identity_world WORLD N SEED FOLDER

writes ``leads.csv.gz`` (in order of arrival), ``labels.csv.gz`` (the truth, and per lead the noise it carries) and
``properties.csv``. The label columns ``email_key``, ``phone_key`` and ``name_key`` hold the person's own uncorrupted
value behind each field, wherever in the lead it is found; empty where there is none.
Every person, address and number comes from a random generator; any likeness is chance.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, TextIO

from tests import identity_noise as noise
from tests.identity_names import DATA, Culture, Deck, Name, cultures, digraphs, letters, plain

LEAD_COLUMNS = (
    "lead_id",
    "received_at",
    "source",
    "channel",
    "first_name",
    "last_name",
    "email",
    "phone",
    "property_id",
    "move_in_date",
    "bedrooms",
    "message",
)
LABEL_COLUMNS = ("lead_id", "person_id", "household_id", "noise", "email_key", "phone_key", "name_key")
PROPERTY_COLUMNS = ("property_id", "name", "region", "area_code")

_MAIL_HOSTS = Deck(
    [
        ("gmail.com", 58),
        ("yahoo.com", 11),
        ("icloud.com", 10),
        ("outlook.com", 7),
        ("hotmail.com", 7),
        ("aol.com", 2),
        ("msn.com", 1),
        ("proton.me", 1.5),
        ("gmx.net", 0.8),
        ("qq.com", 0.7),
        ("comcast.net", 1),
    ]
)
_HONORIFICS = (("Mrs.", "Ms.", "Miss", "Dr.", "Ms"), ("Mr.", "Mr", "Dr.", "Rev."))
_EMOJI = ("🌸", "✨", "💕", "🏡", "🔥", "🙏", "😊")
_PARTICLES = frozenset({"da", "dos", "de", "do", "la", "van", "der", "den", "von", "ter", "dela", "st.", "le", "du"})
_SECONDS = 86_400
_LIVE_APART = 300  # days between two holders of one telephone number

Tags = list[str]
Keys = tuple[str, str]


# -- worlds -----------------------------------------------------------------------------------------------------------


def _laid_over(base: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in other.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict) and key not in {"regions", "cultures"}
        merged[key] = _laid_over(merged[key], value) if both else value
    return merged


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads((DATA / "worlds.toml").read_text(encoding="utf-8"))


def worlds() -> tuple[str, ...]:
    """The names of all worlds."""
    return tuple(each for each in _tables() if each != "defaults")


def _rates(title: str) -> dict[str, Any]:
    """The defaults, under the worlds that this one is like, under its own."""
    table: dict[str, Any] = _tables()["defaults"]
    for each in (*_tables()[title].get("like", ()), title):
        table = _laid_over(table, _tables()[each])
    return table


def _ops(table: Mapping[str, float]) -> Deck[str]:
    """Mishaps that exclude one another; ``""`` is none of them."""
    return Deck([*table.items(), ("", 1 - sum(table.values()))])


@dataclass(frozen=True, slots=True)
class Source:
    title: str
    channel: str
    relay: float
    domain: str
    scope: str


@dataclass(frozen=True, slots=True)
class Property:
    key: str
    name: str
    region: int
    area: str
    phone: str
    email: str


@dataclass(slots=True)
class Person:
    """Somebody who writes. ``emails`` and ``phones`` are their own, the usual one first."""

    key: str
    household: str
    culture: Culture
    name: Name
    region: int
    emails: list[str]
    phones: list[str]
    tags: tuple[str, ...] = ()
    alias_rate: float = 0.0
    accents: float = 0.0
    suffix: str = ""
    joint: str = ""
    desk: tuple[str, str, str] | None = None
    mailbox: str = ""
    partner: Person | None = None
    married: str = ""
    masks: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody looks for: days since the world began, and bedrooms."""

    home: Property
    move_in: float
    bedrooms: int


@dataclass(slots=True)
class Shown:
    """The fields of a lead while mishaps befall them, with the own values behind them."""

    first: str
    last: str
    email: str
    phone: str
    email_key: str
    phone_key: str
    tags: Tags
    said: list[tuple[str, str]] = field(default_factory=list)


class World:
    """A generator of leads; ``run`` gives them in order of arrival."""

    def __init__(self, title: str, leads: int, seed: int) -> None:
        if title not in worlds():
            raise ValueError(f"no world named {title!r}; there are {', '.join(worlds())}")
        self.table = table = _rates(title)
        self.count = leads
        self.random = Random(f"{title}/{seed}")
        self.rnd = self.random.random
        self.days = float(table["days"])
        self.regions = list(table["regions"])
        self.areas = [str(each).split() for each in table["regions"].values()]
        self._region = Deck((i, 1 / (i + 1.5)) for i in range(len(self.regions)))
        self._culture = Deck((cultures()[name], weight) for name, weight in table["cultures"].items())
        self._household = Deck(table["households"].items())
        self._people = table["people"]
        self._timing = table["timing"]
        self._repeats = Deck(_repeats(**table["repeats"]))
        self._bedrooms = Deck(enumerate(table["bedrooms"]))
        self._sources = Deck(
            (Source(name, s["channel"], s.get("relay", 0.0), s.get("domain", ""), s.get("scope", "")), s["weight"])
            for name, s in table["sources"].items()
        )
        self._missing = table["missing"]
        self._email_ops, self._phone_ops = _ops(table["email"]), _ops(table["phone"])
        self._given_ops = _ops({k: v for k, v in table["given"].items() if k != "dropped_middle"})
        self._family_ops = _ops({k: v for k, v in table["family_name"].items() if not k.startswith("dropped")})
        self._layout_ops = _ops({k: v for k, v in table["layout"].items() if k not in {"plain_letters", "digraphs"}})
        self._texts = _texts()
        self._words = _vocabulary()
        self._emails: set[str] = set()
        self._phones: set[str] = set()
        self._retired: list[tuple[float, str]] = []
        self._recycled: set[str] = set()
        self._recent: list[Person] = []
        self._persons = self._households = 0
        self._properties = [self._property(i) for i in range(max(60, leads // int(table["leads_per_property"])))]
        self.by_region: list[list[Property]] = [[] for _ in self.regions]
        for each in self._properties:
            self.by_region[each.region].append(each)
        self._desks = [self._desk(i) for i in range(max(2, leads // 6000))]
        self._mailboxes = [
            f"{self._one(('housing', 'info', 'office', 'staff', 'frontdesk', 'admin'))}@{self._firm(i)}"
            for i in range(max(4, leads // 2500))
        ]
        self._trackers = [self._new_phone(self._region.draw(self.rnd())) for _ in range(max(3, leads // 5000))]
        self._dates = [date.fromisoformat(table["start"]) + timedelta(days=i) for i in range(int(self.days) + 1000)]
        self._days = [each.isoformat() for each in self._dates]
        self._months = [each.strftime("%B") for each in self._dates]

    # -- what the world is furnished with ---------------------------------------------------------------------------

    def _one(self, things: Sequence[Any]) -> Any:
        return things[int(self.rnd() * len(things))]

    def _word(self, kind: str) -> str:
        words = self._words[kind]
        return words[int(self.rnd() * len(words))]

    def _firm(self, number: int) -> str:
        street, trade, top = self._word("streets").lower(), self._word("trades"), self._one(("com", "org", "net"))
        return f"{street}{trade}{number or ''}.{top}"

    def _property(self, index: int) -> Property:
        # One in each region before chance decides.
        region = index if index < len(self.regions) else self._region.draw(self.rnd())
        name = f"{self._word('streets')} {self._word('kinds')}"
        slug = letters(name)
        return Property(
            f"B{index + 1:05d}",
            name,
            region,
            self.areas[region][0],
            self._new_phone(region),
            f"{self._one(('leasing', 'rent', 'hello'))}@{slug}{index}.com",
        )

    def _desk(self, index: int) -> tuple[str, str, str]:
        """Name, address and number of somebody who writes for others."""
        name = self._culture.draw(self.rnd()).name(self.random)
        firm = f"{self._one(('move', 'relo', 'transfer', 'concierge'))}{self._word('trades')}{index}.com"
        address = f"{letters(name.given)}.{letters(name.last) or 'desk'}@{firm}"
        return f"{name.given} {name.last}".strip(), address, self._new_phone(self._region.draw(self.rnd()))

    def _new_phone(self, region: int) -> str:
        areas = self.areas[region]
        while True:
            area = areas[int(self.rnd() ** 1.6 * len(areas))]
            phone = f"{area}{2000000 + int(self.rnd() * 7999999)}"
            if phone not in self._phones:
                self._phones.add(phone)
                return phone

    def _own_phone(self, culture: Culture, region: int, day: float) -> tuple[str, str]:
        """A number and the noise tag that comes with it."""
        rates, rnd = self._people, self.rnd
        if culture.foreign_code and rnd() < rates["foreign_phone"]:
            return f"+{culture.foreign_code} {int(3e8 + rnd() * 6.9e8)}", "foreign_phone"
        if self._retired and rnd() < rates["recycled_phone"] * 4:
            at = int(rnd() * len(self._retired))
            ended, phone = self._retired[at]
            if ended + _LIVE_APART < day:
                self._retired[at] = self._retired[-1]
                self._retired.pop()
                self._recycled.add(phone)
                return phone, ""
        if rnd() < rates["out_of_region_phone"]:
            region = int(rnd() * len(self.regions))
        return self._new_phone(region), ""

    def _new_email(self, name: Name) -> str:
        rnd = self.rnd
        given = letters(name.given) or "x"
        family = letters(name.family[0]) or given
        year = str(55 + int(rnd() * 50))[-2:] if rnd() < 0.6 else str(1 + int(rnd() * 999))
        kind = rnd() if rnd() >= self._people["handle_email"] else 2.0
        host = _MAIL_HOSTS.draw(rnd())
        while True:
            if kind > 1:
                local = f"{self._word('handles')}{self._word('things')}{year}"
            elif kind < 0.22:
                local = f"{given}.{family}"
            elif kind < 0.36:
                local = given + family
            elif kind < 0.46:
                local = given[0] + family
            elif kind < 0.60:
                local = f"{given}{family}{year}"
            elif kind < 0.70:
                local = f"{given}{year}"
            elif kind < 0.78:
                local = f"{family}.{given}{year}"
            elif kind < 0.86:
                local = f"{given[0]}{family}{year}"
            elif kind < 0.93:
                local = f"{given}_{family[0]}{year}"
            else:
                local = f"{given[:3]}{family[:4]}{year}"
            address = f"{local}@{host}"
            key = address.replace(".", "")
            if key not in self._emails:
                self._emails.add(key)
                return address
            year = str(1 + int(rnd() * 99999))
            kind = kind if kind > 1 or 0.46 <= kind < 0.86 else 0.5 + rnd() * 0.35

    # -- people -----------------------------------------------------------------------------------------------------

    def _person(self, household: str, region: int, day: float, culture: Culture, name: Name) -> Person:
        rates, rnd = self._people, self.rnd
        self._persons += 1
        tags: Tags = []
        phone, tag = self._own_phone(culture, region, day)
        if tag:
            tags.append(tag)
        person = Person(f"R{self._persons:07d}", household, culture, name, region, [self._new_email(name)], [phone])
        if rnd() < rates["second_email"]:
            person.emails.append(self._new_email(name))
        if rnd() < rates["work_email"]:
            firm = self._firm(int(rnd() * max(50, self.count // 12)))
            address = f"{letters(name.given)[:1]}{letters(name.family[0])}@{firm}"
            if address.replace(".", "") not in self._emails:
                self._emails.add(address.replace(".", ""))
                person.emails.append(address)
        if rnd() < rates["second_phone"]:
            person.phones.append(self._own_phone(culture, region, day)[0])
        if (name.aliases or name.family_also) and rnd() < rates["alias"]:
            person.alias_rate = 0.15 + rnd() * 0.5
        person.accents = (0.0, 0.0, 1.0, 0.5)[int(rnd() * 4)]
        if rnd() < rates["desk"]:
            person.desk = self._desks[int(rnd() ** 2 * len(self._desks))]
        if rnd() < rates["mailbox"]:
            person.mailbox = self._mailboxes[int(rnd() ** 1.6 * len(self._mailboxes))]
        if name.female and rnd() < rates["changes_surname"]:
            person.married = self._culture.draw(rnd()).name(self.random).family[0] or name.last
        person.tags = tuple(tags)
        return person

    def _others(self, first: Person, kind: str, day: float) -> Iterator[Person]:
        """The people of a household who write, but for the first."""
        rates, rnd = self.table[kind], self.rnd
        for _ in range({"couple": 1, "family": 1 + (rnd() < 0.3), "roommates": 1 + (rnd() < 0.3), "students": 2}[kind]):
            if rnd() >= rates["also_writes"]:
                continue
            same = rnd() < rates["same_surname"]
            culture = first.culture if same or rnd() < 0.6 else self._culture.draw(rnd())
            name = culture.name(self.random, first.name.family if same else None)
            if kind == "couple" and rnd() < 0.9 and name.female == first.name.female:
                name = culture.name(self.random, first.name.family if same else None)
            tags: Tags = []
            suffix = ""
            if rnd() < rates.get("same_name", 0):
                name = replace(first.name, middle=name.middle)
                tags.append("senior_junior")
                suffix = "Jr" if rnd() < 0.4 else ""
            elif rnd() < rates.get("twins", 0):
                given = culture.twin(self.random, first.name) if same else None
                if given:
                    name = replace(first.name, given=given, aliases=(), middle=name.middle)
                    tags.append("twin")
            other = self._person(first.household, first.region, day, culture, name)
            other.suffix = suffix
            if suffix:
                first.suffix = "Sr" if rnd() < 0.5 else ""
            if rnd() < rates["joint_email"]:
                first.joint = other.joint = self._joint_email(first.name, other.name)
            elif rnd() < rates["shared_email"]:
                other.emails = [first.emails[0], *other.emails[1:]]
                tags.append("household_email")
            if rnd() < rates["shared_phone"]:
                other.phones = [first.phones[0], *other.phones[1:]]
                tags.append("household_phone")
            other.tags = (*other.tags, *tags)
            other.partner = first
            yield other

    def _joint_email(self, one: Name, other: Name) -> str:
        a, b, family = letters(one.given), letters(other.given), letters(one.family[0])
        local = self._one((f"{a}and{b}", f"{a}.{b}", f"the{family}s", f"{family}family", f"{a}{b}{family}", f"{a}n{b}"))
        address = f"{local}{int(self.rnd() * 9999) or ''}@{_MAIL_HOSTS.draw(self.rnd())}"
        self._emails.add(address.replace(".", ""))
        return address

    def _household_of(self, day: float) -> list[Person]:
        rnd = self.rnd
        self._households += 1
        region = self._region.draw(rnd())
        culture = self._culture.draw(rnd())
        key = f"F{self._households:07d}"
        known = self._recent[int(rnd() * len(self._recent))] if self._recent else None
        if known and rnd() < self._people["namesake"]:
            first = self._person(key, known.region, day, known.culture, replace(known.name))
            first.tags = (*first.tags, "namesake")
        else:
            first = self._person(key, region, day, culture, culture.name(self.random))
        kind = self._household.draw(rnd())
        people = [first] if kind == "single" else [first, *self._others(first, kind, day)]
        if len(self._recent) < 5000:
            self._recent.append(first)
        else:
            self._recent[int(rnd() * 5000)] = first
        return people

    # -- when they write --------------------------------------------------------------------------------------------

    def run(self) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """The leads and their labels, each in order of arrival, in the columns above."""
        made: list[tuple[float, int, tuple[Any, ...], tuple[Any, ...]]] = []
        while len(made) < self.count:
            day = self.rnd() * self.days
            people = self._household_of(day)
            home, bedrooms = self._home(people[0]), self._bedrooms.draw(self.rnd())
            for index, person in enumerate(people):
                if index and self.rnd() < 0.4:
                    home = self._home(person)
                start = day if not index else abs(day + self.random.gauss(0, 4))
                for when, lead, label in self._history(person, start, home, bedrooms):
                    made.append((when, len(made), lead, label))
        made.sort()
        del made[self.count :]
        leads, labels = [], []
        for number, (_, _, lead, label) in enumerate(made, 1):
            key = f"W{number:07d}"
            leads.append((key, *lead))
            labels.append((key, *label))
        return leads, labels

    def _home(self, person: Person) -> Property:
        return self._one(self.by_region[person.region])  # type: ignore[no-any-return]

    def _history(
        self, person: Person, when: float, home: Property, bedrooms: int
    ) -> Iterator[tuple[float, tuple[Any, ...], tuple[Any, ...]]]:
        rnd, timing = self.rnd, self._timing
        wish = Wish(home, when + 7 + rnd() * 80, bedrooms)
        later = False
        for index in range(self._repeats.draw(rnd())):
            if index:
                u = rnd()
                if u < timing["return"]:
                    when += timing["return_after"] + rnd() * (timing["return_before"] - timing["return_after"])
                    later = True
                    self._moved_on(person, when)
                    rooms = min(4, max(0, wish.bedrooms + self._one((-1, 0, 0, 1))))
                    wish = Wish(self._home(person), when + 7 + rnd() * 80, rooms)
                elif u < timing["return"] + timing["minutes"]:
                    when += (1 + rnd() * 40) / 1440
                else:
                    when += self.random.expovariate(1 / timing["gap_days"])
                if rnd() >= timing["same_property"]:
                    wish = Wish(self._home(person), wish.move_in, wish.bedrooms)
            if when >= self.days:
                if index:
                    break
                when = rnd() * self.days
                wish = Wish(wish.home, when + 7 + rnd() * 80, bedrooms)
            yield when, *self._lead(person, when, wish, later)
        if len(person.phones) == 1 and rnd() < 0.1 and "household_phone" not in person.tags:
            self._retired.append((when, person.phones[0]))

    def _moved_on(self, person: Person, day: float) -> None:
        """What has changed about somebody who looks again, months later."""
        rnd, timing = self.rnd, self._timing
        if rnd() < timing["new_phone"]:
            self._retired.append((day - 60, person.phones[0]))
            person.phones = [self._own_phone(person.culture, person.region, 0)[0]]
        if rnd() < timing["new_email"]:
            person.emails = [self._new_email(person.name), *person.emails[:1]]

    # -- one lead ---------------------------------------------------------------------------------------------------

    def _lead(self, person: Person, when: float, wish: Wish, later: bool) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        rnd, missing = self.rnd, self._missing
        source = self._sources.draw(rnd())
        shown = Shown("", "", "", "", "", "", list(person.tags))
        if later:
            shown.tags.append("return_next_cycle")
        desk = person.desk if person.desk and rnd() < 0.75 else None
        self._contacts(shown, person, source, wish, desk)
        self._names(shown, person, source, later, wish)
        if desk:
            shown.tags.append("desk")
            shown.said.append(("desk", f"{shown.first} {shown.last}".strip()))
            if rnd() < 0.2:
                first, _, last = desk[0].partition(" ")
                shown.first, shown.last = first, last
        if not shown.email_key and not shown.phone_key:
            shown.tags.append("no_contact")
        gone = missing["fields"]
        minutes, seconds = divmod(int((when % 1) * _SECONDS), 60)
        move_in = int(wish.move_in + (rnd() * 20 - 7 if rnd() < 0.2 else 0))
        lead = (
            f"{self._days[int(when)]}T{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}Z",
            source.title,
            source.channel,
            shown.first,
            shown.last,
            shown.email,
            shown.phone,
            wish.home.key,
            "" if rnd() < gone["move_in_date"] else self._days[max(move_in, int(when))],
            "" if rnd() < gone["bedrooms"] else wish.bedrooms,
            self._message(shown, person, source, wish, move_in),
        )
        name = person.name
        tags = "|".join(dict.fromkeys(shown.tags)) or "clean"
        key = f"{letters(name.given)}|{letters(name.last)}"
        return lead, (person.key, person.household, tags, shown.email_key, shown.phone_key.replace(" ", ""), key)

    def _contacts(
        self, shown: Shown, person: Person, source: Source, wish: Wish, desk: tuple[str, str, str] | None
    ) -> None:
        rnd, channel = self.rnd, source.channel
        email, phone = person.emails[0], person.phones[0]
        if len(person.emails) > 1 and rnd() < 0.3:
            email = person.emails[-1]
            shown.tags.append("second_email")
        if person.joint and rnd() < 0.5:
            email = person.joint
            shown.tags.append("household_email")
        if len(person.phones) > 1 and rnd() < 0.35:
            phone = person.phones[-1]
            shown.tags.append("second_phone")
        if person.partner and rnd() < self._people["partners_contact"]:
            if rnd() < 0.6:
                phone = person.partner.phones[0]
                shown.tags.append("partner_phone")
            else:
                email = person.partner.emails[0]
                shown.tags.append("partner_email")
        no_email, no_phone = rnd() < self._missing["email"][channel], rnd() < self._missing["phone"][channel]
        if no_email and no_phone and rnd() < 0.8:
            no_email, no_phone = (False, True) if channel in ("ils", "website") else (True, False)
        shown.email = shown.email_key = "" if no_email else email
        shown.phone = shown.phone_key = "" if no_phone else phone
        if no_email:
            shown.tags.append("missing_email")
        if no_phone:
            shown.tags.append("missing_phone")
        elif phone in self._recycled:
            shown.tags.append("recycled_phone")
        if desk:
            shown.email, shown.phone = desk[1], desk[2] if shown.phone else ""
            shown.email_key = shown.phone_key = ""
        elif person.mailbox and rnd() < 0.6 and shown.email:
            shown.email, shown.email_key = person.mailbox, ""
            shown.tags.append("shared_mailbox")
        elif shown.email and source.relay and rnd() < source.relay:
            self._mask(shown, person, source, wish)
        elif shown.email:
            self._email(shown, person, source, wish)
        if shown.phone and not desk:
            self._phone(shown, person, source, wish)
        elif shown.phone:
            shown.phone = noise.local_phone(rnd(), shown.phone)

    def _mask(self, shown: Shown, person: Person, source: Source, wish: Wish) -> None:
        scope = {"thread": "", "listing": f"{source.title}/{wish.home.key}", "person": source.title}[source.scope]
        mask = person.masks.get(scope, "") if scope else ""
        if not mask:
            token = f"{int(self.rnd() * 36**9):x}{int(self.rnd() * 36**6):x}"
            word = f"{letters(person.name.given)}-" if source.scope == "person" else ""
            mask = f"{word}{token}@{source.domain}"
            if scope:
                person.masks[scope] = mask
        shown.email = shown.email_key = mask
        shown.tags.append("relay_email")

    def _email(self, shown: Shown, person: Person, source: Source, wish: Wish) -> None:
        rnd = self.rnd
        op = self._email_ops.draw(rnd())
        address = shown.email
        if op:
            before = address
            local, _, host = address.partition("@")
            if op == "gmail_dots" and host == "gmail.com" and len(local) > 4:
                at = 2 + int(rnd() * (len(local) - 3))
                address = f"{local[:at].rstrip('.')}.{local[at:].lstrip('.')}@{host}"
            elif op == "plus_tag" and host in ("gmail.com", "icloud.com", "outlook.com", "proton.me"):
                address = f"{local}+{self._one(('apt', 'rentals', 'move', 'house2', 'listings', 'z'))}@{host}"
            elif op == "email_typo":
                address = f"{noise.typed(self.random, local)}@{host}"
            elif op == "email_ocr":
                address = f"{noise.misread(self.random, local)}@{host}"
            elif op == "domain_typo" and host in noise.DOMAIN_SLIPS:
                address = f"{local}@{self._one(noise.DOMAIN_SLIPS[host])}"
            elif op == "email_malformed":
                address = noise.malformed(self.random, address)
            elif op == "placeholder_email":
                address, shown.email_key = self._word("placeholder_emails"), ""
            elif op == "front_desk_email":
                address, shown.email_key = wish.home.email, ""
            elif op == "hidden_email":
                address = person.masks.get(f"hidden/{source.title}", "")
                if not address:
                    words = f"{self._word('handles')}_{self._word('things')}"
                    address = f"{words}.{int(rnd() * 36**4):x}@privaterelay.appleid.com"
                    address = person.masks[f"hidden/{source.title}"] = address
                shown.email_key = address
            elif op == "contact_in_message" and source.channel != "phone":
                shown.said.append(("email", noise.spoken_address(self.random, address)))
                address = ""
            if address != before:
                shown.tags.append(op)
        if address and rnd() < 0.04:
            address = address.upper() if rnd() < 0.3 else address[0].upper() + address[1:]
        shown.email = address

    def _phone(self, shown: Shown, person: Person, source: Source, wish: Wish) -> None:
        rnd = self.rnd
        digits = shown.phone
        if rnd() < self.table["call_centre"].get(source.channel, 0):
            shown.phone, shown.phone_key = noise.local_phone(rnd(), self._one(self._trackers)), ""
            shown.tags.append("call_centre_phone")
            return
        op = self._phone_ops.draw(rnd())
        written: Callable[[float, str], str] = noise.foreign_phone if digits[0] == "+" else noise.local_phone
        if op == "phone_typo":
            digits = noise.wrong_digit(self.random, digits)
        elif op == "phone_transposed":
            digits = noise.exchanged_digits(self.random, digits)
            op = op if digits != shown.phone else ""
        elif op == "phone_short":
            digits = digits[:-1]
        elif op == "placeholder_phone":
            digits, shown.phone_key = self._word("placeholder_phones"), ""
            written = noise.local_phone if digits[0] != "n" else lambda _, text: text
        elif op == "property_phone":
            digits, shown.phone_key = wish.home.phone, ""
            written = noise.local_phone
        text = written(rnd(), digits)
        if op == "phone_ext":
            text = f"{text} {self._one(('x', 'ext. ', 'ext '))}{10 + int(rnd() * 900)}"
        elif op == "phone_letters":
            text = self._one(("cell ", "Tel. ", "(m) ", "whatsapp ")) + text if rnd() < 0.5 else text.replace("0", "O")
        elif op == "two_phones":
            spare = person.phones[-1] if len(person.phones) > 1 else self._new_phone(person.region)
            text = self._one(("{} / {}", "{} or {}", "{}, {}")).format(
                text, written(rnd(), spare) if spare[0] == digits[0] else spare
            )
        elif op == "contact_in_message" and source.channel != "phone":
            shown.said.append(("phone", text))
            text = ""
        elif op == "contact_in_message":
            op = ""
        elif op == "swapped_fields" and shown.email:
            shown.email, text = text, shown.email
        elif op == "swapped_fields":
            op = ""
        if op:
            shown.tags.append(op)
        shown.phone = text

    def _names(self, shown: Shown, person: Person, source: Source, later: bool, wish: Wish) -> None:
        rnd, tags, name = self.rnd, shown.tags, person.name
        given_rates, family_rates = self.table["given"], self.table["family_name"]
        given, family = name.given, list(name.family)
        if name.aliases and rnd() < person.alias_rate:
            tag, given = self._one(name.aliases)
            tags.append(tag)
        elif name.middle and rnd() >= given_rates["dropped_middle"]:
            given = f"{given} {name.middle}"
        if person.married and (later or rnd() < 0.1):
            family = [person.married]
            tags.append("surname_change")
        elif name.family_also and rnd() < person.alias_rate:
            family = [self._one(name.family_also)]
            tags.append("spelling")
        if len(family) > 1:
            u = rnd()
            if u < family_rates["dropped_surname"]:
                family = family[:1] if rnd() < 0.75 else family[1:]
                tags.append("dropped_surname")
            elif u < family_rates["dropped_surname"] + 0.05:
                family = ["-".join(family)]
        last = " ".join(family)
        if " " in last and rnd() < family_rates["dropped_particle"]:
            words = [each for each in last.split() if each.lower() not in _PARTICLES]
            short = " ".join(words) if rnd() < 0.6 else last.replace(" ", "")
            if short and short != last:
                last = short
                tags.append("dropped_particle")
        elif ("'" in last or "-" in last) and rnd() < 0.35:
            last = last.replace("'", self._one(("", " ", "’"))).replace("-", self._one(("", " ")))
            tags.append("punctuation")
        if person.suffix and rnd() < 0.4:
            last = f"{last} {person.suffix}"
        given = self._given(given, name, tags)
        last = self._family(last, tags)
        if source.channel == "phone" and rnd() < self.table["heard"]["voice"]:
            tags.append("voice")
            if rnd() < 0.5:
                given = noise.misheard(self.random, given)
            else:
                last = noise.misheard(self.random, last)
        if not (given + last).isascii() and rnd() >= person.accents:
            layout = self.table["layout"]
            u = rnd()
            if u < layout["digraphs"] and digraphs(last + given) != last + given:
                given, last = plain(digraphs(given)), plain(digraphs(last))
                tags.append("digraphs")
            elif u < layout["digraphs"] + layout["plain_letters"] + 0.35:
                given, last = plain(given), plain(last)
                tags.append("accent_stripped")
        shown.first, shown.last = given, last
        self._layout(shown, person, wish)
        if rnd() < self._missing["names"][source.channel]:
            shown.first = shown.last = ""
            tags.append("missing_name")
        elif shown.last and rnd() < self._missing["last"][source.channel]:
            shown.last = ""
            tags.append("missing_last_name")

    def _given(self, given: str, name: Name, tags: Tags) -> str:
        op = self._given_ops.draw(self.rnd())
        before = given
        if not op:
            return given
        if op == "name_typo":
            given = noise.typed(self.random, given)
        elif op == "autocorrect":
            given = noise.corrected(given, letters(given))
        elif op == "initial":
            given = given[0] + self._one((".", ""))
        elif op == "added_middle":
            given = f"{given} {chr(65 + int(self.rnd() * 26))}{self._one(('.', ''))}"
        if given != before:
            tags.append(op)
        return given

    def _family(self, last: str, tags: Tags) -> str:
        op = self._family_ops.draw(self.rnd())
        before = last
        if not op or not last:
            return last
        if op == "name_typo":
            last = noise.typed(self.random, last)
        elif op == "voice":
            last = noise.misheard(self.random, last)
        elif op == "last_initial":
            last = last[0] + self._one((".", ""))
        elif op == "hyphen":
            last = f"{last}-{self._culture.draw(self.rnd()).name(self.random).family[0]}".rstrip("-")
        if last != before:
            tags.append(op)
        return last

    def _layout(self, shown: Shown, person: Person, wish: Wish) -> None:
        rnd = self.rnd
        first, last = shown.first, shown.last
        if person.culture.family_first and person.accents > 0 and rnd() < person.culture.family_first and last:
            first, last = last, first
            shown.tags.append("name_swapped")
        op = self._layout_ops.draw(rnd())
        if op == "name_swapped" and last:
            first, last = last, first
        elif op == "one_field":
            first, last = f"{first} {last}".strip(), ""
        elif op == "comma_name":
            first, last = f"{last}, {first}".strip(", "), ""
        elif op == "joined_names" and person.partner:
            first = f"{first} {self._one(('&', 'and', '+', '/'))} {person.partner.name.given}"
        elif op == "honorific":
            first = f"{self._one(_HONORIFICS[0 if person.name.female else 1])} {first}"
        elif op == "emoji":
            if rnd() < 0.5 or not last:
                first += self._one(_EMOJI)
            else:
                last += " " + self._one(_EMOJI)
        elif op == "upper":
            first, last = first.upper(), last.upper()
        elif op == "lower":
            first, last = first.lower(), last.lower()
        elif op == "mojibake" and not (first + last).isascii():
            first, last = noise.mojibake(first), noise.mojibake(last)
        elif op == "placeholder_name":
            text = self._word("placeholder_names").format(region=self.regions[wish.home.region])
            first, _, last = text.rpartition(" ") if " " in text else (text, "", "")
        elif op == "email_as_name" and "@" in shown.email:
            first, last = shown.email.partition("@")[0], ""
        if op not in ("", "upper", "lower") and (first, last) != (shown.first, shown.last):
            shown.tags.append(op)
        shown.first, shown.last = first, last

    def _message(self, shown: Shown, person: Person, source: Source, wish: Wish, move_in: int) -> str:
        rnd = self.rnd
        if source.channel == "phone" or (not shown.said and rnd() < self._missing["fields"]["message"]):
            return ""
        texts = self._texts.get(_LANGUAGES.get(person.culture.title, "en"), self._texts["en"])
        if rnd() < 0.6:
            texts = self._texts["en"]
        parts = [self._one(texts["openers"]), self._one(texts["details"])]
        parts.extend(self._one(self._texts["contact"][kind]).replace("{c}", text) for kind, text in shown.said)
        parts.append(self._one(texts["closers"]))
        text = " ".join(each for each in parts if each)
        if "{" not in text:
            return text
        values = {
            "{p}": wish.home.name,
            "{b}": str(wish.bedrooms or "studio"),
            "{m}": self._months[move_in],
            "{f}": shown.first or person.name.given,
        }
        for mark, value in values.items():
            text = text.replace(mark, value)
        return text

    # -- files ------------------------------------------------------------------------------------------------------

    def properties(self) -> Iterator[tuple[Any, ...]]:
        for each in self._properties:
            yield each.key, each.name, self.regions[each.region], each.area


_LANGUAGES = {"spanish": "es", "portuguese": "pt", "vietnamese": "vi"}


@cache
def _texts() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads((DATA / "words.toml").read_text(encoding="utf-8"))


@cache
def _vocabulary() -> dict[str, list[str]]:
    words: dict[str, Any] = _texts()["vocabulary"]
    return {key: each.split() if isinstance(each, str) else each for key, each in words.items()}


def _repeats(once: float, alpha: float, most: int) -> Iterator[tuple[int, float]]:
    yield 1, once
    weights = [k**-alpha for k in range(2, most + 1)]
    for k, weight in enumerate(weights, 2):
        yield k, (1 - once) * weight / sum(weights)


@contextmanager
def _table(path: Path) -> Iterator[TextIO]:
    """A CSV to write, without a time stamp inside when packed."""
    with path.open("wb") as file:
        if path.suffix == ".gz":
            packed = gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=4)
            with packed, io.TextIOWrapper(packed, encoding="utf-8", newline="") as text:
                yield text
        else:
            with io.TextIOWrapper(file, encoding="utf-8", newline="") as text:
                yield text


def as_canonical(values: Iterable[Any]) -> dict[str, Any]:
    """A lead of :meth:`World.run` as canonical JSON, without what it does not tell."""
    row = dict(zip(LEAD_COLUMNS, values, strict=True))
    lead = {
        "external_id": row["lead_id"],
        "occurred_at": row["received_at"],
        "source": "website",
        "contact_type": "form",
        "person": {"given": row["first_name"], "family": row["last_name"]},
        "email": row["email"],
        "phone": row["phone"],
        "message": row["message"],
        "move_in": row["move_in_date"],
        "bedrooms": row["bedrooms"],
        "property": {"id": row["property_id"]},
    }
    return {name: value for name, value in lead.items() if value not in ("", None)}


def write(title: str, leads: int, seed: int, folder: Path) -> Path:
    """Make the three files of a world in ``folder`` and return it."""
    world = World(title, leads, seed)
    rows, labels = world.run()
    folder.mkdir(parents=True, exist_ok=True)
    for name, columns, lines in (
        ("leads.csv.gz", LEAD_COLUMNS, rows),
        ("labels.csv.gz", LABEL_COLUMNS, labels),
        ("properties.csv", PROPERTY_COLUMNS, world.properties()),
    ):
        with _table(folder / name) as text:
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(lines)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description="Make labelled rental leads of a world of invented people.")
    parser.add_argument("world", choices=worlds())
    parser.add_argument("leads", type=int, help="how many leads")
    parser.add_argument("seed", type=int)
    parser.add_argument("folder", type=Path, help="where leads.csv.gz, labels.csv.gz and properties.csv go")
    options = parser.parse_args()
    write(options.world, options.leads, options.seed, options.folder)


if __name__ == "__main__":
    main()
