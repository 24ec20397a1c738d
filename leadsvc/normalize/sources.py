"""The catalogue of sources: which advertiser a word in a payload stands for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from leadsvc.normalize.data import shared


@dataclass(frozen=True, slots=True)
class Source:
    """One advertiser. ``network`` is the slug brands are rolled up under, empty when it stands alone."""

    slug: str
    name: str
    category: str
    network: str
    aliases: tuple[str, ...]


@cache
def catalogue() -> Mapping[str, Source]:
    """Every source by slug."""
    table = shared("sources")["sources"]
    return {
        slug: Source(slug, row["name"], row["category"], row["network"], tuple(row["aliases"]))
        for slug, row in table.items()
    }


@cache
def _by_spelling() -> Mapping[str, str]:
    return {
        _squeeze(word): source.slug
        for source in catalogue().values()
        for word in (source.slug, source.name, *source.aliases)
    }


def source_of(text: str) -> str:
    """The slug ``text`` is a known spelling of, else empty. Case, spaces and punctuation do not count."""
    return _by_spelling().get(_squeeze(text), "")


def slug(text: str) -> str:
    """A slug for a source nobody has catalogued yet: ``"Sunny Homes, Inc."`` -> ``"sunny_homes_inc"``; at most 60
    characters, empty when there is no letter or digit."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:60].rstrip("_")


def _squeeze(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text.lower())
