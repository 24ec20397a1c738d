"""What a person says a receipt is: a lead after all, or none. The ruling is kept beside the receipt and counts whenever
the receipt is read again, so replaying gives the same result."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from leadsvc.errors import Reject
from leadsvc.faults import Commit
from leadsvc.ids import next_number, uuid7
from leadsvc.model import ReceiptState, Verdict
from leadsvc.normalize.emails import emails
from leadsvc.normalize.phones import phones
from leadsvc.pipeline.intake import Intake, StoredReceipt
from leadsvc.reading import Ruling
from leadsvc.store.tables import audit, deliveries, exceptions, fates, inquiries, receipts, rulings

ENTERED = ("name", "email", "phone", "property", "message")
UNSURE = "unsure_reading"
_SET_ASIDE = (ReceiptState.NOT_LEAD, ReceiptState.QUARANTINED)


class Tray:
    """Rulings on receipts that no lead was made of. Thread-safe."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self.store = intake.store
        self.clock = intake.clock

    def make_lead(
        self, receipt_id: uuid.UUID, actor: str, entered: Mapping[str, str], dry_run: bool = False
    ) -> dict[str, Any]:
        """Make a lead of a receipt in the tray. ``entered`` (:data:`ENTERED`) takes the place of what can be read.

        Raises :class:`Reject` when there is still nobody to reach, or what was entered cannot be used.
        """
        receipt = self._set_aside(receipt_id)
        filled = {name: text.strip() for name, text in entered.items() if name in ENTERED and text.strip()}
        _check(filled)
        ruling = Ruling(True, filled)
        reading = self.intake.read(replace(receipt, ruling=ruling))
        if reading.verdict is not Verdict.LEADS:
            raise Reject(422, "Somebody to reach is missing", reading.detail, code="missing_contact")
        if dry_run:
            return _told(receipt, ReceiptState.PROCESSED) | {"leads": len(reading.leads), "dry_run": True}
        # Which fields were entered is told, not what: the audit log holds no renter's data.
        return self._rule(receipt, ruling, actor, "make_lead", {"entered": sorted(filled)})

    def dismiss(self, receipt_id: uuid.UUID, actor: str) -> dict[str, Any]:
        """Say that a quarantined receipt is no lead; it stays in the tray and can still be made one."""
        receipt = self._set_aside(receipt_id)
        return self._rule(receipt, Ruling(False, {}), actor, "dismiss", {})

    def _set_aside(self, receipt_id: uuid.UUID) -> StoredReceipt:
        receipt = self.intake.load(receipt_id)
        if receipt.state not in _SET_ASIDE:
            detail = f"This receipt is {receipt.state.value}; only what is in the tray can be ruled on."
            raise Reject(409, "Not in the tray", detail, code="not_set_aside")
        return receipt

    def _rule(
        self, receipt: StoredReceipt, ruling: Ruling, actor: str, action: str, detail: Mapping[str, Any]
    ) -> dict[str, Any]:
        now = self.clock()
        row = {
            "id": uuid7(),
            "receipt_id": receipt.id,
            "seq": next_number(),
            "at": now,
            "verdict": "lead" if ruling.lead else "not_lead",
            "entered": dict(ruling.entered),
            "decided_by": actor,
        }
        with self.store.write(Commit.ACTION) as connection:
            connection.execute(insert(rulings).values(**row))
            connection.execute(
                update(receipts)
                .where(receipts.c.id == receipt.id, receipts.c.state != "pending")
                .values(state="pending", processed_at=None, answer=None)
            )
            connection.execute(delete(fates).where(fates.c.receipt_id == receipt.id, fates.c.fate != "revision"))
            connection.execute(insert(audit).values(
                id=uuid7(), at=now, actor=actor, action=action, subject_kind="receipt", subject=str(receipt.id),
                detail=dict(detail),
            ))  # fmt: skip
            solved = (exceptions.c.subject_id == receipt.id) & exceptions.c.resolved_at.is_(None)
            closed = {"resolved_at": now, "resolved_by": actor, "resolution": action}
            connection.execute(update(exceptions).where(solved).values(**closed))
        self.intake.process(receipt.id)
        return _told(receipt, self.intake.load(receipt.id).state)


def release(connection: Connection, exception_id: uuid.UUID, now: datetime) -> None:
    """Somebody compared a lead with its original: what was held for that leaves now."""
    about = select(inquiries.c.guest_card_id).join(exceptions, exceptions.c.subject_id == inquiries.c.id)
    about = about.where(exceptions.c.id == exception_id, exceptions.c.kind == UNSURE)
    held = (deliveries.c.state == "held") & (deliveries.c.cause == UNSURE) & deliveries.c.guest_card_id.in_(about)
    connection.execute(update(deliveries).where(held).values(state="pending", cause="", due_at=now))


def _check(entered: Mapping[str, str]) -> None:
    """What a person entered is used or refused, never dropped."""
    if "email" in entered and not emails(entered["email"]):
        raise Reject(422, "Not accepted", "That is no e-mail address that can be used; look at it again.", code="email")
    if "phone" in entered and not phones(entered["phone"])[0]:
        raise Reject(422, "Not accepted", "That is no telephone number that can be called.", code="phone")


def _told(receipt: StoredReceipt, after: ReceiptState) -> dict[str, Any]:
    return {"receipt": str(receipt.id), "before": receipt.state.value, "after": after.value}
