"""Score clusters of leads against the truth, as ``tests/identity_world.py`` labels it.

::

    python -m tests.identity_score LABELS CLUSTERS [--households PAIRS] [--json]
    python -m tests.identity_score LABELS --oracle LEADS PROPERTIES

``CLUSTERS`` has the columns ``lead_id,cluster_id``; a lead that is absent is a cluster of its own. The first two
columns of ``PAIRS`` are clusters, or leads that stand for theirs, proposed as people of one household. The oracle
reads the labels and undoes every corruption: what no resolver can be expected to beat by much. All files may be packed
with gzip.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

NAMESAKE_DAYS = 14


@dataclass(frozen=True, slots=True)
class Label:
    """The truth about one lead."""

    person: str
    household: str
    noise: tuple[str, ...]
    email: str = ""
    phone: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class NoiseScore:
    """Over the pairs of leads of which at least one carries the noise."""

    leads: int
    true_pairs: int
    recall: float
    false_pairs: int


@dataclass(frozen=True, slots=True)
class HouseholdScore:
    """Over the pairs of people; ``recall`` is of those who ever shared an address or a number."""

    proposed: int
    right: int
    precision: float
    there: int
    sharing: int
    recall: float
    recall_of_all: float


@dataclass(frozen=True, slots=True)
class Score:
    """Pairwise figures are over pairs of leads, B-cubed figures over leads."""

    leads: int
    persons: int
    clusters: int
    true_pairs: int
    precision: float
    recall: float
    f1: float
    b3_precision: float
    b3_recall: float
    b3_f1: float
    false_pairs: int
    false_pairs_in_household: int
    missed_pairs: int
    mixed_clusters: int
    split_persons: int
    largest_cluster: int
    noise: Mapping[str, NoiseScore] = field(default_factory=dict)


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _within(sizes: Mapping[Hashable, int], marked: Mapping[Hashable, int]) -> int:
    """The pairs inside the groups that have at least one marked member."""
    return sum(_pairs(sizes[group]) - _pairs(sizes[group] - count) for group, count in marked.items())


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 1.0


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def score(labels: Mapping[str, Label], clusters: Mapping[str, str]) -> Score:
    """How well ``clusters`` (lead to cluster) renders the people of ``labels``."""
    of: dict[str, Hashable] = {lead: clusters.get(lead) or ("alone", lead) for lead in labels}
    people: Counter[Hashable] = Counter(label.person for label in labels.values())
    groups: Counter[Hashable] = Counter(of.values())
    cells: Counter[tuple[Hashable, str]] = Counter((of[lead], label.person) for lead, label in labels.items())
    homes: Counter[Hashable] = Counter((of[lead], label.household) for lead, label in labels.items())
    right = sum(_pairs(count) for count in cells.values())
    joined = sum(_pairs(count) for count in groups.values())
    true = sum(_pairs(count) for count in people.values())
    precision, recall = _ratio(right, joined), _ratio(right, true)
    leads = len(labels)
    b3_precision = _ratio(sum(count * count / groups[group] for (group, _), count in cells.items()), leads)
    b3_recall = _ratio(sum(count * count / people[person] for (_, person), count in cells.items()), leads)
    persons_in = Counter(group for group, _ in cells)
    pieces_of = Counter(person for _, person in cells)
    return Score(
        leads=leads,
        persons=len(people),
        clusters=len(groups),
        true_pairs=true,
        precision=precision,
        recall=recall,
        f1=_f1(precision, recall),
        b3_precision=b3_precision,
        b3_recall=b3_recall,
        b3_f1=_f1(b3_precision, b3_recall),
        false_pairs=joined - right,
        false_pairs_in_household=sum(_pairs(count) for count in homes.values()) - right,
        missed_pairs=true - right,
        mixed_clusters=sum(count > 1 for count in persons_in.values()),
        split_persons=sum(count > 1 for count in pieces_of.values()),
        largest_cluster=max(groups.values(), default=0),
        noise=_by_noise(labels, of, people, groups, cells),
    )


def _by_noise(
    labels: Mapping[str, Label],
    of: Mapping[str, Hashable],
    people: Mapping[Hashable, int],
    groups: Mapping[Hashable, int],
    cells: Mapping[tuple[Hashable, str], int],
) -> dict[str, NoiseScore]:
    carrying: dict[str, list[str]] = defaultdict(list)
    for lead, label in labels.items():
        for each in label.noise:
            carrying[each].append(lead)
    scores = {}
    for each, leads in sorted(carrying.items(), key=lambda item: (-len(item[1]), item[0])):
        true = _within(people, Counter(labels[lead].person for lead in leads))
        right = _within(cells, Counter((of[lead], labels[lead].person) for lead in leads))  # type: ignore[arg-type]
        joined = _within(groups, Counter(of[lead] for lead in leads))
        scores[each] = NoiseScore(len(leads), true, _ratio(right, true), joined - right)
    return scores


def score_households(
    labels: Mapping[str, Label], clusters: Mapping[str, str], proposed: Iterable[tuple[str, str]]
) -> HouseholdScore:
    """How well ``proposed`` (pairs of clusters, or of leads that stand for theirs) renders who lives with whom.

    A cluster stands for its commonest person.
    """
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    members: dict[str, set[str]] = defaultdict(set)
    values: dict[str, set[str]] = defaultdict(set)
    home: dict[str, str] = {}
    for lead, label in labels.items():
        votes[clusters.get(lead) or lead][label.person] += 1
        members[label.household].add(label.person)
        values[label.person].update(value for value in (label.email, label.phone) if value)
        home[label.person] = label.household
    who = {cluster: min(counts, key=lambda person: (-counts[person], person)) for cluster, counts in votes.items()}
    links = {frozenset((clusters.get(a) or a, clusters.get(b) or b)) for a, b in proposed}
    links = {link for link in links if len(link) == 2}
    right_links = 0
    found: set[frozenset[str]] = set()
    for link in links:
        pair = frozenset(who[cluster] for cluster in link if cluster in who)
        if len(pair) == 2 and len({home[person] for person in pair}) == 1:
            right_links += 1
            found.add(pair)
    there, sharing = set(), set()
    for people in members.values():
        ordered = sorted(people)
        for index, one in enumerate(ordered):
            for other in ordered[index + 1 :]:
                there.add(frozenset((one, other)))
                if values[one] & values[other]:
                    sharing.add(frozenset((one, other)))
    return HouseholdScore(
        proposed=len(links),
        right=right_links,
        precision=_ratio(right_links, len(links)),
        there=len(there),
        sharing=len(sharing),
        recall=_ratio(len(found & sharing), len(sharing)),
        recall_of_all=_ratio(len(found), len(there)),
    )


def oracle(labels: Mapping[str, Label], places: Mapping[str, tuple[str, date]]) -> dict[str, str]:
    """The clusters of one who knows every value behind the noise.

    Joined are the leads that have their person's own value in common, and those with one name in one region within
    ``NAMESAKE_DAYS`` of each other; ``places`` tells region and day of each lead.
    """
    parent: dict[str, str] = {lead: lead for lead in labels}

    def root(lead: str) -> str:
        while parent[lead] != lead:
            parent[lead] = lead = parent[parent[lead]]
        return lead

    first: dict[tuple[str, str], str] = {}
    latest: dict[tuple[str, str], tuple[str, date]] = {}
    for lead, label in labels.items():
        for value in (label.email, label.phone):
            if value:
                parent[root(lead)] = root(first.setdefault((label.person, value), lead))
        if lead in places and label.name:
            region, day = places[lead]
            before = latest.get((label.name, region))
            if before and (day - before[1]).days <= NAMESAKE_DAYS:
                parent[root(lead)] = root(before[0])
            latest[label.name, region] = lead, day
    return {lead: root(lead) for lead in labels}


# -- files ------------------------------------------------------------------------------------------------------------


def rows(path: Path) -> Iterator[dict[str, str]]:
    with ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        packed = path.suffix == ".gz"
        plain = stack.enter_context(gzip.open(file)) if packed else file
        text = stack.enter_context(io.TextIOWrapper(plain, encoding="utf-8", newline=""))
        yield from csv.DictReader(text)


def read_labels(path: Path) -> dict[str, Label]:
    return {
        row["lead_id"]: Label(
            row["person_id"],
            row["household_id"],
            tuple(each for each in row["noise"].split("|") if each),
            row.get("email_key") or "",
            row.get("phone_key") or "",
            row.get("name_key") or "",
        )
        for row in rows(path)
    }


def read_places(leads: Path, properties: Path) -> dict[str, tuple[str, date]]:
    """Region and day of each lead."""
    regions = {row["property_id"]: row["region"] for row in rows(properties)}
    return {
        row["lead_id"]: (regions[row["property_id"]], date.fromisoformat(row["received_at"][:10]))
        for row in rows(leads)
    }


def read_clusters(path: Path) -> dict[str, str]:
    return {row["lead_id"]: row["cluster_id"] for row in rows(path)}


def read_links(path: Path) -> list[tuple[str, str]]:
    """The first two columns, whatever they are called."""
    return [tuple(row.values())[:2] for row in rows(path)]  # type: ignore[misc]


def _print(result: Score, households: HouseholdScore | None) -> None:
    lines = []
    for title, part in (("", result), ("household ", households)):
        for key, value in (asdict(part) if part else {}).items():
            if key != "noise":
                lines.append(f"{title + key.replace('_', ' '):28s} {round(value, 5)}")
    lines.append(f"\n{'noise':26s} {'leads':>7s} {'true pairs':>11s} {'recall':>8s} {'false pairs':>12s}")
    for key, each in result.noise.items():
        lines.append(f"{key:26s} {each.leads:7d} {each.true_pairs:11d} {each.recall:8.4f} {each.false_pairs:12d}")
    sys.stdout.write("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Score clusters of leads against their labels.")
    parser.add_argument("labels", type=Path)
    parser.add_argument("clusters", type=Path, nargs="?", help="lead_id,cluster_id")
    parser.add_argument("--households", type=Path, metavar="PAIRS", help="pairs of clusters or of leads")
    parser.add_argument("--oracle", type=Path, nargs=2, metavar="FILE", help="score what can be had at most")
    parser.add_argument("--json", action="store_true", help="for a program")
    options = parser.parse_args()
    if bool(options.clusters) == bool(options.oracle):
        parser.error("give either CLUSTERS or --oracle LEADS PROPERTIES")
    labels = read_labels(options.labels)
    clusters = oracle(labels, read_places(*options.oracle)) if options.oracle else read_clusters(options.clusters)
    result = score(labels, clusters)
    homes = score_households(labels, clusters, read_links(options.households)) if options.households else None
    if options.json:
        both = asdict(result) | ({"households": asdict(homes)} if homes else {})
        sys.stdout.write(json.dumps(both, indent=1) + "\n")
    else:
        _print(result, homes)


if __name__ == "__main__":
    main()
