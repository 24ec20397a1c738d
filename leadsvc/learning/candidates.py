"""Where a value of a sample may stand: alternatives of the map language, tried later on every sample. Those of mails
are here, the others in :mod:`leadsvc.learning.structured`. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from urllib.parse import parse_qsl, urlsplit

from leadsvc.learning.samples import Sample
from leadsvc.learning.structured import Candidate, of_keyed, of_xml
from leadsvc.normalize.mailtext import bare_subject
from leadsvc.normalize.records import KeyedRecord, MailRecord, Record, XmlRecord

_LABEL = re.compile(
    r"^[>*\s\u2022\u00b7\[-]*(?P<label>[^\W\d_][^:\uff1a\[\]<>@]{0,38}?)\s*\]?\s*\*?\s*"
    r"[:\uff1a](?!//)\s*(?P<value>.*)$"
)
_BARE = re.compile(r"^[^\W\d_][\w /()'?#.-]{1,34}$")
_MAX_ANCHORS = 60
_MAX_NODES = 3_000
_LINK = re.compile(r"https?://[^\s<>\"')\]]{1,2000}")


def candidates(samples: Sequence[Sample]) -> list[Candidate]:
    """Every place that holds a value in any of ``samples``, each once."""
    found: dict[str, Candidate] = {}
    scene = anchors(samples)
    for sample in samples:
        for one in _of(sample.record, sample, scene):
            found.setdefault(repr(one.spec), one)
    return list(found.values())


def _of(record: Record, sample: Sample, fixed: Sequence[str]) -> Iterator[Candidate]:
    if isinstance(record, KeyedRecord):
        return of_keyed(record)
    return of_xml(record) if isinstance(record, XmlRecord) else _mail(record, sample, fixed)


# -- mails -------------------------------------------------------------------------------------------------------------


def labels(samples: Sequence[Sample]) -> list[str]:
    """Everything before a colon at the start of a line that is no part of a renter's words, most frequent first."""
    seen: Counter[str] = Counter()
    for sample in samples:
        if not isinstance(sample.record, MailRecord):
            continue
        words = " ".join(str(sample.wanted.get("message") or "").split()).casefold()
        here = set()
        for view in sample.record.views:
            for row in view:
                match = _LABEL.match(row)
                label = " ".join(match["label"].split()) if match else ""
                if label and not (words and " ".join(row.split()).casefold() in words) and not _named(label, sample):
                    here.add(label)
        seen.update(here)
    return [label for label, _ in seen.most_common(80)]


def anchors(samples: Sequence[Sample]) -> list[str]:
    """Lines that stand in every mail alike and hold nobody's data: what a sender's template says."""
    common: Counter[str] = Counter()
    mails = [(sample, sample.record) for sample in samples if isinstance(sample.record, MailRecord)]
    for sample, record in mails:
        rows = {" ".join(row.split()) for view in record.views for row in view}
        common.update(row for row in rows if 3 <= len(row) <= 90 and not _personal(row, sample))
    return [row for row, count in common.items() if count == len(mails)][:_MAX_ANCHORS]


def _personal(row: str, sample: Sample) -> bool:
    match = _LABEL.match(row)
    if match and match["value"].strip():
        return True
    if "@" in row or re.search(r"\d{3}", row):
        return True
    message = " ".join(str(sample.wanted.get("message") or "").split()).casefold()
    return row.casefold() in message or _named(row, sample)


def _named(text: str, sample: Sample) -> bool:
    """Whether ``text`` holds the renter's or the property's name."""
    return any(
        len(str(value)) > 2 and re.search(rf"\b{re.escape(str(value).casefold())}\b", text.casefold())
        for value in (sample.wanted.get(key) for key in ("first_name", "last_name", "property_hint"))
        if value
    )


def common_start(samples: Sequence[Sample]) -> str:
    """The words every subject starts with, up to the first that is somebody's."""
    words: list[str] = []
    subjects = [bare_subject(one.record.subject).split() for one in samples if isinstance(one.record, MailRecord)]
    for column in zip(*subjects, strict=False):
        if len(set(column)) > 1 or any(
            _named(column[0], one) or word in _known_words(one) for one in samples for word in column
        ):
            break
        words.append(column[0])
    return " ".join(words) if len(words) > 1 else ""


def _known_words(sample: Sample) -> set[str]:
    return {word for text in _known(sample) for word in text.split()}


def line_pattern(row: str) -> str:
    """``row`` as a pattern for a whole line; white space may differ."""
    return f"^{literal(row)}$"


def literal(text: str) -> str:
    """``text`` as a pattern; white space may differ."""
    return r"\s+".join(re.escape(word) for word in text.split())


