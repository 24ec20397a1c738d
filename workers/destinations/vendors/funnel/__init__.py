"""Funnel (formerly Nestio) as a destination: clients of a community, found by our key as their partner id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from leadsvc.workers.destinations import rest
from leadsvc.workers.destinations.base import (
    Capabilities,
    CardAt,
    CardPush,
    ConfigKind,
    ConfigPage,
    EventPush,
    NativeKey,
    Outcome,
    OutcomePage,
    RemoteCard,
    Result,
    UpdateMode,
)
from leadsvc.workers.destinations.careful import read
from leadsvc.workers.destinations.entries import Entry, marked
from leadsvc.workers.destinations.filling import Values
from leadsvc.workers.destinations.jsonapi import JsonApi
from leadsvc.workers.destinations.local import written
from leadsvc.workers.destinations.vendors.funnel import wire
from leadsvc.workers.destinations.vendors.funnel.wire import classify as classify

NOTE_MAX = 10_000
_PAGE = 100
_OVERLAP = timedelta(minutes=10)
_LISTS = {
    ConfigKind.PROPERTY: ("list_communities", "communities"),
    ConfigKind.UNIT: ("list_units", "units"),
    ConfigKind.AGENT: ("list_employees", "employees"),
    ConfigKind.SOURCE: ("list_sources", "discovery-sources"),
}

CAPABILITIES = Capabilities(
    label="Funnel",
    native_key=NativeKey.NONE,
    returns_card_id="always",
    update_mode=UpdateMode.PATCH,
    verify="get",
    has_event=True,
    co_prospects=True,
    fields=(
        "first_name",
        "last_name",
        "email",
        "phone",
        "move_in",
        "bedrooms_min",
        "bedrooms_max",
        "budget_max_cents",
        "source_name",
        "comment",
    ),
    find_by=("our_key", "remote_id", "email"),
    required=("last_name", "first_name", "email"),
    max_len={"first_name": 100, "last_name": 100, "email": 254, "comment": NOTE_MAX, "event_text": NOTE_MAX},
    limits={"1s": 5},
    time_zone_rule="property",
    credentials={"api_key": "the API key, sent as the user of HTTP Basic with an empty password"},
    options={"group": "the id of the leasing group that new clients belong to; Funnel wants one"},
    on_duplicate="No rule is published: it is looked for by partner id before a client is made.",
    ids=(
        "Every answer carries the client's id; our key is its partner id. Creating, changing and booking are "
        "published; how clients, notes and lists are read is inferred. A further person carries no key of ours and is "
        "told by name with address or number."
    ),
    corrections={
        "merge": "Mark one of the two clients as not a prospect in Funnel.",
        "unmerge": "Make the client a lead again in Funnel.",
        "contact": "",
        "source": "",
        "event": "",
    },
)


class Funnel(JsonApi):
    """One Funnel account; its base URL ends with the version, ``/api/v2``."""

    CAPABILITIES = CAPABILITIES
    READS = frozenset(wire.READS)
    _judge = staticmethod(classify)

    # -- one call -----------------------------------------------------------------------------------------------------

    def _given_token(self) -> str:
        return self._profile.credentials.get("api_key") or self._profile.api_key

    def _headers(self, token: str) -> Mapping[str, str]:
        return {"Authorization": rest.basic(token, "")}

    def _page(self, op: str, path: str, number: int, **params: str) -> tuple[Result, list[rest.Json], int]:
        """One page of a list, and the number of the next one (0: none)."""
        asked = {"page": str(number), "page_size": str(_PAGE), **params}
        result, answer = self._ask(op, "GET", f"{path}/", params=asked)
        data = rest.mapping(rest.mapping(answer).get("data")) if result.ok and not result.empty else {}
        items = rest.objects(data.get(wire.READS[op])) if data else []
        return result, items, number + 1 if len(items) == _PAGE else 0

    def check(self) -> Result:
        return self._page("list_communities", "communities", 1)[0]

    def pull_config(self, kind: ConfigKind, cursor: str = "") -> tuple[Result, ConfigPage]:
        if kind not in _LISTS:
            return Result(outcome=Outcome.ACCEPTED, empty=True), ConfigPage()
        result, items, following = self._page(*_LISTS[kind], rest.whole(cursor) or 1)
        page = tuple(wire.config_item(kind, one) for one in items)
        return result, ConfigPage(items=page, next_cursor=str(following) if following else "")

    # -- clients ------------------------------------------------------------------------------------------------------

    def get_card(self, at: CardAt) -> tuple[Result, RemoteCard | None]:
        result, item = self._client(rest.segment(at.card_id))
        card = wire.remote_card(item) if item else None
        return read(result, card) if card else result, card

    def _client(self, which: str) -> tuple[Result, rest.Json]:
        result, answer = self._ask("get_client", "GET", f"clients/{which}/")
        if not result.ok or result.empty:
            return result, {}
        return result, rest.objects(rest.mapping(rest.mapping(answer).get("data")).get("client"))[0]

    def _search(self, by: str, value: str, property_ref: str) -> tuple[Result, tuple[RemoteCard, ...]]:
        if by == "our_key":
            result, item = self._client(f"partner-id:{rest.segment(value)}")
            return result, (wire.remote_card(item),) if item else ()
        result, items, _ = self._page("find_client", "clients", 1, email=value)
        cards = [wire.remote_card(item) for item in items]
        exact = (card for card in cards if value.casefold() in (one.casefold() for one in card.emails))
        here = tuple(card for card in exact if property_ref in ("", card.property_ref) or not card.property_ref)
        return replace(result, empty=result.ok and not here), here

    def _create(self, card: CardPush, values: Values) -> Result:
        group = self._profile.options.get("group", "")
        keys = {"partner_id": card.our_key, "community": wire.number(card.property_ref)}
        client = {**wire.client(values), **keys, **({"group": wire.number(group)} if group else {})}
        return self._ask("create_client", "POST", "clients/", json={"client": client})[0]

    def _change(self, card: CardPush, known: RemoteCard, changes: Values, claim: str) -> Result:
        people: object = None
        if {"first_name", "last_name", "email", "phone"} & set(changes):
            # People are replaced as a whole: those that are there go out again.
            result, item = self._client(rest.segment(known.card_id))
            if not item:
                return replace(result, outcome=Outcome.REJECT, code="gone") if result.ok else result
            people = item.get("people")
        beds = {name: known.fields[name] for name in ("bedrooms_min", "bedrooms_max") if name in known.fields}
        wanted = {**beds, **changes} if set(changes) & {"bedrooms_min", "bedrooms_max"} else changes
        client = wire.client(wanted, people) | ({"partner_id": claim} if claim else {})
        return self._put(known.card_id, client)

    def _put(self, card_id: str, client: rest.Json) -> Result:
        return self._ask("update_client", "PUT", f"clients/{rest.segment(card_id)}/", json={"client": client})[0]

    def _add_person(self, card: CardPush, known: RemoteCard, values: Values) -> Result:
        """All people once more, and one more, who has no place for a key of ours."""
        result, item = self._client(rest.segment(known.card_id))
        if not item:
            return replace(result, outcome=Outcome.REJECT, code="gone") if result.ok else result
        more = {**wire.person(values), "is_primary": False}
        return self._owing(self._put(known.card_id, {"people": [*rest.objects(item.get("people")), more]}))

    # -- what hangs on a client ---------------------------------------------------------------------------------------

    def _entries(self, at: CardAt, what: str, key: str) -> tuple[Result, tuple[Entry, ...]]:
        number, found = 1, list[rest.Json]()
        while number:
            result, items, number = self._page("list_notes", f"clients/{rest.segment(at.card_id)}/notes", number)
            if not result.ok:
                return result, ()
            found += items
        return result, tuple(Entry(entry_id=rest.text(one.get("id")), text=rest.text(one.get("note"))) for one in found)

    def _write_event(self, at: CardAt, event: EventPush, source: str) -> Result:
        when = written(event.at, event.time_zone, "%Y-%m-%d %H:%M")
        head = ", ".join(filter(None, (event.kind, source, when)))
        body = {"note": marked(f"({head}) {event.text}", event.our_event_key, NOTE_MAX)}
        path = f"clients/{rest.segment(at.card_id)}/notes/"
        result, _ = self._ask("add_note", "POST", path, json=body)
        return self._owing(replace(result, card_id=at.card_id))

    # -- outcomes -----------------------------------------------------------------------------------------------------

    def pull_outcomes(self, since: datetime, cursor: str = "") -> tuple[Result, OutcomePage]:
        walk = rest.Walk.of(since, cursor)
        window = {"updated_since": rest.iso(walk.start), "sort": "updated_at"}
        result, items, following = self._page("clients_changed", "clients", rest.whole(walk.token) or 1, **window)
        if not result.ok:
            return result, OutcomePage(cursor=cursor)
        told = sorted(filter(None, map(wire.remote_outcome, items)), key=lambda one: one.at)
        on = walk.on(map(wire.changed_at, items), str(following) if following else "", _OVERLAP)
        return result, OutcomePage(items=tuple(told), cursor=on, more=bool(following))


DESTINATION = Funnel
