"""E-mail addresses: what to write to, the key to match by, and whether an address is anyone's own. No DNS is asked."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from leadsvc.model import EmailAddress, Value
from leadsvc.normalize.data import email_domains, placeholders, under
from leadsvc.normalize.text import visible

_MAX = 1_000
# Loose on purpose: the validator decides. Starts after anything an address cannot contain.
_CANDIDATE = re.compile(r"[^\s<>()\[\],;:\"|/\\]{1,64}@[^\s<>()\[\],;:\"|/\\]{1,255}")
# Addresses as nearly all are: nothing in them that the validator could refuse or rewrite but the domain.
_PLAIN = re.compile(r"[A-Za-z0-9]+(?:[._+-][A-Za-z0-9]+)*@(?P<domain>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
_LONGEST_LOCAL = 64
_HOST_WORD = re.compile(r"[.-]")
_RANDOM = 8  # signs that a made-up local part has at least
_AROUND_AT = re.compile(r"\s*(?:@|\uff20|[(\[{<]\s?at\s?[)\]}>])\s*", re.IGNORECASE)
_AROUND_DOT = re.compile(r"\s*[(\[{]\s?dot\s?[)\]}]\s*", re.IGNORECASE)
# "jane at example dot com": only a whole text that is nothing else is read so.
_SPELLED = re.compile(
    r"(?P<local>[\w.+-]+(?: dot [\w+-]+)*) at (?P<domain>[\w-]+(?:(?: dot |\.)[\w-]+)+)", re.IGNORECASE
)

_IN_PROSE = re.compile(
    r"(?P<local>[\w+-]+(?:\.[\w+-]+)*)\s?[(\[]?\bat\b[)\]]?\s?(?P<host>(?:[a-z0-9-]+\.)+(?:com|net|org|edu|me|us|ca|io))\b",
    re.IGNORECASE,
)


def emails(text: str, *, exclude: Collection[str] = ()) -> tuple[Value[EmailAddress], ...]:
    """Every usable address in ``text``, in order, each once. ``exclude`` holds addresses and ``@domain`` that are the
    receiver's or the advertiser's. Placeholders such as ``none@none.com`` are left out.

    The rule says what is known of an address: ``email:suspect_domain`` looks like a slip (``gmial.com``). It is kept as
    written, for a person to ask about; what the renter meant is not ours to guess.
    """
    found: dict[str, Value[EmailAddress]] = {}
    if not text:
        return ()
    for candidate in [text] if _PLAIN.fullmatch(text) else _CANDIDATE.findall(_plain(text[:_MAX])):
        address = _checked(candidate)
        if address is None or _excluded(address.address, exclude):
            continue
        found.setdefault(address.key, Value(address, text[:_MAX], _rule(address)))
    return tuple(found.values())


def spelled_address(text: str) -> str:
    """An address that stands in running text with its sign as a word ("jo.lee at example.com"), written as one; empty
    when there is none. Only a host in letters with a dot counts."""
    found = _IN_PROSE.search(text[:_MAX])
    return f"{found['local']}@{found['host']}" if found else ""


def _plain(text: str) -> str:
    """``text`` with spelled-out signs written as signs; empty when there is no address in it."""
    if "@" in text and "(at)" not in text.lower():
        return _AROUND_DOT.sub(".", _AROUND_AT.sub("@", visible(text)))
    if not re.search(r"\bat\b|\uff20", text, re.IGNORECASE):
        return ""
    plain = _AROUND_DOT.sub(".", _AROUND_AT.sub("@", visible(text)))
    spelled = _SPELLED.fullmatch(plain.strip(" .,"))
    if spelled:
        local, domain = (re.sub(r"\s+dot\s+", ".", part, flags=re.IGNORECASE) for part in spelled.groups())
        return f"{local}@{domain}"
    return plain


def _rule(address: EmailAddress) -> str:
    if address.relay:
        return "email:relay"
    slip = address.address.rpartition("@")[2] in email_domains().slips
    return "email:suspect_domain" if slip else "email:address"


@lru_cache(maxsize=50_000)
def _lends(domain: str) -> bool:
    """Whether all addresses at a domain are masked ones."""
    return under(domain, email_domains().relays)


def is_relay(address: str) -> bool:
    """Whether ``address`` (lower case) is a masked one that stands for a conversation."""
    local, _, domain = address.rpartition("@")
    return _lends(domain) or local.startswith(email_domains().relay_locals)


def is_masked(address: str) -> bool:
    """Whether ``address`` (lower case) looks like a masked one of a sender that no list names: a random local part at a
    host that calls itself a relay."""
    local, _, domain = address.rpartition("@")
    if not _masks(domain):
        return False
    return len(local) >= _RANDOM and any(sign.isdigit() for sign in local)


@lru_cache(maxsize=50_000)
def _masks(domain: str) -> bool:
    """Whether a host calls itself a relay."""
    return any(word in email_domains().masking for word in _HOST_WORD.split(domain.rpartition(".")[0]))


def is_public(domain: str) -> bool:
    """Whether anybody can have an address at ``domain``."""
    return domain in email_domains().public


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


@lru_cache(maxsize=50_000)
def _receives(domain: str) -> bool:
    """Whether a plain local part is valid at ``domain``, with nothing to be put into another form."""
    try:
        return validate_email(f"a@{domain}", check_deliverability=False).normalized == f"a@{domain}"
    except EmailNotValidError:
        return False


def _checked(candidate: str) -> EmailAddress | None:
    plain = _PLAIN.fullmatch(candidate)
    if plain is not None and plain.start("domain") <= _LONGEST_LOCAL and _receives(plain["domain"].lower()):
        return _own(candidate.lower())
    bare = candidate.strip(" .,'`*_-!?\u2019\u201d").removeprefix("mailto:").partition("?")[0].rstrip(">")
    try:
        valid = validate_email(bare, check_deliverability=False)
    except EmailNotValidError:
        return None
    return _own(valid.normalized.lower())


def _own(address: str) -> EmailAddress | None:
    """A valid address, unless it is a placeholder."""
    local, _, domain = address.rpartition("@")
    table = placeholders()
    if address in table.email_addresses or local in table.email_locals or under(domain, table.email_domains):
        return None
    return EmailAddress(address, canonical_key(address), is_relay(address))


def _excluded(address: str, exclude: Collection[str]) -> bool:
    if not exclude:
        return False
    return address in exclude or without_tag(address) in exclude or f"@{address.rpartition('@')[2]}" in exclude
