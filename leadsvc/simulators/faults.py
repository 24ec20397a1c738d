"""Misbehaviour on order, shared by the simulators: what real destinations do on bad days.

A fault is ``{"op": …, "mode": …, "times": 1, "skip": 0, …}``; ``op`` ``*`` is any. ``times`` null lasts until cleared.

=================  ==================================================================================================
``status``         answer ``status`` without doing anything; ``retry_after`` becomes the header as it stands
``html_error``     answer ``status`` (502) with a gateway's page, nothing done
``drop_before``    close the socket, nothing done
``down``           ``drop_before`` for everything, until cleared
``slow``           wait ``seconds``, then do it and answer
``answer_late``    do it, wait ``seconds``, then answer
``commit_then_drop``  do it, then close the socket
``cut_body``       do it, then send half of the answer
``ok_without_id``  do it, answer 200 without any id
``ok_noop``        answer 200 as if it had been done, and keep nothing
``truncate_json``  do it, answer 200 with a whole body that is no longer JSON
=================  ==================================================================================================
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, g, json, request

_BEFORE = ("status", "html_error", "drop_before", "down", "slow", "ok_noop")
_AFTER = ("answer_late", "commit_then_drop", "cut_body", "ok_without_id", "truncate_json")
_MODES = frozenset(_BEFORE + _AFTER)
_PAGE = "<html><head><title>Bad Gateway</title></head><body><h1>The server is taking a break</h1></body></html>"


@dataclass(slots=True)
class Fault:
    """One order, with what is left of it."""

    op: str
    mode: str
    times: int | None = 1
    skip: int = 0
    status: int = 503
    retry_after: str = ""
    seconds: float = 0.0

    @classmethod
    def of(cls, words: dict[str, object]) -> Fault:
        """From a request's JSON; :class:`ValueError` names what is wrong."""
        mode = str(words.get("mode"))
        if mode not in _MODES:
            raise ValueError(f"mode must be one of {', '.join(sorted(_MODES))}")
        times = words.get("times", None if mode == "down" else 1)
        return cls(
            op="*" if mode == "down" else str(words.get("op", "*")),
            mode=mode,
            times=None if times is None else int(str(times)),
            skip=int(str(words.get("skip", 0))),
            status=int(str(words.get("status", 502 if mode == "html_error" else 503))),
            retry_after=str(words.get("retry_after", "")),
            seconds=float(str(words.get("seconds", 1))),
        )


class Faults:
    """The orders in force. Each call takes the first that is meant for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: list[Fault] = []
        self._waker = threading.Event()

    def add(self, orders: list[Fault]) -> None:
        with self._lock:
            self._orders.extend(orders)

    def clear(self) -> None:
        """Forget all orders; what waits under one goes on at once."""
        with self._lock:
            self._orders.clear()
            self._waker.set()
            self._waker = threading.Event()

    def left(self) -> int:
        """How many orders still wait for their call."""
        with self._lock:
            return len(self._orders)

    def take(self, op: str) -> Fault | None:
        """The fault of this call, used up by one."""
        with self._lock:
            for order in self._orders:
                if order.op not in ("*", op):
                    continue
                if order.skip > 0:
                    order.skip -= 1
                    continue
                if order.times is not None:
                    order.times -= 1
                    if order.times <= 0:
                        self._orders.remove(order)
                return order
        return None

    def wait(self, seconds: float) -> None:
        """Pass the time, or less when the orders are cleared."""
        self._waker.wait(seconds)

    def apply(self, fault: Fault | None, act: Callable[[], Response]) -> Response:
        """The answer of ``act`` as the fault leaves it."""
        if fault is None:
            return act()
        if fault.mode in ("status", "html_error"):
            return _refusal(fault)
        if fault.mode in ("drop_before", "down"):
            return hang_up()
        if fault.mode == "slow":
            g.linger = fault.seconds
            return act()
        if fault.mode == "ok_noop":
            g.pretend = True
            return _as_ok(act())
        return self._after(fault, act())

    def _after(self, fault: Fault, response: Response) -> Response:
        if fault.mode == "answer_late":
            self.wait(fault.seconds)
            return response
        if fault.mode == "commit_then_drop":
            return hang_up()
        if fault.mode == "cut_body":
            return cut(response)
        if fault.mode == "truncate_json":
            response.set_data(response.get_data()[:-2])
            return _as_ok(response)
        response.set_data(json.dumps(_without_ids(json.loads(response.get_data()))))
        return _as_ok(response)


def _refusal(fault: Fault) -> Response:
    if fault.mode == "html_error":
        return Response(_PAGE, fault.status, mimetype="text/html")
    body = json.dumps({"error": {"code": f"simulated_{fault.status}", "message": "Ordered by a fault.", "fields": {}}})
    response = Response(body, fault.status, mimetype="application/json")
    if fault.retry_after:
        response.headers["Retry-After"] = fault.retry_after
    return response


def _as_ok(response: Response) -> Response:
    if response.status_code < 300:
        response.status_code = 200
    return response


def _without_ids(value: object) -> object:
    if isinstance(value, dict):
        return {
            key: _without_ids(inner)
            for key, inner in value.items()
            if key not in ("id", "person_id", "version", "card_id")
        }
    return value


def _socket() -> socket.socket:
    # Werkzeug's server passes the connection along; there is no other way to break it off.
    connection: socket.socket = request.environ["werkzeug.socket"]
    return connection


def hang_up() -> Response:
    """End the connection without a byte of an answer."""
    _socket().shutdown(socket.SHUT_RDWR)
    return Response(status=499)


def cut(response: Response) -> Response:
    """Announce the whole body, send half of it, end the connection."""
    body = response.get_data()
    head = (
        f"HTTP/1.1 {response.status}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    _socket().sendall(head.encode() + body[: len(body) // 2])
    return hang_up()
