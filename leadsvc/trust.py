"""Whether a mail is from whom it says it is from. Pure: headers, bytes, configured names and keys in, a verdict out.

What counts is what a server of ours wrote (Authentication-Results, RFC 8601), what the provider that received the mail
reports, and DKIM signatures whose public keys were configured; nothing is looked up. A verdict is about the domain in
From, because that is what the field maps go by.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from leadsvc.config import MailTrust
from leadsvc.model import Claim

_MAX_RESULTS = 16_000
_MAX_TOKENS = 1_000
_MAX_SIGNATURES = 5
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([;=])|([^\s;="]+)')
_WHITE = re.compile(r"\s+")
_SENDGRID_DKIM = re.compile(r"@([\w.-]+)\s*:\s*(\w+)")
_TAG = re.compile(rb"(?:^|;)\s*([a-z]+)\s*=\s*([^;]*)")
_SIGNATURE = re.compile(rb"^dkim-signature[ \t]*:((?:[^\r\n]|\r?\n[ \t])*)", re.IGNORECASE | re.MULTILINE)
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_UNDECIDED = frozenset({"temperror", "permerror", "none", "neutral", "policy", "bestguesspass", "softfail", "skipped"})

NO_ID = "-"
"""Stands in ``authserv_ids`` for headers that do not say who wrote them, as Microsoft 365 leaves them."""


class TrustVerdict(StrEnum):
    PASS = "pass"  # noqa: S105  # a verdict, not a password
    FAIL = "fail"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Trust:
    """The verdict on a mail's sender, and why in one sentence without personal data."""

    verdict: TrustVerdict
    reason: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One finding: ``method`` dkim, spf or dmarc; ``result`` in the words of RFC 8601; ``domain`` it was found for,
    empty when unsaid."""

    method: str
    result: str
    domain: str = ""


def judge(claim: Claim, policy: MailTrust, raw: bytes | None = None) -> Trust:
    """The verdict on a mail that a field map has claimed. ``raw`` are the mail's own bytes, where they came as such;
    only those can be checked against a signature."""
    if len(claim.written_from) != 1:
        return Trust(TrustVerdict.FAIL, "It does not have exactly one From, so nobody vouches for any of them")
    address = claim.written_from[0]
    domain = address.rpartition("@")[2]
    if not claim.senders:
        return _unclaimed(domain, claim, policy, raw)
    if sent_by(address, claim.senders):
        return _weighed(domain, claim.dkim_domains, claim, policy, raw)
    if not policy.staff_domains:
        return Trust(TrustVerdict.NONE, "It was forwarded by hand, and no staff_domains say who may")
    if not any(_within(domain, staff) for staff in policy.staff_domains):
        return Trust(
            TrustVerdict.FAIL, f"It quotes a mail of {claim.map_id}, and {domain} is none of the staff_domains"
        )
    return _weighed(domain, (), claim, policy, raw)


def sent_by(address: str, senders: Sequence[str]) -> bool:
    """Whether ``address`` is one of ``senders``: ``name@domain``, ``@domain``, or ``.domain`` with all below it."""
    domain = address.rpartition("@")[2]
    return any(
        each in (address, f"@{domain}") or (each.startswith(".") and f".{domain}".endswith(each))
        for each in (sender.lower() for sender in senders)
    )


def _unclaimed(domain: str, claim: Claim, policy: MailTrust, raw: bytes | None) -> Trust:
    """A map that names no sender claims nobody who could be impersonated; a failed check says nothing then."""
    trust = _weighed(domain, (), claim, policy, raw)
    if trust.verdict is TrustVerdict.PASS:
        return trust
    return Trust(TrustVerdict.NONE, f"Field map {claim.map_id} names no sender that could be checked")


def _weighed(domain: str, signers: Sequence[str], claim: Claim, policy: MailTrust, raw: bytes | None) -> Trust:
    found = results_of(claim.results, policy.authserv_ids) or list(_vouched(claim.vouched))
    said = _of_evidence(found, domain, signers)
    if said.verdict is TrustVerdict.PASS:
        return said
    own = _of_signatures(raw, domain, signers, policy.dkim_keys) if raw is not None and policy.dkim_keys else None
    if own is not None and (own.verdict is TrustVerdict.PASS or said.verdict is TrustVerdict.NONE):
        return own
    return said


def _of_evidence(found: Sequence[Evidence], domain: str, signers: Sequence[str]) -> Trust:
    for each in found:
        if each.method == "dmarc" and each.result == "pass" and each.domain in ("", domain):
            return Trust(TrustVerdict.PASS, f"DMARC passed for {domain}")
    if any(each.method == "dmarc" and each.result == "fail" for each in found):
        return Trust(TrustVerdict.FAIL, f"DMARC failed for {domain}")
    signatures = [each for each in found if each.method == "dkim"]
    for each in signatures:
        if each.result == "pass" and _speaks_for(each.domain, domain, signers):
            return Trust(TrustVerdict.PASS, f"Signed by {each.domain}")
    envelopes = [each for each in found if each.method == "spf"]
    if any(each.result == "pass" and aligned(each.domain, domain) for each in envelopes):
        return Trust(TrustVerdict.PASS, f"Sent by a server of {domain} (SPF)")
    unclear = any(each.result == "temperror" or (each.result == "pass" and not each.domain) for each in signatures)
    if signers and signatures and not unclear:
        return Trust(TrustVerdict.FAIL, f"Not signed by {' or '.join(signers)}, which signs what it sends")
    if any(each.result == "fail" and _speaks_for(each.domain, domain, signers) for each in signatures):
        return Trust(TrustVerdict.FAIL, f"The signature of {domain} is broken")
    if any(each.result == "fail" and (not each.domain or aligned(each.domain, domain)) for each in envelopes):
        return Trust(TrustVerdict.FAIL, f"Sent by a server that {domain} does not send from (SPF)")
    return Trust(TrustVerdict.NONE, "No server that is trusted said anything of its sender that decides")


def _speaks_for(signer: str, domain: str, signers: Sequence[str]) -> bool:
    return aligned(signer, domain) or any(_within(signer, each) for each in signers)


def aligned(one: str, other: str) -> bool:
    """Whether two domains are the same or one lies below the other (relaxed alignment, RFC 7489 §3.1, without a list
    of public suffixes: nobody signs or sends for one)."""
    if "." not in one or "." not in other:
        return False
    return _within(one, other) or _within(other, one)


def _within(domain: str, parent: str) -> bool:
    return bool(parent) and (domain == parent or domain.endswith(f".{parent}"))


# -- what servers wrote ------------------------------------------------------------------------------------------------


def results_of(headers: Sequence[str], authserv_ids: Sequence[str]) -> list[Evidence]:
    """The findings in the topmost Authentication-Results of each trusted server, headers given from top to bottom.

    Only the topmost: a server writes above what was there, so that one further down may be the sender's own.
    """
    trusted = {each.lower() for each in authserv_ids}
    found: list[Evidence] = []
    for header in headers:
        server, results = read_results(header)
        if server in trusted:
            trusted.discard(server)
            found += results
    return found


def read_results(header: str) -> tuple[str, list[Evidence]]:
    """The server's name (:data:`NO_ID` when there is none) and what it found, of one Authentication-Results header."""
    segments = list(_segments(_without_comments(header[:_MAX_RESULTS])))
    server = NO_ID
    if segments and "=" not in segments[0]:
        first = segments.pop(0)
        server = first[0].lower() if first else NO_ID
    return server, [one for segment in segments if (one := _evidence(segment)) is not None]


