"""What a WSGI server loads: ``leadsvc.wsgi:app``. Settings come from the environment."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing.util import Finalize

from leadsvc import logs
from leadsvc.app import build, create_app
from leadsvc.config import Settings
from leadsvc.workers.build import build_loop

_LOOK_S = 1.0


def _end_with(parent: int) -> None:
    """End when the process that started this one is gone: a server killed hard must not leave workers that go on
    holding the port and pushing with yesterday's code."""
    gone = threading.Event()
    while not gone.wait(_LOOK_S):
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)
            gone.wait(10 * _LOOK_S)
            os.kill(os.getpid(), signal.SIGKILL)


threading.Thread(target=_end_with, args=(os.getppid(),), name="parent", daemon=True).start()
settings = Settings.load()
logs.configure(settings.log_level)
_built = build(settings)
if settings.redis_url:
    from leadsvc.workers.queue import nudger  # late: most installations have no Redis, and it is slow to load

    _built.nudge.listen(nudger(settings.redis_url, list(settings.accounts)))
if settings.inline_worker:
    _loop = build_loop(_built.services)
    _built.nudge.listen(_loop.nudge)
    _loop.start()
    # The server's processes are children of multiprocessing, which ends them without atexit. What is being pushed is
    # finished first; otherwise it would wait for its lease to expire.
    Finalize(None, _loop.stop, exitpriority=10)
    if settings.mailboxes:
        from leadsvc.mailbox.keeper import Keeper  # late: most web processes read no mailboxes

        _keeper = Keeper(_built.services, list(settings.mailboxes.values()))
        _keeper.start()
        Finalize(None, _keeper.stop, exitpriority=11)
app = create_app(_built.services)
