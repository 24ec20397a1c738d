"""Rent Manager as a destination: a session token that may end at any moment, lists for one record, and records that are
changed under a version. Our key and what has no place there live in user-defined fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

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
    Result,
    TaskPush,
    UpdateMode,
)
from leadsvc.workers.destinations.careful import read
from leadsvc.workers.destinations.entries import Entry, marked
from leadsvc.workers.destinations.filling import Values
from leadsvc.workers.destinations.http import quiet
from leadsvc.workers.destinations.jsonapi import JsonApi
from leadsvc.workers.destinations.lenient import pick, remote_id
from leadsvc.workers.destinations.lists import NamedLists, source_id
from leadsvc.workers.destinations.local import moment_at, unmarked
from leadsvc.workers.destinations.presence import ABSENT
from leadsvc.workers.destinations.rest import objects, text
from leadsvc.workers.destinations.vendors.rentmanager import wire
from leadsvc.workers.destinations.vendors.rentmanager.verdict import AUTHORIZE, READS, token
from leadsvc.workers.destinations.vendors.rentmanager.verdict import classify as classify

_PAGE = 1000
_OVERLAP = timedelta(minutes=10)
_COLLECTIONS = {
    ConfigKind.PROPERTY: ("list_properties", "Properties", "PropertyID"),
    ConfigKind.FLOOR_PLAN: ("list_unit_types", "UnitTypes", "UnitTypeID"),
    ConfigKind.UNIT: ("list_units", "Units", "UnitID"),
    ConfigKind.AGENT: ("list_users", "Users", "UserID"),
    ConfigKind.SOURCE: ("list_lead_sources", "LeadSources", "LeadSourceID"),
}
_STALE = Result(
    outcome=Outcome.RETRY,
    code="version_conflict",
    verify_first=True,
    message="The prospect was changed since it was read.",
)
_TWIN = Result(
    outcome=Outcome.REJECT,
    code="twin",
    message="Rent Manager says that such a prospect exists, and none with this e-mail or phone is found there; look.",
)

CAPABILITIES = Capabilities(
    label="Rent Manager",
    native_key=NativeKey.NONE,
    returns_card_id="always",
    update_mode=UpdateMode.VERSIONED,
    verify="get",
    needs_source=False,
    has_task=True,
    has_event=True,
    fields=("first_name", "last_name", "email", "phone", "move_in", "budget_max_cents", "source_name", "comment"),
    find_by=("our_key", "remote_id", "email", "phone"),
    required=("last_name",),
    max_len={"first_name": 50, "last_name": 50, "email": 80, "comment": 2000, "event_text": wire.TEXT_MAX},
    limits={"60s": 450},
    token_life_s=900,
    time_zone_rule="property",
    credentials={
        "username": "user of the Web API, whose rights cover prospects, history and tasks",
        "password": "that user's password",
    },
    options={
        "location_id": "the location that the user works in; 1 unless said",
        "time_zone": "the time zone of the database's clocks; UTC unless said",
        "field_key": "user-defined field of prospects for our key; LeadsvcKey unless said. Make it in Rent Manager",
        "field_move_in": "the same for the move-in date; LeadsvcMoveIn unless said",
        "field_budget": "the same for the rent looked for; LeadsvcBudget unless said",
        "field_comment": "the same for the renter's words; LeadsvcComment unless said",
        "lead_sources_path": "the collection of lead sources; LeadSources unless said",
        "statuses": "the company's own prospect statuses, as in Signed=leased,Gone=lost",
    },
    on_duplicate=(
        "Refuses a record of the same parameters without saying which one: it is found by e-mail or phone and adopted "
        "where it is nobody else's. Otherwise makes a second prospect when asked twice."
    ),
    ids=(
        "Every answer carries prospect and version; our key has a user-defined field of its own. How fields of "
        "sources, history and tasks are called, and that a search takes user-defined values, is inferred."
    ),
    corrections={
        "merge": "Merge the two prospects in Rent Manager.",
        "unmerge": "Enter the second person's prospect in Rent Manager anew.",
        "contact": "",
        "source": "",
        "event": "",
    },
)


class RentManager(JsonApi):
    """One company's database, in one of its locations."""

    CAPABILITIES = CAPABILITIES
    READS = frozenset((AUTHORIZE, *READS))
    _judge = staticmethod(classify)

    def __init__(self, profile: Profile, around: Around = quiet) -> None:
        super().__init__(profile, around)
        self._lists = NamedLists()
        self._names = wire.names_of(profile.options)

    # -- one call -----------------------------------------------------------------------------------------------------

    def _option(self, name: str, otherwise: str) -> str:
        return self._profile.options.get(name) or otherwise

    def _headers(self, token: str) -> Mapping[str, str]:
        return {"X-RM12Api-ApiToken": token, "X-RM12Api-LocationId": self._option("location_id", "1")}

    def _new_token(self) -> tuple[Result, str]:
        known = self._profile.credentials
        words = {
            "Username": known.get("username", ""),
            "Password": known.get("password", ""),
            "LocationID": wire.whole(self._option("location_id", "1")),
        }
        answer = self._door.call(AUTHORIZE, "POST", "Authentication/AuthorizeUser", json=words)
        result = classify(AUTHORIZE, answer.status, answer.headers, answer.body, answer.context(read=True))
        return self._said(result, answer), token(answer.body) if result.ok else ""

    def _get(self, op: str, path: str, **params: str) -> tuple[Result, list[rest.Json]]:
        asked = {name: value for name, value in params.items() if value}
        result, value = self._ask(op, "GET", path, params=asked)
        return result, objects(value) if result.ok and not result.empty else []

    def _post(self, op: str, path: str, record: rest.Json) -> Result:
        body: Sequence[object] = [record]
        return self._ask(op, "POST", path, json=body)[0]

    def check(self) -> Result:
        return replace(self._get("list_properties", "Properties", PageSize="1")[0], empty=False)

    # -- configuration ------------------------------------------------------------------------------------------------

    def pull_config(self, kind: ConfigKind, cursor: str = "") -> tuple[Result, ConfigPage]:
        op, path, key = _COLLECTIONS[kind]
        path = self._option("lead_sources_path", path) if kind is ConfigKind.SOURCE else path
        page = int(cursor or 1)
        result, found = self._get(op, path, PageSize=str(_PAGE), PageNumber=str(page))
        items = tuple(item for one in found if (item := wire.config_item(one, key, "")) is not None)
        following = str(page + 1) if len(found) >= _PAGE else ""
        return result, ConfigPage(items=items, next_cursor=following)

    def _sources(self) -> tuple[Result, Mapping[str, str]]:
        def fetch() -> tuple[Result, Mapping[str, str]]:
            result, page = self.pull_config(ConfigKind.SOURCE)
            return result, {item.remote_id: item.name for item in page.items if item.active}

        return self._lists.get("sources", "", fetch)

    # -- prospects ----------------------------------------------------------------------------------------------------

    def _cards(self, found: list[rest.Json]) -> tuple[Result, list[RemoteCard]]:
        result, sources = self._sources() if found else (Result(outcome=Outcome.ACCEPTED), {})
        zone = self._option("time_zone", "UTC")
        return result, [wire.remote_card(one, sources, self._names, zone) for one in found]

    def _search(self, by: str, value: str, property_ref: str) -> tuple[Result, tuple[RemoteCard, ...]]:
        if by == "our_key":
            wanted = wire.filters(UserDefinedValues__Value=value)
        elif by == "email":
            wanted = wire.filters(Contacts__Email=value, PropertyID=property_ref)
        else:
            wanted = wire.filters(Contacts__PhoneNumbers__PhoneNumber=wire.phone_there(value), PropertyID=property_ref)
        result, found = self._get("find_prospect", "Prospects", filters=wanted, embeds=wire.EMBEDS, PageSize="100")
        if not result.ok:
            return result, ()
        named, cards = self._cards(found)
        # A filter that it does not know may be left aside without a word: what does not match is no answer.
        fit = tuple(card for card in cards if _fits(card, by, value, property_ref))
        return (replace(result, empty=not fit, card_id="", version="") if named.ok else named), fit if named.ok else ()

    def get_card(self, at: CardAt) -> tuple[Result, RemoteCard | None]:
        result, item = self._raw(at.card_id)
        if item is None:
            return replace(result, empty=result.ok), None
        named, cards = self._cards([item])
        return (read(result, cards[0]), cards[0]) if named.ok else (named, None)

    def _raw(self, card_id: str) -> tuple[Result, rest.Json | None]:
        if not card_id.isascii() or not card_id.isdigit():
            return Result(outcome=Outcome.ACCEPTED, empty=True), None
        wanted = wire.filters(ProspectID=card_id)
        result, found = self._get("get_prospect", "Prospects", filters=wanted, embeds=wire.EMBEDS)
        return result, next((one for one in found if remote_id(pick(one, "ProspectID")) == card_id), None)

    def _source_of(self, values: Values) -> tuple[Result, rest.Json]:
        if "source_name" not in values:
            return Result(outcome=Outcome.ACCEPTED), {}
        result, offered = self._sources()
        if not result.ok:
            return replace(result, verify_first=False), {}
        result, key = source_id(str(values["source_name"]), offered)
        return result, {"LeadSourceID": wire.whole(key)}

    def _create(self, card: CardPush, values: Values) -> Result:
        result, source = self._source_of(values)
        if not result.ok:
            return result
        record = {
            "FirstName": values.get("first_name", ""),
            "LastName": values.get("last_name", ""),
            "PropertyID": wire.whole(card.property_ref),
            "ProspectStatus": "Prospect",
            **source,
            "Contacts": [wire.contact(values, None)],
            "UserDefinedValues": wire.user_defined(values, card.our_key, self._names),
        }
        return self._post("create_prospect", "Prospects", record)

    def _seen(self, card: CardPush, result: Result, values: Values) -> Result:
        seen = super()._seen(card, result, values)
        return self._twin(card) if seen.code == ABSENT and result.outcome is Outcome.DUPLICATE else seen

    def _twin(self, card: CardPush) -> Result:
        """A record of the same parameters is there, and it was not said which: nobody's becomes ours."""
        found: dict[str, RemoteCard] = {}
        for by, value in (("email", card.email), ("phone", card.phone)):
            if value and self._may_ask_by(by):
                result, cards = self._search(by, value, card.property_ref)
                if not result.ok:
                    return replace(result, outcome=Outcome.RETRY, verify_first=True)
                found |= {one.card_id: one for one in cards}
        named = [
            one for one in found.values() if one.name.casefold() == f"{card.first_name} {card.last_name}".casefold()
        ]
        free = [one for one in named if one.our_key in ("", card.our_key)]
        if not free:
            return _TWIN
        return self.put_prospect(replace(card, unsure=True), min(free, key=lambda one: one.card_id))

    def _change(self, card: CardPush, known: RemoteCard, changes: Values, claim: str) -> Result:
        result, source = self._source_of(changes)
        if not result.ok:
            return result
        record: dict[str, object] = {
            "ProspectID": wire.whole(known.card_id),
            "ConcurrencyID": wire.whole(known.version),
            "PropertyID": wire.whole(known.property_ref or card.property_ref),
            "FirstName": changes.get("first_name", known.fields.get("first_name", "")),
            "LastName": changes.get("last_name", known.fields.get("last_name", "")),
            "ProspectStatus": known.raw_status or "Prospect",
            **source,
        }
        own = wire.user_defined(changes, claim, self._names)
        if own:
            record["UserDefinedValues"] = own
        if set(changes) & {"first_name", "last_name", "email", "phone"}:
            # The contacts go out whole, so they are read again: a list is taken as all there is.
            result, item = self._raw(known.card_id)
            if item is None:
                return replace(result, verify_first=False) if not result.ok else _STALE
            if text(pick(item, "ConcurrencyID")) != known.version:
                return _STALE
            first = wire.primary(item)
            others = [one for one in objects(pick(item, "Contacts")) if one is not first]
            record["Contacts"] = [wire.contact(changes, first), *others]
        return self._post("update_prospect", "Prospects", record)

    # -- history and follow-up ----------------------------------------------------------------------------------------

    def _entries(self, at: CardAt, what: str, key: str) -> tuple[Result, tuple[Entry, ...]]:
        if what == "event":
            path = f"Prospects/{rest.segment(at.card_id)}/HistoryNotes"
            result, found = self._get("list_history_notes", path, PageSize=str(_PAGE))
        else:
            wanted = wire.filters(ProspectID=at.card_id)
            result, found = self._get("list_tasks", "Tasks", filters=wanted, PageSize=str(_PAGE))
        here = [one for one in found if remote_id(pick(one, "ProspectID")) in ("", at.card_id)]
        return result, tuple(_entry(one, what) for one in here)

    def _write_event(self, at: CardAt, event: EventPush, source: str) -> Result:
        words = f"{event.kind.replace('_', ' ').capitalize()}: {event.text}" + (f"\nSource: {source}" if source else "")
        record = {
            "ProspectID": wire.whole(at.card_id),
            "Note": marked(words, event.our_event_key, wire.NOTE_MAX),
            "HistoryDate": wire.there(event.at, event.time_zone),
        }
        return self._owing(self._post("add_history_note", "Prospects/HistoryNotes", record))

    def _write_task(self, at: CardAt, task: TaskPush, there: Entry | None) -> Result:
        says = self._task_says(task)
        record: dict[str, object] = {
            "Subject": says["title"],
            "Description": marked(str(says["text"]), task.our_task_key, wire.NOTE_MAX),
            "DueDate": says["due"],
            "ProspectID": wire.whole(at.card_id),
        }
        if task.assignee_ref:
            record["AssignedUserID"] = wire.whole(task.assignee_ref)
        if there is None:
            return self._owing(self._post("create_task", "Tasks", record))
        ours = {"TaskID": wire.whole(there.entry_id), "ConcurrencyID": there.says.get("version")}
        return self._owing(self._post("update_task", "Tasks", {**record, **ours}))

    def _task_says(self, task: TaskPush) -> Mapping[str, object]:
        requested = "Requested tour: " if task.kind == "appointment" else ""
        return {
            "title": f"{requested}{task.title}"[:200],
            "text": unmarked(marked(task.text, task.our_task_key, wire.NOTE_MAX))[0],
            "due": wire.there(task.due_at, task.time_zone),
            "assignee": task.assignee_ref,
        }

    # -- what became of prospects -------------------------------------------------------------------------------------

    def pull_outcomes(self, since: datetime, cursor: str = "") -> tuple[Result, OutcomePage]:
        """A page of what changed; the cursor is the page, since when is read and when the round began. Sorting is not
        to be relied on, so a round is read to its end before the time moves on."""
        page, start, began = _cursor(cursor, since)
        zone = self._option("time_zone", "UTC")
        result, found = self._get(
            "list_prospects_changed",
            "Prospects",
            filters=f"UpdateDate,gt,{wire.there(start, zone)}",
            fields="ProspectID,ProspectStatus,UpdateDate",
            PageSize=str(_PAGE),
            PageNumber=str(page),
        )
        if not result.ok:
            return result, OutcomePage(cursor=cursor)
        table = wire.status_table(self._profile.options.get("statuses", ""))
        told = [one for item in found if (one := wire.outcome(item, zone, table)) is not None]
        more = len(found) >= _PAGE
        following = f"{page + 1}|{start.isoformat()}|{began.isoformat()}"
        last = f"1|{(began - _OVERLAP).isoformat()}|"
        return result, OutcomePage(
            items=tuple(sorted(told, key=lambda one: one.at)), cursor=following if more else last, more=more
        )


