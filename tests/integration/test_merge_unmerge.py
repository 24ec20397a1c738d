"""Merging and taking it back (P4): whatever happens around it, afterwards it is as if it had not been.

The long version is a part of ``make drill``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.destinations_fixtures import SimPmsBench, simpms, simpms_process  # noqa: F401  # fixtures
from tests.histories import run
from tests.renters import Office, running_office


@pytest.fixture
def office(store_url: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[Office]:  # noqa: F811
    with running_office(store_url, tmp_path, simpms) as made:
        yield made
        made.assert_sound()


def test_as_if_it_had_not_been(office: Office) -> None:
    run(office, histories=15, fixed=True)
