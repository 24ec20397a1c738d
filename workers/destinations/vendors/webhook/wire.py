"""The signed web hook: its payloads, its signature (Standard Webhooks), and what a receiver's answers mean. Pure.

``docs/webhook.schema.json`` describes the payloads. Each attempt of a delivery has the same ``webhook-id``, so a
receiver that remembers ids takes nothing twice.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from leadsvc.security import sign
from leadsvc.workers.destinations.base import CardAt, CardPush, EventPush, Outcome, Result, TaskPush
from leadsvc.workers.destinations.filling import Values
from leadsvc.workers.destinations.rest import Json, iso, known_op, mapping, network, parse, text
from leadsvc.workers.destinations.verdicts import header, plain, sound

# Operation -> the type of its payload.
TYPES = {
    "check": "ping",
    "put_prospect": "prospect.put",
    "add_event": "inquiry.added",
    "put_task": "task.put",
    "merge_cards": "prospect.merged",
    "unmerge_card": "prospect.parted",
}
OPS = tuple(TYPES)
_REF_MAX = 200
_SECRET = "whsec_"  # noqa: S105 - the prefix that secrets of the standard have


def classify(op: str, status: int, headers: Mapping[str, str], body: bytes | None, context: Json) -> Result:
    """What a receiver's answer to operation ``op`` means; see :func:`verdicts.transport` for ``context``. The status
    decides; a JSON object may say why, as ``message``.

    ``ValueError`` for an operation that there is not.
    """
    known_op("webhook", op, OPS)
    words = mapping(parse(body))
    said = plain(text(words.get("message")) or text(words.get("error")))
    if status == 410:
        message = said or "The receiver wants no more web hooks."
        return Result(outcome=Outcome.AUTH, code="http_410", message=message)
    verdict = network(status, headers, {"read": op == "check", **context})
    if verdict is not None:
        # A repetition has the same id, so the receiver knows it: nothing need be looked for before.
        verdict = replace(verdict, verify_first=False, verified=True)
        return replace(verdict, message=said or verdict.message) if status else verdict
    if status == 409:
        return _taken(Outcome.DUPLICATE, headers, words)
    if 200 <= status < 300:
        return _taken(Outcome.ACCEPTED, headers, words)
    code = f"http_{status}"
    if status == 403:
        return Result(outcome=Outcome.AUTH, code=code, message=said or "The receiver refuses us.")
    message = said or f"The receiver answered {status}; check base_url and what it accepts."
    return Result(outcome=Outcome.REJECT, code=code, message=message)


def _taken(outcome: Outcome, headers: Mapping[str, str], words: Json) -> Result:
    """Our keys stand for the receiver's records; what it calls them is only noted."""
    return Result(outcome=outcome, raw_ref=(text(words.get("id")) or header(headers, "X-Request-Id"))[:_REF_MAX])


# -- what goes out ----------------------------------------------------------------------------------------------------


def prospect(card: CardPush, values: Values) -> Json:
    """A guest card: its keys, where it belongs, and the fields that may leave."""
    return {"key": card.our_key, "person_key": card.person_key, "property": card.property_ref, "fields": values}


def inquiry(at: CardAt, event: EventPush, source: str) -> Json:
    """An entry for the history of a guest card."""
    return {
        **_of(at),
        "key": event.our_event_key,
        "kind": event.kind,
        "at": iso(event.at),
        "text": sound(event.text),
        "source": source,
        "agent": event.agent_ref,
    }


def task(at: CardAt, push: TaskPush) -> Json:
    """A follow-up."""
    return {
        **_of(at),
        "key": push.our_task_key,
        "kind": push.kind,
        "title": sound(push.title),
        "text": sound(push.text),
        "due_at": iso(push.due_at),
        "priority": push.priority,
        "assignee": push.assignee_ref,
    }


def merged(loser: CardAt, survivor: CardAt) -> Json:
    """That one guest card stands for two."""
    return {**_of(loser), "into": _of(survivor)}


def parted(at: CardAt) -> Json:
    """That a guest card stands alone again."""
    return _of(at)


def _of(at: CardAt) -> dict[str, object]:
    return {"card": at.card_id, "property": at.property_ref}


def payload(op: str, data: Json) -> bytes:
    """The body of a web hook, the same bytes for the same content."""
    words = {"type": TYPES[op], "data": data}
    return json.dumps(words, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def message_id(op: str, body: bytes, delivery_key: str) -> str:
    """The ``webhook-id``: the same at each attempt of a delivery with the same content. Content that was sent before,
    and is true again, goes out as another delivery and has another id."""
    digest = hashlib.sha256(delivery_key.encode() + b"\0" + body).hexdigest()
    return f"msg_{TYPES[op].replace('.', '_')}_{digest[:32]}"


def secret_bytes(secret: str) -> bytes:
    """The key of a secret as the standard writes it (``whsec_`` and Base64); another text is taken as it is."""
    if not secret.startswith(_SECRET):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_SECRET), validate=True)
    except (binascii.Error, ValueError):
        return secret.encode()


def signature(secrets: Sequence[str], name: str, timestamp: str, body: bytes) -> Mapping[str, str]:
    """The headers of a web hook, signed with each of ``secrets``."""
    signed = " ".join(sign(secret_bytes(secret), name, timestamp, body) for secret in secrets if secret)
    return {"webhook-id": name, "webhook-timestamp": timestamp, "webhook-signature": signed}
