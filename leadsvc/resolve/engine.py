"""Who wrote these? Scores of pairs with what speaks for and against, and the partition of a neighbourhood into people.

Everything here is a function of traces, a model and the crowd behind each value: the order in which inquiries came
plays no part, and the same engine answers for one new lead (:mod:`.joining`) and for a million old ones.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from leadsvc.resolve.cluster import Against, average_link, voice
from leadsvc.resolve.levels import FIELDS, NEVER_MISSING, Compared, Crowd, Usable, compare, two_generations, usable
from leadsvc.resolve.model import HOUSEHOLD, SAME, STRANGER, Model
from leadsvc.resolve.tell import sentence, spoken
from leadsvc.resolve.trace import Trace

FLOOR = -3.0
"""Natural log odds below which a pair does not make two inquiries neighbours."""

RELATED = 0.5
"""Probability from which two who are not one person are proposed as one household."""

LARGEST = 300
"""Inquiries a neighbourhood may have, as the work grows with the square of it. Of a larger one those with one name and
the same contact values count once; if it is still too large, it is taken apart along its weakest links first."""

TIGHTER, TIGHTEST = 1.0, 6.0
"""Natural log odds by which the links of a neighbourhood that is too large are raised at a time, and beyond which they
are not taken apart any more."""

_DIGITS = 9  # odds are rounded, so that sums in another order cannot decide

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """One bar of the waterfall: what a field says, and how much (bits: each doubles or halves the odds)."""

    field: str
    level: str
    ours: str
    theirs: str
    weight: float


@dataclass(frozen=True, slots=True)
class Score:
    """``same``: natural log odds that one person wrote both. ``household``: probability that, if it was not one person,
    two of one household did.
    ``rival``: the explanation that the steps compare with. The first step is the prior."""

    same: float
    household: float
    rival: str
    steps: tuple[Step, ...]
    compared: Compared

    @property
    def probability(self) -> float:
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, self.same))))

    @property
    def sentence(self) -> str:
        """What speaks for and against, shortest first: "Same phone and last name, 3 days apart"."""
        return sentence(self.compared)

    def evidence(self) -> list[dict[str, Any]]:
        """The steps as a decision keeps them."""
        return [
            {"field": each.field, "level": each.level, "ours": each.ours, "theirs": each.theirs, "weight": each.weight}
            for each in self.steps
        ]


def odds(one: Usable, other: Usable, model: Model) -> tuple[float, float]:
    """Natural log odds of one person, and how probably two of one household share a value."""
    told = heard(one, other, model)
    return told.same, told.household


def linked(one: Usable, other: Usable, model: Model) -> bool:
    """Whether two inquiries that share a key belong to one neighbourhood, whose parts are judged together."""
    return odds(one, other, model)[0] > FLOOR


class Heard(NamedTuple):
    """What a pair comes to: ``same`` as in :class:`Score`; ``household`` as there where they share a contact value,
    else 0, as nobody is said to live with whoever is like them; ``voice`` in a group
    (:func:`leadsvc.resolve.cluster.voice`)."""

    same: float
    household: float
    voice: float


def heard(one: Usable, other: Usable, model: Model) -> Heard:
    """Compare two inquiries, without keeping what each field said."""
    compared = compare(one, other)
    same, household = _judged(compared, one.trace, other.trace, model)[:2]
    return Heard(
        same, household * compared.shared, voice(same, model.priors[0], _against(compared, one.trace, other.trace))
    )


def _judged(compared: Compared, one: Trace, other: Trace, model: Model) -> tuple[float, float, float, float]:
    same, household, stranger = model.odds(compared.levels, model.shares(one, other, compared))
    top = max(household, stranger)
    rest = top + math.log(math.exp(household - top) + math.exp(stranger - top))
    return round(min(same - rest, compared.most), _DIGITS), math.exp(household - rest), household, stranger


def score(one: Usable, other: Usable, model: Model) -> Score:
    """Compare two inquiries and keep what each field said."""
    compared = compare(one, other)
    same, mates, household, stranger = _judged(compared, one.trace, other.trace, model)
    rival = HOUSEHOLD if household > stranger else STRANGER
    prior = model.priors[0] - (model.priors[1] if rival == HOUSEHOLD else 0.0)
    steps = [Step("prior", f"any two inquiries, against {rival}", "", "", _bits(prior))]
    shares = model.shares(one.trace, other.trace, compared)
    for place, ((field, kinds), level) in enumerate(zip(FIELDS, compared.levels, strict=True)):
        if level == 0 and field not in NEVER_MISSING:
            continue
        against = model.logs[rival][place][level]
        if rival == STRANGER and shares[place]:
            against = math.log(shares[place])
        ours, theirs = spoken(field, one.trace), spoken(field, other.trace)
        words = kinds(level).name.lower().replace("_", " ")
        steps.append(Step(field, words, ours, theirs, _bits(model.logs[SAME][place][level] - against)))
    told = sum(each.weight for each in steps) * math.log(2)
    if told > compared.most:
        steps.append(Step("limit", "no contact value agrees", "", "", _bits(compared.most - told)))
    return Score(same, mates, rival, tuple(steps), compared)


def _bits(natural: float) -> float:
    return round(natural / math.log(2), 2)


@dataclass(frozen=True, slots=True)
class Partition:
    """A neighbourhood taken apart into people. ``reviews`` and ``households``: pairs of ids that stand for two groups,
    with the natural log odds and the probability of a household."""

    clusters: tuple[frozenset[str], ...]
    reviews: tuple[tuple[str, str, float], ...]
    households: tuple[tuple[str, str, float], ...]


def partition(
    traces: Iterable[Trace],
    model: Model,
    crowd: Crowd,
    *,
    same: Collection[Pair] = (),
    apart: Collection[Pair] = (),
) -> Partition:
    """Take a neighbourhood apart into people. ``same`` and ``apart``: pairs of ids on which a person has decided."""
    rows = [usable(each, crowd, model.frequencies.masked) for each in in_order(traces)]
    at = {row.trace.id: place for place, row in enumerate(rows)}
    matrix = [[0.0] * len(rows) for _ in rows]
    voices = [[0.0] * len(rows) for _ in rows]
    mates: dict[tuple[int, int], float] = {}
    for first, one in enumerate(rows):
        for second in range(first + 1, len(rows)):
            told = heard(one, rows[second], model)
            matrix[first][second] = matrix[second][first] = told.same
            voices[first][second] = voices[second][first] = told.voice
            if told.household >= RELATED:
                mates[first, second] = told.household
    bound = [(at[a], at[b]) for a, b in same if a in at and b in at]
    barred = [(at[a], at[b]) for a, b in apart if a in at and b in at]
    groups = average_link(voices, model.join_at, bound, barred)
    return read_off([row.trace.id for row in rows], matrix, groups, mates, barred, model)


def _against(compared: Compared, one: Trace, other: Trace) -> Against:
    if two_generations(one.suffix, other.suffix):
        return Against.GENERATION
    return Against.FIRST_NAME if compared.contradicted else Against.NOTHING


def who(row: Usable) -> tuple[object, ...] | None:
    """What two inquiries of a large neighbourhood have in common that count once; ``None`` where one has no contact
    value, or several of a kind."""
    values = tuple(row.emails), tuple(row.threads), tuple(row.phones)
    if not any(values) or any(len(each) > 1 for each in values):
        return None
    return row.trace.spelled, row.trace.suffix, *values


def in_order(traces: Iterable[Trace]) -> list[Trace]:
    """The order that settles what is equal: by the renters' own time, then by id."""
    return sorted(traces, key=lambda each: (each.at, each.id))


