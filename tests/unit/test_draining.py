"""Draining with steps of our own: what is written down together, what waits, and what happens when a step fails."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from leadsvc.workers.claim import Claimed
from leadsvc.workers.destinations.base import Outcome, Result
from leadsvc.workers.draining import BATCH, Drained, Draining, HandIn, Prepared
from leadsvc.workers.push import Pushed
from leadsvc.workers.results import Cost, Finished

WIDTH = 4
GOOD, BAD = Result(outcome=Outcome.ACCEPTED), Result(outcome=Outcome.RETRY)


def owed(count: int) -> list[Claimed]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    ids = [uuid.uuid4() for _ in range(count)]
    return [Claimed(each, "pms", each, each, "prospect", each, 1, 1, 0, None, at) for each in ids]


@dataclass
class Outbox:
    """An outbox in memory. ``push``: what becomes of one."""

    due: list[Claimed]
    push: Callable[[Claimed], Result] = lambda _: GOOD
    taken: int = 0
    most: int = 0
    recorded: list[list[Claimed]] = field(default_factory=list)
    returned: list[Claimed] = field(default_factory=list)
    after: list[str] = field(default_factory=list)

    def take(self, limit: int) -> list[Claimed]:
        found, self.due = self.due[:limit], self.due[limit:]
        self.taken += len(found)
        self.most = max(self.most, self.taken - sum(map(len, self.recorded)))
        return found

    def prepare(self, taken: Sequence[Claimed]) -> list[Prepared]:
        return [Prepared(each) for each in taken]

    def attempt(self, prepared: Prepared, hand_in: HandIn) -> bool:
        result = self.push(prepared.claimed)
        hand_in(Finished(prepared.claimed, Pushed(result), Cost(1)), wait=not result.ok)
        if not result.ok:
            written = any(prepared.claimed in some for some in self.recorded)
            self.after.append("written" if written else "not yet")
        return result.ok

    def record(self, finished: Sequence[Finished]) -> bool:
        self.recorded.append([each.claimed for each in finished])
        well = all(each.pushed.result.ok for each in finished)
        if not well:
            self.due = []  # the account rests
        return well

    def give_back(self, claimed: Sequence[Claimed]) -> None:
        self.returned += claimed

    @property
    def done(self) -> set[uuid.UUID]:
        return {each.id for some in self.recorded for each in some}


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(WIDTH) as made:
        yield made


def drain(
    outbox: Outbox,
    pool: ThreadPoolExecutor,
    stop: threading.Event | None = None,
    pause: threading.Event | None = None,
) -> Drained:
    return Draining(outbox, pool, WIDTH, stop or threading.Event(), pause or threading.Event()).run()


def test_everything_due_is_pushed_once_and_written_down_in_few_commits(pool: ThreadPoolExecutor) -> None:
    outbox = Outbox(owed(500))
    waiting = {each.id for each in outbox.due}
    assert drain(outbox, pool) == Drained(500, 0)
    assert outbox.done == waiting
    assert sum(map(len, outbox.recorded)) == 500
    assert len(outbox.recorded) <= 100
    assert outbox.most <= BATCH, "so many may be in doubt at a crash"
    assert outbox.returned == []


def test_one_alone_waits_for_no_company(pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadsvc.workers.draining._GATHER_S", 3600.0)
    assert drain(Outbox(owed(1)), pool) == Drained(1, 0)


def test_company_is_not_waited_for_longer_than_a_moment(pool: ThreadPoolExecutor) -> None:
    """A push that takes long does not keep what is done from being written down."""
    outbox = Outbox(owed(3))
    slow = outbox.due[0]
    others = threading.Event()

    def push(claimed: Claimed) -> Result:
        if claimed is slow:
            assert others.wait(20)
        return GOOD

    outbox.push = push
    record = outbox.record

    def recorded(finished: Sequence[Finished]) -> bool:
        if slow not in [each.claimed for each in finished]:
            others.set()
        return record(finished)

    outbox.record = recorded  # type: ignore[method-assign]
    assert drain(outbox, pool) == Drained(3, 0)


def test_who_heard_a_no_goes_on_only_when_it_is_written_down(pool: ThreadPoolExecutor) -> None:
    outbox = Outbox(owed(40), push=lambda _: BAD)
    told = drain(outbox, pool)
    assert outbox.after == ["written"] * told.failed
    assert told.pushed == 0


def test_an_account_that_wants_no_more_gets_only_what_was_begun(pool: ThreadPoolExecutor) -> None:
    outbox = Outbox(owed(BATCH), push=lambda _: BAD)
    told = drain(outbox, pool)
    assert 1 <= told.failed <= WIDTH
    assert told.failed + len(outbox.returned) == outbox.taken
    assert not outbox.done & {each.id for each in outbox.returned}


def test_a_stop_finishes_what_was_begun_and_returns_the_rest(pool: ThreadPoolExecutor) -> None:
    outbox, stop = Outbox(owed(BATCH)), threading.Event()
    begun = threading.Barrier(WIDTH + 1)

    def push(_: Claimed) -> Result:
        begun.wait(20)
        assert stop.wait(20)
        return GOOD

    outbox.push = push

    def halt() -> None:
        begun.wait(20)
        stop.set()

    thread = threading.Thread(target=halt)
    thread.start()
    assert drain(outbox, pool, stop) == Drained(WIDTH, 0)
    thread.join()
    assert len(outbox.done) == WIDTH
    assert len(outbox.returned) == outbox.taken - WIDTH > 0


def test_a_pause_finishes_what_was_taken(pool: ThreadPoolExecutor) -> None:
    outbox, pause = Outbox(owed(BATCH)), threading.Event()

    def push(_: Claimed) -> Result:
        pause.set()
        return GOOD

    outbox.push = push
    told = drain(outbox, pool, pause=pause)
    assert told == Drained(outbox.taken, 0)
    assert 0 < outbox.taken < BATCH
    assert outbox.returned == []


def test_a_push_that_breaks_is_told_after_the_others_are_written_down(pool: ThreadPoolExecutor) -> None:
    outbox = Outbox(owed(BATCH))
    broken = outbox.due[10]
    begun: list[Claimed] = []

    def push(claimed: Claimed) -> Result:
        begun.append(claimed)
        if claimed is broken:
            raise ZeroDivisionError
        return GOOD

    outbox.push = push
    with pytest.raises(ZeroDivisionError):
        drain(outbox, pool)
    assert outbox.done == {each.id for each in begun} - {broken.id}
    assert {each.id for each in outbox.returned}.isdisjoint(outbox.done | {broken.id})
    assert len(outbox.done) + len(outbox.returned) + 1 == outbox.taken


def test_when_nothing_can_be_written_down_nobody_waits_for_it(pool: ThreadPoolExecutor) -> None:
    outbox = Outbox(owed(BATCH), push=lambda _: BAD)

    def away(_: Sequence[Finished]) -> bool:
        raise ConnectionError

    outbox.record = away  # type: ignore[assignment, method-assign]
    with pytest.raises(ConnectionError):
        drain(outbox, pool)
    assert pool.submit(lambda: "free").result(20) == "free"


def test_what_a_push_made_due_is_taken_in_the_same_run(pool: ThreadPoolExecutor) -> None:
    """A card's event is due once its prospect is written down."""
    first, later = owed(5), owed(5)
    outbox = Outbox(list(first))
    record = outbox.record

    def recorded(finished: Sequence[Finished]) -> bool:
        outbox.due += [later[first.index(each.claimed)] for each in finished if each.claimed in first]
        return record(finished)

    outbox.record = recorded  # type: ignore[method-assign]
    assert drain(outbox, pool) == Drained(10, 0)
    assert outbox.done == {each.id for each in (*first, *later)}
