"""`./dev setup`: quick when nothing changed, right after the checkout was moved, and never taking tools away."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.processes import ROOT

pytestmark = pytest.mark.slow

LOCKS = {"run.lock": "requirements.lock", "dev.lock": "requirements-dev.lock"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose environment claims to hold the run lock; its libraries are those of this environment."""
    folder = tmp_path / "a checkout"
    folder.mkdir()
    for name in ("dev", *LOCKS.values()):
        shutil.copy2(ROOT / name, folder / name)
    shutil.copytree(ROOT / "leadsvc" / "cli", folder / "leadsvc" / "cli")
    for name in ("__init__.py", "errors.py"):
        shutil.copy2(ROOT / "leadsvc" / name, folder / "leadsvc" / name)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / ".venv"], check=True)
    (site,) = (folder / ".venv" / "lib").glob("python3.*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    shutil.copy2(ROOT / "requirements.lock", folder / ".venv" / "run.lock")
    return folder


@pytest.fixture
def syncs(checkout: Path) -> Path:
    """Where a stand-in for uv, which would need the network, writes down what it was asked for."""
    log = checkout / "syncs"
    uv = checkout / ".venv" / "bin" / "uv"
    uv.write_text(f"#!/bin/sh\necho \"$@\" >>'{log}'\n")
    uv.chmod(0o755)
    return log


def _setup(checkout: Path) -> None:
    done = subprocess.run([checkout / "dev", "setup"], capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr


def _version(checkout: Path, cwd: Path) -> str:
    done = subprocess.run([checkout / ".venv/bin/leadsvc", "--version"], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_is_installed_twice(checkout: Path, syncs: Path) -> None:
    _setup(checkout)
    assert not syncs.exists()


def test_leadsvc_runs_from_anywhere_and_after_a_move(checkout: Path, syncs: Path, tmp_path: Path) -> None:
    _setup(checkout)
    decoy = tmp_path / "elsewhere" / "leadsvc"
    decoy.mkdir(parents=True)
    (decoy / "__init__.py").touch()
    assert _version(checkout, tmp_path / "elsewhere").startswith("leadsvc, version ")
    moved = checkout.rename(tmp_path / "moved")
    _setup(moved)
    assert _version(moved, tmp_path / "elsewhere").startswith("leadsvc, version ")


def test_leadsvc_runs_through_a_link(checkout: Path, syncs: Path, tmp_path: Path) -> None:
    _setup(checkout)
    link = tmp_path / "leadsvc"
    link.symlink_to(checkout / ".venv" / "bin" / "leadsvc")
    assert subprocess.run([link, "--version"], capture_output=True, cwd="/").returncode == 0


def test_changed_lock_is_installed_with_hashes(checkout: Path, syncs: Path) -> None:
    with (checkout / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    _setup(checkout)
    (asked,) = syncs.read_text().splitlines()
    assert asked.endswith("--require-hashes requirements.lock")
    _setup(checkout)
    assert len(syncs.read_text().splitlines()) == 1


def test_tools_are_kept_when_the_lock_changes(checkout: Path, syncs: Path) -> None:
    (checkout / ".venv" / "dev.lock").write_text("an older one\n")
    _setup(checkout)
    assert syncs.read_text().splitlines()[0].endswith("--require-hashes requirements-dev.lock")
    for stamp, lock in LOCKS.items():
        assert (checkout / ".venv" / stamp).read_bytes() == (checkout / lock).read_bytes()
