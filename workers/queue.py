"""The only file that knows RQ: a nudge across processes, never the truth (the outbox is).

One job a destination, with that id, so that any number of leads makes one job; its arguments are ids only. Redis may be
emptied or gone at any time: the sweep finds everything that is due.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import DuplicateJobError

log = structlog.get_logger(__name__)

QUEUE = "leadsvc"
_JOB = "leadsvc.workers.jobs.drain"


def nudger(redis_url: str, names: list[str]) -> Callable[[], None]:
    """A function that asks workers to drain every destination; it never fails and never waits long."""
    connection = Redis.from_url(redis_url, socket_timeout=1, socket_connect_timeout=0.5)
    queue = Queue(QUEUE, connection=connection, serializer="json")

    def nudge() -> None:
        for name in names:
            try:
                queue.enqueue(
                    _JOB, name, job_id=f"drain-{name}", unique=True, result_ttl=0, failure_ttl=60, job_timeout=300
                )
            except DuplicateJobError:
                continue
            except RedisError as error:
                log.warning("nudge_lost", reason=type(error).__name__)
                return

    return nudge
