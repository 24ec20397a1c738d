"""Settings: the environment for what differs between machines, one YAML file for what an operator reviews.

``Settings.load()`` is called once by the composition root; the result is frozen. Secrets are never written in the file:
a value such as ``env:PMS_KEY`` or ``file:/run/secrets/pms`` says where to find one. One module,
as one file is read by it and each error names a place there.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any

from environs import Env, EnvError
from marshmallow import Schema, ValidationError, post_load, validate, validates_schema
from marshmallow import fields as ma
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.reader import ReaderError

from leadsvc.accountconfig import SENSITIVE as SENSITIVE
from leadsvc.accountconfig import Account as Account
from leadsvc.accountconfig import AccountSchema
from leadsvc.errors import ConfigurationError
from leadsvc.hookconfig import MAIL_BYTES, MAIL_PROVIDERS, Fetch, HookSchema, Verify

MASK = "••••"
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True, slots=True)
class Feed:
    """One configured way in. ``map`` names the field map that reads it; empty means the recogniser chooses.
    ``provider`` is who posts its web hooks, ``verify`` how they are known to be its own."""

    name: str
    map: str = ""
    label: str = ""
    owner: str = ""
    per_minute: int = 6000
    max_bytes: int = 2_000_000
    require_auth: bool = False
    provider: str = ""
    verify: Verify | None = None
    fetch: Fetch | None = None


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One IMAP folder that is read. ``secret`` refers to the password, or with ``oauth`` to an access token; it is
    looked up at every sign-in, so that it may be renewed. ``done``: what happens to a mail that is recorded: moved to
    ``processed``, or flagged with ``keyword``. ``authserv_ids`` are added to those of :class:`MailTrust`."""

    name: str
    host: str
    user: str
    secret: str = field(repr=False)
    oauth: bool = False
    port: int = 993
    tls: str = "tls"
    ca_file: str = ""
    folder: str = "INBOX"
    feed: str = "mail"
    done: str = "move"
    processed: str = "leadsvc-done"
    keyword: str = "\\Seen"
    poison: str = "leadsvc-poison"
    poll_s: float = 60.0
    idle_s: float = 1740.0
    batch: int = 50
    max_bytes: int = 25_000_000
    authserv_ids: tuple[str, ...] = ()
    require_auth: bool = False


