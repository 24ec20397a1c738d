"""The lock files: complete, hashed, and free of any address."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from tests.processes import ROOT

_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)")
LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-build.lock"]


def _name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=!~;]", text, maxsplit=1)[0]).lower()


def _entries(lock: str) -> list[str]:
    """Each requirement of ``lock`` with its hashes, as one line."""
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]


def _pins(lock: str) -> set[tuple[str, str]]:
    matches = [_PIN.match(entry) for entry in _entries(lock)]
    return {(_name(match[1]), match[2]) for match in matches if match}


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*-|find-links|index-url|trusted-host", text.replace("\\\n", " "), re.M)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_entry_is_pinned_and_hashed(lock: str) -> None:
    loose = [entry for entry in _entries(lock) if not _PIN.match(entry) or "--hash=sha256:" not in entry]
    assert loose == []


def test_every_dependency_is_locked() -> None:
    project = _project()
    wanted = {_name(text) for text in project["project"]["dependencies"]}
    assert wanted - {name for name, _ in _pins("requirements.lock")} == set()
    groups = project["dependency-groups"]
    wanted |= {_name(text) for text in groups["dev"] + groups["build"] if isinstance(text, str)}
    assert wanted - {name for name, _ in _pins("requirements-dev.lock")} == set()


def test_tools_change_no_version() -> None:
    """What the tests run with is what runs: `make run` relies on it when it finds the tools' environment."""
    assert _pins("requirements.lock") | _pins("requirements-build.lock") <= _pins("requirements-dev.lock")


@pytest.mark.parametrize("name", ["uv.lock", "pylock.toml"])
def test_locks_that_record_addresses_stay_out(name: str) -> None:
    assert name in (ROOT / ".gitignore").read_text().splitlines()
    assert not (ROOT / name).exists()
