"""Names of agents, what people said that names mean, and what an unknown one may mean."""

from __future__ import annotations

import uuid
from datetime import date

import pytest

from leadsvc.places import AgentRow, Answer, Option, name_key, suggest
from leadsvc.places.answers import Answers
from leadsvc.places.staff import Staff

HOME, AWAY = uuid.UUID(int=1), uuid.UUID(int=2)
OPTIONS = (
    Option("a", "Cedar Hollow", ("chd001", "chd"), "4100 Cedar Hollow Dr, Tulsa, OK", "4100 Cedar Hollow Dr"),
    Option("b", "Cedar Ridge", ("crr002",), "12 Ridge Rd, Tulsa, OK", "12 Ridge Rd"),
    Option("c", "Bayview Terrace", ("bvt003",), "88 Bayview Ter, Tacoma, WA", "88 Bayview Ter"),
)


@pytest.mark.parametrize(
    ("text", "best", "why"),
    [
        ("cedar-hollow", "a", "the same"),
        ("Cedarhollow", "a", "the same"),
        ("Cedar Hollow Apartments", "a", "all words"),
        ("Cedar Holow", "a", "cedar"),
        ("CHD", "a", "the same"),
        ("Bayview", "c", "all words"),
        ("4100 Cedar Holow Drive", "a", "house number"),
        ("88 Bay View Terrace, Tacoma", "c", ""),
    ],
)
def test_the_likeliest_comes_first_with_its_reason(text: str, best: str, why: str) -> None:
    found = suggest(text, OPTIONS)
    assert found[0].target == best
    assert why in found[0].why


@pytest.mark.parametrize("text", ["Zyx", "", "???", "12345"])
def test_nothing_alike_is_not_offered(text: str) -> None:
    assert suggest(text, OPTIONS) == ()


def test_a_sure_one_stands_alone() -> None:
    assert [each.target for each in suggest("Bayview Terrace", OPTIONS)] == ["c"]


def test_answers_have_days_and_the_last_one_counts() -> None:
    key = name_key("Old  Mill!")
    said = Answers([
        Answer("property", "", key, "Old Mill", "one", None, date(2025, 6, 30)),
        Answer("property", "", key, "Old Mill", "two", date(2025, 7, 1)),
        Answer("unit", str(HOME), name_key("Garden"), "Garden", "u1"),
        Answer("unit", str(HOME), name_key("Garden"), "Garden", "u2"),
    ])  # fmt: skip
    assert said.target("property", "", "old mill", date(2025, 6, 30)) == "one"
    assert said.target("property", "", "OLD MILL", date(2025, 7, 1)) == "two"
    assert said.target("unit", str(HOME), "garden", date(2026, 1, 1)) == "u2"
    assert said.target("unit", str(AWAY), "garden", date(2026, 1, 1)) == ""
    assert said.target("property", "", "new mill", date(2026, 1, 1)) == ""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Ana Ruiz", "ana"),
        ("RUIZ, ANA", "ana"),
        ("ana", "ana"),
        ("Ana", "ana"),
        ("Ms. Ana Ruiz", "ana"),
        ("Sam", ""),
        ("Sam Lee", "sam1"),
        ("Zoe", ""),
        ("the office", ""),
        ("", ""),
    ],
)
def test_agents_are_named_never_guessed(text: str, found: str) -> None:
    staff = Staff([
        AgentRow("ana", "Ana Ruiz", frozenset({HOME})),
        AgentRow("sam1", "Sam Lee", frozenset({HOME})),
        AgentRow("sam2", "Sam Ng", frozenset({HOME})),
        AgentRow("zoe", "Zoe Park", frozenset({AWAY})),
    ])  # fmt: skip
    assert staff.named(HOME, text) == found
    assert staff.at(AWAY) == {"zoe"}
