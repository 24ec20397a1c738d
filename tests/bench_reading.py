"""What reading a payload costs in CPU, beside the library calls that it cannot do without."""

from __future__ import annotations

import csv
import io
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from functools import partial
from urllib.parse import parse_qsl

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from lxml import etree
from nameparser import Parser
from selectolax.lexbor import LexborHTMLParser

from leadsvc.fieldmap import load_maps
from leadsvc.model import Channel, Delivered, Lead
from leadsvc.parsers.email_mime import text_of
from leadsvc.reading import read
from tests.fuzz import AT, TYPES, Sample, samples

_NAMES = Parser()
_TIMES = 5
_LARGE = 20_000


@dataclass(frozen=True)
class Cost:
    """Medians over the fixtures of one kind, in milliseconds of CPU; ``share`` is reading to bare, fixture by fixture,
    ``worst`` the highest of these."""

    kind: str
    payloads: int
    reading: float
    bare: float
    share: float
    worst: float


def costs() -> list[Cost]:
    """By kind of payload, of every fixture that is a lead."""
    maps = load_maps()
    groups: dict[str, list[tuple[float, float]]] = {}
    for sample in (*samples(), *map(_large, [one for one in samples() if one.content_type == TYPES[".eml"]][::9])):
        delivered = Delivered(sample.body, sample.content_type, Channel.HTTP, AT)
        reading = read(delivered, maps)
        if len(reading.leads) != 1:
            continue
        pair = _each_other(partial(read, delivered, maps), partial(_bare, sample, reading.leads[0]))
        groups.setdefault(_kind(sample), []).append(pair)
    return [_cost(kind, rows) for kind, rows in sorted(groups.items())]


def _kind(sample: Sample) -> str:
    if sample.content_type != TYPES[".eml"]:
        return next(suffix[1:] for suffix, kind in TYPES.items() if kind == sample.content_type)
    if "forward" in sample.name:
        return "mail, forwarded"
    return "mail, 20 KB of HTML" if len(sample.body) >= _LARGE else "mail"


def _large(sample: Sample) -> Sample:
    """The same mail with the styles, tables and pictures that a template's HTML has around its words."""
    head, _, rest = sample.body.partition(b"</body>")
    if not rest:
        head, _, rest = sample.body.partition(b"</html>")
    row = (
        b'<tr><td style="padding:0 12px;font:14px/20px Arial"><img src="https://example.com/a.png" width="1">'
        b'<a href="https://example.com/l?c=%d" style="color:#333">Read more in the help centre</a></td></tr>\r\n'
    )
    filler = (
        b"<table>" + b"".join(row % number for number in range((_LARGE - len(sample.body)) // 190 + 1)) + b"</table>"
    )
    return Sample(sample.name, head + filler + b"</body>" + rest if rest else sample.body, sample.content_type)


def _each_other(one: Callable[[], object], other: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of CPU of both: the least of several turns, taken by turns, so that the machine is the same."""
    best = [float("inf"), float("inf")]
    for _ in range(_TIMES):
        for place, call in enumerate((one, other)):
            count, began = 0, time.perf_counter_ns()
            start = time.process_time_ns()
            while time.perf_counter_ns() - began < 4_000_000 or count < 2:
                call()
                count += 1
            best[place] = min(best[place], (time.process_time_ns() - start) / count / 1e6)
    return best[0], best[1]


def _cost(kind: str, rows: list[tuple[float, float]]) -> Cost:
    shares = sorted(one / other for one, other in rows)
    return Cost(
        kind,
        len(rows),
        statistics.median(one for one, _ in rows),
        statistics.median(other for _, other in rows),
        statistics.median(shares),
        shares[-1],
    )


def _bare(sample: Sample, lead: Lead) -> None:
    """What any program must call: the format's parser, HTML to text, and the libraries that make values of texts."""
    match sample.content_type:
        case "application/json":
            json.loads(sample.body)
        case "application/xml":
            etree.fromstring(sample.body, etree.XMLParser(recover=True, resolve_entities=False, no_network=True))
        case "text/csv":
            list(csv.reader(io.StringIO(sample.body.decode("utf-8", "replace"))))
        case "message/rfc822":
            _bare_mail(BytesParser(policy=compat32).parsebytes(sample.body))
        case _:
            parse_qsl(sample.body.decode("latin-1"), keep_blank_values=True)
    for phone in lead.phones:
        number = phonenumbers.parse(phone.value.e164)
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        phonenumbers.is_possible_number_with_reason(number)
    for email in lead.emails:
        try:
            validate_email(email.value.address, check_deliverability=False)
        except EmailNotValidError:
            continue
    for name in (lead.name, *lead.co_applicants):
        if name is not None:
            _NAMES.parse(name.value.text)


def _bare_mail(message: Message) -> None:
    for part in message.walk():
        data = part.get_payload(decode=True)
        if not isinstance(data, bytes) or part.get_content_maintype() != "text":
            continue
        text = text_of(data, part.get_content_charset() or "utf-8")
        if part.get_content_subtype() == "html":
            body = LexborHTMLParser(text).body
            if body is not None:
                body.text(separator="\n")
