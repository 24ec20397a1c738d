"""What people type into the search box, made into predicates that can use an index.

A key, an e-mail address and a phone number are looked up exactly (a phone also by its last seven digits); anything else
is words, each of which must begin a given or family name, or all of which stand in the name of a property.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, literal_column, or_, select

from leadsvc.normalize.emails import canonical_key
from leadsvc.store.tables import guest_cards, identifiers, properties, prospect_identifiers, prospects

_KEY = re.compile(r"[A-Z]{1,3}-[0-9A-Z]{8}\Z")
_PHONE = re.compile(r"\+?[\d\s().\-/]{7,25}\Z")
_TAIL = 7
_LONGEST = 120
_MOST_WORDS = 5
_HIGHEST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Query:
    """A search text and what it was taken for: ``kind`` is empty, key, email, phone or words."""

    kind: str
    text: str


def understand(text: str) -> Query:
    """Decide what a search text is. Never fails: what cannot be a key, an address or a number is words."""
    printable = "".join(ch if ch.isprintable() else " " for ch in unicodedata.normalize("NFKC", text[:_LONGEST]))
    clean = " ".join(printable.split())
    if not clean:
        return Query("", "")
    if _KEY.match(clean.upper()):
        return Query("key", clean.upper())
    if "@" in clean:
        return Query("email", canonical_key(clean))
    digits = re.sub(r"[^0-9]", "", clean)
    if _PHONE.match(clean) and len(digits) >= _TAIL:
        return Query("phone", digits)
    return Query("words", clean.lower())


def matching(query: Query, dialect: str) -> ColumnElement[bool] | None:
    """The predicate on ``guest_cards`` and the prospect that it is joined with; ``None`` when everything matches."""
    if query.kind == "":
        return None
    if query.kind == "key":
        card_root = select(guest_cards.c.root_id).where(guest_cards.c.key == query.text)
        return or_(guest_cards.c.root_id.in_(card_root), _of(prospects.c.key == query.text))
    if query.kind == "email":
        return _identified("email", identifiers.c.value == query.text)
    if query.kind == "phone":
        tail = (
            func.right(identifiers.c.value, _TAIL)
            if dialect == "postgresql"
            else func.substr(identifiers.c.value, -_TAIL)
        )
        whole = [f"+{query.text}", f"+1{query.text}"]
        short = tail == query.text if len(query.text) == _TAIL else identifiers.c.value.in_(whole)
        return _identified("phone", short)
    return or_(_named(query.text.split()[:_MOST_WORDS], dialect), _at_property(query.text.split()[:_MOST_WORDS]))


def _tail(dialect: str) -> ColumnElement[str]:
    """The last digits of a phone number: the very expression that is indexed."""
    if dialect == "postgresql":
        return func.right(identifiers.c.value, literal_column(str(_TAIL)))
    return func.substr(identifiers.c.value, literal_column(f"-{_TAIL}"))


def _of(which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Cards of the people whom the matching prospects have been merged into, and of everyone else in those."""
    roots = select(prospects.c.root_id).where(which)
    everyone = prospects.alias("everyone")
    return guest_cards.c.prospect_id.in_(select(everyone.c.id).where(everyone.c.root_id.in_(roots)))


def _identified(kind: str, which: ColumnElement[bool]) -> ColumnElement[bool]:
    holders: Select[Any] = (
        select(prospect_identifiers.c.prospect_id)
        .join(identifiers, identifiers.c.id == prospect_identifiers.c.identifier_id)
        .where(identifiers.c.kind == literal_column(f"'{kind}'"), which)  # literal: the index is partial
    )
    return _of(prospects.c.id.in_(holders))


def _named(words: list[str], dialect: str) -> ColumnElement[bool]:
    parts = [_name_part(part, dialect) for part in ("given", "family")]
    return _of(and_(*(or_(*(_begins(part, word, dialect) for part in parts)) for word in words)))


def _name_part(part: str, dialect: str) -> ColumnElement[str]:
    """The lower-cased part of the golden name. The path is literal: an expression index serves that expression only."""
    if dialect == "postgresql":
        return func.lower(prospects.c.golden.op("#>>")(literal_column(f"'{{name,value,{part}}}'")))
    return func.lower(func.json_extract(prospects.c.golden, literal_column(f"'$.name.value.{part}'")))


def _begins(part: ColumnElement[str], word: str, dialect: str) -> ColumnElement[bool]:
    if dialect == "postgresql":
        return part.startswith(word, autoescape=True)
    # SQLite's LIKE ignores case and therefore ordinary indexes; a range does not.
    return and_(part >= word, part < word + _HIGHEST)


def _at_property(words: list[str]) -> ColumnElement[bool]:
    name = func.lower(properties.c.name)
    found: Select[tuple[UUID]] = select(properties.c.id).where(
        *(name.contains(word, autoescape=True) for word in words)
    )
    return guest_cards.c.property_id.in_(found)
