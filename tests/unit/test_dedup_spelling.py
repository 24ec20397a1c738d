"""Names in bulk: what is told beforehand is what the engine says after a look at the letters."""

from __future__ import annotations

from itertools import combinations
from random import Random

import numpy as np

from leadsvc.dedup.columns import Name
from leadsvc.dedup.letters import bits, within_slips
from leadsvc.dedup.spelling import Spellings
from leadsvc.resolve.levels import spellings

WORDS = (
    "maria", "mario", "mary", "marian", "ann", "anna", "an", "jon", "jan", "john", "jonathan", "johnathan", "bob",
    "robert", "roberto", "vero", "veronica", "li", "lee", "ly", "d", "m", "garcia", "garzia", "garciaa", "lopez",
    "lopes", "garcialopez", "de", "la", "del", "van", "mohammed", "muhamad", "dmitri", "dimitry", "smith12", "smith13",
    "test1", "test2", "rosa", "tao", "hernandez", "fernandez", "hernandes", "mariagarcia", "mgarcia", "nguyen", "ng",
)  # fmt: skip


def some_names(count: int, seed: int) -> list[Name]:
    """Names of few words, so that parts of them often agree, with slips in some."""
    random = Random(seed)

    def word() -> str:
        text = random.choice(WORDS)
        place = random.randrange(len(text))
        slip = random.choice(("", "x", text[place] * 2))
        return text[:place] + slip + text[place + 1 :] or text if random.random() < 0.2 else text

    def words(weights: tuple[int, ...]) -> tuple[str, ...]:
        return tuple(word() for _ in range(random.choices(range(len(weights)), weights)[0]))

    return [
        Name(
            words((1, 8, 3, 1)), words((2, 6, 4, 2, 1)), random.choice(("", "", "", "sr", "jr")), random.random() < 0.1
        )
        for _ in range(count)
    ]


def test_every_pair_of_names_is_compared_as_by_the_engine() -> None:
    names = sorted(set(some_names(420, 7)), key=repr)
    pairs = np.array(list(combinations(range(len(names)), 2)))
    given, family, turned = Spellings(names).compare(pairs[:, 0], pairs[:, 1])
    for row, (one, other) in enumerate(pairs.tolist()):
        ours, theirs = names[one], names[other]
        told = spellings(ours.spelled, ours.suffix, theirs.spelled, theirs.suffix)
        assert (given[row], family[row], turned[row]) == told, (ours, theirs)


def test_nobody_and_no_pairs() -> None:
    nobody = np.empty(0, np.int64)
    for names in ([], some_names(3, 1)):
        assert [len(each) for each in Spellings(names).compare(nobody, nobody)] == [0, 0, 0]


def test_a_slip_changes_two_letters_at_most() -> None:
    random = Random(4)
    for _ in range(2_000):
        text = "".join(random.choices("abcxyzéß李9._", k=random.randrange(1, 9)))
        place = random.randrange(len(text))
        slipped = text[:place] + random.choice(("", "q", "ö", text[place] * 2)) + text[place + 1 :]
        one, other = bits([text, slipped, ""])[:2]
        assert within_slips(one, other, 1), (text, slipped)
    far = bits(["garcia", "tschop"])
    assert not within_slips(far[:1], far[1:], 2)