def _mail(record: MailRecord, sample: Sample, fixed: Sequence[str]) -> Iterator[Candidate]:
    yield from _headers(record)
    yield from _labels(record, sample)
    yield from _subject(record, sample)
    yield from _tree(record)
    for parameter in dict.fromkeys(_parameters(record)):
        yield Candidate({"link": parameter}, parameter, 5)
    yield from _addresses(fixed)
    yield from _lines(record, sample, fixed)
    yield from _blocks(record, sample, fixed)


def _headers(record: MailRecord) -> Iterator[Candidate]:
    for header, box in (("reply_to", record.reply_to), ("from", record.sender)):
        rank = 3 if header == "reply_to" else 4
        if box.address:
            yield Candidate({header: "address"}, "email", rank)
            yield Candidate({header: "local"}, "", rank + 2)
        if box.name:
            yield Candidate({header: "name"}, "name", rank)
    yield Candidate({"tag": "mailbox"}, "", 4)
    for name in record.headers:
        if name.startswith("x-") and not name.startswith(("x-original", "x-forwarded", "x-google", "x-received")):
            yield Candidate({"header": name}, name.removeprefix("x-"), 5)


def _labels(record: MailRecord, sample: Sample) -> Iterator[Candidate]:
    for view in record.views:
        for row, following in zip(view, [*view[1:], ""], strict=True):
            match = _LABEL.match(row)
            if match is not None:
                label = " ".join(match["label"].split())
            elif _BARE.match(row) and following.strip():
                label = row.strip(" ?")
            else:
                continue
            if _named(label, sample):
                continue
            rank = 1 if match is not None else 4
            yield Candidate({"label": label}, label, rank)
            yield Candidate({"label": label, "multiline": True, "convert": ["own_words", "unquote"]}, label, rank - 1)


def _parameters(record: MailRecord) -> Iterator[str]:
    urls = _LINK.findall(record.text)[:100]
    if record.tree is not None:
        urls += [node.attributes.get("href") or "" for node in record.tree.css("a[href]")[:100]]
    for url in urls:
        try:
            yield from (name for name, value in parse_qsl(urlsplit(url).query) if value)
        except ValueError:
            continue


def _tree(record: MailRecord) -> Iterator[Candidate]:
    if record.tree is None:
        return
    for node in record.tree.css("meta[name][content]")[:200]:
        name = node.attributes.get("name") or ""
        if re.fullmatch(r"[\w:.-]{2,60}", name):
            yield Candidate({"meta": name}, re.sub("^lead_", "", name), 0)
    for node in record.tree.css("[id],[class],[itemprop],[data-field],[data-name],[data-selenium-id]")[:_MAX_NODES]:
        for attribute, value in node.attributes.items():
            text = value or ""
            if attribute == "id" and re.fullmatch(r"[A-Za-z][\w-]{1,50}", text):
                yield Candidate({"css": f"#{text}"}, text, 2)
            elif attribute == "itemprop" or attribute.startswith("data-"):
                if re.fullmatch(r"[\w-]{2,60}", text):
                    yield Candidate({"css": f'[{attribute}="{text}"]'}, text, 2)
            elif attribute == "class":
                for name in text.split()[:4]:
                    if re.fullmatch(r"[A-Za-z][\w-]{1,50}", name):
                        yield Candidate({"css": f".{name}"}, name, 3)


# -- values inside a sentence ------------------------------------------------------------------------------------------


def _known(sample: Sample) -> list[str]:
    """The expected texts that may stand in a line of prose, the longest first."""
    wanted = sample.wanted
    whole = " ".join(str(wanted[key]) for key in ("first_name", "last_name") if wanted.get(key))
    texts = [whole, *(str(wanted.get(key) or "") for key in _PROSE)]
    for key in ("property_hint", "unit_hint"):
        accepted = wanted.get("accept", {}).get(key, [])
        texts += [str(option) for option in (accepted if isinstance(accepted, list) else [accepted])]
    return sorted({text for text in texts if len(text) > 1}, key=len, reverse=True)


_PROSE = ("first_name", "last_name", "email", "property_hint", "unit_hint", "floor_plan_hint", "external_id")


