"""Who is who by command, script and page: the impact is told first, what is said then sticks, and can be undone."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from leadsvc.app import create_app
from leadsvc.cli.prospects import prospects as verb
from leadsvc.store.queries.cards import prospect_detail
from leadsvc.store.queries.households import households
from leadsvc.store.tables import audit, deliveries, exceptions, guest_cards, match_decisions, tasks
from tests.benches.simpms import SimPmsBench
from tests.integration.api_support import Door
from tests.renters import Office, parts, running_office

ROSA = ("Rosa Berg", "rosa@example.com", "0120")
KEN = ("Ken Mori", "ken@example.com", "0121")


@pytest.fixture
def office(sqlite_database: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[Office]:
    with running_office(sqlite_database, tmp_path, simpms) as made:
        yield made
        made.assert_sound()


@pytest.fixture
def two(office: Office) -> Office:
    """Two people with a card each at one property, known to the PMS."""
    office.lead("a", *ROSA, source="zillow")
    office.forward(hours=2)
    office.lead("b", *KEN, source="website")
    office.settle()
    return office


def everything(office: Office) -> list[Any]:
    tables = (deliveries, exceptions, guest_cards, match_decisions, tasks)
    return [office.world.rows(table) for table in tables]


# -- the impact -------------------------------------------------------------------------------------------------------


def test_a_dry_run_tells_what_the_merge_then_does(two: Office) -> None:
    keys, cards = (two.key("b"), two.key("a")), (two.card("b")["key"], two.card("a")["key"])
    before = everything(two)
    dry = two.actions.merge(*keys, "ana", dry_run=True)
    assert everything(two) == before
    assert dry["cards_folded"] == [{"card": cards[0], "into": cards[1]}]
    assert dry["inquiries_moved"] == [{"from": keys[0], "to": keys[1], "count": 1}]
    assert [(each["state"], each["was"]) for each in dry["tasks"]] == [("cancelled", "open")]
    owed = {(each["kind"], each["card"]): each["count"] for each in dry["deliveries"]}
    assert owed == {("merge", cards[1]): 1, ("prospect", cards[1]): 1}
    done = two.actions.merge(*keys, "ana")
    assert dry.pop("dry_run")
    assert done.pop("decision")
    assert dry == done
    assert len(two.world.rows(deliveries)) == len(before[0]) + 2


def test_credit_that_moves_is_told_by_model(two: Office) -> None:
    two.outcome("b", "leased")
    dry = two.actions.merge(two.key("b"), two.key("a"), "ana", dry_run=True)
    told = {
        (each["conversion"], each["model"], each["source"]): (each["before"], each["after"]) for each in dry["credit"]
    }
    assert told["leased", "first", "zillow"] == (0, 1)
    assert told["leased", "first", "website"] == (1, 0)
    assert told["leased", "linear", "zillow"] == (0, 0.5)
    assert ("leased", "last", "website") not in told  # it stays
    for kind, fewer in (("lead", 1), ("leased", 0)):
        for model in ("first", "last", "linear"):
            mine = [moved for (what, by, _), moved in told.items() if (what, by) == (kind, model)]
            assert sum(after - before for before, after in mine) == -fewer


def test_an_unmerge_tells_what_it_opens_and_asks_of_a_person(two: Office) -> None:
    merge = two.merge("b", "a")
    two.settle()
    two.forward(minutes=5)
    two.outcome("a", "toured")
    dry = two.actions.unmerge(merge, "ana", dry_run=True)
    keys = [two.card("a")["key"]]
    assert [each["was_in"] for each in dry["cards_opened"]] == keys
    assert [(each["state"], each["was"]) for each in dry["tasks"]] == [("open", "cancelled")]
    assert {each["kind"] for each in dry["deliveries"]} >= {"unmerge", "prospect", "task"}
    assert any("Whose was this" in each["task"] for each in dry["work_items"])
    assert two.people() == parts("a b")


def test_outcomes_of_the_time_together_are_asked_about_and_others_are_not(two: Office) -> None:
    two.outcome("a", "contacted")
    two.forward(minutes=1)
    merge = two.merge("b", "a")
    two.unmerge(merge)
    asked = tasks.c.title.like("Whose was this%")
    assert two.world.count(tasks, asked) == 0
    merge = two.merge("b", "a")
    two.forward(minutes=1)
    two.outcome("a", "toured")
    two.unmerge(merge)
    (item,) = two.world.rows(tasks, asked)
    assert "toured" in item["body"]
    assert two.card("b")["key"] in item["body"]
    assert (two.card("a")["stage"], two.card("b")["stage"]) == ("toured", "new")


# -- reviews ----------------------------------------------------------------------------------------------------------


def test_taking_back_a_merge_asks_again_what_it_had_answered(office: Office) -> None:
    office.wary()
    office.lead("a", "Rosa Berg", None, "0120")
    office.lead("b", "Anders Berg", None, "0120")
    (question,) = office.world.rows(exceptions, exceptions.c.kind == "match_review")
    maybe = office.card("b")["may_be"]
    assert maybe is not None
    merge = office.merge("b", "a")
    assert office.asked("match_review") == []
    office.unmerge(merge)
    (again,) = office.world.rows(exceptions, exceptions.c.kind == "match_review")
    assert again == question
    assert office.card("b")["may_be"] == maybe
    office.apart("a", "b")
    assert office.asked("match_review") == []
    office.unmerge(office.merge("b", "a"))
    assert office.asked("match_review") == [], "the second merge had answered nothing"


# -- households -------------------------------------------------------------------------------------------------------


def proposed(office: Office) -> Office:
    office.lead("a", "Rosa Berg", "home@example.com", "0120")
    office.forward(minutes=3)
    office.lead("b", "Anders Berg", "home@example.com", "0133")
    assert office.people() == parts("a", "b")
    return office


def stands(office: Office, message: str) -> list[tuple[str, str, str]]:
    with office.world.services.store.read() as connection:
        found = prospect_detail(connection, office.key(message))
    told = households(found.person.id, found.decisions, found.people)
    return [(each.person.key, each.state, each.because.sentence) for each in told]


def test_two_names_behind_one_address_are_proposed_as_a_household(office: Office) -> None:
    proposed(office)
    ((key, state, sentence),) = stands(office, "b")
    assert (key, state) == (office.key("a"), "proposed")
    assert "household" in sentence
    assert [each[0] for each in stands(office, "a")] == [office.key("b")]


@pytest.mark.parametrize(("verdict", "state"), [("related", "confirmed"), ("apart", "dismissed")])
def test_what_a_person_says_of_a_household_sticks(office: Office, verdict: str, state: str) -> None:
    proposed(office)
    before = everything(office)
    assert office.actions.household(office.key("a"), office.key("b"), verdict, "ana", dry_run=True)["dry_run"]
    assert everything(office) == before
    office.actions.household(office.key("b"), office.key("a"), verdict, "ana")
    office.forward(days=70)
    office.lead("c", "Anders Berg", "home@example.com", None)
    assert stands(office, "b")[0][1] == stands(office, "a")[0][1] == state
    assert "household" in stands(office, "a")[0][2]
    assert office.world.count(audit, audit.c.action == "household") == 1


def test_a_household_is_two_people_and_a_merge_ends_it(office: Office) -> None:
    proposed(office)
    office.actions.household(office.key("a"), office.key("b"), "related", "ana")
    assert office.world.count(match_decisions, match_decisions.c.kind == "keep_apart") == 1
    merge = office.merge("b", "a")
    assert stands(office, "a") == []
    office.unmerge(merge)
    assert stands(office, "a")[0][1] == "confirmed"


# -- commands and scripts ---------------------------------------------------------------------------------------------


def run(office: Office, monkeypatch: pytest.MonkeyPatch, *words: str, fails: bool = False) -> str:
    monkeypatch.setattr("leadsvc.cli.prospects.as_configured", lambda: office.world.services)
    done = CliRunner().invoke(verb, list(words), catch_exceptions=fails)
    assert bool(done.exit_code) == fails, done.output
    return done.output or str(done.exception)


def test_commands_show_first_and_do_when_told_so(two: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = two.key("a"), two.key("b")
    said = run(two, monkeypatch, "merge", other.lower(), one)
    assert "becomes part of" in said
    assert "Nothing has changed" in said
    assert "owed to pms: merge" in said
    assert two.people() == parts("a", "b")
    assert run(two, monkeypatch, "merge", other, one, "--dry-run") == said
    assert "Nothing has changed" not in run(two, monkeypatch, "merge", other, one, "--yes")
    assert two.people() == parts("a b")
    told = run(two, monkeypatch, "show", other)
    assert told.startswith(one)
    (number,) = re.findall(r"merge (\S+), can be undone", told)
    impact = json.loads(run(two, monkeypatch, "unmerge", number, "--json"))
    assert impact["dry_run"]
    assert impact["cards_opened"]
    run(two, monkeypatch, "unmerge", number, "--yes")
    assert two.people() == parts("a", "b")
    assert "taken back" in run(two, monkeypatch, "show", other)
    assert "choose one of" in run(two, monkeypatch, "unmerge", number, "--yes", "--dry-run", fails=True)
    assert "taken back before" in run(two, monkeypatch, "unmerge", number, fails=True)
    assert "PR-ZZZZZZZZ" in run(two, monkeypatch, "show", "PR-ZZZZZZZZ", fails=True)


def test_commands_split_part_and_household(two: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    two.lead("c", *ROSA)
    inquiry = str(two.inquiry("c").id)
    run(two, monkeypatch, "split", inquiry)
    assert two.people() == parts("a c", "b")
    run(two, monkeypatch, "split", inquiry, "--yes")
    assert two.people() == parts("a", "b", "c")
    assert "no inquiry" in run(two, monkeypatch, "split", str(uuid.UUID(int=5)), fails=True)
    one, other = two.key("a"), two.key("b")
    run(two, monkeypatch, "keep-apart", one, other)
    run(two, monkeypatch, "household", one, other, "confirm")
    by_hand = match_decisions.c.decided_by == "operator"
    assert two.world.count(match_decisions, by_hand, match_decisions.c.other_prospect_id == two.person("b")["id"]) == 0
    run(two, monkeypatch, "keep-apart", one, other, "--yes")
    run(two, monkeypatch, "household", one, other, "confirm", "--yes")
    assert "household, confirmed: " + other in run(two, monkeypatch, "show", one)
    assert "is part of" in run(two, monkeypatch, "merge", one, one, fails=True)


def test_scripts(two: Office) -> None:
    door = Door(create_app(two.world.services), two.world.services)
    writing, one, other = door.staff("staff:write"), two.key("a"), two.key("b")

    def post(path: str, body: dict[str, Any], status: int = 200) -> Any:
        answer = door.client.post(f"/v1/{path}", json=body, headers=writing)
        assert answer.status_code == status, answer.text
        return answer.get_json()

    assert post(f"prospects/{one}/keep-apart", {"other": other, "dry_run": True})["dry_run"]
    post(f"prospects/{one}/keep-apart", {"other": one}, status=409)
    post(f"prospects/{one}/household", {"other": other, "verdict": "perhaps"}, status=422)
    post(f"prospects/{one}/household", {"other": other, "verdict": "confirm"})
    for path in (f"prospects/{other}", f"guest-cards/{two.card('b')['key']}"):
        ((said),) = door.client.get(f"/v1/{path}", headers=door.staff()).get_json()["household"]
        assert (said["prospect"]["key"], said["state"]) == (one, "confirmed")
    two.lead("c", *KEN)
    inquiry = two.inquiry("c").id
    assert post(f"inquiries/{inquiry}/split", {"dry_run": True})["inquiries_moved"]
    post(f"inquiries/{inquiry}/split", {})
    assert two.people() == parts("a", "b", "c")
    post(f"inquiries/{uuid.UUID(int=5)}/split", {}, status=404)
