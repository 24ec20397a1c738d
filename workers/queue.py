"""The only file that knows RQ: a nudge across processes, never the truth (the outbox is).

One job a destination, with that id, so that any number of leads makes one job; its arguments are ids only. Redis may be
emptied or gone at any time: the sweep finds everything that is due.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import DuplicateJobError
from rq.timeouts import TimerDeathPenalty

from leadsvc.logs import logger
from leadsvc.workers import jobs

log = logger("queue")

QUEUE = "leadsvc"
_AGAIN_S = 2.0
_JOB = "leadsvc.workers.jobs.drain"


def nudger(redis_url: str, names: list[str]) -> Callable[[], None]:
    """A function that asks workers to drain every destination; it never fails and never waits long."""
    connection = Redis.from_url(redis_url, socket_timeout=1, socket_connect_timeout=0.5)
    queue = Queue(QUEUE, connection=connection, serializer="json")

    def nudge() -> None:
        for name in names:
            try:
                queue.enqueue(
                    _JOB, name, job_id=f"drain-{name}", unique=True, result_ttl=0, failure_ttl=60, job_timeout=10
                )
            except DuplicateJobError:
                continue
            except RedisError as error:
                log.warning("nudge_lost", reason=type(error).__name__)
                return

    return nudge


class _ThreadWorker(SimpleWorker):
    """Runs jobs in this process and thread: no fork per job, no signals (they belong to the command)."""

    death_penalty_class = TimerDeathPenalty
    max_connection_wait_time = _AGAIN_S  # RQ would look for a Redis that is back once a minute only

    def _install_signal_handlers(self) -> None:
        """The process has handlers of its own."""


def listen(redis_url: str, nudge: Callable[[], None], stopped: threading.Event) -> None:
    """Take drain jobs in a thread of their own until ``stopped``; Redis may come and go."""
    jobs.bind(nudge)
    threading.Thread(target=_listen, args=(redis_url, stopped), name="nudges", daemon=True).start()


def _listen(redis_url: str, stopped: threading.Event) -> None:
    while not stopped.is_set():
        try:
            connection = Redis.from_url(redis_url, socket_connect_timeout=2)
            worker = _ThreadWorker(
                [Queue(QUEUE, connection=connection, serializer="json")], serializer="json", connection=connection
            )
            worker.work(logging_level="WARNING", with_scheduler=False, burst=False)
        except RedisError as error:
            log.warning("nudges_lost", reason=type(error).__name__)
        stopped.wait(_AGAIN_S)
