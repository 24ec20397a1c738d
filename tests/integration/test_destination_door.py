"""The door to the network against servers that do not play by the rules: raw sockets on loopback."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from leadsvc.errors import ConfigurationError
from leadsvc.workers.destinations import connect
from leadsvc.workers.destinations.base import Profile
from leadsvc.workers.destinations.http import Door

KEY = "s3cret-api-key"


@contextlib.contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """One connection: the request is read, then ``answer`` has the socket."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(20)


def profile(url: str, timeout_s: float = 5.0) -> Profile:
    return Profile(
        name="rough", vendor="simpms", base_url=url, api_key=KEY, timeout_s=timeout_s, max_answer_bytes=100_000
    )


def test_a_flood_is_no_answer() -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(b"x" * 65536)

    with server(flood) as url:
        answer = Door(profile(url)).call("check", "GET", "x")
    assert (answer.status, answer.body, answer.sent) == (0, None, True)
    assert "larger than 100000 bytes" in answer.note


def test_a_drip_ends_at_the_time_limit() -> None:
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        with contextlib.suppress(OSError):
            while not stop.wait(0.05):
                connection.sendall(b"x")

    with server(drip) as url:
        answer = Door(profile(url, timeout_s=0.4)).call("check", "GET", "x")
        stop.set()
    assert (answer.status, answer.sent) == (0, True)
    assert "longer than 0.4 s" in answer.note


@pytest.mark.parametrize(
    "garbage", [b"", b"\x16\x03\x01 what?\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nX"]
)
def test_what_is_no_http_is_no_answer(garbage: bytes) -> None:
    with server(lambda connection: connection.sendall(garbage)) as url:
        answer = Door(profile(url)).call("check", "GET", "x")
    assert (answer.status, answer.sent) == (0, True)


def test_a_redirect_is_not_followed_and_the_key_not_told() -> None:
    elsewhere = b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n"
    with server(lambda connection: connection.sendall(elsewhere)) as url:
        destination = connect(profile(url))
        result = destination.check()
        destination.close()
    assert result.code == "http_302"


def test_an_echoed_secret_is_masked() -> None:
    body = f'{{"error": {{"code": "odd", "message": "key {KEY} of kim@example.com"}}}}'.encode()
    head = b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n" % len(body)
    with server(lambda connection: connection.sendall(head + body)) as url:
        destination = connect(profile(url))
        result = destination.check()
        destination.close()
    assert result.message == "key [secret] of [address]"
    assert KEY not in repr(result) + repr(profile(url))


@pytest.mark.parametrize("url", ["", "pms.example.com", "ftp://pms.example.com", "http://", "http://[::1"])
def test_an_address_that_cannot_be_called_is_said_at_once(url: str) -> None:
    with pytest.raises(ConfigurationError, match="destination rough: "):
        connect(profile(url))


def test_an_unknown_vendor_is_said_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"choose one of .*simpms"):
        connect(Profile(name="x", vendor="pigeon", base_url="http://pms.example.com"))
