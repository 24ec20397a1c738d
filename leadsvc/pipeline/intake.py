"""The second commit: a stored receipt becomes inquiries, guest cards and deliveries, or the class of what it is.

:meth:`Intake.process` may be called any number of times by any number of processes for one receipt: the receipt's state
is changed by a conditional update in the same transaction, so exactly one of them has an effect.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from leadsvc.config import Account, Feed, Settings
from leadsvc.errors import Conflict, LeadsvcError, NotFound
from leadsvc.faults import Commit
from leadsvc.fieldmap import MapSet
from leadsvc.logs import logger
from leadsvc.model import Channel, Delivered, ItemError, Reading, ReceiptState, Verdict
from leadsvc.pipeline import answers
from leadsvc.pipeline.answers import Answer
from leadsvc.pipeline.deciding import to_meet
from leadsvc.pipeline.plan import Planner
from leadsvc.pipeline.rebuild import rebuild_prospects
from leadsvc.pipeline.seen import Context, Fate, Seen, see
from leadsvc.pipeline.trusting import judged
from leadsvc.reading import Ruling, read, ruled
from leadsvc.resolve.keys import keys
from leadsvc.resolve.model import Model
from leadsvc.store import Store
from leadsvc.store.bulk import Batch
from leadsvc.store.known import Known, Wanted, lock, look, meet, told_roots
from leadsvc.store.queries.fetches import fetch_row, revive
from leadsvc.store.queries.models import active_model, model_version
from leadsvc.store.queries.portfolio import Portfolio, load_portfolio, portfolio_version
from leadsvc.store.tables import exceptions, fates, fetches, receipts, rulings

log = logger("intake")

CANONICAL = "canonical"

# What a receipt says that was cut out of a file (no header of a sender begins with a colon): the import it belongs to,
# the field map it is to be read by, and before when a renter's act is history.
IMPORT, MAP, HISTORY = ":import", ":map", ":history"

Clock = Callable[[], datetime]
Nudge = Callable[[], None]

# A race is lost at most once per concurrent twin; anything beyond this is not a race.
_TRIES = 50
_LAST_RULING = select(rulings.c.verdict, rulings.c.entered).order_by(rulings.c.seq.desc()).limit(1)
_MESSAGE_ID = re.compile(rb"^message-id:[ \t\r\n]*<([^>\r\n]{1,250})>", re.IGNORECASE | re.MULTILINE)
_SWEEP_BATCH = 200


@dataclass(frozen=True, slots=True)
class StoredReceipt:
    """A receipt as processing needs it. ``ruling`` is what a person said that it is."""

    id: uuid.UUID
    feed: str
    channel: Channel
    content_type: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime
    state: ReceiptState = ReceiptState.PENDING
    answer: Mapping[str, Any] | None = None
    ruling: Ruling | None = None
    trust: str = ""


class Intake:
    """Turns receipts into what follows from them. Thread-safe."""

    def __init__(self, store: Store, maps: MapSet, settings: Settings, clock: Clock, nudge: Nudge) -> None:
        self.store = store
        self.maps = maps
        self.settings = settings
        self.clock = clock
        self.nudge = nudge
        self._portfolio: Portfolio | None = None
        self._model: Model | None = None
        self._model_version = 0
        self._portfolio_checked = datetime.min.replace(tzinfo=UTC)
        self._portfolio_lock = threading.Lock()

    # -- the operator's properties ------------------------------------------------------------------------------------

    def portfolio(self) -> Portfolio:
        """The properties; looked at anew when another process has changed them (noticed within two seconds)."""
        with self._portfolio_lock:
            now = self.clock()
            if self._portfolio is None or abs(now - self._portfolio_checked) > timedelta(seconds=2):
                with self.store.read() as connection:
                    if self._portfolio is None or portfolio_version(connection) != self._portfolio.version:
                        self._portfolio = load_portfolio(connection)
                    version = model_version(connection)
                    if version != self._model_version:
                        self._model, self._model_version = active_model(connection), version
                self._portfolio_checked = now
            return self._portfolio

    def forget_portfolio(self) -> None:
        """Look at the store at the next use."""
        with self._portfolio_lock:
            self._portfolio = None

    def model(self) -> Model:
        """The weights in force; another process's change is noticed as for the properties."""
        self.portfolio()
        return self._model or Model.default()

    # -- processing ---------------------------------------------------------------------------------------------------

    def feed(self, name: str) -> Feed:
        """The configured feed, or one without a map of its own for what came by command."""
        return self.settings.feeds.get(name) or Feed(name=name)

    def process(self, receipt_id: uuid.UUID) -> Answer:
        """Process a receipt from its stored bytes and say what the sender is to be told."""
        return self.process_stored(self.load(receipt_id))

    def load(self, receipt_id: uuid.UUID) -> StoredReceipt:
        with self.store.read() as connection:
            row = connection.execute(select(receipts).where(receipts.c.id == receipt_id)).one_or_none()
            said = connection.execute(_LAST_RULING.where(rulings.c.receipt_id == receipt_id)).first()
        if row is None:
            raise NotFound(f"there is no receipt {receipt_id}")
        return StoredReceipt(
            row.id,
            row.feed,
            Channel(row.channel),
            row.content_type,
            row.headers,
            row.body,
            row.received_at,
            ReceiptState(row.state),
            row.answer,
            Ruling(said.verdict == "lead", said.entered) if said else None,
            row.trust,
        )

    def process_stored(self, receipt: StoredReceipt) -> Answer:
        """The same for a receipt that is in memory already."""
        if receipt.state is not ReceiptState.PENDING and receipt.answer is not None:
            return answers.stored(receipt.answer)
        reading = self.read(receipt)
        for _ in range(_TRIES):
            try:
                answer = self._write(receipt, reading)
            except Conflict:
                current = self.load(receipt.id)
                if current.state is not ReceiptState.PENDING and current.answer is not None:
                    return answers.stored(current.answer)
                continue
            if reading.leads or reading.pointers:
                self.nudge()
            return answer
        raise Conflict(f"receipt {receipt.id} could not be processed: the same rows keep changing")

    def read(self, receipt: StoredReceipt) -> Reading:
        """Parse, map and normalise; needs no store."""
        if receipt.ruling is not None:
            return ruled(self.delivered(receipt), self.maps, receipt.ruling)
        raw = receipt.body if _is_mail(receipt) else None
        reading = read(self.delivered(receipt), self.maps)
        return judged(reading, self.settings, self.feed(receipt.feed), receipt.headers, raw, receipt.trust)

    def delivered(self, receipt: StoredReceipt) -> Delivered:
        return Delivered(
            receipt.body,
            receipt.content_type,
            receipt.channel,
            receipt.received_at,
            receipt.headers,
            CANONICAL
            if self._is_canonical(receipt)
            else receipt.headers.get(MAP) or self.feed(receipt.feed).map or None,
        )

    def _is_canonical(self, receipt: StoredReceipt) -> bool:
        """Whether the sender undertook to send canonical JSON, and so is told what is wrong with it."""
        return receipt.headers.get(":path") == "/v1/leads" or self.feed(receipt.feed).map == CANONICAL

    def _write(self, receipt: StoredReceipt, reading: Reading) -> Answer:
        if reading.verdict is not Verdict.LEADS:
            return self._write_class(receipt, reading)
        context = self.context(receipt, reading.message_id)
        seen = [see(context, position, lead) for position, lead in zip(reading.positions, reading.leads, strict=True)]
        with self.store.write(Commit.INTAKE) as connection:
            return self.take(connection, receipt, reading, context, seen)[1]

    def take(
        self, connection: Connection, receipt: StoredReceipt, reading: Reading, context: Context, seen: list[Seen]
    ) -> tuple[list[Fate], Answer]:
        """Write all that follows from the leads of a stored receipt, in the transaction of ``connection``."""
        planner, found = self.plan(connection, context, seen)
        state = _state(found, reading.errors)
        answer = answers.for_leads(receipt, found, reading)
        _close(planner.work.batch, receipt, state, reading, answer)
        for error in reading.errors:
            planner.work.batch.insert(fates, _refused(receipt.id, error))
        planner.work.flush(connection)
        if planner.work.rebuild:
            roots = {planner.work.root(each) for each in planner.work.rebuild}
            own, many = context.portfolio.own_values, planner.shared
            rebuild_prospects(connection, roots, own, many)
        return found, answer

    def plan(self, connection: Connection, context: Context, seen: list[Seen]) -> tuple[Planner, list[Fate]]:
        """Lock, look up and decide; nothing is written yet."""
        lock(connection, (word for each in seen for word in each.words))
        times = [context.received_at]
        if context.history_before is not None:  # what it may repeat came when the renter wrote, not when it is read
            times += [each.occurred_at for each in seen]
        asked = wanted(context, seen, min(times), max(times))
        known = look(connection, asked) if seen else Known()
        meet(connection, known, concerned(known, context, seen), asked)
        planner = Planner(context, known, seen)
        found = [planner.plan(each) for each in seen]
        planner.finish()
        return planner, found

    def context(self, receipt: StoredReceipt, message_id: str = "") -> Context:
        head = re.split(rb"\r?\n\r?\n", receipt.body, maxsplit=1)[0] if _is_mail(receipt) else b""
        found = _MESSAGE_ID.search(head)
        return Context(
            receipt.id,
            receipt.feed,
            receipt.received_at,
            self.clock(),
            self.portfolio(),
            self.settings.policy,
            self.accounts,
            found.group(1).decode("utf-8", "replace") if found else message_id,
            _history_before(receipt.headers.get(HISTORY, "")),
            self.model(),
        )

    @property
    def accounts(self) -> Mapping[str, Account]:
        return self.settings.accounts

    def _write_class(self, receipt: StoredReceipt, reading: Reading) -> Answer:
        batch, answer = self.classed(receipt, reading)
        with self.store.write(Commit.INTAKE) as connection:
            batch.flush(connection)
            if reading.pointers:  # named again: what was given up is asked for once more
                revive(connection, receipt.feed, reading.pointers, self.clock())
        return answer

    def classed(self, receipt: StoredReceipt, reading: Reading) -> tuple[Batch, Answer]:
        """What is to be written about a stored receipt that holds no lead, and what its sender is told."""
        state = ReceiptState.NOT_LEAD
        if reading.verdict is Verdict.QUARANTINE:
            told = self._is_canonical(receipt) or IMPORT in receipt.headers
            state = ReceiptState.REJECTED if told else ReceiptState.QUARANTINED
        if state is not ReceiptState.REJECTED and reading.errors:
            # A native sender is told nothing it could mend; the whole receipt waits for a person.
            reading = replace(reading, errors=())
        answer = answers.for_class(receipt, reading, state)
        batch = Batch()
        _close(batch, receipt, state, reading, answer)
        for error in reading.errors:
            batch.insert(fates, _refused(receipt.id, error), keep=True)
        if state is ReceiptState.QUARANTINED:
            batch.insert(exceptions, _quarantine(receipt, reading, self.clock()), keep=True)
        for pointer in reading.pointers:
            named = fetch_row(receipt.feed, pointer.kind, pointer.ref, self.clock(), receipt.id)
            batch.insert(fetches, named, keep=True)
        return batch, answer

    # -- the sweep ----------------------------------------------------------------------------------------------------

    def sweep(self, *, all_pending: bool = False) -> int:
        """Process receipts that somebody recorded and did not live to process. Returns how many."""
        limit = self.clock() - timedelta(seconds=0 if all_pending else self.settings.left_behind_s)
        statement = (
            select(receipts.c.id)
            .where(receipts.c.state == "pending", receipts.c.received_at <= limit)
            .order_by(receipts.c.received_at)
            .limit(_SWEEP_BATCH)
        )
        with self.store.read() as connection:
            left = list(connection.execute(statement).scalars())
        done = 0
        for receipt_id in left:
            try:
                self.process(receipt_id)
                done += 1
            except LeadsvcError as error:
                log.warning("receipt_not_processed", receipt=str(receipt_id), reason=type(error).__name__)
        return done


