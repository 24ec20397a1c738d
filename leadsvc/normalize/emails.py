"""E-mail addresses: what to write to, the key to match by, and whether an address is anyone's own. No DNS is asked."""

from __future__ import annotations

import re
from collections.abc import Collection

from email_validator import EmailNotValidError, validate_email

from leadsvc.model import EmailAddress, Value
from leadsvc.normalize.data import email_domains, placeholders, under
from leadsvc.normalize.text import visible

_MAX = 1_000
# Loose on purpose: the validator decides. Starts after anything an address cannot contain.
_CANDIDATE = re.compile(r"[^\s<>()\[\],;:\"|/\\]{1,64}@[^\s<>()\[\],;:\"|/\\]{1,255}")
_AROUND_AT = re.compile(r"\s*(?:@|\(at\)|\[at\])\s*", re.IGNORECASE)


def emails(text: str, *, exclude: Collection[str] = ()) -> tuple[Value[EmailAddress], ...]:
    """Every usable address in ``text``, in order, each once. ``exclude`` holds addresses and ``@domain`` that are the
    receiver's or the advertiser's. Placeholders such as ``none@none.com`` are left out."""
    found: dict[str, Value[EmailAddress]] = {}
    if "@" not in text and "(at)" not in text.lower() and "[at]" not in text.lower():
        return ()
    for candidate in _CANDIDATE.findall(_AROUND_AT.sub("@", visible(text[:_MAX]))):
        address = _checked(candidate)
        if address is None or _excluded(address.address, exclude):
            continue
        found.setdefault(address.key, Value(address, text[:_MAX], "email:relay" if address.relay else "email:address"))
    return tuple(found.values())


def is_relay(address: str) -> bool:
    """Whether ``address`` (lower case) is a masked one that stands for a conversation."""
    local, _, domain = address.rpartition("@")
    domains = email_domains()
    return under(domain, domains.relays) or local.startswith(domains.relay_locals)


def is_vendor(address: str) -> bool:
    """Whether ``address`` (lower case) is a lead sender's own, not a relay it lends to a renter."""
    return not is_relay(address) and under(address.rpartition("@")[2], email_domains().vendors)


def canonical_key(address: str) -> str:
    """The key under which two spellings of one mailbox meet: tags gone, and dots where the provider ignores them."""
    local, _, domain = address.lower().rpartition("@")
    table = email_domains()
    domain = table.same_as.get(domain, domain)
    if not is_relay(address):
        local = local.partition("+")[0] or local
        if domain in table.dotless:
            local = local.replace(".", "") or local
    return f"{local}@{domain}"


def without_tag(address: str) -> str:
    """``leads+abc@x.example`` -> ``leads@x.example``, lower case."""
    local, _, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _checked(candidate: str) -> EmailAddress | None:
    bare = candidate.strip(" .,'`*_-!?\u2019\u201d").removeprefix("mailto:").partition("?")[0].rstrip(">")
    try:
        valid = validate_email(bare, check_deliverability=False)
    except EmailNotValidError:
        return None
    address = valid.normalized.lower()
    local, _, domain = address.rpartition("@")
    table = placeholders()
    if address in table.email_addresses or local in table.email_locals or under(domain, table.email_domains):
        return None
    return EmailAddress(address, canonical_key(address), is_relay(address))


def _excluded(address: str, exclude: Collection[str]) -> bool:
    if not exclude:
        return False
    return address in exclude or without_tag(address) in exclude or f"@{address.rpartition('@')[2]}" in exclude
