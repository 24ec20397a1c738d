"""SPEC §6: after settling, who is who does not depend on the order in which leads came; nobody's work is undone."""

from __future__ import annotations

import contextlib
import random
import uuid
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, join, select, update

from leadsvc.errors import Conflict
from leadsvc.faults import Commit
from leadsvc.pipeline import neighbourhood
from leadsvc.pipeline.settling import Settled, Settler
from leadsvc.resolve.keys import CAP
from leadsvc.store.tables import fates, identifiers, inquiries, match_keys, properties, prospects, reopenings, tasks
from tests import settled
from tests.benches.simpms import SimPmsBench
from tests.identity_world import World as Renters
from tests.identity_world import as_canonical
from tests.renters import Office, desk, parts, running_office

LATER = datetime(2027, 1, 4, 16, 0, tzinfo=UTC)


def settle(office: Office) -> Settled:
    """Until nothing waits."""
    settler, done = Settler(office.world.services.intake), Settled()
    while True:
        part = settler.round()
        done += part
        if not part.gathered and not part.reopened:
            assert settler.waiting() == 0
            return done


# -- order ------------------------------------------------------------------------------------------------------------


def renters(title: str, count: int, seed: int) -> tuple[list[dict[str, Any]], list[tuple[Any, ...]]]:
    """Leads of a world as canonical JSON, and its properties."""
    world = Renters(title, count, seed)
    rows, _ = world.run()
    return [as_canonical(values) for values in rows], list(world.properties())


def build(office: Office, homes: Sequence[tuple[Any, ...]]) -> None:
    """The properties, of no destination: nothing is owed to anybody."""
    rows = [
        {
            "id": uuid.uuid5(uuid.NAMESPACE_OID, key),
            "destination": "none",
            "remote_id": key,
            "name": name,
            "region": region,
        }
        for key, name, region, _ in homes
    ]
    with office.world.services.store.write(Commit.ADMIN) as connection:
        connection.execute(insert(properties), [row | {"time_zone": "America/Chicago"} for row in rows])
    office.world.services.intake.forget_portfolio()


def send(office: Office, leads: Sequence[dict[str, Any]], dice: random.Random) -> None:
    """In deliveries of one to ten."""
    left = list(leads)
    while left:
        now, left = left[: (size := dice.randint(1, 10))], left[size:]
        answer = office.deliver(now)
        assert answer.status in {200, 422}, answer.body  # 422: none of them tells how to reach anybody


def by_lead(office: Office) -> set[frozenset[str]]:
    """How the leads fall into people, by the senders' ids; one that repeats another goes where that one is."""
    joined = join(prospects, inquiries, prospects.c.id == inquiries.c.prospect_id)
    own = select(prospects.c.root_id, inquiries.c.lead).select_from(joined)
    again = (
        select(prospects.c.root_id, fates.c.lead).select_from(joined).join(fates, fates.c.inquiry_id == inquiries.c.id)
    )
    found: dict[uuid.UUID, set[str]] = defaultdict(set)
    with office.world.services.store.read() as connection:
        for statement in (own, again):
            for root, lead in connection.execute(statement):
                found[root].add(lead["external_id"]["value"])
    return {frozenset(each) for each in found.values()}


@pytest.mark.parametrize("title", ["mixed", "households", "repeaters", "noisy", "sparse"])
def test_five_orders_of_arrival_give_the_same_people(
    sqlite_database: str,
    tmp_path: Path,
    simpms: SimPmsBench,
    title: str,
) -> None:
    leads, homes = renters(title, 200, seed=11)
    results = []
    for turn in range(5):
        dice = random.Random(turn)
        order = leads if not turn else dice.sample(leads, len(leads))
        with running_office(sqlite_database, tmp_path / str(turn), simpms) as office:
            office.clear()
            office.world.clock.now = LATER
            if not turn:
                build(office, homes)
            send(office, order, dice)
            settle(office)
            store = office.world.services.store
            assert settled.people(store) == settled.at_once(store)
            results.append(by_lead(office))
    for result in results[1:]:
        assert settled.agreement(result, results[0]) >= 0.999


# -- what changes later -----------------------------------------------------------------------------------------------


