"""What is owed to which destination (SPEC §9). Pure: rows out, nothing sent."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leadsvc.config import Account
from leadsvc.ids import next_number, uuid7


@dataclass(frozen=True, slots=True)
class Owed:
    """One thing owed: a prospect to put, an event to append, a task to put, two cards to merge or part.

    ``version`` tells this debt from earlier ones about the same subject. Of an event it is the revision of its inquiry,
    or a number below zero for one that is told anew elsewhere: the two can never meet.
    """

    kind: str
    subject_id: uuid.UUID
    version: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Why nothing may leave yet. ``until``: when it leaves all the same; ``None`` = when the cause is gone.
    ``shelved``: nothing is waited for, the debt is only on record."""

    cause: str
    until: datetime | None = None
    shelved: bool = False


CALL_BUDGET, CORRECTIONS_CAP = "call_budget", "corrections_cap"
"""Causes of what an account's own limits hold; a person's word lifts the one that held, and no other."""

SHELVED = Hold("history", shelved=True)
"""Of inquiries that came out of a file of old ones: told to nobody, unless the renter writes again."""


def takers(accounts: Mapping[str, Account], destination: str, remote_property: str) -> list[Account]:
    """The accounts that are told of a card at this property: the one its configuration came from, which creates it,
    and those that follow that one. An unplaced card (both empty) is owed to the account that creates and all that
    follow it, if there is just one that creates, so that the debt is visible while it waits."""
    if not destination:
        homes = [each for each in accounts.values() if not each.follows]
        return [homes[0], *_followers(accounts, homes[0].name)] if len(homes) == 1 else []
    home = accounts.get(destination)
    if home is None or (home.creates and remote_property not in home.creates):
        return []
    also = (each for each in _followers(accounts, destination) if not each.creates or remote_property in each.creates)
    return [home, *also]


def _followers(accounts: Mapping[str, Account], destination: str) -> list[Account]:
    return [each for each in accounts.values() if destination in each.follows]


def rows(
    account: Account,
    card_id: uuid.UUID,
    lane_id: uuid.UUID,
    owed: list[Owed],
    *,
    now: datetime,
    receipt_id: uuid.UUID | None,
    hold: Hold | None,
) -> list[dict[str, Any]]:
    """Delivery rows in the order in which they must arrive."""
    state = "pending" if hold is None else "cancelled" if hold.shelved else "held"
    return [
        {
            "id": uuid7(),
            "destination": account.name,
            "guest_card_id": card_id,
            "lane_id": lane_id,
            "seq": next_number(),
            "kind": each.kind,
            "subject_id": each.subject_id,
            "version": each.version,
            "state": state,
            "cause": hold.cause if hold else "",
            "due_at": (hold.until or now) if hold else now,
            "receipt_id": receipt_id,
            "created_at": now,
        }
        for each in owed
    ]
