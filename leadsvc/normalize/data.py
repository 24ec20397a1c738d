"""The tables under ``mappings/shared``, read once per process. They ship with the package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, cast

from leadsvc.normalize import yamltext


@dataclass(frozen=True, slots=True)
class Placeholders:
    """Words that mean "nothing", all lower case."""

    names: frozenset[str]
    name_words: frozenset[str]
    family_names: frozenset[str]
    email_locals: frozenset[str]
    email_domains: frozenset[str]
    email_addresses: frozenset[str]
    phones: frozenset[str]
    answers: frozenset[str]
    messages: frozenset[str]
    dates: frozenset[str]


@dataclass(frozen=True, slots=True)
class EmailDomains:
    """What a domain says about an address there, all lower case."""

    relays: frozenset[str]
    relay_locals: tuple[str, ...]
    masking: frozenset[str]
    vendors: frozenset[str]
    dotless: frozenset[str]
    same_as: Mapping[str, str]
    public: frozenset[str]
    slips: frozenset[str]


def shared(name: str) -> dict[str, Any]:
    """The table ``mappings/shared/NAME.yaml`` as plain values."""
    text = files("leadsvc").joinpath("mappings", "shared", f"{name}.yaml").read_text(encoding="utf-8")
    return cast("dict[str, Any]", yamltext.load(text))


@cache
def placeholders() -> Placeholders:
    table = shared("placeholders")
    return Placeholders(**{key: frozenset(str(word).lower() for word in words) for key, words in table.items()})


@cache
def email_domains() -> EmailDomains:
    table = shared("email_domains")
    return EmailDomains(
        relays=frozenset(table["relays"]),
        relay_locals=tuple(table["relay_locals"]),
        masking=frozenset(table["masking_words"]),
        vendors=frozenset(table["vendors"]),
        dotless=frozenset(table["dotless"]),
        same_as=dict(table["same_as"]),
        public=frozenset(table["public"]),
        slips=frozenset(table["slips"]),
    )


def under(domain: str, domains: frozenset[str]) -> bool:
    """Whether ``domain`` is one of ``domains`` or below one: ``mail.zillow.com`` is under ``zillow.com``, and
    ``forrent.com`` is not under ``rent.com``."""
    while domain:
        if domain in domains:
            return True
        _, _, domain = domain.partition(".")
    return False
