"""AppFolio's wire: what its answers mean, its leads and showings in our words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from leadsvc.workers.destinations.base import (
    CardKind,
    ConfigItem,
    ConfigKind,
    Outcome,
    OutcomeKind,
    RemoteCard,
    RemoteOutcome,
    Result,
)
from leadsvc.workers.destinations.filling import Values
from leadsvc.workers.destinations.local import cents, day, e164, unmarked
from leadsvc.workers.destinations.rest import (
    Json,
    known_op,
    mapping,
    network,
    no_content,
    objects,
    outcome_kind,
    parse,
    text,
    texts,
    wait,
    whole,
    yes,
)
from leadsvc.workers.destinations.verdicts import header, moment, plain, unreadable

READS = {
    "list_leads": "data",
    "list_showings": "data",
    "list_properties": "data",
    "list_units": "data",
    "list_users": "data",
    "report_guest_card_inquiries": "results",
}
WRITES = ("create_lead", "update_lead", "create_showing", "update_showing")
OPS = (*READS, *WRITES)

THEIRS = {
    "first_name": "FirstName",
    "last_name": "LastName",
    "email": "Email",
    "phone": "PhoneNumber",
    "move_in": "DesiredMoveIn",
    "bedrooms_min": "Bedrooms",
    "budget_max_cents": "MaxRent",
    "unit_ref": "UnitIds",
    "source_name": "Source",
    "agent_ref": "AssignedUserId",
}
_OURS = {theirs: ours for ours, theirs in THEIRS.items()} | {"PropertyId": "property_ref", "UnitId": "unit_ref"}
_SHOWING = {"AssignedUserId": "assignee_ref", "StartAt": "due_at", "EndAt": "due_at", "UnitId": "unit_ref"}
_NAME = re.compile(r"\b([A-Z][a-z]+(?:[A-Z][a-z]+)*)\b")
_BAD_CREDENTIAL, _UNAVAILABLE = 701, 533
_UNAVAILABLE_S, _BUSY_S, _CONFLICT_S = 300.0, 5.0, 2.0

REASONS = {
    "converted_to_tenant": OutcomeKind.LEASED,
    "moved_in": OutcomeKind.MOVED_IN,
    "denied": OutcomeKind.DENIED,
    "application_denied": OutcomeKind.DENIED,
    "canceled": OutcomeKind.CANCELLED,
}
STATES = {"inactive": OutcomeKind.LOST, "scheduled": OutcomeKind.TOUR_SCHEDULED, "applied": OutcomeKind.APPLIED}
SHOWINGS = {
    "scheduled": OutcomeKind.TOUR_SCHEDULED,
    "confirmed": OutcomeKind.TOUR_SCHEDULED,
    "completed": OutcomeKind.TOURED,
    "no_show": OutcomeKind.NO_SHOW,
}
_UNTOLD = ("", "active", "new", "requested")
TO_DO = "To do:"


def classify(op: str, status: int, headers: Mapping[str, str], body: bytes | None, context: Json) -> Result:
    """What one answer of operation ``op`` means; see :func:`verdicts.transport` for ``context``.

    ``ValueError`` for an operation that this vendor does not have.
    """
    known_op("appfolio", op, OPS)
    context = {"read": op in READS, **context}
    answer = parse(body)
    words = mapping(answer)
    said = _said(words)
    if answer is None and (body or b"").lstrip().startswith(b"HTTP Basic: Access denied"):
        status = 401
    inner = whole(words.get("code")) or (whole(words.get("status")) if "error" in words else None)
    if inner and (200 <= status < 300 or inner in (_BAD_CREDENTIAL, _UNAVAILABLE)) and inner >= 400:
        status = inner  # the body knows better than the status line
    if status == _BAD_CREDENTIAL:
        return Result(outcome=Outcome.AUTH, code="701", message=said or "AppFolio refused the credential.")
    if status == 409:
        seconds = wait(headers, context)
        return Result(
            outcome=Outcome.RETRY,
            code="in_flight" if "idempotency" in said.lower() else "conflict",
            message=said or "AppFolio is busy with another request for the same record.",
            retry_after_s=_CONFLICT_S if seconds is None else seconds,
        )
    verdict = network(status, headers, context)
    if verdict is not None:
        return _worded(verdict, status, said)
    if status >= 400:
        return _refused(op, status, said, words)
    return _good(op, status, headers, answer, context)


def _said(words: Json) -> str:
    return plain(text(words.get("message")) or text(words.get("error")))


def _worded(verdict: Result, status: int, said: str) -> Result:
    seconds = verdict.retry_after_s
    if status == _UNAVAILABLE:
        # Said of one customer's database before it is opened.
        seconds = _UNAVAILABLE_S if seconds is None else seconds
        verdict = replace(verdict, verify_first=False, verified=True)
    if status == 429 and seconds is None:
        seconds = _BUSY_S
    return replace(verdict, retry_after_s=seconds, message=said or verdict.message)


def _refused(op: str, status: int, said: str, words: Json) -> Result:
    message = said or f"AppFolio answered {status}; check base_url."
    if status == 403:
        return Result(outcome=Outcome.AUTH, code="http_403", message=message)
    if status == 422 and "idempotency" in said.lower():
        return Result(outcome=Outcome.REJECT, code="key_reused", message=message)
    known = _SHOWING if "showing" in op else _OURS
    fields = {known[name]: (message,) for name in _NAME.findall(said) if name in known}
    for error in objects(words.get("errors")):
        name = text(error.get("field")) or text(error.get("Field"))
        if name:
            fields[known.get(name, name)] = (plain(text(error.get("message"))) or message,)
    return Result(outcome=Outcome.REJECT, code=f"http_{status}", message=message, field_errors=fields)


def _good(op: str, status: int, headers: Mapping[str, str], answer: object, context: Json) -> Result:
    ref = header(headers, "x-request-id")
    words = mapping(answer)
    if op in READS:
        found = words.get(READS[op]) if not isinstance(answer, list) else answer
        if found is None or (found != [] and not objects(found)):
            return unreadable(context, f"The answer has no {READS[op]!r}.")
        return Result(outcome=Outcome.ACCEPTED, empty=found == [], raw_ref=ref)
    if status == 204:
        return no_content(context) or unreadable(context, "The answer is empty.")
    item = record(answer)
    if not item:
        return unreadable(context, "The answer holds no record.")
    own_id, on_lead = text(item.get("Id")), op in ("create_lead", "update_lead")
    replayed = header(headers, "Idempotent-Replayed").strip().lower() == "true"
    return Result(
        outcome=Outcome.ACCEPTED,
        code="replayed" if replayed else "",
        card_id=own_id if on_lead else text(item.get("LeadId")),
        task_id="" if on_lead else own_id,
        version=text(item.get("LastUpdatedAt")),
        verified=bool(own_id) and (not op.startswith("create") or status == 201),
        raw_ref=ref,
    )


def record(answer: object) -> Json:
    """The record of an answer to a write, by itself or in an envelope."""
    words = mapping(answer)
    found = objects(words["data"]) if "data" in words else objects(answer)
    return found[0] if len(found) == 1 and any(name[:1].isupper() for name in found[0]) else {}


# -- their records in our words ---------------------------------------------------------------------------------------


def their_names(values: Values) -> dict[str, object]:
    """A lead of our values, for those that AppFolio has a place for."""
    sent: dict[str, object] = {}
    for name, value in values.items():
        if name == "unit_ref":
            sent["UnitIds"] = [value]
        elif name == "budget_max_cents" and isinstance(value, int):
            sent["MaxRent"] = value // 100 if value % 100 == 0 else value / 100
        elif name == "phone":
            sent["PhoneNumber"] = national(str(value))
        elif name in THEIRS:
            sent[THEIRS[name]] = value
    return sent


def national(phone: str) -> str:
    """``(214) 555-0142``; a number of another country as it is."""
    found = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", phone)
    return f"({found[1]}) {found[2]}-{found[3]}" if found else phone


def properties_of(item: Json) -> tuple[str, ...]:
    """The properties that a lead asks about."""
    return texts(item.get("PropertyId")) + texts(item.get("PropertyIds") or [])


def remote_card(item: Json, our_key: str = "") -> RemoteCard:
    """Their lead in our words. It has no place for our key: ``our_key`` is the caller's, where it knows the lead."""
    fields = {name: text(item.get(theirs)) for name, theirs in THEIRS.items()}
    units, homes = texts(item.get("UnitIds") or []), properties_of(item)
    fields |= {
        "phone": e164(fields["phone"]),
        "budget_max_cents": cents(fields["budget_max_cents"]),
        "move_in": day(fields["move_in"]),
        "unit_ref": units[0] if units else "",
    }
    state, reason = text(item.get("Status")), text(item.get("InactiveReason"))
    return RemoteCard(
        card_id=text(item.get("Id")),
        person_id="",
        status=_kind(item),
        raw_status=reason or state,
        property_ref=homes[0] if homes else "",
        our_key=our_key,
        name=f"{fields['first_name']} {fields['last_name']}".strip(),
        emails=(fields["email"],) if fields["email"] else (),
        phones=(fields["phone"],) if fields["phone"] else (),
        source=fields["source_name"],
        updated_at=moment(text(item.get("LastUpdatedAt")) or None),
        version=text(item.get("LastUpdatedAt")),
        fields={name: value for name, value in fields.items() if value},
    )


