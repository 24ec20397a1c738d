"""Is the process alive, can it take leads, and does what it took move on.

``not_ready`` (503) is only said of what keeps leads from being recorded. A stuck outbox or sweep is ``degraded`` and
stays 200: taking every API process out of rotation because a worker died would turn a delay into lost leads.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import Response

from leadsvc.api import schemas
from leadsvc.api.state import state
from leadsvc.api.views import new_blueprint, view
from leadsvc.errors import Unavailable
from leadsvc.services import Services
from leadsvc.store.migrate import revisions
from leadsvc.store.queries import mailboxes
from leadsvc.store.queries.api_reading import Backlog, backlog
from leadsvc.watching import Feeds

blueprint = new_blueprint(
    "health", "Is it alive, is it ready. No credential needed, nothing personal inside.", prefix="/"
)

UNREAD_AFTER = timedelta(minutes=2)
UNSENT_AFTER = timedelta(minutes=15)
UNREAD_MAIL_AFTER = timedelta(minutes=45)  # a server may be listened to in silence for half an hour

Trouble = dict[str, str]


@view(blueprint, "/healthz", schemas.Ready, security=[])
def healthz() -> Response:
    """The process answers"""
    return _answer(200, "ready", [])


@view(blueprint, "/readyz", schemas.Ready, security=[])
def readyz() -> Response:
    """Leads can be recorded, and what was recorded moves on"""
    services = state().services
    try:
        with services.store.read() as connection:
            have, need = revisions(connection)
            if have != need:
                return _answer(503, "not_ready", [_schema(have, need)])
            now = services.clock()
            found = _waiting(backlog(connection, now), now)
            found += _unread_mailboxes(services.settings.mailboxes, mailboxes.told(connection), now)
        found += _ill(services)
        found += _unsigned(state().credentials.stale())
    except Unavailable:
        detail = "The database does not answer."
        step = "Check LEADSVC_DATABASE_URL, the server and the network between; senders are told to retry meanwhile."
        return _answer(503, "not_ready", [{"code": "database", "detail": detail, "next": step}])
    return _answer(200, "degraded" if found else "ready", found)


def _schema(have: str | None, need: str | None) -> Trouble:
    detail = f"The database is at revision {have or 'none'}, this version needs {need}."
    return {
        "code": "schema",
        "detail": detail,
        "next": "Start leadsvc serve once (it migrates), or run the newer version.",
    }


def _ill(services: Services) -> list[Trouble]:
    ill = Feeds(services.store, services.settings, services.clock).ill()
    if not ill:
        return []
    step = "leadsvc drift list (or GET /v1/feeds) says since when, why, and what to do."
    return [{"code": "feeds", "detail": f"Feeds that fell silent or changed: {', '.join(ill)[:500]}.", "next": step}]


def _unsigned(stale: tuple[str, ...]) -> list[Trouble]:
    if not stale:
        return []
    detail = f"LEADSVC_SECRET_KEY is not the one that these signing credentials were made with: {', '.join(stale)}."
    step = "Restore the key, or leadsvc key rotate each of them and give the senders the new secrets."
    return [{"code": "signing", "detail": detail, "next": step}]


def _waiting(found: Backlog, now: datetime) -> list[Trouble]:
    troubles = []
    if found.receipt_since and now - found.receipt_since > UNREAD_AFTER:
        troubles.append(
            {
                "code": "unread",
                "detail": f"A receipt has been waiting to be read since {found.receipt_since.isoformat()}.",
                "next": "Is a worker running? leadsvc worker reads it again; leadsvc doctor says why it fails.",
            }
        )
    if found.delivery_since and now - found.delivery_since > UNSENT_AFTER:
        troubles.append(
            {
                "code": "unsent",
                "detail": f"A delivery has been due since {found.delivery_since.isoformat()}.",
                "next": "Is a worker running? Start leadsvc worker; leadsvc destinations list shows each account.",
            }
        )
    return troubles


def _unread_mailboxes(configured: Iterable[str], told: Mapping[str, mailboxes.Told], now: datetime) -> list[Trouble]:
    """Mailboxes that suffer from something, or that nobody has looked into for a while."""
    troubles = []
    for name in configured:
        one = told.get(name)
        looked = one.last_success_at if one else None
        if looked is not None and now - looked <= UNREAD_MAIL_AFTER and not (one and one.trouble):
            continue
        since = f"since {looked.isoformat()}" if looked else "ever"
        step = (one.detail if one else "") or "Does anybody read it? Start leadsvc mailbox, or try it with --check."
        detail = f"Mailbox {name} has not been looked into {since}."
        troubles.append({"code": "mailbox", "detail": detail, "next": step})
    return troubles


def _answer(status: int, word: str, problems: list[Trouble]) -> Response:
    body: dict[str, Any] = {"status": word, "problems": problems}
    response = Response(json.dumps(body), status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
