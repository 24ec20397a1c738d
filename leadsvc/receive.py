"""The front door behind every channel: record first, then process; a 2xx means that the bytes are on disk (P1)."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import insert, select

from leadsvc.config import Feed
from leadsvc.errors import Conflict, KeyUsed, LeadsvcError, Unavailable
from leadsvc.faults import Commit
from leadsvc.ids import uuid7
from leadsvc.logs import logger
from leadsvc.model import Channel, Delivered, ReceiptState, Verdict
from leadsvc.pipeline import answers
from leadsvc.pipeline.answers import Answer
from leadsvc.pipeline.intake import Intake, StoredReceipt
from leadsvc.pipeline.seen import see
from leadsvc.store.tables import receipts

log = logger("receive")


class Receiver:
    """Records deliveries and lets :class:`Intake` process them. Thread-safe."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self.store = intake.store

    def receive(
        self,
        delivered: Delivered,
        *,
        feed: Feed,
        authenticated: str,
        delivery_key: str | None = None,
        once: bool = False,
    ) -> Answer:
        """Record and process one delivery.

        ``delivery_key``: what the sender calls this delivery (Idempotency-Key with the credential's id). The same key
        with the same bytes gets the same answer again. ``once``: for other bytes it may not be used; then
        :class:`KeyUsed` is raised. Raises :class:`Unavailable` when nothing could be recorded.
        """
        receipt = stored(delivered, feed)
        if not self._record(receipt, delivered, authenticated, delivery_key):
            earlier = self._earlier(feed, delivery_key)
            if earlier is None:
                raise Unavailable("the receipt could not be recorded; send it again")
            if earlier.body == delivered.body:
                return self._process(earlier, promised=True)
            if once:
                raise KeyUsed("the delivery's name was used before for other bytes")
            if feed.map == "canonical":
                return _key_reused(earlier)
            # A native sender cannot be told; other bytes are another delivery, whatever its key says.
            self._record(receipt, delivered, authenticated, None)
        return self._process(receipt, promised=delivery_key is not None and feed.map == "canonical")

    def _process(self, receipt: StoredReceipt, *, promised: bool) -> Answer:
        """``promised``: the sender was promised the same answer for the same key, so a makeshift one will not do."""
        try:
            return self.intake.process_stored(receipt)
        except LeadsvcError as error:
            if promised:
                raise Unavailable("recorded, but not processed yet; send it again with the same key") from error
            # It is durable: whatever hindered us, the sweep takes it up. The sender has nothing to repeat.
            log.warning("receipt_left_to_sweep", receipt=str(receipt.id), reason=type(error).__name__)
            return answers.accepted_unprocessed(receipt)

    def _record(self, receipt: StoredReceipt, delivered: Delivered, authenticated: str, key: str | None) -> bool:
        """The first commit; ``False`` when the key is taken."""
        row = record_row(receipt, delivered, authenticated, key)
        try:
            with self.store.write(Commit.RECORD) as connection:
                connection.execute(_INSERT, row)
        except Conflict:
            if key is None:
                raise
            return False
        return True

    def _earlier(self, feed: Feed, key: str | None) -> StoredReceipt | None:
        statement = select(receipts.c.id).where(receipts.c.feed == feed.name, receipts.c.delivery_key == key)
        with self.store.read() as connection:
            found = connection.execute(statement).scalar_one_or_none()
        return self.intake.load(found) if found is not None else None

    def rehearse(self, delivered: Delivered, *, feed: Feed) -> dict[str, Any]:
        """Test mode: what would happen, with nothing written."""
        receipt = stored(delivered, feed)
        reading = self.intake.read(receipt)
        told: dict[str, Any] = {"test": True, "status": reading.verdict.value, "map": reading.map_id}
        if reading.verdict is not Verdict.LEADS:
            return told | {
                "cause": reading.cause,
                "detail": reading.detail,
                "errors": [dict(e.errors) for e in reading.errors],
            }
        context = self.intake.context(receipt, reading.message_id)
        seen = [see(context, position, lead) for position, lead in zip(reading.positions, reading.leads, strict=True)]
        with self.store.read() as connection:
            _, fates = self.intake.plan(connection, context, seen)
        leads = [
            {"position": fate.position, "status": fate.status, "why": fate.sentence, "placed": one.placement.sentence}
            for fate, one in zip(fates, seen, strict=True)
        ]
        return told | {"leads": leads}


_INSERT = insert(receipts)


def stored(delivered: Delivered, feed: Feed) -> StoredReceipt:
    """The receipt that ``delivered`` will be, pending."""
    return StoredReceipt(
        uuid7(),
        feed.name,
        Channel(delivered.channel),
        delivered.content_type,
        delivered.headers,
        delivered.body,
        delivered.received_at,
        ReceiptState.PENDING,
    )


def record_row(receipt: StoredReceipt, delivered: Delivered, authenticated: str, key: str | None) -> dict[str, Any]:
    """The row of a receipt as it is first written."""
    return {
        "id": receipt.id,
        "received_at": delivered.received_at,
        "feed": receipt.feed,
        "channel": delivered.channel.value,
        "content_type": delivered.content_type,
        "headers": dict(delivered.headers),
        "body": delivered.body,
        "body_sha256": hashlib.sha256(delivered.body).hexdigest(),
        "authenticated": authenticated,
        "delivery_key": key,
    }


def _key_reused(earlier: StoredReceipt) -> Answer:
    body = {
        "type": "about:blank",
        "title": "This Idempotency-Key was used for other content",
        "status": 422,
        "code": "idempotency_key_reused",
        "detail": "Send a new key with new content, or the same content with the same key.",
        "receipt": str(earlier.id),
    }
    return Answer(422, body, problem=True)
