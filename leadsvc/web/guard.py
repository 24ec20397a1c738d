"""Who is looking, and what must hold before and after every page: session, CSRF, headers, audit.

The session is Flask's signed cookie: it names the user and the moment of the last request. A changed password or a
disabled account ends it at once, because the user's row is read with every request.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from flask import Response, abort, current_app, g, redirect, request, session, url_for
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import insert
from werkzeug.wrappers import Response as BaseResponse

from leadsvc.faults import Commit
from leadsvc.ids import uuid7
from leadsvc.services import Services
from leadsvc.store.tables import audit
from leadsvc.web import accounts
from leadsvc.web.accounts import User

IDLE = timedelta(hours=12)
PUBLIC = frozenset({"web.sign_in", "web.sign_in_check", "web.welcome", "web.welcome_set", "web.static"})

csrf = CSRFProtect()

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def services() -> Services:
    """What the composition root gave to the pages."""
    given: Services = current_app.extensions["leadsvc.web"]
    return given


def now() -> datetime:
    """The time by the clock of the services."""
    return services().clock()


def user() -> User:
    """Who is signed in; the guard has made sure that somebody is."""
    signed_in: User = g.user
    return signed_in


def admins_only() -> None:
    """Answer 403 to everyone else."""
    if user().role != "admin":
        abort(403)


def before_page() -> BaseResponse | None:
    """Run before every request of the pages: CSRF for what changes something, sign-in for all but the doors."""
    if _has_nul():
        abort(400)
    csrf.protect()
    if request.endpoint in PUBLIC:
        return None
    signed_in = _signed_in()
    if signed_in is None:
        back = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("web.sign_in", next=back if back != "/" else None), 303)
    g.user = signed_in
    session["seen"] = int(now().timestamp())
    return None


def _has_nul() -> bool:
    """Whether anything sent holds U+0000, which no text of PostgreSQL can and no person types."""
    sent = [*(value for _, values in request.values.lists() for value in values), *(request.view_args or {}).values()]
    return any(isinstance(value, str) and "\x00" in value for value in sent)


def after_page(response: Response) -> Response:
    """Headers of every page; personal pages are kept by no cache."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint == "web.static":
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    else:
        response.headers["Cache-Control"] = "no-store"
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


def begin(signed_in: User) -> None:
    """Start a session of this user, forgetting whatever the cookie held before."""
    session.clear()
    session.permanent = True
    session["user"] = signed_in.id.hex
    session["stamp"] = signed_in.stamp
    session["seen"] = int(now().timestamp())


def _signed_in() -> User | None:
    try:
        user_id = UUID(hex=session["user"])
        seen = datetime.fromtimestamp(session["seen"], UTC)
    except (KeyError, TypeError, ValueError):
        return None
    if now() - seen > IDLE:
        return None
    with services().store.read() as connection:
        found = accounts.find_user(connection, user_id)
    if found is None or found.disabled_at is not None or found.stamp != session.get("stamp"):
        return None
    return found


def local_path(target: str | None) -> str:
    """``target`` when it is a path of this site, else the inbox: a sign-in never sends anybody elsewhere."""
    if target and target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable():
        parts = urlsplit(target)
        if not parts.scheme and not parts.netloc and "\\" not in target:
            return target
    return url_for("web.inbox")


def record(action: str, subject_kind: str = "", subject: str = "", actor: str = "", **detail: Any) -> None:
    """Write one audit row: who did or saw what. Holds keys and ids, never personal data."""
    row: Mapping[str, Any] = {
        "id": uuid7(),
        "at": now(),
        "actor": actor or user().login,
        "action": action,
        "subject_kind": subject_kind,
        "subject": subject[:200],
        "detail": detail,
    }
    with services().store.write(Commit.ADMIN) as connection:
        connection.execute(insert(audit).values(row))
