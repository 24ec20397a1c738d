"""An import that is killed again and again ends with every row once, and says so."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.processes import ROOT
from tests.system.nursery import command

MAP = ROOT / "tests" / "importing" / "old_crm_csv.yaml"
ROWS, CHUNK = 60, 7


def _file(path: Path) -> Path:
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["Lead ID", "First Name", "Last Name", "Email", "Property", "Comments", "Created"])
        for number in range(ROWS):
            email = "" if number % 10 == 3 else f"p{number % 40}@example.org"
            name = f"P{chr(97 + number % 20)}{chr(97 + number % 2)}"
            when = f"2024-03-{1 + number % 28:02} 10:00"
            lines.writerow([f"K-{number}", name, "Keller", email, "Cedar Hollow", f"Question {number}", when])
    return path


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_at_every_commit(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url: str = request.getfixturevalue({"sqlite": "sqlite_database", "postgresql": "pg_database"}[kind])
    path = _file(tmp_path / "old.csv")
    words = ("import", str(path), "--map", str(MAP), "--chunk", str(CHUNK))
    env = {"LEADSVC_DATABASE_URL": url, "LEADSVC_VAR": str(tmp_path / "var"), "LEADSVC_SECRET_KEY": "k" * 64}
    kills = 0
    for order in [f"import:{side}:{passes}" for passes in (1, 2, 3) for side in ("before", "after")] * 4:
        status, said = command(words, {**env, "LEADSVC_FAULT": order}, tmp_path / "log")
        if status != -9:
            break
        kills += 1
    assert kills >= 6
    status, said = command(words, env, tmp_path / "log")
    assert status == 1, said  # rows were refused
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        told = connection.execute(text("SELECT external_id FROM inquiries")).scalars().all()
        refused = connection.execute(text("SELECT count(*) FROM fates WHERE fate = 'rejected'")).scalar_one()
        states = connection.execute(text("SELECT state FROM imports")).scalars().all()
        waiting = connection.execute(text("SELECT count(*) FROM reopenings")).scalar_one()
        marked = connection.execute(text("SELECT count(*) FROM inquiries WHERE unsettled")).scalar_one()
    engine.dispose()
    wanted = [f"K-{number}" for number in range(ROWS) if number % 10 != 3]
    assert Counter(told) == Counter(wanted)
    assert (refused, states) == (6, ["finished"])
    assert (waiting, marked) == (0, 0), "who is who is settled in the end"
    with Path(f"{path}.rejects.csv").open(newline="") as file:
        assert [line["Lead ID"] for line in csv.DictReader(file)] == [f"K-{number}" for number in range(3, ROWS, 10)]
    status, said = command(("check",), env, tmp_path / "log")
    assert status == 0, said
