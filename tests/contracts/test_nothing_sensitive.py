"""Income, credit, employment and what tells a protected class never reach a lead, whichever map reads the payload:
every fixture is read again with such keys, columns, elements and labelled lines put among its own."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from lxml import etree

from leadsvc.fieldmap import load_maps
from leadsvc.leadjson import to_json
from leadsvc.model import Channel, Delivered, Verdict
from leadsvc.normalize.sensitive import is_sensitive
from leadsvc.reading import read

FIXTURES = Path(__file__).parent.parent / "fixtures"
SECRET = "Zq7secret"
KEYS = (
    "annualIncome", "incomeYearly", "monthly_income", "creditScore", "Credit score", "credit_range", "employer",
    "employmentStatus", "Job title", "occupation", "ssn", "date_of_birth", "DOB", "religion", "maritalStatus",
    "Number of children", "disability", "race", "nationality", "smoker",
)  # fmt: skip
LABELS = ("Annual Income", "Credit Score", "Employer", "Date of Birth", "Religion", "Marital Status")
KINDS = {
    ".form": "application/x-www-form-urlencoded",
    ".json": "application/json",
    ".xml": "application/xml",
    ".csv": "text/csv",
    ".eml": "message/rfc822",
}
# A labelled line of a mail: "Phone: 706…", "Email:"
_LABELLED = re.compile(rb"^(?:Name|Phone|E-?mail|First Name|Last Name|Full Name)\s?:", re.IGNORECASE | re.MULTILINE)


def _fixtures() -> list[Any]:
    return [
        pytest.param(path, id=f"{path.parent.name}-{path.name}")
        for path in sorted(FIXTURES.glob("*/*"))
        if path.suffix in KINDS and not path.name.endswith(".expected.json")
    ]


def _with_secrets(path: Path) -> bytes | None:
    """The payload with more in it; ``None`` for one that is too damaged to take it, or has no labelled line."""
    return _WITH[path.suffix](path.read_bytes())


def _form(raw: bytes) -> bytes:
    pairs = parse_qsl(raw.decode("utf-8", "replace").strip(), keep_blank_values=True)
    known = {key for key, _ in pairs}
    return urlencode([*pairs, *((key, SECRET) for key in KEYS if key not in known)]).encode()


def _json(raw: bytes) -> bytes | None:
    try:
        body = json.loads(raw)
    except ValueError:
        return None
    _fill(body)
    return json.dumps(body).encode()


def _fill(value: Any) -> None:
    """Every object gets the keys, and an object of them."""
    if isinstance(value, dict):
        for inner in list(value.values()):
            _fill(inner)
        for key in KEYS:
            value.setdefault(key, SECRET)
        value.setdefault("aboutYou", {key: {"value": SECRET} for key in KEYS} | {KEYS[0]: [SECRET]})
    elif isinstance(value, list):
        for inner in value:
            _fill(inner)


def _xml(raw: bytes) -> bytes | None:
    try:
        root = etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return None
    for element in [each for each in root.iter(etree.Element) if len(each)]:
        for key in KEYS:
            name = key.title().replace(" ", "")
            etree.SubElement(element, name).text = SECRET
            element.set(name, SECRET)
    return etree.tostring(root)


def _csv(raw: bytes) -> bytes | None:
    rows = raw.decode("utf-8", "replace").splitlines()
    mark = next((each for each in (",", ";") if each in rows[0]), None)
    if mark is None or '"' in raw.decode("latin-1") or "\x00" in rows[0]:
        return None
    return "\n".join(
        mark.join((row, *(KEYS if number == 0 else [SECRET] * len(KEYS)))) for number, row in enumerate(rows)
    ).encode()


def _mail(raw: bytes) -> bytes | None:
    """Before each labelled line that has a line of its own; what follows a question is the renter's own words."""
    head, end, body = raw.partition(b"\r\n\r\n" if b"\r\n\r\n" in raw else b"\n\n")
    if b"base64" in raw.lower() or not _LABELLED.search(body):
        return None
    newline = end[: len(end) // 2]
    more = b"".join(f"{key}: {SECRET}".encode() + newline for key in LABELS)
    return head + end + _LABELLED.sub(lambda found: more + found[0], body)


_WITH = {".form": _form, ".json": _json, ".xml": _xml, ".csv": _csv, ".eml": _mail}


@pytest.mark.parametrize("path", _fixtures())
def test_no_map_lets_it_through(path: Path) -> None:
    sent = _with_secrets(path)
    if sent is None:
        return
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    channel = Channel.EMAIL if path.suffix == ".eml" else Channel.HTTP
    reading = read(Delivered(sent, KINDS[path.suffix], channel, at), load_maps())
    if reading.verdict is not Verdict.LEADS:
        return
    for lead in reading.leads:
        assert SECRET not in json.dumps(to_json(lead), ensure_ascii=False)
        assert not [key for key in lead.unused if is_sensitive(key)]
        assert not [note for note in lead.notes if is_sensitive(note)]


def test_enough_payloads_take_it() -> None:
    taken = Counter(path.suffix for (path,) in (each.values for each in _fixtures()) if _with_secrets(path))
    assert all(taken[suffix] >= 3 for suffix in KINDS), taken


@pytest.mark.parametrize("key", KEYS)
def test_such_keys_are_recognised(key: str) -> None:
    assert is_sensitive(key)


@pytest.mark.parametrize(
    "key",
    ["message", "agent", "Page URL", "packages", "email", "familyName", "first_name", "moveInDate", "language", "Stage",
     "incoming", "creditor_free", "occupants", "pets", "trace_id", "essex_tower", "family"],
)  # fmt: skip
def test_others_are_not(key: str) -> None:
    assert not is_sensitive(key)
