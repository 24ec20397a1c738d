"""Parameters that are parsed, and answers that are only described: no answer passes through marshmallow."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from leadsvc.model import ReceiptState
from leadsvc.store.tables import OUTCOMES, STAGES

STATUSES = ("accepted", "duplicate", "quarantined", "not_lead")


class Problem(Schema):
    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True, metadata={"description": "What to do next."})
    code = fields.String(required=True, metadata={"description": "Stable, for programs."})
    errors = fields.List(fields.Dict(), metadata={"description": "Each with pointer (where) and detail (what)."})
    receipt = fields.UUID(metadata={"description": "What was recorded although it was refused."})
    correlation = fields.UUID(metadata={"description": "The number to quote of an error of ours."})


class Receipt(Schema):
    receipt = fields.UUID(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))


class ItemResult(Schema):
    position = fields.Integer(required=True, metadata={"description": "Place in the list, from 0."})
    status = fields.String(required=True, validate=validate.OneOf(("accepted", "duplicate", "revised", "rejected")))
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))


class CanonicalReceipt(Receipt):
    leads = fields.List(fields.Nested(ItemResult))


class ReceiptFate(Schema):
    position = fields.Integer(required=True)
    fate = fields.String(required=True)
    reason = fields.String(required=True)
    guest_card = fields.String(metadata={"description": "For staff only."})


class ReceiptView(Schema):
    receipt = fields.UUID(required=True)
    feed = fields.String(required=True)
    channel = fields.String(required=True)
    content_type = fields.String(required=True)
    bytes = fields.Integer(required=True)
    sha256 = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in ReceiptState]))
    cause = fields.String(required=True)
    detail = fields.String(required=True)
    map = fields.String(required=True, metadata={"description": "The field map and version that read it."})
    received_at = fields.AwareDateTime(required=True)
    processed_at = fields.AwareDateTime(allow_none=True, required=True)
    erased_at = fields.AwareDateTime(allow_none=True, required=True)
    leads_found = fields.Integer(required=True)
    leads = fields.List(fields.Nested(ReceiptFate), required=True)


class PropertyView(Schema):
    id = fields.UUID(required=True)
    remote_id = fields.String(required=True)
    name = fields.String(required=True)
    time_zone = fields.String(required=True)


class PersonView(Schema):
    key = fields.String(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True)
    phone = fields.String(required=True)
    standing = fields.String(required=True)


class TaskView(Schema):
    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    state = fields.String(required=True)
    title = fields.String(required=True)
    assignee = fields.String(required=True)
    due_at = fields.AwareDateTime(required=True)


class CardView(Schema):
    key = fields.String(required=True)
    prospect = fields.Nested(PersonView, required=True)
    property = fields.Nested(PropertyView, required=True, allow_none=True)
    property_hint = fields.String(required=True)
    stage = fields.String(required=True, validate=validate.OneOf(STAGES))
    flags = fields.List(fields.String(), required=True)
    may_be = fields.String(required=True, allow_none=True)
    first_source = fields.String(required=True)
    sources = fields.List(fields.String(), required=True)
    inquiries = fields.Integer(required=True)
    opened_at = fields.AwareDateTime(required=True)
    last_at = fields.AwareDateTime(required=True)
    tasks = fields.List(fields.Nested(TaskView), required=True)
    destinations = fields.List(fields.Dict(), required=True)


class CardPage(Schema):
    guest_cards = fields.List(fields.Nested(CardView), required=True)
    next = fields.String(required=True, allow_none=True, metadata={"description": "Send it as cursor."})


class HouseholdView(Schema):
    prospect = fields.Nested(PersonView, required=True)
    state = fields.String(required=True, validate=validate.OneOf(("proposed", "confirmed", "dismissed")))
    because = fields.String(required=True, metadata={"description": "What the proposal rests on, in a sentence."})
    decided_by = fields.String(required=True)


class CardDetail(CardView):
    history = fields.List(fields.Dict(), required=True, metadata={"description": "Every inquiry, oldest first."})
    decisions = fields.List(fields.Dict(), required=True)
    household = fields.List(fields.Nested(HouseholdView), required=True)
    outcomes = fields.List(fields.Dict(), required=True)
    deliveries = fields.List(fields.Dict(), required=True)
    remote_ids = fields.List(fields.Dict(), required=True)
    merged = fields.List(fields.String(), required=True, metadata={"description": "Keys that are this card now."})
    elsewhere = fields.List(fields.String(), required=True)


class ProspectView(PersonView):
    golden = fields.Dict(
        required=True, metadata={"description": "Field to value, raw, rule, inquiry, why it is shown, and the others."}
    )
    edits = fields.Dict(required=True)
    identifiers = fields.List(fields.Dict(), required=True)
    guest_cards = fields.List(fields.Dict(), required=True)
    merged = fields.List(fields.String(), required=True)
    decisions = fields.List(fields.Dict(), required=True)
    household = fields.List(fields.Nested(HouseholdView), required=True)
    first_at = fields.AwareDateTime(required=True)
    last_at = fields.AwareDateTime(required=True)


class ExceptionPage(Schema):
    exceptions = fields.List(fields.Dict(), required=True)
    open = fields.Dict(required=True, metadata={"description": "How many are open, by kind."})
    next = fields.String(required=True, allow_none=True)


class Impact(Schema):
    """What an action did, or with dry_run would do; its members depend on the action."""


def _textual(text: str) -> None:
    """Half a surrogate pair or a zero byte is no text that a database keeps, or that anyone meant."""
    if any(unicodedata.category(letter) in {"Cc", "Cs"} and letter not in "\n\t" for letter in text):
        raise ValidationError("Use no control characters.")


def words(longest: int) -> list[Callable[[str], object]]:
    return [validate.Length(max=longest), _textual]


class Paged(Schema):
    class Meta:
        unknown = EXCLUDE

    cursor = fields.String(load_default=None, validate=words(80), metadata={"description": "From next."})
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))


class CardQuery(Paged):
    q = fields.String(
        load_default="",
        validate=words(200),
        metadata={"description": "A key, an e-mail address, a phone number, a name or a property."},
    )
    property = fields.String(load_default="", validate=words(100), metadata={"description": "Id, here or at the PMS."})
    since = fields.AwareDateTime(load_default=None, metadata={"description": "Only cards active since."})


class ExceptionQuery(Paged):
    kind = fields.String(load_default=None, validate=words(40))
    resolved = fields.Boolean(load_default=False)


class Dry(Schema):
    dry_run = fields.Boolean(load_default=False, metadata={"description": "Say what would change and change nothing."})


class Replay(Dry):
    trust = fields.Boolean(
        load_default=False,
        metadata={"description": "The sender of a mail is genuine, whatever its verdict: believe its leads."},
    )


class Merge(Dry):
    into = fields.String(required=True, validate=words(40), metadata={"description": "Key of the prospect that stays."})


class Apart(Dry):
    other = fields.String(required=True, validate=words(40), metadata={"description": "Key of the other prospect."})


class SaidHousehold(Apart):
    verdict = fields.String(
        required=True,
        validate=validate.OneOf(("confirm", "dismiss")),
        metadata={"description": "Whether the two look for a home together; it sticks."},
    )


class Nothing(Schema):
    """No body is needed."""


class MadeLead(Dry):
    """What is left out stays as it can be read from the receipt."""

    name = fields.String(load_default="", validate=words(300))
    email = fields.String(load_default="", validate=words(320))
    phone = fields.String(load_default="", validate=words(60))
    property = fields.String(load_default="", validate=words(300), metadata={"description": "Its name or address."})
    message = fields.String(load_default="", validate=words(20_000))


class Place(Schema):
    property = fields.String(required=True, validate=words(100), metadata={"description": "Id, here or at the PMS."})
    learn_alias = fields.Boolean(load_default=False)


class Outcome(Schema):
    kind = fields.String(required=True, validate=validate.OneOf(OUTCOMES))
    at = fields.AwareDateTime(load_default=None, metadata={"description": "When it happened; now when left out."})
    detail = fields.String(load_default="", validate=words(500))


class Ready(Schema):
    status = fields.String(required=True, validate=validate.OneOf(("ready", "degraded", "not_ready")))
    problems = fields.List(fields.Dict(), required=True, metadata={"description": "Each with code, detail and next."})
