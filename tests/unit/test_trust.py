"""Who a mail is from: what trusted servers wrote, what providers report, what a key at hand proves."""

from __future__ import annotations

import base64
from dataclasses import replace

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from leadsvc.config import MailTrust
from leadsvc.model import Claim
from leadsvc.trust import NO_ID, Evidence, TrustVerdict, judge, read_results, results_of

SENDERS = ("rentalclientservices@zillowrentals.com",)
OURS = MailTrust(authserv_ids=("mx.example.com",))


def claim(*results: str, sender: str = SENDERS[0], signers: tuple[str, ...] = (), **vouched: str) -> Claim:
    return Claim("zillow_group_mail", SENDERS, signers, (sender,), results, vouched)


@pytest.mark.parametrize(
    ("header", "server", "found"),
    [
        ("mx.example.com; dkim=pass header.d=Zillow.com", "mx.example.com", [("dkim", "pass", "zillow.com")]),
        ("MX.example.com 1; spf=fail smtp.mailfrom=a@b.org", "mx.example.com", [("spf", "fail", "b.org")]),
        ("mx.example.com; none", "mx.example.com", []),
        (
            'mx (a (b;c) "d); dkim = pass (1024-bit; dkim=fail) header.i = @zillow.com; dmarc=pass header.from=x.com',
            "mx",
            [("dkim", "pass", "zillow.com"), ("dmarc", "pass", "x.com")],
        ),
        (
            'mx; dkim=pass reason="good; signature" header.i="@zil\\low.com" header.b=ab/c==',
            "mx",
            [("dkim", "pass", "zillow.com")],
        ),
        ("mx; DKIM/1=Pass header.d=a.org; iprev=pass policy.iprev=1.2.3.4", "mx", [("dkim", "pass", "a.org")]),
        (
            "spf=pass (sender IP is 1.2.3.4) smtp.mailfrom=example.net; dkim=none;compauth=pass",
            NO_ID,
            [("spf", "pass", "example.net"), ("dkim", "none", "")],
        ),
        ("mx; =; dkim; dkim=; ;; spf==pass", "mx", [("spf", "=", "")]),
        ("", NO_ID, []),
        ("(" * 20_000, NO_ID, []),
        ('"' * 20_001, NO_ID, []),
    ],
)
def test_headers_are_read_as_rfc_8601_writes_them(header: str, server: str, found: list[tuple[str, str, str]]) -> None:
    said, results = read_results(header)
    assert said == server or not found
    assert results == [Evidence(*each) for each in found]


def test_only_the_topmost_header_of_a_trusted_server_counts() -> None:
    headers = [
        "other.example.net; dmarc=pass header.from=zillowrentals.com",
        "mx.example.com; dmarc=fail header.from=zillowrentals.com",
        "mx.example.com; dmarc=pass header.from=zillowrentals.com",
    ]
    assert results_of(headers, ["mx.example.com"]) == [Evidence("dmarc", "fail", "zillowrentals.com")]
    assert results_of(headers, []) == []


