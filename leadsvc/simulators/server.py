"""Runs a simulator: threads, keep-alive, quick to start, gone at the first signal."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class _Handler(WSGIRequestHandler):
    """HTTP/1.1, so that a client's pool is used as it would be with a real vendor; no access log."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: Any) -> None:
        return


def serve(
    vendor: str, app: WSGIApplication, host: str, port: int, stop_when: Callable[[], object] | None = None
) -> None:
    """Serve until killed. Prints one JSON line ``{"vendor", "url", "port"}`` when it listens; port 0 takes a free one.

    ``stop_when`` blocks in a thread of its own; when it returns the server ends.
    """
    server = make_server(host, port, app, threaded=True, request_handler=_Handler)
    address = f"http://{host}:{server.server_port}"
    sys.stdout.write(json.dumps({"vendor": vendor, "url": address, "port": server.server_port}) + "\n")
    sys.stdout.flush()
    if stop_when is not None:
        threading.Thread(target=_stop, args=(server, stop_when), daemon=True).start()
    try:
        server.serve_forever()
    finally:
        server.server_close()


def _stop(server: BaseWSGIServer, stop_when: Callable[[], object]) -> None:
    stop_when()
    server.shutdown()
