"""Whose words a chat transcript holds."""

from __future__ import annotations

import pytest

from leadsvc.normalize.transcript import said_by

NAME = "Nora Blume"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["[10:01 AM] Nora Blume: hi", "[10:02 AM] Pat: hello", "[10:03 AM] Nora: thanks"], ["hi", "thanks"]),
        (["(10:01:12) Visitor: hi", "(10:01:40) Agent: call (706) 555-0100"], ["hi"]),
        (["Nora Blume (10:01): hi", "Pat (10:02): hello"], ["hi"]),
        (["2026-02-09 10:01:12 Visitor 4711: hi", "2026-02-09 10:02:00 Pat: hello"], ["hi"]),
        (["Nora Blume 9:41 AM", "hi", "Pat 9:42 AM", "hello", "you"], ["hi"]),
        (["Visitor: hi", "second line", "Agent: hello", "more of mine"], ["hi", "second line"]),
        (["Nora (visitor): hi", "Pat (agent): hello"], ["hi"]),
        (["*Visitor:* hi", "*Pat:* hello"], ["hi"]),
        (["Visitor: Nora Blume", "Visitor: hi"], ["hi"]),
    ],
)
def test_only_the_visitor_speaks(lines: list[str], said: list[str]) -> None:
    assert said_by(lines, NAME) == said


def test_the_programs_remarks_are_nobodys_words() -> None:
    lines = ["Visitor: hi", "Pat has joined the chat", "this is Pat speaking", "Visitor: ok", "Chat ended"]
    assert said_by(lines, NAME) == ["hi", "ok"]


def test_a_colon_in_a_timed_turn_starts_no_turn() -> None:
    lines = [
        "[10:01] Nora Blume: two questions",
        "Parking: is it free?",
        "see https://oak.example/x",
        "[10:02] Pat: yes",
    ]
    assert said_by(lines, NAME) == ["two questions", "Parking: is it free?", "see https://oak.example/x"]


def test_without_a_name_only_roles_are_known() -> None:
    assert said_by(["Nora: hi", "Guest: ok", "Pat: hello"], "") == ["ok"]


def test_nobody_speaks_in_prose() -> None:
    assert said_by(["Dear team,", "please call me back.", "", "Nora"], NAME) == []
