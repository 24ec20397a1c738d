"""The words of the pages: what codes, times and amounts are called on screen."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from markupsafe import Markup

_PROSPECT = re.compile(r"\bPR-[0-9A-Z]{8}\b")

_WORDS: dict[str, str] = {
    "walk_in": "Walk-in",
    "clock_missing": "The sender gave no time; it is when we received it",
    "clock_future": "The sender's time lies ahead; it is when we received it",
    "unknown_unit": "The unit is not known",
    "unknown_floor_plan": "The floor plan is not known",
    "unknown_agent": "The agent is not known",
    "floor_plan": "Floor plan",
    "source_name": "Source at the PMS",
    "tour_booking": "Tour booking",
    "first_contact": "First contact",
    "place_lead": "Find the property",
    "correct_destination": "Correct in the PMS",
    "quarantined": "Cannot be read",
    "unsure_reading": "Read without a field map",
    "autoreply": "Automatic reply",
    "bounce": "Undelivered mail",
    "challenge_response": "Asks for proof of a person",
    "application_notice": "Application or payment notice",
    "listing_notice": "Listing or account notice",
    "resident_mail": "Resident's mail",
    "vendor_mail": "Vendor's mail",
    "report": "Report without leads",
    "job_application": "Asks for work",
    "test_lead": "Test",
    "dismissed": "Said to be no lead",
    "missing_field": "Nobody to reach in it",
    "made_a_lead_by_hand": "Made a lead by hand",
    "not_lead": "Not a lead",
    "match_review": "Same person?",
    "held_delivery": "Push held",
    "dead_delivery": "Push failed",
    "unplaced_card": "No property",
    "unmapped_name": "Unknown name",
    "drift": "A feed changed",
    "account": "Account",
    "stuck": "Stuck",
    "mailbox": "Mailbox",
    "poison_mail": "Mail set aside",
    "untrusted_sender": "Sender in doubt",
    "released": "Released by a person",
    "acknowledged": "In PMS",
    "in_flight": "Sending",
    "pending": "Waiting",
    "retry": "Trying again",
    "held": "Held",
    "dead": "Failed",
    "cancelled": "Cancelled",
    "processed": "Read",
    "duplicate": "Seen before",
    "rejected": "Refused",
    "opted_out": "Opted out",
    "former": "Former resident",
    "keep_apart": "Kept apart",
    "rehome": "Moved",
    "own": "Their own",
    "relay": "Masked address",
    "shared": "Shared by several people",
    "placeholder": "Placeholder",
    "http": "Web",
    "email": "E-mail",
    "sms": "Text",
    "ils": "Listing service",
    "earlier": "Earlier version",
    "revision": "Corrected by the sender",
    "redelivery": "Sent again",
    "inquiry": "Inquiry",
    "leads": "A lead",
    "quarantine": "Cannot be read",
    "pms": "PMS",
    "unknown_property": "The property is not known",
    "unknown_layout": "No field map fits",
    "bridge_refused": "Perhaps the same person",
    "presence_unknown": "The PMS does not say whether it has this renter",
    "tries_used_up": "Every try failed",
    "waits_for_home": "The PMS has it first",
    "waits_for_prospect": "The CRM does not have this renter yet",
    "call_budget": "It cost too many calls today",
    "corrections_cap": "Enough corrections for today",
    "lease_expired": "A worker died over it",
    "budget_max_cents": "Budget, in cents",
    "bedrooms_min": "Bedrooms, least",
    "bedrooms_max": "Bedrooms, most",
    "floor_plan_ref": "Floor plan id",
    "unit_ref": "Unit id",
    "agent_ref": "Agent id",
    "correct_by_hand": "A person corrects it in the PMS",
    "cannot_merge": "The PMS cannot merge cards",
    "cannot_unmerge": "The PMS cannot part cards",
    "source_gone": "A source name is gone in the PMS",
    "fallback_gone": "The fallback source is gone in the PMS",
    "agent_gone": "An agent is gone in the PMS",
    "property_gone": "A property is gone in the PMS",
    "config_shrunk": "The PMS lost most of a list",
    "unknown_status": "The PMS reports an unknown status",
    "task_as_appointment": "As an appointment",
    "task_as_note": "As a note",
    "task_is_ours": "Here alone",
}


_OWED = {"prospect": "Guest card", "event": "Inquiry", "merge": "Merge", "unmerge": "Unmerge"}


def word(code: str) -> str:
    """What people read for a code such as ``tour_scheduled``."""
    return _WORDS.get(code) or code.replace("_", " ").capitalize()


def owed(kind: str) -> str:
    """What a delivery of this kind brings to a destination."""
    return _OWED.get(kind) or word(kind)


def prospect_keys(text: str) -> list[str]:
    """The keys of prospects that a sentence of ours names, in order."""
    return list(dict.fromkeys(_PROSPECT.findall(text)))


def zone_of(name: str) -> ZoneInfo:
    """The time zone with this IANA name; UTC when there is none."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def clock_time(moment: datetime, zone: str = "UTC", *, year: bool = True) -> str:
    """``Fri 20 Nov 2026, 2:05 pm CST`` at the place whose zone is given."""
    local = moment.astimezone(zone_of(zone))
    hour = local.hour % 12 or 12
    half = "pm" if local.hour >= 12 else "am"
    return f"{day(local, year=year)}, {hour}:{local:%M} {half} {local.tzname() or ''}".strip()


def day(moment: date, *, year: bool = True) -> str:
    """``Sat 5 Dec 2026``."""
    return f"{moment:%a} {moment.day} {moment:%b}" + (f" {moment.year}" if year else "")


def when(moment: datetime | None, zone: str = "UTC") -> Markup:
    """A ``<time>`` element in local words, with the UTC time behind it."""
    if moment is None:
        return Markup("")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        moment.isoformat(), f"{moment:%Y-%m-%d %H:%M:%S} UTC", clock_time(moment, zone)
    )


def span(length: timedelta) -> str:
    """A length of time in its largest fitting unit: ``4 min``, ``3 h``, ``12 d``."""
    minutes = int(abs(length).total_seconds() // 60)
    if minutes < 1:
        return "under 1 min"
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"


def ago(moment: datetime, now: datetime, zone: str = "UTC") -> Markup:
    """How long ago, or in how long; the local time behind it."""
    text = f"{span(now - moment)} ago" if moment <= now else f"in {span(moment - now)}"
    title = clock_time(moment, zone)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(moment.isoformat(), title, text)


def due(moment: datetime, now: datetime, zone: str = "UTC") -> Markup:
    """When something is due, marked when that is over."""
    late = moment < now
    text = f"overdue {span(now - moment)}" if late else f"due in {span(moment - now)}"
    return Markup('<time class="{}" datetime="{}" title="{}">{}</time>').format(
        "late" if late else "due", moment.isoformat(), clock_time(moment, zone), text
    )


def phone(number: str) -> str:
    """A North American number as people write it; others stay E.164."""
    digits = number[2:]
    return f"({digits[:3]}) {digits[3:6]}-{digits[6:]}" if number.startswith("+1") and len(digits) == 10 else number


def money(cents: float) -> str:
    """Dollars, with cents only when there are some."""
    return f"${cents / 100:,.0f}" if cents % 100 == 0 else f"${cents / 100:,.2f}"
