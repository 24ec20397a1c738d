"""Whom one new inquiry belongs to, among the prospects that share a key with it.

Every inquiry near is compared with the new one, once; prospects are taken as they are, since the engine put them
together. Only where several could be this person, or not all of one say so, are these taken apart anew. What that
leaves undecided is looked at with the whole neighbourhood later (:mod:`leadsvc.pipeline.settling`).
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

from leadsvc.resolve.engine import FLOOR, RELATED, Heard, Pair, Score, heard, partition, score
from leadsvc.resolve.levels import Crowd, Usable, usable
from leadsvc.resolve.model import Model
from leadsvc.resolve.trace import Trace

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Placed(Generic[K]):
    """What follows for one new inquiry. ``verdict``: ``join`` (``group``, with the groups in ``merge``), ``review``
    (new, may be ``group``) or ``new``. ``near``: somebody is close enough for the neighbourhood to be judged as a
    whole. ``torn``: one of the groups in question seems to be several people. ``score`` against the inquiry that speaks
    loudest; ``related``: groups of the same household."""

    verdict: str
    group: K | None = None
    merge: tuple[K, ...] = ()
    near: bool = False
    torn: bool = False
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
    """Place ``new`` among ``groups`` of traces. ``same`` and ``apart``: pairs of ids on which a person has decided."""
    mine = usable(new, crowd, model.frequencies.masked)
    told = {key: _Beside(mine, rows, model, crowd, same, apart) for key, rows in groups.items() if rows}
    near = {key: each for key, each in told.items() if each.ruled or each.most.same > FLOOR}
    joined, torn = _joined(new, near, model, crowd, same, apart)
    related = {
        key: each.score_of(each.mate) for key, each in told.items() if each.heard[each.mate].household >= RELATED
    }
    if joined:
        first, *others = joined
        beside = tuple(each for each in related.items() if each[0] not in joined)
        return Placed("join", first, tuple(others), True, torn, near[first].score_of(near[first].loudest), beside)
    asked = [key for key, each in near.items() if not each.barred and each.most.same >= model.review_at]
    if asked:
        maybe = max(asked, key=lambda key: (near[key].most.same, str(key)))
        beside = tuple(each for each in related.items() if each[0] != maybe)
        return Placed("review", maybe, (), True, torn, near[maybe].score_of(near[maybe].loudest), beside)
    return Placed("new", near=bool(near), torn=torn, related=tuple(related.items()))


class _Beside:
    """A group beside the new inquiry: each of its inquiries with what the pair comes to."""

    def __init__(
        self,
        new: Usable,
        rows: Sequence[Trace],
        model: Model,
        crowd: Crowd,
        same: Collection[Pair],
        apart: Collection[Pair],
    ) -> None:
        self.model, self.new = model, new
        self.rows = [usable(each, crowd, model.frequencies.masked) for each in rows]
        self.heard = [heard(self.new, each, model) for each in self.rows]
        ids = {each.id for each in rows}
        own = new.trace.id
        self.bound, self.barred = (any(own in pair and ids & set(pair) for pair in pairs) for pairs in (same, apart))

    @property
    def ruled(self) -> bool:
        """Whether a person has decided about the new inquiry and one of the group."""
        return self.bound or self.barred

    @cached_property
    def loudest(self) -> int:
        """The place of the inquiry that speaks loudest for one person."""
        return max(range(len(self.rows)), key=lambda at: (self.heard[at].same, *_later(self.rows[at])))

    @cached_property
    def mate(self) -> int:
        """The place of the inquiry that speaks loudest for one household."""
        return max(range(len(self.rows)), key=lambda at: (self.heard[at].household, *_later(self.rows[at])))

    @property
    def most(self) -> Heard:
        return self.heard[self.loudest]

    @property
    def agreed(self) -> bool:
        """Whether all of the group say that this is one of them, so that the new inquiry takes nothing apart."""
        return not self.ruled and min(each.voice for each in self.heard) >= self.model.join_at

    @property
    def likely(self) -> bool:
        """Whether the new inquiry can come to be in one group with one of these: a mean reaches the threshold only
        where one of its parts does."""
        return self.bound or max(each.voice for each in self.heard) >= self.model.join_at

    @property
    def first(self) -> tuple[int, str]:
        """When the group began, and the id of the inquiry that did."""
        return min((each.trace.at, each.trace.id) for each in self.rows)

    def score_of(self, at: int) -> Score:
        return score(self.new, self.rows[at], self.model)


def _later(row: Usable) -> tuple[int, str]:
    return -row.trace.at, row.trace.id


def _joined(
    new: Trace,
    near: Mapping[K, _Beside],
    model: Model,
    crowd: Crowd,
    same: Collection[Pair],
    apart: Collection[Pair],
) -> tuple[list[K], bool]:
    """The groups that the new inquiry is one person with, the one that stands for them first; and whether one of those
    in question came apart."""
    likely = [key for key, each in near.items() if each.likely]
    if len(likely) < 2 and all(near[key].agreed for key in likely):
        return likely, False
    everybody = [new, *(each.trace for key in likely for each in near[key].rows)]
    found = partition(everybody, model, crowd, same=same, apart=apart)
    cluster = {id: number for number, ids in enumerate(found.clusters) for id in ids}
    inside = {key: sum(cluster[each.trace.id] == cluster[new.id] for each in near[key].rows) for key in likely}
    torn = any(len({cluster[each.trace.id] for each in near[key].rows}) > 1 for key in likely)
    joined = [key for key in likely if inside[key]]
    return sorted(joined, key=lambda key: (-inside[key], near[key].first)), torn
