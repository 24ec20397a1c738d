"""What did not go out: why, what would be sent, sending it again corrected; and what is not asked twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Connection, select, update

from leadsvc.cli.destinations import destinations as command
from leadsvc.faults import Commit
from leadsvc.letters import Filter
from leadsvc.store.tables import (
    attempts,
    audit,
    correction_days,
    deliveries,
    exceptions,
    guest_cards,
    match_decisions,
    prospects,
)
from leadsvc.workers.destinations.vendors.simpms import SimPms
from leadsvc.workers.hints import hint
from leadsvc.workers.letters import release
from tests.benches.simpms import SIMPMS_KEY, SimPmsBench
from tests.system import people
from tests.system.test_engine import HERE_BEFORE, Blind, calls, created, say, speaking, states, with_account
from tests.world import World, running_world

pytestmark = pytest.mark.slow


@pytest.fixture
def world(store_url: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[World]:
    with running_world(store_url, tmp_path, simpms) as made:
        yield made


@pytest.fixture
def run(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """``leadsvc destinations …`` beside the world, with its store and its PMS."""
    fields = "[first_name, last_name, email, source_name, comment]"
    (tmp_path / "leadsvc.yaml").write_text(
        f'destinations:\n  pms: {{vendor: simpms, base_url: "{world.pms.url}", api_key: "env:pms_key",'
        f' fallback_source: "Unmapped - Review", fields: {fields}}}\n'
    )
    monkeypatch.setenv("LEADSVC_CONFIG", str(tmp_path / "leadsvc.yaml"))
    monkeypatch.setenv("LEADSVC_VAR", str(tmp_path))
    monkeypatch.setenv("LEADSVC_DATABASE_URL", world.settings.database_url)
    monkeypatch.setenv("pms_key", SIMPMS_KEY)
    monkeypatch.setenv("COLUMNS", "400")

    def invoke(*words: str, code: int = 0) -> Result:
        done = CliRunner().invoke(command, words)
        world.clock.now = max(world.clock.now, datetime.now(UTC))  # the command's clock is the machine's
        assert done.exit_code == code, (done.output, done.exception)
        return done

    return invoke


def refused(world: World, person: int, code: str = "invalid_name") -> Any:
    """A lead whose card the PMS refuses; the delivery that is dead of it."""
    body = json.dumps({"error": {"code": code, "message": "no", "fields": {"first_name": ["too odd"]}}})
    headers = {"Content-Type": "application/json"}
    world.pms.fault("create_card", "replay", status=422, body=body, headers=headers)
    say(world, person)
    world.settle()
    return world.rows(deliveries, deliveries.c.state == "dead")[-1]


def test_a_dead_letter_is_told_shown_corrected_and_sent(world: World, run: Callable[..., Result]) -> None:
    row = refused(world, 1)
    told = json.loads(run("dead", "pms", "--json").output)
    assert (told["id"], told["cause"], told["kind"]) == (str(row["id"]), "invalid_name", "prospect")
    assert "first_name: too odd" in told["words"]
    assert "for this delivery alone" in told["hint"]
    table = run("dead", "pms").output
    assert "invalid_name" in table
    assert "replay pms DELIVERY [--set FIELD=VALUE]" in table, "what to type"
    asked = calls(world)
    shown = run("replay", "pms", str(row["id"]), "--set", "first_name=Robin", "--dry-run").output
    assert "Robin" in shown
    assert "set by hand" in shown
    assert calls(world) == asked
    assert world.rows(deliveries, deliveries.c.id == row["id"])[0]["state"] == "dead", "nothing was changed"
    run("replay", "pms", str(row["id"]), "--set", "first_name=Robin")
    world.settle()
    assert states(world) == {"acknowledged"}
    [card] = [each for each in world.pms.state()["cards"] if each["third_party_id"]]
    assert card["first_name"] == "Robin"
    assert world.rows(deliveries, deliveries.c.id == row["id"])[0]["override"] == {"first_name": "Robin"}
    noted = {each["action"]: each["detail"] for each in world.rows(audit) if each["actor"].startswith("cli:")}
    assert noted["retry"] == {"fields": ["first_name"], "not_there": False}
    assert "preview" in noted, "who looked at personal data is on record"
    assert world.rows(exceptions, exceptions.c.resolved_at.is_(None)) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("phone=+17065550199", "not among the fields that may leave"),
        ("first_nam=Robin", "did you mean 'first_name'"),
        ("first_name=" + "R" * 41, "has 41 characters, and SimPMS, the simulated PMS takes 40"),
        ("nothing", "write FIELD=VALUE"),
    ],
)
def test_what_may_not_leave_is_not_replayed(world: World, run: Callable[..., Result], given: str, said: str) -> None:
    row = refused(world, 1)
    assert said in run("replay", "pms", str(row["id"]), "--set", given, code=2).output
    assert world.rows(deliveries, deliveries.c.id == row["id"])[0]["state"] == "dead"


def test_a_dry_run_says_what_would_be_cut_and_replaced(world: World, run: Callable[..., Result]) -> None:
    long = "Wilhelmina-Alexandrina-Bartholomea-Constantia"
    lead = {
        "person": {"given": long, "family": "Okafor"},
        "email": "w.okafor@example.com",
        "phone": "+17065550123",
        "property": {"id": "chd001"},
        "source": "website",
        "contact_type": "form",
    }
    world.pms.fault("create_card", "status", status=422)
    assert world.send(json.dumps(lead).encode(), "application/json", "canonical").status == 200
    world.settle()
    [row] = world.rows(deliveries, deliveries.c.state == "dead")
    lines = run("replay", "pms", str(row["id"]), "--dry-run").output.splitlines()
    said = {
        name: next(line for line in lines if f" {name} " in line) for name in ("first_name", "phone", "source_name")
    }
    assert f"cut from {len(long)} to 40 characters" in said["first_name"]
    assert "not among the account's fields" in said["phone"]
    assert "stand-in" in said["source_name"]
    assert "Unmapped - Review" in said["source_name"]


def test_many_are_replayed_by_cause_and_time(world: World, run: Callable[..., Result]) -> None:
    first, second = refused(world, 1), refused(world, 2, "invalid_phone")
    world.clock.forward(hours=2)
    since = f"{world.clock():%Y-%m-%dT%H:%M:%S}"
    refused(world, 3)
    assert "pms: 1 will be tried" in run("replay", "pms", "--all", "--cause", "invalid_phone").output
    assert world.rows(deliveries, deliveries.c.id == second["id"])[0]["state"] == "pending"
    assert "pms: 1 will be tried" in run("replay", "pms", "--all", "--since", since).output
    assert world.rows(deliveries, deliveries.c.id == first["id"])[0]["state"] == "dead"
    assert "pms: 1 will be tried" in run("replay", "pms", "--all").output
    world.settle()
    assert states(world) == {"acknowledged"}
    assert world.pms.state()["counts"]["live_people"] == 3 + HERE_BEFORE
    assert "nothing waits" in run("dead", "pms", "--held").output


def test_whoever_looked_may_say_that_it_is_not_there(world: World, run: Callable[..., Result]) -> None:
    speaking(world, Blind)
    world.pms.fault("create_card", "drop_before")
    say(world, 1)
    for _ in range(3):
        world.settle()
        world.clock.forward(hours=3)
    [held] = world.rows(deliveries, deliveries.c.state == "held")
    told = json.loads(run("dead", "pms", "--held", "--json").output)
    assert told["cause"] == "presence_unknown"
    assert "if it is not, say so" in told["hint"]
    run("replay", "pms", str(held["id"]), "--not-there")
    world.settle()
    assert states(world) == {"acknowledged"}
    assert created(world) == 2, "the call that was dropped, and the one after the person's word"
    assert world.pms.state()["counts"]["live_people"] == 1 + HERE_BEFORE


@pytest.mark.parametrize(
    "cause", ["http_400", "http_302", "http_418", "unknown_source", "no_such_agent", "whatever", "", "cannot_merge"]
)
def test_every_cause_has_a_hint(cause: str) -> None:
    assert hint(cause).endswith(".")


# -- what is not asked twice ------------------------------------------------------------------------------------------


def test_what_waits_for_one_card_is_told_in_one_push(world: World) -> None:
    """The PMS is away while the renter writes again and again, each time with something new."""
    world.pms.fault("*", "down")
    for number in range(6):
        contact = {"phone": people.phone(1)} if number > 2 else {}
        say(world, 1, f"question {number}", email=people.email(1), **contact)
        world.settle()
        world.clock.forward(minutes=1)
    owed = world.count(deliveries, deliveries.c.kind == "prospect")
    assert owed >= 2
    world.pms.control("DELETE", "faults")
    for _ in range(10):
        world.clock.forward(minutes=10)
        world.settle()
    assert states(world) == {"acknowledged"}
    pushes = {row["id"] for row in world.rows(deliveries, deliveries.c.kind == "prospect")}
    good = world.rows(attempts, attempts.c.outcome.in_(("accepted", "duplicate")))
    told = [row for row in good if row["delivery_id"] in pushes]
    assert len(told) == 1, "one push says it all"
    [card] = [each for each in world.pms.state()["cards"] if each["third_party_id"]]
    assert card["phone"], "what was learned last is there"
    assert world.pms.state()["counts"]["events"] == 6
    world.assert_balanced()


def join(world: World, person: int) -> None:
    """Two cards of one person that a third inquiry joins: a correction at the PMS."""
    say(world, person, "one", email=people.email(person))
    long_ago = (world.clock() - (world.clock() - world.clock().replace(month=1, day=16))).isoformat()
    say(world, person, "other", phone=people.phone(person), occurred_at=long_ago)
    world.settle()
    say(world, person, "bridge", email=people.email(person), phone=people.phone(person))


def test_corrections_beyond_the_daily_cap_wait_for_a_person(
    store_url: str,
    tmp_path: Path,
    simpms: SimPmsBench,
) -> None:
    with running_world(
        store_url, tmp_path, simpms, configure=lambda made: with_account(made, corrections_per_day=2)
    ) as world:
        for person in range(1, 6):
            join(world, person)
            world.settle()
        merges = world.count(match_decisions, match_decisions.c.kind == "merge")
        assert merges == 5
        assert world.pms.requests().count("merge_cards") <= 2
        [day] = world.rows(correction_days)
        assert day["used"] == 2
        held = world.rows(deliveries, deliveries.c.cause == "corrections_cap")
        assert len(held) >= 3
        [told] = world.rows(exceptions, exceptions.c.resolved_at.is_(None))
        assert (told["kind"], told["cause"]) == ("held_delivery", "corrections_cap")
        say(world, 30, "somebody new")
        world.settle()
        assert "create_card" in world.pms.requests()[-20:], "what is new is no correction"
        world.clock.forward(days=1)
        world.settle()
        assert world.count(deliveries, deliveries.c.cause == "corrections_cap") == len(held), "no day releases them"
        freed(world, tmp_path)
        world.settle()
        assert states(world) <= {"acknowledged", "cancelled"}
        assert world.pms.requests().count("merge_cards") == 5
        open_ = world.rows(exceptions, exceptions.c.resolved_at.is_(None), exceptions.c.kind == "held_delivery")
        assert open_ == []


def test_a_release_lifts_the_cap_and_not_the_budget(store_url: str, tmp_path: Path, simpms: SimPmsBench) -> None:
    """Each in its turn: what the cap let pass still waits for the budget, and a word on that lifts no cap."""
    tight = {"corrections_per_day": 0, "calls_per_lead": 40}
    with running_world(store_url, tmp_path, simpms, configure=lambda made: with_account(made, **tight)) as world:
        capped = edited(world, 1, ())
        assert (capped["cause"], capped["released"]) == ("corrections_cap", False)
        with world.services.store.write(Commit.ADMIN) as connection:
            release(connection, world.settings.accounts["pms"], world.clock(), "ana")
            overspent(connection, capped)
        world.settle()
        [row] = world.rows(deliveries, deliveries.c.id == capped["id"])
        assert (row["state"], row["cause"], row["released"]) == ("held", "call_budget", True)
        world.services.letters.replay(capped["id"], "ana")
        world.settle()
        [row] = world.rows(deliveries, deliveries.c.id == capped["id"])
        assert (row["state"], row["unmetered"]) == ("acknowledged", True)
        dear = edited(world, 2, (overspent,))
        assert (dear["cause"], dear["unmetered"]) == ("call_budget", False)
        world.services.letters.replay_all(Filter("pms", held=True), "ana")
        world.settle()
        [row] = world.rows(deliveries, deliveries.c.id == dear["id"])
        assert (row["state"], row["cause"], row["unmetered"]) == ("held", "corrections_cap", True)


def overspent(connection: Connection, row: Any) -> None:
    """The card cost more calls than it may."""
    mine = select(deliveries.c.id).where(deliveries.c.guest_card_id == row["guest_card_id"])
    connection.execute(update(attempts).where(attempts.c.delivery_id.in_(mine)).values(calls=50))


def edited(world: World, person: int, before: Sequence[Callable[[Connection, Any], None]]) -> Any:
    """A renter in the PMS whose phone an agent corrected here; the delivery that says so."""
    say(world, person, email=people.email(person), phone=people.phone(person))
    world.settle()
    put = max(world.rows(deliveries, deliveries.c.kind == "prospect"), key=lambda row: row["seq"])
    [card] = world.rows(guest_cards, guest_cards.c.id == put["guest_card_id"])
    [known] = world.rows(prospects, prospects.c.id == card["prospect_id"])
    with world.services.store.write(Commit.ADMIN) as connection:
        for each in before:
            each(connection, put)
    world.services.actions.edit_prospect(known["key"], "phone", "+17065550188", "ana")
    world.settle()
    [row] = [row for row in world.rows(deliveries, deliveries.c.state == "held") if row["kind"] == "prospect"]
    return row


def freed(world: World, folder: Path) -> None:
    (folder / "leadsvc.yaml").write_text(
        f'destinations:\n  pms: {{vendor: simpms, base_url: "{world.pms.url}", api_key: "env:pms_key"}}\n'
    )
    env = {
        "LEADSVC_CONFIG": str(folder / "leadsvc.yaml"),
        "LEADSVC_VAR": str(folder),
        "LEADSVC_DATABASE_URL": world.settings.database_url,
        "pms_key": SIMPMS_KEY,
    }
    done = CliRunner(env=env).invoke(command, ["release", "pms"])
    assert done.exit_code == 0, done.output
    assert "corrections go out" in done.output
    world.clock.now = datetime.now(UTC)


class Stubborn(SimPms):
    """A vendor whose cards keep the phone they were made with, for anybody but a person there."""

    CAPABILITIES = replace(
        SimPms.CAPABILITIES,
        corrections={**SimPms.CAPABILITIES.corrections, "contact": "change the phone on the card by hand."},
    )


def test_what_only_a_person_can_correct_there_is_said(world: World) -> None:
    speaking(world, Stubborn)
    say(world, 1, email=people.email(1), phone=people.phone(1))
    world.settle()
    [person] = world.rows(prospects)
    world.services.actions.edit_prospect(person["key"], "phone", "+17065550188", "ana")
    world.settle()
    assert states(world) == {"acknowledged"}
    [told] = world.rows(exceptions, exceptions.c.resolved_at.is_(None))
    assert (told["kind"], told["cause"]) == ("held_delivery", "correct_by_hand")
    assert told["detail"].endswith("change the phone on the card by hand.")
    assert world.rows(correction_days)[0]["used"] == 1
    world.services.actions.edit_prospect(person["key"], "name", {"given": "Robin", "family": "Okafor"}, "ana")
    world.settle()
    assert world.rows(correction_days)[0]["used"] == 1, "a name is no such correction"
