"""What all simulated vendors share: one application, one way through which every call goes, and the control API.

A vendor's package makes a :class:`Simulator` and hangs its routes on ``simulator.app``; each route runs through
:meth:`Simulator.answer`, which logs the call, lets the ordered faults and limits happen, asks the guard, and turns
:class:`Refused` into the vendor's answer.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path

from flask import Flask, Response, g, request

from leadsvc.simulators.desk import desk
from leadsvc.simulators.faults import Faults
from leadsvc.simulators.manners import Manners
from leadsvc.simulators.records import Doc, Records, read_config
from leadsvc.simulators.traffic import Traffic

_BODY_MAX = 4 * 1024 * 1024


class Refused(Exception):
    """The vendor says no, in ``response``; what was begun is undone."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


class Window:
    """At most ``calls`` within ``seconds``; without calls there is no limit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.set(0, 0.0)

    def set(self, calls: int, seconds: float) -> None:
        with self._lock:
            self._calls, self._seconds = calls, seconds
            self._at: deque[float] = deque()

    def wait_s(self) -> float:
        """0 when a call may be made now, which counts it; else the seconds until one may."""
        with self._lock:
            at = time.monotonic()
            while self._at and self._at[0] <= at - self._seconds:
                self._at.popleft()
            if self._calls and len(self._at) >= self._calls:
                return self._at[0] + self._seconds - at
            self._at.append(at)
            return 0.0


class Tokens:
    """Access tokens that were given out, each until its time or until all are told to expire."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}

    def issue(self, life_s: float) -> str:
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._until[token] = time.monotonic() + life_s
        return token

    def valid(self, token: str) -> bool:
        with self._lock:
            return self._until.get(token, 0.0) > time.monotonic()

    def expire(self) -> None:
        with self._lock:
            self._until.clear()


class Simulator:
    """One vendor's double. ``guard`` looks at the credentials of a request and raises :class:`Refused`;
    ``credentials`` are what it should find. ``edited(simulator, card, words)`` is called when an agent changed a card
    or noted an outcome, for vendors that tell of it in a place of their own."""

    def __init__(
        self,
        vendor: str,
        state_file: Path,
        config_file: Path,
        credentials: Mapping[str, str],
        *,
        manners: Manners | None = None,
        guard: Callable[[Simulator], None] | None = None,
        edited: Callable[[Simulator, Doc, Doc], None] | None = None,
    ) -> None:
        self.vendor = vendor
        self.credentials = dict(credentials)
        self.manners = manners or Manners()
        self.records = Records(state_file, read_config(config_file))
        self.faults, self.traffic, self.window, self.tokens = Faults(), Traffic(), Window(), Tokens()
        self.edited = edited
        self._guard = guard
        self.app = Flask(f"leadsvc.simulators.{vendor}", static_folder=None)
        self.app.config["MAX_CONTENT_LENGTH"] = _BODY_MAX
        self.app.extensions["simulator"] = self
        self.app.register_blueprint(desk)
        self.app.before_request(self._replayed)

    def _replayed(self) -> Response | None:
        """A recorded answer that was ordered for the next call, whatever it asks."""
        request.get_data()  # kept as it came, before a form is made of it
        return None if request.path.startswith("/control") else self.faults.replayed()

    def operation(
        self, op: str, *, write: bool = False, guarded: bool = True, key: Callable[..., str] | None = None
    ) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
        """Make a view the operation ``op``. ``write``: one transaction; ``key(**path)`` names the card it writes to."""

        def wrap(view: Callable[..., Response]) -> Callable[..., Response]:
            @wraps(view)
            def run(**path: str) -> Response:
                to = key(**path) if key is not None else ""
                return self.answer(op, lambda: view(**path), write=write, guarded=guarded, key=to)

            return run

        return wrap

    def route(
        self,
        method: str,
        path: str,
        op: str,
        view: Callable[..., Response],
        *,
        write: bool = False,
        guarded: bool = True,
        key: Callable[..., str] | None = None,
    ) -> None:
        """Hang a view on the application as the operation ``op``; see :meth:`operation`."""
        run = self.operation(op, write=write, guarded=guarded, key=key)(view)
        self.app.add_url_rule(path, f"{method} {path}", run, methods=[method])

    def answer(
        self, op: str, act: Callable[[], Response], *, write: bool = False, guarded: bool = True, key: str = ""
    ) -> Response:
        """Let ``act`` answer the request as operation ``op``; ``key`` names the card it writes to."""
        call = self.traffic.log(op, key)
        where = f"{request.method} {request.full_path.rstrip('?')}"
        self.traffic.heard(op, where, request.get_data(as_text=True))

        def work() -> Response:
            with self.traffic.writing(key if write else ""):
                self.faults.wait(g.get("linger", 0.0))
                response = self._done(act, write=write, guarded=guarded)
                self.traffic.worked(call)
                return response

        response = self.faults.apply(self.faults.take(op), work, self.manners)
        self.traffic.answered(call, response.status_code)
        return response

    def _done(self, act: Callable[[], Response], *, write: bool, guarded: bool) -> Response:
        try:
            wait_s = self.window.wait_s()
            if wait_s:
                return self.manners.throttled(wait_s)
            if guarded and self._guard is not None:
                self._guard(self)
            with self.records.writing() if write else contextlib.nullcontext():
                return act()
        except Refused as refused:
            return refused.response

    def revoked(self, property_id: str) -> bool:
        """Whether the account lost this property."""
        return self.records.get("revoked", property_id) is not None

    def reset(self) -> None:
        """As after the first start: no faults, limits, log or tokens, only who was already there."""
        self.faults.clear()
        self.window.set(0, 0.0)
        self.tokens.expire()
        self.records.reset()
        self.traffic.reset()
