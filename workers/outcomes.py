"""What became of cards at a destination, read back: tours, applications, leases, and that somebody was called at all.

The PMS's activity is activity of ours: it moves the stage, keeps the inquiry cycle open and closes the first task.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection, delete, exists, func, select, update

from leadsvc.faults import Commit
from leadsvc.ids import digest_uuid, uuid7
from leadsvc.logs import logger
from leadsvc.pipeline.adopting import Record, whose_card
from leadsvc.pipeline.intake import Intake
from leadsvc.pipeline.stages import write_outcome
from leadsvc.pipeline.sync import keep
from leadsvc.store.tables import destinations, exceptions, guest_cards, remote_refs, stray_outcomes
from leadsvc.workers.deliver import Deliverer
from leadsvc.workers.destinations.base import CardAt, Outcome, OutcomeKind, RemoteCard, RemoteOutcome
from leadsvc.workers.destinations.verdicts import plain
from leadsvc.workers.results import pause

log = logger("outcomes")

_BACK = timedelta(days=30)
"""How far the first reading of an account goes back."""

_PATIENCE = timedelta(days=90)
"""How long an outcome waits for a card that is none of ours: the push that makes it ours may be held."""

_ASK_AGAIN = timedelta(days=7)
_ASKED = 20
"""At most so many records are asked for at once, and each again after a week."""

_PAGES = 20
"""At most so many pages at once; the rest is read next time."""


class OutcomeReader:
    """Reads each account once in ``settings.outcomes_s``, whatever the number of processes."""

    def __init__(self, intake: Intake, deliverer: Deliverer, clock: Callable[[], datetime]) -> None:
        self.intake = intake
        self.store = intake.store
        self.settings = intake.settings
        self.deliverer = deliverer
        self.clock = clock
        self.every = timedelta(seconds=intake.settings.outcomes_s)

    def round(self) -> int:
        """Read every account that is due; returns how many outcomes were new to us."""
        return sum(self._read(name) for name in self._due())

    def read_if_due(self, name: str) -> int:
        """Read one account when it is due; returns how many outcomes were new to us."""
        return self._read(name) if name in self._due() else 0

    def _due(self) -> list[str]:
        now = self.clock()
        well = (destinations.c.state == "active") & (
            destinations.c.open_until.is_(None) | (destinations.c.open_until <= now)
        )
        due = destinations.c.outcomes_at.is_(None) | (destinations.c.outcomes_at <= now - self.every)
        with self.store.read() as connection:
            names = connection.execute(select(destinations.c.name).where(well, due)).scalars().all()
        return [name for name in names if name in self.settings.accounts]

    def _read(self, name: str) -> int:
        cursor = self._claim(name)
        if cursor is None:
            return 0
        new = 0
        for _ in range(_PAGES):
            result, page = self.deliverer.destination(name).pull_outcomes(self.clock() - _BACK, cursor)
            if not result.ok:
                log.warning("outcomes_not_read", destination=name, code=result.code or result.outcome.value)
                if result.outcome is Outcome.AUTH:
                    with self.store.write(Commit.OUTCOMES) as connection:
                        pause(connection, name, result.message, self.clock())
                break
            if page.cursor != cursor or page.items:
                with self.store.write(Commit.OUTCOMES) as connection:
                    new += take(connection, name, page.items, self.clock())
                    read = update(destinations).where(destinations.c.name == name).values(outcomes_cursor=page.cursor)
                    connection.execute(read)
                cursor = page.cursor
            if not page.more:
                break
        return new + self._strays(name)

    def _strays(self, name: str) -> int:
        """What waited for cards that are ours by now; and whose the others are, by what their records say."""
        now = self.clock()
        with self.store.write(Commit.OUTCOMES) as connection:
            new = claim_strays(connection, name, now)
            asked = asked_for(connection, name, now)
        for card_id in asked:
            result, card = self.deliverer.destination(name).get_card(CardAt(card_id=card_id))
            # A vendor that cannot be asked by id alone refuses; the others must not wait for that one.
            if not result.ok and result.outcome is not Outcome.REJECT:
                break
            with self.store.write(Commit.OUTCOMES) as connection:
                note_asked(connection, name, card_id, now)
                if card is not None and self._adopted(connection, name, card, now):
                    new += claim_strays(connection, name, now)
        return new

    def _adopted(self, connection: Connection, name: str, card: RemoteCard, now: datetime) -> bool:
        """Whether the record is that of a card of ours; then it is remembered as such, beside the one we made."""
        waiting = select(func.min(stray_outcomes.c.at)).where(
            stray_outcomes.c.destination == name, stray_outcomes.c.card_id == card.card_id
        )
        at = connection.execute(waiting).scalar_one() or now
        names = card.fields.get("first_name", ""), card.fields.get("last_name", "")
        record = Record(
            *(names if any(names) else card.name.partition(" ")[::2]),
            email=next(iter(card.emails), ""),
            phone=next(iter(card.phones), ""),
            property_ref=card.property_ref,
            at=at,
        )
        ours = whose_card(connection, self.intake, record, now)
        if ours is None:
            return False
        row = {"destination": name, "kind": "card", "entity_id": ours, "remote_id": card.card_id, "at": now}
        keep(connection, remote_refs, row | {"live": False, "source": card.source})
        return True

    def _claim(self, name: str) -> str | None:
        """Where to go on, for the one process that reads now."""
        now = self.clock()
        due = destinations.c.outcomes_at.is_(None) | (destinations.c.outcomes_at <= now - self.every)
        mine = update(destinations).where(destinations.c.name == name, due).values(outcomes_at=now)
        with self.store.write(Commit.OUTCOMES) as connection:
            cursor: str | None = connection.execute(mine.returning(destinations.c.outcomes_cursor)).scalar()
        return cursor


def take(connection: Connection, destination: str, items: Sequence[RemoteOutcome], now: datetime) -> int:
    """Write down what happened to cards of ours; what is known already changes nothing. Returns how many were written.

    Where a household shares a card, what is told of it is of the card that made it, or of the one that the vendor names
    by our key; that somebody was reached is said of all, as one follow-up serves them. What happened before the card's
    first inquiry (to an earlier cycle) is passed over. What happened to a card that is
    none of ours waits until it is (:data:`_PATIENCE`); a word of the vendor that no table knows is told to a person.
    """
    cards = _cards(connection, destination, items)
    written = 0
    for item in items:
        if item.kind is OutcomeKind.OTHER:
            _tell_of_word(connection, destination, item.raw_status, now)
            continue
        found = cards.get(item.card_id) or cards.get(item.our_key)
        if found is None:
            _put_aside(connection, destination, item, now)
            continue
        said = partial(write_outcome, origin=destination, detail=item.reason, actor=destination, now=now)
        for card_id, opened_at in _whose(item, found, cards.get(item.our_key, ())):
            if item.at >= opened_at:
                written += said(connection, card_id, item.kind.value, item.at)
    return written


_Cards = tuple[tuple[uuid.UUID, datetime], ...]


def _whose(item: RemoteOutcome, there: _Cards, named: _Cards) -> _Cards:
    """Of the cards on a record, those that an outcome is told of."""
    if item.kind is OutcomeKind.CONTACTED:
        return there
    return tuple(each for each in there if each in named) or there[:1]


def _cards(connection: Connection, destination: str, items: Iterable[RemoteOutcome]) -> Mapping[str, _Cards]:
    """Remote card, and our key, -> the guest cards (root ones) that it is, and when those were opened. The first one
    made it; others are of people who share it."""
    root = guest_cards.alias("root")
    mine = (remote_refs.c.destination == destination) & (remote_refs.c.kind == "card")
    by_id = (
        select(remote_refs.c.remote_id.label("there"), root.c.id, root.c.opened_at, remote_refs.c.shared)
        .join(guest_cards, guest_cards.c.id == remote_refs.c.entity_id)
        .join(root, root.c.id == guest_cards.c.root_id)
        .where(mine, remote_refs.c.remote_id.in_({each.card_id for each in items}))
        .where(remote_refs.c.live | ~remote_refs.c.shared)
        .order_by(remote_refs.c.shared, remote_refs.c.live.desc(), remote_refs.c.at)
    )
    by_key = (
        select(guest_cards.c.key.label("there"), root.c.id, root.c.opened_at)
        .join(root, root.c.id == guest_cards.c.root_id)
        .where(guest_cards.c.key.in_({each.our_key for each in items if each.our_key}))
    )
    found: dict[str, _Cards] = {row.there: ((row.id, row.opened_at),) for row in connection.execute(by_key)}
    for row in connection.execute(by_id):
        already = found.get(row.there, ())
        if not already or row.shared:
            found[row.there] = tuple(dict.fromkeys((*already, (row.id, row.opened_at))))
    return found


# -- what happened to cards that are none of ours yet -----------------------------------------------------------------


def _put_aside(connection: Connection, destination: str, item: RemoteOutcome, now: datetime) -> None:
    row = {"destination": destination, "card_id": item.card_id, "kind": item.kind.value, "at": item.at}
    keep(connection, stray_outcomes, row | {"reason": item.reason, "person_id": item.person_id, "seen_at": now})


def claim_strays(connection: Connection, destination: str, now: datetime) -> int:
    """Write down what waited for cards that are ours by now, forget what waited too long; returns how many were."""
    mine = stray_outcomes.c.destination == destination
    connection.execute(delete(stray_outcomes).where(mine, stray_outcomes.c.seen_at < now - _PATIENCE))
    ours = (
        (remote_refs.c.destination == destination)
        & (remote_refs.c.kind == "card")
        & (remote_refs.c.remote_id == stray_outcomes.c.card_id)
    )
    rows = connection.execute(select(stray_outcomes).where(mine, exists().where(ours))).all()
    for row in rows:
        same = mine & (stray_outcomes.c.card_id == row.card_id) & (stray_outcomes.c.kind == row.kind)
        connection.execute(delete(stray_outcomes).where(same, stray_outcomes.c.at == row.at))
    told = [
        RemoteOutcome(
            card_id=row.card_id,
            kind=OutcomeKind(row.kind),
            at=row.at,
            raw_status=row.kind,
            reason=row.reason,
            person_id=row.person_id,
        )
        for row in rows
    ]
    return take(connection, destination, told, now) if told else 0


def asked_for(connection: Connection, destination: str, now: datetime) -> list[str]:
    """Cards of which something waits, and of which it was not asked lately whose they are."""
    late = stray_outcomes.c.asked_at.is_(None) | (stray_outcomes.c.asked_at <= now - _ASK_AGAIN)
    mine = (stray_outcomes.c.destination == destination) & late
    oldest = func.min(stray_outcomes.c.seen_at)
    wanted = select(stray_outcomes.c.card_id).where(mine).group_by(stray_outcomes.c.card_id).order_by(oldest)
    return list(connection.execute(wanted.limit(_ASKED)).scalars())


def note_asked(connection: Connection, destination: str, card_id: str, now: datetime) -> None:
    """It was asked whose that card is."""
    mine = (stray_outcomes.c.destination == destination) & (stray_outcomes.c.card_id == card_id)
    connection.execute(update(stray_outcomes).where(mine).values(asked_at=now))


def _tell_of_word(connection: Connection, destination: str, word: str, now: datetime) -> None:
    """A status that is in no list is shown to a person once, until somebody resolves it."""
    subject = digest_uuid("status", destination, word)
    asked = select(exceptions.c.id).where(exceptions.c.subject_id == subject, exceptions.c.cause == "unknown_status")
    if connection.execute(asked).first() is None:
        detail = f"{destination} reports {plain(word)!r}, which no table knows: what it says of cards is not counted."
        about = {"subject_kind": f"configuration of {destination}", "subject_id": subject}
        row = about | {"id": uuid7(), "kind": "account", "cause": "unknown_status", "detail": detail}
        connection.execute(exceptions.insert().values(**row, opened_at=now))
