"""AppFolio as a destination. Creating a lead carries an Idempotency-Key, so repeating it is safe for a day; there is no
place for our key and no search, so leads are known from a mirror of those that changed lately."""

from __future__ import annotations

import hashlib
import json as jsons
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from leadsvc.workers.destinations import rest
from leadsvc.workers.destinations.base import (
    Around,
    Capabilities,
    CardAt,
    CardPush,
    ConfigKind,
    ConfigPage,
    EventPush,
    NativeKey,
    Outcome,
    OutcomePage,
    Profile,
    RemoteCard,
    RemoteOutcome,
    Result,
    TaskPush,
    UpdateMode,
)
from leadsvc.workers.destinations.careful import TASK_IS_OURS, read
from leadsvc.workers.destinations.entries import Entry, marked
from leadsvc.workers.destinations.filling import Outgoing, Values
from leadsvc.workers.destinations.http import quiet
from leadsvc.workers.destinations.jsonapi import JsonApi
from leadsvc.workers.destinations.vendors.appfolio import wire
from leadsvc.workers.destinations.vendors.appfolio.wire import classify as classify
from leadsvc.workers.destinations.verdicts import moment, sound

_SHOWING = timedelta(minutes=30)
_OVERLAP = timedelta(minutes=10)
_PAGE = 1000
_LOOK_BACK_DAYS = 90
_ALWAYS = "2000-01-01T00:00:00Z"
_LISTS = {
    ConfigKind.PROPERTY: ("list_properties", "properties"),
    ConfigKind.UNIT: ("list_units", "units"),
    ConfigKind.AGENT: ("list_users", "users"),
}
_DONE = ("completed", "canceled", "cancelled", "no show")
_NOTES_MAX = 2000

EVENT_IS_OURS = Result(
    outcome=Outcome.ACCEPTED,
    code="event_is_ours",
    message="AppFolio has no history that can be written: the inquiry is here alone.",
)

CAPABILITIES = Capabilities(
    label="AppFolio",
    native_key=NativeKey.IDEMPOTENCY_KEY,
    returns_card_id="always",
    update_mode=UpdateMode.PATCH,
    verify="get",
    has_appointment=True,
    fields=tuple(wire.THEIRS),
    find_by=("remote_id", "email", "phone"),
    required=("last_name",),
    max_len={"first_name": 100, "last_name": 100, "email": 255, "source_name": 255},
    limits={"1s": 8, "1m": 256, "1h": 4096},
    credentials={
        "client_id": "the client id of the Stack API for this customer database",
        "client_secret": "the client secret that belongs to it",
        "developer_id": "the id of the developer, sent as X-AppFolio-Developer-ID",
    },
    options={"look_back_days": "how old a lead may be and still be found by e-mail or phone; 90 unless said"},
    on_duplicate="Makes a second lead when asked twice, unless the request carries the same Idempotency-Key (24 h).",
    ids=(
        "Every answer carries the lead's id. There is no place for our key and no search by e-mail or phone: leads "
        "that changed in the last look_back_days are mirrored and searched here. Which fields a lead takes is inferred."
    ),
    corrections={
        "merge": "Mark one of the two leads inactive in AppFolio.",
        "unmerge": "Make the lead active again in AppFolio.",
        "contact": "",
        "source": "",
        "event": "AppFolio takes no history: the corrected inquiry is in leadsvc.",
    },
)


class _Mirror:
    """The records of a list that changed lately, read on by what is new at each look; shared by threads. ``page``
    reads one page from a time on: its result, its records, the number of the next page (0: none)."""

    def __init__(self, page: Callable[[datetime, int], tuple[Result, list[rest.Json], int]], back: timedelta) -> None:
        self._page = page
        self._back = back
        self._lock = threading.Lock()
        self._upto: datetime | None = None
        self._rows: dict[str, rest.Json] = {}

    def rows(self) -> tuple[Result, list[rest.Json]]:
        """All records, as of now; without them, the result says why."""
        with self._lock:
            begun, number, fresh = datetime.now(UTC), 1, dict[str, rest.Json]()
            since = begun - self._back if self._upto is None else self._upto - _OVERLAP
            while number:
                result, items, number = self._page(since, number)
                if not result.ok:
                    return result, []
                fresh |= {rest.text(item.get("Id")): item for item in items}
            self._upto = begun
            self._rows |= fresh
            return replace(result, empty=False), list(self._rows.values())


