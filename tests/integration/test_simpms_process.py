"""The simulated PMS as a process: how it starts and ends, what it keeps, what it shows, how careless it is."""

from __future__ import annotations

import json
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import httpx2

from leadsvc.workers.destinations import connect
from leadsvc.workers.destinations.base import CardAt, CardKind, CardPush, EventPush, Outcome, Query, TaskPush
from tests.benches import with_timeout
from tests.benches.simpms import SIMPMS_KEY, SimPmsBench, running_simpms
from tests.contracts.test_every_destination import CARD, EVENT, TASK
from tests.processes import LEADSVC, eventually, leadsvc

KEY = {"X-Api-Key": SIMPMS_KEY}


def post(bench: SimPmsBench, path: str, words: dict[str, object]) -> httpx2.Response:
    return httpx2.post(f"{bench.url}/api/v1/{path}", json=words, headers=KEY, trust_env=False)


def test_asked_twice_it_makes_two_cards_of_one_person(simpms: SimPmsBench) -> None:
    before = simpms.state()["counts"]
    words: dict[str, object] = {
        "property_id": "olf", "last_name": "Haddad", "source": "Zillow.com", "third_party_id": "GC-1",
        "third_party_person_id": "PR-1",
    }  # fmt: skip
    cards = [post(simpms, "guest-cards", words).json()["guest_card"] for _ in range(2)]
    assert cards[0]["id"] != cards[1]["id"]
    assert cards[0]["person_id"] == cards[1]["person_id"]
    after = simpms.state()["counts"]
    assert (after["live_cards"] - before["live_cards"], after["live_people"] - before["live_people"]) == (2, 1)


def test_who_was_there_already(simpms: SimPmsBench) -> None:
    destination = connect(simpms.profile)
    _, found = destination.find_prospect(Query(email="mina.patel@example.com", property_ref="olf"))
    assert [(card.card_id, card.status, card.entered_by, card.source) for card in found] == [
        ("p0000902", CardKind.PROSPECT, "ben", "Walk-In")
    ]
    elsewhere, none = destination.find_prospect(Query(email="mina.patel@example.com", property_ref="bvt"))
    assert (elsewhere.empty, none) == (True, ())
    _, applicants = destination.find_prospect(Query(phone="+12535550172", property_ref="bvt"))
    assert [card.status for card in applicants] == [CardKind.APPLICANT]
    destination.close()


def test_a_known_prospect_is_adopted(simpms: SimPmsBench) -> None:
    destination = connect(simpms.profile)
    _, known = destination.get_card(CardAt(card_id="p0000902"))
    card = replace(CARD, first_name="Mina", last_name="Patel", email="mina.patel@example.com", phone="")
    result = destination.put_prospect(card, known)
    assert (result.card_id, result.kept) == ("p0000902", ("source_name",))
    _, found = destination.find_prospect(Query(our_key=CARD.our_key))
    assert [one.card_id for one in found] == ["p0000902"]
    destination.close()


def test_a_resident_is_left_alone_but_gets_the_history(simpms: SimPmsBench) -> None:
    destination = connect(simpms.profile)
    _, known = destination.get_card(CardAt(card_id="p0000871"))
    card = replace(CARD, property_ref="chd001")
    result = destination.put_prospect(card, known)
    assert (result.outcome, result.code, result.written) == (Outcome.DUPLICATE, "not_editable", {})
    assert destination.add_event(CardAt(card_id="p0000871"), EVENT).outcome is Outcome.ACCEPTED
    assert "update_card" not in simpms.requests()
    destination.close()


def test_an_edit_in_between_is_read_again(simpms: SimPmsBench) -> None:
    destination = connect(simpms.profile)
    card_id = destination.put_prospect(replace(CARD, phone=""), None).card_id
    _, stale = destination.get_card(CardAt(card_id=card_id))
    simpms.agent_edits(card_id, {"phone": "+17065550199"})
    result = destination.put_prospect(replace(CARD, floor_plan_ref="L1"), stale)
    assert (result.outcome, result.kept) == (Outcome.ACCEPTED, ("phone",))
    assert result.written == {"floor_plan_ref": "L1"}
    destination.close()


def test_a_retired_source_goes_out_as_the_fallback(simpms: SimPmsBench) -> None:
    simpms.control("POST", "config/source/Zillow.com", {"active": False})
    destination = connect(simpms.profile)
    result = destination.put_prospect(CARD, None)
    assert (result.outcome, result.fallbacks) == (Outcome.ACCEPTED, ("source_name",))
    event = EventPush(our_event_key="IN-2", kind="call", at=EVENT.at, text="", source_name="zillow", agent_ref="ana")
    assert set(destination.add_event(CardAt(card_id=result.card_id), event).fallbacks) == {"source_name", "agent_ref"}
    destination.close()


