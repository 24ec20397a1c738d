"""What HubSpot can do, and what an account there needs."""

from __future__ import annotations

from leadsvc.workers.destinations.base import (
    Capabilities,
    NativeKey,
    UpdateMode,
)

BODY_MAX = 60_000

CAPABILITIES = Capabilities(
    label="HubSpot",
    native_key=NativeKey.ID_PROPERTY,
    returns_card_id="always",
    update_mode=UpdateMode.PATCH,
    verify="get",
    needs_source=False,
    has_task=True,
    has_event=True,
    batch_max=100,
    find_by=("our_key", "remote_id", "email", "phone"),
    required=("last_name",),
    max_len={"first_name": 255, "last_name": 255, "email": 255, "phone": 60, "comment": 60_000, "event_text": BODY_MAX},
    limits={"10s": 90, "1d": 200_000},
    token_life_s=1800,
    read_back_delay_s=0.0,
    credentials={
        "access_token": "Optional: the token of a private app. Leave it out where the three below are given",
        "client_id": "Optional: the app's id, for OAuth",
        "client_secret": "Optional: the app's secret, for OAuth",
        "refresh_token": "Optional: the refresh token of the installation, for OAuth",
    },
    options={
        "property_prefix": "what the names of our contact properties begin with; leadsvc_ unless said",
        "objects_path": "the version of the object API; crm/v3/objects unless said",
        "time_zone": "the HubSpot account's time zone, for its daily limit; UTC unless said",
        "lifecycle_stage": "the stage that new contacts begin in; lead unless said",
    },
    on_duplicate=(
        "Refuses a second contact with the same e-mail address. A second guest card with it is made all the same, and "
        "carries the address in leadsvc_email."
    ),
    ids="Every answer carries the contact's id; our key is the contact property leadsvc_key, which must be unique.",
    corrections={
        "merge": "Merge the two contacts in HubSpot.",
        "unmerge": "HubSpot cannot part merged contacts; enter the second contact anew.",
        "contact": "",
        "source": "",
        "event": "",
    },
)
