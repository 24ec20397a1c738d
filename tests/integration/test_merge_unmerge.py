"""Merging and taking it back (P4): whatever happens around it, afterwards it is as if it had not been.

The long version is a part of ``make drill``.
"""

from __future__ import annotations

import pytest

from tests.histories import Play, Step, as_if_it_had_not_been, run
from tests.renters import Office

KEN = ("Ken Mori", None, "0123")
ROSA = ("Rosa Berg", "rosa@example.com", "0120")
ROSA_BY_MAIL = ("Rosa Berg", "rosa@example.com", None)
ANDERS = ("Anders Lind", "anders@example.com", "0122")

# What once went wrong: each a history that ends with all merges taken back, oldest first.
A_TASK_MADE_FOR_SOMEBODY_ELSE: list[Step] = [
    ("lead", KEN, "chd001"),
    ("lead", ROSA, "chd001"),
    ("happened", "m0", "leased"),
    ("join", "m0", "m1"),
    ("lead", ("Rosa Berg", "rb@example.com", None), "chd001"),
    ("lead", KEN, "chd001"),
]
A_CARD_THAT_WAS_OPEN_BY_ANOTHER_MERGE: list[Step] = [
    ("lead", KEN, "chd001"),
    ("lead", ANDERS, "chd001"),
    ("join", "m1", "m0"),
    ("lead", ROSA_BY_MAIL, "Nowhere Gardens"),
    ("lead", ROSA, "Nowhere Gardens"),
    ("join", "m0", "m2"),
    ("lead", KEN, "Nowhere Gardens"),
    ("lead", ROSA_BY_MAIL, "chd001"),
    ("undo", 0),
    ("join", "m1", "m2"),
    ("undo", 0),
]


@pytest.mark.parametrize("script", [A_TASK_MADE_FOR_SOMEBODY_ELSE, A_CARD_THAT_WAS_OPEN_BY_ANOTHER_MERGE])
def test_what_once_went_wrong(office: Office, script: list[Step]) -> None:
    play = Play(office)
    for step in script:
        play.do(step)
    as_if_it_had_not_been(office, play)


def test_as_if_it_had_not_been(office: Office) -> None:
    run(office, histories=15, fixed=True)
