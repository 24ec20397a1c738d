"""``leadsvc dedup``: files as people export them, broken ones, and hostile ones."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from leadsvc.cli import cli
from leadsvc.errors import Reject
from leadsvc.resolve.model import Model
from tests.identity_world import write
from tests.processes import LEADSVC, ROOT

HEAD = "lead_id,received_at,first_name,last_name,email,phone,property_id,move_in_date,bedrooms,message\n"
ROSA = "2026-03-01T10:00:00Z,Rosa,Lindqvist,rosa.lindqvist@example.com,212-555-0101,P1,2026-05-01,2,\n"
MEI = "2026-03-02T10:00:00Z,Mei,Tanaka,mei.tanaka@example.org,415-555-0188,P2,2026-07-01,1,\n"


def dedup(leads: Path, *more: str, processes: int = 1) -> Result:
    out = leads.parent / "out.csv"
    return CliRunner().invoke(cli, ["dedup", str(leads), "--out", str(out), "--processes", str(processes), *more])


def clusters(folder: Path) -> dict[str, str]:
    with (folder / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["lead_id", "cluster_id"]
    assert len({lead for lead, _ in rows}) == len(rows)
    return dict(rows[1:])


def people(leads: Path, *more: str) -> dict[str, str]:
    done = dedup(leads, *more)
    assert done.exit_code == 0, done.output
    return clusters(leads.parent)


def written(folder: Path, text: str, name: str = "leads.csv") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode(), mtime=0) if name.endswith(".gz") else text.encode())
    return path


def test_address_and_number_in_each_others_column(tmp_path: Path) -> None:
    swapped = ROSA.replace("rosa.lindqvist@example.com,212-555-0101", "(212) 555-0101,rosa.lindqvist@example.com")
    assert swapped != ROSA
    found = people(written(tmp_path, f"{HEAD}a,{ROSA}b,{MEI}c,{swapped.replace('Rosa', '')}"))
    assert found == {"a": "a", "b": "b", "c": "a"}


@pytest.mark.parametrize("name", ["leads.csv", "leads.csv.gz"])
def test_two_of_one_person_and_a_stranger(tmp_path: Path, name: str) -> None:
    found = people(written(tmp_path, f"{HEAD}a,{ROSA}b,{MEI}c,{ROSA}", name))
    assert found == {"a": "a", "b": "b", "c": "a"}


@pytest.mark.parametrize(
    "text",
    [
        f"\ufeff{HEAD}a,{ROSA}b,{MEI}",
        f"{HEAD}a,{ROSA}b,{MEI}".replace("\n", "\r\n"),
        f"{HEAD}a,{ROSA}b,{MEI}".replace("\n", "\r"),
        f"{HEAD}a,{ROSA}b,{MEI}".rstrip("\n"),
        f"{HEAD}\n\na,{ROSA},,,,,,,,,\n\nb,{MEI}\n",
        f"{HEAD}a,{ROSA}b,2026-03-02T10:00:00Z\n",
        "note,received_at,lead_id\nx,2026-03-01,a\ny,2026-03-02 10:00:00+02:00,b\n",
    ],
    ids=["mark", "crlf", "cr", "no-end", "blank-lines", "short-line", "other-columns"],
)
def test_files_as_they_come(tmp_path: Path, text: str) -> None:
    assert people(written(tmp_path, text)) == {"a": "a", "b": "b"}


def test_nobody_and_one(tmp_path: Path) -> None:
    assert people(written(tmp_path, HEAD)) == {}
    assert people(written(tmp_path, f"{HEAD}a,{ROSA}")) == {"a": "a"}


def test_messages_over_several_lines(tmp_path: Path) -> None:
    """More of them than are read at a time, with quotation marks, commas and line ends inside."""
    rows = "".join(
        f'{number},2026-03-01T10:00:00Z,Rosa,Berg,r{number}@example.com,,P{number},,,"He said ""hi"",\nthen\n\nleft"\n'
        for number in range(6_000)
    )
    found = people(written(tmp_path, f"{HEAD}{rows}"))
    assert set(found) == {str(number) for number in range(6_000)}


BROKEN = {
    "no head": ("", ":1: the first line must name the columns; lead_id, received_at not found"),
    "no id column": ("id,received_at\n1,2026-03-01\n", ":1: the first line must name the columns; lead_id not found"),
    "no id": (f"{HEAD},{ROSA}", ":2: lead_id must be"),
    "endless id": (f"{HEAD}a,{ROSA}{'b' * 5_000},{ROSA}", ":3: lead_id must be"),
    "id twice": (f"{HEAD}a,{ROSA}b,{MEI}a,{ROSA}", ": lead_id a stands in several lines"),
    "no time": (f"{HEAD}a,,Rosa,,,,,,,\n", ":2: received_at must be a time"),
    "other time": (f"{HEAD}a,{ROSA}b,3/1/2026,,,,,,,,\n", ":3: received_at must be a time"),
    "later line": (f'{HEAD}a,2026-03-01,,,,,,,,"two\nlines"\nb,never,,,,,,,,\n', ":4: received_at must be a time"),
    "other day": (f"{HEAD}a,2026-03-01,,,,,,soon,,\n", ":2: move_in_date must be a day"),
    "other rooms": (f"{HEAD}a,2026-03-01,,,,,,,two,\n", ":2: bedrooms must be a number"),
    "endless rooms": (f"{HEAD}a,2026-03-01,,,,,,,inf,\n", ":2: bedrooms must be a number"),
    "open quotation": (f'{HEAD}a,{ROSA}b,2026-03-01,,,,,,,,"oh\nc,{ROSA}d,{MEI}', ":3: a quotation is opened"),
    "endless field": (f"{HEAD}a,{ROSA}b,2026-03-01,,,,,,,,{'x' * 200_000}\n", ":3: field larger than"),
}


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("case", BROKEN)
def test_what_cannot_be_read_is_named_by_line_and_field(tmp_path: Path, case: str, processes: int) -> None:
    text, named = BROKEN[case]
    leads = written(tmp_path, text)
    done = dedup(leads, processes=processes)
    assert isinstance(done.exception, Reject)
    assert f"{leads}{named}" in done.exception.detail
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("latin.csv", f"{HEAD}a,{ROSA}b,2026-03-01,José,,,,,,,\n".encode("latin-1"), "latin.csv:3: not UTF-8"),
        ("wide.csv", HEAD.encode("utf-16"), "wide.csv:1: not UTF-8"),
        ("latin.csv.gz", gzip.compress(HEAD.encode() + b"\xff", mtime=0), "latin.csv.gz:2: not UTF-8"),
        ("plain.csv.gz", HEAD.encode(), "plain.csv.gz: not packed by gzip"),
        (
            "cut.csv.gz",
            gzip.compress(f"{HEAD}a,{ROSA}".encode(), mtime=0)[:-20],
            "cut.csv.gz: not packed by gzip, or cut off",
        ),
    ],
)
def test_files_that_are_no_text(tmp_path: Path, name: str, content: bytes, named: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    done = dedup(path)
    assert isinstance(done.exception, Reject)
    assert named in done.exception.detail


def test_the_reason_is_printed_without_a_traceback(tmp_path: Path) -> None:
    leads = written(tmp_path, f"{HEAD}a,never,,,,,,,,\n")
    command = [*LEADSVC, "dedup", str(leads), "--out", str(tmp_path / "out.csv")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"leadsvc: {leads}:2: received_at must be a time such as 2025-03-01T14:05:00Z\n"


def test_a_folder_that_is_not_there_is_told_before_the_work(tmp_path: Path) -> None:
    leads = written(tmp_path, f"{HEAD}a,{ROSA}")
    for option in ("--review", "--households"):
        done = dedup(leads, option, str(tmp_path / "none" / "x.csv"))
        assert done.exit_code == 2
        assert "there is no folder" in done.output


def test_properties_tell_the_region(tmp_path: Path) -> None:
    properties = tmp_path / "properties.csv"
    properties.write_text("name,region,property_id\nCedar,tulsa,P1\nOak,tulsa,P2\n\nshort\n")
    leads = written(tmp_path, f"{HEAD}a,{ROSA}")
    assert people(leads, "--properties", str(properties)) == {"a": "a"}
    properties.write_text("name,property_id\nCedar,P1\n")
    done = dedup(leads, "--properties", str(properties))
    assert isinstance(done.exception, Reject)
    assert "properties.csv:1" in done.exception.detail
    assert "region not found" in done.exception.detail


@pytest.mark.parametrize(("shared", "people_found"), [("robot@example.com", 1), ("", 5_000)])
def test_thousands_of_leads_of_one_person(tmp_path: Path, shared: str, people_found: int) -> None:
    """Far over every cap, a robot that sends one form again and again is one person; nameless nothings are many."""
    name = "Rosa,Lindqvist" if shared else ","
    rows = "".join(f"{n},2026-03-01T10:{n % 60:02d}:00Z,{name},{shared},,P1,,,\n" for n in range(5_000))
    assert len(set(people(written(tmp_path, f"{HEAD}{rows}")).values())) == people_found


def test_a_desk_that_thousands_write_through_joins_nobody(tmp_path: Path) -> None:
    names = ("Rosa", "Mei", "Kofi", "Anders", "Priya", "Tomas", "Amina", "Henrik", "Lucia")
    rows = "".join(
        f"{n},2026-03-01T10:{n % 60:02d}:00Z,{names[n % 9]},L{'abcdefghij'[n % 10]}{n},desk@example.com,,P1,,,\n"
        for n in range(2_000)
    )
    assert len(set(people(written(tmp_path, f"{HEAD}{rows}")).values())) == 2_000


def test_odd_letters(tmp_path: Path) -> None:
    rows = (
        "a,2026-03-01,\u202eR\u0301\u0301\u0301,\x00L\x00,r\x00@example.com,\u0662\u0661\u0662,P1,,,\U0001f600\n"
        "b,2026-03-01,\u674e\u5c0f\u9f99,,\u674e@\u4f8b\u3048.jp,+86 10 6552 9988,P|1,,,\x1e\n"
        f"c,0001-01-01T00:00:00+05:00,{'Jo ' * 900},{'Lee' * 90},{'a@b.org ' * 500},{'2125550101 ' * 9},,0001-01-01,,\n"
        "d,9999-12-31T23:59:59-05:00,|,||,|||,+,\x1e,9999-12-31,1e300,\n"
    )
    assert set(people(written(tmp_path, f"{HEAD}{rows}"))) == {"a", "b", "c", "d"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write("households", 1_500, 8, tmp_path_factory.mktemp("world"))


def told(done: Result) -> dict[str, int]:
    assert done.exit_code == 0, done.output
    found: dict[str, int] = json.loads(done.output.splitlines()[-1])
    return found


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_what_is_written_besides(world: Path) -> None:
    review, households = world / "review.csv", world / "households.csv"
    counts = told(
        dedup(
            world / "leads.csv.gz",
            "--properties",
            str(world / "properties.csv"),
            "--review",
            str(review),
            "--households",
            str(households),
        )
    )
    of = clusters(world)
    assert (counts["leads"], counts["people"]) == (1_500, len(set(of.values())))
    asked, mates = rows(review), rows(households)
    assert (counts["review"], counts["households"]) == (len(asked), len(mates))
    assert asked
    assert mates
    for each in asked:
        assert of[each["lead_a"]] != of[each["lead_b"]]
        assert 0 < float(each["probability"]) < 1
        assert each["sentence"][:1].isupper()
    for each in mates:
        assert (of[each["lead_a"]], of[each["lead_b"]]) == (each["cluster_a"], each["cluster_b"])
        assert each["cluster_a"] != each["cluster_b"]
        assert float(each["probability"]) >= 0.5
    pairs = [frozenset((each["cluster_a"], each["cluster_b"])) for each in mates]
    assert len(set(pairs)) == len(pairs)


def test_weights_and_thresholds(world: Path, tmp_path: Path) -> None:
    leads = world / "leads.csv.gz"
    usual, fixed, strict = (told(dedup(leads, *more)) for more in ((), ("--no-fit",), ("--no-fit", "--join", "0.98")))
    assert usual["leads"] == fixed["leads"] == 1_500
    assert fixed["people"] < strict["people"]
    weights = tmp_path / "weights.json"
    weights.write_text(json.dumps(Model.default().to_json() | {"join": 0.98}))
    assert told(dedup(leads, "--no-fit", "--weights", str(weights))) == strict
    weights.write_text(json.dumps(Model.default().to_json() | {"mates": -1}))
    done = dedup(leads, "--weights", str(weights))
    assert isinstance(done.exception, Reject)
    assert "mates: must be a number above 0" in done.exception.detail
    assert dedup(leads, "--join", "1").exit_code == dedup(leads, "--join", "0.2").exit_code == 2
