"""Files through the whole pipeline: .eml, mbox, Maildir, payloads; once, however often they are given."""

from __future__ import annotations

import mailbox
from pathlib import Path

import pytest
from click.testing import CliRunner

from leadsvc.cli.ingest import ingest
from leadsvc.config import packaged
from leadsvc.store import Store
from leadsvc.store.tables import inquiries, receipts

LEADS = packaged("demo/leads")


def mail(name: str) -> bytes:
    return (LEADS / name).read_bytes().replace(b"@DATE@", b"Fri, 06 Feb 2026 08:08:08 -0500")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]  # a small helper of this file
    monkeypatch.setenv("LEADSVC_VAR", str(tmp_path / "var"))
    monkeypatch.delenv("LEADSVC_CONFIG", raising=False)

    def run_it(*words: str) -> tuple[int, list[str]]:
        result = CliRunner().invoke(ingest, words)
        return result.exit_code, [line.split()[1] for line in result.stdout.splitlines()]

    return run_it


def counts(tmp_path: Path) -> tuple[int, int]:
    store = Store(f"sqlite:///{tmp_path / 'var' / 'leadsvc.db'}")
    with store.read() as connection:
        found = tuple(len(connection.execute(table.select()).all()) for table in (receipts, inquiries))
    store.close()
    return found[0], found[1]


def test_mails_and_payloads(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for name in ("rosa_apartments.eml", "newsletter.eml", "untaught.eml"):
        (tmp_path / name).write_bytes(mail(name))
    files = [str(tmp_path / name) for name in ("rosa_apartments.eml", "newsletter.eml", "untaught.eml")]
    code, said = run(*files, str(LEADS / "rosa_callback.form"))
    assert (code, said) == (0, ["accepted", "not_lead", "quarantined", "accepted"])
    assert run(*files) == (0, ["accepted", "not_lead", "quarantined"])
    assert counts(tmp_path) == (4, 2)


def test_mbox_and_maildir(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    box = mailbox.mbox(tmp_path / "leads.mbox")
    box.add(mail("rosa_apartments.eml"))
    box.add(mail("harold_resident.eml"))
    box.close()
    folder = mailbox.Maildir(tmp_path / "Maildir")
    folder.add(mail("leila_conversation.eml"))
    code, said = run(str(tmp_path / "leads.mbox"), str(tmp_path / "Maildir"))
    assert (code, said) == (0, ["accepted", "accepted", "accepted"])
    assert counts(tmp_path) == (3, 3)


def test_folders_are_walked_and_counted(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    nested = tmp_path / "mails" / "2026"
    nested.mkdir(parents=True)
    (nested / "a.eml").write_bytes(mail("rosa_apartments.eml"))
    (nested / ".hidden").write_bytes(b"not a mail")
    (nested / "again").symlink_to(tmp_path / "mails")
    folder = mailbox.Maildir(tmp_path / "mails" / "Maildir")
    folder.add(mail("newsletter.eml"))
    folder.add_folder("Süd").add(mail("harold_resident.eml"))
    code, said = run(str(tmp_path / "mails"))
    assert (code, sorted(said)) == (0, ["accepted", "accepted", "not_lead"])
    assert run(str(tmp_path / "mails")) == (0, said)
    assert counts(tmp_path) == (3, 2)


def test_the_same_message_id_with_other_bytes_is_the_same_mail(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    first, second = tmp_path / "a.eml", tmp_path / "b.eml"
    first.write_bytes(mail("harold_resident.eml"))
    second.write_bytes(b"X-Forwarded: by a filter\r\n" + mail("harold_resident.eml"))
    assert run(str(first), str(second)) == (0, ["accepted", "duplicate"])
    assert counts(tmp_path) == (2, 1)


def test_a_missing_file_is_named_and_the_others_are_taken(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    code, said = run(str(tmp_path / "nowhere.eml"), str(LEADS / "rosa_callback.form"))
    assert (code, said) == (2, ["accepted"])
