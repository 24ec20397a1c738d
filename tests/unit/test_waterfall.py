"""Evidence as people read it, from rows with weights, without, and from the engine itself."""

from __future__ import annotations

from typing import Any

import pytest

from leadsvc.web.waterfall import STEPS, waterfall


def row(field: str, weight: Any = None, **more: Any) -> dict[str, Any]:
    return {"field": field, "level": "exact", "ours": "a", "theirs": "b", "weight": weight} | more


@pytest.mark.parametrize(
    ("weights", "percent", "words"),
    [
        ([9.0], "over 99%", "Almost certainly the same person"),
        ([-2.0, 6.0], "94%", "Very likely the same person"),
        ([-3.0, 4.5], "74%", "Probably the same person"),
        ([0.0], "50%", "It could be either"),
        ([-6.0, 4.0], "20%", "Probably two people"),
        ([-4.0], "6%", "Very likely two people"),
        ([-20.0, 5.0], "under 1%", "Almost certainly two people"),
        ([-2000.0], "under 1%", "Almost certainly two people"),
    ],
)
def test_weights_add_up_to_how_likely_it_is(weights: list[float], percent: str, words: str) -> None:
    fall = waterfall([row(f"field{place}", weight) for place, weight in enumerate(weights)])
    assert (fall.percent, fall.words) == (percent, words)


def test_the_prior_comes_first_and_then_what_says_most() -> None:
    fall = waterfall([row("phone", 1.0), row("name", -4.0), row("prior", -2.0), row("email", 0.0)])
    assert [bar.field for bar in fall.bars] == ["prior", "name", "phone", "email"]
    assert [bar.side for bar in fall.bars] == ["against", "against", "for", "neither"]
    assert [bar.width for bar in fall.bars] == [STEPS // 2, STEPS, STEPS // 4, 0]
    assert [bar.times for bar in fall.bars] == [
        "4.0 times less likely",
        "16 times less likely",
        "2.0 times more likely",
        "says nothing",
    ]


def test_rows_without_weights_are_told_without_a_figure() -> None:
    fall = waterfall([row("name"), {"field": "phone"}])
    assert (fall.percent, fall.words, fall.probability) == ("", "", None)
    assert [(bar.times, bar.width) for bar in fall.bars] == [("", 0), ("", 0)]


def test_what_a_merge_keeps_for_its_undoing_is_no_evidence() -> None:
    assert waterfall([row("card", level="folded"), row("task", level="hastened")]).bars == []
