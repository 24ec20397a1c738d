"""Who stands on a ResMan prospect: our keys are not told again, so they stand as marks in its events. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from leadsvc.workers.destinations.base import Outcome, RemotePerson, Result
from leadsvc.workers.destinations.entries import mark
from leadsvc.workers.destinations.mits import TEXT_MAX, Companion, Prospect, one_line

_CARD = re.compile(r"Guest card \[ref ([^\]\s]+)\]")
_MATE = re.compile(r"Co-prospect (.*?) ?\[ref ([^\]\s]+)\]")

NOT_SEARCHABLE = Result(
    outcome=Outcome.REJECT,
    code="not_searchable",
    message="ResMan finds a person only by e-mail or phone, and neither is known here; a person must look there.",
)
EXISTS = Result(
    outcome=Outcome.RETRY,
    code="exists",
    verify_first=True,
    verified=False,
    message="Somebody with this address is there already; look again and adopt that record.",
)


def card_text(words: str, our_key: str) -> str:
    """The text of the event that carries the key of a guest card."""
    own_mark = f"Guest card {mark(our_key)}"
    return f"{one_line(words)[: TEXT_MAX - len(own_mark) - 1]} {own_mark}".strip()


def mate_text(values: Mapping[str, str | int], our_key: str) -> str:
    """The text of the event that says who was added, with the key of their card."""
    return f"Co-prospect {_name(values)} {mark(our_key)}"


def unmarked(text: str) -> str:
    """A text without the key of a guest card."""
    return _CARD.sub("", text)


def key(found: Prospect) -> str:
    """Our key of a person as the first event that carries one has it."""
    marks = (_CARD.search(event.text) for event in sorted(found.events, key=lambda one: one.at))
    return next((match[1] for match in marks if match), "")


def others(found: Prospect) -> tuple[RemotePerson, ...]:
    """The further people on a prospect, with our keys by the names that the events say."""
    marks = (_MATE.search(event.text) for event in found.events)
    keys = {match[1].casefold(): match[2] for match in marks if match}
    return tuple(_person(one, keys.get(_name(one.values).casefold(), "")) for one in found.others)


def _person(one: Companion, our_key: str) -> RemotePerson:
    fields = {name: str(value) for name, value in one.values.items()}
    return RemotePerson(person_id=one.id("PersonID"), our_key=our_key, fields=fields)


def _name(values: Mapping[str, str | int]) -> str:
    return " ".join(filter(None, (str(values.get(name) or "") for name in ("first_name", "last_name"))))
