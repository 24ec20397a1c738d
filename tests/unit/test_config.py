"""Settings: every mistake names its place, no secret is ever shown, and a start is the same on every machine."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import time
from pathlib import Path

import pytest

from leadsvc.config import MASK, Settings, own_secret
from leadsvc.errors import ConfigurationError
from leadsvc.store import Store

SECRET = "pw-that-nobody-may-see"


def load(tmp_path: Path, text: str = "", **environ: str) -> Settings:
    """Settings from a file with ``text`` and ``LEADSVC_…`` variables."""
    variables = {f"LEADSVC_{name}": value for name, value in environ.items() if name.isupper()}
    variables |= {name: value for name, value in environ.items() if not name.isupper()}
    variables.setdefault("LEADSVC_VAR", str(tmp_path / "var"))
    if text:
        (tmp_path / "leadsvc.yaml").write_text(text)
        variables["LEADSVC_CONFIG"] = str(tmp_path / "leadsvc.yaml")
    return Settings.load(variables)


def mistake(tmp_path: Path, text: str = "", **environ: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text, **environ)
    return str(caught.value).replace(str(tmp_path / "leadsvc.yaml"), "FILE")


def test_nothing_needs_to_be_set(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings.database_url == f"sqlite:///{tmp_path / 'var' / 'leadsvc.db'}"
    assert set(settings.feeds) == {"canonical"}
    assert len(settings.secret_key) == 64


def test_a_whole_file(tmp_path: Path) -> None:
    text = """
operator: Larkfield
feeds:
  zillow: {map: zillow_callback, owner: Ana}
destinations:
  pms: {vendor: simpms, base_url: "http://127.0.0.1:9000", api_key: "env:pms_key", creates: [chd001]}
policies: {cycle_days: 30}
"""
    settings = load(tmp_path, text, pms_key=SECRET)
    assert (settings.operator, settings.policy.cycle_days, settings.accounts["pms"].creates) == (
        "Larkfield",
        30,
        ("chd001",),
    )
    assert settings.accounts["pms"].api_key == SECRET
    origins = {name: origin for name, _, origin in settings.shown()}
    assert origins["policies.cycle_days"] == str(tmp_path / "leadsvc.yaml")
    assert origins["policies.redelivery_hours"] == "default"
    assert origins["var"] == "environment LEADSVC_VAR"


BOX = "mailboxes:\n  leads:\n    host: imap.example.com\n    user: leads\n"


ACCOUNT = """
destinations:
  pms:
    vendor: simpms
    base_url: "http://127.0.0.1:9000"
    credentials: {user: "env:pms_user", password: "env:pms_password"}
    limits: {"1s": 8, "1d": 50000}
    quiet_hours: "22:00-06:30"
    time_zone: America/New_York
    options: {fallback_agent: ana}
    calls_per_lead: 80
    corrections_per_day: 0
    household: shared
"""


def test_an_account_with_all_that_vendors_want(tmp_path: Path) -> None:
    settings = load(tmp_path, ACCOUNT, pms_user="u", pms_password=SECRET)
    account = settings.accounts["pms"]
    assert dict(account.credentials) == {"user": "u", "password": SECRET}
    assert dict(account.limits) == {"1s": 8, "1d": 50_000}
    assert account.quiet_hours == (time(22), time(6, 30))
    assert (account.calls_per_lead, account.corrections_per_day, account.sync_hours) == (80, 0, 24.0)
    assert account.household == "shared"
    assert SECRET not in repr(account)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (('"env:pms_password"', '"env:nowhere"'), "credentials.password: environment variable nowhere is not set"),
        (('"env:pms_password"', "hunter2"), "credentials.password: write env:NAME or file:PATH"),
        (('"1s": 8', '"1 second": 8'), "is no window"),
        (('"1s": 8', '"1s": 0'), "limits"),
        (('"22:00-06:30"', '"22-6"'), "quiet_hours"),
        (('"22:00-06:30"', '"06:00-06:00"'), "quiet_hours"),
        (("household: shared", "household: both"), "household: Write separate or shared, not both."),
        (("America/New_York", "Eastern"), "time_zone: Write an IANA name"),
    ],
)
def test_a_mistake_in_an_account_is_said(tmp_path: Path, wrong: tuple[str, str], said: str) -> None:
    assert wrong[0] in ACCOUNT
    told = mistake(tmp_path, ACCOUNT.replace(*wrong), pms_user="u", pms_password=SECRET)
    assert said in told
    assert told.startswith("FILE:")
    assert "hunter2" not in told


def test_mailboxes_and_what_mail_is_trusted_by(tmp_path: Path) -> None:
    (tmp_path / "s1._domainkey.zillow.com").write_text("v=DKIM1; p=abc\n")
    trust = f"mail_trust: {{authserv_ids: [mx], staff_domains: ['@Example.com'], dkim_keys: {tmp_path}}}\n"
    settings = load(tmp_path, BOX + "    password: env:IMAP\n    tls: starttls\n" + trust)
    box = settings.mailboxes["leads"]
    assert (box.port, box.oauth, box.folder, box.feed, box.done) == (143, False, "INBOX", "mail", "move")
    assert settings.mail_trust.staff_domains == ("example.com",)
    assert settings.mail_trust.dkim_keys == {"s1._domainkey.zillow.com": "v=DKIM1; p=abc"}
    token = load(tmp_path, BOX + "    token: command:renew it\n")
    assert (token.mailboxes["leads"].oauth, token.mailboxes["leads"].port) == (True, 993)
    assert "renew it" not in str(token.shown())
    assert "renew it" not in repr(token)


PMS = 'destinations:\n  pms:\n    vendor: simpms\n    base_url: "http://pms"\n'


@pytest.mark.parametrize(
    ("text", "where", "about"),
    [
        ("feeds:\n  Zillow Callback: {}\n", "FILE:2:3", "feeds.Zillow Callback"),
        ("feeds:\n  zillow:\n    per_minute: 0\n", "FILE:3:5", "feeds.zillow.per_minute"),
        ("feeds:\n  zillow:\n    per_hour: 5\n", "FILE:3:5", "feeds.zillow.per_hour"),
        ("feeds:\n  zillow: 5\n", "FILE:2:3", "feeds.zillow"),
        ("feeds: 5\n", "FILE:1:1", "feeds"),
        ("policys: {}\n", "FILE:1:1", "policys"),
        ("policies:\n  cycle_days: sixty\n", "FILE:2:3", "policies.cycle_days"),
        ("policies:\n  redelivery_hours: 169\n", "FILE:2:3", "policies.redelivery_hours"),
        ("destinations:\n  pms:\n    vendor: simpms\n", "FILE:2:3", "base_url"),
        (PMS + "    creates: [chd001, [olf]]\n", "FILE:5:23", "creates"),
        (BOX, "FILE:4:5", "Name either a password or a token"),
        (BOX + f"    password: {SECRET}\n", "FILE:5:5", "mailboxes.leads.password"),
        (BOX + "    password: env:X\n    tls: none\n", "FILE:6:5", "Without TLS"),
        (BOX + "    password: env:X\n    processed: INBOX\n", "FILE:2:3", "cannot be moved"),
        (BOX + "    password: env:X\n    keyword: two words\n", "FILE:6:5", "keyword"),
        (BOX + "    password: env:X\n    idle_s: 1800\n", "FILE:6:5", "idle_s"),
        ("mail_trust:\n  dkim_keys: /no/such/folder\n", "FILE:2:3", "dkim_keys"),
        (PMS + "    properties: {olf: {time_zone: Denver}}\n", "FILE:5:24", "IANA"),
        (PMS + "    properties: {olf: {timezone: UTC}}\n", "FILE:5:24", "timezone"),
        (PMS + "    follows: [crm]\n", "FILE:5:5", "crm is not configured; there is no other"),
        (PMS + "    follows: [pms]\n", "FILE:5:5", "name the account whose properties these are"),
        (PMS + "    timeout_s: 0\n", "FILE:5:5", "destinations.pms.timeout_s"),
        (PMS.replace("http://", f"http://me:{SECRET}@"), "FILE:4:5", "api_key"),
        (PMS + f"    api_key: {SECRET}\n", "FILE:5:5", "destinations.pms.api_key"),
        (PMS + "    api_key: env:NOT_THERE\n", "FILE:5:5", "NOT_THERE"),
        (PMS + "    api_key: file:/not/there\n", "FILE:5:5", "/not/there"),
        ("- a list\n", "FILE:1:1", "a mapping"),
        ("feeds: [unclosed\n", "FILE:2:1", ""),
        ("feeds: {}\nfeeds: {}\n", "FILE:2:1", "feeds"),
        ("feeds: \x07\n", "FILE:1:8", ""),
    ],
)
def test_a_mistake_in_the_file_names_its_place(tmp_path: Path, text: str, where: str, about: str) -> None:
    said = mistake(tmp_path, text)
    assert said.startswith(f"{where}: "), said
    assert about in said
    assert SECRET not in said


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    assert "LEADSVC_CONFIG" in mistake(tmp_path, CONFIG=str(tmp_path / "none.yaml"))
    (tmp_path / "latin.yaml").write_bytes("operator: Löwe".encode("latin-1"))
    assert mistake(tmp_path, CONFIG=str(tmp_path / "latin.yaml")).startswith(f"{tmp_path / 'latin.yaml'}:1:12: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "many"),
        ("PORT", "70000"),
        ("LOG_LEVEL", "LOUD"),
        ("INLINE_WORKER", "perhaps"),
        ("SWEEP_S", "0"),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path, name: str, value: str) -> None:
    said = mistake(tmp_path, **{name: value})
    assert f"LEADSVC_{name}" in said
    assert SECRET not in said


@pytest.mark.parametrize("url", [f"postgres//me:{SECRET}@db/leads", f"mysql://me:{SECRET}@db/leads"])
def test_no_address_of_a_database_names_the_variable_and_not_the_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigurationError, match="LEADSVC_DATABASE_URL") as caught:
        Store(load(tmp_path, DATABASE_URL=url).database_url)
    assert SECRET not in str(caught.value)


def test_a_folder_that_cannot_be_made_names_the_variable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "LEADSVC_VAR" in mistake(tmp_path, VAR=str(tmp_path / "file" / "var"))


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{SECRET}@db.example.com/leads",
        f"postgresql://me:{SECRET}@at@db.example.com/leads",
        f"postgresql://db.example.com/leads?user=me&password={SECRET}",
    ],
)
def test_no_secret_is_shown(tmp_path: Path, url: str) -> None:
    text = PMS + "    api_key: env:pms_key\n"
    settings = load(
        tmp_path,
        text,
        DATABASE_URL=url,
        SECRET_KEY=SECRET,
        REDIS_URL=f"redis://:{SECRET}@redis/0",
        pms_key=SECRET,
    )
    said = repr(settings) + str(settings.shown())
    assert SECRET not in said
    assert {value for name, value, _ in settings.shown() if name == "secret_key"} == {MASK}


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{SECRET}\n")
    settings = load(tmp_path, PMS + f"    api_key: file:{tmp_path / 'key'}\n")
    assert settings.accounts["pms"].api_key == SECRET


def test_processes_that_start_at_once_agree_on_their_own_secret(tmp_path: Path) -> None:
    for number in range(50):
        var = tmp_path / f"v{number}"
        var.mkdir()
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(own_secret, [var] * 4))
        assert len(set(found)) == 1, found
        assert len(found[0]) == 64
    path = tmp_path / "v0" / "secret.key"
    assert path.stat().st_mode & 0o077 == 0
    assert not [name for name in os.listdir(tmp_path / "v0") if name != "secret.key"]


def test_the_environment_is_left_as_it_was(tmp_path: Path) -> None:
    before = dict(os.environ)
    load(tmp_path, PORT="9000")
    assert dict(os.environ) == before
