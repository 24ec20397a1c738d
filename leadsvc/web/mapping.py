"""The page of unknown names: what is asked, what it may mean, and the answer."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from leadsvc.errors import NotFound, Reject
from leadsvc.pipeline.naming import Said
from leadsvc.store.queries.names import list_names
from leadsvc.store.tables import NAME_KINDS
from leadsvc.web.guard import local_path, now, record, services, user

_PAGE = 25
_STATES = ("open", "answered", "ignored")


def mapping() -> str:
    """Names that nobody knows, those for which most leads wait first."""
    kind, state = request.args.get("kind") or None, request.args.get("state", "open")
    offset = request.args.get("offset", "0")
    if kind not in (None, *NAME_KINDS) or state not in _STATES or not offset.isdecimal() or len(offset) > 6:
        raise Reject(404, "Not found", "This address is not complete; go back and follow the link.", code="address")
    with services().store.read() as connection:
        page = list_names(connection, kind=kind, state=state, limit=_PAGE, offset=int(offset))
    record("names.list", kind=kind or "", state=state)
    following = int(offset) + _PAGE if page.more else None
    return render_template("web/mapping.html", page=page, kind=kind, state=state, following=following, now=now())


def answer(name_id: UUID, what: str) -> Response:
    """Say what a name means, that nobody is to ask for it, or take that back."""
    names, actor = services().actions.names, user().login
    if what == "answer":
        target = request.form.get("target", "").strip()
        if not target:
            raise Reject(422, "Nothing chosen", "Choose what the name means, and send it again.", code="missing")
        done = names.answer(name_id, Said(target, _day("valid_from"), _day("valid_to")), actor)
        flash(f"“{done['text']}” means {done['means']}. {_mended(done['mended'], done['waiting'])}")
    elif what == "ignore":
        done = names.ignore(name_id, actor)
        flash(f"Nobody is asked for “{done['text']}” any more.")
    elif what == "undo":
        done = names.undo(name_id, actor)
        flash(f"What “{done['text']}” means is asked again.")
    else:
        raise NotFound("There is nothing like that to do with a name.")
    return redirect(local_path(request.values.get("back")), 303)


def _mended(mended: int, waiting: int) -> str:
    if waiting:
        return f"{mended} that waited are mended, {waiting} more will be in a moment."
    return f"{mended} that waited are mended." if mended else "Nobody waited for it."


def _day(name: str) -> date | None:
    text = request.form.get(name, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Reject(422, "Unreadable day", "Write the day like 2026-11-20.", code="day") from error
