"""No pattern of a map or of the tables beside them can be made slow by what somebody writes into a mail."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadsvc.cli.backtracking import LIMIT_S, pattern_fault, slowest
from leadsvc.fieldmap import check_file
from leadsvc.normalize import yamltext

MAPPINGS = Path(__file__).parent.parent.parent / "mappings"


@pytest.mark.slow
@pytest.mark.parametrize("file", sorted(MAPPINGS.glob("*.yaml")), ids=lambda file: file.stem)
def test_no_pattern_of_a_map_is_slow(file: Path) -> None:
    assert check_file(file, pattern_fault) == []


def _not_leads() -> list[str]:
    rows = yamltext.load((MAPPINGS / "shared" / "not_leads.yaml").read_text(encoding="utf-8"))["not_leads"]
    sets = [one for row in rows for one in (row["when"] if isinstance(row["when"], list) else [row["when"]])]
    return [text for one in sets for key in ("body", "not_body", "subject", "from_name") for text in one.get(key, ())]


@pytest.mark.slow
def test_no_pattern_of_a_class_is_slow() -> None:
    assert len(_not_leads()) > 50
    assert [pattern for pattern in _not_leads() if pattern_fault(pattern)] == []


@pytest.mark.parametrize(
    "pattern", [r"^(\w+\s?)*$", r"(?P<v>.*)\bvia\b.*?:\s.*\|", r"(a|aa)+$", r"^(?P<v>[^|]*?x?[^|]*?)\|"]
)
def test_slow_patterns_are_told(pattern: str) -> None:
    assert slowest(pattern)[0] > LIMIT_S
    assert "again and again" in pattern_fault(pattern)


def test_the_fault_names_its_place(tmp_path: Path) -> None:
    text = (MAPPINGS / "adf_lead.yaml").read_text(encoding="utf-8")
    file = tmp_path / "adf_lead.yaml"
    file.write_text(f"{text}\nuntil: ['^(\\w+\\s?)*$']\n", encoding="utf-8")
    (fault,) = check_file(file, pattern_fault)
    assert fault.startswith(f"{file}:{len(text.splitlines()) + 2}:")
    assert check_file(file) == []
