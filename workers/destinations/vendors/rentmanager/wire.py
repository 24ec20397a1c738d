"""Rent Manager's wire: the records that are sent, and its prospects in our words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from leadsvc.workers.destinations.base import CardKind, ConfigItem, OutcomeKind, RemoteCard, RemoteOutcome
from leadsvc.workers.destinations.filling import Values
from leadsvc.workers.destinations.lenient import pick, remote_id
from leadsvc.workers.destinations.local import cents, day, e164, moment_at, money, written
from leadsvc.workers.destinations.rest import Json, objects, text

NOTE_MAX = 4000
TEXT_MAX = 3900
EMBEDS = "Contacts,Contacts.PhoneNumbers,UserDefinedValues"
_NORTH_AMERICAN = re.compile(r"\+1(\d{3})(\d{3})(\d{4})")


@dataclass(frozen=True, slots=True)
class Names:
    """How an account calls the user-defined fields that hold what Rent Manager has no place for."""

    key: str = "LeadsvcKey"
    move_in: str = "LeadsvcMoveIn"
    budget: str = "LeadsvcBudget"
    comment: str = "LeadsvcComment"


def names_of(options: Mapping[str, str]) -> Names:
    """The names that an account's options say."""
    given = {name: options[f"field_{name}"] for name in Names.__slots__ if options.get(f"field_{name}")}
    return Names(**given)


def whole(value: str) -> int | str:
    """An id as the number that Rent Manager wants, or as it is where it is none."""
    return int(value) if value.isascii() and value.isdigit() else value


def phone_there(phone: str) -> str:
    """A phone as Rent Manager writes them."""
    found = _NORTH_AMERICAN.fullmatch(phone)
    return f"({found[1]}) {found[2]}-{found[3]}" if found else phone


def filters(**equal: str) -> str:
    """The ``filters`` of a search; nothing that would end one is let through."""
    clean = {name.replace("__", "."): re.sub(r"[;,]", " ", value) for name, value in equal.items() if value}
    return ";".join(f"{name},eq,{value}" for name, value in clean.items())


def contact(values: Values, there: Json | None) -> Json:
    """The primary contact: ``values`` over the one that is ``there``."""
    part: dict[str, object] = dict(there or {"IsPrimary": True})
    for ours, theirs in (("first_name", "FirstName"), ("last_name", "LastName"), ("email", "Email")):
        if ours in values:
            part[theirs] = values[ours]
    if "phone" in values:
        number: Json = {"PhoneNumber": phone_there(str(values["phone"])), "PhoneNumberType": {"Name": "Mobile"}}
        old = objects(pick(there, "PhoneNumbers"))
        part["PhoneNumbers"] = [{**old[0], "PhoneNumber": number["PhoneNumber"]}, *old[1:]] if old else [number]
    return part


def user_defined(values: Values, key: str, names: Names) -> list[Json]:
    """The user-defined values that ``values`` and our key come to."""
    rent = values.get("budget_max_cents")
    said = {
        names.key: key,
        names.move_in: str(values.get("move_in", "")),
        names.budget: money(int(rent)) if rent else "",
        names.comment: str(values.get("comment", "")),
    }
    return [{"Name": name, "Value": value} for name, value in said.items() if value]


def primary(item: Json) -> Json | None:
    """The primary contact of a prospect, else its first."""
    found = objects(pick(item, "Contacts"))
    return next((one for one in found if pick(one, "IsPrimary") is True), found[0] if found else None)


# -- prospects in our words -------------------------------------------------------------------------------------------

_STATUSES: Mapping[str, tuple[CardKind, OutcomeKind | None]] = {
    "": (CardKind.PROSPECT, None),
    "prospect": (CardKind.PROSPECT, None),
    "new": (CardKind.PROSPECT, None),
    "active": (CardKind.PROSPECT, None),
    "contacted": (CardKind.PROSPECT, OutcomeKind.CONTACTED),
    "tour scheduled": (CardKind.PROSPECT, OutcomeKind.TOUR_SCHEDULED),
    "showing scheduled": (CardKind.PROSPECT, OutcomeKind.TOUR_SCHEDULED),
    "toured": (CardKind.PROSPECT, OutcomeKind.TOURED),
    "shown": (CardKind.PROSPECT, OutcomeKind.TOURED),
    "no show": (CardKind.PROSPECT, OutcomeKind.NO_SHOW),
    "applied": (CardKind.APPLICANT, OutcomeKind.APPLIED),
    "applicant": (CardKind.APPLICANT, OutcomeKind.APPLIED),
    "application": (CardKind.APPLICANT, OutcomeKind.APPLIED),
    "approved": (CardKind.APPLICANT, OutcomeKind.APPROVED),
    "denied": (CardKind.CLOSED, OutcomeKind.DENIED),
    "rejected": (CardKind.CLOSED, OutcomeKind.DENIED),
    "cancelled": (CardKind.CLOSED, OutcomeKind.CANCELLED),
    "canceled": (CardKind.CLOSED, OutcomeKind.CANCELLED),
    "converted": (CardKind.APPLICANT, OutcomeKind.LEASED),
    "leased": (CardKind.APPLICANT, OutcomeKind.LEASED),
    "tenant": (CardKind.RESIDENT, OutcomeKind.MOVED_IN),
    "current": (CardKind.RESIDENT, OutcomeKind.MOVED_IN),
    "moved in": (CardKind.RESIDENT, OutcomeKind.MOVED_IN),
    "past": (CardKind.FORMER, None),
    "lost": (CardKind.CLOSED, OutcomeKind.LOST),
    "inactive": (CardKind.CLOSED, OutcomeKind.LOST),
    "dead": (CardKind.CLOSED, OutcomeKind.LOST),
}