def test_a_number_that_many_turn_out_to_use_joins_nobody_even_before(office: Office) -> None:
    office.lead("a", "Ann", None, "0150")
    office.forward(days=9)
    office.lead("b", "Ann", None, "0150", home="olf")
    assert office.people() == parts("a b")
    office.settle()
    desk(office)
    done = settle(office)
    assert done.splits == 1
    assert {frozenset("a"), frozenset("b")} <= office.people()
    assert settled.people(office.world.services.store) == settled.at_once(office.world.services.store)
    office.settle()
    titles = [row["title"] for row in office.world.rows(tasks, tasks.c.kind == "correct_destination")]
    assert titles == ["Attach this guest card to its own person in the PMS"]
    moved = office.decided("a")["rule"], office.decided("b")["rule"]
    assert "settled" in moved


def test_what_connects_two_prospects_later_merges_them(office: Office) -> None:
    """A correction gives the second lead the address of the first: seen at once; a redelivered one, too."""
    office.lead("a", "Rosa Berg", "rosa@example.com", None)
    office.forward(days=40)
    office.lead("b", "Tilda Moss", None, "0121", home="olf", external_id="B-1")
    settle(office)
    assert office.people() == parts("a", "b")
    office.lead("b2", "Rosa Berg", "rosa@example.com", "0121", home="olf", external_id="B-1")
    settle(office)
    assert office.people() == parts("a b2")
    office.lead("b3", "Tilda Moss", "tilda@example.com", "0121", home="olf", external_id="B-1")
    settle(office)
    assert office.people() == parts("a", "b3")


def test_an_answer_about_the_property_is_seen(office: Office) -> None:
    office.lead("a", "Rosa Berg", "rosa@example.com", None, home="Nowhere Gardens")
    before = office.inquiry("a").trace
    home = office.world.rows(properties, properties.c.remote_id == "chd001")[0]["id"]
    office.actions.place_card(office.card("a")["key"], home, "tester")
    settle(office)
    after = office.inquiry("a").trace
    assert after != before
    assert home.hex in after


def test_what_was_there_before_is_traced(office: Office) -> None:
    office.lead("a", "Rosa Berg", "rosa@example.com", "0120")
    office.lead("b", "Ken Mori", "ken@example.com", "0121")
    trace = office.inquiry("a").trace
    with office.world.services.store.write(Commit.ADMIN) as connection:
        connection.execute(delete(match_keys))
        connection.execute(update(inquiries).values(trace=[], unsettled=True))
        connection.execute(update(identifiers).values(marks=[]))
    settle(office)
    assert office.inquiry("a").trace == trace
    assert office.people() == parts("a", "b")
    office.lead("c", "Rosa Berg", "rosa@example.com", None)
    assert office.people() == parts("a c", "b")


# -- what people said and did -----------------------------------------------------------------------------------------


def test_what_a_person_said_holds_through_later_arrivals(office: Office) -> None:
    office.lead("a", "Rosa Berg", "rosa@example.com", "0120")
    office.forward(days=1)
    office.lead("b", "Rosa Berg", "rosa@example.com", None, home="olf")
    office.unjoin("b")
    settle(office)
    assert office.people() == parts("a", "b")
    office.lead("c", "Rosa Berg", "rosa@example.com", "0120")
    settle(office)
    assert sorted(len(each) for each in office.people()) == [1, 2]
    assert office.person("a") != office.person("b")
    office.lead("x", "Dov Katz", "dov@example.com", None)
    office.merge("x", "a")
    settle(office)
    office.lead("y", "Rosa Berg", "rosa@example.com", None, home="olf")
    settle(office)
    assert office.person("x") == office.person("a")
    assert office.person("b") != office.person("a")


def test_who_was_told_apart_and_then_merged_by_hand_is_one(office: Office) -> None:
    """The last word holds, for every inquiry that it was said of; taken back, the word before it holds again."""
    office.lead("a", "Rosa Berg", "berg@example.com", "0120")
    office.lead("b", "Anders Berg", "anders@example.com", "0120")
    office.apart("a", "b")
    office.lead("c", "Rosa Berg", "berg@example.com", "0120")
    settle(office)
    assert office.people() == parts("a c", "b")
    merged = office.merge("b", "a")
    settle(office)
    assert office.people() == parts("a b c")
    office.unmerge(merged)
    settle(office)
    assert office.people() == parts("a c", "b")


