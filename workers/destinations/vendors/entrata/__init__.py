"""Entrata as a destination. It never says when it does nothing: a lead whose e-mail or phone it knows is answered as a
success, so each lead is looked for afterwards, and where another was there already the inquiry becomes its event."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from leadsvc.workers.destinations import rest
from leadsvc.workers.destinations.base import (
    PERSON_FIELDS,
    Around,
    CardAt,
    CardPush,
    ConfigItem,
    ConfigKind,
    ConfigPage,
    EventPush,
    Outcome,
    OutcomePage,
    Profile,
    RemoteCard,
    RemoteOutcome,
    Result,
    TaskPush,
)
from leadsvc.workers.destinations.careful import read
from leadsvc.workers.destinations.entries import Entry, marked
from leadsvc.workers.destinations.filling import Values
from leadsvc.workers.destinations.http import quiet
from leadsvc.workers.destinations.jsonapi import JsonApi
from leadsvc.workers.destinations.lenient import pick
from leadsvc.workers.destinations.lists import NamedLists, source_id
from leadsvc.workers.destinations.local import moment_at, ten_digits
from leadsvc.workers.destinations.presence import ABSENT, JOINED
from leadsvc.workers.destinations.vendors.entrata import wire
from leadsvc.workers.destinations.vendors.entrata.capabilities import CAPABILITIES as CAPABILITIES
from leadsvc.workers.destinations.vendors.entrata.verdict import READS, envelope, prospects
from leadsvc.workers.destinations.vendors.entrata.verdict import classify as classify

_PAGE = 500
_OVERLAP = timedelta(days=1)
_JOINED = "Entrata knows the e-mail or phone and made no lead; the inquiry was added to the lead that is there."


class Entrata(JsonApi):
    """One client at Entrata."""

    CAPABILITIES = CAPABILITIES
    READS = frozenset(READS)
    _judge = staticmethod(classify)

    def __init__(self, profile: Profile, around: Around = quiet) -> None:
        super().__init__(profile, around)
        self._lists = NamedLists()

    # -- one call -----------------------------------------------------------------------------------------------------

    @property
    def _older(self) -> bool:
        return bool(self._profile.credentials.get("username"))

    def _given_token(self) -> str:
        known = self._profile.credentials
        if self._older:
            return rest.basic(known["username"], known.get("password", ""))
        return known.get("api_key") or self._profile.api_key

    def _headers(self, token: str) -> Mapping[str, str]:
        return {"Authorization": token} if self._older else {"X-Api-Key": token}

    def _call(self, op: str, params: rest.Json, *, version: str = "", page: int = 0) -> tuple[Result, object]:
        """One method, judged, and the result in its answer."""
        endpoint, method, usual = wire.METHODS[op]
        where = self._profile.options.get("subdomain") or "example"
        path = f"api/v1/{endpoint}" if self._older else f"ext/orgs/{where}/v1/{endpoint}"
        body = {
            "auth": {"type": "basic" if self._older else "apikey"},
            "requestId": secrets.token_hex(8),
            "method": {"name": method, "version": version or usual, "params": params},
        }
        paging = {"page_no": str(page), "per_page": str(_PAGE)} if page else None
        asked = {"X-Send-Pagination-Links": "1"} if page else None
        result, value = self._ask(op, "POST", path, params=paging, json=body, headers=asked)
        return result, pick(envelope(value), "result") if result.ok else None

    def check(self) -> Result:
        """The key works, and is good for the first property's lists: rights are given method by method."""
        result, _ = self._call("get_status", {})
        home = next(iter(self._profile.properties), "")
        return self._call("get_lead_pick_lists", _at(home))[0] if result.ok and home else result

    # -- configuration ------------------------------------------------------------------------------------------------

    def pull_config(self, kind: ConfigKind, cursor: str = "") -> tuple[Result, ConfigPage]:
        """A page for each property; the cursor is the place of the next one."""
        if kind is ConfigKind.PROPERTY:
            result, found = self._call("get_properties", {})
            return result, ConfigPage(items=wire.properties(found))
        homes, place = self._profile.properties, int(cursor or 0)
        if place >= len(homes):
            return Result(outcome=Outcome.ACCEPTED, empty=True), ConfigPage()
        result, items = self._config_of(kind, homes[place])
        more = str(place + 1) if result.ok and place + 1 < len(homes) else ""
        return result, ConfigPage(items=items, next_cursor=more)

    def _config_of(self, kind: ConfigKind, home: str) -> tuple[Result, tuple[ConfigItem, ...]]:
        if kind is ConfigKind.FLOOR_PLAN:
            result, found = self._call("get_floor_plans", _at(home))
            return result, wire.floor_plans(found, home)
        if kind is ConfigKind.UNIT:
            result, found = self._call("get_units", _at(home))
            return result, wire.units(found, home)
        result, found = self._call("get_lead_pick_lists", _at(home))
        holder, item = ("LeasingAgents", "LeasingAgent") if kind is ConfigKind.AGENT else ("LeadSources", "LeadSource")
        named = wire.pick_list(found, holder, item)
        return result, tuple(ConfigItem(remote_id=key, name=name, parent=home) for key, name in named.items())

    def _named(self, home: str, holder: str, item: str) -> tuple[Result, Mapping[str, str]]:
        """One of a property's pick lists, names by id."""

        def fetch() -> tuple[Result, Mapping[str, str]]:
            result, found = self._call("get_lead_pick_lists", _at(home))
            return result, wire.pick_list(found, holder, item)

        return self._lists.get(holder, home, fetch)

    def _sources(self, home: str) -> tuple[Result, Mapping[str, str]]:
        return self._named(home, "LeadSources", "LeadSource")

    # -- leads --------------------------------------------------------------------------------------------------------

    def _leads(self, op: str, home: str, by: rest.Json) -> tuple[Result, list[wire.Lead]]:
        """The leads of a property that match, with the events that show our marks."""
        params = {**_at(home), **by, "eventTypeIds": f"{wire.GUEST_CARD},{wire.VISIT}"}
        result, found = self._call(op, params)
        return result, wire.leads(found, home, {}) if result.ok else []

    def _search(self, by: str, value: str, property_ref: str) -> tuple[Result, tuple[RemoteCard, ...]]:
        result, found = self._found(by, value, property_ref)
        return result, tuple(lead.card for lead in found)

    def _found(self, by: str, value: str, property_ref: str) -> tuple[Result, list[wire.Lead]]:
        result = Result(outcome=Outcome.ACCEPTED, empty=True)
        every: list[wire.Lead] = []
        op, words = ("get_leads_by_email", {"email": value}) if by == "email" else ("get_leads_by_phone", _phone(value))
        for home in (property_ref,) if property_ref else self._profile.properties:
            result, found = self._leads(op, home, words)
            if not result.ok:
                return result, []
            every += found
        return replace(result, empty=not every, card_id=""), every

    def get_card(self, at: CardAt) -> tuple[Result, RemoteCard | None]:
        result, lead = self._lead(at)
        if lead is None:
            return replace(result, empty=result.ok, card_id=""), None
        card = replace(lead.card, our_key=at.our_key) if at.our_key in lead.keys else lead.card
        return read(result, card), card

    def _lead(self, at: CardAt) -> tuple[Result, wire.Lead | None]:
        if not at.card_id.isascii() or not at.card_id.isdigit():
            return Result(outcome=Outcome.ACCEPTED, empty=True), None
        result, found = self._leads("get_lead", at.property_ref, {"leadId": int(at.card_id)})
        return result, next((lead for lead in found if lead.card.card_id == at.card_id), None)

    def _ours(self, card: CardPush) -> tuple[Result, RemoteCard | None]:
        """The lead that is marked with our key, also where it was somebody else's first."""
        result, found = self._around_it(card)
        ours = [replace(lead.card, our_key=card.our_key) for lead in found if card.our_key in lead.keys]
        return replace(result, empty=result.ok and not ours), min(ours, key=lambda one: one.card_id, default=None)

    def _around_it(self, card: CardPush) -> tuple[Result, list[wire.Lead]]:
        """All leads of the property with the renter's e-mail or phone."""
        result = Result(outcome=Outcome.ACCEPTED, empty=True)
        every: list[wire.Lead] = []
        for by, value in (("email", card.email), ("phone", card.phone)):
            if value and self._may_ask_by(by):
                result, found = self._found(by, value, card.property_ref)
                if not result.ok:
                    return result, []
                every += [lead for lead in found if lead.card.card_id not in {one.card.card_id for one in every}]
        return replace(result, empty=not every), every

    def _create(self, card: CardPush, values: Values) -> Result:
        result, offered = self._sources(card.property_ref)
        source: rest.Json = {}
        if not result.ok:
            return replace(result, verify_first=False)
        if "source_name" in values:
            result, key = source_id(str(values["source_name"]), offered)
            if not result.ok:
                return result
            source = {"originatingLeadSourceId": key}
        now = datetime.now(UTC)
        comment = marked(str(values.get("comment", "")), card.our_key, wire.COMMENT_MAX)
        prospect = {
            "leadSource": source,
            "createdDate": wire.just_now(now),
            "customers": {"customer": wire.person(values)},
            "customerPreferences": {**wire.preferences(values), "comment": comment},
            "events": {"event": [_event(wire.GUEST_CARD, now - timedelta(minutes=1), comment)]},
        }
        return self._call("send_leads", {**_at(card.property_ref), "prospects": {"prospect": prospect}})[0]

    def _seen(self, card: CardPush, result: Result, values: Values) -> Result:
        seen = super()._seen(card, replace(result, card_id="") if result.ok else result, values)
        return self._joined(card, values) or seen if seen.code == ABSENT else seen

    def _joined(self, card: CardPush, values: Values) -> Result | None:
        """A success that made nothing: the lead that was there gets the inquiry as an event, and nothing else is
        written to it, for whose it is was their rule's choice. ``None`` when no such lead shows (yet)."""
        looked, found = self._around_it(card)
        if not looked.ok:
            return replace(looked, outcome=Outcome.RETRY, verify_first=True, verified=False)
        if not found:
            return None
        there = min(found, key=lambda lead: lead.card.card_id).card
        comment = marked(str(values.get("comment", "")), card.our_key, wire.COMMENT_MAX)
        result = self._change_of(self._at(card, there.card_id), {"events": _events(comment)})
        _, now = self._lead(self._at(card, there.card_id))
        if now is None or card.our_key not in now.keys:
            unproven = result.outcome if not result.ok else Outcome.RETRY
            return replace(result, outcome=unproven, verify_first=unproven is Outcome.RETRY, verified=False)
        return read(Result(outcome=Outcome.DUPLICATE, code=JOINED, message=_JOINED), there)

    def _change(self, card: CardPush, known: RemoteCard, changes: Values, claim: str) -> Result:
        whole = {name: known.fields.get(name, "") for name in PERSON_FIELDS}
        rooms = {name: known.fields[name] for name in ("bedrooms_min", "bedrooms_max") if name in known.fields}
        about = set(changes) & set(whole)
        part: dict[str, object] = {}
        if about:
            part["customers"] = {"customer": {"customerId": known.person_id, **wire.person({**whole, **changes})}}
        wishes = wire.preferences({**(rooms if set(changes) & {"bedrooms_min", "bedrooms_max"} else {}), **changes})
        if wishes:
            part["customerPreferences"] = wishes
        if claim:
            part["events"] = _events(marked(card.comment[: wire.TEXT_MAX] if self._tells("comment") else "", claim))
        return self._change_of(self._at(card, known.card_id), part)

    def _add_person(self, card: CardPush, known: RemoteCard, values: Values) -> Result:
        """One more customer; one without an id is new there, and has no place for a key of ours."""
        first: Values = {name: known.fields.get(name, "") for name in PERSON_FIELDS}
        customers = [{"customerId": known.person_id, **wire.person(first)}, wire.person(values)]
        result = self._change_of(self._at(card, known.card_id), {"customers": {"customer": customers}})
        return replace(result, verified=False) if result.ok else result

    def _tells(self, name: str) -> bool:
        return name in self._profile.allowed_fields

    def _change_of(self, at: CardAt, part: rest.Json) -> Result:
        params = {**_at(at.property_ref), "applicationId": wire.whole(at.card_id)}
        result, _ = self._call("update_leads", {**params, "prospects": {"prospect": part}})
        return replace(result, card_id=at.card_id) if result.ok else result

    # -- history and follow-up ----------------------------------------------------------------------------------------

    def _entries(self, at: CardAt, what: str, key: str) -> tuple[Result, tuple[Entry, ...]]:
        result, lead = self._lead(at)
        events = lead.events if lead is not None else ()
        wanted = [one for one in events if (one.type_id == wire.VISIT) == (what == "task")]
        return result, tuple(_entry(one) for one in wanted)

    def _write_event(self, at: CardAt, event: EventPush, source: str) -> Result:
        text = f"{event.text}\nSource: {source}" if source else event.text
        words = marked(text, event.our_event_key, wire.COMMENT_MAX)
        when = min(event.at, datetime.now(UTC) - timedelta(minutes=1))
        result = self._change_of(at, {"events": {"event": [_event(wire.GUEST_CARD, when, words)]}})
        # The answer says of no event which one it is.
        return replace(result, verified=False) if result.ok else result

    def _write_task(self, at: CardAt, task: TaskPush, there: Entry | None) -> Result:
        subtype = wire.TOUR if task.kind == "appointment" else wire.APPOINTMENT
        due = wire.moment_there(task.due_at)
        if there is not None:
            params = {
                **_at(at.property_ref),
                "applicationId": wire.whole(at.card_id),
                "eventId": wire.whole(there.entry_id),
                "typeId": int(wire.VISIT),
                "subtypeId": int(subtype),
                "date": due,
            }
            result, _ = self._call("update_leads", params, version="r2")
            return replace(result, card_id=at.card_id, task_id=there.entry_id, verified=False) if result.ok else result
        requested = "Requested tour" if task.kind == "appointment" else "To do"
        words = "\n".join(filter(None, (f"{requested}: {task.title}", task.text)))
        event = _event(wire.VISIT, task.due_at, marked(words, task.our_task_key, wire.COMMENT_MAX))
        result = self._change_of(at, {"events": {"event": [{**event, "subtypeId": int(subtype)}]}})
        return replace(result, verified=False) if result.ok else result

    def _task_says(self, task: TaskPush) -> Mapping[str, object]:
        return {"due": wire.moment_there(task.due_at)[:16]}

    # -- what became of leads -----------------------------------------------------------------------------------------

    def pull_outcomes(self, since: datetime, cursor: str = "") -> tuple[Result, OutcomePage]:
        """A page of a property's changed leads. The cursor is the property's place, the page, since when is read and
        when the round began: Entrata searches by days, so each round reads the last day again."""
        place, page, start, began = _cursor(cursor, since)
        homes = self._profile.properties
        if place >= len(homes):
            return Result(outcome=Outcome.ACCEPTED, empty=True), OutcomePage(cursor=cursor)
        result, names = self._named(homes[place], "EventTypes", "EventType")
        if not result.ok:
            return result, OutcomePage(cursor=cursor)
        until = datetime.now(UTC) + timedelta(days=1)
        params = {
            **_at(homes[place]),
            "fromDate": wire.moment_there(start)[:10],
            "toDate": wire.moment_there(until)[:10],
            "eventTypeIds": ",".join(wire.told_of(names)),
        }
        result, found = self._call("get_leads_outcomes", params, page=page)
        if not result.ok:
            return result, OutcomePage(cursor=cursor)
        leads = wire.leads(found, homes[place], {})
        items = sorted((one for lead in leads for one in self._told(lead)), key=lambda one: one.at)
        full = len(prospects(found)) >= _PAGE
        more = full or place + 1 < len(homes)
        following = f"{place}|{page + 1}" if full else f"{place + 1}|1"
        after = f"{following}|{start.isoformat()}|{began.isoformat()}"
        last = f"0|1|{(began - _OVERLAP).isoformat()}|"
        return replace(result, empty=not items, card_id=""), OutcomePage(
            items=tuple(items), cursor=after if more else last, more=more
        )

    def _told(self, lead: wire.Lead) -> list[RemoteOutcome]:
        """What the status of a lead and the events that people noted say became of it."""
        table = wire.status_table(self._profile.options.get("statuses", ""))
        card, key = lead.card, lead.card.our_key
        told = []
        kind = wire.status_outcome(lead, table)
        if kind is not None and card.updated_at is not None:
            ref = f"{card.card_id}:{lead.status_id}:{card.raw_status}:{lead.lease_status}"
            told.append(
                RemoteOutcome(
                    card_id=card.card_id,
                    kind=kind,
                    at=card.updated_at,
                    raw_status=card.raw_status,
                    person_id=card.person_id,
                    our_key=key,
                    lease_id=lead.lease_id,
                    reason=lead.reason,
                    remote_ref=ref,
                )
            )
        for event in lead.events:
            kind = None if event.ours else wire.event_outcome(event)
            if kind is not None and event.at is not None:
                told.append(
                    RemoteOutcome(
                        card_id=card.card_id,
                        kind=kind,
                        at=event.at,
                        raw_status=event.name,
                        person_id=card.person_id,
                        our_key=key,
                        remote_ref=f"event:{event.event_id}:{event.result}",
                    )
                )
        return told


def _at(home: str) -> dict[str, object]:
    return {"propertyId": wire.whole(home)}


def _phone(value: str) -> dict[str, object]:
    return {"telephone": ten_digits(value)}


def _event(type_id: str, at: datetime, words: str) -> dict[str, object]:
    return {"typeId": int(type_id), "date": wire.moment_there(at), "comments": words}


def _events(words: str) -> dict[str, object]:
    return {"event": [_event(wire.GUEST_CARD, datetime.now(UTC) - timedelta(minutes=1), words)]}


def _entry(event: wire.Event) -> Entry:
    done = bool(event.result)
    return Entry(entry_id=event.event_id, text=event.text, open=not done, says={"due": event.due[:16]})


def _cursor(cursor: str, since: datetime) -> tuple[int, int, datetime, datetime]:
    place, page, start, began = (*cursor.split("|"), "", "", "", "")[:4]
    now = datetime.now(UTC)
    return int(place or 0), int(page or 1), moment_at(start, "UTC") or since, moment_at(began, "UTC") or now


DESTINATION = Entrata
