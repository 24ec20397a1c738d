"""What a person is to us: by card, by person, by their own word."""

from __future__ import annotations

import pytest
from sqlalchemy import CheckConstraint

from leadsvc.resolve.stage import STANDINGS, foremost, opting, standing, standing_by_card
from leadsvc.store.tables import prospects


@pytest.mark.parametrize(
    ("stage", "remote", "said"),
    [
        ("new", [], ""),
        ("new", ["prospect"], "prospect"),
        ("applied", ["prospect"], "applicant"),
        ("approved", [], "applicant"),
        ("leased", ["applicant"], "resident"),
        ("moved_in", ["former"], "former"),
        ("lost", ["resident"], "resident"),
        ("lost", [], ""),
        ("new", ["applicant", "prospect"], "applicant"),
    ],
)
def test_what_a_card_says(stage: str, remote: list[str], said: str) -> None:
    assert standing_by_card(stage, remote) == said


def test_of_several_cards_the_foremost_counts() -> None:
    assert foremost(["prospect", "resident", "former"]) == "resident"
    assert foremost(["former", "applicant"]) == "applicant"
    assert foremost([]) == ""


@pytest.mark.parametrize("text", ["STOP", "stop.", " Stop all ", "Unsubscribe!", "opt-out", "REVOKE"])
def test_words_that_opt_out(text: str) -> None:
    assert opting("text", text) is True
    assert opting("email", text) is None


@pytest.mark.parametrize("text", ["Please stop by on Friday", "stop it", "", "End of May?", "cancel my tour"])
def test_sentences_that_only_hold_such_a_word(text: str) -> None:
    assert opting("text", text) is None


def test_the_last_word_counts_and_an_agents_before_it() -> None:
    stop, start = ("text", "STOP"), ("text", "START")
    assert standing(["resident"], [stop], {}) == "opted_out"
    assert standing(["resident"], [stop, start], {}) == "resident"
    assert standing(["prospect"], [start, ("text", "Is it free?"), stop], {}) == "opted_out"
    assert standing(["prospect"], [stop], {"standing": {"value": "former"}}) == "former"
    assert standing(["prospect"], [], {"standing": {"value": ""}}) == "prospect"


def test_the_store_knows_the_same_words() -> None:
    (allowed,) = [
        str(each.sqltext)
        for each in prospects.constraints
        if isinstance(each, CheckConstraint) and each.name == "ck_prospects_standing"
    ]
    assert all(f"'{each}'" in allowed for each in STANDINGS)
