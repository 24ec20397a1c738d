"""What no lead was made of waits in the tray, and one action makes it one; what was read unsurely waits for a look."""

from __future__ import annotations

from email.message import EmailMessage
from uuid import UUID

import pytest
from click.testing import CliRunner

from leadsvc.cli.replay import replay
from leadsvc.errors import Reject
from leadsvc.store.tables import audit, deliveries, exceptions, inquiries, receipts
from tests.world import World


def mail(subject: str, text: str, sender: str = "Ruth Adeyemi <ruth.adeyemi@example.com>") -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, "leasing@oakline-living.com", subject
    message["Date"] = "Mon, 02 Mar 2026 09:30:00 -0600"
    message.set_content(text)
    return bytes(message)


def only_receipt(world: World) -> UUID:
    rows = world.rows(receipts)
    assert len(rows) == 1
    found: UUID = rows[0]["id"]
    return found


def books_balance(world: World) -> None:
    world.assert_balanced()


def test_a_class_is_made_a_lead(world: World) -> None:
    world.mail(mail("Work order", "My AC is out. Is a two bedroom at 4100 Cedar Hollow Dr available next year?"))
    receipt = only_receipt(world)
    assert world.rows(receipts)[0]["state"] == "not_lead"
    done = world.services.actions.tray.make_lead(receipt, "pat", {})
    assert (done["before"], done["after"]) == ("not_lead", "processed")
    told = world.rows(inquiries)[0]
    assert told["lead"]["emails"][0]["value"]["address"] == "ruth.adeyemi@example.com"
    assert "made_a_lead_by_hand" in told["lead"]["notes"]
    assert [row["action"] for row in world.rows(audit) if row["subject"] == str(receipt)] == ["make_lead"]
    books_balance(world)


def test_replaying_keeps_what_a_person_said(world: World) -> None:
    world.mail(mail("Hello", "Please write back."))
    receipt = only_receipt(world)
    entered = {
        "name": "Ruth Adeyemi-Cole",
        "phone": "918-555-0143",
        "property": "Cedar Hollow",
        "message": "Two bedroom?",
    }
    world.services.actions.tray.make_lead(receipt, "pat", entered)
    before = world.rows(inquiries)
    world.services.actions.replay([receipt], "pat")
    after = world.rows(inquiries)
    assert len(after) == 1
    assert after[0]["lead"] == before[0]["lead"]
    assert after[0]["revision"] == 1
    assert after[0]["lead"]["name"]["value"]["family"] == "Adeyemi-Cole"
    assert after[0]["lead"]["phones"][0]["value"]["e164"] == "+19185550143"
    books_balance(world)


def test_the_command_makes_a_lead(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.mail(mail("Hello", "Please write back."))
    receipt = str(only_receipt(world))
    monkeypatch.setenv("LEADSVC_DATABASE_URL", world.settings.database_url)
    monkeypatch.setenv("LEADSVC_VAR", str(world.settings.var))
    entered = ["--name", "Ruth Cole", "--phone", "918-555-0143", "--property", "Cedar Hollow"]
    tried = CliRunner().invoke(replay, ["--as-lead", receipt, *entered, "--dry-run"])
    assert (tried.exit_code, world.count(inquiries)) == (0, 0), tried.output
    assert CliRunner().invoke(replay, [receipt, *entered]).exit_code == 2
    made = CliRunner().invoke(replay, ["--as-lead", receipt, *entered])
    assert made.exit_code == 0, made.output
    assert "after=processed" in made.output
    (told,) = world.rows(inquiries)
    assert told["lead"]["name"]["value"]["family"] == "Cole"
    assert told["lead"]["phones"][0]["value"]["e164"] == "+19185550143"
    books_balance(world)


def test_bytes_that_nobody_can_read_are_entered_by_hand(world: World) -> None:
    world.send(b"\x00\x01\x02 garbage", "application/octet-stream", "mail")
    receipt = only_receipt(world)
    assert world.rows(receipts)[0]["state"] == "quarantined"
    with pytest.raises(Reject) as refused:
        world.services.actions.tray.make_lead(receipt, "pat", {"name": "Ann Lee"})
    assert refused.value.code == "missing_contact"
    assert world.rows(receipts)[0]["state"] == "quarantined"
    world.services.actions.tray.make_lead(receipt, "pat", {"name": "Ann Lee", "email": "ann.lee@example.com"})
    assert world.rows(receipts)[0]["state"] == "processed"
    assert [row for row in world.rows(exceptions) if row["kind"] == "quarantined" and row["resolved_at"] is None] == []
    books_balance(world)


def test_what_is_entered_is_used_or_refused(world: World) -> None:
    world.mail(mail("Hello", "Please write back."))
    with pytest.raises(Reject) as refused:
        world.services.actions.tray.make_lead(only_receipt(world), "pat", {"email": "no address"})
    assert refused.value.code == "email"


def test_a_quarantined_receipt_is_dismissed_and_taken_back(world: World) -> None:
    world.mail(mail("Hello", "Please write back."))
    receipt = only_receipt(world)
    world.services.actions.tray.dismiss(receipt, "pat")
    row = world.rows(receipts)[0]
    assert (row["state"], row["cause"]) == ("not_lead", "dismissed")
    books_balance(world)
    world.services.actions.tray.make_lead(receipt, "pat", {})
    assert world.rows(receipts)[0]["state"] == "processed"
    with pytest.raises(Reject) as refused:
        world.services.actions.tray.dismiss(receipt, "pat")
    assert refused.value.code == "not_set_aside"


UNSURE = mail(
    "apartment",
    "Is the two bedroom at 4100 Cedar Hollow Dr, Tulsa, OK 74105 available?\n\nThanks,\nGreta Holm",
    sender="info-desk <gh77@example.com>",
)


def test_an_unsure_reading_waits_for_a_look(world: World) -> None:
    world.mail(UNSURE)
    assert world.rows(inquiries)[0]["lead"]["confidence"] < 0.7
    found = [row for row in world.rows(exceptions) if row["kind"] == "unsure_reading"]
    assert len(found) == 1
    assert {row["cause"] for row in world.rows(deliveries)} == {"unsure_reading"}
    world.settle()
    assert {row["state"] for row in world.rows(deliveries)} == {"held"}
    world.services.actions.resolve(found[0]["id"], "pat", "compared")
    world.settle()
    assert {row["state"] for row in world.rows(deliveries)} == {"acknowledged"}
    books_balance(world)


def test_an_unsure_reading_goes_out_when_nobody_looks(world: World) -> None:
    world.mail(UNSURE)
    world.clock.forward(minutes=20)
    world.settle()
    assert {row["state"] for row in world.rows(deliveries)} == {"acknowledged"}
