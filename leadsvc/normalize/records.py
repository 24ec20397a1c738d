"""Plain records: what a reader by format hands to a field map. Derived views are made on demand and kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import TypeAlias

from selectolax.lexbor import LexborHTMLParser

from leadsvc.normalize.html import html_lines, html_tree
from leadsvc.normalize.mailtext import forwarded, fresh, is_forward
from leadsvc.normalize.text import visible

_MAX_LINES = 5_000
_MAX_LINE = 4_000
_SOFT_LINK = re.compile(r"<mailto:[^<>\s]{1,320}>", re.IGNORECASE)


def fold_key(key: str) -> str:
    """One spelling of ``firstName``, ``first_name``, ``First Name`` and ``FIRST-NAME``."""
    return re.sub(r"[\W_]+", "", key).lower() if not key.isalnum() else key.lower()


@dataclass(frozen=True)
class KeyedRecord:
    """A form or a JSON object. ``values`` holds its top level by folded key, ``names`` the keys as sent, ``root`` the
    whole for paths into it."""

    format: str
    values: Mapping[str, object]
    names: tuple[str, ...]
    root: object


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One address of a mail header; ``address`` is lower case, either part may be empty."""

    name: str = ""
    address: str = ""

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


@dataclass(frozen=True)
class MailRecord:
    """A mail. ``sender`` is who wrote it: the original sender where a list rewrote From. ``recipients`` are addresses
    it came to, those of the envelope first. ``headers`` are decoded, by lower-case name. ``date`` keeps the offset of
    the Date header. ``forwarder`` is the address of who forwarded it by hand; ``lines`` then stand for text and HTML.
    """

    headers: Mapping[str, tuple[str, ...]]
    sender: Mailbox
    reply_to: Mailbox
    recipients: tuple[str, ...]
    subject: str
    date: datetime | None
    text: str = ""
    html: str = ""
    attached: tuple[bytes, ...] = ()
    report: bool = False
    forwarder: str = ""
    lines: tuple[str, ...] | None = None
    format: str = field(default="email", init=False)

    def header(self, name: str) -> str:
        values = self.headers.get(name)
        return values[0] if values else ""

    @cached_property
    def raw_views(self) -> tuple[list[str], ...]:
        """The mail as lines, quoted parts included: plain text first, then what the HTML shows."""
        if self.lines is not None:
            return (list(self.lines),)
        views = [_text_lines(self.text)] if self.text.strip() else []
        if self.html:
            views.append(self.seen)
        return tuple(views)

    @cached_property
    def seen(self) -> list[str]:
        """The visible lines of the HTML part, quoted ones included."""
        return html_lines(self.html) if self.html else []

    @cached_property
    def views(self) -> tuple[list[str], ...]:
        """The same without quoted earlier mail."""
        return tuple(fresh(view) for view in self.raw_views)

    @cached_property
    def searchable(self) -> str:
        """All lines that are not quoted, for recognition."""
        return "\n".join("\n".join(view) for view in self.views)

    @cached_property
    def tree(self) -> LexborHTMLParser | None:
        """The parsed HTML part, for selectors, meta tags and links."""
        return html_tree(self.html) if self.html else None

    def unwrapped(self, sender_of: Callable[[str], Mailbox]) -> MailRecord | None:
        """The mail that somebody forwarded by hand in this one, or ``None``. The envelope stays this one's."""
        sure = is_forward(self.subject)
        for view in self.raw_views:
            inner = forwarded(view, sure=sure)
            if inner is None:
                continue
            return replace(
                self,
                sender=sender_of(inner.headers["from"]),
                reply_to=sender_of(inner.headers.get("reply-to", "")),
                subject=inner.headers.get("subject", self.subject),
                lines=inner.lines,
                forwarder=self.sender.address,
            )
        return None


Record: TypeAlias = KeyedRecord | MailRecord


def _text_lines(text: str) -> list[str]:
    rows = _SOFT_LINK.sub("", visible(text)).split("\n", _MAX_LINES)[:_MAX_LINES]
    return [" ".join(row.split())[:_MAX_LINE] for row in rows]
