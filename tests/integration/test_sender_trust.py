"""A mail that claims a source and fails waits for a person; whoever releases it is written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from leadsvc.app import build_services, prepare
from leadsvc.config import Feed, Mailbox, MailTrust, Settings
from leadsvc.model import Channel, Delivered
from leadsvc.reports.books import balance
from leadsvc.services import Services
from leadsvc.store.tables import audit, exceptions, inquiries, receipts
from tests import inbound
from tests.postoffice import SENDER, lead

PASS = "Authentication-Results: mx.example.com; dmarc=pass header.from=zillowrentals.com\n"
FAIL = "Authentication-Results: mx.example.com; dmarc=fail header.from=zillowrentals.com\n"
FORGED = "Authentication-Results: mx.attacker.example; dmarc=pass header.from=zillowrentals.com\n"
TRUST = MailTrust(authserv_ids=("mx.example.com",))

Make = Callable[..., Services]


@pytest.fixture
def make(sqlite_database: str, tmp_path: Path) -> Iterator[Make]:
    made: list[Services] = []

    def services(trust: MailTrust = TRUST, **more: Any) -> Services:
        settings = Settings(var=tmp_path, database_url=sqlite_database, secret_key="test", mail_trust=trust, **more)
        prepare(settings)
        made.append(build_services(settings))
        return made[-1]

    yield services
    for each in made:
        each.store.close()


def take(services: Services, mail: bytes, feed: str = "mail", **headers: str) -> str:
    delivered = Delivered(mail, "message/rfc822", Channel.EMAIL, services.clock(), headers)
    known = services.settings.feeds.get(feed) or Feed(name=feed)
    answer = services.receiver.receive(delivered, feed=known, authenticated="test")
    return str(answer.body["status"])


def rows(services: Services, *columns: Any) -> list[tuple[Any, ...]]:
    with services.store.read() as connection:
        return [tuple(row) for row in connection.execute(select(*columns))]


def test_a_mail_that_passes_makes_its_lead(make: Make) -> None:
    services = make()
    assert take(services, lead(0, head=PASS)) == "accepted"
    assert rows(services, receipts.c.trust, receipts.c.trust_reason) == [("pass", "DMARC passed for zillowrentals.com")]


def test_a_mail_that_fails_is_quarantined_and_released_in_one_action(make: Make) -> None:
    services = make()
    assert take(services, lead(0, head=FAIL + PASS)) == "quarantined"
    [(receipt, trust, cause)] = rows(services, receipts.c.id, receipts.c.trust, receipts.c.cause)
    assert (trust, cause) == ("fail", "untrusted_sender")
    assert rows(services, inquiries.c.id) == []
    assert rows(services, exceptions.c.kind, exceptions.c.cause) == [("quarantined", "untrusted_sender")]
    assert services.actions.replay([receipt], "ana")[0]["after"] == "quarantined"
    assert services.actions.replay([receipt], "ana", dry_run=True, trust=True)[0]["would_be"] == "leads"
    assert services.actions.replay([receipt], "ana", trust=True)[0]["after"] == "processed"
    assert rows(services, receipts.c.trust) == [("released",)]
    assert ("ana", "release", str(receipt)) in rows(services, audit.c.actor, audit.c.action, audit.c.subject)
    assert ("quarantined", "ana") in rows(services, exceptions.c.kind, exceptions.c.resolved_by)
    assert services.actions.replay([receipt], "bo")[0]["after"] == "processed", "released is released"
    with services.store.read() as connection:
        assert balance(connection).balance


def test_without_a_verdict_a_mail_passes_unless_one_is_demanded(make: Make) -> None:
    services = make()
    assert take(services, lead(0)) == "accepted"
    assert take(services, lead(1, head=FORGED)) == "accepted"
    assert {trust for (trust,) in rows(services, receipts.c.trust)} == {"none"}


@pytest.mark.parametrize("where", ["everywhere", "feed", "mailbox"])
def test_a_verdict_may_be_demanded(make: Make, where: str) -> None:
    box = Mailbox("leads", "127.0.0.1", "leads", "env:X", require_auth=where == "mailbox")
    services = make(
        replace(TRUST, require_auth=where == "everywhere"),
        feeds={"mail": Feed("mail", require_auth=where == "feed")},
        mailboxes={"leads": box},
    )
    assert take(services, lead(0), **{":mailbox": "leads"}) == "quarantined"
    assert take(services, lead(1, head=PASS), **{":mailbox": "leads"}) == "accepted"
    assert {cause for (cause,) in rows(services, receipts.c.cause)} == {"", "untrusted_sender"}


def test_a_mailbox_trusts_its_own_server(make: Make) -> None:
    box = Mailbox("leads", "127.0.0.1", "leads", "env:X", authserv_ids=("mx.example.com",))
    services = make(MailTrust(), mailboxes={"leads": box})
    assert take(services, lead(0, head=FAIL)) == "accepted"
    assert take(services, lead(1, head=FAIL), **{":mailbox": "leads"}) == "quarantined"


SES_SAID = rb"\"dkimVerdict\": {\"status\": \"PASS\"}"


@pytest.mark.parametrize(
    ("wrap", "instead", "trust"),
    [
        (inbound.sendgrid, (b"{@example.org : pass}", b"{@zillowrentals.com : pass}"), "pass"),
        (inbound.sendgrid, (b"{@example.org : pass}", b"{@zillowrentals.com : fail}"), "fail"),
        (inbound.sendgrid_raw, (b"", b""), "none"),
        (inbound.ses, (SES_SAID, SES_SAID.replace(b"dkim", b"dmarc")), "pass"),
        (inbound.ses, (SES_SAID, SES_SAID.replace(b"dkim", b"dmarc").replace(b"PASS", b"FAIL")), "fail"),
        (inbound.ses, (b"", b""), "none"),
        (inbound.cloudmailin, (b"", b""), "none"),
        (inbound.mailgun, (b"", b""), "none"),
    ],
)
def test_what_a_provider_reports_is_weighed(make: Make, wrap: Any, instead: tuple[bytes, bytes], trust: str) -> None:
    """And no Authentication-Results of the mail, which no server of ours has written then."""
    services = make()
    posted = wrap(inbound.taken(lead(0, head=PASS)))
    body = posted.body.replace(*instead) if instead[0] else posted.body
    assert (body != posted.body) is bool(instead[0])
    delivered = Delivered(body, posted.content_type, Channel.HTTP, services.clock())
    services.receiver.receive(delivered, feed=Feed("mail"), authenticated="test")
    assert rows(services, receipts.c.trust) == [(trust,)]


def forward(number: int, sender: str, head: str = "") -> bytes:
    inner = lead(number).decode().partition("\r\n\r\n")[2]
    return (
        f"{head}From: {sender}\r\nTo: leads+bvt@inbox.example.com\r\nDate: Wed, 04 Feb 2026 10:00:00 -0800\r\n"
        f"Subject: Fwd: New Zillow Group Rentals Contact: 88 Bayview Ter #6\r\nMessage-ID: <fwd-{number}@x>\r\n"
        "Content-Type: text/plain; charset=UTF-8\r\n\r\n---------- Forwarded message ---------\r\n"
        f"From: {SENDER}\r\nDate: Wed, Feb 4, 2026 at 9:00 AM\r\n"
        "Subject: New Zillow Group Rentals Contact: 88 Bayview Ter #6\r\nTo: <dee@bayview.example>\r\n\r\n"
        f"{inner}"
    ).encode()


def test_what_the_staff_forwards_is_believed_and_what_others_forward_is_not(make: Make) -> None:
    services = make(replace(TRUST, staff_domains=("bayview.example",)))
    good = "Authentication-Results: mx.example.com; dkim=pass header.d=bayview.example\r\n"
    assert take(services, forward(0, "dee@bayview.example", good)) == "accepted"
    assert take(services, forward(1, "mallory@example.org", "")) == "quarantined"
    assert {trust for (trust,) in rows(services, receipts.c.trust)} == {"pass", "fail"}


def test_a_forwarded_copy_of_a_mail_is_the_same_inquiry(make: Make) -> None:
    services = make()
    assert take(services, lead(0)) == "accepted"
    assert take(services, forward(0, "dee@bayview.example")) == "duplicate"
    assert take(services, lead(0, head="Delivered-To: other@example.com\n"), feed="second") == "duplicate"
    assert take(services, forward(3, "dee@bayview.example")) == "accepted"
    assert take(services, lead(3)) == "duplicate"
    assert len(rows(services, inquiries.c.id)) == 2


def test_a_header_that_names_another_sender_claims_nothing(make: Make) -> None:
    """Google Groups writes the sender into X-Original-From; so can anybody."""
    services = make(replace(TRUST, staff_domains=("bayview.example",)))
    mail = lead(0, head=f"X-Original-From: {SENDER}\n", sender="'Zillow' via Leads <leads@example.org>")
    assert take(services, mail) == "quarantined"
