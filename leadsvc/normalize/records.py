"""Plain records: what a reader by format hands to a field map. Derived views are made on demand and kept."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import TypeAlias

from lxml import etree
from selectolax.lexbor import LexborHTMLParser

from leadsvc.normalize.forwards import Forwarded, forwarded
from leadsvc.normalize.html import forwarded_part, html_lines, html_tree
from leadsvc.normalize.mailtext import bare_subject, fresh, reflowed
from leadsvc.normalize.text import visible

_MAX_LINES = 5_000
_MAX_LINE = 4_000
_MAX_WORDLESS = 4
_MAX_SEARCHED = 200_000
_WORD = re.compile(r"\w")
# "ann@example.com<mailto:ann@example.com>", "Ann Lee <mailto:ann@example.com>", "our site<https://example.com/a>"
_SOFT_LINK = re.compile(
    r"(?P<gap>\s?)<(?:mailto:(?P<address>[^<>\s?]{1,320})[^<>\s]{0,600}|(?:tel:|https?://)[^<>\s]{1,2000})>",
    re.IGNORECASE,
)


def fold_key(key: str) -> str:
    """One spelling of ``firstName``, ``first_name``, ``First Name`` and ``FIRST-NAME``."""
    return re.sub(r"[\W_]+", "", key).lower() if not key.isalnum() else key.lower()


@dataclass(frozen=True)
class KeyedRecord:
    """A form, a JSON object or a row. ``values`` holds its top level by folded key, ``names`` the keys as sent,
    ``root`` all of it for paths into it; ``whole`` is the payload that ``root`` is one item of."""

    format: str
    values: Mapping[str, object]
    names: tuple[str, ...]
    root: object
    whole: object = None

    @cached_property
    def tree(self) -> object:
        """``root`` for paths: JSON that a field carries as text is taken apart."""
        if not isinstance(self.root, Mapping):
            return self.root
        return {name: _taken_apart(value) for name, value in self.root.items()}


@dataclass(frozen=True)
class XmlRecord:
    """An XML document, or the element of it that is one lead, without namespaces. ``channel`` is what carried it: xml,
    or the form or email it was found in. ``values`` and ``names`` are the other fields of such a form, as those of a
    :class:`KeyedRecord`. ``recipients`` and ``date`` are those of the mail it came in. ``notes`` say what had to be
    repaired."""

    root: etree._Element
    channel: str = "xml"
    values: Mapping[str, object] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    date: datetime | None = None
    notes: tuple[str, ...] = ()
    format: str = field(default="xml", init=False)


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
    the Date header. ``forwarder`` is the address of who forwarded it by hand; ``inner`` are then its lines, one view
    of each part it was found in. ``cards`` are attached vCards as text, ``documents`` XML parts and files.
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
    inner: tuple[tuple[str, ...], ...] = ()
    cards: tuple[str, ...] = ()
    documents: tuple[bytes, ...] = ()
    vouched: Mapping[str, str] = field(default_factory=dict)  # what a provider that received it reports of its sender
    format: str = field(default="email", init=False)

    def header(self, name: str) -> str:
        values = self.headers.get(name)
        return values[0] if values else ""

    @cached_property
    def raw_views(self) -> tuple[list[str], ...]:
        """The mail as lines, quoted parts included: plain text first, then what the HTML shows."""
        if self.inner:
            return tuple(list(view) for view in self.inner)
        views = [_text_lines(self.text)] if self.text.strip() else []
        if self.html:
            views.append(self.seen)
        return tuple(views)

    @cached_property
    def seen(self) -> list[str]:
        """The visible lines of the HTML part, quoted ones included."""
        lines = html_lines(self.html) if self.html else []
        # A gateway that makes HTML of Outlook's text keeps its links as words.
        if any("<mailto:" in row or "<tel:" in row for row in lines):
            lines = _SOFT_LINK.sub(_without_link, "\n".join(lines)).split("\n")
        return lines

    @cached_property
    def views(self) -> tuple[list[str], ...]:
        """The same without quoted earlier mail; of a mail forwarded by hand what stands above it."""
        pairs = zip(self.raw_views, self._forwards, strict=True)
        return tuple(fresh(view[: inner.at] if inner else view) for view, inner in pairs)

    @cached_property
    def _forwards(self) -> tuple[Forwarded | None, ...]:
        """The mail forwarded in each of the raw views."""
        return tuple(forwarded(view, self.subject) for view in self.raw_views)

    @cached_property
    def searchable(self) -> str:
        """All lines that are not quoted, for recognition; those that were broken to fit are whole. Of lines without a
        word only a few stay in a row: over thousands a pattern that begins with any of them would run for seconds."""
        return "\n".join("\n".join(_worded(reflowed(view))) for view in self.views)[:_MAX_SEARCHED]

    @cached_property
    def topic(self) -> str:
        """The subject without the ``Re:`` and ``Fwd:`` in front."""
        return bare_subject(self.subject)

    @cached_property
    def tree(self) -> LexborHTMLParser | None:
        """The parsed HTML part, for selectors, meta tags and links."""
        return html_tree(self.html) if self.html else None

    def unwrapped(self, sender_of: Callable[[str], Mailbox]) -> MailRecord | None:
        """The mail that somebody forwarded by hand in this one, or ``None``. The envelope stays this one's."""
        found = [inner for inner in self._forwards if inner is not None]
        if not found:
            return None
        headers = found[0].headers
        sender = sender_of(headers["from"])
        if not sender.address and len(found) > 1:
            sender = sender_of(found[1].headers["from"])  # the plain text may show the name alone
        return replace(
            self,
            sender=sender,
            reply_to=sender_of(headers.get("reply-to", "")),
            subject=headers.get("subject", self.subject),
            recipients=self.recipients + ((self.forwarder,) if self.forwarder else ()),
            html=forwarded_part(self.html),
            inner=tuple(inner.lines for inner in found),
            forwarder=self.sender.address,
        )


Record: TypeAlias = KeyedRecord | XmlRecord | MailRecord


def _taken_apart(value: object) -> object:
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        found: object = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return found


def _worded(lines: Iterable[str]) -> Iterator[str]:
    wordless = 0
    for row in lines:
        wordless = 0 if _WORD.search(row) else wordless + 1
        if wordless <= _MAX_WORDLESS:
            yield row


def _text_lines(text: str) -> list[str]:
    shown = visible(text)
    if "<" in shown:
        shown = _SOFT_LINK.sub(_without_link, shown)
    return [" ".join(row.split())[:_MAX_LINE] for row in shown.split("\n", _MAX_LINES)[:_MAX_LINES]]


def _without_link(match: re.Match[str]) -> str:
    """Nothing where the text in front says enough; the address where it is said nowhere else."""
    before = match.string[max(0, match.start() - 320) : match.start()]
    text = before.rpartition(" ")[2].rpartition("\n")[2]
    address = match["address"]
    if not address or "@" in text or (text and not match["gap"]):
        return ""
    return f"{match['gap']}<{address}>"
