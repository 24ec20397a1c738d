"""Names: what is kept, turned round, split and dropped."""

from __future__ import annotations

import pytest

from leadsvc.normalize.names import people, person


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Nadia Farouk", [("Nadia", "Farouk", "")]),
        ("Trent", [("Trent", "", "")]),
        ("Farouk, Nadia", [("Nadia", "Farouk", "")]),
        ("SMITH,BOB", [("Bob", "Smith", "")]),
        ("O'BRIEN, MARY", [("Mary", "O'Brien", "")]),
        ("MCDONALD, RON", [("Ron", "McDonald", "")]),
        ("jean-luc picard", [("Jean-Luc", "Picard", "")]),
        ("ana maría de los santos", [("Ana María", "de los Santos", "")]),
        ("María\xa0de la Cruz", [("María", "de la Cruz", "")]),
        ("Mary Ann Smith", [("Mary Ann", "Smith", "")]),
        ("Jane A. Doe", [("Jane", "Doe", "")]),
        ("Dr. Bob", [("Bob", "", "")]),
        ("Ms. Ines Moreau", [("Ines", "Moreau", "")]),
        ("Bob Smith, Jr.", [("Bob", "Smith", "Jr")]),
        ("Smith Jr., John", [("John", "Smith", "Jr")]),
        ("Prince Oduya", [("Prince", "Oduya", "")]),
        ("King Davis", [("King", "Davis", "")]),
        ('Robert "Bob" Smith', [("Robert", "Smith", "")]),
        ("Jane Doe (jane@example.com)", [("Jane", "Doe", "")]),
        ("\U0001f338 Jane Doe \U0001f338", [("Jane", "Doe", "")]),
        ("李 小龙", [("李", "小龙", "")]),
        ("TJ", [("TJ", "", "")]),
        ("mo", [("Mo", "", "")]),
        ("Sandy & Andy Land", [("Sandy", "Land", ""), ("Andy", "Land", "")]),
        ("Bob and Jane Smith", [("Bob", "Smith", ""), ("Jane", "Smith", "")]),
        ("Smith, Bob & Jane", [("Bob", "Smith", ""), ("Jane", "Smith", "")]),
        ("Bob Smith and Jane Doe", [("Bob", "Smith", ""), ("Jane", "Doe", "")]),
        ("Mr. & Mrs. Smith", [("Smith", "", "")]),
    ],
)
def test_whole_names(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert [(p.value.given, p.value.family, p.value.suffix) for p in people(text)] == expected


@pytest.mark.parametrize(
    "text",
    ["", " ", "UNKNOWN", "WIRELESS CALLER", "None", "null null", "[V]", "N/A", "123", "jane@example.com", "- -",
     "http://win.example.com/prize", "Zillow User", "TOLL FREE CALLER"],
)  # fmt: skip
def test_nobody(text: str) -> None:
    assert people(text) == ()


@pytest.mark.parametrize(
    ("given", "family", "expected"),
    [
        ("Bob & Jane", "Smith", [("Bob", "Smith"), ("Jane", "Smith")]),
        ("Jane Doe", "", [("Jane", "Doe")]),
        ("Jane Doe", "Doe", [("Jane", "Doe")]),
        ("", "Doe", [("", "Doe")]),
        ("Ann", ".", [("Ann", "")]),
        ("Ann", "N/A", [("Ann", "")]),
        ("JANE", "DOE", [("Jane", "Doe")]),
        ("Dr. Ann", "Lee Jr.", [("Ann", "Lee")]),
        ("None", "None", []),
    ],
)
def test_separate_fields(given: str, family: str, expected: list[tuple[str, str]]) -> None:
    assert [(p.value.given, p.value.family) for p in person(given, family)] == expected
