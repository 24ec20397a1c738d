"""Mails that bring several leads: lists of labelled blocks, tables, and one renter a line. Pure.

A mail is only taken apart when two of its parts name different people to reach; a mail about one renter that also names
an agent or a room-mate stays whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from selectolax.lexbor import LexborNode

from leadsvc.fieldmap.scene import Layout
from leadsvc.normalize.emails import emails
from leadsvc.normalize.phones import phones
from leadsvc.normalize.records import Mailbox, MailRecord

MAX_LEADS: Final = 200
_ROWS: Final = 1_000
_TABLES: Final = 40
_COUNTED: Final = (
    r"(?:\d+|two|three|four|five|six|seven|eight|nine|ten|several|multiple|new|today'?s|yesterday'?s|your|dos|tres|deux"
    r"|trois)"
)
_CUE: Final = re.compile(
    rf"\b{_COUNTED}\s+(?:new |fresh |unread )*"
    r"(?:leads|inquiries|enquiries|prospects|contacts|guest cards|renters|people|requests)\b"
    r"|\b(?:daily|weekly|morning|evening|lead|leads|inquiry|prospect)s?\s+(?:digest|summary|recap|round-?up|list)\b",
    re.IGNORECASE,
)
_NUMBERED: Final = re.compile(
    r"^(?:[>*\s]*)(?:(?:lead|inquiry|enquiry|prospect|contact|renter|guest card|client|request)\s*(?:no\.?|number)?"
    r"\s*#?\s*\d{1,3}(?:\s*(?:of|/)\s*\d{1,3})?\s*[:.)\u2013-]?|#?\d{1,3}\s*[.):]\s|\(\d{1,2}\)\s+(?=\D)"
    r"|(?:new|hot|fresh|another) (?:lead|inquiry|enquiry|prospect)\s+from\s)\s*(?P<rest>.*)$",
    re.IGNORECASE,
)
_BULLET: Final = re.compile(r"^[\u2022\u25cf\u25aa*\u2013-]\s+(?P<rest>\S.*)$")
_CUT: Final = re.compile(r"\s*(?:\||;|\u2022|\u00b7|\t| [\u2013\u2014-] |, )\s*")
_NAME_LABEL: Final = re.compile(
    r"^[>*\s\u2022\u00b7\[-]*"
    r"(?:(?:full|first|your|contact|customer|prospect|renter|lead|guest|visitor|client|caller|given)\s+)?"
    r"(?:name|prospect|renter|lead|guest|visitor|client|caller|nombre|nom|pr\u00e9nom|nombre completo|nom complet)"
    r"\s*\]?\s*[:\uff1a*]+\s*(?P<v>.*)$",
    re.IGNORECASE,
)
_NAME: Final = re.compile(r"^[^\W\d_][^\d@:/$]{1,60}$")
_RULE: Final = re.compile(r"^[-=_*~\u2013\u2014]{3,}$")
# Somebody else's block: whoever manages the listing, or shares the lead's household.
_OTHERS: Final = re.compile(
    r"\b(?:agent|office|manager|management|landlord|contact us|leasing (?:team|office|contact)|listed by"
    r"|property (?:contact|information|details)|listing (?:information|details)|assigned"
    r"|co-?applicant|room-?mate|spouse|guarantor|emergency|reference)\b",
    re.IGNORECASE,
)
_LIKELY: Final = re.compile(r"e-?mail\b[^\n:@]{0,20}:|correo|courriel|phone\b[^\n:]{0,20}:", re.IGNORECASE)
_CONTACTS: Final = frozenset({"email", "phone"})
_IDENTITY: Final = frozenset({"name", "given", "family", "email", "phone"})


def may_be_several(record: MailRecord) -> bool:
    """A cheap look: whether taking the mail apart could find more than one lead."""
    text = record.searchable
    return len(_LIKELY.findall(text)) >= 2 or says_several(record)


def says_several(record: MailRecord) -> bool:
    """Whether subject or first lines announce a list of leads."""
    head = "\n".join([record.subject, *(row for view in record.views[:1] for row in view[:12])])
    return bool(_CUE.search(head))


def parts(record: MailRecord, layout: Layout, fields: Mapping[str, str]) -> tuple[MailRecord, ...]:
    """The parts of ``record`` that are a lead each, in order; empty when it is no list of leads.

    ``layout`` knows the usual labels, ``fields`` says which field a label (lower case) is for.
    """
    for blocks in _ways(record, layout, fields):
        own = [_trimmed(block, record) for block in blocks[:MAX_LEADS] if _reach(block) and _has_name(block)]
        if len(own) >= 2 and len({tuple(_reach(block)) for block in own}) == len(own):
            return tuple(_part(record, block) for block in own)
    return ()


def _ways(record: MailRecord, layout: Layout, fields: Mapping[str, str]) -> Iterator[list[list[str]]]:
    yield from _tables(record, layout, fields)
    announced = says_several(record)
    for view in record.views:
        yield _labelled(view, layout, fields)
        yield _text_table(view, layout, fields)
        if announced:
            yield _numbered(view)
            yield _a_line_each(view)
            yield _paragraphs(view)


def _part(record: MailRecord, lines: Sequence[str]) -> MailRecord:
    """One lead's lines with what is known of the mail; nobody in the headers is this renter."""
    return replace(
        record,
        sender=Mailbox("", record.sender.address),
        reply_to=Mailbox(),
        subject="",
        text="",
        html="",
        attached=(),
        cards=(),
        inner=(tuple(lines),),
    )


