"""A destination that costs nothing: it speaks the simulated PMS's protocol, says yes, and keeps no record.

    python -m tests.noop_pms      prints its address and serves until it is killed

Hand-written on a bare socket protocol, so that a measurement of pushes measures the pushing side.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys

_numbers = itertools.count(1)


def _answer(method: str, path: str) -> tuple[int, object]:
    """Status and JSON of one request."""
    parts = path.partition("?")[0].strip("/").split("/")[2:]
    if parts[0] != "guest-cards":
        return 200, {"ok": True, "items": [], "outcomes": [], "after": "0"}
    if len(parts) == 1:
        if method == "GET":
            return 200, {"guest_cards": []}
        return 201, {"guest_card": {"id": f"c{next(_numbers)}", "version": "1"}}
    if len(parts) == 2:
        return 200, {"guest_card": {"id": parts[1], "version": "1", "kind": "prospect"}}
    if method == "GET":
        return 200, {parts[2]: []}
    return 201, {parts[2].removesuffix("s"): {"id": f"e{next(_numbers)}", "card_id": parts[1]}}


class _Connection(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.waiting = b""

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        while (end := self.waiting.find(b"\r\n\r\n")) >= 0:
            head = self.waiting[:end].decode("latin-1")
            length = next(
                (int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0
            )
            if len(self.waiting) < end + 4 + length:
                return
            self.waiting = self.waiting[end + 4 + length :]
            method, path, _ = head.split(" ", 2)
            status, content = _answer(method, path)
            body = json.dumps(content).encode()
            reply = f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            self.transport.write(reply.encode() + body)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
