"""What an account may be asked without a person: calls for one lead in a day, corrections of what was told before."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from leadsvc.config import Account
from leadsvc.outbox import CALL_BUDGET, CORRECTIONS_CAP
from leadsvc.store.tables import correction_days, deliveries
from leadsvc.workers.claim import Claimed
from leadsvc.workers.push import Hold


def over_budget(account: Account, calls: int, now: datetime) -> Hold:
    """A lead that costs so much has something wrong with it: it waits a day, or for whoever looks at it."""
    detail = (
        f"It cost {calls} calls within a day, and calls_per_lead of {account.name} is {account.calls_per_lead}."
        " It goes on in a day; look at its attempts, and retry it at once if they are right."
    )
    return Hold(CALL_BUDGET, detail, now + timedelta(days=1))


def over_cap(account: Account) -> Hold:
    """So many corrections in a day may be a mistake of ours: a person looks before they reach the agents' screens."""
    detail = (
        f"{account.corrections_per_day} corrections were made at {account.name} today without a person; more are"
        f" waiting. Look at them (`leadsvc destinations dead {account.name} --held`), then"
        f" `leadsvc destinations release {account.name}`."
    )
    return Hold(CORRECTIONS_CAP, detail, whole_account=True)


def use_correction(connection: Connection, claimed: Claimed, account: Account, now: datetime) -> bool:
    """Count one correction for the account's day; ``False`` when the day has had its share. Whoever passed once is not
    counted again when it has to be repeated."""
    today = now.astimezone(ZoneInfo(account.time_zone)).date()
    make = pg_insert if connection.dialect.name == "postgresql" else sqlite_insert
    counted = (
        make(correction_days)
        .values(destination=account.name, on_day=today, used=1)
        .on_conflict_do_update(
            index_elements=["destination", "on_day"],
            set_={"used": correction_days.c.used + 1},
            where=correction_days.c.used < account.corrections_per_day,
        )
        .returning(correction_days.c.used)
    )
    if account.corrections_per_day < 1 or connection.execute(counted).scalar() is None:
        return False
    connection.execute(update(deliveries).where(deliveries.c.id == claimed.id).values(released=True))
    return True
