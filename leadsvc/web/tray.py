"""The tray: what no lead was made of, why, and the form that makes it one."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from leadsvc.errors import Quarantine
from leadsvc.model import Channel, Verdict
from leadsvc.parsers import email_mime
from leadsvc.pipeline.tray import ENTERED
from leadsvc.reading import Ruling
from leadsvc.store.queries.tray import STATES, TrayRow, list_tray
from leadsvc.web.guard import now, record, services, user
from leadsvc.web.words import word

_PAGE = 50


def tray() -> str:
    """Receipts that are no leads or could not be read, by class; of a mail only its sender's domain is shown."""
    cause = request.args.get("cause") or None
    with services().store.read() as connection:
        page = list_tray(connection, cause=cause, before=request.args.get("before"), limit=_PAGE)
    record("tray.list", cause=cause or "")
    return render_template("web/tray.html", page=page, cause=cause, domain=sender_domain, now=now())


def sender_domain(row: TrayRow) -> str:
    """The domain a mail claims to be from; empty for other payloads."""
    if row.channel not in (Channel.EMAIL.value, Channel.FILE.value) or b":" not in row.head[:200]:
        return ""
    try:
        return email_mime.mailbox(str(email_mime.head(row.head).get("from", ""))).domain[:80]
    except Quarantine:
        return ""


def proposal(receipt_id: UUID, state: str) -> dict[str, str] | None:
    """What the form is filled in with: the best that can be read. ``None`` when the receipt is not in the tray."""
    if state not in STATES:
        return None
    intake = services().intake
    reading = intake.read(replace(intake.load(receipt_id), ruling=Ruling(True, {})))
    if reading.verdict is not Verdict.LEADS:
        return dict.fromkeys(ENTERED, "")
    lead = reading.leads[0]
    return {
        "name": lead.name.value.text if lead.name else "",
        "email": lead.emails[0].value.address if lead.emails else "",
        "phone": lead.phones[0].value.e164 if lead.phones else "",
        "property": lead.property_hints[0].value.text if lead.property_hints else "",
        "message": lead.message.value if lead.message else "",
    }


def make_lead(receipt_id: UUID) -> Response:
    """Make a lead of a receipt: as it was read, with what was changed in the form."""
    offered = {name: request.form.get(f"read_{name}", "") for name in ENTERED}
    entered = {name: request.form.get(name, "")[:20_000] for name in ENTERED}
    changed = {name: text for name, text in entered.items() if _plain(text) != _plain(offered[name])}
    done = services().actions.tray.make_lead(receipt_id, user().login, changed)
    flash(f"It is a lead now: was “{word(done['before'])}”, is “{word(done['after'])}”.")
    return redirect(url_for("web.receipt", receipt_id=receipt_id), 303)


def _plain(text: str) -> str:
    return " ".join(text.split())


def dismiss(receipt_id: UUID) -> Response:
    """Say that a receipt is no lead."""
    services().actions.tray.dismiss(receipt_id, user().login)
    flash("It is kept as “Not a lead”, and can still be made one.")
    return redirect(url_for("web.tray"), 303)
