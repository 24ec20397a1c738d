"""Web hooks at the door: what proves them to be their provider's, what is refused, and that a refusal is seen. One
file, as every provider is held to the same promises."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from werkzeug.test import TestResponse

from leadsvc.store.tables import exceptions, fetches, receipts, refusals
from tests import inbound, postoffice
from tests.integration.api_support import Door, door

SECRET = "sesame"
OLD = "sesame-of-yesterday"
TOPIC = "arn:aws:sns:us-east-1:123456789012:leads"
CERTIFICATE_URL = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123.pem"
SIGNER = ec.generate_private_key(ec.SECP256R1())
SHOWN_KEY = base64.b64encode(SIGNER.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
AWS = rsa.generate_private_key(65537, 2048)
MAIL = (
    b"From: Ines Example <ines@example.com>\r\nTo: leasing@example.org\r\nSubject: Flat\r\n"
    b"Message-ID: <m1@example.com>\r\nContent-Type: text/plain\r\n\r\nIs it free?\r\n"
)


def configuration(certificates: Path) -> str:
    verify = "secret: env:LEADSVC_HOOK_SECRET, previous_secret: env:LEADSVC_HOOK_OLD"
    return f"""\
feeds:
  mailgun: {{provider: mailgun, verify: {{{verify}}}}}
  facebook: {{provider: facebook, verify: {{{verify}, challenge: env:LEADSVC_HOOK_WORD}}}}
  intercom: {{provider: intercom, verify: {{{verify}}}}}
  webflow: {{provider: webflow, verify: {{{verify}}}}}
  wufoo: {{provider: wufoo, verify: {{{verify}}}}}
  callrail: {{provider: callrail, verify: {{{verify}}}}}
  callrail-timed:
    provider: callrail
    verify: {{{verify}, header: X-CallRail-Signature, algorithm: sha256, encoding: hex,
              timestamp_header: X-CallRail-Time, tolerance_s: 60}}
  sendgrid: {{provider: sendgrid, verify: {{public_key: {SHOWN_KEY}}}}}
  ses: {{provider: ses, verify: {{topics: ['{TOPIC}'], certificates: {certificates}}}}}
  ses-bare: {{provider: ses, verify: {{topics: ['{TOPIC}']}}}}
  postmark: {{provider: postmark, verify: {{addresses: [192.0.2.0/24]}}}}