@dataclass(frozen=True, slots=True)
class MailTrust:
    """By what a mail's sender is judged: the servers whose Authentication-Results count, the domains whose people
    forward mails by hand, public DKIM keys by ``selector._domainkey.domain``."""

    authserv_ids: tuple[str, ...] = ()
    staff_domains: tuple[str, ...] = ()
    dkim_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    require_auth: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules an operator may tune (SPEC §6, §8; defaults reasoned in docs/identity.md)."""

    cycle_days: int = 60
    redelivery_hours: int = 24
    first_contact_minutes: int = 30
    attribution_window_days: int = 60
    first_contact_title: str = "First contact"
    sure_enough: float = 0.7  # what the generic reader is less sure of waits for a person before it is pushed


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a process needs to know before it starts. ``origin`` says where each value came from.

    ``lease_s``: after this long without a sign of life a worker that took a delivery is taken for dead; longer than one
    delivery with all its look-ups may last, about ten times an account's ``timeout_s``. ``left_behind_s``: a receipt
    pending for so long was left by a process that died. ``sweep_s``: how often both are looked for;
    ``outcomes_s``: how often an account is asked what became of its cards.
    """

    var: Path
    database_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    config_file: Path | None = None
    redis_url: str = field(default="", repr=False)
    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = ""
    maps_dir: Path | None = None
    log_level: str = "INFO"
    max_body_bytes: int = 10_000_000
    trusted_proxies: int = 0
    inline_worker: bool = True
    lease_s: float = 300.0
    left_behind_s: float = 30.0
    sweep_s: float = 5.0
    outcomes_s: float = 60.0
    operator: str = "leadsvc"
    feeds: Mapping[str, Feed] = field(default_factory=dict)
    accounts: Mapping[str, Account] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    mailboxes: Mapping[str, Mailbox] = field(default_factory=dict)
    mail_trust: MailTrust = field(default_factory=MailTrust)
    origin: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read ``LEADSVC_…`` and the configuration file. Raises :class:`ConfigurationError` naming what is wrong."""
        return _load(dict(os.environ if environ is None else environ))

    def shown(self) -> list[tuple[str, str, str]]:
        """(setting, value with secrets masked, where it came from), for ``leadsvc config``."""
        rows = []
        for each in fields(self):
            if each.name in {"origin", "feeds", "accounts", "policy", "mailboxes", "mail_trust"}:
                continue
            value = getattr(self, each.name)
            hidden = each.name in {"secret_key", "redis_url"} and value
            shown = MASK if hidden else _without_password(str(value)) if each.name == "database_url" else str(value)
            rows.append((each.name, shown, self.origin.get(each.name, "default")))
        file = str(self.config_file)
        rows += [(f"feeds.{name}", _feed_shown(feed), file) for name, feed in self.feeds.items()]
        for name, account in self.accounts.items():
            rows.append((f"destinations.{name}", f"{account.vendor} at {account.base_url}, key {MASK}", file))
        for name, box in self.mailboxes.items():
            rows.append((f"mailboxes.{name}", f"{box.folder} of {box.user} at {box.host}, secret {MASK}", file))
        rows += [
            (
                f"mail_trust.{each.name}",
                _listed(getattr(self.mail_trust, each.name)),
                self.origin.get("mail_trust", "default"),
            )
            for each in fields(self.mail_trust)
        ]
        rows += [
            (f"policies.{each.name}", str(getattr(self.policy, each.name)), self.origin.get(each.name, "default"))
            for each in fields(self.policy)
        ]
        return rows


def _feed_shown(feed: Feed) -> str:
    words = [f"map {feed.map or 'any'}"]
    if feed.provider:
        words.append(f"posted by {feed.provider}, {'verified' if feed.verify else 'not verified'}")
    if feed.fetch:
        words.append(f"fetched from {feed.fetch.base_url}, token {MASK}")
    return "; ".join(words)


def _listed(value: object) -> str:
    return ", ".join(value) if isinstance(value, (tuple, Mapping)) else str(value)


def _without_password(url: str) -> str:
    url = re.sub(r"([?&]password=)[^&]*", rf"\1{MASK}", url)
    head, at, tail = url.rpartition("@")
    scheme, _, user = head.partition("://")
    return f"{scheme}://{user.partition(':')[0]}:{MASK}@{tail}" if at and ":" in user else url


def _load(environ: dict[str, str]) -> Settings:
    values, origin = _from_environment(environ)
    file = values.get("config_file")
    document = _read_file(file, environ) if file else {}
    policy = document.get("policies") or Policy()
    origin.update({name: str(file) for name in document.get("_policy_names", ())})
    if "mail_trust" in document:
        origin["mail_trust"] = str(file)
    if "operator" in document:
        values["operator"], origin["operator"] = document["operator"], str(file)
    var: Path = values["var"]
    if not values.get("secret_key"):
        try:
            var.mkdir(parents=True, exist_ok=True)
            values["secret_key"], origin["secret_key"] = own_secret(var), str(var / "secret.key")
        except OSError as error:
            raise ConfigurationError(
                f"LEADSVC_VAR: {error.filename}: {error.strerror}; name a folder that this process may write to"
            ) from error
    if not values.get("database_url"):
        values["database_url"] = f"sqlite:///{(var / 'leadsvc.db').absolute()}"
    return Settings(
        **values,
        feeds=document.get("feeds", _DEFAULT_FEEDS),
        accounts=document.get("destinations", {}),
        policy=policy,
        mailboxes=document.get("mailboxes", {}),
        mail_trust=document.get("mail_trust", MailTrust()),
        origin=origin,
    )


def _from_environment(environ: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    env = Env(prefix="LEADSVC_", eager=False)
    saved = dict(os.environ)
    os.environ.clear()
    os.environ.update(environ)
    try:
        values: dict[str, Any] = {
            "var": env.path("VAR", Path("var")),
            "database_url": env.str("DATABASE_URL", ""),
            "secret_key": env.str("SECRET_KEY", ""),
            "config_file": env.path("CONFIG", None),
            "redis_url": env.str("REDIS_URL", ""),
            "host": env.str("HOST", "127.0.0.1"),
            "port": env.int("PORT", 8080, validate=validate.Range(0, 65535)),
            "public_url": env.str("PUBLIC_URL", ""),
            "maps_dir": env.path("MAPS", None),
            "log_level": env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(_LOG_LEVELS)),
            "max_body_bytes": env.int("MAX_BODY_BYTES", 10_000_000, validate=validate.Range(1000)),
            "trusted_proxies": env.int("TRUSTED_PROXIES", 0, validate=validate.Range(0, 5)),
            "inline_worker": env.bool("INLINE_WORKER", True),
            "lease_s": env.float("LEASE_S", 300.0, validate=validate.Range(1)),
            "left_behind_s": env.float("LEFT_BEHIND_S", 30.0, validate=validate.Range(1)),
            "sweep_s": env.float("SWEEP_S", 5.0, validate=validate.Range(0.1)),
            "outcomes_s": env.float("OUTCOMES_S", 60.0, validate=validate.Range(0.1)),
        }
        env.seal()
    except EnvError as error:
        raise ConfigurationError(f"environment: {error}") from error
    finally:
        os.environ.clear()
        os.environ.update(saved)
    names = {"config_file": "CONFIG", "maps_dir": "MAPS"}
    origin = {}
    for name in values:
        variable = f"LEADSVC_{names.get(name, name.upper())}"
        if variable in environ:
            origin[name] = f"environment {variable}"
    return values, origin


def own_secret(var: Path) -> str:
    """A key made at the first start and kept with the store, readable by its owner only."""
    path, draft = var / "secret.key", var / f"secret.{secrets.token_hex(8)}"
    if not path.exists():
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            handle.write(secrets.token_hex(32))
        # Whoever links first has made the key; nobody ever reads half of one.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text().strip()


_DEFAULT_FEEDS: Mapping[str, Feed] = {"canonical": Feed(name="canonical", map="canonical", label="Canonical JSON")}


class _FeedSchema(HookSchema):
    map = ma.String(load_default="")
    label = ma.String(load_default="")
    owner = ma.String(load_default="")
    per_minute = ma.Integer(load_default=6000, validate=validate.Range(1))
    max_bytes = ma.Integer(load_default=2_000_000, validate=validate.Range(1000))
    require_auth = ma.Boolean(load_default=False)


_REFERENCE = re.compile(r"(env|file|command):.+", re.DOTALL)
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class _MailboxSchema(Schema):
    host = ma.String(required=True)
    port = ma.Integer(load_default=0, validate=validate.Range(0, 65535))
    user = ma.String(required=True)
    password = ma.String()
    token = ma.String()
    tls = ma.String(load_default="tls", validate=validate.OneOf(("tls", "starttls", "none")))
    ca_file = ma.String(load_default="")
    folder = ma.String(load_default="INBOX")
    feed = ma.String(load_default="mail")
    done = ma.String(load_default="move", validate=validate.OneOf(("move", "flag")))
    processed = ma.String(load_default="leadsvc-done")
    keyword = ma.String(load_default="\\Seen", validate=validate.Regexp(r"\\?[A-Za-z$][\w.$-]*\Z"))
    poison = ma.String(load_default="leadsvc-poison")
    poll_s = ma.Float(load_default=60.0, validate=validate.Range(1, 3600))
    # A server may hang up on who idles for half an hour (RFC 2177).
    idle_s = ma.Float(load_default=1740.0, validate=validate.Range(1, 1740))
    batch = ma.Integer(load_default=50, validate=validate.Range(1, 1000))
    max_bytes = ma.Integer(load_default=25_000_000, validate=validate.Range(10_000, 40_000_000))
    authserv_ids = ma.List(ma.String(), load_default=list)
    require_auth = ma.Boolean(load_default=False)

    @validates_schema
    def _check(self, data: dict[str, Any], **_: object) -> None:
        if ("password" in data) == ("token" in data):
            raise ValidationError("Name either a password or a token.", "user")
        secret = "password" if "password" in data else "token"
        if not _REFERENCE.fullmatch(data[secret]):
            raise ValidationError("Write env:NAME, file:PATH or command:PROGRAM ARGUMENTS.", secret)
        if data["tls"] == "none" and data["host"] not in _LOOPBACK:
            raise ValidationError("Without TLS only this machine may be asked; write tls or starttls.", "tls")
        if data["folder"] in {data["poison"], data["processed"] if data["done"] == "move" else ""}:
            raise ValidationError("Mails cannot be moved to the folder they are read from.", "folder")

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        data["oauth"] = "token" in data
        data["secret"] = data.pop("token", "") or data.pop("password", "")
        data["port"] = data["port"] or (993 if data["tls"] == "tls" else 143)
        data["authserv_ids"] = tuple(data["authserv_ids"])
        return data


class _MailTrustSchema(Schema):
    authserv_ids = ma.List(ma.String(), load_default=list)
    staff_domains = ma.List(ma.String(), load_default=list)
    dkim_keys = ma.String(load_default="")
    require_auth = ma.Boolean(load_default=False)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> MailTrust:
        return MailTrust(
            tuple(data["authserv_ids"]),
            tuple(domain.lower().lstrip("@.") for domain in data["staff_domains"]),
            _dkim_keys(data["dkim_keys"]),
            data["require_auth"],
        )


def _dkim_keys(folder: str) -> Mapping[str, str]:
    """The TXT records in the files ``selector._domainkey.domain`` of ``folder``, as a name server would give them."""
    if not folder:
        return {}
    try:
        files = [file for file in sorted(Path(folder).iterdir()) if "._domainkey." in file.name]
        return {file.name.removesuffix(".txt").lower(): file.read_text(encoding="ascii").strip() for file in files}
    except (OSError, UnicodeDecodeError) as error:
        raise ValidationError(f"{folder}: {error}; name a folder of DKIM records.", "dkim_keys") from error


class _PolicySchema(Schema):
    cycle_days = ma.Integer(validate=validate.Range(1, 730))
    redelivery_hours = ma.Integer(validate=validate.Range(0, 168))  # no further back does the look-up go
    first_contact_minutes = ma.Integer(validate=validate.Range(1, 10_080))
    attribution_window_days = ma.Integer(validate=validate.Range(1, 730))
    first_contact_title = ma.String()
    sure_enough = ma.Float(validate=validate.Range(0, 1))

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> Policy:
        return Policy(**data)


class _FileSchema(Schema):
    operator = ma.String()
    feeds = ma.Dict(keys=ma.String(validate=validate.Regexp(r"[a-z0-9_-]{1,64}\Z")), values=ma.Nested(_FeedSchema))
    destinations = ma.Dict(keys=ma.String(), values=ma.Nested(AccountSchema))
    mailboxes = ma.Dict(
        keys=ma.String(validate=validate.Regexp(r"[a-z0-9_-]{1,64}\Z")), values=ma.Nested(_MailboxSchema)
    )
    mail_trust = ma.Nested(_MailTrustSchema)
    policies = ma.Nested(_PolicySchema)


def _read_file(path: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    try:
        content = path.read_bytes()
        raw = YAML(typ="rt").load(content.decode("utf-8")) or CommentedMap()
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        raise ConfigurationError(f"{path}:{_end_of(before)}: this is not UTF-8; save the file as UTF-8") from error
    except ReaderError as error:
        before = content.decode("utf-8")[: error.position]
        raise ConfigurationError(f"{path}:{_end_of(before)}: {error.reason}; remove this character") from error
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}; set LEADSVC_CONFIG to a file that can be read") from error
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        raise ConfigurationError(f"{path}:{where}: {error.problem}") from error
    if not isinstance(raw, CommentedMap):
        raise ConfigurationError(f"{path}:1:1: a mapping with feeds, destinations and policies is expected")
    try:
        loaded: dict[str, Any] = _FileSchema().load(raw)
    except ValidationError as error:
        raise ConfigurationError(_located(path, raw, error.messages_dict)) from error
    loaded["_policy_names"] = tuple(raw.get("policies") or ())
    loaded["feeds"] = {
        **_DEFAULT_FEEDS,
        **{name: _feed(path, raw, name, row, environ) for name, row in loaded.get("feeds", {}).items()},
    }
    loaded["mailboxes"] = {name: Mailbox(name=name, **row) for name, row in loaded.get("mailboxes", {}).items()}
    loaded["destinations"] = {
        name: _account(path, raw, name, row, environ) for name, row in loaded.get("destinations", {}).items()
    }
    _check_followed(path, raw, loaded["destinations"])
    return loaded


def _end_of(text: str) -> str:
    """The place behind ``text`` as line:column."""
    return f"{text.count(chr(10)) + 1}:{len(text) - text.rfind(chr(10))}"


def _feed(path: Path, raw: CommentedMap, name: str, row: dict[str, Any], environ: Mapping[str, str]) -> Feed:
    row = dict(row)
    if row["provider"] in MAIL_PROVIDERS and "max_bytes" not in raw["feeds"][name]:
        row["max_bytes"] = MAIL_BYTES
    verify, fetch = row.pop("verify", None), row.pop("fetch", None)
    at = ("feeds", name, "verify")
    if verify is not None:
        references = [(each, verify.pop(each, "")) for each in ("secret", "previous_secret")]
        kept = tuple(_secret_at(path, raw, (*at, each), text, environ) for each, text in references if text)
        challenge = _secret_at(path, raw, (*at, "challenge"), verify.pop("challenge", ""), environ)
        verify |= {each: tuple(verify[each]) for each in ("topics", "addresses")}
        row["verify"] = Verify(secrets=kept, challenge=challenge, **verify)
    if fetch is not None:
        reference = fetch.pop("token")
        token = _secret_at(path, raw, ("feeds", name, "fetch", "token"), reference, environ)
        asked = tuple(dict.fromkeys(("id", "field_data", *fetch.pop("fields_"))))
        row["fetch"] = Fetch(reference=reference, token=token, fields=asked, **fetch)
    return Feed(name=name, **row)


def _secret_at(
    path: Path, raw: CommentedMap, trail: tuple[str, ...], reference: str, environ: Mapping[str, str]
) -> str:
    try:
        return _secret(reference, environ)
    except ValueError as error:
        messages: Any = str(error)
        for key in reversed(trail):
            messages = {key: messages}
        raise ConfigurationError(_located(path, raw, messages)) from error


def _check_followed(path: Path, raw: CommentedMap, accounts: Mapping[str, Account]) -> None:
    for name, account in accounts.items():
        for home in account.follows:
            if home not in accounts:
                words = f"{home} is not configured; there is {', '.join(sorted(set(accounts) - {name})) or 'no other'}."
            elif home == name or accounts[home].follows:
                words = f"{home} follows another account itself; name the account whose properties these are."
            else:
                continue
            raise ConfigurationError(_located(path, raw, {"destinations": {name: {"follows": words}}}))


def _account(path: Path, raw: CommentedMap, name: str, row: dict[str, Any], environ: Mapping[str, str]) -> Account:
    row = dict(row)
    row["fields"] = tuple(row.pop("fields_"))
    row["creates"], row["follows"] = tuple(row["creates"]), tuple(row["follows"])
    row["keep_sensitive"] = frozenset(row["keep_sensitive"])
    row["api_key"] = _secret_at(path, raw, ("destinations", name, "api_key"), row["api_key"], environ)
    row["credentials"] = {
        each: _secret_at(path, raw, ("destinations", name, "credentials", each), reference, environ)
        for each, reference in row["credentials"].items()
    }
    return Account(name=name, **row)


def _secret(reference: str, environ: Mapping[str, str]) -> str:
    """The secret that ``reference`` points at; ``ValueError`` says why there is none, and never the secret."""
    kind, _, rest = reference.partition(":")
    if not reference:
        return ""
    if kind == "env":
        if rest not in environ:
            raise ValueError(f"environment variable {rest} is not set")
        return environ[rest]
    if kind == "file":
        try:
            return Path(rest).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ValueError(f"{rest}: {error.strerror}") from error
    raise ValueError("write env:NAME or file:PATH; a secret never stands in this file")


def _located(path: Path, node: Any, messages: Mapping[Any, Any]) -> str:
    """The first error as file:line:column, walking the document beside the messages."""
    trail: list[str] = []
    line, column = 1, 1
    current: Any = messages
    while isinstance(current, Mapping):
        key = next(iter(current))
        current = current[key]
        if key in {"key", "value"} and not (isinstance(node, Mapping) and key in node):
            continue
        trail.append(str(key))
        if isinstance(node, CommentedMap) and key in node:
            row, col = node.lc.key(key)
            line, column = row + 1, col + 1
            node = node[key]
        elif isinstance(node, CommentedSeq) and isinstance(key, int):
            row, col = node.lc.item(key)
            line, column = row + 1, col + 1
            node = node[key]
    text = current[0] if isinstance(current, list) else str(current)
    return f"{path}:{line}:{column}: {'.'.join(trail)}: {text}"


def packaged(name: str) -> Path:
    """Path of a data file that ships in the package, such as ``demo/pms.yaml``."""
    return Path(str(resources.files("leadsvc") / name))