def _trimmed(block: list[str], record: MailRecord) -> list[str]:
    """A block without the heading of the next one, and without what the sender says below the last."""
    foot = own_pages(record.sender.domain)
    rows = list(block)
    while len(rows) > 1:
        start = max((index for index, row in enumerate(rows[:-1]) if not row), default=0) + 1
        last = rows[start:]
        heading = len(last) == 1 and (match := _NUMBERED.match(last[0])) is not None and not match["rest"]
        if rows[-1] and not heading and not (start > 1 and foot is not None and any(foot.search(row) for row in last)):
            break
        del rows[start if rows[-1] else -1 :]
    return rows


def own_pages(domain: str) -> re.Pattern[str] | None:
    """What names an address or a page of ``domain`` or of its parent, ``None`` without a domain."""
    labels = domain.split(".")
    own = ".".join(labels[-3:] if len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) < 4 else labels[-2:])
    return re.compile(rf"(?:@|//|\bwww\.)(?:[\w-]+\.)*{re.escape(own)}(?![\w.-]*\w)", re.IGNORECASE) if own else None


def _reach(block: Sequence[str]) -> list[str]:
    """How the person of a block could be reached."""
    text = "\n".join(block)[:4_000]
    found = [value.value.key for row in block[:40] for value in emails(row)]
    return found or [value.value.e164 for row in text.split("\n")[:40] for value in phones(row)[0]]


def _has_name(block: Sequence[str]) -> bool:
    """Whether a labelled line of the block, or the one below its label, is somebody's name."""
    for index, row in enumerate(block[:40]):
        match = _NAME_LABEL.match(row)
        value = match["v"] or next((line for line in block[index + 1 : index + 2]), "") if match else ""
        if value and _NAME.match(value) and len(value.split()) <= 6 and "?" not in value:
            return True
    return False


# -- labels that come again -------------------------------------------------------------------------------------------


def _labelled(view: Sequence[str], layout: Layout, fields: Mapping[str, str]) -> list[list[str]]:
    """Blocks that start at the first of the labels which all come equally often."""
    at = list(_labels(view, layout, fields))
    counts = Counter(field for _, field, _ in at if field in _IDENTITY)
    number = max((counts[field] for field in counts if field in _CONTACTS), default=0)
    if number < 2:
        return []
    totals = Counter(label for _, _, label in at)
    first = next((label for index, field, label in at if totals[label] == number and not _aside(view, index)), None)
    if first is None:
        return []
    starts = [index for index, _, label in at if label == first]
    blocks = []
    for start, end in zip(starts, [*starts[1:], len(view)], strict=True):
        if not _aside(view, start):
            blocks.append(list(view[start:end]))
    return blocks


def _labels(view: Sequence[str], layout: Layout, fields: Mapping[str, str]) -> Iterator[tuple[int, str, str]]:
    pattern = layout.at_start
    if pattern is None:
        return
    for index, row in enumerate(view[:_ROWS]):
        match = pattern.match(row) if row else None
        if match is not None:
            label = " ".join(match["label"].lower().split())
            yield index, fields.get(label, ""), label


def _aside(view: Sequence[str], index: int) -> bool:
    """Whether a heading just above says that this block is somebody else's."""
    above = (row for row in view[max(0, index - 2) : index] if len(row) < 60 and ":" not in row.rstrip(" :"))
    return any(_OTHERS.search(row) for row in above)


# -- tables -----------------------------------------------------------------------------------------------------------


