"""What makes the queue a mere nudge: due rows, expired leases, holds whose cause is gone, circuits to probe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select, update

from leadsvc.config import Settings
from leadsvc.errors import Conflict
from leadsvc.faults import Commit
from leadsvc.ids import digest_uuid
from leadsvc.logs import logger
from leadsvc.pipeline.intake import Intake
from leadsvc.pipeline.mending import Mender
from leadsvc.pipeline.settling import Settler
from leadsvc.store import Store
from leadsvc.store.tables import deliveries, destinations, exceptions
from leadsvc.watching import Watch
from leadsvc.workers.claim import release_expired
from leadsvc.workers.deliver import Deliverer
from leadsvc.workers.destinations.base import Outcome
from leadsvc.workers.outcomes import OutcomeReader
from leadsvc.workers.results import pause
from leadsvc.workers.schedule import CIRCUIT_AFTER, circuit_pause

log = logger("sweep")

_PROBE_PAUSED = timedelta(seconds=60)


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
        self.outcomes = OutcomeReader(store, settings, deliverer, clock)

    def prepare(self) -> None:
        """Make sure that every configured account has its row."""
        with self.store.write(Commit.SWEEP) as connection:
            known = set(connection.execute(select(destinations.c.name)).scalars())
            missing = [{"name": name} for name in self.settings.accounts if name not in known]
            if missing:
                connection.execute(insert(destinations), missing)

    def round(self) -> Swept:
        """Do all of it once."""
        taken_up = self.intake.sweep()
        try:
            with self.store.write(Commit.SWEEP) as connection:
                leases = release_expired(connection, self.clock())
                holds = self._release_holds(connection)
        except Conflict:
            leases = holds = 0
        well = sum(self._probe(name) for name in self._ill())
        self.watch.round_if_due()
        self._read_outcomes()
        return Swept(taken_up, leases, holds, well, self._mend(), self._settle())

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

    def _read_outcomes(self) -> None:
        try:
            self.outcomes.round()
        except Conflict:
            log.info("outcomes_later")  # somebody writes to these very cards; what was not taken is read again

    def next_due(self) -> datetime | None:
        """When the next delivery falls due."""
        statement = select(func.min(deliveries.c.due_at)).where(deliveries.c.state.in_(("pending", "retry")))
        with self.store.read() as connection:
            return connection.execute(statement).scalar()

    def _release_holds(self, connection: Connection) -> int:
        """A card under review goes out as new when its time is over (SPEC §6), and so does what nobody compared."""
        timed = deliveries.c.cause.in_(("review", "unsure_reading"))
        result = connection.execute(
            update(deliveries)
            .where(deliveries.c.state == "held", timed, deliveries.c.due_at <= self.clock())
            .values(state="pending", cause="")
        )
        return result.rowcount

    def _ill(self) -> list[str]:
        now = self.clock()
        with self.store.read() as connection:
            rows = connection.execute(
                select(destinations).where(
                    (destinations.c.open_until <= now)
                    | ((destinations.c.state == "paused") & (destinations.c.reason != "by hand"))
                )
            ).all()
        return [row.name for row in rows if row.name in self.settings.accounts]

    def _probe(self, name: str) -> bool:
        """Ask the account for a sign of life, with a call that changes nothing."""
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
        well = {"state": "active", "reason": "", "failures": 0, "open_until": None, "last_success_at": now}
        connection.execute(update(destinations).where(destinations.c.name == name).values(**well))
        mine = deliveries.c.destination == name
        held = (deliveries.c.state == "held") & (deliveries.c.cause == "paused_account")
        connection.execute(update(deliveries).where(mine, held).values(state="pending", cause="", due_at=now))
        solved = (exceptions.c.subject_id == digest_uuid("destination", name)) & exceptions.c.resolved_at.is_(None)
        closed = {"resolved_at": now, "resolved_by": "sweep", "resolution": "the account answers again"}
        connection.execute(update(exceptions).where(solved).values(**closed))
