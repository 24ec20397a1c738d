"""MRI (PMRM web API) as a destination. It has no key of ours, no search and no check for doubles: guest cards are found
among the lately changed ones by the mark that begins their short notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from leadsvc.workers.destinations import rest
from leadsvc.workers.destinations.base import (
    Capabilities,
    CardAt,
    CardPush,
    ConfigItem,
    ConfigKind,
    ConfigPage,
    EventPush,
    NativeKey,
    Outcome,
    OutcomePage,
    Query,
    RemoteCard,
    RemoteOutcome,
    Result,
    UpdateMode,
)
from leadsvc.workers.destinations.careful import Careful, read
from leadsvc.workers.destinations.entries import Entry
from leadsvc.workers.destinations.filling import Values
from leadsvc.workers.destinations.http import Answer
from leadsvc.workers.destinations.lenient import pick, remote_id
from leadsvc.workers.destinations.local import moment_at, written, zone
from leadsvc.workers.destinations.rest import text
from leadsvc.workers.destinations.vendors.mri import wire
from leadsvc.workers.destinations.vendors.mri.verdict import READS, entries
from leadsvc.workers.destinations.vendors.mri.verdict import classify as classify

_PAGES_MAX = 200
_OVERLAP = timedelta(days=1)
_ENDLESS = Result(
    outcome=Outcome.REJECT,
    code="endless_list",
    message="The list does not end; lower look_back_days, or ask MRI why its pages repeat.",
)
_LISTS = {
    ConfigKind.PROPERTY: ("properties", "api_properties", ("PropertyID",), ("PropertyName",)),
    ConfigKind.FLOOR_PLAN: ("floor_plans", "api_floor_plans", ("UnitTypeID", "FloorPlanID"), ("Description", "Name")),
    ConfigKind.UNIT: ("units", "api_units", ("UnitID",), ("UnitID", "UnitNumber")),
}

CAPABILITIES = Capabilities(
    label="MRI (PMRM web API)",
    native_key=NativeKey.NONE,
    returns_card_id="always",
    update_mode=UpdateMode.REPLACE,
    verify="get",
    needs_source=False,
    has_event=True,
    fields=("first_name", "last_name", "email", "phone", "move_in", "bedrooms_max"),
    find_by=("our_key", "remote_id", "email", "phone"),
    required=("first_name", "last_name"),
    max_len={"first_name": 50, "last_name": 50, "email": 80, "phone": 20, "event_text": wire.INTERACTION_MAX - 60},
    time_zone_rule="property",
    credentials={
        "client_id": "the client's id at MRI; with the next three it makes the user name",
        "database": "the client's database",
        "web_user": "the web service user, in a class that grants each API named here",
        "partner_key": "our partner key",
        "password": "the web service user's password",
    },
    options={
        "look_back_days": "how many days of changed guest cards are searched; 91 unless said",
        "notes_max": "how long the notes of a guest card may be; 30 unless said",
        "interaction_types": "the client's codes of interactions, as in email=EM,call=PH",
        "statuses": "the client's statuses of prospects, as in V=toured,L=lost",
        "time_zone": "the time zone of the client's clocks; UTC unless said",
        "api_properties": f"the API that lists properties; {wire.PROPERTIES} unless said",
        "api_floor_plans": "the API that lists unit types, where one is granted",
        "api_units": "the API that lists units, where one is granted",
    },
    on_duplicate="Makes a second guest card when asked twice.",
    ids=(
        "One id, the NameID, for card and person; it comes back with the entry. Our key begins the notes. That lists "
        "show notes and take a day of last change, and the fields of interactions, are inferred."
    ),
    corrections={
        "merge": "Merge the two names in MRI.",
        "unmerge": "Enter the second person's guest card in MRI anew.",
        "contact": "",
        "source": "Correct the marketing source in MRI: its guest card interface has no place for one.",
        "event": "",
    },
)


class Mri(Careful):
    """One client's database."""

    CAPABILITIES = CAPABILITIES

    # -- one call -----------------------------------------------------------------------------------------------------

    def _option(self, name: str, otherwise: str) -> str:
        return self._profile.options.get(name) or otherwise

    def _send(
        self, op: str, method: str, api: str, asked: Mapping[str, str], content: bytes | None = None
    ) -> tuple[Result, Answer]:
        known = self._profile.credentials
        user = "/".join(known.get(part, "") for part in ("client_id", "database", "web_user", "partner_key"))
        headers = {"Authorization": rest.basic(user, known.get("password", ""))}
        if content is not None:
            headers["Content-Type"] = "application/xml"
        form = "xml" if content is not None else "json"
        params = {"$api": api, "$format": form, **{name: value for name, value in asked.items() if value}}
        answer = self._door.call(op, method, "MRIAPIServices/api.asp", params=params, headers=headers, content=content)
        result = classify(op, answer.status, answer.headers, answer.body, answer.context(read=op in READS))
        return self._said(result, answer), answer

    def _page(self, op: str, api: str, asked: Mapping[str, str]) -> tuple[Result, list[rest.Json], dict[str, str]]:
        """One page of a list, and what the next one is asked for with."""
        result, answer = self._send(op, "GET", api, {"$top": str(wire.TOP), **asked})
        found = list(entries(answer.body)) if result.ok and not result.empty else []
        return result, found, wire.following(rest.parse(answer.body)) if found else {}

    def _list(self, op: str, api: str, asked: Mapping[str, str]) -> tuple[Result, list[rest.Json]]:
        """All pages of a list."""
        found: list[rest.Json] = []
        more: Mapping[str, str] = {}
        result = Result(outcome=Outcome.ACCEPTED)
        for _ in range(_PAGES_MAX):
            result, page, after = self._page(op, api, {**asked, **more})
            found += page
            if not result.ok or not after:
                return replace(result, empty=result.ok and not found, card_id=""), found if result.ok else []
            if after == more:
                break
            more = after
        # What was not read might be there: nothing may be concluded, least of all that a card is absent.
        return _ENDLESS, []

    def check(self) -> Result:
        home = next(iter(self._profile.properties), "")
        result, _ = self._send("list_guest_cards", "GET", wire.GUEST_CARDS, {"SITEID": home, "$top": "1"})
        return replace(result, empty=False, card_id="")

    def pull_config(self, kind: ConfigKind, cursor: str = "") -> tuple[Result, ConfigPage]:
        """The list where the client granted its API; agents and sources have none."""
        op, option, ids, names = _LISTS.get(kind, ("", "", (), ()))
        api = self._option(option, wire.PROPERTIES if kind is ConfigKind.PROPERTY else "")
        if not api:
            return Result(outcome=Outcome.ACCEPTED, empty=True), ConfigPage()
        if kind is ConfigKind.PROPERTY:
            result, found = self._list(op, api, {})
            return result, ConfigPage(items=_items(found, ids, names, ""))
        homes, place = self._profile.properties, int(cursor or 0)
        if place >= len(homes):
            return Result(outcome=Outcome.ACCEPTED, empty=True), ConfigPage()
        result, found = self._list(op, api, {"PropertyID": homes[place]})
        more = str(place + 1) if result.ok and place + 1 < len(homes) else ""
        return result, ConfigPage(items=_items(found, ids, names, homes[place]), next_cursor=more)

    # -- guest cards --------------------------------------------------------------------------------------------------

    def _changed_cards(self, property_ref: str) -> tuple[Result, list[RemoteCard]]:
        """The guest cards of a property, or of all of the account, that changed lately."""
        days = timedelta(days=int(self._option("look_back_days", "91")))
        since = written(datetime.now(UTC) - days, self._option("time_zone", "UTC"), "%Y-%m-%d")
        result, found = Result(outcome=Outcome.ACCEPTED, empty=True), []
        for home in (property_ref,) if property_ref else self._profile.properties:
            result, page = self._list("list_guest_cards", wire.GUEST_CARDS, {"SITEID": home, "LastUpdate": since})
            if not result.ok:
                return result, []
            found += [wire.remote_card(one) for one in page]
        return result, found

    def find_prospect(self, query: Query) -> tuple[Result, tuple[RemoteCard, ...]]:
        """All that matches in one reading: the id alone, our key alone, else whoever has the address or the number."""
        if query.remote_id:
            result, card = self.get_card(CardAt(card_id=query.remote_id, property_ref=query.property_ref))
            if card is not None or not result.ok:
                return result, (card,) if card else ()
        if not (query.our_key or query.email or query.phone):
            return Result(outcome=Outcome.ACCEPTED, empty=True), ()
        result, cards = self._changed_cards(query.property_ref)
        ours = tuple(card for card in cards if query.our_key and card.our_key == query.our_key)
        found = ours or tuple(card for card in cards if _has(card, query))
        return replace(result, empty=result.ok and not found), found[::-1]

    def _search(self, by: str, value: str, property_ref: str) -> tuple[Result, tuple[RemoteCard, ...]]:
        return self.find_prospect(Query(**{by: value}, property_ref=property_ref))

    def get_card(self, at: CardAt) -> tuple[Result, RemoteCard | None]:
        result, item = self._raw(at)
        card = wire.remote_card(item) if item is not None else None
        return (read(result, card), card) if card else (replace(result, empty=result.ok, card_id=""), None)

    def _raw(self, at: CardAt) -> tuple[Result, rest.Json | None]:
        asked = {"NameID": at.card_id, "SITEID": at.property_ref}
        result, found, _ = self._page("get_guest_card", wire.GUEST_CARDS, asked)
        return result, next((one for one in found if remote_id(pick(one, "NameID")) == at.card_id), None)

    def _create(self, card: CardPush, values: Values) -> Result:
        today = datetime.now(UTC).astimezone(zone(card.time_zone)).date()
        longest = int(self._option("notes_max", str(wire.NOTES_MAX)))
        entry = wire.new_entry(values, card.our_key, card.property_ref, today, longest)
        content = wire.document(wire.GUEST_CARDS, entry)
        return self._send("create_guest_card", "POST", wire.GUEST_CARDS, {}, content)[0]

    def _change(self, card: CardPush, known: RemoteCard, changes: Values, claim: str) -> Result:
        # An entry goes out whole, so it is read again: what is left out might be taken for cleared.
        result, item = self._raw(self._at(card, known.card_id))
        if item is None:
            return replace(result, verify_first=False) if not result.ok else _gone(known.card_id)
        entry = wire.over(wire.entry_of(item), changes)
        if claim:
            longest = int(self._option("notes_max", str(wire.NOTES_MAX)))
            entry = {**entry, "Notes": wire.marked_first(str(entry["Notes"]), claim, longest)}
        content = wire.document(wire.GUEST_CARDS, entry)
        return self._send("update_guest_card", "PUT", wire.GUEST_CARDS, {}, content)[0]

    # -- history ------------------------------------------------------------------------------------------------------

    def _entries(self, at: CardAt, what: str, key: str) -> tuple[Result, tuple[Entry, ...]]:
        result, found = self._list("list_interactions", wire.INTERACTIONS, {"NameID": at.card_id})
        here = [one for one in found if remote_id(pick(one, "NameID")) in ("", at.card_id)]
        return result, tuple(
            Entry(entry_id=remote_id(pick(one, "InteractionID")), text=text(pick(one, "Notes")), says=one)
            for one in here
        )

    def _write_event(self, at: CardAt, event: EventPush, source: str) -> Result:
        codes = wire.kind_table(self._profile.options.get("interaction_types", ""))
        code = codes.get(event.kind, codes["note"])
        result = self._interaction(at, event, source, code)
        if "kind" in result.field_errors and code != codes["note"]:
            result = self._interaction(at, event, source, codes["note"])
        return self._owing(replace(result, card_id=at.card_id) if result.ok else result)

    def _interaction(self, at: CardAt, event: EventPush, source: str, code: str) -> Result:
        words = f"Source: {source}\n{event.text}" if source else event.text
        entry = {
            "NameID": at.card_id,
            "InteractionDate": written(event.at, event.time_zone, "%Y-%m-%d"),
            "InteractionType": code,
            "Notes": wire.marked_first(words, event.our_event_key, wire.INTERACTION_MAX),
        }
        content = wire.document(wire.INTERACTIONS, entry)
        return self._send("add_interaction", "POST", wire.INTERACTIONS, {}, content)[0]

    # -- what became of guest cards -----------------------------------------------------------------------------------

    def pull_outcomes(self, since: datetime, cursor: str = "") -> tuple[Result, OutcomePage]:
        """A page for each property. The cursor is the property's place, since when is read, and when the round began:
        changes are asked for by days, so each round reads the last day again."""
        place, start, began = _cursor(cursor, since)
        homes, clocks = self._profile.properties, self._option("time_zone", "UTC")
        if place >= len(homes):
            return Result(outcome=Outcome.ACCEPTED, empty=True), OutcomePage(cursor=cursor)
        asked = {"RMPROPID": homes[place], "LastUpdate": written(start, clocks, "%Y-%m-%d")}
        result, people = self._list("residents", wire.RESIDENTS, asked)
        if not result.ok:
            return result, OutcomePage(cursor=cursor)
        result, signed = self._list("pending_move_ins", wire.PENDING, {"PropertyID": homes[place]})
        if not result.ok:
            return result, OutcomePage(cursor=cursor)
        waiting = [one for item in signed if (one := wire.pending(item, clocks)) is not None]
        told = [*waiting, *self._told(people, {one.card_id for one in waiting})]
        more = place + 1 < len(homes)
        last = f"0|{(began - _OVERLAP).isoformat()}|"
        after = f"{place + 1}|{start.isoformat()}|{began.isoformat()}" if more else last
        items = tuple(sorted(told, key=lambda one: one.at))
        return replace(result, empty=not items), OutcomePage(items=items, cursor=after, more=more)

    def _told(self, people: list[rest.Json], waiting: set[str]) -> list[RemoteOutcome]:
        """What the residents' list says; who has signed and not moved in is called a resident there, too early."""
        table = wire.status_table(self._profile.options.get("statuses", ""))
        clocks = self._option("time_zone", "UTC")
        found = (wire.outcome(item, clocks, table) for item in people)
        return [one for one in found if one is not None and one.card_id not in waiting]


def _gone(card_id: str) -> Result:
    words = f"The guest card {card_id} is no longer there."
    return Result(outcome=Outcome.REJECT, code="not_found", message=words)


def _has(card: RemoteCard, query: Query) -> bool:
    by_mail = bool(query.email) and query.email.casefold() in (each.casefold() for each in card.emails)
    return by_mail or (bool(query.phone) and query.phone in card.phones)


def _items(found: list[rest.Json], ids: tuple[str, ...], names: tuple[str, ...], parent: str) -> tuple[ConfigItem, ...]:
    items = (wire.config_item(one, ids, names, parent) for one in found)
    return tuple(item for item in items if item is not None)


def _cursor(cursor: str, since: datetime) -> tuple[int, datetime, datetime]:
    place, start, began = (*cursor.split("|"), "", "", "")[:3]
    now = datetime.now(UTC)
    return int(place or 0), moment_at(start, "UTC") or since, moment_at(began, "UTC") or now


DESTINATION = Mri