"""


@dataclass(frozen=True)
class Gate:
    """Every feed with a secret address."""

    door: Door
    certificates: Path

    def post(self, feed: str, body: bytes, headers: dict[str, str] | None = None, kind: str = "") -> TestResponse:
        token = self.door.key("url", feed).shown
        headers = {"Content-Type": kind or "application/json"} | (headers or {})
        return self.door.client.post(f"/v1/hooks/{token}", data=body, headers=headers)

    def open(self) -> list[str]:
        rows = self.door.rows(exceptions)
        return [row["cause"] for row in rows if row["resolved_at"] is None and row["cause"].startswith("hook_")]


@pytest.fixture
def gate(store_url: str, tmp_path: Path) -> Iterator[Gate]:
    config, certificates = tmp_path / "hooks.yaml", tmp_path / "certificates"
    certificates.mkdir()
    config.write_text(configuration(certificates))
    secrets = {"HOOK_SECRET": SECRET, "HOOK_OLD": OLD, "HOOK_WORD": "open-it"}
    with door(store_url, tmp_path, CONFIG=str(config), **secrets) as made:
        yield Gate(made, certificates)


def mac(body: bytes, algorithm: str = "sha256", secret: str = SECRET) -> bytes:
    return hmac.digest(secret.encode(), body, algorithm)


Signed = tuple[bytes, dict[str, str], str]


def mailgun(secret: str = SECRET, token: str = "t1", age: int = 0, text: str = "Is it free?") -> Signed:
    stamp = str(int(time.time()) - age)
    fields = {
        "recipient": inbound.RECIPIENT,
        "from": "Ines Example <ines@example.com>",
        "subject": "Flat",
        "body-plain": text,
        "timestamp": stamp,
        "token": token,
        "signature": mac((stamp + token).encode(), secret=secret).hex(),
    }
    return urlencode(fields).encode(), {}, "application/x-www-form-urlencoded"


def facebook(secret: str = SECRET) -> Signed:
    body = json.dumps({"object": "page", "entry": []}).encode()
    return body, {"X-Hub-Signature-256": "sha256=" + mac(body, secret=secret).hex()}, ""


def intercom(secret: str = SECRET) -> Signed:
    body = b'{"type":"notification_event"}'
    return body, {"X-Hub-Signature": "sha1=" + mac(body, "sha1", secret).hex()}, ""


def webflow(secret: str = SECRET, age: int = 0) -> Signed:
    body, stamp = b'{"triggerType":"form_submission"}', str(int((time.time() - age) * 1000))
    signature = mac(stamp.encode() + b":" + body, secret=secret).hex()
    return body, {"X-Webflow-Signature": signature, "X-Webflow-Timestamp": stamp}, ""


def wufoo(secret: str = SECRET) -> Signed:
    return urlencode({"HandshakeKey": secret, "Field1": "Ines"}).encode(), {}, "application/x-www-form-urlencoded"


def callrail(secret: str = SECRET) -> Signed:
    body = b'{"resource_id":"CAL1"}'
    return body, {"Signature": base64.b64encode(mac(body, "sha1", secret)).decode()}, ""


def callrail_timed(secret: str = SECRET, age: int = 0) -> Signed:
    body, stamp = b'{"resource_id":"CAL1"}', str(int(time.time()) - age)
    signature = mac(stamp.encode() + b"." + body, secret=secret).hex()
    return body, {"X-CallRail-Signature": signature, "X-CallRail-Time": stamp}, ""


SIGNERS: dict[str, Callable[..., Signed]] = {
    "mailgun": mailgun,
    "facebook": facebook,
    "intercom": intercom,
    "webflow": webflow,
    "wufoo": wufoo,
    "callrail": callrail,
    "callrail-timed": callrail_timed,
}


@pytest.mark.parametrize("feed", SIGNERS)
def test_the_secret_and_the_one_before_it(gate: Gate, feed: str) -> None:
    for secret in (SECRET, OLD):
        extra = {"token": secret} if feed == "mailgun" else {}
        assert gate.post(feed, *SIGNERS[feed](secret=secret, **extra)).status_code == 200


@pytest.mark.parametrize("feed", SIGNERS)
def test_anything_else_is_refused_and_counted(gate: Gate, feed: str) -> None:
    body, headers, kind = SIGNERS[feed](secret="guess")
    assert gate.post(feed, body, headers, kind).status_code == 401
    assert gate.post(feed, b"{}" if not kind else b"a=b", {}, kind).status_code == 401
    if headers:
        good, right, _ = SIGNERS[feed]()
        assert gate.post(feed, good + b" ", right, kind).status_code == 401
    assert gate.door.count(receipts) == 0
    assert sum(row["count"] for row in gate.door.rows(refusals)) == 2 + bool(headers)
    assert len(gate.open()) == 1
    assert gate.post(feed, *SIGNERS[feed]()).status_code == 200
    assert gate.open() == []


@pytest.mark.parametrize(("feed", "age"), [("webflow", 400), ("callrail-timed", 70), ("mailgun", 40_000)])
def test_old_signatures(gate: Gate, feed: str, age: int) -> None:
    assert gate.post(feed, *SIGNERS[feed](age=age)).status_code == (406 if feed == "mailgun" else 401)
    assert gate.post(feed, *SIGNERS[feed](age=-age)).status_code == (406 if feed == "mailgun" else 401)
    assert gate.door.count(receipts) == 0


def test_mailgun_tries_again_for_hours(gate: Gate) -> None:
    assert gate.post("mailgun", *mailgun(age=8 * 3600)).status_code == 200


def test_a_token_of_mailgun_is_used_once(gate: Gate) -> None:
    token = gate.door.key("url", "mailgun").shown
    sent = mailgun()
    answers = [gate.door.client.post(f"/v1/hooks/{token}", data=sent[0], content_type=sent[2]) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 200]
    assert answers[0].data == answers[1].data
    other = mailgun(text="Something else")
    assert gate.door.client.post(f"/v1/hooks/{token}", data=other[0], content_type=other[2]).status_code == 406
    assert gate.door.count(receipts) == 1


def test_mailgun_with_an_attachment(gate: Gate) -> None:
    stamp = str(int(time.time()))
    fields = {"recipient": b"a@example.org", "body-plain": b"x", "timestamp": stamp.encode(), "token": b"t"}
    fields["signature"] = mac((stamp + "t").encode()).hex().encode()
    posted = inbound.multipart(fields, [("attachment-1", "a.png", "image/png", b"\x89PNG")])
    assert gate.post("mailgun", posted.body, {}, posted.content_type).status_code == 200


def sendgrid(key: ec.EllipticCurvePrivateKey = SIGNER, age: int = 0) -> tuple[bytes, dict[str, str], str]:
    posted = inbound.sendgrid(inbound.taken(MAIL))
    return posted.body, signed_event(posted.body, key, age), posted.content_type


def signed_event(body: bytes, key: ec.EllipticCurvePrivateKey = SIGNER, age: int = 0) -> dict[str, str]:
    stamp = str(int(time.time()) - age)
    signature = key.sign(stamp.encode() + body, ec.ECDSA(SHA256()))
    name = "X-Twilio-Email-Event-Webhook"
    return {f"{name}-Signature": base64.b64encode(signature).decode(), f"{name}-Timestamp": stamp}


def test_sendgrid(gate: Gate) -> None:
    assert gate.post("sendgrid", *sendgrid()).status_code == 200
    assert gate.post("sendgrid", *sendgrid(ec.generate_private_key(ec.SECP256R1()))).status_code == 401
    assert gate.post("sendgrid", *sendgrid(age=900)).status_code == 401
    body, headers, kind = sendgrid()
    assert gate.post("sendgrid", body, {}, kind).status_code == 401
    assert gate.post("sendgrid", body, dict.fromkeys(headers, "?"), kind).status_code == 401
    assert gate.door.count(receipts) == 1


def test_addresses(gate: Gate) -> None:
    posted = inbound.postmark(inbound.taken(MAIL))
    assert gate.post("postmark", posted.body).status_code == 401
    token = gate.door.key("url", "postmark").shown
    near = {"REMOTE_ADDR": "192.0.2.9"}
    assert gate.door.client.post(f"/v1/hooks/{token}", data=posted.body, environ_base=near).status_code == 200


# -- SNS ---------------------------------------------------------------------------------------------------------------


def certificate(key: rsa.RSAPrivateKey = AWS, days: int = 30) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    start, end = sorted((now - timedelta(days=60), now + timedelta(days=days)))
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(start).not_valid_after(end)
    return made.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()


def sns(version: str = "1", **words: str) -> dict[str, Any]:
    """A signed message."""
    stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    root: dict[str, Any] = json.loads(inbound.sns(inbound.ses_message(MAIL.decode())).body)
    root |= {"Timestamp": stamp, "SignatureVersion": version} | words
    names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    if root["Type"] != "Notification":
        root.pop("Subject")
        names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{root[name]}\n" for name in names).encode()
    hashed = SHA1() if version == "1" else SHA256()  # noqa: S303  # what version 1 is
    root["Signature"] = base64.b64encode(AWS.sign(text, padding.PKCS1v15(), hashed)).decode()
    return root


def notify(gate: Gate, root: dict[str, Any], feed: str = "ses") -> TestResponse:
    return gate.post(feed, json.dumps(root).encode(), kind="text/plain; charset=UTF-8")


@pytest.fixture
def known(gate: Gate) -> Gate:
    """The gate with AWS's certificate in its folder."""
    (gate.certificates / CERTIFICATE_URL.rpartition("/")[2]).write_text(certificate())
    return gate


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_signed_notification(known: Gate, version: str) -> None:
    assert notify(known, sns(version)).status_code == 200
    assert known.door.count(receipts) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"Message": "{}"},
        {"TopicArn": "arn:aws:sns:us-east-1:999999999999:leads"},
        {"SignatureVersion": "2"},
        {"SignatureVersion": "3"},
        {"Signature": "AAAA"},
        {"SigningCertURL": "https://sns.us-east-1.amazonaws.com.example.net/SimpleNotificationService-0123.pem"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123.pem"},
        {"SigningCertURL": "http://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123.pem"},
        {"SigningCertURL": "https://sns.us-east-1.amazonaws.com/../../etc/SimpleNotificationService-0123.pem"},
        {"SigningCertURL": "https://sns.us-east-1.amazonaws.com/a.pem?x=SimpleNotificationService-0123.pem"},
        {"SigningCertURL": ["https://sns.us-east-1.amazonaws.com/a.pem"]},
        {"Timestamp": "2020-01-01T00:00:00.000Z"},
    ],
)
def test_whatever_is_changed_is_noticed(known: Gate, changed: dict[str, Any]) -> None:
    assert notify(known, sns() | changed).status_code == 401
    assert known.door.count(receipts) == 0
    assert known.door.count(fetches) == 0