def sentence_patterns(row: str, sample: Sample) -> Iterator[str]:
    """Patterns that take one known value out of ``row``, with any other known value left open."""
    spans: list[tuple[int, int]] = []
    for text in _known(sample):
        for match in re.finditer(rf"(?<!\w){re.escape(text)}(?!\w)", row, re.IGNORECASE):
            if all(match.end() <= start or match.start() >= end for start, end in spans):
                spans.append(match.span())
    spans.sort()
    for chosen in spans:
        parts, at = ["^"], 0
        for span in spans:
            parts.append(_open(row[at : span[0]]))
            parts.append("(?P<v>.{1,120}?)" if span == chosen else ".{1,120}?")
            at = span[1]
        parts.append(_open(row[at:]) + "$")
        yield "".join(parts)
        before = " ".join(row[: chosen[0]].split()[-3:])
        after = " ".join(row[chosen[1] :].split()[:2])
        if len(before) > 2 and len(spans) > 1:
            end = rf"\s*{_open(after)}" if after else "$"
            yield rf"{_open(before)}\s*(?P<v>.{{1,120}}?){end}"
        if len(before) > 2:
            yield rf"{_open(before)}\s*(?P<v>.{{1,160}})$"


def _open(words: str) -> str:
    """``words`` as a pattern; numbers in it may be others (prices, counts)."""
    pieces = [r"[\d.,]+" if re.fullmatch(r"[\d.,]*\d[\d.,]*", word) else re.escape(word) for word in words.split()]
    text = r"\s+".join(pieces)
    if words[:1].isspace():
        text = r"\s+" + text
    return text + (r"\s+" if len(words) > 1 and words[-1:].isspace() and pieces else "")


def _subject(record: MailRecord, sample: Sample) -> Iterator[Candidate]:
    for pattern in sentence_patterns(bare_subject(record.subject), sample):
        yield Candidate({"subject": pattern}, "", 4)


def _lines(record: MailRecord, sample: Sample, fixed: Sequence[str]) -> Iterator[Candidate]:
    anchored = {line.casefold() for line in fixed}
    for view in record.views:
        above = ""
        for row in view[:400]:
            squeezed = " ".join(row.split())
            told = _LABEL.match(squeezed)
            for pattern in () if told and told["value"] else sentence_patterns(squeezed, sample):
                if re.sub(r"\(\?P<v>[^)]*\)|[\^$]|\.\{1,120\}\?|\\s[+*]", "", pattern).strip():
                    yield Candidate({"line": {"like": pattern}}, "", 6)
            if above and squeezed and squeezed.casefold() not in anchored:
                yield Candidate({"line": {"like": "^(?P<v>.{1,160})$", "after": [line_pattern(above)]}}, "", 5)
            if squeezed.casefold() in anchored:
                above = squeezed
            elif squeezed:
                above = ""


# "600 Oakline Ave, Columbus, GA 31901", alone in its line.
_ADDRESS_LINE = r"^\d{1,6}\s.{3,100},\s*[A-Z]{2}\b(?:,?\s+\d{5}(?:-\d{4})?)?$"


def _addresses(fixed: Sequence[str]) -> Iterator[Candidate]:
    yield Candidate({"line": {"like": _ADDRESS_LINE}, "convert": ["address"]}, "address", 3)
    for row in fixed:
        yield Candidate({"block": {"after": [line_pattern(row)]}, "convert": ["address_lines"]}, "address", 4)


def _blocks(record: MailRecord, sample: Sample, fixed: Sequence[str]) -> Iterator[Candidate]:
    """The renter's words between two lines of the template, with whatever else of it may follow."""
    first = next((row for row in str(sample.wanted.get("message") or "").split("\n") if row.strip()), "")
    start_words = " ".join(first.split()).casefold()[:40]
    if not start_words:
        return
    anchored = {line.casefold(): line for line in fixed}
    for view in record.views:
        rows = [" ".join(row.split()) for row in view]
        at = next((index for index, row in enumerate(rows) if start_words[:25] in row.casefold()), None)
        if at is None:
            continue
        above = next((row for row in reversed(rows[:at]) if row), "")
        after = [line_pattern(above)] if above.casefold() in anchored else list(_opening(above, sample))
        ends = [line_pattern(row) for row in dict.fromkeys(rows[at + 1 :]) if row.casefold() in anchored][:12]
        ends += [rf"^{literal(label)}\s*:" for label in labels([sample])][:30]
        for opening in after[:3]:
            spec = {"block": {"after": [opening], **({"before": ends} if ends else {})}}
            yield Candidate({**spec, "convert": ["own_words", "unquote"]}, "message", 3)
        if ends and not after:
            yield Candidate({"block": {"before": ends}, "convert": ["own_words", "unquote"]}, "message", 6)


def _opening(above: str, sample: Sample) -> Iterator[str]:
    for pattern in sentence_patterns(above, sample):
        yield re.sub(r"\(\?P<v>([^)]*)\)", r"\1", pattern)
