"""What holds for every destination, over the wire against its simulator. A new vendor joins in ``BENCHES``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from leadsvc.workers.destinations import VENDORS, connect
from leadsvc.workers.destinations.base import (
    CardAt,
    CardPush,
    ConfigKind,
    Destination,
    EventPush,
    Outcome,
    OutcomeKind,
    Query,
    Result,
    TaskPush,
)
from tests import destinations_fixtures
from tests.destinations_fixtures import Bench, with_timeout
from tests.processes import free_port

simpms_process = destinations_fixtures.simpms_process
simpms = destinations_fixtures.simpms

# Vendor -> the fixture that starts its simulator.
BENCHES = {"simpms": "simpms"}

CARD = CardPush(
    our_key="GC-7Q4Z8N2B",
    person_key="PR-2B3C4D5F",
    property_ref="olf",
    first_name="Noor",
    last_name="Haddad",
    email="noor.haddad@example.com",
    phone="+17065550123",
    move_in=date(2027, 2, 1),
    bedrooms_min=1,
    bedrooms_max=2,
    budget_max_cents=150_000,
    source_name="zillow",
    comment="Is the corner loft free?",
)
EVENT = EventPush(
    our_event_key="IN-0001", kind="email", at=datetime(2026, 11, 20, 15, 4, tzinfo=UTC), text="Is it free?"
)
TASK = TaskPush(our_task_key="TK-0001", title="Call back", due_at=datetime(2026, 11, 21, 15, 0, tzinfo=UTC))

MISHAPS: list[tuple[str, dict[str, object]]] = [
    ("status", {"status": 500}),
    ("status", {"status": 503, "retry_after": "2"}),
    ("status", {"status": 429, "retry_after": "Fri, 20 Nov 2037 10:00:00 GMT"}),
    ("html_error", {}),
    ("drop_before", {}),
    ("commit_then_drop", {}),
    ("answer_late", {"seconds": 3}),
    ("cut_body", {}),
    ("truncate_json", {}),
    ("ok_without_id", {}),
    ("ok_noop", {}),
]
mishaps = pytest.mark.parametrize(("mode", "words"), MISHAPS, ids=[f"{m}-{w.get('status', '')}" for m, w in MISHAPS])


@pytest.fixture(params=sorted(BENCHES))
def bench(request: pytest.FixtureRequest) -> Bench:
    found: Bench = request.getfixturevalue(BENCHES[request.param])
    return found


@pytest.fixture
def destination(bench: Bench) -> Iterator[Destination]:
    connected = connect(bench.profile)
    yield connected
    connected.close()


def at(card_id: str, our_key: str = CARD.our_key) -> CardAt:
    return CardAt(card_id=card_id, property_ref=CARD.property_ref, our_key=our_key)


def until_done(write: Callable[[], Result], tries: int = 4) -> Result:
    """As a worker does it: the same write again while the answer says retry."""
    for _ in range(tries):
        result = write()
        if result.outcome is not Outcome.RETRY:
            return result
    raise AssertionError(f"still not done: {result}")


def test_every_vendor_has_a_bench() -> None:
    assert set(BENCHES) == set(VENDORS)


def test_check(bench: Bench, destination: Destination) -> None:
    assert destination.check().outcome is Outcome.ACCEPTED
    stranger = connect(replace(bench.profile, api_key="wrong-key-entirely"))
    result = stranger.check()
    stranger.close()
    assert result.outcome is Outcome.AUTH
    assert "wrong-key-entirely" not in repr(result)


def test_nobody_listens(bench: Bench) -> None:
    deaf = connect(replace(bench.profile, base_url=f"http://127.0.0.1:{free_port()}"))
    result = deaf.put_prospect(CARD, None)
    deaf.close()
    assert (result.outcome, result.verify_first, result.code) == (Outcome.RETRY, False, "not_sent")


@pytest.mark.parametrize("kind", list(ConfigKind))
def test_configuration_is_read_to_its_end(destination: Destination, kind: ConfigKind) -> None:
    cursor, ids = "", []
    while True:
        result, page = destination.pull_config(kind, cursor)
        assert result.ok
        ids += [item.remote_id for item in page.items]
        cursor = page.next_cursor
        if not cursor:
            break
    assert ids
    assert len(ids) == len(set(ids))


def test_a_card_is_found_by_each_key(destination: Destination) -> None:
    nothing, none = destination.find_prospect(Query(our_key=CARD.our_key, email=CARD.email))
    assert (nothing.ok, nothing.empty, none) == (True, True, ())
    result = destination.put_prospect(CARD, None)
    assert result.outcome is Outcome.ACCEPTED
    assert result.verified
    assert result.card_id
    fields = {"our_key": CARD.our_key, "remote_id": result.card_id, "email": CARD.email, "phone": CARD.phone}
    for name in destination.capabilities.find_by:
        looked, cards = destination.find_prospect(Query(**{name: fields[name]}, property_ref=CARD.property_ref))
        assert looked.ok
        assert [card.card_id for card in cards] == [result.card_id], name
    looked, card = destination.get_card(at(result.card_id))
    assert looked.ok
    assert card is not None
    assert (card.our_key, card.person_id, card.source) == (CARD.our_key, result.person_id, "Zillow.com")
    assert card.fields["move_in"] == "2027-02-01"
    assert card.fields["budget_max_cents"] == "150000"


def test_an_unknown_card_is_empty(destination: Destination) -> None:
    result, card = destination.get_card(at("no such card?"))
    assert result.ok
    assert result.empty
    assert card is None


def test_a_second_put_makes_no_second_card(bench: Bench, destination: Destination) -> None:
    first = destination.put_prospect(CARD, None)
    second = destination.put_prospect(CARD, None)
    assert second.outcome is Outcome.DUPLICATE
    assert second.card_id == first.card_id
    assert bench.live_cards(CARD.our_key) == 1


@mishaps
def test_a_card_is_created_once_whatever_happens(bench: Bench, mode: str, words: dict[str, object]) -> None:
    destination = connect(with_timeout(bench.profile, 0.8))
    bench.fault("create", mode, **words)
    result = until_done(lambda: destination.put_prospect(CARD, None))
    assert result.ok
    assert result.card_id
    assert bench.live_cards(CARD.our_key) == 1
    looked, card = destination.get_card(at(result.card_id))
    destination.close()
    assert looked.ok
    assert card is not None
    assert card.our_key == CARD.our_key


@mishaps
def test_a_card_is_updated_whatever_happens(bench: Bench, mode: str, words: dict[str, object]) -> None:
    destination = connect(with_timeout(bench.profile, 0.8))
    made = destination.put_prospect(replace(CARD, phone="", move_in=None), None)
    bench.fault("update", mode, **words)
    result = until_done(lambda: destination.put_prospect(CARD, None))
    assert result.ok
    _, card = destination.get_card(at(made.card_id))
    destination.close()
    assert card is not None
    assert card.phones == (CARD.phone,)
    assert card.fields["move_in"] == "2027-02-01"
    assert bench.live_cards(CARD.our_key) == 1


@mishaps
def test_an_event_is_added_once_whatever_happens(bench: Bench, mode: str, words: dict[str, object]) -> None:
    destination = connect(with_timeout(bench.profile, 0.8))
    if not destination.capabilities.has_event:
        pytest.skip("the vendor has no events")
    card_id = destination.put_prospect(CARD, None).card_id
    bench.fault("event", mode, **words)
    result = until_done(lambda: destination.add_event(at(card_id), EVENT))
    destination.close()
    assert result.ok
    assert result.event_id
    assert bench.events(card_id) == 1


@mishaps
def test_a_task_is_made_once_whatever_happens(bench: Bench, mode: str, words: dict[str, object]) -> None:
    destination = connect(with_timeout(bench.profile, 0.8))
    if not destination.capabilities.has_task:
        pytest.skip("the vendor has no tasks")
    card_id = destination.put_prospect(CARD, None).card_id
    bench.fault("task", mode, **words)
    result = until_done(lambda: destination.put_task(at(card_id), TASK))
    assert result.ok
    assert result.task_id
    moved = destination.put_task(at(card_id), replace(TASK, due_at=TASK.due_at + timedelta(days=1)))
    assert moved.task_id == result.task_id
    assert destination.find_task(at(card_id), TASK.our_task_key).task_id == result.task_id
    destination.close()
    assert bench.tasks(card_id) == 1


def test_a_failed_look_writes_nothing(bench: Bench, destination: Destination) -> None:
    bench.fault("find", "status", status=500)
    result = destination.put_prospect(CARD, None)
    assert (result.outcome, result.verify_first) == (Outcome.RETRY, False)
    assert bench.live_cards(CARD.our_key) == 0


def test_retry_after_is_passed_on(bench: Bench, destination: Destination) -> None:
    bench.fault("create", "status", status=429, retry_after="17")
    assert destination.put_prospect(CARD, None).retry_after_s == 17


def test_blanks_are_filled_and_a_persons_words_stay(bench: Bench, destination: Destination) -> None:
    card_id = destination.put_prospect(replace(CARD, last_name="", move_in=None), None).card_id
    bench.agent_edits(card_id, {"first_name": "Nour", "phone": "+17065550199"})
    _, known = destination.get_card(at(card_id))
    result = destination.put_prospect(replace(CARD, source_name="apartments_com"), known)
    assert result.ok
    assert set(result.kept) == {"first_name", "phone", "source_name"}
    assert set(result.written) == {"last_name", "move_in"}
    _, card = destination.get_card(at(card_id))
    assert card is not None
    assert (card.name, card.phones, card.source) == ("Nour Haddad", ("+17065550199",), "Zillow.com")


def test_our_own_last_value_may_be_corrected(destination: Destination) -> None:
    first = destination.put_prospect(replace(CARD, source_name="not mapped yet"), None)
    assert "source_name" in first.fallbacks
    later = replace(CARD, move_in=date(2027, 3, 15), last_pushed=first.written)
    result = destination.put_prospect(later, None)
    assert result.written == {"move_in": "2027-03-15", "source_name": "Zillow.com"}


def test_what_the_account_does_not_know(destination: Destination) -> None:
    lost = destination.put_prospect(replace(CARD, property_ref="nowhere"), None)
    assert lost.outcome is Outcome.REJECT
    assert "property_ref" in lost.field_errors
    card = replace(CARD, floor_plan_ref="ZZ", agent_ref="nobody", source_name="pigeon", last_name="")
    result = destination.put_prospect(card, None)
    assert result.outcome is Outcome.ACCEPTED
    assert set(result.fallbacks) >= {"floor_plan_ref", "source_name", "last_name"}


def test_only_allowed_fields_leave(bench: Bench) -> None:
    allowed = frozenset({"first_name", "last_name", "email", "source_name"})
    destination = connect(replace(bench.profile, allowed_fields=allowed))
    card_id = destination.put_prospect(CARD, None).card_id
    _, card = destination.get_card(at(card_id))
    destination.close()
    assert card is not None
    assert set(card.fields) == allowed


def test_long_and_strange_text_arrives(destination: Destination) -> None:
    odd = replace(CARD, first_name="Zoë 🏠 " + "x" * 500, comment="<b>&\x00\ud83d\u202e'\";--" * 500)
    result = destination.put_prospect(odd, None)
    assert result.outcome is Outcome.ACCEPTED


def test_outcomes_are_read_once_and_in_order(bench: Bench, destination: Destination) -> None:
    since = datetime.now(UTC) - timedelta(minutes=1)
    card_id = destination.put_prospect(CARD, None).card_id
    for word in ("contacted", "toured", "sent to the moon"):
        bench.agent_edits(card_id, {}, word)
    result, page = destination.pull_outcomes(since)
    assert result.ok
    assert [one.kind for one in page.items] == [OutcomeKind.CONTACTED, OutcomeKind.TOURED, OutcomeKind.OTHER]
    assert page.items[2].raw_status == "sent to the moon"
    assert {one.our_key for one in page.items} == {CARD.our_key}
    _, rest = destination.pull_outcomes(since, page.cursor)
    assert rest.items == ()
    bench.agent_edits(card_id, {}, "leased")
    _, rest = destination.pull_outcomes(since, rest.cursor)
    assert [one.kind for one in rest.items] == [OutcomeKind.LEASED]


@pytest.mark.parametrize("mode", ["", "commit_then_drop", "ok_noop", "cut_body"])
def test_merge_and_its_undoing(bench: Bench, destination: Destination, mode: str) -> None:
    if not destination.capabilities.can_merge:
        pytest.skip("the vendor cannot merge")
    survivor = destination.put_prospect(replace(CARD, our_key="GC-AAAA", phone=""), None).card_id
    loser = destination.put_prospect(replace(CARD, our_key="GC-BBBB"), None).card_id
    if mode:
        bench.fault("merge", mode)
        bench.fault("unmerge", mode)
    assert until_done(lambda: destination.merge_cards(at(loser), at(survivor))).ok
    assert destination.merge_cards(at(loser), at(survivor)).outcome is Outcome.DUPLICATE
    assert bench.live_cards("GC-BBBB") == 0
    _, found = destination.find_prospect(Query(our_key="GC-BBBB"))
    assert [card.card_id for card in found] == [survivor]
    again = destination.put_prospect(replace(CARD, our_key="GC-BBBB"), None)
    assert (again.ok, again.card_id) == (True, survivor)
    assert until_done(lambda: destination.unmerge_card(at(loser))).ok
    assert destination.unmerge_card(at(loser)).outcome is Outcome.DUPLICATE
    assert bench.live_cards("GC-BBBB") == 1
    _, card = destination.get_card(at(survivor))
    assert card is not None
    assert card.phones == ()


def test_history_follows_a_card_that_was_merged_away(bench: Bench, destination: Destination) -> None:
    if not destination.capabilities.can_merge:
        pytest.skip("the vendor cannot merge")
    survivor = destination.put_prospect(replace(CARD, our_key="GC-AAAA"), None).card_id
    loser = destination.put_prospect(replace(CARD, our_key="GC-BBBB"), None).card_id
    destination.merge_cards(at(loser), at(survivor))
    event, task = destination.add_event(at(loser), EVENT), destination.put_task(at(loser), TASK)
    assert (event.ok, event.card_id) == (True, survivor)
    assert (task.ok, task.card_id) == (True, survivor)
    assert bench.events(survivor) == 1


def test_the_hook_hears_each_call(bench: Bench) -> None:
    heard: list[str] = []
    destination = connect(bench.profile, heard.append)
    destination.put_prospect(CARD, None)
    destination.close()
    assert len(heard) >= 4
    assert [word.partition(" ")[0] for word in heard] == ["before", "after"] * (len(heard) // 2)
    assert all(a.partition(" ")[2] == b.partition(" ")[2] for a, b in zip(heard[::2], heard[1::2], strict=True))


def test_a_hook_that_raises_stops_the_call(bench: Bench) -> None:
    class CrashPointError(Exception):
        pass

    def crash(word: str) -> None:
        if word.startswith("before create"):
            raise CrashPointError

    destination = connect(bench.profile, crash)
    with pytest.raises(CrashPointError):
        destination.put_prospect(CARD, None)
    destination.close()
    assert bench.live_cards(CARD.our_key) == 0