def _kind(item: Json) -> CardKind:
    reason = outcome_kind(text(item.get("InactiveReason")), REASONS)
    if reason in (OutcomeKind.LEASED, OutcomeKind.MOVED_IN):
        return CardKind.RESIDENT
    if text(item.get("Status")).lower() == "inactive":
        return CardKind.CLOSED
    return CardKind.APPLICANT if text(item.get("RentalApplicationId")) else CardKind.PROSPECT


def changed_at(item: Json) -> datetime | None:
    """When a record was changed last."""
    return moment(text(item.get("LastUpdatedAt")) or None)


def lead_outcomes(item: Json) -> list[RemoteOutcome]:
    """What became of a lead, as far as it shows it: applied, and how it ended."""
    at, state, reason = changed_at(item), text(item.get("Status")), text(item.get("InactiveReason"))
    if at is None or not text(item.get("Id")):
        return []
    told = []
    application = text(item.get("RentalApplicationId"))
    if application:
        told.append(_outcome(item, OutcomeKind.APPLIED, at, "rental application", f"application:{application}"))
    word = reason or state
    if word.lower() not in _UNTOLD:
        kind = outcome_kind(reason, REASONS) if reason else outcome_kind(state, STATES)
        if reason and kind is OutcomeKind.OTHER:
            kind = OutcomeKind.LOST
        told.append(_outcome(item, kind, at, word, f"{word}:{at.timestamp():.3f}", reason))
    return told


