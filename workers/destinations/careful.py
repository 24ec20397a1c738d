"""Writing to vendors whose answers prove little: look first, write, and look again whenever a doubt is left.

:class:`Careful` is that walk, the same for every vendor; an adapter adds the vendor's primitive calls and overrides
where the vendor is odd. What may change in a remote record is decided in :mod:`~leadsvc.workers.destinations.filling`,
what an answer came to in :mod:`~leadsvc.workers.destinations.presence`. The walk is read as one piece, so it stands in
one file.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from leadsvc.workers.destinations.base import (
    PERSON_FIELDS,
    CardAt,
    CardKind,
    CardPush,
    ConfigKind,
    ConfigPage,
    EventPush,
    NativeKey,
    Outcome,
    OutcomePage,
    Query,
    RemoteCard,
    Result,
    TaskPush,
)
from leadsvc.workers.destinations.entries import Entry
from leadsvc.workers.destinations.filling import (
    Outgoing,
    Values,
    as_text,
    fill,
    outgoing,
    outgoing_source,
    with_fallbacks,
)
from leadsvc.workers.destinations.line import Line
from leadsvc.workers.destinations.presence import beside, confirmed, doubtful, holds

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_NOT_EDITABLE = (CardKind.RESIDENT, CardKind.FORMER)

UNPROVEN = Result(
    outcome=Outcome.RETRY,
    code="presence_unknown",
    verify_first=True,
    verified=False,
    message="An earlier attempt may have written it and the vendor cannot be asked; a person must look there.",
)
LOST_MERGE = Result(
    outcome=Outcome.REJECT,
    code="merged",
    message="The guest card was merged into one that cannot be read; a person must say where it went.",
)
NOT_SHAREABLE = Result(
    outcome=Outcome.REJECT,
    code="not_shareable",
    message="The record there is gone, closed or a resident's, and takes nobody more.",
)
TASK_IS_OURS = Result(
    outcome=Outcome.ACCEPTED, code="task_is_ours", message="The vendor has no tasks: the follow-up is here alone."
)


class Careful(Line, ABC):
    """One account at a vendor that can be asked; its primitives may be called from several threads."""

    # -- what a vendor's module adds ----------------------------------------------------------------------------------

    @abstractmethod
    def check(self) -> Result:
        """See :class:`Destination`."""

    @abstractmethod
    def pull_config(self, kind: ConfigKind, cursor: str = "") -> tuple[Result, ConfigPage]:
        """See :class:`Destination`; an empty page for a kind that the vendor does not have."""

    @abstractmethod
    def pull_outcomes(self, since: datetime, cursor: str = "") -> tuple[Result, OutcomePage]:
        """See :class:`Destination`."""

    @abstractmethod
    def get_card(self, at: CardAt) -> tuple[Result, RemoteCard | None]:
        """See :class:`Destination`."""

    @abstractmethod
    def _search(self, by: str, value: str, property_ref: str) -> tuple[Result, tuple[RemoteCard, ...]]:
        """Cards whose ``by`` (one of ``find_by`` but ``remote_id``) is ``value``; merged ones may be among them."""

    @abstractmethod
    def _create(self, card: CardPush, values: Values) -> Result:
        """Write a new record of ``values`` that carries ``card.our_key``."""

    @abstractmethod
    def _change(self, card: CardPush, known: RemoteCard, changes: Values, claim: str) -> Result:
        """Write ``changes`` over ``known``; a ``claim`` is our key, for a record that carries none."""

    @abstractmethod
    def _entries(self, at: CardAt, what: str, key: str) -> tuple[Result, tuple[Entry, ...]]:
        """What hangs on a card: ``what`` is ``event`` or ``task``; only what carries our ``key`` is needed."""

    @abstractmethod
    def _write_event(self, at: CardAt, event: EventPush, source: str) -> Result:
        """Append to the history. ``source``: the account's own name for it, or the empty string."""

    def _write_task(self, at: CardAt, task: TaskPush, there: Entry | None) -> Result:
        """Make the task or appointment, or move the one that is ``there``."""
        raise NotImplementedError(f"{type(self).__name__} says it has tasks")

    def _add_person(self, card: CardPush, known: RemoteCard, values: Values) -> Result:
        """Write one more person (``values``, the fields of a person) onto ``known``, with ``card.our_key``."""
        raise NotImplementedError(f"{type(self).__name__} says it has co-prospects")

    def _merge(self, loser: CardAt, survivor: CardAt) -> Result:
        """Let the survivor stand for both."""
        raise NotImplementedError(f"{type(self).__name__} says it can merge")

    def _unmerge(self, at: CardAt) -> Result:
        """Take a merged card out again."""
        raise NotImplementedError(f"{type(self).__name__} says it can merge")

    # -- finding ------------------------------------------------------------------------------------------------------

    def find_prospect(self, query: Query) -> tuple[Result, tuple[RemoteCard, ...]]:
        result = Result(outcome=Outcome.ACCEPTED, empty=True)
        for result, cards in self._by_id(query):
            if cards or not result.ok:
                return result, cards
        found: dict[str, RemoteCard] = {}
        for by, value in (("email", query.email), ("phone", query.phone)):
            if value and self._may_ask_by(by):
                result, cards = self._search(by, value, query.property_ref)
                if not result.ok:
                    return result, ()
                found |= {card.card_id: card for card in cards if not card.merged_into}
        newest_first = sorted(found.values(), key=lambda card: card.updated_at or _LONG_AGO, reverse=True)
        return replace(result, empty=not found), tuple(newest_first)

    def _by_id(self, query: Query) -> Iterator[tuple[Result, tuple[RemoteCard, ...]]]:
        """What our key finds, then what the vendor's id finds; a card merged away is answered by its survivor."""
        if query.our_key and "our_key" in self.CAPABILITIES.find_by:
            result, cards = self._search("our_key", query.our_key, query.property_ref)
            yield self._living(result, tuple(card for card in cards if card.our_key == query.our_key))
        if query.remote_id:
            beside = {"email": query.email, "phone": query.phone}
            result, card = self.get_card(CardAt(card_id=query.remote_id, property_ref=query.property_ref, **beside))
            yield self._living(result, (card,) if card else ())

    def _living(self, result: Result, cards: tuple[RemoteCard, ...]) -> tuple[Result, tuple[RemoteCard, ...]]:
        alive = {card.card_id: card for card in cards if not card.merged_into}
        for card in cards:
            if card.merged_into and result.ok:
                result, survivor = self._survivor(card)
                alive |= {survivor.card_id: survivor} if survivor else {}
        return replace(result, empty=not alive), tuple(alive.values()) if result.ok else ()

    def _survivor(self, card: RemoteCard) -> tuple[Result, RemoteCard | None]:
        """Follow merges to the card that lives. Without a card, the result says why and is not ``ok``."""
        found: RemoteCard | None = card
        result = Result(outcome=Outcome.ACCEPTED)
        seen = {card.card_id}
        while found and found.merged_into and found.merged_into not in seen:
            seen.add(found.merged_into)
            result, found = self.get_card(CardAt(card_id=found.merged_into, property_ref=card.property_ref))
        if found is not None and not found.merged_into:
            return result, found
        return (LOST_MERGE if result.ok else result), None

    def _ours(self, card: CardPush) -> tuple[Result, RemoteCard | None]:
        """The record that carries our key, of several the same one each time; where the key cannot be searched, it is
        looked for among the records with the renter's address or number."""
        query = Query(our_key=card.our_key, property_ref=card.property_ref, email=card.email, phone=card.phone)
        if "our_key" in self.CAPABILITIES.find_by:
            query = replace(query, email="", phone="")
        result, cards = self.find_prospect(query)
        if "our_key" not in self.CAPABILITIES.find_by:
            cards = tuple(one for one in cards if one.our_key == card.our_key)
        return replace(result, empty=result.ok and not cards), min(cards, key=lambda one: one.card_id, default=None)

    def _can_look(self, card: CardPush) -> bool:
        """Whether a record of this card, had it been written, would be found."""
        by = self.CAPABILITIES.find_by
        return "our_key" in by or any(self._may_ask_by(name) and getattr(card, name) for name in ("email", "phone"))

    def _may_ask_by(self, name: str) -> bool:
        """Whether the vendor can search by a field, and the account may be told it."""
        return name in self.CAPABILITIES.find_by and name in self._profile.allowed_fields

    # -- the prospect -------------------------------------------------------------------------------------------------

    def put_prospect(self, card: CardPush, known: RemoteCard | None) -> Result:
        if known is None:
            result, known = self._ours(card)
            if not result.ok:
                return result
        elif known.merged_into:
            result, known = self._survivor(known)
            if known is None:
                return result
        sent = outgoing(card, self._profile, self.CAPABILITIES)
        return self._made(card, sent) if known is None else self._updated(card, sent, known)

    def _made(self, card: CardPush, sent: Outgoing) -> Result:
        repeatable = self.CAPABILITIES.native_key is not NativeKey.NONE
        if card.unsure and not repeatable and not self._can_look(card):
            return UNPROVEN
        result = self._create(card, sent.values)
        other = with_fallbacks(sent, result.field_errors, self._profile)
        if other is not None:
            return self._made(card, other)
        result = replace(result, fallbacks=sent.fallbacks)
        if not self._to_be_read(result):
            return replace(result, written=as_text(sent.values)) if result.ok else result
        return self._seen(card, result, sent.values)

    def _seen(self, card: CardPush, result: Result, values: Values) -> Result:
        """What creating came to, after a look."""
        if result.ok and result.card_id:
            looked, there = self.get_card(self._at(card, result.card_id))
        else:
            looked, there = self._ours(card)
        looked = read(looked, there) if there else looked
        return confirmed(replace(result, written=as_text(values)), looked, there is not None)

    def _at(self, card: CardPush, card_id: str) -> CardAt:
        beside = {"our_key": card.our_key, "email": card.email, "phone": card.phone}
        return CardAt(card_id=card_id, property_ref=card.property_ref, **beside)

    def _updated(self, card: CardPush, sent: Outgoing, known: RemoteCard, again: bool = True) -> Result:
        changes, kept = fill(sent, known, card, self._profile, self.CAPABILITIES.fixed)
        done = read(Result(outcome=Outcome.DUPLICATE, kept=kept, fallbacks=sent.fallbacks), known)
        if known.status in _NOT_EDITABLE:
            return replace(done, code="not_editable", kept=tuple(sorted({*kept, *changes})))
        # A record without a key of anybody's becomes ours; another key is another guest card's, and stays.
        claim = "" if known.our_key else card.our_key
        if not changes and not claim:
            return done
        result = self._written(card, known, changes, claim)
        other = with_fallbacks(sent, result.field_errors, self._profile)
        if other is not None:
            return self._updated(card, other, known, again)
        if result.code == "version_conflict" and again:
            looked, fresh = self.get_card(self._at(card, known.card_id))
            return self._updated(card, sent, fresh, again=False) if fresh and not fresh.merged_into else looked
        return replace(result, kept=tuple(sorted({*kept, *result.kept})), fallbacks=sent.fallbacks)

    def _written(self, card: CardPush, known: RemoteCard, changes: Values, claim: str) -> Result:
        """Write ``changes`` over ``known`` and see that they are there."""
        result = self._change(card, known, changes, claim)
        if result.code == "not_editable":
            # Somebody closed it meanwhile: it is linked, and what is there stays.
            done = read(replace(result, outcome=Outcome.DUPLICATE, verified=True), known)
            return replace(done, kept=tuple(changes))
        written = {name: value for name, value in changes.items() if name not in result.kept}
        result = replace(result, card_id=known.card_id)
        if result.code == "version_conflict" or not self._to_be_read(result):
            return replace(result, written=as_text(written)) if result.ok else result
        looked, fresh = self.get_card(self._at(card, known.card_id))
        there = fresh is not None and holds(fresh, written) and (not claim or bool(fresh.our_key))
        return confirmed(replace(result, written=as_text(written)), looked, there)

    def _to_be_read(self, result: Result) -> bool:
        return doubtful(result) or (result.ok and self._profile.read_back)

    def _owing(self, result: Result) -> Result:
        """``result`` with a look owed, where the account reads back and the vendor's good word proves nothing."""
        return replace(result, verified=False) if result.ok and self._profile.read_back else result

    # -- who stands beside the first ----------------------------------------------------------------------------------

    def add_co_prospect(self, at: CardAt, card: CardPush) -> Result:
        looked, known = self.get_card(at)
        if known is not None and known.merged_into:
            looked, known = self._survivor(known)
        if known is None:
            return replace(NOT_SHAREABLE, card_id=at.card_id) if looked.ok else looked
        sent = outgoing(card, self._profile, self.CAPABILITIES).values
        values = {name: sent[name] for name in PERSON_FIELDS if name in sent}
        if (there := beside(known, card.our_key, values)) is not None:
            return replace(read(Result(outcome=Outcome.DUPLICATE), known), person_id=there.person_id)
        if known.status in (*_NOT_EDITABLE, CardKind.CLOSED):
            return replace(NOT_SHAREABLE, card_id=known.card_id)
        result = self._add_person(card, known, values)
        if result.code == "not_editable":
            return replace(NOT_SHAREABLE, card_id=known.card_id)
        result = replace(result, card_id=known.card_id)
        if not self._to_be_read(result):
            return replace(result, written=as_text(values)) if result.ok else result
        looked, now = self.get_card(replace(at, card_id=known.card_id))
        there = beside(now, card.our_key, values) if now is not None else None
        looked = replace(looked, card_id=known.card_id, person_id=there.person_id if there is not None else "")
        return confirmed(replace(result, written=as_text(values)), looked, there is not None)

    # -- history ------------------------------------------------------------------------------------------------------

    def find_event(self, at: CardAt, our_event_key: str) -> Result:
        result, found = self._hanging(at, "event", our_event_key)
        return replace(result, event_id=found.entry_id if found else "")

    def add_event(self, at: CardAt, event: EventPush) -> Result:
        there = _first_time(self.find_event(at, event.our_event_key), event.unsure)
        if not there.ok:
            return there
        if not there.empty:
            return replace(there, outcome=Outcome.DUPLICATE)
        source = outgoing_source(event, self._profile)
        result = self._write_event(at, event, source.name)
        if doubtful(result):
            looked = self.find_event(at, event.our_event_key)
            result = confirmed(result, looked, looked.ok and not looked.empty)
        return replace(result, fallbacks=tuple({*result.fallbacks, "source_name"})) if source.fallen else result

    def find_task(self, at: CardAt, our_task_key: str) -> Result:
        result, found = self._hanging(at, self._task_kind, our_task_key)
        return replace(result, task_id=found.entry_id if found else "")

    @property
    def _task_kind(self) -> str:
        can = self.CAPABILITIES
        return "task" if can.has_task or can.has_appointment else "event"

    def put_task(self, at: CardAt, task: TaskPush) -> Result:
        """The follow-up as what the vendor has: a task, an appointment, a note in the history, or nothing."""
        can = self.CAPABILITIES
        if not (can.has_task or can.has_appointment):
            return self._as_note(at, task) if can.has_event else replace(TASK_IS_OURS, card_id=at.card_id)
        there, found = self._hanging(at, "task", task.our_task_key)
        there = _first_time(there, task.unsure)
        if not there.ok:
            return there
        if found is not None and (not found.open or self._says(found, task)):
            # A task that somebody closed there is done; opening it again would be work for nobody.
            return replace(there, outcome=Outcome.DUPLICATE, task_id=found.entry_id)
        result = self._task_written(at, task, found)
        return result if can.has_task or not result.ok else replace(result, code="task_as_appointment")

    def _task_written(self, at: CardAt, task: TaskPush, found: Entry | None) -> Result:
        result = self._write_task(at, task, found)
        if "assignee_ref" in result.field_errors and task.assignee_ref:
            spare = self._profile.fallback_agent
            again = self._task_written(
                at, replace(task, assignee_ref=spare if spare != task.assignee_ref else ""), found
            )
            return replace(again, fallbacks=("assignee_ref",))
        if not doubtful(result):
            return result
        looked, now = self._hanging(at, "task", task.our_task_key)
        looked = replace(looked, task_id=now.entry_id if now else "")
        return confirmed(result, looked, now is not None and self._says(now, task))

    def _as_note(self, at: CardAt, task: TaskPush) -> Result:
        words = f"To do by {task.due_at:%Y-%m-%d %H:%M} UTC: {task.title}"
        text = "\n".join(filter(None, (words, task.text)))
        note = EventPush(our_event_key=task.our_task_key, kind="note", at=task.due_at, text=text, unsure=task.unsure)
        result = self.add_event(at, replace(note, agent_ref=task.assignee_ref, time_zone=task.time_zone))
        return replace(result, task_id=result.event_id, code="task_as_note") if result.ok else result

    def _says(self, there: Entry, task: TaskPush) -> bool:
        """Whether an open task there says what ``task`` says, so that nothing need be written."""
        ours = self._task_says(task)
        return all((there.says.get(name) or "") == (value or "") for name, value in ours.items())

    def _task_says(self, task: TaskPush) -> Mapping[str, object]:
        """What of a task could be changed, as :attr:`Entry.says` has it."""
        raise NotImplementedError(f"{type(self).__name__} says it has tasks")

    def _hanging(self, at: CardAt, what: str, key: str) -> tuple[Result, Entry | None]:
        """The first event or task of a card that carries our key."""
        result, entries = self._entries(at, what, key)
        found = [each for each in entries if each.carries(key)] if result.ok else []
        return replace(result, empty=result.ok and not found, card_id=at.card_id), found[0] if found else None

    # -- merging ------------------------------------------------------------------------------------------------------

    def merge_cards(self, loser: CardAt, survivor: CardAt) -> Result:
        return self._stands(self._merge(loser, survivor), loser, survivor.card_id)

    def unmerge_card(self, at: CardAt) -> Result:
        return self._stands(self._unmerge(at), at, "")

    def _stands(self, result: Result, at: CardAt, into: str) -> Result:
        """Merging is rare and hard to mend: where the card stands is read, also after a good answer."""
        if not (doubtful(result) or result.outcome is Outcome.ACCEPTED):
            return result
        looked, card = self.get_card(at)
        return confirmed(result, looked, card is not None and card.merged_into == into)


def _first_time(looked: Result, unsure: bool) -> Result:
    """Where the vendor cannot be asked, what was never tried is not there: only what an earlier attempt may have left
    has to be seen before it is written."""
    nothing = replace(looked, outcome=Outcome.ACCEPTED, empty=True, code="", message="", verify_first=False)
    return nothing if looked.code == UNPROVEN.code and not unsure else looked


def read(result: Result, card: RemoteCard) -> Result:
    """``result`` with the ids and version of the card that was read."""
    return replace(result, card_id=card.card_id, person_id=card.person_id, version=card.version)
