"""A plain signed web hook, for whatever has no adapter of its own. Nothing can be read there: what makes a repetition
safe is the ``webhook-id``, which is the same at each attempt."""

from __future__ import annotations

import time
from dataclasses import replace

from leadsvc.workers.destinations.base import (
    Capabilities,
    CardAt,
    CardPush,
    EventPush,
    NativeKey,
    Outcome,
    RemoteCard,
    Result,
    TaskPush,
    UpdateMode,
)
from leadsvc.workers.destinations.filling import as_text, outgoing, outgoing_source
from leadsvc.workers.destinations.line import WriteOnly
from leadsvc.workers.destinations.rest import Json
from leadsvc.workers.destinations.vendors.webhook import wire
from leadsvc.workers.destinations.vendors.webhook.wire import classify as classify

CAPABILITIES = Capabilities(
    label="Signed web hook",
    native_key=NativeKey.IDEMPOTENCY_KEY,
    returns_card_id="never",
    update_mode=UpdateMode.REIMPORT,
    verify="none",
    has_task=True,
    has_appointment=True,
    has_event=True,
    can_merge=True,
    required=("last_name",),
    max_len={"first_name": 200, "last_name": 200, "email": 320, "phone": 40, "comment": 20_000},
    credentials={
        "signing_secret": "the secret that both sides sign with, as whsec_ and Base64 or as any text",
        "previous_secret": "optional: the secret before it, while it is being changed; both signatures are sent",
    },
    on_duplicate="A receiver that has the webhook-id already should answer 409 or 200; either is taken as done.",
    ids="Our own keys stand for the receiver's records; nothing can be asked of it.",
    corrections={"merge": "", "unmerge": "", "contact": "", "source": "", "event": ""},
)


class Webhook(WriteOnly):
    """One receiver."""

    CAPABILITIES = CAPABILITIES

    def _send(self, op: str, data: Json, delivery_key: str) -> Result:
        known = self._profile.credentials
        secrets = (known.get("signing_secret") or self._profile.api_key, known.get("previous_secret", ""))
        if not secrets[0]:
            return Result(outcome=Outcome.AUTH, code="no_secret", message="The account has no signing_secret.")
        body = wire.payload(op, data)
        headers = wire.signature(secrets, wire.message_id(op, body, delivery_key), str(int(time.time())), body)
        content = {"Content-Type": "application/json", **headers}
        # The receiver's address is taken as it is written, with or without a slash at its end.
        answer = self._door.call(op, "POST", self._profile.base_url, content=body, headers=content)
        context = answer.context(read=op == "check")
        result = classify(op, answer.status, answer.headers, answer.body, context)
        return self._said(result, answer)

    def check(self) -> Result:
        return self._send("check", {}, "")

    def put_prospect(self, card: CardPush, known: RemoteCard | None) -> Result:
        sent = outgoing(card, self._profile, CAPABILITIES)
        result = self._send("put_prospect", wire.prospect(card, sent.values), card.delivery_key)
        if not result.ok:
            return result
        told = replace(result, card_id=card.our_key, person_id=card.person_key, fallbacks=sent.fallbacks)
        return replace(told, written=as_text(sent.values))

    def add_event(self, at: CardAt, event: EventPush) -> Result:
        source = outgoing_source(event, self._profile)
        result = self._send("add_event", wire.inquiry(at, event, source.name), event.our_event_key)
        told = replace(result, card_id=at.card_id, fallbacks=("source_name",) if source.fallen else ())
        return replace(told, event_id=event.our_event_key) if result.ok else told

    def put_task(self, at: CardAt, task: TaskPush) -> Result:
        result = self._send("put_task", wire.task(at, task), task.delivery_key)
        told = replace(result, card_id=at.card_id)
        return replace(told, task_id=task.our_task_key) if result.ok else told

    def merge_cards(self, loser: CardAt, survivor: CardAt) -> Result:
        result = self._send("merge_cards", wire.merged(loser, survivor), loser.delivery_key)
        return replace(result, card_id=survivor.card_id)

    def unmerge_card(self, at: CardAt) -> Result:
        result = self._send("unmerge_card", wire.parted(at), at.delivery_key)
        return replace(result, card_id=at.card_id)


DESTINATION = Webhook
