"""``leadsvc parse``: what leadsvc makes of files, without a database. One JSON object a line."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from leadsvc.fieldmap import load_maps
from leadsvc.model import Channel, Delivered, HintKind, Lead, Range, Reading, Value, Verdict
from leadsvc.reading import read

_TYPES = {
    ".form": "application/x-www-form-urlencoded",
    ".json": "application/json",
    ".eml": "message/rfc822",
    ".xml": "application/xml",
}
# Which hint to show: what a person would look the property up by.
_BEST_HINT = (HintKind.PROPERTY_ID, HintKind.LISTING_ID, HintKind.NAME, HintKind.ADDRESS, HintKind.MAILBOX_TAG)
_UNREADABLE = 2


@click.command()
@click.option("--feed", metavar="MAP", help="Id of the field map to read with; without it the map is recognised.")
@click.option("--received-at", metavar="ISO", help='The time of reception that "ASAP" refers to; without it, now.')
@click.option("--maps", "folder", type=click.Path(path_type=Path, file_okay=False), help="Folder of field maps.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def parse(feed: str | None, received_at: str | None, folder: Path | None, files: tuple[Path, ...]) -> None:
    """Recognise, parse, map and normalise FILEs; print JSON Lines.

    A lead is {"lead": true, ...}, anything else {"lead": false, "reason": ...}. Exit status 0 for both, 2 when a file
    cannot be read.
    """
    moment = moment_of(received_at)
    maps = load_maps(folder)
    if feed is not None and feed not in maps.maps:
        raise click.BadParameter(f"no field map {feed}; `leadsvc maps list` shows them", param_hint="--feed")
    unreadable = False
    for file in files:
        try:
            body = file.read_bytes()
        except OSError as error:
            click.echo(f"leadsvc: {file}: {error.strerror or error}; check the path and its permissions", err=True)
            unreadable = True
            continue
        for row in rows(read(delivered(file, body, moment, feed), maps)):
            click.echo(json.dumps(row, ensure_ascii=False))
    if unreadable:
        sys.exit(_UNREADABLE)


def delivered(file: Path, body: bytes, received_at: datetime, feed: str | None) -> Delivered:
    """``body`` as if it had come in at ``received_at``; the format is told by the file's name, else by its content."""
    kind = _TYPES.get(file.suffix.lower(), "")
    return Delivered(body, kind, Channel.FILE, received_at, map_hint=feed)


def rows(reading: Reading) -> list[dict[str, Any]]:
    """One plain object a lead, or the one that says why there is none."""
    if reading.verdict is Verdict.LEADS:
        return [row_of(lead) for lead in reading.leads]
    row: dict[str, Any] = {"lead": False, "reason": reading.cause, "verdict": reading.verdict.value}
    row["detail"] = reading.detail
    if reading.map_id:
        row.update(map=reading.map_id, map_version=reading.map_version)
    if reading.errors:
        row["errors"] = [{"index": error.index, "errors": dict(error.errors)} for error in reading.errors[:50]]
    return [row]


def row_of(lead: Lead) -> dict[str, Any]:
    """A lead as flat JSON; every key is always there, ``None`` when nothing is known."""
    name = lead.name.value if lead.name else None
    email = lead.emails[0].value if lead.emails else None
    phone = lead.phones[0].value if lead.phones else None
    move_in = _value(lead.move_in)
    tour = _value(lead.tour)
    pets = _value(lead.pets)
    consents = [consent.value for consent in lead.consents]
    return {
        "lead": True,
        "source": lead.source,
        "channel": lead.format,
        "contact_type": lead.contact_type.value,
        "external_id": _value(lead.external_id),
        "thread_id": _value(lead.thread_id),
        "first_name": (name.given or None) if name else None,
        "last_name": (name.family or None) if name else None,
        "suffix": (name.suffix or None) if name else None,
        "co_applicants": [person.value.text for person in lead.co_applicants],
        "email": email.address if email else None,
        "relay_email": bool(email and email.relay),
        "other_emails": [other.value.address for other in lead.emails[1:]],
        "phone_e164": phone.e164 if phone else None,
        "phone_extension": (phone.extension or None) if phone else None,
        "other_phones": [other.value.e164 for other in lead.phones[1:]],
        "property_hint": _property_hint(lead),
        "unit_hint": _value(lead.unit_hint),
        "floor_plan_hint": _value(lead.floor_plan_hint),
        **_span("bedrooms", lead.bedrooms),
        **_span("bathrooms", lead.bathrooms),
        "move_in_date": move_in.on.isoformat() if move_in and move_in.on else None,
        "move_in_latest": move_in.latest.isoformat() if move_in and move_in.latest else None,
        "move_in_words": move_in.words if move_in else None,
        **_span("budget", lead.budget_cents, divisor=100),
        "occupants": _value(lead.occupants),
        "has_pets": pets.has if pets else None,
        "pet_details": (pets.details or None) if pets else None,
        "lease_term_months": _value(lead.lease_term_months),
        "tour_requested": tour is not None,
        "tour_requested_at": tour.slots[0] if tour and tour.slots else None,
        "message": _value(lead.message),
        "campaign": _value(lead.campaign),
        "utm": dict(lead.utm),
        "consents": [{"purpose": consent.purpose, "granted": consent.granted} for consent in consents],
        "occurred_at": lead.occurred_at.value.isoformat() if lead.occurred_at else None,
        "confidence": lead.confidence,
        "map": lead.map_id,
        "map_version": lead.map_version,
        "notes": list(lead.notes),
        "unused": list(lead.unused),
    }


def _value(value: Value[Any] | None) -> Any:
    return None if value is None else value.value


def _span(name: str, value: Value[Range] | None, divisor: int = 1) -> dict[str, float | int | None]:
    low, high = (value.value.low, value.value.high) if value else (None, None)
    return {f"{name}_min": _plain(low, divisor), f"{name}_max": _plain(high, divisor)}


def _plain(number: float | None, divisor: int) -> float | int | None:
    if number is None:
        return None
    shown = number / divisor
    return int(shown) if float(shown).is_integer() else shown


def _property_hint(lead: Lead) -> str | None:
    by_kind = {hint.value.kind: hint.value.text for hint in reversed(lead.property_hints)}
    return next((by_kind[kind] for kind in _BEST_HINT if kind in by_kind), None)


def moment_of(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter("write it like 2026-02-03T09:30:00-05:00", param_hint="--received-at") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
