"""What makes the queue a mere nudge: due rows, expired leases, holds whose cause is gone, circuits to probe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select, update

from leadsvc.config import Settings
from leadsvc.errors import Conflict
from leadsvc.faults import Commit
from leadsvc.ids import digest_uuid
from leadsvc.logs import logger
from leadsvc.outbox import CALL_BUDGET
from leadsvc.pipeline.intake import Intake
from leadsvc.pipeline.mending import Mender
from leadsvc.pipeline.settling import Settler
from leadsvc.store import Store
from leadsvc.store.tables import deliveries, destinations, exceptions
from leadsvc.watching import Watch
from leadsvc.workers.accounts import limits
from leadsvc.workers.claim import release_expired
from leadsvc.workers.deliver import Deliverer, calls_made
from leadsvc.workers.destinations.base import Outcome
from leadsvc.workers.outcomes import OutcomeReader
from leadsvc.workers.results import pause
from leadsvc.workers.schedule import CIRCUIT_AFTER, PROBE_SOON, circuit_pause
from leadsvc.workers.syncing import ConfigReader
from leadsvc.workers.throttle import book, configure

log = logger("sweep")


@dataclass(frozen=True, slots=True)
class Swept:
    """How many receipts were taken up, leases and holds released, accounts found well again, leads mended that waited
    for what a name means, inquiries gathered or looked at again as to who is who."""

    receipts: int
    leases: int
    holds: int
    accounts: int
    mended: int
    settled: int


class Sweep:
    """One round over everything that time alone sets moving. Any process may run it at any time."""

    def __init__(
        self, store: Store, settings: Settings, intake: Intake, deliverer: Deliverer, clock: Callable[[], datetime]
    ) -> None:
        self.store = store
        self.settings = settings
        self.intake = intake
        self.deliverer = deliverer
        self.clock = clock
        self.mender = Mender(intake)
        self.settler = Settler(intake)
        self.watch = Watch(store, settings, clock)
        self.outcomes = OutcomeReader(intake, deliverer, clock)
        self.configuration = ConfigReader(intake, deliverer, clock)

    def prepare(self) -> None:
        """Make sure that every configured account has its row and its limits."""
        with self.store.write(Commit.SWEEP) as connection:
            known = set(connection.execute(select(destinations.c.name)).scalars())
            missing = [{"name": name} for name in self.settings.accounts if name not in known]
            if missing:
                connection.execute(insert(destinations), missing)
            for name, account in self.settings.accounts.items():
                configure(connection, name, limits(account))

    def round(self) -> Swept:
        """Do all of it once."""
        swept = self.common()
        return replace(swept, accounts=sum(self.account(name) for name in self.settings.accounts))

    def account(self, name: str) -> bool:
        """What is to be asked of one account, whatever the time it takes to answer; whether it is well again."""
        if self.settings.accounts[name].quiet_until(self.clock()) is not None or self._rests(name):
            return False
        before = calls_made()
        well = self._to_be_probed(name) and self._probe(name)
        self._read_configuration(name)
        self._read_outcomes(name)
        if calls_made() > before:
            with self.store.write(Commit.SWEEP) as connection:
                book(connection, name, calls_made() - before, self.clock())
        return well

    def _rests(self, name: str) -> bool:
        mine = (destinations.c.name == name) & (destinations.c.not_before > self.clock())
        with self.store.read() as connection:
            return connection.execute(select(destinations.c.name).where(mine)).first() is not None

    def common(self) -> Swept:
        """What needs no account's answer, once."""
        taken_up = self.intake.sweep()
        try:
            with self.store.write(Commit.SWEEP) as connection:
                leases = release_expired(connection, self.clock())
                holds = self._release_holds(connection)
        except Conflict:
            leases = holds = 0
        self.watch.round_if_due()
        return Swept(taken_up, leases, holds, 0, self._mend(), self._settle())

    def _settle(self) -> int:
        try:
            done = self.settler.round()
        except Conflict:
            return 0
        return done.gathered + done.reopened

    def _mend(self) -> int:
        try:
            return self.mender.round()
        except Conflict:
            return 0  # leads keep coming to these very cards; the next round tries again

    def _read_configuration(self, name: str) -> None:
        try:
            self.configuration.read_if_due(name)
        except Conflict:
            log.info("configuration_later")

    def _read_outcomes(self, name: str) -> None:
        try:
            self.outcomes.read_if_due(name)
        except Conflict:
            log.info("outcomes_later")  # somebody writes to these very cards; what was not taken is read again

    def next_due(self) -> datetime | None:
        """When the next delivery falls due."""
        statement = select(func.min(deliveries.c.due_at)).where(deliveries.c.state.in_(("pending", "retry")))
        with self.store.read() as connection:
            return connection.execute(statement).scalar()

    def _release_holds(self, connection: Connection) -> int:
        """A card under review goes out as new when its time is over (SPEC §6), and so does what nobody compared."""
        timed = deliveries.c.cause.in_(("review", "unsure_reading", CALL_BUDGET))
        result = connection.execute(
            update(deliveries)
            .where(deliveries.c.state == "held", timed, deliveries.c.due_at <= self.clock())
            .values(state="pending", cause="")
        )
        return result.rowcount

    def _to_be_probed(self, name: str) -> bool:
        """Whether the account is to be asked if it is well again, by this process alone."""
        now = self.clock()
        mine = destinations.c.name == name
        over = (destinations.c.open_until <= now) & (destinations.c.state == "active")
        refused = (destinations.c.state == "paused") & (destinations.c.reason != "by hand")
        rested = destinations.c.open_until.is_(None) | (destinations.c.open_until <= now)
        ill = mine & (over | (refused & rested))
        with self.store.read() as connection:
            if connection.execute(select(destinations.c.name).where(ill)).first() is None:
                return False
        with self.store.write(Commit.SWEEP) as connection:
            answered_by = now + timedelta(seconds=self.settings.accounts[name].timeout_s) + PROBE_SOON
            taken = update(destinations).where(ill).values(open_until=answered_by)
            return connection.execute(taken).rowcount == 1

    def _probe(self, name: str) -> bool:
        """Ask the account for a sign of life, with a call that changes nothing. One delivery has to follow before it
        is trusted with all (:func:`throttle.half_open`)."""
        result = self.deliverer.destination(name).check()
        now = self.clock()
        with self.store.write(Commit.SWEEP) as connection:
            if result.outcome is Outcome.AUTH:
                pause(connection, name, result.message, now)
                return False
            if not result.ok:
                failures = connection.execute(
                    update(destinations)
                    .where(destinations.c.name == name)
                    .values(failures=destinations.c.failures + 1)
                    .returning(destinations.c.failures)
                ).scalar_one()
                rest = circuit_pause(max(failures, CIRCUIT_AFTER))
                if rest is not None:
                    later = update(destinations).where(destinations.c.name == name).values(open_until=now + rest)
                    connection.execute(later)
                return False
            self._resume(connection, name, now)
        log.info("destination_well_again", destination=name)
        return True

    def _resume(self, connection: Connection, name: str, now: datetime) -> None:
        """What was held for the account is due now. What is to be tried again keeps its time: the vendor may have
        named it, and a write may still be under way there."""
        well = {"state": "active", "reason": "", "open_until": None, "last_success_at": now}
        connection.execute(update(destinations).where(destinations.c.name == name).values(**well))
        mine = deliveries.c.destination == name
        held = (deliveries.c.state == "held") & (deliveries.c.cause == "paused_account")
        connection.execute(update(deliveries).where(mine, held).values(state="pending", cause="", due_at=now))
        solved = (exceptions.c.subject_id == digest_uuid("destination", name)) & exceptions.c.resolved_at.is_(None)
        closed = {"resolved_at": now, "resolved_by": "sweep", "resolution": "the account answers again"}
        connection.execute(update(exceptions).where(solved).values(**closed))
