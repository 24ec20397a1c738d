"""The simulated PMS as a destination. It stands for the careless kind: nothing makes its writes repeatable, so each
write looks first, and looks again whenever an answer leaves a doubt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

from leadsvc.workers.destinations import simpms_wire as wire
from leadsvc.workers.destinations.base import (
    Around,
    Capabilities,
    CardKind,
    CardPush,
    ConfigKind,
    ConfigPage,
    EventPush,
    NativeKey,
    Outcome,
    OutcomePage,
    Profile,
    Query,
    RemoteCard,
    Result,
    TaskPush,
    UpdateMode,
)
from leadsvc.workers.destinations.filling import (
    Outgoing,
    Values,
    as_text,
    fill,
    outgoing,
    same,
    source_name,
    with_fallbacks,
)
from leadsvc.workers.destinations.http import Door, quiet
from leadsvc.workers.destinations.simpms_wire import classify as classify
from leadsvc.workers.destinations.verdicts import json_object

CAPABILITIES = Capabilities(
    native_key=NativeKey.NONE,
    returns_card_id="always",
    update_mode=UpdateMode.VERSIONED,
    verify="get",
    needs_source=True,
    has_task=True,
    has_appointment=True,
    has_event=True,
    can_merge=True,
    find_by=("our_key", "remote_id", "email", "phone"),
    max_len={"first_name": 40, "last_name": 40, "email": 80, "phone": 20, "comment": 2000, "event_text": 4000},
)
_NOT_EDITABLE = (CardKind.RESIDENT, CardKind.FORMER)
_ABSENT = "accepted_but_absent"


class SimPms:
    """One account at a simulated PMS."""

    def __init__(self, profile: Profile, around: Around = quiet) -> None:
        self._profile = profile
        self._door = Door(profile, around)

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    def close(self) -> None:
        self._door.close()

    def _ask(
        self,
        op: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, object] | None = None,
    ) -> tuple[Result, wire.Json]:
        """One call, judged, and its JSON object (empty when it has none)."""
        headers = {"X-Api-Key": self._profile.api_key}
        answer = self._door.call(op, method, f"api/v1/{path}", params=params, json=json, headers=headers)
        context = answer.context(read=op in wire.READS)
        result = classify(op, answer.status, answer.headers, answer.body, context)
        message = self._door.clean(" ".join(part for part in (result.message, answer.note) if part))
        return replace(result, message=message), json_object(answer.body) or {}

    def check(self) -> Result:
        return self._ask("check", "GET", "ping")[0]

    def pull_config(self, kind: ConfigKind, cursor: str = "") -> tuple[Result, ConfigPage]:
        path = f"config/{wire.CONFIG_LISTS[kind]}"
        result, answer = self._ask("pull_config", "GET", path, params={"page": cursor or "1"})
        items = tuple(wire.config_item(item) for item in wire.objects(answer.get("items")))
        return result, ConfigPage(items=items, next_cursor=wire.text(answer.get("next_page")))

    # Finding

    def find_prospect(self, query: Query) -> tuple[Result, tuple[RemoteCard, ...]]:
        result = Result(outcome=Outcome.ACCEPTED, empty=True)
        for found, cards in self._exact(query):
            if cards or not found.ok:
                return found, cards
        cards_by_id: dict[str, RemoteCard] = {}
        for name, value in (("email", query.email), ("phone", query.phone)):
            if value:
                result, cards = self._search({name: value, "property_id": query.property_ref})
                if not result.ok:
                    return result, ()
                cards_by_id |= {card.card_id: card for card in cards}
        oldest = datetime.min.replace(tzinfo=UTC)
        ordered = sorted(cards_by_id.values(), key=lambda card: card.updated_at or oldest, reverse=True)
        return replace(result, empty=not ordered), tuple(ordered)

    def _exact(self, query: Query) -> Iterable[tuple[Result, tuple[RemoteCard, ...]]]:
        if query.our_key:
            result, cards = self._search({"third_party_id": query.our_key})
            alive = {card.card_id: card for card in cards if not card.merged_into}
            for card in cards:
                if card.merged_into and result.ok:
                    result, survivor = self._survivor(card)
                    alive |= {survivor.card_id: survivor} if survivor else {}
            yield replace(result, empty=not alive), tuple(alive.values())
        if query.remote_id:
            result, found = self.get_card(query.remote_id)
            if found and found.merged_into:
                result, found = self._survivor(found)
            yield result, (found,) if found else ()

    def _search(self, words: Mapping[str, str]) -> tuple[Result, tuple[RemoteCard, ...]]:
        params = {name: value for name, value in words.items() if value}
        result, answer = self._ask("search_cards", "GET", "guest-cards", params=params)
        found = wire.objects(answer.get("guest_cards")) if result.ok else []
        return result, tuple(wire.remote_card(item) for item in found)

    def _survivor(self, card: RemoteCard) -> tuple[Result, RemoteCard | None]:
        """Follow a chain of merges to the card that lives; a loop or a long chain ends in nothing."""
        found: RemoteCard | None = card
        result = Result(outcome=Outcome.ACCEPTED)
        seen = {card.card_id}
        while found and found.merged_into and found.merged_into not in seen:
            seen.add(found.merged_into)
            result, found = self.get_card(found.merged_into)
        return result, None if found is None or found.merged_into else found

    def get_card(self, card_id: str) -> tuple[Result, RemoteCard | None]:
        result, answer = self._ask("get_card", "GET", f"guest-cards/{_segment(card_id)}")
        found = wire.objects(answer.get("guest_card")) if result.ok and not result.empty else []
        card = wire.remote_card(found[0]) if found else None
        return replace(result, version=card.version, person_id=card.person_id) if card else result, card

    # Cards

    def put_prospect(self, card: CardPush, known: RemoteCard | None) -> Result:
        if known is None:
            result, ours = self.find_prospect(Query(our_key=card.our_key))
            if not result.ok:
                return result
            known = min(ours, key=lambda one: one.card_id, default=None)
        elif known.merged_into:
            result, known = self._survivor(known)
            if known is None:
                return result if not result.ok else _lost_merge()
        sent = outgoing(card, self._profile, CAPABILITIES)
        return self._create(card, sent) if known is None else self._update(card, sent, known)

    def _create(self, card: CardPush, sent: Outgoing) -> Result:
        body = {
            **_their_names(sent.values),
            "property_id": card.property_ref,
            "third_party_id": card.our_key,
            "third_party_person_id": card.person_key,
        }
        result, _ = self._ask("create_card", "POST", "guest-cards", json=body)
        other = with_fallbacks(sent, result.field_errors, self._profile)
        if result.outcome is Outcome.REJECT and other is not None:
            return self._create(card, other)
        result = replace(result, fallbacks=sent.fallbacks, written=as_text(sent.values) if result.ok else {})
        if result.ok and result.verified and not self._profile.read_back:
            return result
        if not (result.ok or result.verify_first):
            return result
        looked, found = self.find_prospect(Query(our_key=card.our_key))
        written = min(found, key=lambda one: one.card_id, default=None)
        return _settled(result, looked, written, as_text(sent.values))

    def _update(self, card: CardPush, sent: Outgoing, known: RemoteCard, again: bool = True) -> Result:
        changes, kept = fill(sent, known, card, self._profile)
        base = Result(
            outcome=Outcome.DUPLICATE,
            card_id=known.card_id,
            person_id=known.person_id,
            version=known.version,
            kept=kept,
            fallbacks=sent.fallbacks,
        )
        if known.status in _NOT_EDITABLE:
            return replace(base, code="not_editable", kept=tuple(sorted({*kept, *changes})))
        body = {**_their_names(changes), "version": known.version}
        if not known.our_key:
            body["third_party_id"] = card.our_key
        elif not changes:
            return base
        result, _ = self._ask("update_card", "PATCH", f"guest-cards/{_segment(known.card_id)}", json=body)
        other = with_fallbacks(sent, result.field_errors, self._profile)
        if result.outcome is Outcome.REJECT and other is not None:
            return self._update(card, other, known, again)
        if result.code == "version_conflict" and again:
            looked, fresh = self.get_card(known.card_id)
            return self._update(card, sent, fresh, again=False) if fresh and not fresh.merged_into else looked
        written = {name: value for name, value in changes.items() if name not in result.kept}
        result = replace(
            result,
            card_id=result.card_id or known.card_id,
            kept=tuple(sorted({*kept, *result.kept})),
            fallbacks=sent.fallbacks,
            written=as_text(written) if result.ok else {},
        )
        if not (result.ok and self._profile.read_back) and not (result.verify_first or not result.verified):
            return result
        looked, fresh = self.get_card(known.card_id)
        done = fresh is not None and _holds(fresh, written) and (known.our_key or fresh.our_key == card.our_key)
        return _settled(result, looked, fresh if done else None, as_text(written))

    # History and tasks

    def find_event(self, card_id: str, our_event_key: str) -> Result:
        result, found = self._hanging("find_events", card_id, "events", our_event_key)
        return replace(result, event_id=wire.text(found.get("id")) if found else "")

    def add_event(self, card_id: str, event: EventPush) -> Result:
        there = self.find_event(card_id, event.our_event_key)
        if there.event_id:
            return replace(there, outcome=Outcome.DUPLICATE)
        if not there.ok:
            return there
        source, fallen = source_name(event.source_name, self._profile) if event.source_name else ("", False)
        body: dict[str, object] = {
            "reference": event.our_event_key,
            "kind": event.kind,
            "at": _iso(event.at),
            "text": event.text[: CAPABILITIES.max_len["event_text"]],
            "source": source,
            "agent_id": event.agent_ref,
        }
        return replace(self._add_event(card_id, body), fallbacks=("source_name",) if fallen else ())

    def _add_event(self, card_id: str, body: dict[str, object]) -> Result:
        """Source and agent only describe an event: what the account refuses of them is left out."""
        result, _ = self._ask("add_event", "POST", f"guest-cards/{_segment(card_id)}/events", json=body)
        refused = {wire.THEIRS.get(name, name) for name in result.field_errors}
        if (
            result.outcome is Outcome.REJECT
            and refused
            and refused <= {"source", "agent_id"} & {k for k in body if body[k]}
        ):
            return self._add_event(card_id, {**body, **dict.fromkeys(refused, "")})
        if (result.ok and result.verified) or not (result.ok or result.verify_first):
            return result
        looked = self.find_event(card_id, str(body["reference"]))
        return _confirmed(result, looked, bool(looked.event_id))

    def find_task(self, card_id: str, our_task_key: str) -> Result:
        result, found = self._hanging("find_tasks", card_id, "tasks", our_task_key)
        return replace(result, task_id=wire.text(found.get("id")) if found else "")

    def put_task(self, card_id: str, task: TaskPush) -> Result:
        there, found = self._hanging("find_tasks", card_id, "tasks", task.our_task_key)
        if not there.ok:
            return there
        body: dict[str, object] = {
            "title": task.title,
            "text": task.text,
            "due_at": _iso(task.due_at),
            "assignee_id": task.assignee_ref,
            "priority": task.priority,
            "kind": task.kind,
        }
        if found is None:
            return self._write_task(card_id, task.our_task_key, body, "")
        task_id = wire.text(found.get("id"))
        if found.get("status") != "open" or all(_same_value(found.get(name), value) for name, value in body.items()):
            return replace(there, outcome=Outcome.DUPLICATE, task_id=task_id, card_id=card_id)
        return self._write_task(card_id, task.our_task_key, body, task_id)

    def _write_task(self, card_id: str, key: str, body: dict[str, object], task_id: str) -> Result:
        if task_id:
            result, _ = self._ask("update_task", "PATCH", f"tasks/{_segment(task_id)}", json=body)
        else:
            whole = {**body, "reference": key}
            result, _ = self._ask("create_task", "POST", f"guest-cards/{_segment(card_id)}/tasks", json=whole)
        if result.outcome is Outcome.REJECT and "assignee_ref" in result.field_errors and body["assignee_id"]:
            spare = self._profile.fallback_agent
            other = spare if spare != body["assignee_id"] else ""
            fallen = self._write_task(card_id, key, {**body, "assignee_id": other}, task_id)
            return replace(fallen, fallbacks=("assignee_ref",))
        if (result.ok and result.verified) or not (result.ok or result.verify_first):
            return result
        looked, found = self._hanging("find_tasks", card_id, "tasks", key)
        done = found is not None and all(_same_value(found.get(name), value) for name, value in body.items())
        return _confirmed(result, replace(looked, task_id=wire.text((found or {}).get("id"))), done)

    def _hanging(self, op: str, card_id: str, what: str, key: str) -> tuple[Result, wire.Json | None]:
        """The first event or task of a card that carries our key."""
        path = f"guest-cards/{_segment(card_id)}/{what}"
        result, answer = self._ask(op, "GET", path, params={"reference": key})
        found = [one for one in wire.objects(answer.get(what)) if one.get("reference") == key] if result.ok else []
        return replace(result, empty=not found, card_id=card_id), found[0] if found else None

    # Merging

    def merge_cards(self, loser_card_id: str, survivor_card_id: str) -> Result:
        path = f"guest-cards/{_segment(loser_card_id)}/merge"
        result, _ = self._ask("merge_cards", "POST", path, json={"into": survivor_card_id})
        return self._merge_state(result, loser_card_id, survivor_card_id)

    def unmerge_card(self, card_id: str) -> Result:
        result, _ = self._ask("unmerge_card", "POST", f"guest-cards/{_segment(card_id)}/unmerge")
        return self._merge_state(result, card_id, "")

    def _merge_state(self, result: Result, card_id: str, into: str) -> Result:
        """Merging is confirmed by reading where the card stands, also when the answer was good."""
        if not (result.outcome is Outcome.ACCEPTED or result.verify_first):
            return result
        looked, card = self.get_card(card_id)
        return _confirmed(result, looked, card is not None and card.merged_into == into)

    def pull_outcomes(self, since: datetime, cursor: str = "") -> tuple[Result, OutcomePage]:
        # With a cursor the time is left out: an agent may note today what happened last week.
        params = {"after": cursor} if cursor else {"since": _iso(since)}
        result, answer = self._ask("pull_outcomes", "GET", "outcomes", params=params)
        if not result.ok:
            return result, OutcomePage(cursor=cursor)
        read = [wire.remote_outcome(item) for item in wire.objects(answer.get("outcomes"))]
        page = OutcomePage(
            items=tuple(one for one in read if one is not None),
            cursor=wire.text(answer.get("after")) or cursor,
            more=answer.get("more") is True,
        )
        return result, page


def _segment(remote_id: str) -> str:
    """An id as one segment of a path, whatever is in it."""
    return quote(remote_id, safe="")


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _their_names(values: Values) -> dict[str, object]:
    return {wire.THEIRS.get(name, name): value for name, value in values.items()}


def _holds(card: RemoteCard, written: Values) -> bool:
    """Whether the card says what was written; a field that an agent took over meanwhile is the agent's business."""
    return all(
        same(name, value, card.fields.get(name, "")) or name in card.agent_fields for name, value in written.items()
    )