def test_a_certificate_that_is_over(gate: Gate) -> None:
    (gate.certificates / CERTIFICATE_URL.rpartition("/")[2]).write_text(certificate(days=-1))
    assert notify(gate, sns()).status_code == 401


def test_an_old_message_though_signed(known: Gate) -> None:
    assert notify(known, sns(Timestamp="2026-01-01T00:00:00.000Z")).status_code == 401


def test_a_certificate_is_fetched_by_a_worker_only(gate: Gate) -> None:
    first = notify(gate, sns(), "ses-bare")
    assert (first.status_code, first.headers["Retry-After"]) == (503, "20")
    assert notify(gate, sns(), "ses-bare").status_code == 503
    [wanted] = gate.door.rows(fetches)
    assert (wanted["kind"], wanted["ref"], wanted["state"]) == ("sns_certificate", CERTIFICATE_URL, "pending")
    assert gate.door.count(receipts) == 0


def test_a_subscription_waits_for_a_person(known: Gate) -> None:
    asked = sns(Type="SubscriptionConfirmation", Token="a1b2", SubscribeURL="https://evil.example.net/")
    answer = notify(known, asked)
    assert answer.get_json()["status"] == "quarantined"
    [receipt] = known.door.rows(receipts)
    assert receipt["cause"] == "subscription"
    assert known.door.count(fetches) == 0
    confirmed = known.door.client.post(f"/v1/receipts/{receipt['id']}/confirm", headers=known.door.staff("staff:write"))
    assert confirmed.get_json()["status"] == "confirming"
    [wanted] = known.door.rows(fetches)
    assert (wanted["kind"], wanted["ref"], wanted["receipt_id"]) == ("sns_subscription", TOPIC, receipt["id"])
    other = known.post("callrail", *callrail())
    refused = known.door.client.post(
        f"/v1/receipts/{other.get_json()['receipt']}/confirm", headers=known.door.staff("staff:write")
    )
    assert refused.status_code == 409