def _fits(card: RemoteCard, by: str, value: str, property_ref: str) -> bool:
    if by == "our_key":
        return card.our_key == value
    if property_ref and card.property_ref != property_ref:
        return False
    return value.casefold() in (one.casefold() for one in card.emails) if by == "email" else value in card.phones


def _entry(item: rest.Json, what: str) -> Entry:
    if what == "event":
        return Entry(entry_id=remote_id(pick(item, "HistoryID")), text=text(pick(item, "Note")), says=item)
    words = text(pick(item, "Description"))
    says = {
        "title": text(pick(item, "Subject")),
        "text": unmarked(words)[0],
        "due": text(pick(item, "DueDate"))[:19],
        "assignee": remote_id(pick(item, "AssignedUserID")),
        "version": pick(item, "ConcurrencyID"),
    }
    done = pick(item, "IsCompleted", "Completed") is True
    return Entry(entry_id=remote_id(pick(item, "TaskID")), text=words, open=not done, says=says)


def _cursor(cursor: str, since: datetime) -> tuple[int, datetime, datetime]:
    page, start, began = (*cursor.split("|"), "", "", "")[:3]
    now = datetime.now(UTC)
    return int(page or 1), moment_at(start, "UTC") or since, moment_at(began, "UTC") or now


DESTINATION = RentManager
