"""What people type into the search box, looked up by index.

A key, an e-mail address and a phone number are looked up exactly (a phone also by its last seven digits); anything else
is words, each of which must begin a given or family name, or all of which stand in the name of a property.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)

from leadsvc.normalize.emails import canonical_key
from leadsvc.store.tables import identifiers, properties, prospect_identifiers, prospects

_KEY = re.compile(r"[A-Z]{1,3}-[0-9A-Z]{8}\Z")
_PHONE = re.compile(r"\+?[\d\s().\-/]{7,25}\Z")
_TAIL = 7
_LONGEST = 120
_MOST_WORDS = 5
_FEW = 500  # people whose cards are looked up one by one
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


@dataclass(frozen=True, slots=True)
class Found:
    """Whom and what a query matches. ``people`` are prospects and everyone merged with them; ``many`` when there are
    more than could be listed, so that a page is better filled by walking through the newest cards."""

    people: Sequence[UUID]
    places: Sequence[UUID]
    many: bool


def find(connection: Connection, query: Query) -> Found:
    """Look up in one statement what a query matches, reading a bounded number of rows however many do."""
    dialect = connection.dialect.name
    words = query.text.split()[:_MOST_WORDS]
    everyone = prospects.alias("everyone")
    roots = _roots(query, words, dialect).limit(_FEW + 1).subquery()
    members = select(literal("person").label("kind"), everyone.c.id).join(roots, roots.c.root_id == everyone.c.root_id)
    statement: Any = members.limit(2 * _FEW)
    if query.kind == "words":
        name = func.lower(properties.c.name)
        at = select(literal("place").label("kind"), properties.c.id)
        at = at.where(*(name.contains(word, autoescape=True) for word in words)).limit(_FEW)
        statement = union_all(select(statement.subquery()), select(at.subquery()))
    rows = connection.execute(statement).all()
    people = {row.id for row in rows if row.kind == "person"}
    return Found(sorted(people), sorted({row.id for row in rows if row.kind == "place"}), len(people) > _FEW)


def named(words: str, dialect: str, table: FromClause) -> ColumnElement[bool]:
    """Each of the words begins the given or family name of ``table``, which is prospects or an alias of it."""
    parts = [_name_part(table, part, dialect) for part in ("given", "family")]
    return and_(*(or_(*(_begins(part, word, dialect) for part in parts)) for word in words.split()[:_MOST_WORDS]))


def _roots(query: Query, words: list[str], dialect: str) -> Select[Any]:
    roots = select(prospects.c.root_id)
    if query.kind == "key":
        return roots.where(prospects.c.key == query.text)
    if query.kind == "words":
        return roots.where(named(" ".join(words), dialect, prospects))
    held = prospect_identifiers.c.prospect_id == prospects.c.id
    roots = roots.join(prospect_identifiers, held)
    roots = roots.join(identifiers, identifiers.c.id == prospect_identifiers.c.identifier_id)
    # The kind is literal because the index on the last digits is partial.
    roots = roots.where(identifiers.c.kind == literal_column(f"'{query.kind}'"))
    if query.kind == "email":
        return roots.where(identifiers.c.value == query.text)
    if len(query.text) > _TAIL:
        return roots.where(identifiers.c.value.in_([f"+{query.text}", f"+1{query.text}"]))
    return roots.where(_tail(dialect) == query.text)


def _tail(dialect: str) -> ColumnElement[str]:
    """The last digits of a phone number: the very expression that is indexed."""
    if dialect == "postgresql":
        return func.right(identifiers.c.value, literal_column(str(_TAIL)))
    return func.substr(identifiers.c.value, literal_column(f"-{_TAIL}"))


def _name_part(table: FromClause, part: str, dialect: str) -> ColumnElement[str]:
    """The lower-cased part of the golden name. The path is literal: an expression index serves that expression only."""
    if dialect == "postgresql":
        return func.lower(table.c.golden.op("#>>")(literal_column(f"'{{name,value,{part}}}'")))
    return func.lower(func.json_extract(table.c.golden, literal_column(f"'$.name.value.{part}'")))


def _begins(part: ColumnElement[str], word: str, dialect: str) -> ColumnElement[bool]:
    if dialect == "postgresql":
        return part.startswith(word, autoescape=True)
    # SQLite's LIKE ignores case and therefore ordinary indexes; a range does not.
    return and_(part >= word, part < word + _HIGHEST)