def test_an_agent_of_another_property_is_not_assigned(simpms: SimPmsBench) -> None:
    destination = connect(replace(simpms.profile, fallback_agent="ben"))
    card_id = destination.put_prospect(CARD, None).card_id
    result = destination.put_task(CardAt(card_id=card_id), replace(TASK, assignee_ref="dee"))
    assert (result.outcome, result.fallbacks) == (Outcome.ACCEPTED, ("assignee_ref",))
    assert [task["assignee_id"] for task in simpms.state()["tasks"]] == ["ben"]
    destination.close()


def test_nothing_gets_through_while_it_is_down(simpms: SimPmsBench) -> None:
    destination = connect(simpms.profile)
    simpms.control("POST", "faults", [{"mode": "down"}])
    assert {destination.check().outcome for _ in range(3)} == {Outcome.RETRY}
    assert destination.put_prospect(CARD, None).outcome is Outcome.RETRY
    simpms.control("DELETE", "faults")
    assert destination.put_prospect(CARD, None).outcome is Outcome.ACCEPTED
    destination.close()


def test_writes_at_once_to_one_card_are_noticed(simpms: SimPmsBench) -> None:
    simpms.fault("create", "slow", seconds=30, times=2)
    threads = [threading.Thread(target=_create, args=(simpms,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    eventually(lambda: simpms.state()["max_concurrent_writes"].get("GC-9") == 2, "both writes are under way")
    simpms.control("DELETE", "faults")
    for thread in threads:
        thread.join(20)
    assert simpms.live_cards("GC-9") == 2


def _create(bench: SimPmsBench) -> None:
    post(bench, "guest-cards", {
        "property_id": "olf", "last_name": "Haddad", "source": "Zillow.com", "third_party_id": "GC-9"
    })  # fmt: skip


def test_killed_and_started_again_it_has_everything(tmp_path: Path) -> None:
    with running_simpms(tmp_path) as bench:
        destination = connect(with_timeout(bench.profile, 5))
        made = destination.put_prospect(CARD, None)
        bench.process.kill()
        lost = destination.put_prospect(CARD, None)
        assert (lost.outcome, lost.verify_first) == (Outcome.RETRY, False)
        with running_simpms(tmp_path, bench.port) as again:
            found = destination.put_prospect(CARD, None)
            assert (found.outcome, found.card_id) == (Outcome.DUPLICATE, made.card_id)
            assert again.live_cards(CARD.our_key) == 1
        destination.close()


def test_the_page_shows_what_came_and_runs_nothing(simpms: SimPmsBench) -> None:
    destination = connect(simpms.profile)
    card = CardPush(
        our_key="GC-2", property_ref="olf", first_name="<script>alert(1)</script>", last_name="Haddad",
        source_name="zillow", floor_plan_ref="L1", budget_max_cents=150_000,
    )  # fmt: skip
    card_id = destination.put_prospect(card, None).card_id
    destination.add_event(CardAt(card_id=card_id), EVENT)
    destination.put_task(
        CardAt(card_id=card_id), TaskPush(our_task_key="T", title="Ring <b>them</b>", due_at=TASK.due_at)
    )
    destination.close()
    page = httpx2.get(simpms.url, trust_env=False).text
    assert "<script>" not in page
    for words in ("&lt;script&gt;", "Oakline Lofts", "One Loft", "1500.00", "Is it free?", "Ring &lt;b&gt;"):
        assert words in page


def test_malformed_requests_are_refused_in_words(simpms: SimPmsBench) -> None:
    assert post(simpms, "guest-cards", {}).json()["error"]["fields"].keys() == {"property_id", "last_name", "source"}
    answers = [
        httpx2.post(f"{simpms.url}/api/v1/guest-cards", content=b"[1", headers=KEY, trust_env=False),
        httpx2.get(f"{simpms.url}/api/v1/guest-cards", headers=KEY, trust_env=False),
        httpx2.get(f"{simpms.url}/api/v1/outcomes?after=x", headers=KEY, trust_env=False),
        post(simpms, "guest-cards/p0000902/events", {"kind": "note", "at": "yesterday"}),
        httpx2.post(f"{simpms.url}/control/faults", json=[{"mode": "levitate"}], trust_env=False),
    ]
    assert [answer.status_code for answer in answers] == [400, 400, 400, 422, 400]


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    words = [*LEADSVC, "simulate", "simpms", "--state", str(tmp_path / "s.db"), "--watch-stdin"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["vendor"] == "simpms"
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20) == 0


def test_it_ends_cleanly_on_sigterm(tmp_path: Path) -> None:
    with leadsvc("simulate", "simpms", "--state", str(tmp_path / "new" / "s.db")) as process:
        process.until(lambda: "\n" in process.output(), "it listens")
        assert process.stop() == 0


def test_a_wrong_configuration_is_said_in_one_line(tmp_path: Path) -> None:
    config = tmp_path / "pms.yaml"
    config.write_text("properties: [")
    words = [*LEADSVC, "simulate", "simpms", "--state", str(tmp_path / "s.db"), "--config", str(config)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "pms.yaml: cannot be read as YAML" in done.stderr
    assert "Traceback" not in done.stderr
