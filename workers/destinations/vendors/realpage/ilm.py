"""RealPage's other door: leads for ILM and Lead2Lease, which are taken and confirmed, and can never be read again.

Nothing there proves whether a lead arrived, so one whose answer was lost is never sent a second time by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from leadsvc.workers.destinations.base import (
    Capabilities,
    CardAt,
    CardKind,
    CardPush,
    EventPush,
    NativeKey,
    Outcome,
    RemoteCard,
    Result,
    TaskPush,
    UpdateMode,
)
from leadsvc.workers.destinations.careful import TASK_IS_OURS, UNPROVEN
from leadsvc.workers.destinations.entries import marked
from leadsvc.workers.destinations.filling import Values, as_text, outgoing
from leadsvc.workers.destinations.line import WriteOnly
from leadsvc.workers.destinations.local import ten_digits
from leadsvc.workers.destinations.vendors.realpage.verdict import ILM, classify

COMMENT_MAX = 2000
CAPABILITIES = Capabilities(
    label="RealPage (ILM and Lead2Lease door)",
    native_key=NativeKey.NONE,
    returns_card_id="never",
    update_mode=UpdateMode.NARROW,
    verify="none",
    fields=(
        "first_name",
        "last_name",
        "email",
        "phone",
        "move_in",
        "bedrooms_min",
        "bedrooms_max",
        "budget_max_cents",
        "comment",
    ),
    required=("last_name",),
    max_len={"first_name": 50, "last_name": 50, "comment": COMMENT_MAX - 60},
)
_KEPT = Result(
    outcome=Outcome.DUPLICATE, code="write_only", message="The lead was taken before; this door changes nothing."
)
_EVENT_IS_OURS = Result(
    outcome=Outcome.ACCEPTED, code="event_is_ours", message="This door takes no history: the inquiry is here alone."
)
_UNTRIED = Result(
    outcome=Outcome.ACCEPTED, verified=False, message="This door can only be tried with a lead; nothing was sent."
)


class IlmDoor(WriteOnly):
    """One account that may only hand in leads."""

    CAPABILITIES = CAPABILITIES

    def check(self) -> Result:
        return _UNTRIED

    def get_card(self, at: CardAt) -> tuple[Result, RemoteCard | None]:
        """What we know was taken is taken to be there; of anything else nothing is known."""
        if not at.our_key or at.card_id != at.our_key:
            return super().get_card(at)
        card = RemoteCard(
            card_id=at.card_id,
            person_id="",
            status=CardKind.PROSPECT,
            property_ref=at.property_ref,
            our_key=at.our_key,
        )
        return Result(outcome=Outcome.ACCEPTED, card_id=at.card_id), card

    def put_prospect(self, card: CardPush, known: RemoteCard | None) -> Result:
        if known is not None:
            return replace(_KEPT, card_id=known.card_id)
        if card.unsure:
            return UNPROVEN
        sent = outgoing(card, self._profile, CAPABILITIES)
        known_as, options = self._profile.credentials, self._profile.options
        headers = {"apikey": known_as.get("apikey", ""), "x-model-version": options.get("model_version") or "1.0"}
        if options.get("routing_key"):
            headers["x-routing-key"] = options["routing_key"]
        kind = options.get("property_id_type") or "ILM Property Id"
        lead = {"Prospects": [_prospect(sent.values, card, kind)]}
        answer = self._door.call(ILM, "POST", "leasing/lead", json=lead, headers=headers)
        result = classify(ILM, answer.status, answer.headers, answer.body, answer.context(read=False))
        told = replace(self._said(result, answer), fallbacks=sent.fallbacks)
        return replace(told, card_id=card.our_key, written=as_text(sent.values)) if told.ok else told

    def add_event(self, at: CardAt, event: EventPush) -> Result:
        return replace(_EVENT_IS_OURS, card_id=at.card_id)

    def put_task(self, at: CardAt, task: TaskPush) -> Result:
        return replace(TASK_IS_OURS, card_id=at.card_id)

    def merge_cards(self, loser: CardAt, survivor: CardAt) -> Result:
        raise NotImplementedError("this door cannot merge, as its capabilities say")

    def unmerge_card(self, at: CardAt) -> Result:
        raise NotImplementedError("this door cannot merge, as its capabilities say")


def _prospect(values: Values, card: CardPush, property_id_type: str) -> Mapping[str, object]:
    """A lead in the shape of MITS, as JSON; what is blank is left out."""
    name = {"FirstName": values.get("first_name", ""), "LastName": values.get("last_name", "")}
    phone = str(values.get("phone", ""))
    rent, rooms = values.get("budget_max_cents"), [values.get(each) for each in ("bedrooms_min", "bedrooms_max")]
    wishes = {
        "TargetMoveInDate": values.get("move_in", ""),
        "DesiredRent": {"Max": int(rent) // 100} if rent else {},
        "DesiredNumBedrooms": _full({"Min": rooms[0], "Max": rooms[1]}),
        "Comment": marked(str(values.get("comment", "")), card.our_key, COMMENT_MAX),
    }
    customer = {
        "Name": _full(name),
        "Phone": [{"PhoneType": "cell", "PhoneNumber": ten_digits(phone)}] if phone else [],
        "Email": values.get("email", ""),
    }
    identification = [{"IDType": property_id_type, "IDValue": card.property_ref}]
    return {
        "TransactionData": {"Identification": identification},
        "Customers": [_full(customer)],
        "CustomerPreferences": _full(wishes),
    }


def _full(part: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in part.items() if value not in ("", None, {}, [])}
