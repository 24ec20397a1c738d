"""Nothing secret and nobody real is in the repository: keys, tokens, and people of fixtures that could exist."""

from __future__ import annotations

import re
import subprocess
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache
from pathlib import Path

import pytest

from leadsvc.normalize.data import email_domains
from tests.processes import ROOT

_SECRETS = {
    "private key": re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----"),
    "cloud key": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[\w-]{35}\b"),
    "service token": re.compile(
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|xox[abprs]-[\w-]{20,}|[sr]k_live_\w{20,}|SG\.[\w-]{22}\.[\w-]{43})"
    ),
    "password in a URL": re.compile(
        r"\b[a-z][a-z0-9+]*://[^\s/:@\"'<>{}$]+:[^\s/:@\"'<>{}$]{3,}@(?!127\.0\.0\.1|localhost|[\w.-]+\.example\b)[\w.-]+"
    ),
}
_EMAIL = re.compile(r"[\w.+%=-]+@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
_PHONE = re.compile(r"(?<![\w.=/-])(?:\+?1[-. ]?)?\(?([2-9]\d{2})\)?[-. ]{1,2}([2-9]\d{2})[-. ](\d{4})(?![\w-])")
_BARE_PHONE = re.compile(r"(?i)(?:phone|tel|mobile|cell|caller)\w*\W{0,6}\+?1?([2-9]\d{2})([2-9]\d{2})(\d{4})(?!\d)")

# Reserved for documentation and tests (RFC 2606, RFC 6761), and what desks type when there is no address.
_NOBODYS = re.compile(r"(?:^|\.)(?:example\.(?:com|net|org)|example|test|invalid|localhost|none\.com)$")
# Machines that platforms and mail programs send from, beside those that the field maps are recognised by.
_MACHINES = re.compile(
    r"(?:^|\.)(?:cl|facebookmail|amazonses|amazonaws|mandrillapp|mcsv|sendgrid|mailgun|postmarkapp|googlegroups|fb|tawk|squarespace)"
    r"\.(?:com|net|org|to|info)$"
)
_DOMAIN = re.compile(r"(?<![\w-])((?:[a-z0-9-]+\.)+(?:com|org|net|co|ca|io|ai|us))(?![\w-])")


@cache
def _senders() -> frozenset[str]:
    """Every domain the field maps and their tables name: no person has an address there."""
    texts = (file.read_text(encoding="utf-8") for file in (ROOT / "mappings").rglob("*.yaml"))
    public = set(_public())
    return frozenset(domain for text in texts for domain in _DOMAIN.findall(text.lower()) if domain not in public)


def _public() -> list[str]:
    """Where anybody can have an address."""
    return sorted(email_domains().public)


def _is_machine(domain: str) -> bool:
    parts = domain.split(".")
    return bool(_MACHINES.search(domain)) or any(".".join(parts[at:]) in _senders() for at in range(len(parts) - 1))


def _tracked(*folders: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def _texts(path: Path) -> list[str]:
    """What ``path`` says: the bytes as text and, for mails, also what their encodings hide."""
    content = path.read_bytes()
    # A line broken in transfer would cut an address: "…@example.co=" and "m".
    texts = [re.sub(r"=\r?\n", "", content.decode(errors="replace"))]
    if path.suffix == ".eml":
        message = message_from_bytes(content, _class=EmailMessage, policy=policy.default)
        for part in message.walk():
            payload = part.get_payload(decode=True)
            if part.get_content_maintype() == "text" and isinstance(payload, bytes):
                texts.append(payload.decode(errors="replace"))
    return texts


def real_people(text: str) -> list[str]:
    """E-mail domains and phone numbers in ``text`` that could belong to somebody."""
    domains = [match[1].lower() for match in _EMAIL.finditer(text)]
    found = [domain for domain in domains if not _NOBODYS.search(domain) and not _is_machine(domain)]
    numbers = [match for pattern in (_PHONE, _BARE_PHONE) for match in pattern.finditer(text)]
    return found + [match[0] for match in numbers if not _nobodys_number(match)]


def _nobodys_number(match: re.Match[str]) -> bool:
    """Reserved for fiction, or one digit over and over, which is no number."""
    return (match[2] == "555" and match[3].startswith("01")) or len(set(match[1] + match[2] + match[3])) == 1


def test_no_secret_is_tracked() -> None:
    found = []
    for path in _tracked():
        text = path.read_text(errors="replace")
        found += [f"{path.relative_to(ROOT)}: {kind}" for kind, shape in _SECRETS.items() if shape.search(text)]
    assert found == []


def test_people_of_fixtures_are_invented() -> None:
    found = {}
    for path in _tracked("tests/fixtures", "leadsvc/demo", "docs", "README.md"):
        if people := sorted({person for text in _texts(path) for person in real_people(text)}):
            found[str(path.relative_to(ROOT))] = people
    assert found == {}, "use example.com, .net or .org and 555-01xx"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("maya@example.com, (206) 555-0142, +12065550142", []),
        ("From: rentalclientservices@zillowrentals.com", []),
        ("maya@" + "gmail.com", ["gmail.com"]),
        ("call 206-" + "867-5309", ["206-867-5309"]),
        ("phone=1206" + "8675309", ["phone=12068675309"]),
        ("listing 2068675309, 2026-11-20", []),
    ],
)
def test_scan_tells_people_from_platforms(text: str, expected: list[str]) -> None:
    assert real_people(text) == expected