def _without_comments(text: str) -> str:
    """Without what stands in parentheses, which nest; quoted text keeps its own."""
    kept: list[str] = []
    depth, quoted, position = 0, False, 0
    while position < len(text):
        sign = text[position]
        if sign == "\\" and (depth or quoted):
            kept.append("" if depth else text[position : position + 2])
            position += 2
            continue
        if sign == '"' and not depth:
            quoted = not quoted
        if quoted or sign not in "()":
            kept.append("" if depth else sign)
        else:
            depth = max(0, depth + (1 if sign == "(" else -1))
            kept.append(" ")
        position += 1
    return "".join(kept)


def _segments(text: str) -> Iterator[list[str]]:
    segment: list[str] = []
    for number, token in enumerate(_TOKEN.finditer(text)):
        if number > _MAX_TOKENS:
            return
        if token[2] == ";":
            yield segment
            segment = []
        else:
            segment.append(token[0] if token[1] is None else re.sub(r"\\(.)", r"\1", token[1]))
    yield segment


def _evidence(segment: list[str]) -> Evidence | None:
    """``dkim = pass header.d = example.com`` as a finding; ``None`` for other methods."""
    pairs = [(segment[at - 1].lower(), segment[at + 1]) for at in range(1, len(segment) - 1) if segment[at] == "="]
    if not pairs:
        return None
    method = pairs[0][0].partition("/")[0].strip()
    said: dict[str, str] = {}
    for name, value in pairs[1:]:
        said.setdefault(name, value)
    wanted = {
        "dkim": ("header.d", "header.i"),
        "spf": ("smtp.mailfrom", "smtp.helo"),
        "dmarc": ("header.from",),
    }.get(method)
    if wanted is None:
        return None
    return Evidence(method, pairs[0][1].lower(), next((_domain(said[name]) for name in wanted if name in said), ""))