# -- Facebook asks -----------------------------------------------------------------------------------------------------


def ask(gate: Gate, feed: str = "facebook", **words: str) -> TestResponse:
    usual = {"hub.mode": "subscribe", "hub.verify_token": "open-it", "hub.challenge": "1158201444"}
    return gate.door.client.get(f"/v1/hooks/{gate.door.key('url', feed).shown}", query_string=usual | words)


def test_the_challenge(gate: Gate) -> None:
    answer = ask(gate)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, b"1158201444", "text/plain")
    assert ask(gate, **{"hub.verify_token": "guess"}).status_code == 403
    assert ask(gate, **{"hub.mode": "x"}).status_code == 404
    assert ask(gate, "mailgun").status_code == 404
    assert b"<" not in ask(gate, **{"hub.challenge": "<script>"}).data
    assert gate.door.client.get("/v1/hooks/lsk_none_none").status_code == 401


def test_a_rehearsal_is_proved_too(gate: Gate) -> None:
    token = gate.door.key("url", "callrail").shown
    assert gate.door.client.post(f"/v1/hooks/{token}?test=1", data=b"{}").status_code == 401
    body, headers, _ = callrail()
    assert gate.door.client.post(f"/v1/hooks/{token}?test=1", data=body, headers=headers).status_code == 200
    assert gate.door.count(receipts) == 0


