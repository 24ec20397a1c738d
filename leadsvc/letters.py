"""Deliveries that need a person, as commands, API and pages show them and send them again: the shapes, and what whoever
works on them offers (the composition root puts it together)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Letter:
    """A delivery that did not go out; ``since`` is when it was tried last, ``words`` what the destination said,
    ``hint`` what to do about it, in plain words."""

    id: UUID
    destination: str
    card_key: str
    kind: str
    state: str
    cause: str
    since: datetime
    tries: int
    words: str
    hint: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Which letters are meant. All of them, narrowed by ``destination``, ``cause``, ``ids``, and by when they were
    tried last (``since`` and ``until`` belong to it); ``held`` takes what is held as well as what is dead."""

    destination: str = ""
    cause: str = ""
    since: datetime | None = None
    until: datetime | None = None
    held: bool = False
    ids: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True)
class LetterPage:
    """Letters in the order in which they were owed. ``counts``: (destination, cause, how many) of all there are, held
    ones only when they were asked for; ``after``: the cursor of the next page, ``None`` on the last one."""

    letters: Sequence[Letter]
    counts: Sequence[tuple[str, str, int]]
    after: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """One field of what would be sent: ``ours`` as the card has it, ``sent`` as it would leave, ``note`` why they
    differ; ``wrong``: the destination would refuse it."""

    field: str
    ours: str
    sent: str
    note: str = ""
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class Editable:
    """A field that a person may give another value for one delivery. ``longest``: characters that the destination
    takes, ``choices``: the only values it takes; neither where it says nothing."""

    field: str
    value: str
    longest: int | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """A letter with what would be sent. ``troubles``: sentences on why it would not be taken, as far as that can be
    known before anybody is asked. ``shared``: a sentence on whose record it goes to, where a household shares one;
    else empty."""

    letter: Letter
    lines: Sequence[Line]
    fields: Sequence[Editable]
    troubles: Sequence[str]
    shared: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Letters that are sent again together, or would be. ``left``: how many more the filter means; ``troubles`` by id,
    looked up for the first ones of a dry run. ``asked_at``: what has died since is not among them."""

    letters: Sequence[Letter]
    left: int
    asked_at: datetime
    troubles: Mapping[UUID, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Released:
    """Corrections that the daily cap of an account kept back and that go out now, or would: ``count`` of them, the
    first as ``letters``. ``asked_at``: what was kept back since is not among them."""

    letters: Sequence[Letter]
    count: int
    asked_at: datetime


class Letters(Protocol):
    """Thread-safe. Whatever shows a renter's values or changes something leaves a row in the audit log."""

    def page(self, wanted: Filter, after: str | None = None, limit: int = 50) -> LetterPage:
        """The letters of a filter. :class:`Reject` for a cursor that is none."""
        ...

    def open(self, letter_id: UUID, actor: str, override: Mapping[str, str] | None = None) -> Opened:
        """One letter, with what would be sent if ``override`` went out with it. Asks nobody and changes nothing.
        :class:`NotFound` when it needs nobody (any more), :class:`Reject` when the override cannot be sent."""
        ...

    def replay(
        self, letter_id: UUID, actor: str, override: Mapping[str, str] | None = None, *, not_there: bool = False
    ) -> None:
        """Send one letter again, with ``override`` in place of the card's values. ``not_there``: a person looked, and
        no earlier attempt has written it. Errors as those of :meth:`open`."""
        ...

    def replay_all(self, wanted: Filter, actor: str, *, dry_run: bool = False) -> Batch:
        """Send what a filter means again, a thousand at most; ``dry_run`` says what that would be."""
        ...

    def release(
        self, destination: str, actor: str, *, until: datetime | None = None, dry_run: bool = False
    ) -> Released:
        """Let the corrections out that an account's daily cap keeps back, as far as ``until``; they are not counted
        again. :class:`NotFound` for an account that is not configured."""
        ...

    def cancel(self, letter_id: UUID, actor: str) -> None:
        """Give one up; what comes after it on the card goes on."""
        ...