def _domain(value: str) -> str:
    return _WHITE.sub("", value).rpartition("@")[2].strip("<>.").lower()


# -- what a provider reports -------------------------------------------------------------------------------------------


def _vouched(fields: Mapping[str, str]) -> Iterator[Evidence]:
    """The findings of who received the mail for us: ``dkim`` (a word, or SendGrid's ``{@example.com : pass}``),
    ``spf`` and ``dmarc`` (a word each), ``envelope_from``."""
    envelope = _domain(fields.get("envelope_from", ""))
    dkim = fields.get("dkim", "")
    listed = _SENDGRID_DKIM.findall(dkim[:_MAX_RESULTS])
    for domain, result in listed:
        yield Evidence("dkim", result.lower(), domain.lower())
    if dkim and not listed:
        # A bare word does not say whose signature it was, so that it can speak against a sender and not for one.
        yield Evidence("dkim", _word(dkim))
    if fields.get("spf"):
        yield Evidence("spf", _word(fields["spf"]), envelope)
    if fields.get("dmarc"):
        yield Evidence("dmarc", _word(fields["dmarc"]))


def _word(text: str) -> str:
    word = text.strip().strip("{}").lower()
    return word if word in {"pass", "fail"} or word in _UNDECIDED else "temperror"


# -- signatures --------------------------------------------------------------------------------------------------------


def _of_signatures(raw: bytes, domain: str, signers: Sequence[str], keys: Mapping[str, str]) -> Trust | None:
    """What the signatures of ``domain`` or of ``signers`` prove, by the keys at hand; ``None`` when no key is."""
    ended = _HEAD_END.search(raw)
    head = raw[: ended.start()] if ended else raw
    broken, unknown = False, False
    for index, found in enumerate(_SIGNATURE.finditer(head)):
        if index >= _MAX_SIGNATURES:
            break
        tags = dict(_TAG.findall(b"".join(found[1].split())))
        signer = tags.get(b"d", b"").decode("ascii", "replace").lower()
        if not _speaks_for(signer, domain, signers):
            continue
        key = keys.get(f"{tags.get(b's', b'').decode('ascii', 'replace')}._domainkey.{signer}".lower())
        if key is None:
            unknown = True
            continue
        # With a length it would leave room for text behind what was signed.
        good = False if b"l" in tags else _verifies(raw, index, key)
        if good:
            return Trust(TrustVerdict.PASS, f"The signature of {signer} is good")
        broken, unknown = broken or good is False, unknown or good is None
    if broken:
        return Trust(TrustVerdict.FAIL, f"The signature of {domain} does not fit the mail")
    expected = any(_speaks_for(name.partition("._domainkey.")[2], domain, signers) for name in keys)
    if expected and not unknown:
        return Trust(TrustVerdict.FAIL, f"It carries no signature of {domain}, whose key is at hand")
    return None


def _verifies(raw: bytes, index: int, key: str) -> bool | None:
    """``None`` for a signature that was good for a time that is over: an old mail is no forgery."""
    import dkim  # late: it loads a name resolver, which is not used, and most deployments have no keys

    try:
        return bool(dkim.DKIM(raw).verify(idx=index, dnsfunc=lambda _name, timeout=5: key.encode()))
    except dkim.ValidationError as error:
        return None if "value is past" in str(error) else False
    except (dkim.DKIMException, ValueError, TypeError, LookupError):
        return False
