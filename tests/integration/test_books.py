"""The books (P7): each question finds the damage that it is about, and names what is damaged."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Table, delete, insert, select, update

from leadsvc.reports.books import QUESTIONS, balance
from leadsvc.store.tables import (
    attempts,
    deliveries,
    exceptions,
    fates,
    fetches,
    guest_cards,
    inquiries,
    match_decisions,
    prospects,
    receipts,
    remote_refs,
    tasks,
)
from tests.benches.simpms import SimPmsBench
from tests.graphbench import webhook
from tests.renters import Office, running_office, written

MEMBERSHIP = "prospects whose root is not what the decisions say"


@pytest.fixture
def office(store_url: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[Office]:
    """One of everything: joined, merged, corrected, sent again, refused, quarantined, unplaced, pushed."""
    with running_office(store_url, tmp_path, simpms) as made:
        made.lead("a", "Rosa Berg", "rosa@example.com", "0120")
        made.lead("a", "Rosa Berg", "rosa@example.com", "0120")
        made.lead("b", "Ken Mori", "ken@example.com", "0121", external_id="B-1")
        made.lead("b", "Ken Mori", "ken@example.com", "0122", external_id="B-1")
        made.lead("c", "Ana Lund", "ana@example.com", "0123")
        made.lead("d", "Ann Lund", "ann@example.com", "0124")
        made.merge("d", "c")
        made.settle()
        made.lead("e", "Eva Roth", "eva@example.com", "0125", home="Nowhere Gardens")
        made.deliver([written("f", "Ida Moss", "ida@example.com"), {"message": "nobody"}])
        made.world.send(b"{}", "application/json", "mail")
        made.world.send(webhook("4001"), "application/json", "mail")
        yield made


Damage = Callable[[Connection, Office], Any]
DAMAGES: dict[str, Damage] = {}


def about(question: str) -> Callable[[Damage], Damage]:
    def kept(damage: Damage) -> Damage:
        DAMAGES[question] = damage
        return damage

    return kept


def change(connection: Connection, table: Table, id_: Any, **values: Any) -> Any:
    assert connection.execute(update(table).where(table.c.id == id_).values(**values)).rowcount == 1
    return id_


@about("receipts whose leads do not add up")
def _(connection: Connection, office: Office) -> Any:
    return change(connection, receipts, office.inquiry("a").receipt_id, leads_found=7)


@about("leads with two fates")
def _(connection: Connection, office: Office) -> Any:
    told = office.inquiry("a")
    row = {"receipt_id": told.receipt_id, "position": told.position, "fate": "redelivery", "inquiry_id": told.id}
    connection.execute(insert(fates).values(**row, reason="", lead={}))
    return told.receipt_id


@about("receipts called no lead that made an inquiry")
def _(connection: Connection, office: Office) -> Any:
    return change(connection, receipts, office.inquiry("a").receipt_id, state="not_lead")


@about("receipts called processed that changed nothing")
def _(connection: Connection, office: Office) -> Any:
    again = office.world.rows(fates, fates.c.fate == "redelivery")[0]["receipt_id"]
    return change(connection, receipts, again, state="processed")


@about("inquiries without the decision that placed them")
def _(connection: Connection, office: Office) -> Any:
    return change(connection, inquiries, office.inquiry("a").id, decision_id=office.inquiry("b").decision_id)


@about("inquiries on another person's card")
def _(connection: Connection, office: Office) -> Any:
    return change(connection, inquiries, office.inquiry("a").id, guest_card_id=office.card("b")["id"])


@about("cards merged across people or properties")
def _(connection: Connection, office: Office) -> Any:
    return change(connection, guest_cards, office.card("a")["id"], root_id=office.card("b")["id"])


@about("roots that are not roots")
def _(connection: Connection, office: Office) -> Any:
    return change(connection, prospects, office.person("a")["id"], root_id=uuid.uuid4())


@about("guest cards without an inquiry")
def _(connection: Connection, office: Office) -> Any:
    lost = uuid.uuid4()
    connection.execute(
        insert(guest_cards).values(**dict(office.card("a")) | {"id": lost, "root_id": lost, "key": "GC-LOST"})
    )
    return lost


@about("inquiries owed to nobody")
def _(connection: Connection, office: Office) -> Any:
    told = office.inquiry("a")
    event = select(deliveries.c.id).where(deliveries.c.subject_id == told.id)
    connection.execute(delete(attempts).where(attempts.c.delivery_id.in_(event)))
    connection.execute(delete(deliveries).where(deliveries.c.subject_id == told.id))
    return told.id


@about("quarantined receipts nobody was told of")
def _(connection: Connection, office: Office) -> Any:
    (said,) = office.world.rows(exceptions, exceptions.c.kind == "quarantined")
    connection.execute(delete(exceptions).where(exceptions.c.id == said["id"]))
    return said["subject_id"]


@about("dead deliveries nobody is told of")
def _(connection: Connection, office: Office) -> Any:
    done = office.world.rows(deliveries, deliveries.c.state == "acknowledged")[0]["id"]
    return change(connection, deliveries, done, state="dead", acknowledged_at=None)


@about("unplaced cards nobody is told of")
def _(connection: Connection, office: Office) -> Any:
    connection.execute(delete(exceptions).where(exceptions.c.kind == "unplaced_card"))
    return office.card("e")["id"]


@about("guest cards with two first-contact tasks")
def _(connection: Connection, office: Office) -> Any:
    folded = office.world.rows(guest_cards, guest_cards.c.id != guest_cards.c.root_id)[0]
    (task,) = office.world.rows(tasks, tasks.c.guest_card_id == folded["id"])
    change(connection, tasks, task["id"], state="open")
    return folded["root_id"]


@about("acknowledged prospects without a remote id")
def _(connection: Connection, office: Office) -> Any:
    card = office.card("a")["id"]
    connection.execute(delete(remote_refs).where(remote_refs.c.entity_id == card))
    pushed = (deliveries.c.guest_card_id == card) & (deliveries.c.kind == "prospect")
    return office.world.rows(deliveries, pushed)[0]["id"]


@about("receipts that name leads nobody was asked for")
def _(connection: Connection, office: Office) -> Any:
    connection.execute(delete(fetches))
    return office.world.rows(receipts, receipts.c.cause == "pointer")[0]["id"]


@about("fetched leads without their receipt")
def _(connection: Connection, office: Office) -> Any:
    [fetch] = office.world.rows(fetches)
    return change(connection, fetches, fetch["id"], state="done", done_at=fetch["created_at"], found_id=fetch["id"])


@about(MEMBERSHIP)
def _(connection: Connection, office: Office) -> Any:
    connection.execute(delete(match_decisions).where(match_decisions.c.kind == "merge"))
    return office.inquiry("d").prospect_id


def test_every_question_is_tried() -> None:
    assert set(DAMAGES) == {*QUESTIONS, MEMBERSHIP}


def test_a_healthy_store_balances(office: Office) -> None:
    office.assert_sound()
    with office.world.services.store.read() as connection:
        sums = {(word, value): count for word, value, count in balance(connection).sums}
    assert sums["receipts", "processed"] == 7
    assert sums["receipts", "duplicate"] == 1
    assert sums["receipts", "quarantined"] == 1
    assert sums["inquiries", ""] == 6
    assert sums["prospects", ""] == 5
    assert sums["leads without an inquiry of their own", "rejected"] == 1


def test_damage_is_found_and_named(office: Office) -> None:
    for question, damage in DAMAGES.items():
        with office.world.services.store.read() as connection:
            named = damage(connection, office)
            found = {entry.name: entry for entry in balance(connection).entries}
        assert found[question].wrong >= 1, question
        assert str(named) in found[question].sample, question
    office.world.assert_balanced()
