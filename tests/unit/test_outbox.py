"""What is owed: to whom, in which order, and how it waits."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from leadsvc.config import Account
from leadsvc.outbox import Hold, Owed, rows, takers

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
PMS = Account("pms", "simpms", "http://pms")
CRM = Account("crm", "simpms", "http://crm", creates=("olf",))
ALSO = Account("also", "simpms", "http://also", follows=("pms",))
SOME = Account("some", "simpms", "http://some", follows=("pms",), creates=("olf",))
CARD, LANE = uuid.UUID(int=1), uuid.UUID(int=2)


@pytest.mark.parametrize(
    ("destination", "remote", "accounts", "names"),
    [
        ("pms", "chd001", [PMS, CRM], ["pms"]),
        ("crm", "olf", [PMS, CRM], ["crm"]),
        ("crm", "chd001", [PMS, CRM], []),
        ("gone", "chd001", [PMS, CRM], []),
        ("", "", [PMS], ["pms"]),
        ("", "", [PMS, CRM], []),
        ("", "", [], []),
        ("pms", "chd001", [PMS, ALSO, SOME], ["pms", "also"]),
        ("pms", "olf", [SOME, ALSO, PMS], ["pms", "some", "also"]),
        ("crm", "olf", [PMS, CRM, ALSO], ["crm"]),
        ("", "", [PMS, ALSO, SOME], ["pms", "also", "some"]),
    ],
)
def test_who_is_told(destination: str, remote: str, accounts: list[Account], names: list[str]) -> None:
    found = takers({each.name: each for each in accounts}, destination, remote)
    assert [each.name for each in found] == names


OWED = [Owed("prospect", CARD, 1), Owed("event", uuid.UUID(int=3), 1), Owed("task", uuid.UUID(int=4), 1)]


def test_rows_keep_their_order_and_later_ones_come_after() -> None:
    first = rows(PMS, CARD, LANE, OWED, now=NOW, receipt_id=None, hold=None)
    second = rows(PMS, CARD, LANE, OWED, now=NOW, receipt_id=None, hold=None)
    assert [row["kind"] for row in first] == ["prospect", "event", "task"]
    order = [row["seq"] for row in first + second]
    assert order == sorted(order)
    assert len({row["id"] for row in first + second}) == 6
    assert {(row["state"], row["cause"], row["due_at"], row["lane_id"]) for row in first} == {
        ("pending", "", NOW, LANE)
    }


def test_a_hold_names_its_cause_and_when_it_ends() -> None:
    later = NOW + timedelta(minutes=15)
    until = rows(PMS, CARD, LANE, OWED, now=NOW, receipt_id=None, hold=Hold("review", later))
    assert {(row["state"], row["cause"], row["due_at"]) for row in until} == {("held", "review", later)}
    open_end = rows(PMS, CARD, LANE, OWED, now=NOW, receipt_id=None, hold=Hold("unplaced_card"))
    assert {(row["state"], row["due_at"]) for row in open_end} == {("held", NOW)}