def _outcome(
    item: Json, kind: OutcomeKind, at: datetime, word: str, ref: str, reason: str = "", card_id: str = ""
) -> RemoteOutcome:
    return RemoteOutcome(
        card_id=card_id or text(item.get("Id")),
        kind=kind,
        at=at,
        raw_status=word,
        reason=reason if kind is OutcomeKind.LOST else "",
        remote_ref=f"{card_id or text(item.get('Id'))}:{ref}",
    )


def showing_outcome(item: Json) -> RemoteOutcome | None:
    """What became of a showing; ``None`` for one that is only wanted, and for a follow-up that stands as one."""
    at, word = changed_at(item), text(item.get("Status"))
    ours = text(item.get("Notes")).startswith(TO_DO) and bool(unmarked(text(item.get("Notes")))[1])
    if at is None or word.lower() in _UNTOLD or ours or not text(item.get("LeadId")):
        return None
    ref = f"showing:{text(item.get('Id'))}:{word}"
    return _outcome(item, outcome_kind(word, SHOWINGS), at, word, ref, card_id=text(item.get("LeadId")))


def config_item(kind: ConfigKind, item: Json) -> ConfigItem:
    """A property, unit or user."""
    own_id = text(item.get("Id"))
    name = text(item.get("Name")) or f"{text(item.get('FirstName'))} {text(item.get('LastName'))}".strip()
    hidden = yes(item.get("Hidden")) or bool(text(item.get("HiddenAt")))
    parent = text(item.get("PropertyId")) if kind is ConfigKind.UNIT else ""
    return ConfigItem(remote_id=own_id, name=name or own_id, code=own_id, active=not hidden, parent=parent, raw=item)
