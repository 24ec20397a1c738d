"""What ResMan can do, and what an account there needs."""

from __future__ import annotations

from leadsvc.workers.destinations import mits
from leadsvc.workers.destinations.base import (
    CARD_FIELDS,
    Capabilities,
    NativeKey,
    UpdateMode,
)

EVENTS = {
    "form": "EmailFromILS",
    "email": "EmailFromProspect",
    "call": "CallFromProspect",
    "text": "TextFromProspect",
    "chat": "Chat",
    "walk_in": "WalkIn",
    "tour_booking": "EmailFromILS",
}
_PERSON = "A person changes it in ResMan."

CAPABILITIES = Capabilities(
    label="ResMan",
    native_key=NativeKey.NONE,
    returns_card_id="always",
    update_mode=UpdateMode.REIMPORT,
    verify="search",
    needs_source=True,
    has_appointment=True,
    has_event=True,
    co_prospects=True,
    fields=tuple(name for name in CARD_FIELDS if name not in ("floor_plan_ref", "unit_ref")),
    fixed=("source_name", "agent_ref", "comment"),
    find_by=("email", "phone"),
    required=("first_name", "last_name", "source_name"),
    max_len=mits.MAX_LEN,
    enumerations={"event_kind": tuple(sorted({*EVENTS.values(), "Appointment", "Other"}))},
    time_zone_rule="property",
    credentials={
        "integration_partner_id": "the id of the integration partner",
        "api_key": "the partner's key",
        "account_id": "the id of the operator's account",
    },
    options={
        "organization": "the organisation of our key; default: leadsvc",
        "time_zone": "IANA zone of properties that have none of their own here, for times read back; default UTC",
    },
    on_duplicate="Refuses a second prospect with the same e-mail address; whoever is there is looked up by address, "
    "then by number.",
    ids="A person has one PersonID, in every answer. Our key is sent, and stands as a mark in the first event, as it "
    "is not told again; a person without address and number cannot be looked up. Where the search tells no history, an "
    "event or task whose answer was lost waits for a person; one that was answered is believed.",
    corrections={
        "merge": "A person merges the prospects in ResMan.",
        "unmerge": "A person parts the prospects in ResMan.",
        "contact": "",
        "source": _PERSON,
        "event": "A corrected inquiry is appended; a person removes the wrong one in ResMan.",
    },
)
