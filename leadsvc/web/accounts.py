"""Local accounts: logins, passwords and one-time links. Used by the pages and by ``leadsvc user``."""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, Row, func, insert, select, update

from leadsvc.errors import NotFound, Reject
from leadsvc.ids import uuid7
from leadsvc.store.tables import sign_in_links, users

ROLES = ("agent", "marketer", "ops", "admin")
MIN_PASSWORD = 12
MAX_PASSWORD = 256
LINK_LIFE = timedelta(hours=24)

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,63}\Z")
# 19 MiB and two passes: OWASP's setting for servers that also do other work. The semaphore bounds what a burst of
# sign-ins may take.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_hashing = threading.Semaphore(2)
_decoy = _hasher.hash(secrets.token_hex(16))


@dataclass(frozen=True, slots=True)
class User:
    """A person who may sign in. ``stamp`` changes with the password, so that old sessions end."""

    id: UUID
    login: str
    role: str
    created_at: datetime
    disabled_at: datetime | None
    stamp: str


def digest_of(token: str) -> str:
    """What is kept of a one-time link."""
    return hashlib.sha256(token.encode()).hexdigest()


def clean_login(text: str) -> str:
    """A login in the one form that is stored. Raises :class:`Reject` when it cannot be one."""
    login = unicodedata.normalize("NFKC", text[:200]).strip().lower()
    if not _LOGIN.match(login):
        detail = "Choose a login of 2 to 64 letters, digits, dots, dashes or an e-mail address."
        raise Reject(422, "Login not accepted", detail, code="login")
    return login


def hash_password(password: str, login: str) -> str:
    """The argon2 hash to store. Raises :class:`Reject` for a password that is too short, too long or the login."""
    text = unicodedata.normalize("NFKC", password)
    if len(text) < MIN_PASSWORD:
        raise _weak(f"Use at least {MIN_PASSWORD} characters; a few words are easier to keep than signs.")
    if len(text) > MAX_PASSWORD:
        raise _weak(f"Use at most {MAX_PASSWORD} characters.")
    if login in text.lower() or len(set(text)) < 5:
        raise _weak("Use a password that is not your login and not the same few signs again and again.")
    with _hashing:
        return _hasher.hash(text)


def _weak(detail: str) -> Reject:
    return Reject(422, "Password not accepted", detail, code="password")


def verify(password: str, stored: str | None) -> bool:
    """Whether ``password`` makes ``stored``. Takes as long when there is nothing stored."""
    text = unicodedata.normalize("NFKC", password[:MAX_PASSWORD])
    with _hashing:
        try:
            return _hasher.verify(stored or _decoy, text) and bool(stored)
        except (VerificationError, InvalidHashError):
            return False


def find_user(connection: Connection, user_id: UUID) -> User | None:
    """The user with this id, disabled or not."""
    row = connection.execute(select(users).where(users.c.id == user_id)).one_or_none()
    return _user(row) if row else None


def find_login(connection: Connection, login: str) -> tuple[User, str] | None:
    """The user with this login and the hash of their password."""
    row = connection.execute(select(users).where(users.c.login == login)).one_or_none()
    return (_user(row), str(row.password_hash)) if row else None


def list_users(connection: Connection) -> list[User]:
    """Everyone, by login."""
    return [_user(row) for row in connection.execute(select(users).order_by(users.c.login))]


def any_user(connection: Connection) -> bool:
    """Whether anybody has an account yet."""
    return connection.execute(select(users.c.id).limit(1)).first() is not None


def create_user(connection: Connection, login: str, password: str, role: str, now: datetime) -> User:
    """Make an account. Raises :class:`Reject` for a login that is taken or a password that will not do."""
    login = clean_login(login)
    if connection.execute(select(users.c.id).where(users.c.login == login)).first() is not None:
        raise Reject(409, "Login taken", "Choose another login: this one is taken.", code="login_taken")
    row = {"id": uuid7(), "login": login, "role": role, "created_at": now, "disabled_at": None}
    row["password_hash"] = hash_password(password, login)
    connection.execute(insert(users).values(row))
    found = find_login(connection, login)
    if found is None:
        raise NotFound(f"no user {login}")
    return found[0]


def change_user(connection: Connection, login: str, **values: object) -> None:
    """Set columns of a user. Raises :class:`NotFound`."""
    changed = connection.execute(update(users).where(users.c.login == login).values(**values))
    if changed.rowcount == 0:
        raise NotFound(f"There is no user {login!r}; leadsvc user list shows them.")


def admins_left(connection: Connection, without: str) -> int:
    """How many administrators could sign in if ``without`` could not."""
    live = (users.c.role == "admin", users.c.disabled_at.is_(None), users.c.login != without)
    return connection.execute(select(func.count()).select_from(users).where(*live)).scalar_one()


def make_link(connection: Connection, role: str, now: datetime) -> str:
    """The token of a new one-time link, good for :data:`LINK_LIFE`; only its digest is kept."""
    token = secrets.token_urlsafe(32)
    row = {"digest": digest_of(token), "role": role, "expires_at": now + LINK_LIFE, "used_at": None}
    connection.execute(insert(sign_in_links).values(row))
    return token


def link_role(connection: Connection, token: str, now: datetime) -> str | None:
    """The role a link gives, or ``None`` when it is unknown, used or too old."""
    live = (sign_in_links.c.used_at.is_(None), sign_in_links.c.expires_at > now)
    statement = select(sign_in_links.c.role).where(sign_in_links.c.digest == digest_of(token), *live)
    return connection.execute(statement).scalar_one_or_none()


def use_link(connection: Connection, token: str, login: str, password: str, now: datetime) -> User:
    """Make the account a link stands for, and end the link. Raises :class:`NotFound` for a dead link.

    Using the first link of all ends every other: they were made while nobody could be asked who may come in.
    """
    first = not any_user(connection)
    live = (sign_in_links.c.used_at.is_(None), sign_in_links.c.expires_at > now)
    mine = update(sign_in_links).where(sign_in_links.c.digest == digest_of(token), *live).values(used_at=now)
    role = connection.execute(mine.returning(sign_in_links.c.role)).scalar_one_or_none()
    if role is None:
        raise NotFound("This link has been used or is more than 24 hours old.")
    user = create_user(connection, login, password, role, now)
    if first:
        connection.execute(update(sign_in_links).where(sign_in_links.c.used_at.is_(None)).values(used_at=now))
    return user


def _user(row: Row[Any]) -> User:
    stamp = hashlib.sha256(row.password_hash.encode()).hexdigest()[:16]
    return User(row.id, row.login, row.role, row.created_at, row.disabled_at, stamp)
