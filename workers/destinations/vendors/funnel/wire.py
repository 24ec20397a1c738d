"""Funnel's wire: what its answers mean, and its clients in our words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
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
    RemotePerson,
    Result,
)
from leadsvc.workers.destinations.filling import Values
from leadsvc.workers.destinations.local import cents, day, e164
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
    yes,
)
from leadsvc.workers.destinations.verdicts import moment, plain, unreadable

# Operation -> what its good answer holds under ``data``.
READS = {
    "get_client": "client",
    "find_client": "clients",
    "clients_changed": "clients",
    "list_notes": "notes",
    "list_communities": "communities",
    "list_units": "units",
    "list_employees": "employees",
    "list_sources": "discovery_sources",
}
WRITES = {
    "create_client": "client",
    "update_client": "client",
    "add_note": "note",
    "book_appointment": "appointment",
}
OPS = (*READS, *WRITES)

_FIELDS = {
    "first_name": "first_name",
    "last_name": "last_name",
    "email": "email",
    "phone_1": "phone",
    "move_in_date": "move_in",
    "layout": "bedrooms_min",
    "price_ceiling": "budget_max_cents",
    "discovery_source": "source_name",
    "notes": "comment",
    "community": "property_ref",
    "start": "due_at",
}
_AUTH = re.compile(r"api key|authenticat|credential|permission", re.IGNORECASE)
_BUSY = re.compile(r"throttl|too many|rate limit", re.IGNORECASE)
_BROKEN = re.compile(r"internal|unavailable|try again|timed? ?out", re.IGNORECASE)
_LAYOUTS = ("studio", "1br", "2br", "3br", "4+br")

STATUSES = {
    "applicant": OutcomeKind.APPLIED,
    "application": OutcomeKind.APPLIED,
    "resident": OutcomeKind.LEASED,
    "not_a_prospect": OutcomeKind.LOST,
}
_UNTOLD = ("", "lead", "prospect", "new")


def classify(op: str, status: int, headers: Mapping[str, str], body: bytes | None, context: Json) -> Result:
    """What one answer of operation ``op`` means; see :func:`verdicts.transport` for ``context``.

    ``ValueError`` for an operation that this vendor does not have.
    """
    known_op("funnel", op, OPS)
    context = {"read": op in READS, **context}
    words = mapping(parse(body))
    said = _said(words)
    if 200 <= status < 300 and words.get("data") is None and ("errors" in words or "message" in words):
        status = 400 if "errors" in words else _meant(said)
    verdict = network(status, headers, context)
    if verdict is not None:
        return replace(verdict, message=said or verdict.message) if status else verdict
    if status >= 400:
        return _refused(op, status, words, said)
    if status == 204 and op in WRITES:
        return no_content(context) or unreadable(context, "The answer is empty.")
    return _good(op, words, context)


def _said(words: Json) -> str:
    return plain(text(words.get("message")) or " ".join(said for _, said in _leaves(words.get("errors"))))


def _meant(said: str) -> int:
    """The status that a message means which came with a good one."""
    if _AUTH.search(said):
        return 401
    if _BUSY.search(said):
        return 429
    return 500 if _BROKEN.search(said) else 400


def _leaves(errors: object, name: str = "") -> Iterator[tuple[str, str]]:
    """The messages of a tree of errors, each with the name that it stands under."""
    if isinstance(errors, dict):
        for key, inner in errors.items():
            yield from _leaves(inner, text(key))
    elif isinstance(errors, list):
        for inner in errors:
            yield from _leaves(inner, name)
    elif text(errors):
        yield name, text(errors)


def _refused(op: str, status: int, words: Json, said: str) -> Result:
    code, message = f"http_{status}", said or f"Funnel answered {status}; check base_url."
    if status == 403:
        return Result(outcome=Outcome.AUTH, code=code, message=message)
    if status == 404 and op in ("get_client", "list_notes") and words:
        return Result(outcome=Outcome.ACCEPTED, empty=True, code=code, message=message)
    errors: dict[str, tuple[str, ...]] = {}
    for name, words_ in _leaves(words.get("errors")):
        ours = _FIELDS.get(name, name)
        errors[ours] = (*errors.get(ours, ()), plain(words_))
    return Result(outcome=Outcome.REJECT, code=code, message=message, field_errors=errors)


def _good(op: str, words: Json, context: Json) -> Result:
    what = READS.get(op) or WRITES[op]
    found = mapping(words.get("data")).get(what)
    if op in READS and what != "client":
        if found is None or (found != [] and not objects(found)):
            return unreadable(context, f"The answer has no {what!r}.")
        return Result(outcome=Outcome.ACCEPTED, empty=found == [])
    items = objects(found)
    if len(items) != 1:
        return unreadable(context, f"The answer has no {what!r}.")
    own_id = text(items[0].get("id"))
    if op in READS and not own_id:
        return unreadable(context, "The client has no id.")
    client = own_id if what == "client" else text(items[0].get("client"))
    return Result(
        outcome=Outcome.ACCEPTED,
        card_id=client,
        event_id=own_id if what == "note" else "",
        task_id=own_id if what == "appointment" else "",
        verified=bool(own_id),
    )


# -- their records in our words ---------------------------------------------------------------------------------------


def number(remote_id: str) -> int | str:
    """An id as Funnel has it: a number."""
    return int(remote_id) if remote_id.isascii() and remote_id.isdigit() and len(remote_id) < 19 else remote_id


def dashed(phone: str) -> str:
    """``214-555-0142``; a number of another country as it is."""
    found = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", phone)
    return f"{found[1]}-{found[2]}-{found[3]}" if found else phone


def client(values: Values, people: object = None) -> dict[str, object]:
    """A client of our values; ``people`` are those it has already, of whom the first one is the renter."""
    sent: dict[str, object] = {}
    for theirs, ours in _FIELDS.items():
        if ours in ("move_in", "source_name", "comment") and ours in values:
            sent[theirs] = values[ours]
    if "budget_max_cents" in values:
        sent["price_ceiling"] = int(values["budget_max_cents"]) // 100
    if {"bedrooms_min", "bedrooms_max"} & set(values):
        low = int(values.get("bedrooms_min", values.get("bedrooms_max", 0)))
        high = int(values.get("bedrooms_max", low))
        sent["layout"] = list(_LAYOUTS[min(max(low, 0), 4) : min(max(high, low), 4) + 1])
    renter, there = person(values), objects(people)
    if renter:
        before: Json = there[0] if there else {"is_primary": True}
        sent["people"] = [{**before, **renter}, *there[1:]]
    return sent


def person(values: Values) -> dict[str, object]:
    """A person of our values."""
    named: dict[str, object] = {name: values[name] for name in ("first_name", "last_name", "email") if name in values}
    return named | ({"phone_1": dashed(str(values["phone"]))} if "phone" in values else {})


def _fields(person: Json) -> dict[str, str]:
    fields = {name: text(person.get(name)) for name in ("first_name", "last_name", "email")}
    return {**fields, "phone": e164(text(person.get("phone_1")))}


def _others(item: Json, primary: Json) -> tuple[RemotePerson, ...]:
    told = (_fields(one) for one in objects(item.get("people")) if one is not primary)
    return tuple(RemotePerson(fields={name: value for name, value in one.items() if value}) for one in told)


def _primary(item: Json) -> Json:
    people = objects(item.get("people"))
    return next((one for one in people if yes(one.get("is_primary"))), people[0] if people else {})


def _bedrooms(item: Json) -> tuple[str, str]:
    known = [_LAYOUTS.index(one) for one in texts(item.get("layout") or []) if one in _LAYOUTS]
    return (str(min(known)), str(max(known))) if known else ("", "")


def remote_card(item: Json) -> RemoteCard:
    """Their client in our words."""
    primary = _primary(item)
    low, high = _bedrooms(item)
    fields = {
        **_fields(primary),
        "move_in": day(text(item.get("move_in_date"))),
        "bedrooms_min": low,
        "bedrooms_max": high,
        "budget_max_cents": cents(text(item.get("price_ceiling"))),
        "source_name": text(item.get("discovery_source")),
        "comment": text(item.get("notes")),
    }
    status = text(item.get("status"))
    numbers = (fields["phone"], e164(text(primary.get("phone_2"))))
    return RemoteCard(
        card_id=text(item.get("id")),
        person_id="",
        status=_kind(status),
        raw_status=status,
        property_ref=text(item.get("community")),
        our_key=text(item.get("partner_id")),
        name=f"{fields['first_name']} {fields['last_name']}".strip(),
        emails=(fields["email"],) if fields["email"] else (),
        phones=tuple(one for one in numbers if one),
        source=fields["source_name"],
        updated_at=changed_at(item),
        version=text(item.get("updated_at")),
        fields={name: value for name, value in fields.items() if value},
        others=_others(item, primary),
    )


def _kind(status: str) -> CardKind:
    kind = outcome_kind(status, STATUSES)
    kinds = {
        OutcomeKind.LEASED: CardKind.RESIDENT,
        OutcomeKind.MOVED_IN: CardKind.RESIDENT,
        OutcomeKind.APPLIED: CardKind.APPLICANT,
        OutcomeKind.APPROVED: CardKind.APPLICANT,
        OutcomeKind.LOST: CardKind.CLOSED,
    }
    return kinds.get(kind, CardKind.PROSPECT)


def changed_at(item: Json) -> datetime | None:
    """When a client was changed last."""
    return moment(text(item.get("updated_at")) or None)


def remote_outcome(item: Json) -> RemoteOutcome | None:
    """What a client's status says became of it; ``None`` before anything did. An unknown word is kept as it is."""
    at, word, own_id = changed_at(item), text(item.get("status")), text(item.get("id"))
    if at is None or word.lower() in _UNTOLD or not own_id:
        return None
    kind = outcome_kind(word, STATUSES)
    return RemoteOutcome(
        card_id=own_id,
        our_key=text(item.get("partner_id")),
        kind=kind,
        at=at,
        raw_status=word,
        reason=text(item.get("not_a_prospect_reason")) if kind is OutcomeKind.LOST else "",
        remote_ref=f"{own_id}:{word}:{at.timestamp():.3f}",
    )


def config_item(kind: ConfigKind, item: Json) -> ConfigItem:
    """A community, unit, employee or discovery source."""
    own_id = text(item.get("id"))
    person = f"{text(item.get('first_name'))} {text(item.get('last_name'))}".strip()
    name = text(item.get("name")) or text(item.get("unit_number")) or person
    parent = text(item.get("community")) if kind is ConfigKind.UNIT else ""
    active = item.get("is_active") is not False
    return ConfigItem(
        remote_id=own_id or name, name=name or own_id, code=own_id, active=active, parent=parent, raw=item
    )
