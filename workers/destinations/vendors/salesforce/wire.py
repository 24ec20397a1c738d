"""Salesforce's leads and tasks in our words, and questions in SOQL. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

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
from leadsvc.workers.destinations.vendors.salesforce.verdict import names
from leadsvc.workers.destinations.verdicts import moment

STATUSES = {
    "working_contacted": OutcomeKind.CONTACTED,
    "working": OutcomeKind.CONTACTED,
    "nurturing": OutcomeKind.CONTACTED,
    "closed_not_converted": OutcomeKind.LOST,
    "unqualified": OutcomeKind.LOST,
    "closed_converted": OutcomeKind.APPLIED,
    "qualified": OutcomeKind.APPLIED,
}
STAGES = {
    "closed_won": OutcomeKind.LEASED,
    "closed_lost": OutcomeKind.LOST,
    # Whoever was converted has applied; how far the sale got since is no outcome of its own.
    **dict.fromkeys(
        (
            *("prospecting", "qualification", "needs_analysis", "value_proposition", "id._decision_makers"),
            *("perception_analysis", "proposal/price_quote", "negotiation/review"),
        ),
        OutcomeKind.APPLIED,
    ),
}
_UNTOLD = ("", "open not contacted", "open", "new", "not contacted")
_STATE = ("Id", "Status", "IsConverted", "ConvertedContactId", "LastModifiedDate")
OPPORTUNITY = ("ConvertedOpportunity.StageName", "ConvertedOpportunity.LastModifiedDate")


def quoted(value: str) -> str:
    """A text as SOQL takes it, whatever is in it."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def question(fields: Iterable[str], which: str) -> str:
    """The question for these fields of the leads that ``which`` describes; values in it are :func:`quoted`."""
    return f"SELECT {', '.join(fields)} FROM Lead WHERE {which}"  # noqa: S608 - SOQL, with values quoted


def their_names(values: Values, prefix: str) -> dict[str, object]:
    """Lead fields of our values."""
    theirs = names(prefix)
    return {theirs[name]: value for name, value in values.items()}


def lead_fields(prefix: str, allowed: Iterable[str]) -> list[str]:
    """What is read of a lead: its state, our keys, and the fields that are written. Another may not exist there."""
    theirs = names(prefix)
    return [*_STATE, *(theirs[name] for name in ("our_key", "property_ref", *sorted(allowed)))]


def remote_card(item: Json, prefix: str) -> RemoteCard:
    """Their lead in our words."""
    theirs = names(prefix)
    fields = {name: text(item.get(theirs[name])) for name in theirs if name not in ("property_ref", "our_key")}
    state, converted = text(item.get("Status")), yes(item.get("IsConverted"))
    own_id = text(item.get("Id"))
    return RemoteCard(
        card_id=own_id,
        person_id="",
        status=_kind(item),
        raw_status=state or ("converted" if converted else ""),
        property_ref=text(item.get(theirs["property_ref"])),
        our_key=text(item.get(theirs["our_key"])),
        name=f"{fields['first_name']} {fields['last_name']}".strip(),
        emails=(fields["email"],) if fields["email"] else (),
        phones=(fields["phone"],) if fields["phone"] else (),
        source=fields["source_name"],
        entered_by=text(item.get("CreatedById")),
        updated_at=moment(text(item.get("LastModifiedDate")) or None),
        version=text(item.get("LastModifiedDate")),
        fields={name: value for name, value in fields.items() if value},
    )


def _kind(item: Json) -> CardKind:
    stage = outcome_kind(_stage(item), STAGES)
    if stage in (OutcomeKind.LEASED, OutcomeKind.MOVED_IN):
        return CardKind.RESIDENT
    if yes(item.get("IsConverted")):
        return CardKind.CLOSED if stage is OutcomeKind.LOST else CardKind.APPLICANT
    kind = outcome_kind(text(item.get("Status")), STATUSES)
    return CardKind.CLOSED if kind in (OutcomeKind.LOST, OutcomeKind.CANCELLED) else CardKind.PROSPECT


def _stage(item: Json) -> str:
    return text(mapping(item.get("ConvertedOpportunity")).get("StageName"))


def remote_outcome(item: Json, prefix: str, reason: str) -> RemoteOutcome | None:
    """What a lead's status, or the stage of what it was converted to, says became of it; ``None`` before anything
    did. An unknown word is kept as it is. ``reason``: the field with the reason why a lead was lost, if there is one.
    """
    at = changed_at(item)
    status, stage, converted = text(item.get("Status")), _stage(item), yes(item.get("IsConverted"))
    word = stage or status or ("converted" if converted else "")
    if at is None or (not converted and " ".join(word.lower().replace("-", " ").split()) in _UNTOLD):
        return None
    kind = outcome_kind(stage, STAGES) if stage else outcome_kind(status, STATUSES)
    if converted and kind is OutcomeKind.OTHER and not stage:
        kind = OutcomeKind.APPLIED
    return RemoteOutcome(
        card_id=text(item.get("Id")),
        person_id=text(item.get("ConvertedContactId")),
        our_key=text(item.get(f"{prefix}Key__c")),
        kind=kind,
        at=at,
        raw_status=word,
        reason=text(item.get(reason)) if kind is OutcomeKind.LOST else "",
        remote_ref=f"{text(item.get('Id'))}:{word}:{at.timestamp():.3f}",
    )


def changed_at(item: Json) -> datetime | None:
    """When a lead, or what it was converted to, was changed last."""
    opportunity = mapping(item.get("ConvertedOpportunity"))
    times = [moment(text(one.get("LastModifiedDate")) or None) for one in (item, opportunity)]
    return max((at for at in times if at is not None), default=None)


def picklist(fields: object, name: str) -> list[ConfigItem]:
    """The values of a picklist of the lead."""
    found = [one for one in objects(fields) if text(one.get("name")) == name]
    return [
        ConfigItem(
            remote_id=text(value.get("value")),
            name=text(value.get("label")) or text(value.get("value")),
            code=text(value.get("value")),
            active=value.get("active") is None or yes(value.get("active")),
        )
        for field in found
        for value in objects(field.get("picklistValues"))
    ]


def user(item: Json) -> ConfigItem:
    """A user: an agent of ours."""
    own_id = text(item.get("Id"))
    return ConfigItem(remote_id=own_id, name=text(item.get("Name")), code=own_id, active=yes(item.get("IsActive")))