def wanted(context: Context, seen: list[Seen], since: datetime, until: datetime) -> Wanted:
    """What the store is asked about these leads."""
    return Wanted(
        context.feed,
        {each.id for one in seen for each in one.identity.identifiers},
        {key for one in seen for key in keys(one.trace)},
        {one.external_id for one in seen if one.external_id},
        {one.content_key for one in seen},
        context.receipt_id,
        since,
        until,
    )


def concerned(known: Known, context: Context, seen: list[Seen]) -> set[uuid.UUID]:
    """The prospects that these leads may be of, or repeat an inquiry of."""
    roots = {root for value, roots in known.behind.items() if value not in known.shared for root in roots}
    roots |= told_roots(known)
    return roots | to_meet(known, [each.trace for each in seen], context.model, roots)


def _history_before(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _is_mail(receipt: StoredReceipt) -> bool:
    return receipt.channel is Channel.EMAIL or receipt.content_type.startswith("message/rfc822")


def _state(found: list[Fate], errors: tuple[ItemError, ...]) -> ReceiptState:
    if any(fate.status != "duplicate" for fate in found):
        return ReceiptState.PROCESSED
    return ReceiptState.DUPLICATE if found else ReceiptState.REJECTED


def _close(batch: Batch, receipt: StoredReceipt, state: ReceiptState, reading: Reading, answer: Answer) -> None:
    values = {
        "state": state.value,
        "cause": reading.cause,
        "detail": reading.detail,
        "map_id": reading.map_id,
        "map_version": reading.map_version,
        "trust": reading.trust,
        "trust_reason": reading.trust_reason,
        "leads_found": len(reading.leads) + len(reading.errors),
        "answer": answer.to_json(),
        "processed_at": datetime.now(UTC),
    }
    batch.update(receipts, {"id": receipt.id, "state": ReceiptState.PENDING.value}, values)


def _refused(receipt_id: uuid.UUID, error: ItemError) -> dict[str, Any]:
    return {
        "receipt_id": receipt_id,
        "position": error.index,
        "fate": "rejected",
        "inquiry_id": None,
        "reason": "; ".join(f"{pointer}: {', '.join(texts)}" for pointer, texts in error.errors.items())[:2000],
        "lead": {},
    }


def _quarantine(receipt: StoredReceipt, reading: Reading, now: datetime) -> dict[str, Any]:
    return {
        "id": uuid.uuid4(),
        "kind": "quarantined",
        "subject_kind": "receipt",
        "subject_id": receipt.id,
        "cause": reading.cause,
        "detail": reading.detail,
        "opened_at": now,
    }
