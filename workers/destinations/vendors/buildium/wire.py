"""Buildium's wire: what its answers mean; its applicants, notes and tasks in our words. Pure.

Buildium has no prospect. A renter becomes an applicant, and what an applicant has no field for stands in a note that
begins with :data:`HEADER`, one line each, with our key at its end; a later note overrules an earlier one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
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
from leadsvc.workers.destinations.entries import marked
from leadsvc.workers.destinations.filling import Values
from leadsvc.workers.destinations.local import cents, e164, money
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
    wait,
)
from leadsvc.workers.destinations.verdicts import moment, plain, unreadable

LISTS = (
    "find_applicant",
    "list_applicants_changed",
    "list_rentals",
    "list_units",
    "list_users",
    "list_leases",
    "list_notes",
    "find_contact_requests",
)
ONES = ("get_applicant", "get_rental")
READS = (*LISTS, *ONES)
WRITES = ("create_applicant", "update_applicant", "add_note", "create_contact_request", "update_contact_request")
OPS = (*READS, *WRITES)
_CREATES = ("create_applicant", "add_note", "create_contact_request")

_FIELDS = {
    "FirstName": "first_name",
    "LastName": "last_name",
    "Email": "email",
    "PhoneNumbers": "phone",
    "UnitId": "unit_ref",
    "PropertyId": "property_ref",
    "AssignedToUserId": "assignee_ref",
    "Title": "title",
    "Description": "text",
    "DueDate": "due_at",
}
_AUTH = re.compile(r"authenticat|permission|not authori[sz]ed|api key", re.IGNORECASE)
_BUSY = re.compile(r"too many requests|rate limit|throttl", re.IGNORECASE)
_BROKEN = re.compile(r"unexpected error|internal|unavailable|try again|time(?:d )?out", re.IGNORECASE)
_FIRST_WAIT_S = 0.2

NATIVE = ("first_name", "last_name", "email", "phone", "unit_ref")
HEADER = "Inquiry details"
_LABELS = {
    "source_name": "Lead source",
    "property_ref": "Property",
    "move_in": "Move-in",
    "bedrooms_min": "Bedrooms from",
    "bedrooms_max": "Bedrooms to",
    "budget_max_cents": "Budget up to",
    "comment": "Comment",
}
NOTED = tuple(name for name in _LABELS if name != "property_ref")
_OURS = {label: name for name, label in _LABELS.items()}
_MARK_AT_END = re.compile(r"\[ref ([\w.:-]{3,80})\]\s*\Z")
NOTE_MAX = 65_000
# Their word for a kind of phone in answers -> in requests.
_PHONES = {"cell": "Mobile", "mobile": "Mobile", "home": "Home", "work": "Work", "fax": "Fax"}

STATUSES = {
    "approved": OutcomeKind.APPROVED,
    "rejected": OutcomeKind.DENIED,
    "cancelled": OutcomeKind.CANCELLED,
    "addedtolease": OutcomeKind.LEASED,
    "addedtodraftlease": OutcomeKind.APPROVED,
}
_UNTOLD = ("", "unknown", "new", "undecided", "draft")


def classify(op: str, status: int, headers: Mapping[str, str], body: bytes | None, context: Json) -> Result:
    """What one answer of operation ``op`` means; see :func:`verdicts.transport` for ``context``.

    ``ValueError`` for an operation that this vendor does not have.
    """
    known_op("buildium", op, OPS)
    context = {"read": op in READS, **context}
    answer = parse(body)
    words = mapping(answer)
    said = plain(text(words.get("UserMessage")) or text(words.get("message")) or text(words.get("Message")))
    if 200 <= status < 300 and "UserMessage" in words and "Id" not in words:
        status = _meant(said)
    verdict = network(status, headers, context)
    if verdict is not None:
        if status == 429:
            seconds = wait(headers, context)
            verdict = replace(verdict, retry_after_s=_FIRST_WAIT_S if seconds is None else seconds)
        return replace(verdict, message=said or verdict.message)
    if status >= 400:
        return _refused(op, status, words, said, context)
    return _good(op, status, headers, answer, context)


def _meant(said: str) -> int:
    """The status that an error means which came with a good one."""
    if _AUTH.search(said):
        return 401
    if _BUSY.search(said):
        return 429
    return 500 if _BROKEN.search(said) else 422


def _refused(op: str, status: int, words: Json, said: str, context: Json) -> Result:
    message = said or f"Buildium answered {status}; check base_url."
    code = text(words.get("ErrorCode")) or f"http_{status}"
    if status == 403:
        return Result(outcome=Outcome.AUTH, code=code, message=message)
    if status == 404 and op in (*ONES, "list_notes") and words:
        return Result(outcome=Outcome.ACCEPTED, empty=True, code=code, message=message)
    errors: dict[str, tuple[str, ...]] = {}
    for error in objects(words.get("Errors")):
        name = text(error.get("Key")).partition(".")[0]
        if name:
            ours = _FIELDS.get(name, name)
            errors[ours] = (*errors.get(ours, ()), plain(text(error.get("Value"))))
    known = text(context.get("known_remote_id"))
    return Result(outcome=Outcome.REJECT, code=code, message=message, field_errors=errors, card_id=known)


def _good(op: str, status: int, headers: Mapping[str, str], answer: object, context: Json) -> Result:
    if op in LISTS:
        found = objects(answer)
        if answer != [] and not any("Id" in one for one in found):
            return unreadable(context, "The answer is no list.")
        return Result(outcome=Outcome.ACCEPTED, empty=answer == [])
    if status == 204 and op in WRITES:
        return no_content(context) or unreadable(context, "The answer is empty.")
    if answer is None and op == "create_applicant" and status == 201:
        # Where the new record is stands in a header too.
        return no_content(context, headers) or unreadable(context, "The answer holds no record.")
    found = objects(answer)
    item = found[0] if len(found) == 1 else {}
    # A record is known by its id, or by the fields that go with one.
    if not any(name[:1].isupper() for name in item):
        return unreadable(context, "The answer holds no record.")
    own_id = text(item.get("Id"))
    if op in ONES and not own_id:
        return unreadable(context, "The record has no id.")
    on_card = "applicant" in op
    return Result(
        outcome=Outcome.ACCEPTED,
        card_id=own_id if on_card else "",
        person_id=own_id if on_card else "",
        event_id=own_id if op == "add_note" else "",
        task_id=own_id if "contact_request" in op else "",
        version=text(item.get("LastUpdatedDateTime")),
        verified=bool(own_id) and (op not in _CREATES or status == 201),
    )


# -- their records in our words ---------------------------------------------------------------------------------------


def number(remote_id: str) -> int | str:
    """An id as Buildium has it: a number."""
    return int(remote_id) if remote_id.isascii() and remote_id.isdigit() and len(remote_id) < 19 else remote_id


def national(phone: str) -> str:
    """``(214) 555-0142``; a number of another country as it is."""
    found = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", phone)
    return f"({found[1]}) {found[2]}-{found[3]}" if found else phone


def applicant(values: Values) -> dict[str, object]:
    """The fields of an applicant for those of our values that it has one for."""
    sent: dict[str, object] = {}
    for name, theirs in (("first_name", "FirstName"), ("last_name", "LastName"), ("email", "Email")):
        if name in values:
            sent[theirs] = values[name]
    if "phone" in values:
        sent["PhoneNumbers"] = {"Mobile": national(str(values["phone"]))}
    if "unit_ref" in values:
        sent["UnitId"] = number(str(values["unit_ref"]))
    return sent


def replaced(item: Json, values: Values) -> dict[str, object]:
    """The whole applicant with our values in place: what a full replacement leaves out is emptied."""
    phones = {
        _PHONES.get(text(one.get("Type")).lower(), "Home"): text(one.get("Number"))
        for one in objects(item.get("PhoneNumbers"))
        if text(one.get("Number"))
    }
    kept = {name: item[name] for name in ("FirstName", "LastName", "Email", "UnitId") if item.get(name) is not None}
    sent = applicant(values)
    mine = mapping(sent.pop("PhoneNumbers", {}))
    return {**kept, **sent, "PhoneNumbers": {**phones, **mine}}


def note(values: Values, property_ref: str, key: str) -> str:
    """The note that tells what an applicant has no field for; the comment, which may have lines of its own, last."""
    lines = [HEADER]
    told: dict[str, object] = {**values, "property_ref": property_ref}
    for name, label in _LABELS.items():
        value = told.get(name, "")
        if value not in ("", None):
            lines.append(f"{label}: {_shown(name, value)}")
    return marked("\n".join(lines), key, NOTE_MAX)


def _shown(name: str, value: object) -> str:
    if name == "budget_max_cents":
        return money(int(str(value)))
    # Nobody but us writes marks: a renter's words are not taken for one.
    words = str(value).replace("[ref ", "(ref ")
    return words if name == "comment" else " ".join(words.split())


def noted(notes: Iterable[Json]) -> tuple[str, dict[str, str]]:
    """Our key, and our fields, as the notes of an applicant tell them."""
    key, fields = "", dict[str, str]()
    for item in sorted(notes, key=lambda one: _order(text(one.get("Id")))):
        words = text(item.get("Note"))
        found = _MARK_AT_END.search(words)
        if not words.startswith(HEADER) or found is None:
            continue
        key = key or found[1]
        fields |= _read(words[len(HEADER) : found.start()])
    return key, fields


def _order(note_id: str) -> tuple[int, str]:
    return len(note_id), note_id


def _read(words: str) -> dict[str, str]:
    body, _, comment = words.partition(f"\n{_LABELS['comment']}: ")
    fields = {"comment": comment.strip()} if comment.strip() else {}
    for line in body.splitlines():
        label, _, value = line.partition(": ")
        if label in _OURS and value.strip():
            name = _OURS[label]
            fields[name] = cents(value) if name == "budget_max_cents" else value.strip()
    return fields


def remote_card(item: Json, notes: Iterable[Json]) -> RemoteCard:
    """Their applicant in our words."""
    key, told = noted(notes)
    home = text(item.get("PropertyId")) or told.pop("property_ref", "")
    told.pop("property_ref", None)
    numbers = [e164(text(one.get("Number"))) for one in objects(item.get("PhoneNumbers")) if text(one.get("Number"))]
    email = text(item.get("Email"))
    fields = {
        "first_name": text(item.get("FirstName")),
        "last_name": text(item.get("LastName")),
        "email": email,
        "phone": numbers[0] if numbers else "",
        "unit_ref": text(item.get("UnitId")),
        **told,
    }
    status = text(item.get("Status"))
    return RemoteCard(
        card_id=text(item.get("Id")),
        person_id=text(item.get("Id")),
        status=_kind(item),
        raw_status=status,
        property_ref=home,
        our_key=key,
        name=f"{fields['first_name']} {fields['last_name']}".strip(),
        emails=(email,) if email else (),
        phones=tuple(numbers),
        source=fields.get("source_name", ""),
        updated_at=changed_at(item),
        version=text(item.get("LastUpdatedDateTime")),
        fields={name: value for name, value in fields.items() if value},
    )


def _kind(item: Json) -> CardKind:
    kind = outcome_kind(text(item.get("Status")), STATUSES)
    if kind in (OutcomeKind.LEASED, OutcomeKind.MOVED_IN):
        return CardKind.RESIDENT
    if kind in (OutcomeKind.DENIED, OutcomeKind.CANCELLED, OutcomeKind.LOST):
        return CardKind.CLOSED
    return (
        CardKind.APPLICANT if kind is OutcomeKind.APPROVED or objects(item.get("Applications")) else CardKind.PROSPECT
    )


def changed_at(item: Json) -> datetime | None:
    """When a record was changed last."""
    return moment(text(item.get("LastUpdatedDateTime")) or None)


def applicant_outcomes(item: Json) -> list[RemoteOutcome]:
    """What became of an applicant: applications that came in, and the status it has."""
    at, own_id = changed_at(item), text(item.get("Id"))
    if at is None or not own_id:
        return []
    told = []
    for form in objects(item.get("Applications")):
        sent_at = moment(text(form.get("ApplicationSubmittedDateTime")) or None)
        if sent_at is not None:
            ref = f"{own_id}:application:{text(form.get('Id'))}"
            told.append(_outcome(own_id, OutcomeKind.APPLIED, sent_at, "application submitted", ref))
    word = text(item.get("Status"))
    if word.lower() not in _UNTOLD:
        ref = f"{own_id}:{word}:{at.timestamp():.3f}"
        told.append(_outcome(own_id, outcome_kind(word, STATUSES), at, word, ref))
    return told


def lease_outcome(lease: Json, tenant: Json, applicants: Iterable[Json]) -> RemoteOutcome | None:
    """That a tenant of a lease that runs moved in, joined to the applicant that became this tenant."""
    at, person = changed_at(lease), text(tenant.get("Id"))
    mine = [text(one.get("Id")) for one in applicants if person and text(one.get("TenantId")) == person]
    if at is None or not mine or text(lease.get("LeaseStatus")).lower() != "active":
        return None
    lease_id = text(lease.get("Id"))
    outcome = _outcome(mine[0], OutcomeKind.MOVED_IN, at, "Active", f"{mine[0]}:lease:{lease_id}")
    return replace(outcome, lease_id=lease_id)


def _outcome(card_id: str, kind: OutcomeKind, at: datetime, word: str, ref: str) -> RemoteOutcome:
    return RemoteOutcome(card_id=card_id, person_id=card_id, kind=kind, at=at, raw_status=word, remote_ref=ref)


def config_item(kind: ConfigKind, item: Json) -> ConfigItem:
    """A rental, unit or staff user."""
    own_id = text(item.get("Id"))
    person = f"{text(item.get('FirstName'))} {text(item.get('LastName'))}".strip()
    name = text(item.get("Name")) or text(item.get("UnitNumber")) or person
    parent = text(item.get("PropertyId")) if kind is ConfigKind.UNIT else ""
    active = item.get("IsActive") is not False
    return ConfigItem(remote_id=own_id, name=name or own_id, code=own_id, active=active, parent=parent, raw=item)
