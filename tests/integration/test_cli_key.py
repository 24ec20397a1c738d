"""``leadsvc key``: what it makes opens the door it says, and nothing shows a secret twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, text

from leadsvc.cli.key import key
from leadsvc.config import Settings
from leadsvc.errors import NotFound, Reject
from leadsvc.security import split_token
from tests.integration.api_support import CONFIG, Door, door


@pytest.fixture
def environ(sqlite_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    (tmp_path / "leadsvc.yaml").write_text(CONFIG)
    values = {
        "LEADSVC_VAR": str(tmp_path / "var"),
        "LEADSVC_DATABASE_URL": sqlite_database,
        "LEADSVC_CONFIG": str(tmp_path / "leadsvc.yaml"),
        "LEADSVC_SECRET_KEY": "k" * 32,
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values


def run(*words: str) -> Result:
    result = CliRunner().invoke(key, words)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def made(*words: str) -> str:
    result = run("create", *words)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def status(api: Door, shown: str, path: str = "/v1/leads/website") -> int:
    return api.client.post(path, data=b"x=1", headers={"Authorization": f"Bearer {shown}"}).status_code


def test_from_creation_to_revocation(environ: dict[str, str], tmp_path: Path) -> None:
    old = made("--feed", "website", "--ip", "127.0.0.0/8")
    prefix = split_token(old)[0]
    new = run("rotate", prefix).stdout.strip()
    with door(environ["LEADSVC_DATABASE_URL"], tmp_path) as api:
        assert status(api, old) == status(api, new) == 200
        with pytest.raises(Reject, match="has a successor"):
            run("rotate", prefix)
        assert run("revoke", prefix).exit_code == 0
        api.forget()
        assert (status(api, old), status(api, new)) == (401, 200)
    listed = run("list").output
    assert prefix in listed
    assert "127.0.0.0/8" in listed
    assert split_token(old)[1] not in listed
    assert split_token(new)[1] not in listed
    with pytest.raises(NotFound, match="key list"):
        run("revoke", prefix)
    engine = create_engine(Settings.load(environ).database_url)
    with engine.connect() as connection:
        actions = connection.execute(text("SELECT action, actor FROM audit ORDER BY id")).all()
    engine.dispose()
    assert [row.action for row in actions] == ["credential.create", "credential.create", "credential.revoke"]
    assert {row.actor.partition(":")[0] for row in actions} == {"cli"}


def test_each_kind_says_how_it_is_used(environ: dict[str, str]) -> None:
    says = {"bearer": "Bearer", "basic": "user", "hmac": "Standard Webhooks", "url": "/v1/hooks/"}
    for kind, word in says.items():
        result = run("create", "--feed", "website", "--kind", kind)
        assert word in result.stderr
        assert result.stdout.count("\n") == 1
    assert "staff:read" in run("create", "--scope", "staff:read").stderr


def test_a_test_key(environ: dict[str, str]) -> None:
    assert made("--feed", "website", "--test").startswith("lsk_test")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--feed", "nowhere"], "canonical, fast, small, website"),
        ([], "either --feed"),
        (["--feed", "website", "--scope", "staff:read"], "either --feed"),
        (["--feed", "website", "--kind", "pigeon"], "bearer"),
    ],
)
def test_mistakes(environ: dict[str, str], words: list[str], says: str) -> None:
    result = run("create", *words)
    assert result.exit_code == 2
    assert says in result.output


def test_an_address_that_is_none(environ: dict[str, str]) -> None:
    with pytest.raises(Reject, match=r"192\.0\.2\.0/24"):
        run("create", "--feed", "website", "--ip", "home")
