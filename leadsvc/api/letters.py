"""Dead letters for scripts: what did not go out, what would be sent, sending it again, one or many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields, validate

from leadsvc.api import examples, schemas
from leadsvc.api.staff import actor, admit
from leadsvc.api.state import state
from leadsvc.api.views import new_blueprint, reply, view
from leadsvc.faults import Commit
from leadsvc.letters import Filter, Letter, Letters, Opened
from leadsvc.model import DeliveryState
from leadsvc.store.queries import api_reading

blueprint = new_blueprint("letters", "Deliveries that did not go out: why, what to do, and sending them again.")


_SHARED = {"description": "Whose record it goes to, where a household shares one; else empty."}


class _Narrowed(Schema):
    destination = fields.String(load_default="", validate=validate.Length(max=100))
    cause = fields.String(load_default="", validate=validate.Length(max=100))
    since = fields.AwareDateTime(load_default=None, metadata={"description": "Only those tried last at or after."})
    held = fields.Boolean(load_default=False, metadata={"description": "What is held as well as what is dead."})


class Asked(_Narrowed, schemas.Paged):
    """Which dead letters are listed."""


class DeadLetter(Schema):
    id = fields.UUID(required=True)
    destination = fields.String(required=True)
    guest_card = fields.String(required=True)
    kind = fields.String(required=True, metadata={"description": "prospect (the card), event, task, merge or unmerge."})
    state = fields.String(required=True, validate=validate.OneOf((DeliveryState.DEAD.value, DeliveryState.HELD.value)))
    cause = fields.String(required=True)
    last_tried_at = fields.AwareDateTime(required=True)
    attempts = fields.Integer(required=True)
    words = fields.String(required=True, metadata={"description": "What the destination said."})
    hint = fields.String(required=True, metadata={"description": "What to do about it."})


class Counted(Schema):
    destination = fields.String(required=True)
    cause = fields.String(required=True)
    count = fields.Integer(required=True)


class DeadLetterPage(Schema):
    dead_letters = fields.List(fields.Nested(DeadLetter), required=True)
    open = fields.List(fields.Nested(Counted), required=True)
    next = fields.String(required=True, allow_none=True)


class FieldLine(Schema):
    field = fields.String(required=True)
    ours = fields.String(required=True, metadata={"description": "As the card has it."})
    sent = fields.String(required=True, metadata={"description": "As it would leave."})
    note = fields.String(required=True, metadata={"description": "Why the two differ."})
    wrong = fields.Boolean(required=True, metadata={"description": "The destination would refuse it."})


class Settable(Schema):
    field = fields.String(required=True)
    value = fields.String(required=True)
    longest = fields.Integer(required=True, allow_none=True)
    choices = fields.List(fields.String(), required=True, metadata={"description": "The only values, if any."})


class OpenedLetter(DeadLetter):
    would_send = fields.List(fields.Nested(FieldLine), required=True)
    settable = fields.List(fields.Nested(Settable), required=True)
    troubles = fields.List(fields.String(), required=True, metadata={"description": "Why it would not be taken."})
    shared = fields.String(required=True, metadata=_SHARED)


class Corrected(schemas.Dry):
    set = fields.Dict(
        keys=fields.String(validate=validate.Length(max=100)),
        values=fields.String(validate=schemas.words(20_000)),
        load_default=dict,
        metadata={"description": "Values by field, for this delivery alone, in place of the card's."},
    )
    not_there = fields.Boolean(
        load_default=False,
        metadata={"description": "A person looked: no earlier attempt has written it at the destination."},
    )


class Replayed(Schema):
    delivery = fields.UUID(required=True)
    dry_run = fields.Boolean(required=True)
    would_send = fields.List(fields.Nested(FieldLine), metadata={"description": "With dry_run."})
    troubles = fields.List(fields.String(), metadata={"description": "With dry_run."})
    shared = fields.String(metadata=_SHARED)


class Many(_Narrowed, schemas.Dry):
    """Which dead letters are sent again. What is left out narrows nothing, so a destination has to be named."""

    destination = fields.String(required=True, validate=validate.Length(1, 100))
    until = fields.AwareDateTime(
        load_default=None,
        metadata={"description": "Only those tried last before or at. The asked_at of a dry run: what it told of."},
    )


class Doubtful(DeadLetter):
    troubles = fields.List(fields.String(), metadata={"description": "With dry_run, for the first fifty."})


class Batch(Schema):
    dead_letters = fields.List(fields.Nested(Doubtful), required=True)
    left = fields.Integer(required=True, metadata={"description": "A thousand go at once; ask again for the rest."})
    asked_at = fields.AwareDateTime(required=True)
    dry_run = fields.Boolean(required=True)


class Account(schemas.Dry):
    """Whose corrections are let out."""

    destination = fields.String(required=True, validate=validate.Length(1, 100))
    until = fields.AwareDateTime(
        load_default=None,
        metadata={"description": "Only those kept back before or at. The asked_at of a dry run: what it told of."},
    )


class Released(Schema):
    destination = fields.String(required=True)
    corrections = fields.Integer(required=True, metadata={"description": "How many go out, or would."})
    dead_letters = fields.List(fields.Nested(DeadLetter), required=True, metadata={"description": "The first fifty."})
    asked_at = fields.AwareDateTime(required=True)
    dry_run = fields.Boolean(required=True)


blueprint.before_request(admit)


@view(blueprint, "/dead-letters", DeadLetterPage, query=Asked, security=examples.READING)
def dead_letters(asked: Mapping[str, Any]) -> Response:
    """What did not go out, in the order in which it was owed"""
    page = _letters().page(_wanted(asked), asked["cursor"], asked["limit"])
    if page.letters:
        services = state().services
        told = {"keys": sorted({each.card_key for each in page.letters}), "dead_letters": True}
        with services.store.write(Commit.ADMIN) as connection:
            api_reading.note_read(connection, services.clock(), actor(), "guest_card", "", told)
    return reply(
        {
            "dead_letters": [_shown(each) for each in page.letters],
            "open": [{"destination": name, "cause": cause, "count": count} for name, cause, count in page.counts],
            "next": page.after,
        }
    )


@view(blueprint, "/dead-letters/<uuid:delivery_id>", OpenedLetter, security=examples.READING)
def dead_letter(delivery_id: UUID) -> Response:
    """One of them: why, what to do, and field by field what would be sent"""
    opened = _letters().open(delivery_id, actor())
    settable = [
        {"field": each.field, "value": each.value, "longest": each.longest, "choices": list(each.choices)}
        for each in opened.fields
    ]
    return reply(_shown(opened.letter) | _would_send(opened) | {"settable": settable})


@view(
    blueprint,
    "/dead-letters/<uuid:delivery_id>/replay",
    Replayed,
    method="POST",
    body=Corrected,
    security=examples.READING,
)
def replay_dead_letter(told: Mapping[str, Any], delivery_id: UUID) -> Response:
    """Send one again, with corrected values if need be

    With dry_run first: what would be sent, field by field.
    """
    done = {"delivery": delivery_id, "dry_run": told["dry_run"]}
    if told["dry_run"]:
        return reply(done | _would_send(_letters().open(delivery_id, actor(), told["set"])))
    _letters().replay(delivery_id, actor(), told["set"], not_there=told["not_there"])
    return reply(done)


@view(
    blueprint,
    "/dead-letters/<uuid:delivery_id>/cancel",
    schemas.Impact,
    method="POST",
    body=schemas.Nothing,
    security=examples.READING,
)
def cancel_dead_letter(_told: Mapping[str, Any], delivery_id: UUID) -> Response:
    """Give one up; what comes after it on the card goes on"""
    _letters().cancel(delivery_id, actor())
    return reply({"delivery": delivery_id, "state": DeliveryState.CANCELLED.value})


@view(blueprint, "/dead-letters/replay", Batch, method="POST", body=Many, security=examples.READING)
def replay_dead_letters(told: Mapping[str, Any]) -> Response:
    """Send all of a destination again, as far as cause and time go

    With dry_run first: which they are, and why some would not be taken.
    """
    batch = _letters().replay_all(_wanted(told), actor(), dry_run=told["dry_run"])
    shown = [
        _shown(each) | ({"troubles": list(batch.troubles[each.id])} if each.id in batch.troubles else {})
        for each in batch.letters
    ]
    return reply({"dead_letters": shown, "left": batch.left, "asked_at": batch.asked_at, "dry_run": told["dry_run"]})


@view(blueprint, "/dead-letters/release", Released, method="POST", body=Account, security=examples.READING)
def release_corrections(told: Mapping[str, Any]) -> Response:
    """Let the corrections out that a destination's daily cap keeps back

    With dry_run first: which they are. They are not counted against the cap again.
    """
    name, dry_run = told["destination"], told["dry_run"]
    released = _letters().release(name, actor(), until=told["until"], dry_run=dry_run)
    said = {"destination": name, "corrections": released.count, "asked_at": released.asked_at, "dry_run": dry_run}
    return reply(said | {"dead_letters": [_shown(each) for each in released.letters]})


def _wanted(told: Mapping[str, Any]) -> Filter:
    return Filter(told["destination"], told["cause"], told["since"], told.get("until"), told["held"])


def _shown(letter: Letter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "destination": letter.destination,
        "guest_card": letter.card_key,
        "kind": letter.kind,
        "state": letter.state,
        "cause": letter.cause,
        "last_tried_at": letter.since,
        "attempts": letter.tries,
        "words": letter.words,
        "hint": letter.hint,
    }


def _would_send(opened: Opened) -> dict[str, Any]:
    lines = [
        {"field": each.field, "ours": each.ours, "sent": each.sent, "note": each.note, "wrong": each.wrong}
        for each in opened.lines
    ]
    return {"would_send": lines, "troubles": list(opened.troubles), "shared": opened.shared}


def _letters() -> Letters:
    return state().services.letters
