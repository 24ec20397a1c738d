"""`./dev`, the Makefile and CONTRIBUTING agree on the verbs, and the script is plain POSIX sh."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest

from tests.processes import ROOT

DEV = ROOT / "dev"


def _verbs() -> set[str]:
    text = DEV.read_text()
    return set(re.findall(r"^([a-z]+)\)", text[text.index("case ${1:-help}") :], re.M))


def test_make_passes_every_verb_on() -> None:
    makefile = (ROOT / "Makefile").read_text()
    rule = re.search(r"^([a-z ]+):\n\t@\./dev \$@$", makefile, re.M)
    assert rule is not None
    assert set(rule[1].split()) == _verbs() | {"help"}


@pytest.mark.parametrize("verb", ["setup", "run", "test", "check", "bench", "drill"])
def test_promised_verb_exists_and_is_explained(verb: str) -> None:
    shown = subprocess.run([DEV, "help"], capture_output=True, text=True, check=True).stdout
    assert verb in _verbs()
    assert re.search(rf"^  {verb} +\S", shown, re.M)


def test_unknown_verb_is_refused() -> None:
    done = subprocess.run([DEV, "no-such-verb"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "no verb 'no-such-verb'" in done.stderr


def test_script_is_plain_sh() -> None:
    assert DEV.read_text().startswith("#!/bin/sh\n")
    assert subprocess.run(["/bin/sh", "-n", DEV]).returncode == 0


def test_ci_runs_the_tests_and_nothing_cleverer() -> None:
    assert (ROOT / ".ci" / "run").read_text().rstrip().endswith("exec make test")


def test_every_folder_of_tests_is_run() -> None:
    paths = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["testpaths"]
    assert set(paths) == {f"tests/{file.parent.name}" for file in (ROOT / "tests").rglob("test_*.py")}
