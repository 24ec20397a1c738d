"""``leadsvc user``: accounts made, ended and mended by command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from leadsvc.cli.user import user
from leadsvc.store import tables
from tests.integration.web_support import PASSWORD, Site, site


@pytest.fixture
def users(sqlite_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("LEADSVC_DATABASE_URL", sqlite_database)
    monkeypatch.setenv("LEADSVC_VAR", str(tmp_path))
    monkeypatch.setenv("LEADSVC_PUBLIC_URL", "https://leads.example.com")
    with site(sqlite_database, tmp_path) as made:
        yield made


def run(*words: str) -> Result:
    return CliRunner().invoke(user, words, standalone_mode=True)


def test_an_account_lives_and_ends(users: Site) -> None:
    assert run("create", "Boss", "--role", "admin", "--password", PASSWORD).exit_code == 0
    assert run("create", "dana", "--password", PASSWORD).exit_code == 0
    assert run("create", "dana", "--password", PASSWORD).exception is not None
    assert run("create", "erin", "--password", "short").exception is not None
    assert users.sign_in("dana").status_code == 303
    assert run("disable", "dana").exit_code == 0
    assert users.get("/").status_code == 303, "the session ended with the account"
    listed = run("list").output
    assert "dana" in listed
    assert "boss" in listed
    assert run("enable", "dana").exit_code == 0
    assert run("password", "dana", "--password", "another calm river").exit_code == 0
    assert users.sign_in("dana").status_code == 401
    assert users.sign_in("dana", "another calm river").status_code == 303
    told = [row.action for row in users.rows(tables.audit)]
    for action in ("user.create", "user.disable", "user.enable", "user.password"):
        assert action in told
    assert PASSWORD not in str(users.rows(tables.audit))


def test_the_last_admin_stays_unless_asked_twice(users: Site) -> None:
    run("create", "boss", "--role", "admin", "--password", PASSWORD)
    refused = run("disable", "boss")
    assert "another admin" in str(refused.exception)
    assert run("disable", "boss", "--even-last").exit_code == 0
    assert "no user" in str(run("disable", "nobody", "--even-last").exception)


def test_a_link_gives_its_role_once(users: Site) -> None:
    run("create", "boss", "--role", "admin", "--password", PASSWORD)
    printed = run("link", "--role", "marketer").output.strip()
    assert printed.startswith("https://leads.example.com/welcome/")
    path = printed.removeprefix("https://leads.example.com")
    # The command's clock is the machine's, the site's is the test's: both must find the link alive.
    made = {"login": "mia", "password": PASSWORD, "again": PASSWORD}
    assert users.post(path, form_on=path, **made).status_code == 303
    assert users.get(path).status_code == 404
    (mia,) = users.rows(tables.users, tables.users.c.login == "mia")
    assert mia.role == "marketer"
