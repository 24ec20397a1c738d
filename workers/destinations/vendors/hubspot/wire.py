"""HubSpot's contacts, tasks and notes in our words. Pure.

A contact is one guest card there: ``leadsvc_key``, a property made unique at set-up, marks it. HubSpot also keeps
e-mail addresses unique; a second card with the same address carries it in ``leadsvc_email`` instead.
"""

from __future__ import annotations

from datetime import UTC, datetime

from leadsvc.workers.destinations.base import (
    CardKind,
    ConfigItem,
    OutcomeKind,
    RemoteCard,
    RemoteOutcome,
)
from leadsvc.workers.destinations.filling import Values
from leadsvc.workers.destinations.rest import (
    Json,
    mapping,
    objects,
    outcome_kind,
    text,
    yes,
)
from leadsvc.workers.destinations.vendors.hubspot.verdict import names, record_id
from leadsvc.workers.destinations.verdicts import moment

LIFECYCLE = {
    "customer": OutcomeKind.LEASED,
    "opportunity": OutcomeKind.APPLIED,
    "evangelist": OutcomeKind.MOVED_IN,
}
LEAD_STATUS = {
    "connected": OutcomeKind.CONTACTED,
    "in_progress": OutcomeKind.CONTACTED,
    "attempted_to_contact": OutcomeKind.CONTACTED,
    "open_deal": OutcomeKind.APPLIED,
    "unqualified": OutcomeKind.LOST,
    "bad_timing": OutcomeKind.LOST,
}
# Stages and states that a contact has before anything became of it.
UNTOLD = ("", "lead", "subscriber", "new", "open", "marketingqualifiedlead", "salesqualifiedlead", "other")


def their_names(values: Values, prefix: str) -> dict[str, str]:
    """Contact properties of our values; HubSpot takes all as text."""
    theirs = names(prefix)
    return {theirs[name]: str(value) for name, value in values.items()}


def remote_card(item: Json, prefix: str) -> RemoteCard:
    """Their contact in our words."""
    properties = mapping(item.get("properties"))
    theirs = names(prefix)
    fields = {name: text(properties.get(theirs[name])) for name in theirs if name not in ("property_ref", "our_key")}
    second = text(properties.get(f"{prefix}email"))
    fields["email"] = second or fields["email"]
    stage, state = text(properties.get("lifecyclestage")), text(properties.get("hs_lead_status"))
    own_id = record_id(item)
    return RemoteCard(
        card_id=own_id,
        person_id=own_id,
        status=_kind(stage, state),
        raw_status=state or stage,
        property_ref=text(properties.get(theirs["property_ref"])),
        our_key=text(properties.get(theirs["our_key"])),
        name=f"{fields['first_name']} {fields['last_name']}".strip(),
        emails=tuple(dict.fromkeys(one for one in (fields["email"], text(properties.get("email"))) if one)),
        phones=(fields["phone"],) if fields["phone"] else (),
        source=fields["source_name"],
        entered_by="" if text(properties.get(theirs["our_key"])) else text(properties.get("hs_object_source")),
        updated_at=moment(text(item.get("updatedAt")) or None),
        version=text(item.get("updatedAt")),
        fields={name: value for name, value in fields.items() if value},
        agent_fields=frozenset(),
    )


def _kind(stage: str, state: str) -> CardKind:
    what = {outcome_kind(stage, LIFECYCLE), outcome_kind(state, LEAD_STATUS)}
    if what & {OutcomeKind.LEASED, OutcomeKind.MOVED_IN}:
        return CardKind.RESIDENT
    if what & {OutcomeKind.LOST, OutcomeKind.DENIED, OutcomeKind.CANCELLED}:
        return CardKind.CLOSED
    return CardKind.APPLICANT if what & {OutcomeKind.APPLIED, OutcomeKind.APPROVED} else CardKind.PROSPECT


def remote_outcomes(item: Json, prefix: str) -> list[RemoteOutcome]:
    """What the history of stage and lead status says became of a contact, oldest first; where HubSpot sends none,
    what they are now."""
    history = mapping(item.get("propertiesWithHistory"))
    properties = mapping(item.get("properties"))
    found = []
    for name, table in (("lifecyclestage", LIFECYCLE), ("hs_lead_status", LEAD_STATUS)):
        now = {"value": properties.get(name), "timestamp": item.get("updatedAt")}
        for entry in objects(history.get(name)) or [now]:
            word, at = text(entry.get("value")), moment(text(entry.get("timestamp")) or None)
            if at is None or word.lower().replace("_", "") in UNTOLD or not record_id(item):
                continue
            kind = outcome_kind(word, table)
            found.append(
                RemoteOutcome(
                    card_id=record_id(item),
                    person_id=record_id(item),
                    our_key=text(properties.get(f"{prefix}key")),
                    kind=kind,
                    at=at,
                    raw_status=word,
                    reason=text(properties.get(f"{prefix}lost_reason")) if kind is OutcomeKind.LOST else "",
                    remote_ref=f"{record_id(item)}:{name}:{at.timestamp():.3f}",
                )
            )
    return sorted(found, key=lambda one: one.at)


def option(item: Json) -> ConfigItem:
    """An option of a property: what a contact may hold there."""
    value = text(item.get("value"))
    return ConfigItem(
        remote_id=value, name=text(item.get("label")) or value, code=value, active=not yes(item.get("hidden"))
    )


def owner(item: Json) -> ConfigItem:
    """An owner: an agent of ours."""
    name = f"{text(item.get('firstName'))} {text(item.get('lastName'))}".strip() or text(item.get("email"))
    own_id = text(item.get("id"))
    return ConfigItem(remote_id=own_id, name=name, code=own_id, active=not yes(item.get("archived")))


def millis(at: datetime) -> str:
    """A time as search filters want it: milliseconds since 1970."""
    return str(int(at.astimezone(UTC).timestamp() * 1000))
