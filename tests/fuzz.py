"""Hostile payloads made of the fixtures, and what reading them may cost: a reading each, in bounded time and memory.

    python -m tests.fuzz [--minutes N] [--seed N] [--keep FOLDER] [FILE…]

Every payload is one or two fixtures after one to three mutations; everything about it follows from the seed and its
number. What breaks the promise is kept in FOLDER (default var/fuzz) and can be tried again by its name. One module, as
a payload is found again only while every draw comes from one stream.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from leadsvc.fieldmap import MapSet, load_maps
from leadsvc.model import Channel, Delivered, Reading, Verdict
from leadsvc.reading import read

FIXTURES = Path(__file__).parent / "fixtures"
TYPES = {
    ".eml": "message/rfc822", ".json": "application/json", ".form": "application/x-www-form-urlencoded",
    ".xml": "application/xml", ".csv": "text/csv",
}  # fmt: skip
AT = datetime(2026, 2, 10, tzinfo=UTC)
SECONDS = 1.0
"""CPU seconds that reading one payload of up to ``MAX_BYTES`` may take, and those for each lead in it."""
SECONDS_A_LEAD = 0.01
MIB = 100
"""Memory that it may need at its peak, on top of what the process has."""
MAX_BYTES = 2_000_000
_GIVE_UP_S = 20.0
_MANY = 10_000

Mutation = Callable[[random.Random, bytes, bytes], bytes]


@dataclass(frozen=True)
class Sample:
    """One fixture as it is sent."""

    name: str
    body: bytes
    content_type: str


@dataclass(frozen=True)
class Payload:
    """One hostile payload; ``made_by`` names the sample and the mutations."""

    made_by: str
    body: bytes
    content_type: str


@dataclass(frozen=True)
class Outcome:
    """How one reading went; ``wrong`` is empty when everything promised held."""

    seconds: float
    mib: float
    wrong: str = ""


class _GivenUp(BaseException):
    """Raised in the middle of a reading that takes far too long; nothing in a reader can catch it."""


@cache
def samples() -> tuple[Sample, ...]:
    """Every payload of ``tests/fixtures``, in a fixed order."""
    files = (file for file in sorted(FIXTURES.glob("*/*")) if file.suffix in TYPES)
    return tuple(
        Sample(f"{file.parent.name}/{file.name}", file.read_bytes(), TYPES[file.suffix])
        for file in files
        if not file.name.endswith(".expected.json")
    )


# -- mutations --------------------------------------------------------------------------------------------------------

_TOKENS = (
    b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\r\n", b"\r\n\r\n", b"--", b"--=", b"<", b">", b"</", b"<!--",
    b"<![CDATA[",
    b"]]>", b"&#0;", b"&", b"=", b"%", b"%00", b"%ZZ", b"\"", b"'", b"{", b"}", b"[", b"]", b":", b",", b"\\u0000",
    b"\\ud800", b"=?utf-8?b?", b"=?utf-8?q?=", b"?=", b"=\r\n", b"From: ", b"Fwd: ", b"Re: ", b"> ", b"@", b"<a@b>",
    b"Name: ", b"Email: ", b"Phone: ", b"-- \r\n", b"On Mon, Ann <a@example.com> wrote:", b"Content-Type: ",
    b"multipart/mixed; boundary=x", b"message/rfc822", b"\xe2\x80\x8b", b"\xc2\xa0", b"<div style=\"display:none\">",
    b"<blockquote type=cite>", b"<table><tr><td>", b"1e999", b"-1", b"9" * 30, b"<!DOCTYPE a [<!ENTITY a \"a\">]>",
)  # fmt: skip
_LINES = (
    b"Name: Ann Lee", b"Email: a@example.com", b"Phone: (706) 555-0142", b"From: Ann <a@example.com>",
    b"To: b@example.com",
    b"Subject: Fwd: x", b"---- Forwarded message ----", b"On Mon, Jan 5, Ann Lee <a@example.com> wrote:", b"> ", b"-- ",
    b"[10:31 AM] Ann Lee: Hi", b"Visitor: Hi", b"600 Oakline Ave", b"Columbus, GA 31901", b"Lead 1 of 10", b"Sent: x",
    b"Content-Type: text/plain", b"X-A: 1", b"Received: from a by b for <c@example.com>; x", b"<br>",
    b"&nbsp;", b"________",
    b"moving in on March 3", b"2 bedrooms, 1 bath, $1,200", b"Ann, a@example.com, 706-555-0142", b"* * *", b"",
)  # fmt: skip
_WORDS = (
    b"a", b"A ", b"1", b" ", b"\t", b"-", b"_", b".", b",", b":", b"@", b"(", b"<", b"&", b"'", b"a.", b"a@",
    b"@a", b"a-",
    b"1-", b"(1", b"$1", b"1,", b"Name: ", b"Ann Lee ", b"x says ", b"and ", b"the ", b"moving ", b"for a ", b"Apt 1 ",
    b"10 Oak St ", b"2 bed ", b"March 3 ", b"555-0142 ", b"http://a?", b"<b>", b"</b>", b"&nbsp;", b"=20",
    b"\xc3\xa9", b"\xc2\xa0",
)  # fmt: skip


def _spot(random: random.Random, body: bytes) -> int:
    return random.randrange(len(body) + 1)


def _line_at(random: random.Random, body: bytes) -> tuple[int, int]:
    """Where a line begins and ends, its line end included."""
    at = _spot(random, body)
    start = body.rfind(b"\n", 0, at) + 1
    end = body.find(b"\n", at)
    return start, len(body) if end < 0 else end + 1


def flip(random: random.Random, body: bytes, other: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(random.choice((1, 5, 50))):
        if changed:
            changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def insert(random: random.Random, body: bytes, other: bytes) -> bytes:
    for _ in range(random.choice((1, 3, 20))):
        at = _spot(random, body)
        body = body[:at] + random.choice(_TOKENS) + body[at:]
    return body


def cut(random: random.Random, body: bytes, other: bytes) -> bytes:
    start, end = sorted((_spot(random, body), _spot(random, body)))
    return random.choice((body[:end], body[start:], body[:start] + body[end:]))


def splice(random: random.Random, body: bytes, other: bytes) -> bytes:
    at = _spot(random, body)
    return body[:at] + other[_spot(random, other) :]


def enclose(random: random.Random, body: bytes, other: bytes) -> bytes:
    start, end = _line_at(random, body)
    return body[: random.choice((start, end))] + other + body[end:]


def repeat_line(random: random.Random, body: bytes, other: bytes) -> bytes:
    start, end = _line_at(random, body)
    times = min(random.choice((10, 1_000, _MANY)), MAX_BYTES // max(1, end - start))
    return body[:end] + body[start:end] * times + body[end:]


def add_lines(random: random.Random, body: bytes, other: bytes) -> bytes:
    lines = b"".join(random.choice(_LINES) + b"\r\n" for _ in range(random.choice((1, 2, 3))))
    _, end = _line_at(random, body)
    return body[:end] + lines * random.choice((1, 100, _MANY)) + body[end:]


def move_lines(random: random.Random, body: bytes, other: bytes) -> bytes:
    rows = body.split(b"\n")
    random.shuffle(rows)
    return b"\n".join(rows)


def long_run(random: random.Random, body: bytes, other: bytes) -> bytes:
    """One word again and again: a line of a megabyte, or a few thousand characters that pass every limit."""
    at = random.choice((_spot(random, body), _line_at(random, body)[0], max(0, _line_at(random, body)[1] - 1)))
    word = b"".join(random.choice(_WORDS) for _ in range(random.choice((1, 1, 2))))
    return body[:at] + word * (random.choice((300, 3_900, 100_000, 1_000_000)) // len(word)) + body[at:]


def no_breaks(random: random.Random, body: bytes, other: bytes) -> bytes:
    head, gap, rest = body.partition(b"\r\n\r\n" if b"\r\n\r\n" in body else b"\n\n")
    return head + gap + rest.replace(b"\r\n", b" ").replace(b"\n", b" ") * random.choice((1, 1, 20))


def nest(random: random.Random, body: bytes, other: bytes) -> bytes:
    """Tags, brackets or quotation marks inside each other."""
    begin, end = random.choice((
        (b"<div>", b"</div>"), (b"<table><tr><td>", b"</td></tr></table>"), (b"[", b"]"), (b'{"a":', b"}"),
        (b"> ", b""), (b"<a>", b"</a>"), (b"(", b")"), (b"<b>", b""), (b"<blockquote type=cite>", b"</blockquote>"),
        (b'<p style="display:none">', b"</p>"),
    ))  # fmt: skip
    start, stop = _line_at(random, body)
    times = random.choice((10, 500, _MANY, 50_000))
    return body[:start] + begin * times + body[start:stop] + end * times + body[stop:]


def tags(random: random.Random, body: bytes, other: bytes) -> bytes:
    """Tags dropped, doubled or exchanged."""
    pieces = body.split(b"<")
    for _ in range(random.choice((1, 5, 30))):
        one, two = random.randrange(len(pieces)), random.randrange(len(pieces))
        pieces[one] = random.choice((b"", pieces[one] * 2, pieces[two]))
    return b"<".join(pieces)


def _changed(random: random.Random, value: Any, other: Any, depth: int = 0) -> Any:
    """A JSON value with one of its parts exchanged for something of another kind, or grown."""
    if isinstance(value, dict) and value and random.random() < 0.85 and depth < 8:
        key = random.choice(list(value))
        return {**value, key: _changed(random, value[key], other, depth + 1)}
    if isinstance(value, list) and value and random.random() < 0.7 and depth < 8:
        at = random.randrange(len(value))
        return [*value[:at], _changed(random, value[at], other, depth + 1), *value[at + 1 :]]
    value = value if len(str(value)) < 2_000 else str(value)[:2_000]
    nested: Any = value
    for _ in range(random.choice((3, 100, 400))):
        nested = [nested] if random.random() < 0.5 else {"value": nested}
    return random.choice((
        None, True, 0, -1, 1e308, 10**30, "", "\x00", "\ud800", [], {}, [value] * 50,
        {f"k{n}": value for n in range(900)},
        [[value]], {"value": value}, nested, other, str(value)[:300] * 5_000, random.choice(_WORDS).decode() * _MANY,
    ))  # fmt: skip


def json_values(random: random.Random, body: bytes, other: bytes) -> bytes:
    try:
        value, rest = json.loads(body), json.loads(other or b"null")
    except (ValueError, RecursionError):
        return insert(random, body, other)
    for _ in range(random.choice((1, 3))):
        value = _changed(random, value, rest)
    try:
        return json.dumps(value, ensure_ascii=random.random() < 0.8).encode("utf-8", "surrogatepass")
    except RecursionError:
        return body


def fields(random: random.Random, body: bytes, other: bytes) -> bytes:
    """Fields of a form exchanged, emptied, doubled, many times over."""
    pieces = body.split(b"&")
    for _ in range(random.choice((1, 5))):
        at = random.randrange(len(pieces))
        name = pieces[at].partition(b"=")[0]
        pieces[at] = name + b"=" + random.choice(_WORDS) * random.choice((0, 1, 300, _MANY))
    joined = b"&".join(pieces)
    return b"&".join([joined] * min(random.choice((1, 1, 2, 200)), 1 + MAX_BYTES // (len(joined) + 1)))


def headers(random: random.Random, body: bytes, other: bytes) -> bytes:
    """Headers many, long, folded or doubled."""
    name = random.choice((
        b"From", b"To", b"Cc", b"Subject", b"Date", b"Reply-To", b"Received", b"Content-Type", b"Message-ID", b"X-A",
        b"Delivered-To", b"Authentication-Results", b"X-Original-From", b"Content-Transfer-Encoding", b"References",
    ))  # fmt: skip
    word = random.choice(
        (b"<a@example.com>, ", b"Ann ", b"=?utf-8?q?a?= ", b"(", b'"', b"a;b=", b"\r\n ", b"a@b ", b"Re: ", b",")
    )
    return name + b": " + word * random.choice((1, 50, 400, 20_000)) + b"\r\n" + body


def mime(random: random.Random, body: bytes, other: bytes) -> bytes:
    """The mail as a part among others: many of them, deep, encoded, or attached as mails."""
    times = random.choice((1, 20, 190, 5_000))
    kind = random.choice(
        (b"text/plain", b"text/html", b"message/rfc822", b"application/xml", b"text/vcard", b"text/csv")
    )
    inside = random.choice((body, other, base64.encodebytes(body)))[: MAX_BYTES // times]
    coding = random.choice((b"7bit", b"base64", b"quoted-printable", b"8bit", b"x-none"))
    part = b"--b\r\nContent-Type: %s; charset=%s\r\nContent-Transfer-Encoding: %s\r\n\r\n%s\r\n" % (
        kind, random.choice((b"utf-8", b"utf-16", b"klingon", b"utf-7", b"idna", b"punycode")), coding, inside,
    )  # fmt: skip
    head = body.partition(b"\r\n\r\n" if b"\r\n\r\n" in body else b"\n\n")[0]
    own = [row for row in head.split(b"\n") if not row.lower().startswith((b"content-", b" ", b"\t"))]
    opened = b"\r\nContent-Type: multipart/%s; boundary=b\r\n\r\n"
    opened %= random.choice((b"mixed", b"alternative", b"report", b"digest"))
    return b"\n".join(own) + opened + part * times + b"--b--\r\n"


_ANY: tuple[Mutation, ...] = (flip, insert, cut, splice, enclose, repeat_line, add_lines, move_lines, long_run, nest)
_BY_TYPE: dict[str, tuple[Mutation, ...]] = {
    TYPES[".eml"]: (no_breaks, tags, headers, mime),
    TYPES[".json"]: (json_values, json_values, json_values),
    TYPES[".form"]: (fields, fields),
    TYPES[".xml"]: (tags, tags, no_breaks),
    TYPES[".csv"]: (),
}


def payload(seed: int, number: int) -> Payload:
    """The ``number``-th payload of ``seed``."""
    chance = random.Random(f"{seed} {number}")
    sample, other = chance.choice(samples()), chance.choice(samples())
    body, names = sample.body, []
    for _ in range(chance.choice((1, 1, 2, 3))):
        mutation = chance.choice((*_ANY, *_BY_TYPE[sample.content_type] * 2))
        body = mutation(chance, body, other.body)[:MAX_BYTES]
        names.append(mutation.__name__)
    content_type = sample.content_type if chance.random() < 0.95 else chance.choice([*TYPES.values(), "text/plain", ""])
    return Payload(f"{sample.name} {'+'.join(names)}", body, content_type)


# -- trying them ------------------------------------------------------------------------------------------------------


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raise :class:`_GivenUp` where the process is when it has used so much CPU."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise _GivenUp

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _peak_mib(*, start: bool = False) -> float:
    """MiB resident now (``start``, which also forgets the peak), or at the peak since then."""
    if start:
        Path("/proc/self/clear_refs").write_text("5")
    wanted = "VmRSS" if start else "VmHWM"
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(wanted))) / 1024


def tried(made: Payload, maps: MapSet) -> Outcome:
    """Read one payload, and say what it cost and what was wrong."""
    delivered = Delivered(made.body, made.content_type, Channel.HTTP, AT)
    before, began = _peak_mib(start=True), time.process_time()
    wrong, leads = "", 0
    try:
        with _at_most(_GIVE_UP_S):
            reading = read(delivered, maps)
        wrong, leads = _unsound(reading), len(reading.leads)
    except _GivenUp:
        wrong = f"given up after {_GIVE_UP_S:.0f} s of CPU, in {_where()}"
    except Exception:  # noqa: BLE001  # whatever comes out of a reader is what is looked for
        wrong = f"raised {_where()}"
    seconds, mib = time.process_time() - began, _peak_mib() - before
    if not wrong and seconds > SECONDS + SECONDS_A_LEAD * leads:
        wrong = f"took {seconds:.1f} s of CPU"
    if not wrong and mib > MIB:
        wrong = f"needed {mib:.0f} MiB"
    return Outcome(seconds, mib, wrong)


def _where() -> str:
    """The exception under way with the last lines of ours that it came through."""
    kind, error, trace = sys.exc_info()
    frames = [
        frame for frame in traceback.extract_tb(trace) if "leadsvc" in frame.filename or "parsers" in frame.filename
    ]
    told = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-6:]))
    return f"{kind.__name__ if kind else ''} {str(error)[:200]} {told}"


def _unsound(reading: Reading) -> str:
    """What is wrong with the answer: it must be leads that can be stored, a class, or a quarantine with its reason."""
    if reading.verdict is Verdict.LEADS:
        values = [
            v for lead in reading.leads for v in (lead.name, lead.message, *lead.emails, *lead.property_hints) if v
        ]
        text = "".join(value.raw + str(value.value) for value in values)
        try:
            text.encode()
        except UnicodeError:
            return "a value is no UTF-8"
        return "a value holds NUL" if "\x00" in text else "" if reading.leads else "leads, but none"
    return "" if reading.cause and reading.detail else "no reason given"


def warm() -> MapSet:
    """All maps after they have read every sample: what is made when first needed is no cost of a payload."""
    maps = load_maps()
    for sample in samples():
        tried(Payload(sample.name, sample.body, sample.content_type), maps)
    return maps


def run(seed: int, maps: MapSet, *, seconds: float = 0.0, count: int = 0) -> Iterator[tuple[int, Payload, Outcome]]:
    """Try payloads of ``seed`` until ``seconds`` have passed or ``count`` are tried."""
    number, end = 0, time.monotonic() + seconds
    while number < count or (not count and time.monotonic() < end):
        made = payload(seed, number)
        yield number, made, tried(made, maps)
        number += 1


def kept(folder: Path, seed: int, number: int, made: Payload) -> Path:
    """Write a payload down; its suffix says its content type."""
    suffix = next((suffix for suffix, kind in TYPES.items() if kind == made.content_type), ".bin")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{seed}-{number}{suffix}"
    path.write_bytes(made.body)
    return path


def main(words: list[str] | None = None) -> int:
    """Fuzz for a while, or try files again; exit status 1 when a promise is broken."""
    parser = argparse.ArgumentParser(description="Hostile payloads for every reader and map.")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="payloads to try again")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long (default 5)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--keep", type=Path, default=Path("var/fuzz"), help="where what breaks a promise is written")
    chosen = parser.parse_args(words)
    maps = warm()
    broken = tries = 0
    costs: list[tuple[float, str]] = []
    for file in chosen.files:
        outcome = tried(Payload(file.name, file.read_bytes(), TYPES.get(file.suffix, "")), maps)
        broken += bool(outcome.wrong)
        print(f"{file}: {outcome.seconds:.2f} s, {outcome.mib:.0f} MiB {outcome.wrong}", flush=True)  # noqa: T201
    if not chosen.files:
        for number, made, outcome in run(chosen.seed, maps, seconds=60 * chosen.minutes):
            tries += 1
            costs = sorted([*costs, (outcome.seconds, made.made_by)], reverse=True)[:5]
            if outcome.wrong:
                broken += 1
                path = kept(chosen.keep, chosen.seed, number, made)
                print(f"{path}: {outcome.wrong} ({made.made_by}, {len(made.body):,} bytes)", flush=True)  # noqa: T201
        slowest = ", ".join(f"{seconds:.2f} s {name}" for seconds, name in costs)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"seed {chosen.seed}: {tries} payloads, {broken} wrong, process at most {peak} MiB; slowest {slowest}")  # noqa: T201
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
