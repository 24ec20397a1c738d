"""The wheel: everything that runs, nothing else, under one name; and it works away from the checkout."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

import leadsvc
from tests.processes import ROOT

pytestmark = pytest.mark.slow

_NEVER_SHIPPED = {".pyc", ".db", ".env", ".key", ".log", ".pem"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def _tracked(folder: str) -> set[str]:
    """The files of ``folder`` that git knows and that exist: caches and what is being written are not among them."""
    listed = subprocess.run(["git", "ls-files", "-z", folder], cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [path for path in listed.stdout.split("\0") if path]
    return {path for path in paths if (ROOT / path).is_file() and not (ROOT / path).is_symlink()}


def test_version_is_told_once() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == leadsvc.__version__


def test_wheel_has_one_name(names: set[str]) -> None:
    assert {name.split("/")[0] for name in names} == {"leadsvc", f"leadsvc-{leadsvc.__version__}.dist-info"}


def test_wheel_has_every_tracked_file(names: set[str]) -> None:
    linked = {f"leadsvc/{path}" for folder in ("parsers", "workers", "mappings") for path in _tracked(folder)}
    assert (_tracked("leadsvc") | linked) - names == set()


def test_wheel_has_nothing_left_behind(names: set[str]) -> None:
    assert {name for name in names if Path(name).suffix in _NEVER_SHIPPED} == set()


@pytest.mark.parametrize("folder", ["parsers", "workers", "mappings", "store/migrations/versions", "web/templates"])
def test_wheel_has_what_is_reached_by_path(names: set[str], folder: str) -> None:
    assert any(name.startswith(f"leadsvc/{folder}/") for name in names)


def test_wheel_runs_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """In an environment of its own that borrows the libraries, but not the checkout, of this one."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    subprocess.run([*pip, "install", "-q", "--no-deps", "--no-index", str(wheel)], check=True, capture_output=True)
    (site,) = (tmp_path / "venv" / "lib").glob("python3.*/site-packages")
    # The path is added as it is: path files inside it, the checkout's among them, are not read.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    modules = "import leadsvc.store as store, leadsvc.parsers as parsers, leadsvc.workers as workers\n"
    show = modules + "print(store.__file__, parsers.__file__, workers.__file__, sep='\\n')"
    files = _output([str(python), "-P", "-c", show], tmp_path).splitlines()
    assert [Path(file).is_relative_to(site) for file in files] == [True, True, True]
    command = str(python.with_name("leadsvc"))
    assert _output([command, "--version"], tmp_path) == f"leadsvc, version {leadsvc.__version__}\n"
    assert "Usage: leadsvc" in _output([command, "--help"], tmp_path)
    _output([str(python), "-P", "-c", "from leadsvc.store import migrate; migrate('sqlite:///here.db')"], tmp_path)
    assert (tmp_path / "here.db").stat().st_size > 0


def _output(command: list[str], cwd: Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout
