"""Backfill: files of every make, history without tasks, dry runs, stopped runs, refused rows."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import xlsxwriter

from leadsvc.errors import Conflict
from leadsvc.fieldmap import compile_map
from leadsvc.importing import Done, Importer, Progress, Unusable, Wish, opened, rehearsing
from leadsvc.normalize.yamltext import load
from leadsvc.store.tables import deliveries, fates, guest_cards, imports, inquiries, metadata, receipts, tasks
from tests.benches.simpms import SimPmsBench
from tests.integration.test_way_of_a_lead import zillow
from tests.processes import ROOT
from tests.system import people
from tests.world import World, running_world

MAP = ROOT / "tests" / "importing" / "old_crm_csv.yaml"
NAMES = ("Lead ID", "First Name", "Last Name", "Email", "Phone", "Property", "Source", "Comments", "Move In", "Created")
HOME = "Cedar Hollow"
ROOTS = guest_cards.c.root_id == guest_cards.c.id


@pytest.fixture
def world(store_url: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[World]:
    with running_world(store_url, tmp_path / "var", simpms) as made:
        field_map = compile_map(load(MAP.read_text()))
        made.services.maps.maps[field_map.id] = field_map  # type: ignore[index]
        yield made
        made.assert_balanced()


def named(number: int) -> str:
    return " ".join(people.name(number).values())


def row(number: int, created: str, *, name: str = "Signe Aalto", home: str = HOME, **more: str) -> list[str]:
    given, _, family = name.partition(" ")
    email = more.get("email", f"{given}.{family}@example.org".lower())
    source, words = more.get("source", "Zillow"), more.get("message", f"Question {number}")
    return [f"OLD-{number}", given, family, email, more.get("phone", ""), home, source, words, "", created]


def written(path: Path, rows: Sequence[Sequence[str]], delimiter: str = ",") -> Path:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([NAMES, *rows])
    path.write_text(text.getvalue(), newline="")
    return path


def take(world: World, path: Path, *, stop_after: int = 0, dry: bool = False, **wish: object) -> Done:
    """Import ``path``; with ``stop_after`` the run ends as if killed after that many chunks."""
    told: list[int] = []

    def report(progress: Progress) -> None:
        told.append(progress.rows)
        if len(told) == stop_after:
            raise KeyboardInterrupt

    intake = world.services.intake
    wanted = Wish(path, "old_crm_csv", 1, "backfill", **wish)  # type: ignore[arg-type]
    with opened(path, wanted.sheet) as sheet:
        if dry:
            with rehearsing(intake, intake.maps) as scratch:
                return Importer(scratch, wanted, None).run(sheet, report)
        return Importer(intake, wanted, Path(f"{path}.rejects.csv")).run(sheet, report)


def counted(done: Done) -> dict[str, int]:
    return {fate: count for fate, count in done.progress.fates.items() if count}


# -- history ----------------------------------------------------------------------------------------------------------


def test_history_asks_nobody_and_tells_nobody(world: World, tmp_path: Path) -> None:
    rows = [
        row(3, "2024-08-01 10:00", source="Craigslist"),
        row(2, "2024-03-20 09:00", source="Apartments.com"),
        row(1, "2024-03-02 10:15"),
    ]
    done = take(world, written(tmp_path / "old.csv", rows))
    assert counted(done) == {"created": 1, "joined": 2}
    assert world.count(tasks) == 0
    assert {each["state"] for each in world.rows(deliveries)} == {"cancelled"}
    cards = sorted(world.rows(guest_cards, ROOTS), key=lambda card: card["opened_at"])
    assert [card["first_source"] for card in cards] == ["zillow", "craigslist"], "the first of each cycle, newest first"
    assert [each["opened_at"].date() for each in cards] == [date(2024, 3, 2), date(2024, 8, 1)]
    world.settle()
    assert all(each["entered_by"] != "api" for each in world.pms.state()["cards"])


def test_who_writes_again_is_called_and_told_with_what_went_before(world: World, tmp_path: Path) -> None:
    lately = (world.clock() - timedelta(days=20)).isoformat()
    take(world, written(tmp_path / "old.csv", [row(1, lately, name="Rosa Lindqvist", email="rosa@example.com")]))
    world.clock.forward(hours=1)
    world.send(zillow(email="rosa@example.com", message="Is it still free?"))
    world.settle()
    [card] = world.rows(guest_cards, ROOTS)
    [task] = world.rows(tasks)
    assert (task["guest_card_id"], task["state"]) == (card["id"], "open")
    assert [each["state"] for each in world.rows(deliveries)] == ["acknowledged"] * world.count(deliveries)
    texts = [event["text"] for event in world.pms.state()["events"]]
    assert texts == ["Question 1", "Is it still free?"]


def test_the_same_inquiry_alive_wakes_what_a_file_told_first(world: World, tmp_path: Path) -> None:
    now = world.clock().isoformat()
    one = row(1, now, name="Rosa Lindqvist", email="rosa@example.com", message="Is it still free?")
    take(world, written(tmp_path / "old.csv", [one]))
    answer = world.send(zillow(name="Rosa Lindqvist", email="rosa@example.com", message="Is it still free?"))
    assert answer.body["status"] == "duplicate"
    assert world.count(tasks, tasks.c.state == "open") == 1
    world.settle()
    assert [event["text"] for event in world.pms.state()["events"]] == ["Is it still free?"]


def test_what_is_known_alive_stays_as_it_is(world: World, tmp_path: Path) -> None:
    world.send(zillow(email="rosa@example.com", message="Is it still free?"))
    world.settle()
    before = world.pms.state()["events"]
    at = (world.clock() - timedelta(days=3)).isoformat()
    done = take(world, written(tmp_path / "old.csv", [row(1, at, name="Rosa Lindqvist", email="rosa@example.com")]))
    assert counted(done) == {"joined": 1}
    world.settle()
    assert world.pms.state()["events"] == before
    assert world.count(tasks) == 1


def test_push_treats_open_cycles_like_leads(world: World, tmp_path: Path) -> None:
    lately, once = (world.clock() - timedelta(days=5)).isoformat(), "2023-01-05 10:00"
    rows = [row(1, lately), row(2, once, name="Bruno Keller")]
    take(world, written(tmp_path / "old.csv", rows), push=True)
    world.settle()
    assert world.count(tasks) == 1
    assert [event["text"] for event in world.pms.state()["events"]] == ["Question 1"]


def test_a_replay_of_history_stays_history(world: World, tmp_path: Path) -> None:
    take(world, written(tmp_path / "old.csv", [row(1, "2024-03-02 10:15"), row(2, "2024-03-03", name="Bruno Keller")]))
    [receipt] = world.rows(receipts)
    list(world.services.actions.replay((receipt["id"],), "operator", False))
    assert (world.count(inquiries), world.count(tasks)) == (2, 0)
    assert {each["state"] for each in world.rows(deliveries)} == {"cancelled"}


# -- dry runs ---------------------------------------------------------------------------------------------------------


def everything(world: World) -> dict[str, int]:
    return {table.name: world.count(table) for table in metadata.sorted_tables}


def test_a_dry_run_says_what_the_run_does(world: World, tmp_path: Path) -> None:
    world.send(zillow(name="Rosa Lindqvist", email="rosa@example.com", message="Alive"))
    rows = [row(n, f"2024-03-{n:02} 10:00", name=named(n % 7)) for n in range(1, 21)]
    rows += [row(30, world.clock().isoformat(), name="Rosa Lindqvist", email="rosa@example.com", message="Alive")]
    rows += [rows[4], row(31, "2024-05-01", name="Lost Soul", email=""), row(32, "2024-05-02", home="Nowhere Lofts")]
    path = written(tmp_path / "old.csv", rows)
    before = everything(world)
    rehearsed = take(world, path, dry=True, chunk=4)
    assert everything(world) == before
    done = take(world, path, chunk=4)
    assert rehearsed.progress.to_json() == done.progress.to_json()
    assert counted(done) == {"created": 8, "joined": 13, "duplicate": 2, "rejected": 1}
    assert done.progress.properties == {"Nowhere Lofts": 1}


# -- stopped and begun again ------------------------------------------------------------------------------------------


def test_a_stopped_run_goes_on(world: World, tmp_path: Path) -> None:
    rows = [row(n, "2024-03-01", name=named(n), email="" if n % 5 == 0 else f"p{n}@example.org")
            for n in range(12)]  # fmt: skip
    path = written(tmp_path / "old.csv", rows)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            take(world, path, stop_after=1, chunk=3)
    done = take(world, path, chunk=2)
    assert (done.before, done.progress.rows) == (9, 12)
    assert counted(done) == {"created": 9, "rejected": 3}
    assert (world.count(inquiries), world.count(fates)) == (9, 3)
    refused = list(csv.DictReader(Path(f"{path}.rejects.csv").read_text().splitlines()))
    assert [each["row"] for each in refused] == ["2", "7", "12"]
    assert take(world, path).again
    assert world.count(receipts) == 5


def test_a_changed_file_is_not_taken_for_the_rest(world: World, tmp_path: Path) -> None:
    rows = [row(n, "2024-03-01", name=named(n)) for n in range(4)]
    path = written(tmp_path / "old.csv", rows)
    with pytest.raises(KeyboardInterrupt):
        take(world, path, stop_after=1, chunk=2)
    written(path, [*rows, row(9, "2024-04-01")])
    with pytest.raises(Unusable, match="has changed since its import began, of which row 3"):
        take(world, path)
    done = take(world, path, anew=True)
    assert counted(done) == {"created": 3, "duplicate": 2}
    assert {each["state"] for each in world.rows(imports)} == {"abandoned", "finished"}


def test_two_at_once_write_nothing_twice(world: World, tmp_path: Path) -> None:
    path = written(tmp_path / "old.csv", [row(n, "2024-03-01", name=named(n)) for n in range(4)])

    def meanwhile(progress: Progress) -> None:
        if progress.rows == 2:
            take(world, path, chunk=2)

    importer = Importer(world.services.intake, Wish(path, "old_crm_csv", 1, "backfill", chunk=2), None)
    with opened(path) as sheet, pytest.raises(Conflict, match="another process goes on"):
        importer.run(sheet, meanwhile)
    assert world.count(inquiries) == 4


# -- files of every make ----------------------------------------------------------------------------------------------

ODD = [row(1, "2024-03-02 10:15", name="Zoë Núñez", message="Größe; «ça» va,\nsecond\tline | end")]


def _workbook(path: Path) -> Path:
    book = xlsxwriter.Workbook(path)
    book.add_worksheet("About").write(0, 0, "Nothing here")
    sheet = book.add_worksheet("Leads")
    sheet.write_row(2, 1, NAMES)  # the table begins where it likes
    style = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    [cells] = ODD
    for column, cell in enumerate(cells[:-1]):
        sheet.write(3, column + 1, cell)
    sheet.write_number(3, 5, 5125550142)
    sheet.write_datetime(3, 10, datetime(2024, 3, 2, 10, 15), style)  # cells have no zone
    book.close()
    return path


def _encoded(path: Path, encoding: str, delimiter: str, mark: bytes = b"") -> Path:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows([NAMES, *ODD])
    path.write_bytes(mark + out.getvalue().encode(encoding))
    return path


@pytest.mark.parametrize(
    ("encoding", "delimiter", "mark"),
    [
        ("utf-8", ",", b""),
        ("utf-8", ";", codecs.BOM_UTF8),
        ("cp1252", ";", b"sep=;\r\n"),
        ("utf-16-le", "\t", codecs.BOM_UTF16_LE),
        ("utf-16-be", "|", b""),
    ],
)
def test_character_sets_and_delimiters(
    world: World, tmp_path: Path, encoding: str, delimiter: str, mark: bytes
) -> None:
    done = take(world, _encoded(tmp_path / "odd.csv", encoding, delimiter, mark))
    assert counted(done) == {"created": 1}
    [told] = world.rows(inquiries)
    assert told["lead"]["name"]["value"]["family"] == "Núñez"
    assert told["lead"]["message"]["value"].split() == ODD[0][7].split()
    assert told["occurred_at"].date() == date(2024, 3, 2)


def test_packed_files_and_workbooks(world: World, tmp_path: Path) -> None:
    packed = tmp_path / "odd.csv.gz"
    packed.write_bytes(gzip.compress(written(tmp_path / "odd.csv", ODD).read_bytes()))
    assert counted(take(world, packed)) == {"created": 1}
    done = take(world, _workbook(tmp_path / "odd.xlsx"), sheet="Leads")
    assert counted(done) == {"duplicate": 1} or counted(done) == {"revised": 1}
    [kept] = [each for each in world.rows(receipts) if b"5125550142" in each["body"]]
    assert b"2024-03-02 10:15:00" in kept["body"]


@pytest.mark.parametrize(
    ("content", "sheet", "told"),
    [
        (b"", "", "has no heading"),
        (b"PK\x03\x04 broken", "", "cannot be read as a workbook"),
        (gzip.compress(b"Email,Property\nx@example.org,Y\n" * 5000, mtime=0)[:-40], "", "ends too early or is damaged"),
        (b"Email,Property\n", "Leads", "is no workbook"),
    ],
)
def test_what_cannot_be_used_is_said(world: World, tmp_path: Path, content: bytes, sheet: str, told: str) -> None:
    path = tmp_path / "bad"
    path.write_bytes(content)
    with pytest.raises(Unusable, match=told):
        take(world, path, sheet=sheet)


def test_refused_rows_keep_their_cells_and_start_no_formula(world: World, tmp_path: Path) -> None:
    rows = [
        row(1, "2024-03-01", name="Nobody Reachable", email="", message='=HYPERLINK("http://example.com")'),
        [*row(2, "2024-03-01", name="Ann Moor"), "one too many"],
        row(3, "2024-03-01", name="Bea Moor"),
    ]
    path = written(tmp_path / "old.csv", rows)
    with path.open("a") as file:
        file.write('OLD-4,"never closed' + "x" * 150_000)
    done = take(world, path)
    assert counted(done) == {"created": 1, "rejected": 3}
    refused = list(csv.reader(Path(f"{path}.rejects.csv").read_text().splitlines()))
    assert refused[0] == ["row", "reason", *NAMES]
    assert sorted(line[0] for line in refused[1:]) == ["2", "3", "5"]
    assert not any(cell.startswith("=") for line in refused for cell in line)
    assert any("HYPERLINK" in cell for line in refused for cell in line)
    assert Path(f"{path}.rejects.csv").stat().st_mode & 0o077 == 0


def test_times_without_an_offset_are_of_the_propertys_clock(world: World, tmp_path: Path) -> None:
    rows = [
        row(1, "2024-07-02T10:15:00"),
        row(2, "7/3/2024 2:00 PM", name="Ann Moor"),
        row(3, "2024-07-04T10:15-07:00"),
    ]
    take(world, written(tmp_path / "old.csv", rows))
    told = [each["occurred_at"] for each in world.rows(inquiries)]
    assert told == [datetime(2024, 7, day, hour, minute, tzinfo=UTC) for day, hour, minute in MOMENTS]


MOMENTS = [(2, 15, 15), (3, 19, 0), (4, 17, 15)]
