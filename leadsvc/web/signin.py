"""The doors: the one-time link that makes the first administrator, the sign-in form, sign-out."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime

from flask import current_app, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from leadsvc.errors import NotFound, Reject
from leadsvc.faults import Commit
from leadsvc.store import Store
from leadsvc.web import accounts
from leadsvc.web.guard import begin, local_path, now, record, services
from leadsvc.web.throttle import Throttle

Page = str | tuple[str, int] | Response


def first_link(store: Store, base_url: str, clock: Callable[[], datetime]) -> str | None:
    """The address at which the first administrator chooses login and password; ``None`` when somebody has an account.

    Works once and for 24 hours. Print it where only the operator reads.
    """
    with store.write(Commit.ADMIN) as connection:
        if accounts.any_user(connection):
            return None
        token = accounts.make_link(connection, "admin", clock())
    return link_address(base_url, token)


def link_address(base_url: str, token: str) -> str:
    """Where a one-time link leads."""
    return f"{base_url.rstrip('/')}/welcome/{token}"


def welcome(token: str) -> Page:
    """The form behind a one-time link."""
    with services().store.read() as connection:
        role = accounts.link_role(connection, token, now())
    if role is None:
        return render_template("web/dead_link.html"), 404
    return render_template("web/welcome.html", token=token, role=role, login="", problem="")


def welcome_set(token: str) -> Page:
    """Make the account and sign in."""
    login, password = request.form.get("login", ""), request.form.get("password", "")
    if password != request.form.get("again", ""):
        return _welcome_again(token, login, "The two passwords are not the same.")
    try:
        with services().store.write(Commit.ADMIN) as connection:
            made = accounts.use_link(connection, token, login, password, now())
    except NotFound:
        return render_template("web/dead_link.html"), 404
    except Reject as error:
        return _welcome_again(token, login, error.detail)
    begin(made)
    record("user.create", "user", made.login, actor=made.login, role=made.role, by="one-time link")
    return redirect(url_for("web.inbox"), 303)


def _welcome_again(token: str, login: str, problem: str) -> Page:
    with services().store.read() as connection:
        role = accounts.link_role(connection, token, now())
    if role is None:
        return render_template("web/dead_link.html"), 404
    return render_template("web/welcome.html", token=token, role=role, login=login, problem=problem), 422


def sign_in() -> Page:
    """The sign-in form."""
    with services().store.read() as connection:
        fresh = not accounts.any_user(connection)
    return render_template("web/sign_in.html", next=request.args.get("next", ""), login="", problem="", fresh=fresh)


def sign_in_check() -> Page:
    """Check login and password; unknown logins cost the same work and get the same answer."""
    login = request.form.get("login", "")[:200].strip().lower()
    throttle: Throttle = current_app.extensions["leadsvc.throttle"]
    if not throttle.allows(login, request.remote_addr or ""):
        return _refused(login, "Too many attempts. Wait 15 minutes, then try again.", 429)
    with services().store.read() as connection:
        found = accounts.find_login(connection, login)
    known = accounts.verify(request.form.get("password", ""), found[1] if found else None)
    if not known or found is None or found[0].disabled_at is not None:
        record("sign_in.refused", "user", _hint(login), actor="-")
        return _refused(login, "Login and password do not go together.", 401)
    throttle.forgive(login)
    begin(found[0])
    record("sign_in", "user", found[0].login, actor=found[0].login)
    return redirect(local_path(request.form.get("next")), 303)


def _refused(login: str, problem: str, status: int) -> Page:
    again = render_template(
        "web/sign_in.html", next=request.form.get("next", ""), login=login, problem=problem, fresh=False
    )
    return again, status


def _hint(login: str) -> str:
    """A stable word for what was typed as login: people type their e-mail or password there, so it is not kept."""
    key = services().settings.secret_key.encode()
    return hmac.digest(key, login.encode(errors="replace"), hashlib.sha256).hex()[:16]


def sign_out() -> Page:
    """End the session."""
    record("sign_out")
    session.clear()
    return redirect(url_for("web.sign_in"), 303)
