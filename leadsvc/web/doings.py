"""What a person does on the pages: always a POST that goes through ``services.actions``, which audits it, and ends in a
page to read. What is hard to take back is shown first (``dry_run``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from leadsvc.errors import NotFound, Reject
from leadsvc.normalize.emails import emails
from leadsvc.normalize.phones import phones
from leadsvc.resolve.stage import STANDINGS
from leadsvc.store.queries.cards import card_detail, prospect_detail
from leadsvc.store.queries.reviews import list_reviews
from leadsvc.store.queries.shapes import Decision, ProspectDetail
from leadsvc.web.guard import local_path, now, record, services, user
from leadsvc.web.inert import visible
from leadsvc.web.pages import uuid_of
from leadsvc.web.words import word, zone_of

OUTCOMES = ("contacted", "tour_scheduled", "toured", "no_show", "applied", "leased", "lost", "reopened")


def place(key: str) -> Response:
    """Say at which property an unplaced card is."""
    chosen, learn = uuid_of(_needed("property")), request.form.get("learn") == "1"
    services().actions.place_card(key, chosen, user().login, learn_alias=learn)
    return _done(f"{key} is placed. What was held for it goes out now.", url_for("web.guest_card", key=key))


def edit(key: str) -> Response:
    """Correct name, e-mail or phone of the person on a card; an entered value wins over every later inquiry."""
    field = _needed("field")
    value = _EDITS[field]() if field in _EDITS else None
    if value is None:
        raise Reject(
            422, "Not accepted", f"That is no {word(field).lower()} that can be used; look at it again.", code="value"
        )
    with services().store.read() as connection:
        person = card_detail(connection, key).row.person
    services().actions.edit_prospect(person.key, field, value, user().login)
    return _done(f"{word(field)} corrected.", url_for("web.guest_card", key=key))


def _name() -> dict[str, str] | None:
    given, family = (" ".join(request.form.get(part, "")[:100].split()) for part in ("given", "family"))
    whole = f"{given} {family}".strip()
    return {"given": given, "family": family, "text": whole} if whole and visible(whole) == whole else None


def _email() -> str | None:
    found = emails(request.form.get("value", ""))
    return found[0].value.address if len(found) == 1 else None


def _phone() -> str | None:
    found, _ = phones(request.form.get("value", ""))
    return found[0].value.e164 if len(found) == 1 else None


def _standing() -> str | None:
    said = request.form.get("value", "")
    return said if said in STANDINGS else None


_EDITS: Mapping[str, Callable[[], Any]] = {"name": _name, "email": _email, "phone": _phone, "standing": _standing}


def outcome(key: str) -> Response:
    """Record what happened, at a time of the property's clock."""
    kind = _needed("kind")
    if kind not in OUTCOMES:
        raise Reject(422, "Unknown outcome", "Choose one of the listed outcomes.", code="outcome")
    with services().store.read() as connection:
        row = card_detail(connection, key).row
    at = _moment(request.form.get("at", ""), row.property.time_zone if row.property else "UTC")
    services().actions.record_outcome(key, kind, at, user().login, detail=request.form.get("detail", "")[:500])
    return _done(f"{word(kind)} is recorded.", url_for("web.guest_card", key=key))


def _moment(text: str, zone: str) -> datetime:
    if not text:
        return now()
    try:
        local = datetime.fromisoformat(text)
    except ValueError as error:
        raise Reject(422, "Unreadable time", "Write the time like 2026-11-20T14:30.", code="time") from error
    at = (local if local.tzinfo else local.replace(tzinfo=zone_of(zone))).astimezone(UTC)
    if at > now():
        raise Reject(
            422, "Time to come", "An outcome has happened already: choose a time that has passed.", code="time"
        )
    return at


def task_done(task_id: UUID) -> Response:
    """Tick a task off."""
    services().actions.complete_task(task_id, user().login)
    return _done("Task done.", _back())


def unmerge_preview(decision_id: UUID) -> str:
    """What undoing a join would change; changes nothing."""
    impact = services().actions.unmerge(decision_id, user().login, dry_run=True)
    record("unmerge.preview", "decision", str(decision_id))
    return render_template("web/unmerge.html", decision_id=decision_id, impact=impact, back=_back())


def unmerge(decision_id: UUID) -> Response:
    """Undo a join."""
    services().actions.unmerge(decision_id, user().login)
    done = "The join is taken back. The PMS is corrected as far as it allows; a question it had answered is open again."
    return _done(done, _back())


