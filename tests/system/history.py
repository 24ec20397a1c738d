"""Judges what a PMS saw. Knows the PMS's log and nothing of leadsvc: a card before its events before its tasks, one
write at a time per card, and nothing made twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

_MAKES = ("create_card", "add_event", "create_task")
_WRITES = (*_MAKES, "add_person", "update_card", "update_task", "merge_cards", "unmerge_card")
_BROKEN_OFF = 499


def violations(state: Mapping[str, Any]) -> list[str]:
    """Everything in ``/control/state`` that must not be, in words; empty when all is well."""
    return [*_doubles(state), *_crowds(state), *_overlaps(state["requests"]), *_disorder(state["requests"])]


def _doubles(state: Mapping[str, Any]) -> list[str]:
    alive = [card for card in state["cards"] if not card["merged_into"] and card["third_party_id"]]
    found = []
    for what, marks in (
        ("live cards", Counter(card["third_party_id"] for card in alive)),
        ("events", Counter(event["reference"] for event in state["events"])),
        ("tasks", Counter(task["reference"] for task in state["tasks"])),
        ("co-prospects", Counter(one["third_party_id"] for card in alive for one in card["people"])),
    ):
        found += [f"{count} {what} of {mark}" for mark, count in marks.items() if count > 1]
    return found


def _crowds(state: Mapping[str, Any]) -> list[str]:
    most = state["max_concurrent_writes"]
    return [f"{count} writes at once to {key}" for key, count in most.items() if count > 1]


def _overlaps(calls: list[Mapping[str, Any]]) -> list[str]:
    """Writes to one card that were under way at the same time, by the clock of the PMS."""
    found = []
    for key, mine in _by_card(calls).items():
        for one, other in pairwise(mine):
            if one["ended"] and other["at"] < one["ended"]:
                found.append(f"{one['op']} and {other['op']} of {key} at once")
    return found


def _disorder(calls: list[Mapping[str, Any]]) -> list[str]:
    """The first of each kind of write that had an effect, or may have had one, out of its order."""
    found = []
    for key, mine in _by_card(calls).items():
        first = {op: min((c["at"] for c in mine if c["op"] == op and _may_have_worked(c)), default="") for op in _MAKES}
        if not first["create_card"]:
            continue  # adopted: the card was there before us
        for earlier, later in (("create_card", "add_event"), ("add_event", "create_task")):
            if first[later] and not first[earlier] < first[later]:
                found.append(f"{later} of {key} before {earlier}")
    return found


def _may_have_worked(call: Mapping[str, Any]) -> bool:
    return bool(call["status"] < 300 or call["status"] == _BROKEN_OFF)


def _by_card(calls: list[Mapping[str, Any]]) -> Mapping[str, list[Mapping[str, Any]]]:
    mine: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for call in calls:
        if call["key"] and call["op"] in _WRITES:
            mine[call["key"]].append(call)
    for each in mine.values():
        each.sort(key=lambda call: call["at"])
    return mine