def _tables(record: MailRecord, layout: Layout, fields: Mapping[str, str]) -> Iterator[list[list[str]]]:
    if "<t" not in record.html or record.tree is None:
        return
    for table in record.tree.css("table")[:_TABLES]:
        if table.css_first("table table") is None:
            yield _blocks_of([_cells(row) for row in table.css("tr")[:_ROWS]], layout, fields)


def _cells(row: LexborNode) -> list[str]:
    return [" ".join(cell.text(separator=" ").split()) for cell in row.css("td,th")[:40]]


def _text_table(view: Sequence[str], layout: Layout, fields: Mapping[str, str]) -> list[list[str]]:
    for separator in ("|", "\t", ";", ","):
        rows = [[cell.strip() for cell in row.strip(" |").split(separator)] for row in view[:_ROWS] if separator in row]
        filled = [row for row in rows if not all(_RULE.match(cell) or not cell for cell in row)]
        if blocks := _blocks_of(filled, layout, fields):
            return blocks
    return []


def _blocks_of(rows: Sequence[Sequence[str]], layout: Layout, fields: Mapping[str, str]) -> list[list[str]]:
    """Rows below a row of labels, as labelled lines."""
    pattern = layout.at_start
    for index, head in enumerate(rows[:10]):
        labels = [cell if pattern is not None and _is_label(pattern.match(cell)) else "" for cell in head]
        known = {fields.get(" ".join(label.lower().strip(" :*").split()), "") for label in labels if label}
        if len(known & _IDENTITY) >= 2 and known & _CONTACTS:
            return [
                [f"{label.rstrip(' :')}: {cell}" for label, cell in zip(labels, row, strict=False) if label and cell]
                for row in rows[index + 1 :]
                if len(row) >= 2
            ]
    return []


def _is_label(match: re.Match[str] | None) -> bool:
    """Whether a cell is a label and nothing else."""
    return match is not None and not (match["value"] or "").strip()


# -- lists without labels ---------------------------------------------------------------------------------------------


def _numbered(view: Sequence[str]) -> list[list[str]]:
    for pattern in (_NUMBERED, _BULLET):
        starts = [index for index, row in enumerate(view[:_ROWS]) if pattern.match(row)]
        if len(starts) < 2:
            continue
        blocks = []
        for start, end in zip(starts, [*starts[1:], len(view)], strict=True):
            match = pattern.match(view[start])
            rest = match["rest"] if match else ""
            blocks.append(_named([rest, *_until_rule(view[start + 1 : end])]))
        if sum(bool(_reach(block)) for block in blocks) >= 2:
            return blocks
    return []


def _until_rule(rows: Sequence[str]) -> list[str]:
    end = next((index for index, row in enumerate(rows) if _RULE.match(row)), len(rows))
    return list(rows[:end])


def _a_line_each(view: Sequence[str]) -> list[list[str]]:
    return [_named([row]) for row in view[:_ROWS] if len(_CUT.split(row)) >= 2 and _reach([row])]


def _paragraphs(view: Sequence[str]) -> list[list[str]]:
    blocks: list[list[str]] = [[]]
    for row in view[:_ROWS]:
        if not row or _RULE.match(row):
            blocks.append([])
        else:
            blocks[-1].append(row)
    return [_named(block) for block in blocks if _reach(block)]


def _named(block: Sequence[str]) -> list[str]:
    """A block with its name as a labelled line: the first piece before address and number that looks like one."""
    lines: list[str] = []
    named = any(re.match(r"^\W*(?:full |first |last )?name\b.{0,20}:", row, re.IGNORECASE) for row in block)
    for row in block:
        if not row or ":" in row.partition("@")[0][:30]:
            lines.append(row)
            continue
        pieces = [piece.strip() for piece in _CUT.split(row) if piece.strip()]
        if named:
            lines.extend(pieces if _reach([row]) else [row])
            continue
        first = re.split(r"\s*[<(]", pieces[0])[0] if pieces else ""
        if _NAME.match(first) and not phones(first)[0] and len(first.split()) <= 5:
            lines.append(f"Name: {first}")
            named = True
            pieces = [row[len(first) :] if len(pieces) == 1 else pieces[0][len(first) :], *pieces[1:]]
        lines.extend(piece for piece in pieces if piece.strip())
    return [_contact_line(row) for row in lines]


def _contact_line(row: str) -> str:
    """An address alone on its line is labelled, so that it is not taken for words."""
    if ":" in row:
        return row
    found = emails(row)
    return f"Email: {found[0].value.address}" if found and len(row.split()) <= 2 else row
