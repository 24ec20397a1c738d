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
``truncate_json``  do it, answer 200 with a whole body that can no longer be parsed
``empty_body``     do it, answer 200 without a body
``bom``            do it, answer with a byte order mark in front
``other_prefix``   do it, answer with another prefix for the SOAP envelope
``numbers_as_text``  do it, answer with every number as a string
``one_for_list``   do it, answer with one object where a list of one would be
``html_ok``        answer 200 with a page for people, nothing done
``auth``           refuse the credentials in the vendor's way, nothing done
``throttle``       say in the vendor's way that it is asked too often, for ``seconds``; nothing done
``error_in_200``   answer 200 with the vendor's error body, nothing done
``soap_fault``     answer with a SOAP fault, nothing done
``replay``         answer ``status``, ``headers`` and ``body`` byte for byte, nothing done; for the operation ``*``
                   whatever is asked next, at any path
=================  ==================================================================================================

What a vendor's answers look like is in its :class:`~leadsvc.simulators.manners.Manners`; a mode that cannot be there
is refused when it is ordered.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Response, g, request

from leadsvc.simulators.manners import Manners, numbers_as_text, one_for_list, other_prefix

_BEFORE = (
    "status", "html_error", "drop_before", "down", "slow", "ok_noop", "html_ok", "auth", "throttle", "error_in_200",
    "soap_fault", "replay",
)  # fmt: skip
_AFTER = (
    "answer_late", "commit_then_drop", "cut_body", "ok_without_id", "truncate_json", "empty_body", "bom",
    "other_prefix", "numbers_as_text", "one_for_list",
)  # fmt: skip
MODES = frozenset(_BEFORE + _AFTER)
_BOM = b"\xef\xbb\xbf"
_STATUS = {"html_error": 502, "html_ok": 200, "replay": 200}
_SAME_WORDS = {"other_prefix": other_prefix, "numbers_as_text": numbers_as_text, "one_for_list": one_for_list}
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
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""

    @classmethod
    def of(cls, words: dict[str, object], manners: Manners | None = None) -> Fault:
        """From a request's JSON; :class:`ValueError` names what is wrong."""
        mode = str(words.get("mode"))
        known = sorted(each for each in MODES if manners is None or manners.can(each))
        if mode not in known:
            raise ValueError(f"mode must be one of {', '.join(known)}")
        times = words.get("times", None if mode == "down" else 1)
        headers = words.get("headers")
        return cls(
            op="*" if mode == "down" else str(words.get("op", "*")),
            mode=mode,
            times=None if times is None else int(str(times)),
            skip=int(str(words.get("skip", 0))),
            status=int(str(words.get("status", _STATUS.get(mode, 503)))),
            retry_after=str(words.get("retry_after", "")),
            seconds=float(str(words.get("seconds", 1))),
            headers={str(name): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {},
            body=str(words.get("body", "")),
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

    def replayed(self) -> Response | None:
        """The answer that is ordered for whatever comes next, used up; ``None`` when there is no such order."""
        with self._lock:
            for order in self._orders:
                if order.mode == "replay" and order.op == "*" and order.skip <= 0:
                    self._orders.remove(order)
                    return _instead(order, Manners())
        return None

    def wait(self, seconds: float) -> None:
        """Pass the time, or less when the orders are cleared."""
        self._waker.wait(seconds)

    def apply(self, fault: Fault | None, act: Callable[[], Response], manners: Manners | None = None) -> Response:
        """The answer of ``act`` as the fault leaves it."""
        if fault is None:
            return act()
        ways = manners or Manners()
        instead = _instead(fault, ways)
        if instead is not None:
            return instead
        if fault.mode == "slow":
            g.linger = fault.seconds
            return act()
        if fault.mode == "ok_noop":
            g.pretend = True
            return _as_ok(act())
        return self._after(fault, act(), ways)

    def _after(self, fault: Fault, response: Response, ways: Manners) -> Response:
        if fault.mode == "answer_late":
            self.wait(fault.seconds)
            return response
        if fault.mode == "commit_then_drop":
            return hang_up()
        if fault.mode == "cut_body":
            return cut(response)
        response.set_data(_spoiled(fault.mode, response.get_data(), ways))
        return response if fault.mode in _SAME_WORDS or fault.mode == "bom" else _as_ok(response)


def _instead(fault: Fault, ways: Manners) -> Response | None:
    """The answer where nothing is done; ``None`` where something is."""
    if fault.mode in ("html_error", "html_ok"):
        return Response(_PAGE, fault.status, mimetype="text/html")
    if fault.mode in ("drop_before", "down"):
        return hang_up()
    if fault.mode == "status":
        response = ways.refused(fault.status)
        if fault.retry_after:
            response.headers["Retry-After"] = fault.retry_after
        return response
    if fault.mode == "replay":
        response = Response(fault.body.encode(), fault.status)
        response.headers.remove("Content-Type")
        response.headers.update(fault.headers)
        return response
    if fault.mode == "throttle":
        return ways.throttled(fault.seconds)
    orders = {"auth": ways.unauthorized, "error_in_200": ways.error_in_200, "soap_fault": ways.fault_answer}
    order = orders.get(fault.mode)
    return order() if order is not None else None


def _spoiled(mode: str, body: bytes, ways: Manners) -> bytes:
    if mode == "truncate_json":
        return body.rstrip()[:-2]
    if mode == "empty_body":
        return b""
    if mode == "bom":
        return _BOM + body
    return _SAME_WORDS[mode](body) if mode in _SAME_WORDS else ways.stripped(body)


def _as_ok(response: Response) -> Response:
    if response.status_code < 300:
        response.status_code = 200
    return response


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
        f"HTTP/1.1 {response.status}\r\nContent-Type: {response.content_type}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    _socket().sendall(head.encode() + body[: len(body) // 2])
    return hang_up()
