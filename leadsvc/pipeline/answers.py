"""What a sender is told (SPEC §3): the same words for the same receipt, whenever it is asked again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leadsvc.model import ItemError, Reading, ReceiptState

if TYPE_CHECKING:
    from leadsvc.pipeline.intake import StoredReceipt
    from leadsvc.pipeline.seen import Fate

_STATUS = {
    ReceiptState.PROCESSED: "accepted",
    ReceiptState.DUPLICATE: "duplicate",
    ReceiptState.QUARANTINED: "quarantined",
    ReceiptState.NOT_LEAD: "not_lead",
    ReceiptState.REJECTED: "rejected",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """HTTP status, JSON body, and whether the body is a problem document (RFC 9457)."""

    status: int
    body: Mapping[str, Any]
    problem: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"status": self.status, "body": dict(self.body), "problem": self.problem}


def stored(data: Mapping[str, Any]) -> Answer:
    """The answer kept with a receipt."""
    return Answer(data["status"], data["body"], data["problem"])


def for_leads(receipt: StoredReceipt, found: Sequence[Fate], reading: Reading) -> Answer:
    statuses = {fate.status for fate in found}
    whole = "duplicate" if statuses == {"duplicate"} else "accepted"
    body: dict[str, Any] = {"receipt": str(receipt.id), "status": whole}
    if reading.map_id == "canonical":
        items = [{"position": fate.position, "status": fate.status} for fate in found]
        items += [{"position": each.index, "status": "rejected", "errors": _errors(each)} for each in reading.errors]
        body["leads"] = sorted(items, key=lambda item: item["position"])
    return Answer(200, body)


def for_class(receipt: StoredReceipt, reading: Reading, state: ReceiptState) -> Answer:
    if state is ReceiptState.REJECTED:
        return problem(receipt, reading)
    # Leads that are only named are taken all the same.
    status = "accepted" if reading.pointers else _STATUS[state]
    return Answer(200, {"receipt": str(receipt.id), "status": status})


def problem(receipt: StoredReceipt, reading: Reading) -> Answer:
    """422 with every field that is wrong; what was sent is on record all the same."""
    errors = [{"pointer": f"#{pointer}", "detail": text} for pointer, text in _pairs(reading.errors)]
    body = {
        "type": "about:blank",
        "title": "The lead cannot be read",
        "status": 422,
        "code": "invalid_lead",
        "detail": f"{reading.detail} It was recorded, but holds no lead; send it again corrected.".strip(),
        "receipt": str(receipt.id),
        "errors": errors or [{"pointer": "#", "detail": reading.detail}],
    }
    return Answer(422, body, problem=True)


def accepted_unprocessed(receipt: StoredReceipt) -> Answer:
    """The receipt is durable but could not be processed yet; the sweep will."""
    return Answer(200, {"receipt": str(receipt.id), "status": "accepted"})


def _errors(error: ItemError) -> dict[str, list[str]]:
    return {pointer: list(texts) for pointer, texts in error.errors.items()}


def _pairs(errors: Sequence[ItemError]) -> list[tuple[str, str]]:
    return [(pointer, text) for each in errors for pointer, texts in each.errors.items() for text in texts]
