"""Mailboxes on real IMAP servers: whatever breaks, each mail is one receipt, and nothing is lost. One file, as every
server has to go through all of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from leadsvc.app import now
from leadsvc.errors import Unavailable
from leadsvc.faults import SIDES, Commit
from leadsvc.mailbox.poller import Poller
from leadsvc.mailbox.session import OPERATIONS
from leadsvc.mailbox.trouble import Cause, Trouble
from leadsvc.model import Delivered
from leadsvc.pipeline.answers import Answer
from leadsvc.receive import Receiver
from leadsvc.store.tables import inquiries, receipts
from tests import imapserver
from tests.imapserver import Imap
from tests.postoffice import QUICK, Post, configuration, lead, post
from tests.processes import free_port, leadsvc
from tests.servers import scratch_folder
from tests.system.nursery import command

pytestmark = pytest.mark.slow


@contextlib.contextmanager
def server(kind: str) -> Iterator[Imap]:
    if kind == "dovecot" and imapserver.dovecot_version() is None:
        pytest.skip(imapserver.NO_DOVECOT)
    with scratch_folder(f"leadsvc-{kind}-") as folder, getattr(imapserver, kind)(folder) as made:
        yield made


@pytest.fixture(params=["pymap", "dovecot"])
def imap(request: pytest.FixtureRequest) -> Iterator[Imap]:
    with server(request.param) as made:
        yield made


def taken(office: Post, wanted: int) -> bool:
    return office.count() == wanted


def test_mails_are_taken_moved_and_their_leads_known(imap: Imap, sqlite_database: str, tmp_path: Path) -> None:
    imap.deliver([lead(number) for number in range(5)])
    with post(sqlite_database, tmp_path, imap, batch=2) as office:
        assert office.once() == 5
        office.assert_each_once(5)
        assert (imap.count("INBOX"), imap.count("leadsvc-done")) == (0, 5)
        state = office.state()
        assert (state.taken, state.trouble, state.holder) == (5, "", "")
        assert office.once() == 0


def test_mails_may_stay_where_they_are_and_be_flagged(imap: Imap, sqlite_database: str, tmp_path: Path) -> None:
    imap.deliver([lead(number) for number in range(3)])
    with post(sqlite_database, tmp_path, imap, done="flag") as office:
        assert office.once() == 3
        assert all(rb"\Seen" in flags for flags in imap.flags("INBOX"))
        imap.deliver([lead(3)])
        assert office.once() == 1
        office.assert_each_once(4)
        assert imap.count("leadsvc-done") == 0


def test_an_own_keyword_needs_no_server_that_keeps_it(imap: Imap, sqlite_database: str, tmp_path: Path) -> None:
    imap.deliver([lead(number) for number in range(2)])
    with post(sqlite_database, tmp_path, imap, done="flag", keyword="$LeadsvcDone") as office:
        assert (office.once(), office.once()) == (2, 0)
        assert not any(rb"\Seen" in flags for flags in imap.flags("INBOX"))
        office.assert_each_once(2)


def test_a_new_mail_is_pushed(
    imap: Imap, sqlite_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leadsvc.mailbox.poller._GLANCE_S", 0.01)
    with post(sqlite_database, tmp_path, imap) as office:
        office.start()
        office.until(lambda: office.state().last_success_at, "the mailbox is read")
        for number in range(3):
            started = time.monotonic()
            imap.deliver([lead(number)])
            office.until(partial(taken, office, number + 1), "the mail is taken")
            assert time.monotonic() - started < 5, "pushed, not asked for"
        office.assert_each_once(3)


def test_a_server_that_pushes_nothing_is_asked(
    imap: Imap, sqlite_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leadsvc.mailbox.session.Session.can_idle", lambda self: False)
    with post(sqlite_database, tmp_path, imap, poll_s=0.1) as office:
        office.start()
        for number in range(2):
            imap.deliver([lead(number)])
            office.until(partial(taken, office, number + 1), "the mail is taken")
        office.assert_each_once(2)


def test_many_mailboxes_at_once_and_a_mail_in_two_of_them(imap: Imap, sqlite_database: str, tmp_path: Path) -> None:
    names = [f"box{number}" for number in range(6)]
    with post(sqlite_database, tmp_path, imap, boxes=names) as office:
        boxes = []
        for number, name in enumerate(names):
            boxes.append(replace(office.services.settings.mailboxes[name], folder=f"Anfragen-Süd-{number}"))
            imap.deliver([lead(number), lead(number + 1, head=f"Delivered-To: {name}@example.com\n")], boxes[-1].folder)
        office.start(*boxes)
        office.until(lambda: office.count() == 12, "every mailbox is read")
        office.until(lambda: office.count(receipts, receipts.c.state == "pending") == 0, "every mail is processed")
        assert office.count(inquiries) == 7
        assert office.count(receipts, receipts.c.state == "duplicate") == 5


@pytest.mark.parametrize("after", [3_000, 30_000, 120_000])
def test_a_connection_cut_in_the_middle_of_a_fetch(
    imap: Imap, sqlite_database: str, tmp_path: Path, after: int
) -> None:
    imap.deliver([lead(number, padding=20_000) for number in range(12)])
    with (
        imapserver.cutter(imap.port) as proxy,
        post(sqlite_database, tmp_path, imap, port=proxy.port, batch=4) as office,
    ):
        proxy.after = [after, after, after]
        office.start()
        office.until(lambda: imap.count("leadsvc-done") == 12, "every mail is moved")
        office.until(lambda: office.state().trouble == "", "the mailbox is well again")
        assert proxy.cuts >= 1
        office.assert_each_once(12)
        assert office.open_exceptions() == []


def test_a_server_that_restarts(imap: Imap, sqlite_database: str, tmp_path: Path) -> None:
    with post(sqlite_database, tmp_path, imap) as office:
        office.start()
        imap.deliver([lead(0)])
        office.until(lambda: imap.count("leadsvc-done") == 1, "the first mail is moved")
        imap.kill()
        imap.stop()
        office.until(lambda: ("mailbox", "unreachable") in office.open_exceptions(), "the outage is told of")
        assert office.state().trouble == "unreachable"
        imap.start()
        imap.deliver([lead(1)])
        office.until(lambda: office.count() == 2, "the second mail is taken")
        office.until(lambda: office.open_exceptions() == [], "the exception closes itself")
        office.assert_each_once(2)


@pytest.mark.parametrize("done", ["move", "flag"])
def test_new_uids_make_nothing_twice(imap: Imap, sqlite_database: str, tmp_path: Path, done: str) -> None:
    imap.deliver([lead(number) for number in range(4)], "Leads")
    with post(sqlite_database, tmp_path, imap, folder="Leads", done=done) as office:
        assert office.once() == 4
        if done == "move":
            imap.deliver([lead(number) for number in range(4)], "Leads")  # somebody copies them back
        imap.renumber("Leads")
        imap.deliver([lead(4)], "Leads")
        office.once()
        assert office.state().resyncs == 1
        office.assert_each_once(5)
        assert imap.count("Leads") == (0 if done == "move" else 5)


def test_new_uids_are_noticed_while_the_mailbox_is_read(imap: Imap, sqlite_database: str, tmp_path: Path) -> None:
    imap.deliver([lead(number) for number in range(3)], "Leads")
    with (
        post(sqlite_database, tmp_path, imap, folder="Leads", done="flag") as office,
        imapserver.cutter(imap.port) as proxy,
    ):
        office.start(replace(office.box, port=proxy.port))
        office.until(lambda: office.count() == 3, "the mails are taken")
        proxy.target = free_port()  # a server under repair
        proxy.cut_all()
        office.until(lambda: office.state().trouble == "unreachable", "the outage is noticed")
        imap.renumber("Leads")
        imap.deliver([lead(3)], "Leads")
        proxy.target = imap.port
        office.until(lambda: office.count() == 4, "the new mail is taken")
        office.assert_each_once(4)
        assert office.state().resyncs == 1


def test_two_pollers_take_turns(imap: Imap, sqlite_database: str, tmp_path: Path) -> None:
    with post(sqlite_database, tmp_path, imap) as office:
        first, second = office.start(), office.start()
        imap.deliver([lead(0)])
        office.until(lambda: imap.count("leadsvc-done") == 1, "one of them reads")
        holder = office.state().holder
        reading = next(each for each in (first, second) if each.pollers[0].taken)
        office.keepers.remove(reading)
        reading.stop()
        imap.deliver([lead(1)])
        office.until(lambda: imap.count("leadsvc-done") == 2, "the other goes on")
        assert office.state().holder not in ("", holder)
        office.assert_each_once(2)


def test_two_readers_of_one_folder_that_know_nothing_of_each_other(imap: Imap, store_url: str, tmp_path: Path) -> None:
    """Each has a lease of its own, so that only what a mail is recorded under keeps them apart."""
    with post(store_url, tmp_path, imap, boxes=("leads", "twin"), batch=3) as office:
        office.start(*office.services.settings.mailboxes.values())
        for start in range(0, 30, 10):
            imap.deliver([lead(number) for number in range(start, start + 10)])
        office.until(lambda: imap.count("INBOX") == 0, "every mail is moved", 60)
        office.until(lambda: office.count(inquiries) == 30, "every mail is processed")
        office.stop()
        office.assert_each_once(30)


def test_many_mails_are_waiting(imap: Imap, sqlite_database: str, tmp_path: Path) -> None:
    mails = 600 if imap.kind == "dovecot" else 120  # pymap takes a tenth of a second for each
    imap.drop([lead(number) for number in range(mails)])
    with post(sqlite_database, tmp_path, imap, batch=20) as office:
        office.start()
        office.until(lambda: office.count() >= mails / 3, "a part is taken", 60)
        office.stop()  # in the middle of it
        office.start()
        office.until(lambda: office.state().taken >= mails, "every mail is moved", 60)
        office.stop()
        office.assert_each_once(mails)
        assert (imap.count("INBOX"), imap.count("leadsvc-done")) == (0, mails)


def points() -> list[str]:
    """Where a process that reads a mailbox may die, and the how-manieth time it gets there."""
    often = {Commit.MAILBOX: (1, 2, 3, 4), "imap.fetch": (1, 2), "imap.done": (1, 2), Commit.RECORD: (1, 2)}
    names = (*OPERATIONS, Commit.MAILBOX, Commit.RECORD, Commit.INTAKE)
    return [f"{name}:{side}:{count}" for name in names for side in SIDES for count in often.get(name, (1,))]


@pytest.mark.parametrize("point", points())
def test_a_process_killed_at_any_point(sqlite_database: str, tmp_path: Path, point: str) -> None:
    with server("pymap") as imap:
        imap.deliver([lead(0), lead(1), lead(7, padding=30_000), lead(2), lead(3)])
        env = {**os.environ, **configuration(tmp_path, imap, max_bytes=20_000, batch=2)}
        env |= {"LEADSVC_DATABASE_URL": sqlite_database, "LEADSVC_FAULT": point}
        status, said = command(("mailbox", "--once"), env, tmp_path / "log")
        assert status == -signal.SIGKILL, said
        with post(sqlite_database, tmp_path, imap, max_bytes=20_000, ahead=timedelta(minutes=2)) as office:
            office.once()
            office.services.intake.sweep(all_pending=True)
            office.assert_each_once(4)
            assert (imap.count("INBOX"), imap.count("leadsvc-done"), imap.count("leadsvc-poison")) == (0, 4, 1)
            assert office.open_exceptions() in ([("poison_mail", "too_large")], [])


def test_a_lease_of_a_dead_process_runs_out(sqlite_database: str, tmp_path: Path) -> None:
    with server("pymap") as imap, post(sqlite_database, tmp_path, imap) as office:
        [poller] = office.start().pollers
        office.until(lambda: office.state().last_success_at, "the mailbox is read")
        holder = office.state().holder
        later = replace(office.services, clock=lambda: now() + timedelta(seconds=QUICK.lease + 1))
        for services, taken in ((office.services, False), (later, True)):
            other = Poller(services, office.box, "another", QUICK)
            assert other.once() is taken
            other.close()
        office.until(lambda: office.state().holder == holder, "the first takes it up again")
        assert poller.taken == 0


def test_a_process_that_is_asked_to_end_finishes_its_mail(imap: Imap, sqlite_database: str, tmp_path: Path) -> None:
    env = configuration(tmp_path, imap) | {"LEADSVC_DATABASE_URL": sqlite_database}
    imap.deliver([lead(number) for number in range(30)])
    with post(sqlite_database, tmp_path, imap) as office:
        with leadsvc("mailbox", env=env) as process:
            process.until(lambda: office.count() >= 5, "it reads")
            assert process.stop() == 0
        assert office.state().holder == ""
        office.once()
        office.assert_each_once(30)


def test_a_refused_password_that_is_repaired(imap: Imap, sqlite_database: str, tmp_path: Path) -> None:
    imap.deliver([lead(0)])
    with post(sqlite_database, tmp_path, imap) as office:
        secret = tmp_path / "imap-password"
        secret.write_text("an old one")
        office.start(pace=replace(QUICK, refused=3600, most=7200))
        office.until(lambda: office.open_exceptions() == [("mailbox", "auth_refused")], "the refusal is told of", 60)
        assert "an old one" not in office.state().detail
        secret.write_text(imapserver.PASSWORD)
        office.until(lambda: office.count() == 1, "the renewed password is taken up")
        office.until(lambda: office.open_exceptions() == [], "the exception closes itself")
        assert office.state().trouble == ""


def test_a_secret_that_is_missing_is_told_of(sqlite_database: str, tmp_path: Path) -> None:
    with server("pymap") as imap, post(sqlite_database, tmp_path, imap, secret="env:NO_SUCH_SECRET") as office:
        office.start()
        office.until(lambda: office.open_exceptions() == [("mailbox", "no_secret")], "it is told of")


def test_mails_that_are_too_large_or_broken(imap: Imap, sqlite_database: str, tmp_path: Path) -> None:
    broken = [
        b"no headers at all",
        b"From: a@example.com\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\xff\xfe",
        b"Subject: " + b"=?utf-8?b?" * 50 + b"\r\n\r\n",
    ]
    imap.deliver([lead(0), *broken, lead(1, padding=50_000), lead(2)])
    with post(sqlite_database, tmp_path, imap, max_bytes=40_000) as office:
        assert office.once() == 5
        assert office.count(inquiries) == 2
        assert office.count(receipts, receipts.c.state == "pending") == 0
        assert (imap.count("INBOX"), imap.count("leadsvc-done"), imap.count("leadsvc-poison")) == (0, 5, 1)
        assert ("poison_mail", "too_large") in office.open_exceptions()
        assert office.state().poisoned == 1


def test_a_mail_that_cannot_be_taken_does_not_hold_up_others(
    sqlite_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = Receiver.receive

    def receive(self: Receiver, delivered: Delivered, **more: Any) -> Answer:
        if b"Question 1" in delivered.body:
            raise RecursionError
        return genuine(self, delivered, **more)

    monkeypatch.setattr(Receiver, "receive", receive)
    with server("pymap") as imap, post(sqlite_database, tmp_path, imap) as office:
        imap.deliver([lead(number) for number in range(3)])
        office.start()
        office.until(lambda: imap.count("leadsvc-poison") == 1, "it is put aside")
        office.until(lambda: office.state().poisoned == 1, "it is counted")
        assert office.open_exceptions() == [("poison_mail", "not_taken")]
        assert (office.count(), imap.count("leadsvc-done")) == (2, 2)
        monkeypatch.undo()
        with imap.client() as client:
            client.select_folder("leadsvc-poison")
            client.move(client.search(), "INBOX")
        office.until(lambda: office.count() == 3, "moved back, it is tried again")
        office.stop()
        office.assert_each_once(3)


def test_the_database_is_away_for_a_while(
    sqlite_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = [True]
    genuine = Receiver.receive

    def receive(self: Receiver, delivered: Delivered, **more: Any) -> Answer:
        if away[0]:
            raise Unavailable("the database does not answer; try again")
        return genuine(self, delivered, **more)

    monkeypatch.setattr(Receiver, "receive", receive)
    with server("pymap") as imap, post(sqlite_database, tmp_path, imap) as office:
        imap.deliver([lead(number) for number in range(3)])
        with imapserver.cutter(imap.port) as proxy:
            office.start(replace(office.box, port=proxy.port))
            office.until(lambda: proxy.connections > 3, "it has been tried more often than a mail is")
            away[0] = False
            office.until(lambda: imap.count("leadsvc-done") == 3, "the mails are taken")
        office.assert_each_once(3)
        assert imap.count("leadsvc-poison") == 0


@pytest.mark.parametrize("tls", ["tls", "starttls"])
def test_over_tls_with_an_authority_of_our_own(sqlite_database: str, tmp_path: Path, tls: str) -> None:
    with server("dovecot") as imap:
        imap.deliver([lead(0)])
        port = imap.tls_port if tls == "tls" else imap.port
        with post(sqlite_database, tmp_path, imap, tls=tls, port=port, ca_file=str(imap.folder / "cert.pem")) as office:
            assert office.once() == 1
            with pytest.raises(Trouble) as caught:
                office.once(replace(office.box, ca_file=""))
            assert caught.value.cause is Cause.UNREACHABLE


def test_a_token_that_is_renewed_by_a_command(sqlite_database: str, tmp_path: Path) -> None:
    good: set[str] = {"first"}

    class Introspection(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query)["token"][0]
            answer = {"user": imapserver.USER, "active": "true" if asked in good else "false"}
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    if imapserver.dovecot_version() is None:
        pytest.skip(imapserver.NO_DOVECOT)
    token = tmp_path / "token"
    token.write_text("first\n")
    with (
        scratch_folder("leadsvc-dovecot-") as folder,
        ThreadingHTTPServer(("127.0.0.1", 0), Introspection) as tokens,
        imapserver.dovecot(folder, tokens.server_port) as imap,
    ):
        threading.Thread(target=tokens.serve_forever, daemon=True).start()
        imap.deliver([lead(0)])
        with post(sqlite_database, tmp_path, imap, oauth=True, secret=f"command:cat {token}") as office:
            assert office.once() == 1
            good.clear()
            good.add("second")
            with pytest.raises(Trouble) as caught:
                office.once()
            assert caught.value.cause is Cause.REFUSED
            token.write_text("second\n")
            assert office.once() == 0
        tokens.shutdown()


def test_what_would_hinder_reading_is_said_beforehand(imap: Imap, tmp_path: Path) -> None:
    env = configuration(tmp_path, imap)
    with leadsvc("mailbox", "--check", env=env) as process:
        assert process.popen.wait(30) == 0, process.output()
        assert "✓ leads is signed in" in process.output()
    (tmp_path / "imap-password").write_text("wrong")
    with contextlib.suppress(AssertionError), leadsvc("mailbox", "--check", "leads", env=env) as process:
        assert process.popen.wait(30) == 1
        assert "✗ The server refuses the password." in process.output()


def test_serve_reads_mailboxes_too(sqlite_database: str, tmp_path: Path) -> None:
    with server("pymap") as imap:
        env = configuration(tmp_path, imap) | {
            "LEADSVC_DATABASE_URL": sqlite_database,
            "LEADSVC_PORT": str(free_port()),
        }
        imap.deliver([lead(0)])
        with post(sqlite_database, tmp_path, imap) as office:
            with leadsvc("serve", env=env) as process:
                process.until(lambda: imap.count("leadsvc-done") == 1, "the mail is moved", 40)
                assert process.stop(seconds=30) == 0
            office.assert_each_once(1)
            assert office.state().holder == ""