class AppFolio(JsonApi):
    """One customer database at AppFolio."""

    CAPABILITIES = CAPABILITIES
    READS = frozenset(wire.READS)
    _judge = staticmethod(classify)

    def __init__(self, profile: Profile, around: Around = quiet) -> None:
        super().__init__(profile, around)
        days = rest.whole(profile.options.get("look_back_days")) or _LOOK_BACK_DAYS
        back = timedelta(days=min(max(days, 1), 3650))
        self._leads = _Mirror(lambda since, number: self._page("list_leads", "leads", since, number), back)
        self._showings = _Mirror(lambda since, number: self._page("list_showings", "showings", since, number), back)

    # -- one call -----------------------------------------------------------------------------------------------------

    def _given_token(self) -> str:
        return self._profile.credentials.get("client_secret", "")

    def _headers(self, token: str) -> Mapping[str, str]:
        known = self._profile.credentials
        return {
            "Authorization": rest.basic(known.get("client_id", ""), token),
            "X-AppFolio-Developer-ID": known.get("developer_id", ""),
        }

    def _page(self, op: str, path: str, since: datetime, number: int) -> tuple[Result, list[rest.Json], int]:
        # A filter is compulsory on every list.
        params = {
            "filters[LastUpdatedAtFrom]": rest.iso(since),
            "page[number]": str(number),
            "page[size]": str(_PAGE),
        }
        result, answer = self._ask(op, "GET", f"api/v0/{path}", params=params)
        words = rest.mapping(answer) if result.ok else {}
        return result, rest.objects(words.get("data")) if words.get("data") else [], _next(words)

    def check(self) -> Result:
        params = {"filters[LastUpdatedAtFrom]": _ALWAYS, "page[number]": "1", "page[size]": "1"}
        return self._ask("list_properties", "GET", "api/v0/properties", params=params)[0]

    def pull_config(self, kind: ConfigKind, cursor: str = "") -> tuple[Result, ConfigPage]:
        if kind not in _LISTS:
            return Result(outcome=Outcome.ACCEPTED, empty=True), ConfigPage()
        since = moment(_ALWAYS) or datetime.min.replace(tzinfo=UTC)
        result, items, number = self._page(*_LISTS[kind], since, rest.whole(cursor) or 1)
        page = tuple(wire.config_item(kind, item) for item in items)
        return result, ConfigPage(items=page, next_cursor=str(number) if number else "")

    # -- leads --------------------------------------------------------------------------------------------------------

    def get_card(self, at: CardAt) -> tuple[Result, RemoteCard | None]:
        params = {"filters[Id]": at.card_id, "page[number]": "1", "page[size]": "1"}
        result, answer = self._ask("list_leads", "GET", "api/v0/leads", params=params)
        found = rest.objects(rest.mapping(answer).get("data")) if result.ok and not result.empty else []
        card = wire.remote_card(found[0], at.our_key) if found else None
        return read(result, card) if card else result, card

    def _search(self, by: str, value: str, property_ref: str) -> tuple[Result, tuple[RemoteCard, ...]]:
        result, rows = self._leads.rows()
        cards = [wire.remote_card(row) for row in rows if property_ref in ("", *wire.properties_of(row))]
        if by == "email":
            found = tuple(card for card in cards if value.casefold() in (one.casefold() for one in card.emails))
        else:
            found = tuple(card for card in cards if value in card.phones)
        return replace(result, empty=result.ok and not found), found

    def _ours(self, card: CardPush) -> tuple[Result, RemoteCard | None]:
        """The lead at this property with the same name and address, number or, for want of both, nothing but the
        name: one person has one lead there."""
        result, rows = self._leads.rows()
        alike = [
            found
            for row in rows
            if card.property_ref in wire.properties_of(row)
            for found in (wire.remote_card(row, card.our_key),)
            if self._is_same(card, found)
        ]
        return replace(result, empty=result.ok and not alike), min(alike, key=lambda one: one.card_id, default=None)

    def _is_same(self, card: CardPush, found: RemoteCard) -> bool:
        last = card.last_name or self._profile.last_name_placeholder
        limits = self.CAPABILITIES.max_len
        for name, ours in (("first_name", card.first_name), ("last_name", last)):
            if sound(ours)[: limits[name]].strip().casefold() != found.fields.get(name, "").casefold():
                return False
        if not (card.email or card.phone):
            return not (found.emails or found.phones)
        addresses = [one.casefold() for one in found.emails]
        return (bool(card.email) and card.email.casefold() in addresses) or (card.phone in found.phones)

    def put_prospect(self, card: CardPush, known: RemoteCard | None) -> Result:
        # There is no place for our key: a lead that was adopted needs no mark.
        return super().put_prospect(card, replace(known, our_key=card.our_key) if known else None)

    def _made(self, card: CardPush, sent: Outgoing) -> Result:
        result = super()._made(card, sent)
        if result.code != "replayed":
            return result
        # It was made by an earlier attempt, and somebody may have worked on it since.
        looked, known = self.get_card(self._at(card, result.card_id))
        return self._updated(card, sent, known) if known else replace(looked, outcome=Outcome.RETRY)

    def _to_be_read(self, result: Result) -> bool:
        return result.code != "replayed" and super()._to_be_read(result)

    def _create(self, card: CardPush, values: Values) -> Result:
        body = wire.their_names(values) | {"PropertyId": card.property_ref}
        # The same request has the same key, a corrected one its own: a key with another body is refused.
        digest = _digest(body)
        key = {"Idempotency-Key": f"leadsvc-{card.our_key}-put-{digest}"}
        return self._ask("create_lead", "POST", "api/v0/leads", json=body, headers=key)[0]

    def _change(self, card: CardPush, known: RemoteCard, changes: Values, claim: str) -> Result:
        path = f"api/v0/leads/{rest.segment(known.card_id)}"
        return self._ask("update_lead", "PATCH", path, json=wire.their_names(changes))[0]

    # -- what hangs on a lead -----------------------------------------------------------------------------------------

    def find_event(self, at: CardAt, our_event_key: str) -> Result:
        return Result(outcome=Outcome.ACCEPTED, card_id=at.card_id, empty=True)

    def add_event(self, at: CardAt, event: EventPush) -> Result:
        return replace(EVENT_IS_OURS, card_id=at.card_id)

    def _write_event(self, at: CardAt, event: EventPush, source: str) -> Result:
        return replace(EVENT_IS_OURS, card_id=at.card_id)

    def _entries(self, at: CardAt, what: str, key: str) -> tuple[Result, tuple[Entry, ...]]:
        if what == "event":
            return Result(outcome=Outcome.ACCEPTED, empty=True), ()
        result, rows = self._showings.rows()
        return result, tuple(_entry(row) for row in rows if rest.text(row.get("LeadId")) == at.card_id)

    def put_task(self, at: CardAt, task: TaskPush) -> Result:
        result = super().put_task(at, task)
        if result.outcome is Outcome.REJECT and {"due_at", "unit_ref"} & set(result.field_errors):
            # A showing must lie ahead and may need a unit; a follow-up is not lost for that.
            return replace(TASK_IS_OURS, card_id=at.card_id)
        return result

    def _write_task(self, at: CardAt, task: TaskPush, there: Entry | None) -> Result:
        says = self._task_says(task)
        sent = {name: value for name, value in says.items() if value}
        if there is not None:
            path = f"api/v0/showings/{rest.segment(there.entry_id)}"
            return self._ask("update_showing", "PATCH", path, json=sent)[0]
        key = {"Idempotency-Key": f"leadsvc-{task.our_task_key}-{_digest(sent)}"}
        body = {**sent, "LeadId": at.card_id, "Status": "requested"}
        return self._owing(self._ask("create_showing", "POST", "api/v0/showings", json=body, headers=key)[0])

    def _task_says(self, task: TaskPush) -> Mapping[str, object]:
        title = task.title if task.kind == "appointment" else f"{wire.TO_DO} {task.title}"
        words = "\n".join(filter(None, (title, task.text)))
        says = {
            "StartAt": rest.iso(task.due_at),
            "EndAt": rest.iso(task.due_at + _SHOWING),
            "Notes": marked(words, task.our_task_key, _NOTES_MAX),
        }
        return says | ({"AssignedUserId": task.assignee_ref} if task.assignee_ref else {})

    # -- outcomes -----------------------------------------------------------------------------------------------------

    def pull_outcomes(self, since: datetime, cursor: str = "") -> tuple[Result, OutcomePage]:
        walk = rest.Walk.of(since, cursor)
        what, _, number = (walk.token or "leads:1").partition(":")
        op = "list_leads" if what == "leads" else "list_showings"
        result, items, following = self._page(op, what, walk.start, rest.whole(number) or 1)
        if not result.ok:
            return result, OutcomePage(cursor=cursor)
        told: list[RemoteOutcome] = []
        for item in items:
            shown = wire.showing_outcome(item)
            told += wire.lead_outcomes(item) if what == "leads" else [shown] if shown else []
        token = f"{what}:{following}" if following else "showings:1" if what == "leads" else ""
        on = walk.on(map(wire.changed_at, items), token, _OVERLAP)
        page = tuple(sorted(told, key=lambda one: one.at))
        return result, OutcomePage(items=page, cursor=on, more=bool(token))


def _digest(body: Mapping[str, object]) -> str:
    return hashlib.sha256(jsons.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


def _next(words: rest.Json) -> int:
    """The number of the next page; 0 when there is none."""
    path = rest.text(words.get("next_page_path"))
    numbers = parse_qs(urlsplit(path).query).get("page[number]", ["0"]) if path else ["0"]
    return rest.whole(numbers[0]) or 0


def _entry(item: rest.Json) -> Entry:
    times = {name: moment(rest.text(item.get(name)) or None) for name in ("StartAt", "EndAt")}
    says = {name: rest.iso(at) if at else "" for name, at in times.items()}
    return Entry(
        entry_id=rest.text(item.get("Id")),
        text=rest.text(item.get("Notes")),
        open=rest.text(item.get("Status")).lower() not in _DONE,
        says={**says, "Notes": rest.text(item.get("Notes")), "AssignedUserId": rest.text(item.get("AssignedUserId"))},
    )


DESTINATION = AppFolio
