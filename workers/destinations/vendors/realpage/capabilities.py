"""What RealPage's gateway can do, and what an account there needs."""

from __future__ import annotations

from leadsvc.workers.destinations.base import (
    Capabilities,
    NativeKey,
    UpdateMode,
)
from leadsvc.workers.destinations.vendors.realpage import wire

CAPABILITIES = Capabilities(
    label="RealPage (OneSite, RPX gateway)",
    native_key=NativeKey.NONE,
    returns_card_id="sometimes",
    update_mode=UpdateMode.PATCH,
    verify="search",
    needs_source=True,
    has_task=True,
    has_event=True,
    co_prospects=True,
    fields=(
        "first_name",
        "last_name",
        "email",
        "phone",
        "move_in",
        "budget_max_cents",
        "floor_plan_ref",
        "source_name",
        "agent_ref",
        "comment",
    ),
    find_by=("our_key", "remote_id", "email", "phone"),
    required=("first_name", "last_name", "source_name"),
    max_len={"first_name": 30, "last_name": 30, "comment": wire.TEXT_MAX, "event_text": wire.TEXT_MAX},
    time_zone_rule="property",
    credentials={
        "pmcid": "Optional with door ilm, else needed: the management company's id at RealPage",
        "licensekey": "Optional with door ilm, else needed: the licence key of our partnership for that company",
        "username": "Optional: the interface user, where the company's set-up asks for one",
        "password": "Optional: that user's password",
        "apikey": "Optional: the key of the ILM door, for accounts whose option door is ilm; they need nothing else",
    },
    options={
        "door": "ilm: leads go to ILM or Lead2Lease, which cannot be read; the RPX gateway unless said",
        "property_id_type": "with door ilm: what properties are called, Lead2Lease Property Id for that product",
        "model_version": "with door ilm: the header x-model-version; 1.0 unless said",
        "routing_key": "with door ilm: the header x-routing-key, which ILM wants",
        "partner": "our name in the gateway's address (.../partner/NAME/NAME.svc); LEADSVC unless said",
        "look_back_days": "how many days of guest cards are searched at first; 91 unless said",
        "duplicate_days": "how many days back RealPage looks for a card of its own to join to; 91 unless said",
        "skip_duplicate_check": "true: RealPage joins nothing by its own rule; false unless said",
        "time_zone": "the sites' time zone, for reading what agents noted; UTC unless said",
    },
    on_duplicate=(
        "Joins a lead to a guest card of the last days by a rule of its own, and says so: the card is read, and where "
        "it is another's nothing more is written to it and a person is told."
    ),
    ids=(
        "Most set-ups answer the ids of card and customer, some none: then our mark in the comment finds the card. "
        "That a search shows comments, and the notes of a day activities and follow-ups, is inferred; so are the parts "
        "of addnewcustomertoguestcard. A further customer carries no key of ours: name with address or number tells."
    ),
    corrections={
        "merge": "Merge the two guest cards in OneSite.",
        "unmerge": "Enter the second person's guest card in OneSite anew.",
        "contact": "",
        "source": "",
        "event": "",
    },
)
