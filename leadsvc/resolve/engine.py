"""Who wrote these? Scores of pairs with what speaks for and against, and the partition of a neighbourhood into people.

Everything here is a function of traces, a model and the crowd behind each value: the order in which inquiries came
plays no part, and the same engine answers for one new lead and for a million old ones.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from leadsvc.resolve.cluster import Against, average_link, voice
from leadsvc.resolve.levels import FIELDS, NEVER_MISSING, Compared, Crowd, Usable, compare, two_generations, usable
from leadsvc.resolve.model import HOUSEHOLD, SAME, STRANGER, Model
from leadsvc.resolve.tell import sentence, spoken
from leadsvc.resolve.trace import Trace

FLOOR = -3.0
"""Natural log odds below which a pair does not make two inquiries neighbours."""

RELATED = 0.5
"""Probability from which two who are not one person are proposed as one household."""

_DIGITS = 9  # odds are rounded, so that sums in another order cannot decide

K = TypeVar("K", bound=Hashable)
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
    """Natural log odds of one person, and the probability of one household if it was not one person."""
    return _judged(compare(one, other), one.trace, other.trace, model)[:2]


def linked(one: Usable, other: Usable, model: Model) -> bool:
    """Whether two inquiries that share a key belong to one neighbourhood, whose parts are judged together."""
    return odds(one, other, model)[0] > FLOOR


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
            compared = compare(one, rows[second])
            same_odds, household = _judged(compared, one.trace, rows[second].trace, model)[:2]
            matrix[first][second] = matrix[second][first] = same_odds
            said = voice(same_odds, model.priors[0], _against(compared, one.trace, rows[second].trace))
            voices[first][second] = voices[second][first] = said
            if household >= RELATED:
                mates[first, second] = household
    bound = [(at[a], at[b]) for a, b in same if a in at and b in at]
    barred = [(at[a], at[b]) for a, b in apart if a in at and b in at]
    groups = average_link(voices, model.join_at, bound, barred)
    return read_off([row.trace.id for row in rows], matrix, groups, mates, barred, model)


def _against(compared: Compared, one: Trace, other: Trace) -> Against:
    if two_generations(one.suffix, other.suffix):
        return Against.GENERATION
    return Against.FIRST_NAME if compared.contradicted else Against.NOTHING


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


@dataclass(frozen=True, slots=True)
class Placed(Generic[K]):
    """What follows for one new inquiry. ``verdict``: ``join`` (``group``, with the groups in ``merge``), ``review``
    (new, may be ``group``) or ``new``. ``reopen``: the neighbourhood as a whole says something that a join cannot
    express. ``score`` against the inquiry that speaks loudest; ``related``: groups of the same household."""

    verdict: str
    group: K | None = None
    merge: tuple[K, ...] = ()
    reopen: bool = False
    score: Score | None = None
    related: tuple[tuple[K, Score], ...] = ()


def place(
    new: Trace,
    groups: Mapping[K, Sequence[Trace]],
    model: Model,
    crowd: Crowd,
    *,
    same: Collection[Pair] = (),
    apart: Collection[Pair] = (),
) -> Placed[K]:
    """Whom a new inquiry belongs to, among the ``groups`` (prospects) that share a key with it."""
    mine = usable(new, crowd, model.frequencies.masked)
    told = {key: [usable(each, crowd, model.frequencies.masked) for each in rows] for key, rows in groups.items()}
    near = {
        key: rows
        for key, rows in told.items()
        if any(odds(mine, each, model)[0] > FLOOR for each in rows) or _ruled(new.id, rows, same, apart)
    }
    related = _related(mine, told, model)
    if not near:
        return Placed("new", related=related)
    everybody = [new, *(each.trace for rows in near.values() for each in rows)]
    found = partition(everybody, model, crowd, same=same, apart=apart)
    own = next(each for each in found.clusters if new.id in each)
    whole, torn = [], False
    for key, rows in near.items():
        inside = sum(each.trace.id in own for each in rows)
        torn = torn or len({_cluster_of(found, each.trace.id) for each in rows}) > 1
        if inside:
            whole.append((-inside, min((each.trace.at, each.trace.id) for each in rows), key))
    if whole:
        whole.sort(key=lambda each: each[:2])
        first, *others = (each[2] for each in whole)
        loudest = _loudest(mine, near[first], model)
        beside = tuple(each for each in related if each[0] not in {first, *others})
        return Placed("join", first, tuple(others), torn, loudest, beside)
    asked = {each for pair in found.reviews for each in pair[:2]}
    maybe = [(key, _loudest(mine, rows, model)) for key, rows in near.items()]
    maybe = [each for each in maybe if new.id in asked and each[1].same >= model.review_at]
    if maybe:
        key, loudest = max(maybe, key=lambda each: (each[1].same, str(each[0])))
        beside = tuple(each for each in related if each[0] != key)
        return Placed("review", key, (), torn, loudest, beside)
    return Placed("new", reopen=torn, related=related)


def _ruled(new: str, rows: Sequence[Usable], same: Collection[Pair], apart: Collection[Pair]) -> bool:
    ids = {each.trace.id for each in rows}
    return any(new in pair and ids & set(pair) for pair in (*same, *apart))


def _cluster_of(found: Partition, id: str) -> int:
    return next(number for number, each in enumerate(found.clusters) if id in each)


def _loudest(mine: Usable, rows: Sequence[Usable], model: Model) -> Score:
    best = max(rows, key=lambda each: (odds(mine, each, model)[0], -each.trace.at, each.trace.id))
    return score(mine, best, model)


def _related(mine: Usable, told: Mapping[K, Sequence[Usable]], model: Model) -> tuple[tuple[K, Score], ...]:
    found = []
    for key, rows in told.items():
        best = max(rows, key=lambda each: (odds(mine, each, model)[1], -each.trace.at, each.trace.id))
        if odds(mine, best, model)[1] >= RELATED:
            found.append((key, score(mine, best, model)))
    return tuple(found)