def _same_value(theirs: object, ours: object) -> bool:
    return (theirs or "") == (ours or "")


def _confirmed(result: Result, looked: Result, done: bool) -> Result:
    """The verdict after looking: done, gone missing though it was accepted, or still unknown."""
    if done:
        return replace(
            result,
            outcome=Outcome.ACCEPTED,
            verified=True,
            verify_first=False,
            retry_after_s=None,
            code="",
            message="",
            event_id=looked.event_id,
            task_id=looked.task_id,
            card_id=looked.card_id or result.card_id,
            person_id=looked.person_id or result.person_id,
            version=looked.version or result.version,
        )
    if result.ok and looked.ok:
        words = "The destination said yes, but what was written is not there."
        return Result(outcome=Outcome.RETRY, code=_ABSENT, message=words, verify_first=True, verified=False)
    if result.ok and result.remote_id:
        return replace(result, verified=False)
    return replace(result, outcome=Outcome.RETRY, verify_first=True, verified=False, written={})


def _settled(result: Result, looked: Result, card: RemoteCard | None, written: dict[str, str]) -> Result:
    """:func:`_confirmed` for a card: its ids and version are those that were read."""
    if card is not None:
        looked = replace(looked, card_id=card.card_id, person_id=card.person_id, version=card.version)
        result = replace(result, written=written)
    return _confirmed(result, looked, card is not None)


def _lost_merge() -> Result:
    words = "The guest card was merged into one that cannot be read; a person must say where it went."
    return Result(outcome=Outcome.REJECT, code="merged", message=words)
