"""How well ``leadsvc maps learn`` does: for each format of each map two fixtures teach, a third is read.

``python -m tests.learn_run [SEED…]``. The fixtures of one map were chosen for how they differ (other generations of a
layout, forwards, damage), so a third one is further from its teachers than the next payload of a sender would be.
"""

from __future__ import annotations

import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from leadsvc.cli.maps_fixtures import Fixture, fixtures_of
from leadsvc.cli.parse import delivered, moment_of
from leadsvc.errors import Quarantine
from leadsvc.fieldmap import compile_map, load_maps
from leadsvc.flat import row_of
from leadsvc.learning.judge import Verdict, judge
from leadsvc.learning.propose import propose
from leadsvc.learning.samples import Sample, sample_of

FIXTURES = Path(__file__).parent / "fixtures"
ENOUGH = 0.8


def families() -> Iterator[tuple[str, list[Sample]]]:
    """The fixtures of each map by format, those with one lead."""
    for map_id in load_maps().maps:
        found: dict[str, list[Sample]] = defaultdict(list)
        for fixture in fixtures_of(FIXTURES, map_id):
            if (sample := _sample(fixture)) is not None:
                found[fixture.payload.suffix].append(sample)
        yield from ((f"{map_id}{suffix}", samples) for suffix, samples in found.items() if len(samples) >= 3)


def _sample(fixture: Fixture) -> Sample | None:
    at = moment_of(fixture.wanted.get("received_at") or "2026-02-10T00:00:00+00:00")
    payload = delivered(fixture.payload, fixture.payload.read_bytes(), at, None)
    try:
        return sample_of(fixture.payload.stem, payload, fixture.wanted)
    except Quarantine:
        return None


def recovered(taught: list[Sample], unseen: Sample) -> tuple[int, int]:
    """How many asserted values of ``unseen`` a map learned from ``taught`` reads right, and how many there are."""
    field_map = compile_map(propose(taught, "learned", "tests").spec)
    row = row_of(field_map.lead(field_map.items(unseen.record)[0], unseen.received_at))
    asserted = [key for key in unseen.wanted if key in row]
    return sum(judge(key, unseen.wanted, row) is Verdict.RIGHT for key in asserted), len(asserted)


def main(seeds: list[int]) -> None:
    for seed in seeds:
        draw = random.Random(seed)
        results = []
        for _, samples in families():
            *taught, unseen = draw.sample(samples, 3)
            results.append(recovered(taught, unseen))
        right, asserted = (sum(column) for column in zip(*results, strict=True))
        good = sum(one >= ENOUGH * of for one, of in results)
        told = {"seed": seed, "values": round(right / asserted, 3), "senders": len(results), "at least 80 %": good}
        sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]] or [1, 2, 3])