def remote_card(item: Json, sources: Mapping[str, str], names: Names, time_zone: str) -> RemoteCard:
    """A prospect in our words. ``sources``: names by id."""
    person = primary(item)
    phones = tuple(e164(text(pick(one, "PhoneNumber"))) for one in objects(pick(person, "PhoneNumbers")))
    own = {
        text(pick(one, "Name")).casefold(): text(pick(one, "Value")) for one in objects(pick(item, "UserDefinedValues"))
    }
    status = text(pick(item, "ProspectStatus"))
    kind, _ = _STATUSES.get(status.lower(), (CardKind.OTHER, OutcomeKind.OTHER))
    source = remote_id(pick(item, "LeadSourceID"))
    fields = {
        "first_name": text(pick(item, "FirstName")),
        "last_name": text(pick(item, "LastName")),
        "email": text(pick(person, "Email")),
        "phone": next((each for each in phones if each), ""),
        "move_in": day(own.get(names.move_in.casefold(), "")),
        "budget_max_cents": cents(own.get(names.budget.casefold(), "")),
        "source_name": sources.get(source, source),
        "comment": own.get(names.comment.casefold(), ""),
    }
    emails = tuple(text(pick(one, "Email")) for one in objects(pick(item, "Contacts")))
    return RemoteCard(
        card_id=remote_id(pick(item, "ProspectID")),
        person_id=remote_id(pick(person, "ContactID")),
        status=kind,
        raw_status=status,
        property_ref=text(pick(item, "PropertyID")),
        our_key=own.get(names.key.casefold(), ""),
        name=f"{fields['first_name']} {fields['last_name']}".strip(),
        emails=tuple(filter(None, emails)),
        phones=tuple(filter(None, phones)),
        source=fields["source_name"],
        updated_at=moment_at(text(pick(item, "UpdateDate", "CreateDate")), time_zone),
        version=text(pick(item, "ConcurrencyID")),
        fields={name: value for name, value in fields.items() if value},
    )


def outcome(item: Json, time_zone: str, table: Mapping[str, OutcomeKind]) -> RemoteOutcome | None:
    """What the status of a changed prospect says; ``table``: the account's own names first. ``None`` where it says
    nothing new."""
    card_id, status = remote_id(pick(item, "ProspectID")), text(pick(item, "ProspectStatus"))
    at = moment_at(text(pick(item, "UpdateDate")), time_zone)
    _, kind = _STATUSES.get(status.lower(), (CardKind.OTHER, OutcomeKind.OTHER))
    kind = table.get(status.casefold(), kind)
    if kind is None or at is None or not card_id:
        return None
    return RemoteOutcome(
        card_id=card_id,
        kind=kind,
        at=at,
        raw_status=status,
        reason=text(pick(item, "LostReason", "StatusReason")),
        remote_ref=f"{card_id}:{status}",
    )


def status_table(option: str) -> dict[str, OutcomeKind]:
    """An account's own table of statuses, ``Signed=leased,Gone=lost``; what it says wrongly is left out."""
    pairs = (part.partition("=") for part in option.split(","))
    known = OutcomeKind._value2member_map_
    return {name.strip().casefold(): OutcomeKind(kind.strip()) for name, _, kind in pairs if kind.strip() in known}


def there(at: datetime, time_zone: str) -> str:
    """A time on the clocks of a property."""
    return written(at, time_zone)


def config_item(item: Json, key: str, parent: str) -> ConfigItem | None:
    """An entry of a collection whose id is named ``key``."""
    own = remote_id(pick(item, key))
    if not own:
        return None
    return ConfigItem(
        remote_id=own,
        name=text(pick(item, "Name", "Description")) or own,
        code=text(pick(item, "ShortName", "Username")) or own,
        active=pick(item, "IsActive") is not False,
        parent=text(pick(item, "PropertyID")) or parent,
    )
