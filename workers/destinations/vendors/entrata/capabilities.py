"""What Entrata can do, and what an account there needs."""

from __future__ import annotations

from leadsvc.workers.destinations.base import (
    Capabilities,
    NativeKey,
    UpdateMode,
)
from leadsvc.workers.destinations.vendors.entrata import wire

CAPABILITIES = Capabilities(
    label="Entrata",
    native_key=NativeKey.NONE,
    returns_card_id="sometimes",
    update_mode=UpdateMode.NARROW,
    verify="search",
    silent_dedupe=True,
    needs_source=True,
    has_appointment=True,
    has_event=True,
    co_prospects=True,
    fields=(
        "first_name",
        "last_name",
        "email",
        "phone",
        "move_in",
        "bedrooms_min",
        "bedrooms_max",
        "budget_max_cents",
        "source_name",
        "comment",
    ),
    fixed=("source_name", "comment"),
    find_by=("remote_id", "email", "phone"),
    required=("first_name", "last_name", "source_name"),
    max_len={"first_name": 50, "last_name": 50, "comment": wire.TEXT_MAX, "event_text": wire.TEXT_MAX},
    time_zone_rule=wire.ZONE,
    read_back_delay_s=2.0,
    credentials={
        "api_key": "the key of the modern gateway; leave it out where user and password of the older one are given",
        "username": "Optional: user of the older gateway (HTTP Basic)",
        "password": "Optional: that user's password",
    },
    options={
        "subdomain": "the client's subdomain at Entrata; example unless said",
        "statuses": "the client's own lead statuses by id, as in 9=leased,6=lost; their names decide unless said",
    },
    on_duplicate=(
        "Where a lead of the property has the e-mail or the phone, the answer is a success and nothing is made or "
        "changed: the lead that is there is found, and the inquiry becomes an event on it."
    ),
    ids=(
        "The ids of the application (lead) and the applicant, sometimes only later: then found by e-mail or phone. Our "
        "mark is in the lead's events. What updateLeads r1 takes beside the application's id is inferred. A further "
        "customer carries no key of ours: name with address or number tells."
    ),
    corrections={
        "merge": "Merge the two leads in Entrata.",
        "unmerge": "Enter the second person's lead in Entrata anew.",
        "contact": "",
        "source": "Set the lead's source in Entrata: one that a lead has is never changed from outside.",
        "event": "",
    },
)
