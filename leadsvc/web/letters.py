"""Deliveries that did not go out: which, why, what to do; one corrected and sent again, or all of a cause."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from leadsvc.errors import Reject
from leadsvc.letters import Filter, Opened
from leadsvc.web.guard import local_path, now, record, services, user

_PAGE = 50
_LONGEST = 20_000


def letters() -> str:
    """What did not go out, the longest owed first, by destination and cause."""
    wanted = _wanted(request.args)
    page = services().letters.page(wanted, request.args.get("after"), _PAGE)
    cards = sorted({each.card_key for each in page.letters})
    record("letters.list", destination=wanted.destination, cause=wanted.cause, cards=cards)
    shown = {"destination": wanted.destination, "cause": wanted.cause, "held": wanted.held}
    return render_template("web/letters.html", page=page, now=now(), **shown)


def letter(letter_id: UUID) -> str:
    """One of them, with what would be sent and a form to correct it."""
    opened = services().letters.open(letter_id, user().login)
    offered = {each.field: each.value for each in opened.fields}
    return _page(opened, offered, offered)


def send(letter_id: UUID) -> str | Response:
    """Show what would be sent with the values of the form, or send it; what was not touched stays the card's."""
    entered = {name: text[:_LONGEST] for name, text in _named("set_").items()}
    offered = _named("read_")
    override = {name: text for name, text in entered.items() if _plain(text) != _plain(offered.get(name, ""))}
    actor, box = user().login, services().letters
    if request.form.get("how") == "preview":
        try:
            return _page(box.open(letter_id, actor, override), offered, entered, tried=True)
        except Reject as refused:
            return _page(box.open(letter_id, actor), offered, entered, refused=refused.detail)
    try:
        box.replay(letter_id, actor, override or None, not_there=request.form.get("not_there") == "1")
    except Reject as refused:
        return _page(box.open(letter_id, actor), offered, entered, refused=refused.detail)
    flash("It is sent again now.")
    return redirect(_back(), 303)


def cancel(letter_id: UUID) -> Response:
    """Give one up."""
    services().letters.cancel(letter_id, user().login)
    flash("It will not be sent. What comes after it on the card goes on.")
    return redirect(_back(), 303)


def many() -> str:
    """What sending all of a filter again would be; changes nothing."""
    wanted = _wanted(request.args)
    batch = services().letters.replay_all(wanted, user().login, dry_run=True)
    return render_template("web/letters_replay.html", batch=batch, wanted=wanted, now=now())


def send_many() -> Response:
    """Send what was shown again: of the same filter, without what has died since."""
    wanted = _wanted(request.form)
    if wanted.until is None:
        raise Reject(422, "Not looked at", "Look at what would be sent first, and send it from there.", code="until")
    batch = services().letters.replay_all(wanted, user().login)
    sent = len(batch.letters)
    more = f" {batch.left} more are left: look at them, and send them as well." if batch.left else ""
    flash(f"{sent} {'is' if sent == 1 else 'are'} sent again now.{more}")
    target = url_for("web.letters", destination=wanted.destination or None, cause=wanted.cause or None)
    return redirect(target, 303)


def kept_back(name: str) -> str:
    """The corrections that an account's daily cap keeps back; changes nothing."""
    released = services().letters.release(name, user().login, dry_run=True)
    return render_template("web/letters_release.html", released=released, name=name, now=now())


def release(name: str) -> Response:
    """Let out what was shown; what was kept back since waits for another look."""
    if not request.form.get("until"):
        raise Reject(422, "Not looked at", "Look at what is kept back first, and let it out there.", code="until")
    until = _moment(request.form["until"])
    count = services().letters.release(name, user().login, until=until).count
    flash(f"{count} {'correction goes' if count == 1 else 'corrections go'} out now.")
    return redirect(url_for("web.letters"), 303)


def _page(
    opened: Opened, offered: Mapping[str, str], entered: Mapping[str, str], *, tried: bool = False, refused: str = ""
) -> str:
    shown = {"offered": offered, "entered": entered, "tried": tried, "refused": refused}
    return render_template("web/letter.html", opened=opened, letter=opened.letter, back=_back(), now=now(), **shown)


def _wanted(given: Mapping[str, str]) -> Filter:
    """The filter of an address or a form."""
    held = given.get("held") == "1"
    until = _moment(given["until"]) if given.get("until") else None
    return Filter(given.get("destination", "")[:100], given.get("cause", "")[:100], None, until, held)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise Reject(404, "Not found", "This form is not complete; load the page again.", code="until") from error


def _named(prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): text for name, text in request.form.items() if name.startswith(prefix)}


def _plain(text: str) -> str:
    return "\n".join(text.split("\r\n")).strip()


def _back() -> str:
    target = request.values.get("back")
    return local_path(target) if target else url_for("web.letters")
