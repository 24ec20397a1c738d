"""kill -9 around the writes to a vendor, over Yardi's wire; ``make drill`` does it at length, and for others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from leadsvc.faults import SIDES
from tests.benches import Bench, starter_of
from tests.benches.simpms import SimPmsBench
from tests.system import badweek
from tests.system.siege import Siege
from tests.system.town import town

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def entrata(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with starter_of("entrata")(tmp_path_factory.mktemp("entrata")) as started:
        yield started


def test_yardi_has_everybody_once(sqlite_database: str, tmp_path: Path) -> None:
    with starter_of("yardi")(tmp_path) as bench, town(tmp_path / "town", sqlite_database, bench) as made:  # type: ignore[arg-type]  # a bench of the kit
        siege = Siege(made, traffic=1)
        shown = {point for point, _ in siege.learn()}
        assert shown >= {"call.import_guest", "call.add_event", "call.search_guest"}
        for point in ("call.import_guest", "call.add_event"):
            for side in SIDES:
                siege.strike(point, side)
        tally = siege.judge()
    assert sum(tally.kills.values()) == 4
    assert (tally.missing, tally.wrong) == ([], [])


@pytest.mark.parametrize("scene", badweek.SCENES)
def test_a_vendor_without_a_key_of_ours_has_a_bad_week(
    sqlite_database: str,
    tmp_path: Path,
    simpms: SimPmsBench,
    entrata: Bench,
    scene: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(badweek, "DAYS", 2)
    renters, wrong = badweek.play(sqlite_database, tmp_path, simpms, entrata, scene)
    assert renters >= 4
    assert wrong == []
