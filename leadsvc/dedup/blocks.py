"""Traces on their way into columns: taken apart by one process, put together by another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from leadsvc.dedup.arrays import Flags, Floats, Ints
from leadsvc.dedup.columns import NONE, Coded, Columns
from leadsvc.resolve.keys import written
from leadsvc.resolve.trace import Trace


@dataclass(frozen=True)
class Block:
    """Some traces by column, as one process hands them to another: texts of one column in one, so that they pass
    quickly. ``keys`` holds the keys of all rows one after the other, ``counts`` how many each row has."""

    ids: str
    at: Ints
    names: str
    emails: str
    threads: str
    phones: str
    places: str
    regions: str
    move_in: Ints
    bedrooms: Floats
    said: Ints
    vouched: Flags
    keys: Ints
    counts: Ints


_BETWEEN = "\x1e"  # the record separator: no normalised value holds it


def _text_of(values: Iterable[str]) -> str:
    several = list(values)
    text = _BETWEEN.join(several)
    if text.count(_BETWEEN) < len(several):
        return text
    return _BETWEEN.join(each.replace(_BETWEEN, " ") for each in several)


def _name_of(trace: Trace) -> str:
    if not (trace.given or trace.family or trace.suffix):
        return ""
    return "|".join((" ".join(trace.given), " ".join(trace.family), trace.suffix, "1" if trace.guessed else ""))


def block(traces: Sequence[Trace]) -> Block:
    """Take traces apart into columns, with their keys."""
    # Keys are compared with each other only, here and in processes that are copies of this one: any hash will do.
    made = [{hash(text) for text in written(each)} for each in traces]
    return Block(
        _text_of(each.id for each in traces),
        np.array([each.at for each in traces], np.int64),
        _text_of(map(_name_of, traces)),
        _text_of(" ".join(each.emails) for each in traces),
        _text_of("\n".join(each.threads) for each in traces),
        _text_of(" ".join(each.phones) for each in traces),
        _text_of(each.place for each in traces),
        _text_of(each.region for each in traces),
        np.array([NONE if each.move_in is None else each.move_in for each in traces], np.int64),
        np.array([np.nan if each.bedrooms is None else each.bedrooms for each in traces], np.float64),
        np.array([each.said for each in traces], np.int64),
        np.array([each.vouched for each in traces], np.bool_),
        np.array([key for row in made for key in row], np.int64),
        np.array([len(row) for row in made], np.int64),
    )


class _Texts:
    """A column of texts that is numbered as it comes, so that this is done while others are still reading."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {"": NONE}
        self._codes: list[Ints] = []

    def add(self, texts: str) -> None:
        """Number the texts of a block; distinct ones in the order in which they come."""
        seen = self._seen
        self._codes.append(np.array([seen.setdefault(each, len(seen) - 1) for each in texts.split(_BETWEEN)], np.int64))

    def coded(self, order: Ints) -> Coded:
        """The column, its rows brought into order."""
        return Coded(_joined(self._codes, np.int64)[order], [each for each in self._seen if each])


_TEXTS = ("names", "emails", "threads", "phones", "places", "regions")


def gather(blocks: Iterable[Block]) -> Columns:
    """Put blocks together and bring their rows into order."""
    ids: list[str] = []
    texts = {name: _Texts() for name in _TEXTS}
    parts: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in _NUMBERS}
    for each in blocks:
        if not len(each.at):
            continue
        ids += each.ids.split(_BETWEEN)
        for name, column in texts.items():
            column.add(getattr(each, name))
        for name, arrays in parts.items():
            arrays.append(getattr(each, name))
    numbers = {name: _joined(arrays, _NUMBERS[name]) for name, arrays in parts.items()}
    order = np.lexsort((np.array(ids, dtype=np.str_), numbers["at"])).astype(np.int64)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return Columns(
        [ids[row] for row in order.tolist()],
        numbers["at"][order],
        **{name: column.coded(order) for name, column in texts.items()},
        move_in=numbers["move_in"][order],
        bedrooms=numbers["bedrooms"][order],
        said=numbers["said"][order],
        vouched=numbers["vouched"][order],
        keys=numbers["keys"],
        key_rows=np.repeat(place, numbers["counts"]),
    )


_NUMBERS: dict[str, type[Any]] = {
    "at": np.int64,
    "move_in": np.int64,
    "bedrooms": np.float64,
    "said": np.int64,
    "vouched": np.bool_,
    "keys": np.int64,
    "counts": np.int64,
}


def _joined(arrays: Sequence[npt.NDArray[Any]], kind: type[Any]) -> npt.NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.empty(0, kind)
