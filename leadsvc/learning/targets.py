"""What can be learned: each field of the map language, the expected keys that prove it, and what senders call it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rapidfuzz import fuzz

from leadsvc.normalize.address import split_address
from leadsvc.normalize.sources import source_of

_DAY_WORDS = re.compile(r"\d|asap|now|immediate|soon|today|flexib|month|week|spring|summer|fall|winter", re.IGNORECASE)
_NUMBER_WORDS = re.compile(r"\d|one|two|three|four|studio|year", re.IGNORECASE)
_PET_WORDS = re.compile(r"yes|no\b|none|true|false|dog|cat|pet|\d", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Target:
    """``keys`` are judged together. ``named``: only a place that is called like one of ``words`` can be meant, since a
    bare "2" says nothing. ``plausible``: whether a text can hold the expected value at all, asked before the costly
    reading."""

    field: str
    keys: tuple[str, ...]
    words: tuple[str, ...]
    named: bool = False
    plausible: Callable[[Mapping[str, Any], str], bool] = lambda wanted, text: True

    def likeness(self, said: str) -> float:
        """0 to 1: how much ``said`` (a label, a key, a path) is what senders call this field."""
        plain = spaced(said)
        return max((fuzz.token_set_ratio(plain, word) for word in self.words), default=0.0) / 100

    def exactly(self, said: str) -> bool:
        """Whether ``said`` is a name of this field and nothing else, but for words such as "your" or "number of"."""
        plain = " ".join(word for word in spaced(said).split() if word not in _FILLERS)
        return bool(plain) and any(
            plain == " ".join(word for word in name.split() if word not in _FILLERS) for name in self.words
        )


_FILLERS = frozenset({
    "your", "the", "num", "no", "of", "number", "preferred", "desired", "sought", "wanted", "requested", "date",
    "months", "renter", "prospect", "customer", "contact", "s",
})  # fmt: skip


def spaced(name: str) -> str:
    """``moveInDate``, ``move_in_date`` and ``Move-In Date:`` in one spelling."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return " ".join(re.findall(r"[^\W_]+", parted.lower()))


def _shares_word(*keys: str) -> Callable[[Mapping[str, Any], str], bool]:
    def plausible(wanted: Mapping[str, Any], text: str) -> bool:
        have = set(re.findall(r"[^\W_]+", text.casefold()))
        for key in keys:
            options = [wanted.get(key), *_accepted(wanted, key)]
            if any(have & set(re.findall(r"[^\W_]+", str(option).casefold())) for option in options if option):
                return True
        return False

    return plausible


def _accepted(wanted: Mapping[str, Any], key: str) -> list[Any]:
    options = wanted.get("accept", {}).get(key, [])
    return options if isinstance(options, list) else [options]


def _has_digits(wanted: Mapping[str, Any], text: str) -> bool:
    phone = re.sub(r"\D", "", str(wanted.get("phone_e164") or ""))
    return bool(phone) and phone[-4:] in re.sub(r"\D", "", text)


def _has_address(wanted: Mapping[str, Any], text: str) -> bool:
    return "@" in text


def _matching(pattern: re.Pattern[str]) -> Callable[[Mapping[str, Any], str], bool]:
    return lambda wanted, text: len(text) < 400 and bool(pattern.search(text))


_NAME = _shares_word("first_name", "last_name")
_PLACE = _shares_word("property_hint")


def _source(wanted: Mapping[str, Any], text: str) -> bool:
    return source_of(text) == wanted.get("source")


def _code(wanted: Mapping[str, Any], text: str) -> bool:
    return " " not in text.strip() and _PLACE(wanted, text)


def _address(wanted: Mapping[str, Any], text: str) -> bool:
    return bool(split_address(text).street) and _PLACE(wanted, text)


def _place_name(wanted: Mapping[str, Any], text: str) -> bool:
    return not split_address(text).street and _PLACE(wanted, text)


_DAY = _matching(_DAY_WORDS)
_NUMBER = _matching(_NUMBER_WORDS)
_DIGIT = _matching(re.compile(r"\d"))
_PETS = _matching(_PET_WORDS)
_ROOMS = ("bedrooms_min", "bedrooms_max")

TARGETS: tuple[Target, ...] = (
    Target("name", ("first_name", "last_name"), ("name", "full name", "prospect name", "contact"), False, _NAME),
    Target("given", ("first_name",), ("first name", "given name", "forename"), True, _shares_word("first_name")),
    Target("family", ("last_name",), ("last name", "family name", "surname"), True, _shares_word("last_name")),
    Target("email", ("email",), ("email", "e mail", "email address"), False, _has_address),
    Target("phone", ("phone_e164",), ("phone", "telephone", "mobile", "cell phone", "number"), False, _has_digits),
    Target("property_id", ("property_hint",), ("property id", "community id", "property code"), True, _code),
    Target("listing_id", ("property_hint",), ("listing id", "posting id", "unit id", "ad id"), True, _code),
    Target("property_name", ("property_hint",), ("property", "property name", "community"), False, _place_name),
    Target("address", ("property_hint",), ("address", "property address", "location"), False, _address),
    Target("mailbox_tag", ("property_hint",), (), False, _PLACE),
    Target("unit", ("unit_hint",), ("unit", "apartment", "listing unit", "apt"), False, _shares_word("unit_hint")),
    Target("floor_plan", ("floor_plan_hint",), ("floor plan", "floorplan"), False, _shares_word("floor_plan_hint")),
    Target("bedrooms", _ROOMS, ("bedrooms", "beds", "bedrooms sought", "br", "layout"), True, _NUMBER),
    Target("bathrooms", ("bathrooms_min", "bathrooms_max"), ("bathrooms", "baths"), True, _NUMBER),
    Target("beds_baths", _ROOMS, ("beds baths", "bed bath"), True, _NUMBER),
    Target("move_in", ("move_in_date",), ("move in", "move date", "moving date", "arrival", "when"), True, _DAY),
    Target("budget", ("budget_max",), ("budget", "max rent", "rent", "price range"), True, _DIGIT),
    Target("occupants", ("occupants",), ("occupants", "number of occupants", "people", "residents"), True, _NUMBER),
    Target("pets", ("has_pets",), ("pets", "has pets", "pet"), True, _PETS),
    Target("pet_details", ("has_pets",), ("pet details", "pets"), True, _PETS),
    Target("lease_term", ("lease_term_months",), ("lease term", "lease length", "lease"), True, _NUMBER),
    Target("tour_slots", ("tour_requested_at",), ("tour", "tour date", "appointment"), False, _DIGIT),
    Target("message", ("message",), ("message", "comments", "comment", "question"), False, _shares_word("message")),
    Target("campaign", ("campaign",), ("campaign", "utm campaign", "ad name"), False, _shares_word("campaign")),
    Target("external_id", ("external_id",), ("id", "lead id", "inquiry id"), False, _shares_word("external_id")),
    Target("source", ("source",), ("source", "lead source", "transaction source", "referral source"), True, _source),
    Target("thread_id", ("thread_id",), ("thread", "conversation id"), False, _shares_word("thread_id")),
)
