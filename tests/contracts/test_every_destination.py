"""What holds for every destination, over the wire against its simulator. A vendor joins by ``tests/benches/VENDOR.py``;
what its capabilities say it cannot do is left out here, and said. One file: it is the contract, and is read as one."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pytest

from leadsvc.workers.destinations import VENDORS, connect, vendors
from leadsvc.workers.destinations.base import (
    CARD_FIELDS,
    PERSON_FIELDS,
    CardAt,
    CardPush,
    ConfigKind,
    Destination,
    EventPush,
    Outcome,
    OutcomeKind,
    OutcomePage,
    Query,
    RemoteOutcome,
    Result,
    TaskPush,
)
from tests.benches import BENCHED, WRONG, Bench, with_timeout
from tests.processes import free_port

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
    ("html_ok", {}),
    ("empty_body", {}),
    ("bom", {}),
    ("other_prefix", {}),
    ("numbers_as_text", {}),
    ("one_for_list", {}),
    ("soap_fault", {}),
    ("throttle", {}),
]
mishaps = pytest.mark.parametrize(("mode", "words"), MISHAPS, ids=[f"{m}-{w.get('status', '')}" for m, w in MISHAPS])


@pytest.fixture(scope="session", params=BENCHED)
def vendor(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def only_if(can: object, what: str) -> None:
    """Leave a test out, in words, where the vendor says that it cannot do what the test is about."""
    if not can:
        pytest.skip(f"the vendor has no {what}")


def readable(destination: Destination) -> bool:
    """Whether anything can be asked there; a receiver that only takes what it is sent is counted by its bench alone."""
    return bool(destination.capabilities.find_by)


def mishap(bench: Bench, role: str, mode: str, words: dict[str, object]) -> None:
    """Order one mishap for the next call of a role; a way of failing that this wire cannot show is left out."""
    only_if(mode in bench.modes(), f"answer of the kind {mode}")
    bench.fault(role, mode, **words)


def at(card_id: str, our_key: str = CARD.our_key) -> CardAt:
    beside = {"our_key": our_key, "email": CARD.email, "phone": CARD.phone}
    return CardAt(card_id=card_id, property_ref=CARD.property_ref, **beside)


def until_done(write: Callable[[], Result], tries: int = 4) -> Result:
    """As a worker does it: the same write again while the answer says retry."""
    for _ in range(tries):
        result = write()
        if result.outcome is not Outcome.RETRY:
            return result
    raise AssertionError(f"still not done: {result}")


def test_every_vendor_has_a_bench() -> None:
    modules = {vendor: importlib.import_module(f"{vendors.__name__}.{vendor}") for vendor in VENDORS}
    assert set(BENCHED) == {vendor for vendor, module in modules.items() if hasattr(module, "DESTINATION")}


def test_check(bench: Bench, destination: Destination) -> None:
    assert destination.check().outcome is Outcome.ACCEPTED
    stranger = connect(bench.stranger)
    result = stranger.check()
    written = stranger.put_prospect(CARD, None)
    stranger.close()
    assert result.outcome is Outcome.AUTH
    assert written.outcome is Outcome.AUTH
    assert WRONG not in repr((result, written))
    assert bench.live_cards(CARD.our_key) == 0


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
        ids += [(item.parent, item.remote_id) for item in page.items]
        cursor = page.next_cursor
        if not cursor:
            break
    has = readable(destination) and f"{kind.value}_ref" in destination.capabilities.fields
    only_if(ids or has, f"list of the kind {kind.value}")
    assert ids
    assert len(ids) == len(set(ids))


def test_a_card_is_found_by_each_key(destination: Destination) -> None:
    only_if(readable(destination), "way to be asked")
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
    assert (card.our_key, card.person_id) == (CARD.our_key, result.person_id)
    told = {"move_in": "2027-02-01", "budget_max_cents": "150000", "source_name": "Zillow.com"}
    told |= {"email": CARD.email, "phone": CARD.phone, "first_name": CARD.first_name, "bedrooms_max": "2"}
    for name in set(told) & set(destination.capabilities.fields):
        assert card.fields[name] == told[name], name


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
    mishap(bench, "create", mode, words)
    result = until_done(lambda: destination.put_prospect(CARD, None))
    assert result.ok
    assert result.card_id
    assert bench.live_cards(CARD.our_key) == 1
    looked, card = destination.get_card(at(result.card_id))
    destination.close()
    assert looked.ok
    assert not readable(destination) or (card is not None and card.our_key == CARD.our_key)


@mishaps
def test_a_card_is_updated_whatever_happens(bench: Bench, mode: str, words: dict[str, object]) -> None:
    destination = connect(with_timeout(bench.profile, 0.8))
    made = destination.put_prospect(replace(CARD, phone="", move_in=None), None)
    mishap(bench, "update", mode, words)
    result = until_done(lambda: destination.put_prospect(CARD, None))
    assert result.ok
    assert bench.live_cards(CARD.our_key) == 1
    only_if(readable(destination), "way to be asked")
    _, card = destination.get_card(at(made.card_id))
    destination.close()
    assert card is not None
    told = {"phone": CARD.phone, "move_in": "2027-02-01"}
    assert {name: card.fields.get(name, "") for name in told if name in destination.capabilities.fields} == {
        name: value for name, value in told.items() if name in destination.capabilities.fields
    }


@mishaps
def test_an_event_is_added_once_whatever_happens(bench: Bench, mode: str, words: dict[str, object]) -> None:
    destination = connect(with_timeout(bench.profile, 0.8))
    only_if(destination.capabilities.has_event, "history")
    card_id = destination.put_prospect(CARD, None).card_id
    mishap(bench, "event", mode, words)
    result = until_done(lambda: destination.add_event(at(card_id), EVENT))
    assert result.ok
    assert destination.find_event(at(card_id), EVENT.our_event_key).empty is not readable(destination)
    assert destination.add_event(at(card_id), EVENT).outcome is Outcome.DUPLICATE
    destination.close()
    assert bench.events(card_id, EVENT.our_event_key) == 1


@mishaps
def test_a_task_is_made_once_whatever_happens(bench: Bench, mode: str, words: dict[str, object]) -> None:
    destination = connect(with_timeout(bench.profile, 0.8))
    can = destination.capabilities
    only_if(can.has_task or can.has_appointment or can.has_event, "place for a follow-up")
    card_id = destination.put_prospect(CARD, None).card_id
    mishap(bench, "task" if can.has_task or can.has_appointment else "event", mode, words)
    result = until_done(lambda: destination.put_task(at(card_id), TASK))
    assert result.ok
    assert result.code in ("" if can.has_task else "task_as_appointment" if can.has_appointment else "task_as_note", "")
    if can.has_task or can.has_appointment:
        moved = destination.put_task(at(card_id), replace(TASK, due_at=TASK.due_at + timedelta(days=1)))
        assert moved.ok
        assert moved.task_id == result.task_id
    if readable(destination):
        assert destination.find_task(at(card_id), TASK.our_task_key).task_id == result.task_id
    destination.close()
    assert bench.tasks(card_id, TASK.our_task_key) == 1


def test_a_failed_look_writes_nothing(bench: Bench, destination: Destination) -> None:
    only_if(readable(destination), "way to be asked")
    bench.fault("find", "status", status=500)
    result = destination.put_prospect(CARD, None)
    assert (result.outcome, result.verify_first) == (Outcome.RETRY, False)
    assert bench.live_cards(CARD.our_key) == 0


def test_retry_after_is_passed_on(bench: Bench, destination: Destination) -> None:
    bench.fault("create", "status", status=429, retry_after="17")
    assert destination.put_prospect(CARD, None).retry_after_s == 17


def test_blanks_are_filled_and_a_persons_words_stay(bench: Bench, destination: Destination) -> None:
    only_if(readable(destination), "way to be asked")
    card_id = destination.put_prospect(replace(CARD, last_name="", move_in=None), None).card_id
    bench.agent_edits(card_id, {"first_name": "Nour", "phone": "+17065550199"})
    _, known = destination.get_card(at(card_id))
    result = destination.put_prospect(replace(CARD, source_name="apartments_com"), known)
    assert result.ok
    held = set(destination.capabilities.fields)
    assert set(result.kept) == {"first_name", "phone", "source_name"} & held
    assert set(result.written) == {"last_name", "move_in"} & held
    _, card = destination.get_card(at(card_id))
    assert card is not None
    assert (card.name, card.phones) == ("Nour Haddad", ("+17065550199",))
    assert card.fields.get("source_name", "Zillow.com") == "Zillow.com"


def test_our_own_last_value_may_be_corrected(destination: Destination) -> None:
    only_if(readable(destination), "way to be asked")
    held = set(destination.capabilities.fields)
    first = destination.put_prospect(replace(CARD, source_name="not mapped yet"), None)
    assert ("source_name" in first.fallbacks) == ("source_name" in held)
    later = replace(CARD, move_in=date(2027, 3, 15), phone="+17065550177", last_pushed=first.written)
    result = destination.put_prospect(later, None)
    told = {"move_in": "2027-03-15", "source_name": "Zillow.com", "phone": "+17065550177"}
    fixed = set(destination.capabilities.fixed)
    assert result.written == {name: value for name, value in told.items() if name in held - fixed}


def test_what_the_account_does_not_know(bench: Bench, destination: Destination) -> None:
    if "property_ref" in bench.checked:
        lost = destination.put_prospect(replace(CARD, property_ref="nowhere"), None)
        assert lost.outcome is Outcome.REJECT
        assert "property_ref" in lost.field_errors
        assert bench.live_cards(CARD.our_key) == 0
    card = replace(CARD, floor_plan_ref="ZZ", agent_ref="nobody", source_name="pigeon", last_name="")
    result = destination.put_prospect(card, None)
    assert result.ok
    refused = bench.checked & {"floor_plan_ref", "agent_ref", "source_name"} & set(destination.capabilities.fields)
    assert set(result.fallbacks) >= refused | {"last_name"}


def test_only_allowed_fields_leave(bench: Bench) -> None:
    allowed = frozenset({"first_name", "last_name", "email", "source_name"})
    destination = connect(replace(bench.profile, allowed_fields=allowed))
    card_id = destination.put_prospect(CARD, None).card_id
    _, card = destination.get_card(at(card_id))
    destination.close()
    assert card is None or set(card.fields) == allowed & set(destination.capabilities.fields)
    assert (card is not None) is readable(destination)
    heard = "".join(request["where"] + request["body"] for request in bench.wire())
    assert CARD.email.replace("@", "%40") in heard or CARD.email in heard
    assert "7065550123" not in heard
    assert "corner loft" not in heard
    assert "2027-02-01" not in heard


def test_long_and_strange_text_arrives(bench: Bench, destination: Destination) -> None:
    odd = replace(CARD, first_name="Zoë 🏠 " + "x" * 500, comment="<b>&\x00\ud83d\u202e'\";--" * 500)
    result = destination.put_prospect(odd, None)
    assert result.outcome is Outcome.ACCEPTED
    assert bench.live_cards(CARD.our_key) == 1


# -- who stands beside the first --------------------------------------------------------------------------------------

MATE = replace(
    CARD,
    our_key="GC-9X2K4M7P",
    person_key="PR-8H3J5K7L",
    first_name="Sam",
    last_name="Kent",
    email="sam.kent@example.com",
    phone="+17065550177",
)
_ADDS = {
    "entrata": "update_leads",
    "funnel": "update_client",
    "realpage": "add_customer",
    "resman": "post_event",
    "simpms": "add_person",
    "yardi": "import_guest",
}


def standing_on(bench: Any, card_id: str) -> list[str]:
    """The first names of those whom the vendor itself keeps on a card beside the first."""
    cards = [one for one in bench.state()["cards"] if card_id in (one.get("card_id"), one.get("id"))]
    return [one["first_name"] for one in cards[0].get("people", ())]


def test_a_co_prospect_is_added_once(bench: Bench, destination: Destination) -> None:
    only_if(destination.capabilities.co_prospects, "card for several people")
    card_id = destination.put_prospect(CARD, None).card_id
    _, before = destination.get_card(at(card_id))
    added = destination.add_co_prospect(at(card_id), MATE)
    assert (added.outcome, added.card_id, added.verified) == (Outcome.ACCEPTED, card_id, True)
    again = destination.add_co_prospect(at(card_id), MATE)
    assert (again.outcome, again.card_id) == (Outcome.DUPLICATE, card_id)
    _, after = destination.get_card(at(card_id))
    assert before is not None
    assert after is not None
    assert (after.fields, after.our_key) == (before.fields, CARD.our_key)
    (mate,) = after.others
    assert dict(mate.fields) == {name: getattr(MATE, name) for name in PERSON_FIELDS}
    assert standing_on(bench, card_id) == ["Sam"]
    assert bench.live_cards(MATE.our_key) == 0


@mishaps
def test_a_co_prospect_is_added_once_whatever_happens(bench: Bench, mode: str, words: dict[str, object]) -> None:
    destination = connect(with_timeout(bench.profile, 0.8))
    only_if(destination.capabilities.co_prospects, "card for several people")
    card_id = destination.put_prospect(CARD, None).card_id
    mishap(bench, _ADDS[bench.vendor], mode, words)
    result = until_done(lambda: destination.add_co_prospect(at(card_id), MATE))
    destination.close()
    assert (result.ok, result.verified, result.card_id) == (True, True, card_id)
    assert standing_on(bench, card_id) == ["Sam"]


def test_a_worker_that_dies_adds_nobody_twice(bench: Bench, destination: Destination) -> None:
    only_if(destination.capabilities.co_prospects, "card for several people")
    card_id = destination.put_prospect(CARD, None).card_id

    class DiedError(Exception):
        pass

    def die(step: str) -> None:
        if step == f"after {_ADDS[bench.vendor]}":
            raise DiedError

    dying = connect(bench.profile, die)
    with pytest.raises(DiedError):
        dying.add_co_prospect(at(card_id), MATE)
    dying.close()
    assert standing_on(bench, card_id) == ["Sam"]
    assert destination.add_co_prospect(at(card_id), MATE).outcome is Outcome.DUPLICATE
    assert standing_on(bench, card_id) == ["Sam"]


def test_a_co_prospect_who_is_there_is_adopted(bench: Bench, destination: Destination) -> None:
    only_if(destination.capabilities.co_prospects, "card for several people")
    card_id = destination.put_prospect(CARD, None).card_id
    assert destination.add_co_prospect(at(card_id), replace(MATE, our_key="GC-5T6R7E8W")).ok
    assert destination.add_co_prospect(at(card_id), replace(MATE, first_name="SAM", phone="")).ok
    assert standing_on(bench, card_id) == ["Sam"]
    assert destination.add_co_prospect(at(card_id), replace(MATE, our_key="GC-1Q2W3E4R", first_name="Kim")).ok
    assert standing_on(bench, card_id) == ["Sam", "Kim"]


def test_co_prospects_stay_when_the_card_is_written(bench: Bench, destination: Destination) -> None:
    only_if(destination.capabilities.co_prospects, "card for several people")
    card_id = destination.put_prospect(replace(CARD, phone=""), None).card_id
    assert destination.add_co_prospect(at(card_id), MATE).ok
    assert destination.put_prospect(CARD, None).ok
    assert destination.add_event(at(card_id), EVENT).ok
    assert destination.put_task(at(card_id), TASK).ok
    _, card = destination.get_card(at(card_id))
    assert card is not None
    assert (card.fields["first_name"], [one.fields["first_name"] for one in card.others]) == ("Noor", ["Sam"])
    assert standing_on(bench, card_id) == ["Sam"]


def test_only_allowed_fields_of_a_co_prospect_leave(bench: Bench) -> None:
    allowed = frozenset(CARD_FIELDS) - {"phone"}
    destination = connect(replace(bench.profile, allowed_fields=allowed))
    only_if(destination.capabilities.co_prospects, "card for several people")
    card_id = destination.put_prospect(CARD, None).card_id
    assert destination.add_co_prospect(at(card_id), MATE).ok
    destination.close()
    heard = unquote("".join(map(str, bench.wire())))
    assert "sam.kent@example.com" in heard
    assert "555-0177" not in heard
    assert "5550177" not in heard


def test_nobody_is_added_to_a_card_that_is_gone(destination: Destination) -> None:
    only_if(destination.capabilities.co_prospects, "card for several people")
    assert destination.put_prospect(CARD, None).ok
    result = destination.add_co_prospect(replace(at("9999999"), our_key="GC-0NOWHERE"), MATE)
    assert (result.outcome, result.code) == (Outcome.REJECT, "not_shareable")


def test_outcomes_are_read_as_they_come(bench: Bench, destination: Destination) -> None:
    """Reading again may show what was shown before (an overlap, for what is noted late), under the same reference."""
    only_if(readable(destination), "way to be asked")
    since = datetime.now(UTC) - timedelta(minutes=1)
    card_id = destination.put_prospect(CARD, None).card_id
    seen: set[str] = set()
    cursor = ""

    def news() -> list[RemoteOutcome]:
        nonlocal cursor
        fresh, page = [], OutcomePage(more=True)
        while page.more:
            result, page = destination.pull_outcomes(since, cursor)
            assert result.ok
            cursor = page.cursor
            fresh += [one for one in page.items if one.remote_ref not in seen]
            seen.update(one.remote_ref for one in page.items)
        return fresh

    news()
    for kind in (OutcomeKind.CONTACTED, OutcomeKind.TOURED, OutcomeKind.OTHER, OutcomeKind.LEASED):
        word = "sent to the moon" if kind is OutcomeKind.OTHER else bench.words.get(kind, kind.value)
        if not word:  # the vendor does not tell of this
            continue
        bench.agent_edits(card_id, {}, word)
        told = news()
        assert [one.kind for one in told] == [kind]
        assert told[0].raw_status == word
        assert told[0].card_id == card_id
        assert told[0].our_key in (CARD.our_key, "")
    assert news() == []


@pytest.mark.parametrize("mode", ["", "commit_then_drop", "ok_noop", "cut_body"])
def test_merge_and_its_undoing(bench: Bench, destination: Destination, mode: str) -> None:
    only_if(destination.capabilities.can_merge and readable(destination), "merging that can be seen")
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
    only_if(destination.capabilities.can_merge and readable(destination), "merging that can be seen")
    survivor = destination.put_prospect(replace(CARD, our_key="GC-AAAA"), None).card_id
    loser = destination.put_prospect(replace(CARD, our_key="GC-BBBB"), None).card_id
    destination.merge_cards(at(loser), at(survivor))
    event, task = destination.add_event(at(loser), EVENT), destination.put_task(at(loser), TASK)
    assert (event.ok, event.card_id) == (True, survivor)
    assert (task.ok, task.card_id) == (True, survivor)
    assert bench.events(survivor, EVENT.our_event_key) == 1


def test_the_hook_hears_each_call(bench: Bench) -> None:
    heard: list[str] = []
    destination = connect(bench.profile, heard.append)
    destination.put_prospect(CARD, None)
    destination.close()
    assert len(heard) >= (4 if readable(destination) else 2)
    assert [word.partition(" ")[0] for word in heard] == ["before", "after"] * (len(heard) // 2)
    assert all(a.partition(" ")[2] == b.partition(" ")[2] for a, b in zip(heard[::2], heard[1::2], strict=True))


def test_a_hook_that_raises_stops_the_call(bench: Bench) -> None:
    class CrashPointError(Exception):
        pass

    def crash(word: str) -> None:
        if word == f"before {bench.op('create')}":
            raise CrashPointError

    destination = connect(bench.profile, crash)
    with pytest.raises(CrashPointError):
        destination.put_prospect(CARD, None)
    destination.close()
    assert bench.live_cards(CARD.our_key) == 0
