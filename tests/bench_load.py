"""The load generator of ``make bench``, run as a process of its own: so many connections, each sending its next request
when the last one is answered. Raw sockets, because a client library would cost more than the server it measures.

    python -m tests.bench_load PORT PATH FORM FIRST SECONDS CONNECTIONS [AUTHORIZATION]

Prints one JSON object: requests answered, seconds, milliseconds at the 50th and 99th percentile, the number of the next
renter, and the first answer that was no success, if there was one.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.bench_leads import FORMS


@dataclass
class Client:
    """One connection with the request it waits for."""

    socket: socket.socket
    sent_at: float = 0.0
    received: bytes = b""


@dataclass
class Load:
    """What is sent, and how it went."""

    head: bytes
    make: Callable[[int], bytes]
    next: int
    latencies: list[float] = field(default_factory=list)
    wrong: str = ""

    def send(self, client: Client) -> None:
        body = self.make(self.next)
        self.next += 1
        client.received = b""
        client.sent_at = time.perf_counter()
        client.socket.sendall(b"%s%d\r\n\r\n%s" % (self.head, len(body), body))

    def receive(self, client: Client) -> bool:
        """Take what has come; ``True`` when the answer is whole."""
        piece = client.socket.recv(262_144)
        if not piece:
            raise ConnectionError("the server closed the connection in the middle of an answer")
        client.received += piece
        head, found, body = client.received.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return False
        self.latencies.append(time.perf_counter() - client.sent_at)
        if not head.startswith(b"HTTP/1.1 2") and not self.wrong:
            self.wrong = client.received.decode("utf-8", "replace")[:500]
        return True


def _length(head: bytes) -> int:
    at = head.lower().find(b"\r\ncontent-length:")
    if at < 0:
        raise ValueError("an answer without Content-Length: keep-alive needs one")
    return int(head[at + 17 :].split(b"\r\n", 1)[0])


def run(load: Load, port: int, seconds: float, connections: int) -> float:
    """Send for so long, wait for what is under way, and return how long it took."""
    with selectors.DefaultSelector() as selector:
        begun = time.perf_counter()
        open_clients = 0
        for _ in range(connections):
            client = Client(socket.create_connection(("127.0.0.1", port), timeout=30))
            client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(client.socket, selectors.EVENT_READ, client)
            load.send(client)
            open_clients += 1
        while open_clients:
            for key, _ in selector.select(timeout=30):
                client = key.data
                if not load.receive(client):
                    continue
                if time.perf_counter() - begun < seconds:
                    load.send(client)
                else:
                    selector.unregister(client.socket)
                    client.socket.close()
                    open_clients -= 1
        return time.perf_counter() - begun


def percentile(ordered: list[float], share: float) -> float:
    """Milliseconds, of seconds in ascending order."""
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main(port: str, path: str, form: str, first: str, seconds: str, connections: str, authorization: str = "") -> None:
    make, content_type = FORMS[form]
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {content_type}\r\n"
    head += f"Authorization: {authorization}\r\n" if authorization else ""
    load = Load(f"{head}Content-Length: ".encode(), make, int(first))
    took = run(load, int(port), float(seconds), int(connections))
    latencies = sorted(load.latencies)
    told = {
        "requests": len(latencies),
        "seconds": took,
        "p50": percentile(latencies, 0.5),
        "p99": percentile(latencies, 0.99),
        "next": load.next,
        "wrong": load.wrong,
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
