"""Rows a second of ``leadsvc import``, beside reading the same rows only, and the memory that it takes."""

from __future__ import annotations

import csv
import os
import random
import re
import subprocess
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from leadsvc.fieldmap import compile_map, load_maps
from leadsvc.model import Channel, Delivered
from leadsvc.normalize.yamltext import load
from leadsvc.reading import read
from tests.processes import LEADSVC, ROOT

MAP = ROOT / "tests" / "importing" / "old_crm_csv.yaml"
_NAMES = ("Lead ID", "First Name", "Last Name", "Email", "Property", "Source", "Comments", "Move In", "Created")
_GIVEN = ("Rosa", "Omar", "Lena", "Ivy", "Mateo", "Kai", "Noor", "Jun", "Ada", "Theo")


def written(path: Path, rows: int) -> Path:
    """A file of two years of inquiries, of which two in five are by somebody who wrote before."""
    rng, at = random.Random(7), datetime(2024, 1, 1, 9)  # a table tells no zone
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(_NAMES)
        for number in range(rows):
            at += timedelta(minutes=rng.expovariate(rows / 1_050_000))
            who = rng.randrange(max(rows * 7 // 10, 1))
            family = "".join("bdfgklmnprst"[int(digit)] + "aeiou"[int(digit) % 5] for digit in str(who)).title()
            email = f"{_GIVEN[who % 10]}.{who}@example.com".lower()
            words = f"Is number {rng.randrange(900)} still available?"
            home, source = ("Cedar Hollow", "Oakline Lofts")[who % 2], ("Zillow", "Craigslist")[number % 2]
            move_in = (at + timedelta(days=30)).date().isoformat()
            lines.writerow((f"L{number}", _GIVEN[who % 10], family, email, home, source, words, move_in, at))
    return path


def read_only(path: Path, rows: int) -> float:
    """Rows a second of parsing, mapping and normalising alone."""
    maps = load_maps()
    maps.maps[MAP.stem] = compile_map(load(MAP.read_text()))  # type: ignore[index]
    lines = path.read_bytes().splitlines(keepends=True)
    moment = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    began = time.perf_counter()
    for start in range(1, rows + 1, 500):
        body = lines[0] + b"".join(lines[start : start + 500])
        read(Delivered(body, "text/csv", Channel.FILE, moment, map_hint=MAP.stem), maps)
    return rows / (time.perf_counter() - began)


def imported(path: Path, rows: int, env: Mapping[str, str]) -> tuple[float, int]:
    """Rows a second of the whole command, its start left out, and MiB that it took at most."""
    words = [*LEADSVC, "import", str(path), "--map", str(MAP)]
    timed = subprocess.Popen(words, env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    began, most = time.perf_counter(), 0
    status = Path(f"/proc/{timed.pid}/status")
    while timed.poll() is None:
        found = re.search(r"VmHWM:\s+(\d+)", status.read_text()) if status.exists() else None
        most = max(most, int(found[1]) if found else 0)
        time.sleep(0.2)  # between two looks at its memory
    spent = time.perf_counter() - began
    if timed.returncode != 0:
        raise AssertionError(timed.stderr.read().decode()[-2000:] if timed.stderr else "")
    if timed.stderr:
        timed.stderr.close()
    return rows / spent, most // 1024
