"""A poller for each mailbox, each in a thread of its own."""

from __future__ import annotations

import os
import platform
import secrets
import threading
from collections.abc import Sequence

from leadsvc.config import Mailbox
from leadsvc.mailbox.poller import Pace, Poller
from leadsvc.services import Services

_MOST = 200
"""Mailboxes of one process: each costs a thread and a connection. More are read by more processes, named each."""


class Keeper:
    """Reads mailboxes from :meth:`start` to :meth:`stop`."""

    def __init__(self, services: Services, boxes: Sequence[Mailbox], pace: Pace | None = None) -> None:
        holder = f"{platform.node()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.left_out = tuple(box.name for box in boxes[_MOST:])
        self.pollers = [Poller(services, box, holder, pace or Pace()) for box in boxes[:_MOST]]
        self._threads = [
            threading.Thread(target=poller.run, name=f"mailbox-{poller.box.name}", daemon=True)
            for poller in self.pollers
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish the mails in hand, sign out, let other processes read on."""
        for poller in self.pollers:
            poller.stop()
        for thread in self._threads:
            thread.join()
        for poller in self.pollers:
            poller.close()
