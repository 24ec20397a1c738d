"""What Yardi Voyager can do, and what an account there needs."""

from __future__ import annotations

from leadsvc.workers.destinations import mits
from leadsvc.workers.destinations.base import (
    Capabilities,
    NativeKey,
    UpdateMode,
)

# Our contact types -> theirs, by version of the interface.
EVENTS = {
    "4.0": {
        "form": "Webservice",
        "email": "EmailFromProspect",
        "call": "CallFromProspect",
        "text": "Text",
        "chat": "Chat",
        "walk_in": "WalkIn",
        "tour_booking": "Webservice",
    },
    "2.0": {"email": "Email", "call": "Phone", "walk_in": "Walk-In"},
}
LOOK_BACK_DAYS = 90
_BY_HAND = "A person changes it in Voyager."

CAPABILITIES = Capabilities(
    label="Yardi Voyager",
    native_key=NativeKey.THIRD_PARTY,
    returns_card_id="sometimes",
    update_mode=UpdateMode.REIMPORT,
    verify="search",
    needs_source=True,
    has_appointment=True,
    has_event=True,
    co_prospects=True,
    find_by=("our_key", "remote_id", "email", "phone"),
    fixed=("source_name", "agent_ref", "comment"),
    required=("first_name", "last_name", "source_name"),
    max_len=mits.MAX_LEN,
    enumerations={"event_kind": tuple(sorted({*EVENTS["4.0"].values(), "Appointment", "Other"}))},
    time_zone_rule="property",
    credentials={
        "username": "the user of the interface",
        "password": "its password",
        "server_name": "the database server",
        "database": "the database of the company",
        "platform": "the platform of the database, most often SQL Server",
        "interface_entity": "the name under which Yardi knows the vendor",
        "interface_license": "the licence key, bound to vendor and client",
    },
    options={
        "version": "4.0 (default) or 2.0: which generation of the interface is switched on",
        "organization": "the organisation of our key; default: interface_entity",
        "time_zone": "IANA zone of properties that have none of their own here, for times read back; default UTC",
        "look_back_days": f"how far back a guest is looked for that has no key of ours; default {LOOK_BACK_DAYS}",
    },
    on_duplicate="The same key at the same property changes the same guest; it never looks for the same person by "
    "e-mail or phone. A resident or cancelled guest is not editable.",
    ids="A guest has a ProspectID, told in a sentence of the answer or by a search; a TenantID is added later. Events "
    "get ids that are only seen when read back, and are told by our mark in their comments; an appointment is moved by "
    "naming its id, which no document says. That a further customer carries a ThirdPartyID of its own, and stays when "
    "the guest is imported without it, is inferred.",
    corrections={
        "merge": "A person merges the guest cards in Voyager.",
        "unmerge": "A person parts the guest cards in Voyager.",
        "contact": "",
        "source": _BY_HAND,
        "event": "A corrected inquiry is appended; a person removes the wrong one in Voyager.",
    },
)
