"""kill -9 before and after every commit and every remote call: nothing acknowledged is lost (P1, P3, P5, P7)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benches.simpms import SimPmsBench
from tests.graphbench import GraphBench
from tests.system import crashes
from tests.system.town import Town, town

pytestmark = pytest.mark.slow


def _prove(made: Town) -> None:
    tally = crashes.run(made)
    assert set(tally.kills) >= {f"{point}:{side}" for point, side in crashes.points()}
    assert tally.missing == []
    assert tally.wrong == []


def test_one_process_on_sqlite(
    sqlite_database: str,
    tmp_path: Path,
    simpms: SimPmsBench,
    graph: GraphBench,
) -> None:
    with town(tmp_path / "town", sqlite_database, simpms, graph=graph) as made:
        _prove(made)


def test_api_and_worker_on_postgresql(
    pg_database: str,
    tmp_path: Path,
    simpms: SimPmsBench,
    graph: GraphBench,
) -> None:
    with town(tmp_path / "town", pg_database, simpms, workers=1, graph=graph) as made:
        _prove(made)
