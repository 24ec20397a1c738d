"""Confirming that a feed wants a topic's messages: a person says so, a worker tells SNS."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from leadsvc.errors import NotFound, Quarantine, Reject
from leadsvc.faults import Commit
from leadsvc.ids import uuid7
from leadsvc.parsers import json_body
from leadsvc.pipeline.intake import Intake, StoredReceipt
from leadsvc.store.queries import fetches
from leadsvc.store.tables import audit


def confirm(intake: Intake, receipt_id: uuid.UUID, actor: str, now: datetime) -> dict[str, Any]:
    """Let a worker confirm the subscription that the receipt asks about. Safe to repeat.

    Raises :class:`NotFound` when there is no such receipt, and :class:`Reject` 409 when it asks nothing of the kind or
    its topic is not among the feed's ``verify.topics``.
    """
    receipt = intake.load(receipt_id)
    topic = _topic(receipt)
    verify = intake.feed(receipt.feed).verify
    if verify is None or topic not in verify.topics:
        detail = f"The topic is not among verify.topics of feed {receipt.feed}; add its ARN to the configuration first."
        raise Reject(409, "Not a topic of this feed", detail, code="topic")
    with intake.store.write(Commit.ACTION) as connection:
        fetches.ask_anew(connection, fetches.fetch_row(receipt.feed, "sns_subscription", topic, now, receipt.id))
        connection.execute(
            insert(audit).values(
                id=uuid7(),
                at=now,
                actor=actor,
                action="confirm_subscription",
                subject_kind="receipt",
                subject=str(receipt.id),
                detail={"topic": topic},
            )
        )
    intake.nudge()
    return {"receipt": str(receipt.id), "feed": receipt.feed, "topic": topic, "status": "confirming"}


def _topic(receipt: StoredReceipt) -> str:
    try:
        root = json_body.load(receipt.body)
    except Quarantine:
        root = None
    if not isinstance(root, dict) or root.get("Type") != "SubscriptionConfirmation":
        raise Reject(409, "Nothing to confirm", "This receipt is no SubscriptionConfirmation of SNS.", code="topic")
    topic = root.get("TopicArn")
    if not isinstance(topic, str):
        raise NotFound("the confirmation names no topic")
    return topic
