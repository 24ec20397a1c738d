"""Who may import what (pyproject.toml, tool.importlinter), and that the check really looks at the linked folders."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.processes import ROOT

LINKED = ["mappings", "parsers", "workers"]


@pytest.mark.parametrize("name", LINKED)
def test_folder_is_linked_into_the_package(name: str) -> None:
    link = ROOT / "leadsvc" / name
    assert link.is_symlink(), f"leadsvc/{name} is not a link: this checkout was made without symbolic links"
    assert link.resolve() == ROOT / name


def test_pure_parts_that_exist_are_all_listed() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    listed = next(contract["source_modules"] for contract in contracts if contract["name"].startswith("Pure"))
    pure = [
        "parsers",
        "fieldmap",
        "resolve",
        "dedup",
        "attribution",
        "normalize",
        "places",
        "trust",
        "drift",
        "learning",
    ]
    present = [name for name in pure if _exists(name)]
    assert sorted(listed) == sorted(f"leadsvc.{name}" for name in present)


def _exists(name: str) -> bool:
    package = ROOT / "leadsvc" / name
    return package.with_suffix(".py").exists() or (package / "__init__.py").exists()


def test_ruff_refuses_a_second_copy(tmp_path: Path) -> None:
    source = tmp_path / "second_copy.py"
    source.write_text("import workers\nfrom parsers import base\n\nprint(workers, base)\n")
    options = ["--no-cache", "--config", str(ROOT / "pyproject.toml"), "--select", "TID251"]
    ruff = [sys.executable, "-m", "ruff", "check", *options, str(source)]
    done = subprocess.run(ruff, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.count("second copy") == 2