@pytest.mark.parametrize(
    ("results", "signers", "verdict"),
    [
        ("dmarc=pass header.from=zillowrentals.com", (), "pass"),
        ("dmarc=pass header.from=evil.example.org", (), "none"),
        ("dmarc=fail header.from=zillowrentals.com; dkim=pass header.d=zillow.com", ("zillow.com",), "fail"),
        ("dkim=pass header.d=zillowrentals.com", (), "pass"),
        ("dkim=pass header.d=mail.zillowrentals.com", (), "pass"),
        ("dkim=pass header.d=notzillowrentals.com", (), "none"),
        ("dkim=pass header.d=com", (), "none"),
        ("dkim=pass header.d=zillow.com", ("zillow.com",), "pass"),
        ("dkim=pass header.d=evil.example.org", ("zillow.com",), "fail"),
        ("dkim=none; spf=softfail smtp.mailfrom=zillowrentals.com", (), "none"),
        ("dkim=none", ("zillow.com",), "fail"),
        ("dkim=temperror header.d=zillow.com", ("zillow.com",), "none"),
        ("dkim=fail header.d=zillowrentals.com", (), "fail"),
        ("dkim=fail header.d=list.example.net", (), "none"),
        ("spf=pass smtp.mailfrom=bounce.zillowrentals.com", (), "pass"),
        ("spf=pass smtp.mailfrom=evil.example.org", (), "none"),
        ("spf=fail smtp.mailfrom=zillowrentals.com", (), "fail"),
        ("spf=fail smtp.mailfrom=relay.example.net", (), "none"),
        ("none", (), "none"),
    ],
)
def test_what_a_trusted_server_found_decides(results: str, signers: tuple[str, ...], verdict: str) -> None:
    assert judge(claim(f"mx.example.com; {results}", signers=signers), OURS).verdict == verdict


def test_a_signature_of_unsaid_origin_neither_proves_nor_refutes() -> None:
    assert judge(claim(signers=("zillow.com",), dkim="PASS"), OURS).verdict is TrustVerdict.NONE
    assert judge(claim(signers=("zillow.com",), dkim="FAIL"), OURS).verdict is TrustVerdict.FAIL


def test_a_header_of_anybody_else_is_no_evidence() -> None:
    forged = "mx.forged.example; dmarc=pass header.from=zillowrentals.com"
    assert judge(claim(forged), OURS).verdict is TrustVerdict.NONE


def test_two_senders_are_nobody() -> None:
    said = Claim("m", SENDERS, (), (SENDERS[0], "evil@example.org"), ("mx.example.com; dmarc=pass",))
    assert judge(said, OURS).verdict is TrustVerdict.FAIL
    assert judge(Claim("m", SENDERS), OURS).verdict is TrustVerdict.FAIL


@pytest.mark.parametrize(
    ("sender", "staff", "results", "verdict"),
    [
        ("ana@example.com", (), "", "none"),
        ("ana@example.com", ("example.com",), "dkim=pass header.d=example.com", "pass"),
        ("ana@corp.example.com", ("example.com",), "dkim=pass header.d=example.com", "pass"),
        ("ana@example.com", ("example.com",), "dmarc=fail header.from=example.com", "fail"),
        ("ana@example.com", ("example.com",), "none", "none"),
        ("mallory@example.org", ("example.com",), "dmarc=pass header.from=example.org", "fail"),
        ("mallory@badexample.com", ("example.com",), "dmarc=pass header.from=badexample.com", "fail"),
    ],
)
def test_a_forward_is_judged_by_who_forwarded_it(
    sender: str, staff: tuple[str, ...], results: str, verdict: str
) -> None:
    policy = MailTrust(OURS.authserv_ids, staff_domains=staff)
    assert judge(claim(f"mx.example.com; {results}", sender=sender), policy).verdict == verdict


def test_a_map_without_senders_claims_nobody() -> None:
    said = Claim("website_mail", (), (), ("form@example.org",), ("mx.example.com; dmarc=fail header.from=example.org",))
    assert judge(said, OURS).verdict is TrustVerdict.NONE
    good = Claim("website_mail", (), (), ("form@example.org",), ("mx.example.com; dmarc=pass header.from=example.org",))
    assert judge(good, OURS).verdict is TrustVerdict.PASS


@pytest.mark.parametrize(
    ("vouched", "verdict"),
    [
        ({"dkim": "{@zillowrentals.com : pass}", "spf": "pass"}, "pass"),
        ({"dkim": "{@evil.example.org : pass}", "spf": "pass", "envelope_from": "x@evil.example.org"}, "none"),
        ({"dkim": "{@amazonses.com : pass, @zillowrentals.com : fail}"}, "fail"),
        ({"spf": "fail"}, "fail"),
        ({"spf": "PASS", "envelope_from": "bounce@zillowrentals.com"}, "pass"),
        ({"dkim": "PASS", "spf": "PASS", "dmarc": "PASS"}, "pass"),
        ({"dkim": "PASS", "spf": "PASS", "dmarc": "FAIL"}, "fail"),
        ({"dkim": "PASS", "spf": "GRAY", "dmarc": "GRAY"}, "none"),
        ({"dkim": "none", "spf": "PROCESSING_FAILED"}, "none"),
        ({}, "none"),
    ],
)
def test_what_a_provider_reports_decides(vouched: dict[str, str], verdict: str) -> None:
    assert judge(replace(claim(), vouched=vouched), OURS).verdict == verdict


PRIVATE = rsa.generate_private_key(65537, 2048)
PEM = PRIVATE.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
)
PUBLIC = base64.b64encode(
    PRIVATE.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()
KEYS = MailTrust(dkim_keys={"s1._domainkey.zillowrentals.com": f"v=DKIM1; k=rsa; p={PUBLIC}"})
MAIL = b"From: Zillow <rentalclientservices@zillowrentals.com>\r\nSubject: New contact\r\n\r\nHello\r\n"


def signed(mail: bytes = MAIL, selector: bytes = b"s1", domain: bytes = b"zillowrentals.com", **more: bool) -> bytes:
    return bytes(dkim.sign(mail, selector, domain, PEM, include_headers=[b"from", b"subject"], **more)) + mail


def test_a_good_signature_proves_its_sender() -> None:
    assert judge(claim(), KEYS, signed()).verdict is TrustVerdict.PASS
    lf = signed().replace(b"\r\n", b"\n")
    assert judge(claim(), KEYS, lf).verdict is TrustVerdict.PASS


@pytest.mark.parametrize(
    ("mail", "verdict"),
    [
        (signed().replace(b"Hello", b"Hallo"), "fail"),
        (signed().replace(b"New contact", b"Old contact"), "fail"),
        (b"From: evil@example.org\r\n" + signed(), "fail"),
        (signed(length=True) + b"and more", "fail"),
        (MAIL, "fail"),
        (signed(selector=b"s2"), "none"),
        (signed(domain=b"example.org"), "fail"),
        (b"DKIM-Signature: v=1; d=zillowrentals.com; s=s1; a=what; b=\xff; l=\r\n" + MAIL, "fail"),
        (b"DKIM-Signature: v=1;\r\n d=zillow\xffrentals.com; s=s1\r\n" + MAIL, "fail"),
        (b"DKIM-Signature: v=1; d=example.org; s=s1\r\n" * 4 + signed(), "pass"),
        (b"DKIM-Signature: v=1; d=example.org; s=s1\r\n" * 40 + signed(), "fail"),
    ],
)
def test_what_a_key_at_hand_cannot_bear_out_fails(mail: bytes, verdict: str) -> None:
    assert judge(claim(), KEYS, mail).verdict == verdict


def test_a_signature_whose_time_is_over_is_no_forgery() -> None:
    old = b"DKIM-Signature: v=1; a=rsa-sha256; d=zillowrentals.com; s=s1; t=1; x=2; h=from; bh=YQ==; b=YQ==\r\n"
    assert judge(claim(), KEYS, old + MAIL).verdict is TrustVerdict.NONE


def test_a_trusted_server_outweighs_a_signature_that_lost_its_fit_on_the_way() -> None:
    policy = MailTrust(OURS.authserv_ids, dkim_keys=KEYS.dkim_keys)
    changed = signed().replace(b"Hello", b"[External] Hello")
    assert judge(claim("mx.example.com; dkim=pass header.d=zillowrentals.com"), policy, changed).verdict == "pass"
    assert judge(claim("mx.example.com; dkim=fail header.d=zillowrentals.com"), policy, changed).verdict == "fail"
    assert judge(claim("mx.example.com; spf=fail"), policy, signed()).verdict == "pass"
