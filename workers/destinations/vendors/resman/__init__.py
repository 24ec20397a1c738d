"""ResMan by its MITS 4.0 lead management.

A person is only ever found by address, number or name, and our own id is not shown again; so our key stands as a mark
in the first event, and whatever was written is looked for by the renter's address or number. Sources are sent by id,
agents too. A follow-up is an ``Appointment``. One file: all of it is one account asked over one wire.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlencode

from lxml import etree

from leadsvc.workers.destinations import mits
from leadsvc.workers.destinations.base import (
    Around,
    CardAt,
    CardPush,
    ConfigKind,
    ConfigPage,
    EventPush,
    Outcome,
    OutcomePage,
    Profile,
    Query,
    RemoteCard,
    Result,
    TaskPush,
)
from leadsvc.workers.destinations.careful import UNPROVEN, read
from leadsvc.workers.destinations.entries import Entry, marked
from leadsvc.workers.destinations.filling import Outgoing, Values, as_text
from leadsvc.workers.destinations.http import quiet
from leadsvc.workers.destinations.leadmanagement import LeadManagement
from leadsvc.workers.destinations.mits import Companion, Event, Identification, Prospect, local, one_line
from leadsvc.workers.destinations.mitsdocument import Dialect, document
from leadsvc.workers.destinations.presence import ABSENT, holds
from leadsvc.workers.destinations.spans import Span
from leadsvc.workers.destinations.vendors.resman import config, outcomes, people
from leadsvc.workers.destinations.vendors.resman.capabilities import CAPABILITIES as CAPABILITIES
from leadsvc.workers.destinations.vendors.resman.capabilities import EVENTS
from leadsvc.workers.destinations.vendors.resman.verdict import Answer, answer_of, person_id
from leadsvc.workers.destinations.vendors.resman.verdict import classify as classify
from leadsvc.workers.destinations.verdicts import plain

_PATHS = {
    "post_lead": "MITS/PostLeadManagement4_0",
    "post_event": "MITS/PostLeadManagement4_0",
    "search_prospects": "MITS/SearchProspects",
    "get_sources": "Leasing/GetProspectSources",
    "get_employees": "Leasing/GetEmployees",
    "get_residents": "Leasing/GetApplicantsAndCurrentResidents",
}
_DIALECT = Dialect(agents_by="id", event_ids=False)
_KEPT = 2000
_ROOMS = frozenset({"bedrooms_min", "bedrooms_max"})
_SOURCES_FRESH_S = 600.0


class _Met(NamedTuple):
    """By what a person can be found again; ``mute``: nothing of their history was told."""

    ways: tuple[tuple[str, str], ...] = ()
    mute: bool = False


class ResMan(LeadManagement):
    """One account at ResMan. ``agent_ref`` is an employee's PersonID."""

    CAPABILITIES = CAPABILITIES

    def __init__(self, profile: Profile, around: Around = quiet) -> None:
        super().__init__(profile, around)
        self._organization = profile.options.get("organization") or "leadsvc"
        self._lock = threading.Lock()
        self._sources: dict[str, config.Sources] = {}
        self._met: OrderedDict[str, _Met] = OrderedDict()

    # -- the wire -----------------------------------------------------------------------------------------------------

    def _ask(self, op: str, property_ref: str, **fields: str) -> tuple[Result, Answer | None]:
        given = self._profile.credentials
        form = {
            "IntegrationPartnerID": given.get("integration_partner_id", ""),
            "APIKey": given.get("api_key", ""),
            "AccountID": given.get("account_id", ""),
            "PropertyID": property_ref,
            **fields,
        }
        answer = self._door.call(
            op,
            "POST",
            _PATHS[op],
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            content=urlencode(form).encode(),
        )
        context = answer.context(read=op not in ("post_lead", "post_event"))
        result = classify(op, answer.status, answer.headers, answer.body, context)
        return self._said(result, answer), answer_of(answer.body) if result.ok else None

    # -- configuration ------------------------------------------------------------------------------------------------

    def check(self) -> Result:
        """Asks for one property's sources, as every call names a property."""
        return self._ask("get_sources", next(iter(self._profile.properties), ""))[0]

    def pull_config(self, kind: ConfigKind, cursor: str = "") -> tuple[Result, ConfigPage]:
        """Sources and employees, one page per property; the interface lists nothing else."""
        ops = {ConfigKind.SOURCE: "get_sources", ConfigKind.AGENT: "get_employees"}
        homes = self._profile.properties
        home = cursor or next(iter(homes), "")
        if kind not in ops or not home:
            return Result(outcome=Outcome.ACCEPTED, empty=True), ConfigPage()
        op = ops[kind]
        result, answer = self._ask(op, home)
        listed = (answer.listed(op) if answer is not None else None) or []
        items = [
            config.source(one, home) if kind is ConfigKind.SOURCE else config.employee(one, home) for one in listed
        ]
        following = homes[homes.index(home) + 1 :] if home in homes else ()
        found = tuple(one for one in items if one.remote_id)
        return result, ConfigPage(items=found, next_cursor=next(iter(following), ""))

    def _named(self, home: str) -> tuple[Result, config.Sources]:
        """The sources of a property; read again after some minutes."""
        with self._lock:
            known = self._sources.get(home)
        if known is not None and time.monotonic() - known.read_at < _SOURCES_FRESH_S:
            return Result(outcome=Outcome.ACCEPTED), known
        result, answer = self._ask("get_sources", home)
        listed = (answer.listed("get_sources") if answer is not None else None) or []
        items = [config.source(one, home) for one in listed]
        fresh = config.Sources({one.name: one.remote_id for one in items if one.active}, time.monotonic())
        if result.ok:
            with self._lock:
                self._sources[home] = fresh
        return result, fresh

    def _source_id(self, name: str, home: str) -> tuple[Result, str]:
        """The id of a source; an unknown one is refused here, as ResMan would."""
        result, sources = self._named(home)
        if not result.ok:
            return result, ""
        if name in sources.ids:
            return result, sources.ids[name]
        words = plain(f"The property has no source {name!r}; correct the table of sources.")
        unknown = Result(outcome=Outcome.REJECT, code="source", message=words, field_errors={"source_name": (words,)})
        return unknown, ""

    # -- finding ------------------------------------------------------------------------------------------------------

    def _search(self, by: str, value: str, property_ref: str) -> tuple[Result, tuple[RemoteCard, ...]]:
        result, cards = Result(outcome=Outcome.ACCEPTED, empty=True), list[RemoteCard]()
        for home in self._homes(property_ref):
            result, found = self._people(by, value, home)
            if not result.ok:
                return result, ()
            for one in found:
                result, card = self._card(one, home)
                if card is None:
                    return result, ()
                cards.append(card)
        return replace(result, empty=not cards), tuple(cards)

    def _people(self, by: str, value: str, home: str) -> tuple[Result, tuple[Prospect, ...]]:
        field = {"Email": value} if by == "email" else {"Phone": mits.national(value)}
        result, answer = self._ask("search_prospects", home, **field)
        found = tuple(one for one in answer.people() if person_id(one)) if answer is not None else ()
        for one in found:
            self._meet(person_id(one), one.emails, one.phones, mute=not one.events)
        return result, found

    def _meet(self, card_id: str, emails: Sequence[str], phones: Sequence[str], *, mute: bool = False) -> None:
        """Remember by what a person can be found again, and whether nothing of their history was told."""
        ways = (*(("email", each) for each in emails), *(("phone", each) for each in phones))
        with self._lock:
            self._met[card_id] = _Met(tuple(ways), mute)
            self._met.move_to_end(card_id)
            while len(self._met) > _KEPT:
                self._met.popitem(last=False)

    def get_card(self, at: CardAt) -> tuple[Result, RemoteCard | None]:
        result, found, home = self._prospect(at)
        return (result, None) if found is None else self._card(found, home)

    def _prospect(self, at: CardAt) -> tuple[Result, Prospect | None, str]:
        """The person with this id, and the property: by all that is known of address and number."""
        with self._lock:
            met = self._met.get(at.card_id, _Met()).ways
        asked = (("email", at.email), ("phone", at.phone))
        given = tuple((by, value) for by, value in asked if value and self._may_ask_by(by))
        ways = tuple(dict.fromkeys((*given, *met)))
        if not ways:
            return people.NOT_SEARCHABLE, None, at.property_ref
        result = Result(outcome=Outcome.ACCEPTED, empty=True)
        for home in self._homes(at.property_ref):
            for by, value in ways:
                result, found = self._people(by, value, home)
                there = [one for one in found if person_id(one) == at.card_id]
                if there or not result.ok:
                    return replace(result, empty=not there), there[0] if there else None, home
        return replace(result, empty=True, card_id="", person_id=""), None, at.property_ref

    def _card(self, found: Prospect, home: str) -> tuple[Result, RemoteCard | None]:
        result, sources = self._named(home)
        if not result.ok:
            return result, None
        first = found.first_event
        values = dict(found.values)
        if "source_name" in values:
            values["source_name"] = sources.name(values["source_name"])
        if "comment" in values:
            values["comment"] = people.unmarked(values["comment"]).strip()
        held = {name: value for name, value in values.items() if value and name in CAPABILITIES.fields}
        card_id = person_id(found)
        return result, RemoteCard(
            card_id=card_id,
            person_id=card_id,
            status=found.status,
            raw_status=found.kind,
            property_ref=found.id("PropertyID") or home,
            our_key=found.id("ThirdPartyID", self._organization) or people.key(found),
            name=found.name,
            emails=found.emails,
            phones=found.phones,
            source=values.get("source_name", ""),
            entered_by=first.agent if first is not None else "",
            updated_at=mits.instant(found.updated_at, self._zone(home)) if found.updated_at else None,
            fields=held,
            others=people.others(found),
        )

    # -- writing ------------------------------------------------------------------------------------------------------

    def _create(self, card: CardPush, values: Values) -> Result:
        result, source = self._source_id(str(values.get("source_name", "")), card.property_ref)
        if not result.ok:
            return result
        first = self._card_event(card, str(values.get("comment", "")), source, first=True)
        first = replace(first, agent=str(values.get("agent_ref", "")))
        ids = (Identification("ThirdPartyID", card.our_key, self._organization),)
        result = self._post("post_lead", card.property_ref, ids, values, (first,))
        if result.card_id:
            email, phone = str(values.get("email", "")), str(values.get("phone", ""))
            self._meet(result.card_id, [email] if email else [], [phone] if phone else [])
        return self._already_there(card) if result.outcome is Outcome.DUPLICATE and not result.card_id else result

    def _card_event(self, card: CardPush, words: str, source: str, *, first: bool) -> Event:
        """The event that carries the key of a guest card."""
        return Event(
            kind="EmailFromILS" if first else "Other",
            at=local(datetime.now(UTC), card.time_zone),
            text=people.card_text(words, card.our_key),
            source=source,
            first_contact=first,
        )

    def _updated(self, card: CardPush, sent: Outgoing, known: RemoteCard, again: bool = True) -> Result:
        """As everywhere, but where no events are told a record that we wrote before is ours: our mark is never seen
        there, and would be added with every change."""
        with self._lock:
            mute = self._met.get(known.card_id, _Met()).mute
        mine = card.our_key if mute and card.last_pushed else known.our_key
        return super()._updated(card, sent, replace(known, our_key=mine), again)

    def _written(self, card: CardPush, known: RemoteCard, changes: Values, claim: str) -> Result:
        """As everywhere, but a mark is believed where no events are told, as it could not be seen there."""
        result = super()._written(card, known, changes, claim)
        if not claim or result.code != ABSENT:
            return result
        looked, found, home = self._prospect(self._at(card, known.card_id))
        if found is None or found.events:
            return result
        looked, fresh = self._card(found, home)
        if fresh is None:
            return replace(looked, outcome=Outcome.RETRY, verify_first=True, verified=False)
        believed = read(Result(outcome=Outcome.ACCEPTED, written=as_text(changes)), fresh)
        return believed if holds(fresh, changes) else result

    def _already_there(self, card: CardPush) -> Result:
        """Who made ResMan refuse a second prospect: ours after all, or somebody the caller must look at."""
        query = Query(email=card.email, phone=card.phone, property_ref=card.property_ref)
        looked, cards = self.find_prospect(query)
        if not looked.ok:
            return replace(looked, outcome=Outcome.RETRY, verify_first=True, verified=False)
        ours = next((one for one in cards if one.our_key == card.our_key), None)
        if ours is None:
            return people.EXISTS
        return Result(outcome=Outcome.DUPLICATE, card_id=ours.card_id, person_id=ours.person_id)

    def _change(self, card: CardPush, known: RemoteCard, changes: Values, claim: str) -> Result:
        """The person once more, with the names it has and what is new; a claim is an event that carries our key."""
        names: Values = {name: known.fields.get(name, "") for name in ("first_name", "last_name")}
        rooms: Values = {name: known.fields[name] for name in _ROOMS if name in known.fields and _ROOMS & set(changes)}
        home = known.property_ref or card.property_ref
        events: tuple[Event, ...] = ()
        if claim:
            result, source = self._event_source("", home)
            if not result.ok:
                return result
            events = (self._card_event(card, "", source, first=False),)
        ids = [Identification("PersonID", known.card_id)]
        ids += [Identification("ThirdPartyID", claim, self._organization)] if claim else []
        op = "post_event" if events else "post_lead"
        return self._post(op, home, ids, {**names, **rooms, **changes}, events)

    def _add_person(self, card: CardPush, known: RemoteCard, values: Values) -> Result:
        """The person once more, with one customer more, and an event that carries the key of theirs."""
        home = known.property_ref or card.property_ref
        result, source = self._event_source("", home)
        if not result.ok:
            return result
        names: Values = {name: known.fields.get(name, "") for name in ("first_name", "last_name")}
        now = local(datetime.now(UTC), card.time_zone)
        said = Event(kind="Other", at=now, text=people.mate_text(values, card.our_key), source=source)
        more = Companion(ids=(Identification("ThirdPartyID", card.our_key, self._organization),), values=values)
        ids = (Identification("PersonID", known.card_id),)
        result = self._post("post_event", home, ids, names, (said,), (more,))
        return replace(result, card_id=known.card_id, verified=False if result.ok else result.verified)

    def _post(
        self,
        op: str,
        home: str,
        ids: Sequence[Identification],
        values: Values,
        events: Sequence[Event],
        beside: Sequence[Companion] = (),
    ) -> Result:
        written = document(_DIALECT, ids, values, events, beside=beside)
        xml = etree.tostring(written, encoding="unicode")
        return self._ask(op, home, Xml=f'<?xml version="1.0" encoding="utf-8"?>{xml}')[0]

    # -- history ------------------------------------------------------------------------------------------------------

    def _entries(self, at: CardAt, what: str, key: str) -> tuple[Result, tuple[Entry, ...]]:
        result, found, _ = self._prospect(at)
        if found is None:
            return replace(result, outcome=Outcome.REJECT, code="no_such_person") if result.ok else result, ()
        wanted = [one for one in found.events if (one.kind == "Appointment") == (what == "task")]
        if not found.events:
            # The search tells no events, or there are none: what an earlier attempt left cannot be seen either way.
            return UNPROVEN, ()
        entries = tuple(
            Entry(
                entry_id=one.event_id or key,
                text=people.unmarked(one.text),
                says={"at": mits.stamp(one.at), "text": one.text},
            )
            for one in wanted
        )
        return result, entries

    def _event_source(self, name: str, home: str) -> tuple[Result, str]:
        """The id of an event's source, or of the account's fallback: every event wants one."""
        result, source = self._source_id(name or self._profile.fallback_source, home)
        if result.ok or name == self._profile.fallback_source or not name:
            return result, source
        return self._source_id(self._profile.fallback_source, home)

    def _write_event(self, at: CardAt, event: EventPush, source: str) -> Result:
        result, source_id = self._event_source(source, at.property_ref)
        if not result.ok:
            return result
        said = Event(
            kind=EVENTS.get(event.kind, "Other"),
            at=local(event.at, event.time_zone),
            text=marked(one_line(event.text), event.our_event_key, mits.TEXT_MAX),
            source=source_id,
            agent=event.agent_ref,
        )
        result = self._append(at, said)
        if "agent_ref" in result.field_errors and said.agent != self._profile.fallback_agent:
            again = self._append(at, replace(said, agent=self._profile.fallback_agent))
            return replace(again, fallbacks=("agent_ref",))
        return result

    def _append(self, at: CardAt, event: Event) -> Result:
        """Post one event more on the person as it is there now; a read-back is owed, as the event has no id yet."""
        result, found, home = self._prospect(at)
        if found is None:
            return result
        names: Values = {name: found.values.get(name, "") for name in ("first_name", "last_name")}
        result = self._post("post_event", home, (Identification("PersonID", at.card_id),), names, (event,))
        return replace(result, card_id=at.card_id, verified=False if result.ok else result.verified)

    def _write_task(self, at: CardAt, task: TaskPush, there: Entry | None) -> Result:
        result, source = self._event_source("", at.property_ref)
        if not result.ok:
            return result
        event = Event(
            kind="Appointment",
            at=local(task.due_at, task.time_zone),
            text=str(self._task_says(task)["text"]),
            source=source,
            agent=task.assignee_ref,
            event_id=there.entry_id if there is not None else "0",
        )
        result = self._append(at, event)
        if "agent_ref" in result.field_errors:
            return replace(result, field_errors={"assignee_ref": result.field_errors["agent_ref"]})
        return result

    # -- outcomes -----------------------------------------------------------------------------------------------------

    def pull_outcomes(self, since: datetime, cursor: str = "") -> tuple[Result, OutcomePage]:
        """Applicants and residents, one property per page; what changed before the last reading is left out."""
        homes = self._profile.properties
        span = Span.at(cursor, since, datetime.now(UTC), overlap=outcomes.OVERLAP)
        if span.place >= len(homes):
            return Result(outcome=Outcome.ACCEPTED, empty=True), OutcomePage(cursor=cursor)
        home = homes[span.place]
        result, answer = self._ask("get_residents", home)
        if not result.ok:
            return result, OutcomePage(cursor=cursor)
        listed = (answer.listed("get_residents") if answer is not None else None) or []
        told = [outcomes.of(one, self._zone(home), span.until) for one in listed]
        items = sorted((one for one in told if one is not None and one.at >= span.since), key=lambda one: one.at)
        following, more = span.following(len(homes), datetime.now(UTC))
        return result, OutcomePage(items=tuple(items), cursor=following, more=more)


DESTINATION = ResMan
