"""The same new person from 64 senders at once, and every payload up to twenty times: one of each (P2, P3)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benches.simpms import SimPmsBench
from tests.system import crowds
from tests.system.town import Town, town

pytestmark = pytest.mark.slow
KINDS = ("same", "resent", "bridged", "bridged")


@pytest.fixture(params=["sqlite", "postgresql"])
def running(request: pytest.FixtureRequest, tmp_path: Path, simpms: SimPmsBench) -> Iterator[Town]:
    """One process on SQLite; two of the API and a worker on PostgreSQL."""
    if request.param == "sqlite":
        with town(tmp_path / "town", request.getfixturevalue("sqlite_database"), simpms, lease_s=30) as made:
            yield made
    else:
        url = request.getfixturevalue("pg_database")
        with town(tmp_path / "town", url, simpms, workers=1, processes=2, lease_s=30) as made:
            yield made


def test_one_person_from_every_side_at_once(running: Town) -> None:
    crowd = crowds.Twins(running).run(KINDS)
    assert crowd.wrong == []
    assert crowd.slowest < 20, "nobody waits long for the others"


def test_every_payload_many_times(running: Town) -> None:
    crowd = crowds.resend(running, renters=12, seed=20260302)
    assert crowd.wrong == []