def read_off(
    ids: Sequence[str],
    matrix: Sequence[Sequence[float]],
    groups: Sequence[Sequence[int]],
    mates: Mapping[tuple[int, int], float],
    barred: Collection[tuple[int, int]],
    model: Model,
) -> Partition:
    """What the groups of a neighbourhood have to do with each other: nothing, a question, or a household."""
    group_of = {row: number for number, rows in enumerate(groups) for row in rows}
    apart = {frozenset((group_of[a], group_of[b])) for a, b in barred}
    reviews, households = [], []
    for first, ours in enumerate(groups):
        for second in range(first + 1, len(groups)):
            theirs = groups[second]
            if frozenset((first, second)) in apart:
                continue
            loudest = max((matrix[a][b], -a, -b) for a in ours for b in theirs)
            if loudest[0] >= model.review_at:
                reviews.append((ids[-loudest[1]], ids[-loudest[2]], loudest[0]))
                continue
            shared = [
                (mates[pair], -pair[0], -pair[1])
                for pair in ((min(a, b), max(a, b)) for a in ours for b in theirs)
                if pair in mates
            ]
            if shared:
                chance, one, other = max(shared)
                households.append((ids[-one], ids[-other], chance))
    return Partition(tuple(frozenset(ids[row] for row in rows) for rows in groups), tuple(reviews), tuple(households))