def compare(key: str) -> str:
    """Two people side by side, with what a merge would change; changes nothing."""
    into = request.args.get("into", "").strip().upper()
    with services().store.read() as connection:
        one, other = prospect_detail(connection, key), prospect_detail(connection, into)
    if one.person.id == other.person.id:
        raise Reject(422, "The same already", f"{key} and {into} are one person already.", code="same")
    impact = services().actions.merge(key, into, user().login, dry_run=True)
    record("prospects.compare", "prospect", one.person.key, other=other.person.key)
    back, queue = _back(), url_for("web.next_review")
    left = 0
    if back == queue:
        with services().store.read() as connection:
            left = len(list_reviews(connection))
    later = url_for("web.reviews") if back == queue else back
    said = [each for each in one.decisions if each.verdict in ("review", "related") and _names(each, other)]
    shown = {"said": said[::-1][:3], "impact": impact, "back": back, "later": later, "left": left}
    return render_template("web/compare.html", one=one, other=other, now=now(), **shown)


def _names(decision: Decision, person: ProspectDetail) -> bool:
    """Whether ``person``, or whoever is part of it, is one of the two that ``decision`` is about."""
    members = {person.person.id, *(each.id for each in person.family)}
    return decision.prospect_id in members or decision.other_prospect_id in members


def next_review() -> Response:
    """On to the oldest open question, or to the empty list."""
    with services().store.read() as connection:
        first = list_reviews(connection, limit=20)[:1]
    for each in first:
        target = url_for("web.compare", key=each.one.key, into=each.other.key, back=url_for("web.next_review"))
        return redirect(target, 303)
    return redirect(url_for("web.reviews"), 303)


def household(key: str) -> Response:
    """Say whether two people look for a home together."""
    verdict = _needed("verdict")
    services().actions.household(key, _needed("other"), verdict, user().login)
    said = "They are one household: two people, linked." if verdict == "related" else "They are no household."
    return _done(said, _back())


def decide(key: str) -> Response:
    """The verdict on two people: the same, or different for good."""
    into, verdict = _needed("into"), _needed("verdict")
    if verdict == "same":
        services().actions.merge(key, into, user().login)
        on = _back() if _back() == url_for("web.next_review") else url_for("web.prospect", key=into)
        return _done("They are one person now. This can be undone on the card.", on)
    if verdict == "household":
        services().actions.household(key, into, "related", user().login)
        return _done("They are one household: two people, linked.", _back())
    services().actions.keep_apart(key, into, user().login)
    return _done("They stay two people, and will not be proposed again.", _back())


def replay() -> Response:
    """Read receipts again with today's maps; ``try`` shows what would come of it and changes nothing, ``release``
    believes a mail's sender."""
    ids = [uuid_of(text) for text in request.form.getlist("receipt")][:200]
    if not ids:
        raise Reject(422, "Nothing chosen", "Tick at least one receipt to replay.", code="empty")
    trial, trust = request.form.get("how") == "try", request.form.get("how") == "release"
    for result in services().actions.replay(ids, user().login, trial, trust):
        flash(_replayed(result, trial))
    return redirect(_back(), 303)


def delivery(delivery_id: UUID, what: str) -> Response:
    """Send again, or give up, what is owed to a destination."""
    if what == "retry":
        services().actions.retry_delivery(delivery_id, user().login)
        return _done("It will be sent again now.", _back())
    if what == "cancel":
        services().actions.cancel_delivery(delivery_id, user().login)
        return _done("It will not be sent.", _back())
    raise NotFound("There is nothing like that to do with a delivery.")


def resolve(exception_id: UUID) -> Response:
    """Close an exception with a note that says what was done."""
    note = _needed("note")
    services().actions.resolve(exception_id, user().login, note[:500])
    return _done("Resolved.", _back())


def _replayed(result: Mapping[str, Any], trial: bool) -> str:
    if not trial:
        return f"Replayed: was “{word(result['before'])}”, is “{word(result['after'])}” now."
    found = f"{result['leads']} {'lead' if result['leads'] == 1 else 'leads'}"
    read_by = f" by field map {result['map']} version {result['version']}" if result["map"] else ""
    return f"Tried, nothing changed: it would be “{word(result['would_be'])}”, {found}{read_by}."


def _needed(name: str) -> str:
    value = request.form.get(name, "").strip()
    if not value:
        raise Reject(
            422, "Something is missing", f"Fill in the field “{word(name)}” and send it again.", code="missing"
        )
    return value


def _done(message: str, target: str) -> Response:
    flash(message)
    return redirect(target, 303)


def _back() -> str:
    return local_path(request.values.get("back"))
