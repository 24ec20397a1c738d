"""Nothing secret and nobody real is in the repository: keys, tokens, and people of fixtures that could exist."""

from __future__ import annotations

import re
import subprocess
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

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
# The machines that platforms send from: their layouts are recognised by these, and no person has an address there.
_PLATFORMS = re.compile(
    r"(?:^|\.)(?:zillow|zillowrentals|trulia|hotpads|streeteasy|zlead|apartments|forrent|costar|realtor|rent|apartmentguide|"
    r"zumper|padmapper|apartmentlist|rentable|rentcafe|rentals|craigslist|cl|facebookmail|callrail|rently|rentlinx|amazonses)"
    r"\.(?:com|org|co|ca)$"
)


def _tracked(*folders: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def _texts(path: Path) -> list[str]:
    """What ``path`` says: the bytes as text and, for mails, also what their encodings hide."""
    content = path.read_bytes()
    texts = [content.decode(errors="replace")]
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
    found = [domain for domain in domains if not _NOBODYS.search(domain) and not _PLATFORMS.search(domain)]
    numbers = [match for pattern in (_PHONE, _BARE_PHONE) for match in pattern.finditer(text)]
    return found + [match[0] for match in numbers if not (match[2] == "555" and match[3].startswith("01"))]


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