def test_no_secret_is_kept_or_shown(gate: Gate) -> None:
    gate.post("facebook", *facebook())
    [receipt] = gate.door.rows(receipts)
    assert "signature" not in json.dumps(receipt["headers"])
    shown = str(gate.door.services.settings.shown()) + repr(gate.door.services.settings)
    assert SECRET not in shown


# -- what a provider says of the sender --------------------------------------------------------------------------------

CLAIMED = "b@zillowrentals.com"
SAID = {
    "mailgun": "X-Mailgun-Spf: {0}\nX-Mailgun-Dkim-Check-Result: {0}\n",
    "postmark": f"Received-SPF: {{0}} (checked) identity=mailfrom; envelope-from={CLAIMED}; receiver=x.example.org\n",
}


def claimed(feed: str, result: str) -> Signed:
    """A mail that says it is Zillow's, as ``feed`` posts it having checked it with ``result``."""
    mail = inbound.taken(postoffice.lead(0, head=SAID.get(feed, "").format(result)))
    if feed == "postmark":
        return inbound.postmark(mail).body, {}, ""
    if feed == "mailgun":
        stamp = str(int(time.time()))
        fields = dict(parse_qsl(inbound.mailgun(mail).body.decode())) | {"sender": CLAIMED}
        fields |= {"timestamp": stamp, "token": result, "signature": mac((stamp + result).encode()).hex()}
        return urlencode(fields).encode(), {}, "application/x-www-form-urlencoded"
    if feed == "sendgrid":
        posted = inbound.sendgrid(mail)
        body = posted.body.replace(b"{@example.org : pass}", f"{{@zillowrentals.com : {result.lower()}}}".encode())
        return body, signed_event(body), posted.content_type
    message = json.loads(inbound.ses_message(mail.raw.decode()))
    message["receipt"]["dmarcVerdict"] = {"status": result.upper()}
    return json.dumps(sns(Message=json.dumps(message))).encode(), {}, "text/plain; charset=UTF-8"


@pytest.mark.parametrize("feed", ["sendgrid", "ses", "mailgun", "postmark"])
@pytest.mark.parametrize(("result", "status"), [("Pass", "accepted"), ("Fail", "quarantined")])
def test_a_mail_that_its_provider_found_forged_waits_for_a_person(
    known: Gate, feed: str, result: str, status: str
) -> None:
    body, headers, kind = claimed(feed, result)
    token = known.door.key("url", feed).shown
    headers |= {"Content-Type": kind or "application/json"}
    near = {"REMOTE_ADDR": "192.0.2.9"}
    answer = known.door.client.post(f"/v1/hooks/{token}", data=body, headers=headers, environ_base=near)
    assert (answer.status_code, answer.get_json()["status"]) == (200, status)
    (receipt,) = known.door.rows(receipts)
    assert receipt["trust"] == ("fail" if result == "Fail" else "none" if feed == "mailgun" else "pass")
    assert (receipt["cause"] == "untrusted_sender") is (result == "Fail")