def test_two_that_people_worked_on_are_proposed_once(office: Office) -> None:
    office.lead("a", "Rosa Berg", "rosa@example.com", None)
    office.lead("b", "Tilda Moss", None, "0121", home="olf", external_id="B-1")
    office.outcome("a", "toured")
    office.outcome("b", "toured")
    for message in ("b2", "b3"):
        office.lead(message, "Rosa Berg", "rosa@example.com", "0121", home="olf", external_id="B-1")
        settle(office)
    assert office.people() == parts("a", "b3")
    assert office.asked("match_review") == ["bridge_refused"]


def test_whom_people_worked_on_is_not_taken_apart(office: Office) -> None:
    office.lead("a", "Ann", None, "0150")
    office.forward(days=9)
    office.lead("b", "Ann", None, "0150", home="olf")
    office.outcome("a", "toured")
    desk(office)
    settle(office)
    office.lead("z", "Zoe Zimmer", None, "0150", home="olf")
    settle(office)
    assert frozenset("ab") in office.people()
    assert office.asked("match_review") == ["split_refused"]


def test_who_writes_more_often_than_a_key_bears_stays_one_person(office: Office) -> None:
    """Ana and Ben have one address; Ana writes so often that no key leads to her any more, Ben now and then."""
    people: dict[str, set[str]] = {"ana": set(), "ben": set()}
    for number in range(CAP + 4):
        for who, name in (("ana", "Ana Quispe"), ("ben", "Ben Quispe"))[: 2 if number % 9 == 4 else 1]:
            office.lead(f"{who}{number}", name, "quispe@example.com")
            people[who].add(f"{who}{number}")
        office.forward(minutes=7)
    office.settle()
    assert office.people() == {frozenset(each) for each in people.values()}


def test_a_rehearsal_changes_nothing(office: Office) -> None:
    office.lead("a", "Ann", None, "0150")
    office.forward(days=9)
    office.lead("b", "Ann", None, "0150", home="olf")
    desk(office)
    before = office.people(), office.cards(), office.world.rows(reopenings)
    settler = Settler(office.world.services.intake)
    waiting = settler.waiting()
    told = settler.rehearse()
    assert (told.splits, settler.waiting()) == (1, waiting)
    assert (office.people(), office.cards(), office.world.rows(reopenings)) == before
    assert settle(office).splits == 1


def test_a_large_neighbourhood_is_taken_apart_along_its_weakest_links(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four of one name, each with an address and a number of their own, and one of them writes twice."""
    monkeypatch.setattr(neighbourhood, "LARGEST", 3)
    for number, message in enumerate("abcd"):
        office.lead(message, "Rosa Berg", f"{'xyzw'[number] * 6}@example.com", f"01{number * 13 + 21}")
    office.lead("e", "Rosa Berg", "wwwwww@example.com", "0177")
    assert settle(office).given_up == 0
    assert office.people() == parts("a", "b", "c", "d e")
    assert office.asked("stuck") == []


def test_whoever_writes_often_under_one_address_counts_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbourhood, "LARGEST", 3)
    for message in "abcdefgh":
        office.lead(message, "Rosa Berg", "rosa@example.com", "0120")
    assert settle(office).given_up == 0
    assert office.people() == parts("a b c d e f g h")


def test_a_neighbourhood_without_weak_links_is_left_to_a_person(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One person, who signs in another way each time."""
    monkeypatch.setattr(neighbourhood, "LARGEST", 3)
    for number, name in enumerate(("Rosa Berg", "Rosa Maria Berg", "Rosa Bergh", "Rosa Lena Berg", "Roza Berg")):
        office.lead("abcde"[number], name, "rosa@example.com", "0121")
    done = settle(office)
    assert done.given_up
    assert office.asked("stuck") == ["neighbourhood_too_large"]


def test_many_may_settle_at_once(pg_database: str, tmp_path: Path, simpms: SimPmsBench) -> None:
    leads, homes = renters("mixed", 120, seed=5)
    with running_office(pg_database, tmp_path, simpms) as office:
        office.world.clock.now = LATER
        build(office, homes)
        send(office, leads, random.Random(5))
        store = office.world.services.store
        with ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(settle_all, office) for _ in range(4)]:
                done.result()
        settle(office)
        assert settled.people(store) == settled.at_once(store)
        office.assert_sound()


def settle_all(office: Office) -> None:
    settler = Settler(office.world.services.intake)
    while settler.waiting():
        with contextlib.suppress(Conflict):
            settler.round()
