"""Mails and payloads that lie in files: read them, and hand them to the front door like anything that arrives."""

from __future__ import annotations

import contextlib
import mailbox
from collections.abc import Iterator
from pathlib import Path

from leadsvc.config import Feed
from leadsvc.ids import bytes_key
from leadsvc.model import Channel, Delivered
from leadsvc.services import Services

_TYPES = {
    ".eml": "message/rfc822",
    ".json": "application/json",
    ".form": "application/x-www-form-urlencoded",
    ".xml": "application/xml",
}


def take(services: Services, body: bytes, content_type: str, feed_name: str) -> tuple[str, str]:
    """Receive one message; returns its receipt and status."""
    mail = content_type == "message/rfc822"
    feed = services.settings.feeds.get(feed_name) or Feed(name=feed_name or ("mail" if mail else "file"))
    channel = Channel.EMAIL if mail else Channel.FILE
    delivered = Delivered(body, content_type, channel, services.clock())
    answer = services.receiver.receive(delivered, feed=feed, authenticated="operator", delivery_key=bytes_key(body))
    return str(answer.body.get("receipt", "")), str(answer.body.get("status", "rejected"))


def messages(path: Path) -> Iterator[tuple[str, bytes, str]]:
    """(name, bytes, content type) of every message in a file, an mbox, a Maildir with its sub-folders, or a folder of
    any of these."""
    if path.is_dir():
        yield from _maildir(path) if (path / "cur").is_dir() and (path / "new").is_dir() else _folder(path)
        return
    body = path.read_bytes()
    if path.suffix == ".mbox" or body.startswith(b"From "):
        with contextlib.closing(mailbox.mbox(path, create=False)) as box:
            for key in box.keys():  # noqa: SIM118  # a mailbox iterates over messages, not keys
                yield f"{path}#{key}", box.get_bytes(key), "message/rfc822"
        return
    yield str(path), body, _TYPES.get(path.suffix.lower(), "application/octet-stream")


def _maildir(path: Path) -> Iterator[tuple[str, bytes, str]]:
    box = mailbox.Maildir(path, create=False)
    for key in sorted(box.keys()):
        yield f"{path}/{key}", box.get_bytes(key), "message/rfc822"
    for name in sorted(box.list_folders()):
        yield from _maildir(path / f".{name}")


def _folder(path: Path) -> Iterator[tuple[str, bytes, str]]:
    for inner in sorted(path.iterdir()):
        if not inner.name.startswith(".") and (inner.is_file() or (inner.is_dir() and not inner.is_symlink())):
            yield from messages(inner)
