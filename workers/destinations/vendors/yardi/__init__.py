"""Yardi Voyager by its ILS guest card interface: one import operation for everything that is written, and searches.

A guest is ours by (property, organisation, ThirdPartyID): importing it again changes the same guest. Events get their
ids there and are told by our mark in their comments; source and agent belong to events, so those of a guest are the
first event's and stay. A follow-up is an ``Appointment``.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from leadsvc.workers.destinations import mits
from leadsvc.workers.destinations.base import (
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
    RemotePerson,
    Result,
    TaskPush,
)
from leadsvc.workers.destinations.entries import Entry, marked
from leadsvc.workers.destinations.filling import Values
from leadsvc.workers.destinations.http import quiet
from leadsvc.workers.destinations.leadmanagement import LeadManagement
from leadsvc.workers.destinations.mits import Companion, Event, Identification, Prospect, local, one_line
from leadsvc.workers.destinations.mitsdocument import Dialect, document
from leadsvc.workers.destinations.spans import Span
from leadsvc.workers.destinations.tree import Node
from leadsvc.workers.destinations.vendors.yardi import config, outcomes, soap
from leadsvc.workers.destinations.vendors.yardi.capabilities import CAPABILITIES as CAPABILITIES
from leadsvc.workers.destinations.vendors.yardi.capabilities import EVENTS, LOOK_BACK_DAYS
from leadsvc.workers.destinations.vendors.yardi.verdict import classify as classify
from leadsvc.workers.destinations.vendors.yardi.verdict import payload

_NAMES_KEPT = 512
_STEPS_DAYS = (7, 30)

_FIRST = {"4.0": "Webservice", "2.0": "Other"}
_ENDPOINTS = {
    "4.0": ("itfilsguestcard.asmx", "ItfILSGuestCard", "XmlDoc", ""),
    "2.0": ("itfilsguestcard20.asmx", "ItfILSGuestCard20", "XmlDocument", "http://yardi.com/LeadManagement2.0"),
}
_SEARCHED = ("FirstName", "LastName", "EmailAddress", "PhoneNumber", "ThirdPartyId", "DateOfBirth", "FederalId")
_BY = {"our_key": "ThirdPartyId", "email": "EmailAddress", "phone": "PhoneNumber"}
_MARK = re.compile(r"\[ref [^\]]+\]")
_TOURED = ("Show", "SelfGuidedTour")
_ROOMS = frozenset({"bedrooms_min", "bedrooms_max"})


class Yardi(LeadManagement):
    """One account at one Voyager database. ``base_url`` ends in ``/COMPANY/webservices``; ``agent_ref`` is an agent's
    name, as the interface knows no other id of theirs."""

    CAPABILITIES = CAPABILITIES

    def __init__(self, profile: Profile, around: Around = quiet) -> None:
        super().__init__(profile, around)
        version = profile.options.get("version", "4.0")
        self._version = version if version in _ENDPOINTS else "4.0"
        self._path, service, self._document, namespace = _ENDPOINTS[self._version]
        self._namespace = soap.SERVICES + service
        self._dialect = Dialect(namespace=namespace)
        self._organization = profile.options.get("organization") or profile.credentials.get("interface_entity", "")
        self._names: OrderedDict[str, Values] = OrderedDict()
        self._lock = threading.Lock()

    # -- the wire -----------------------------------------------------------------------------------------------------

    def _ask(
        self, op: str, extra: Sequence[tuple[str, str | Node]] = (), property_ref: str = ""
    ) -> tuple[Result, Node | None]:
        method = soap.METHODS[op]
        answer = self._door.call(
            op,
            "POST",
            self._path,
            headers={"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{self._namespace}/{method}"'},
            content=soap.envelope(self._namespace, method, self._profile.credentials, property_ref, extra),
        )
        context = answer.context(read=op not in ("import_guest", "import_guest_v20", "add_event"))
        result = classify(op, answer.status, answer.headers, answer.body, context)
        return self._said(result, answer), payload(answer.body) if result.ok and not result.empty else None

    # -- reading ------------------------------------------------------------------------------------------------------

    def check(self) -> Result:
        result, _ = self._ask("ping")
        return self._ask("property_configurations")[0] if result.ok else result

    def pull_config(self, kind: ConfigKind, cursor: str = "") -> tuple[Result, ConfigPage]:
        """One page per property, for all that belongs to one; the cursor names the property."""
        if kind is ConfigKind.PROPERTY:
            result, node = self._ask("property_configurations")
            return result, ConfigPage(items=config.properties(node))
        homes = self._profile.properties
        if not homes:
            result, node = self._ask("property_configurations")
            if not result.ok:
                return result, ConfigPage()
            homes = tuple(item.remote_id for item in config.properties(node))
        home = cursor or next(iter(homes), "")
        following = homes[homes.index(home) + 1 :] if home in homes else ()
        if not home:
            return Result(outcome=Outcome.ACCEPTED, empty=True), ConfigPage()
        result, items = self._of_property(kind, home)
        return result, ConfigPage(items=items, next_cursor=next(iter(following), ""))

    def _of_property(self, kind: ConfigKind, home: str) -> tuple[Result, tuple[ConfigItem, ...]]:
        if kind in (ConfigKind.FLOOR_PLAN, ConfigKind.UNIT):
            result, node = self._ask("unit_availability", property_ref=home)
            return result, config.homes(node, kind, home)
        result, node = self._ask("agents_sources", property_ref=home)
        return result, config.names(node, kind, home)

    def get_card(self, at: CardAt) -> tuple[Result, RemoteCard | None]:
        result, found, home = self._prospect(at)
        return result, self._card(found, home) if found is not None else None

    def _prospect(self, at: CardAt) -> tuple[Result, Prospect | None, str]:
        """The guest with this ProspectID, and its property: by our key, else among what moved in the last weeks, as
        the interface cannot be asked for an id."""
        result = Result(outcome=Outcome.ACCEPTED, empty=True)
        for home in self._homes(at.property_ref):
            for ask in (self._by_key, self._by_activity):
                result, found = ask(at, home)
                there = [one for one in found if one.id("ProspectID") == at.card_id]
                if there or not result.ok:
                    return replace(result, empty=not there), there[0] if there else None, home
        return replace(result, empty=True, card_id=""), None, at.property_ref

    def _by_key(self, at: CardAt, home: str) -> tuple[Result, tuple[Prospect, ...]]:
        if not at.our_key:
            return Result(outcome=Outcome.ACCEPTED, empty=True), ()
        return self._search_guest("our_key", at.our_key, home)

    def _by_activity(self, at: CardAt, home: str) -> tuple[Result, tuple[Prospect, ...]]:
        """Younger days first, and no more of them than needed: answers are not paged and may be large."""
        days = self._profile.options.get("look_back_days", "")
        longest = int(days) if days.isascii() and days.isdigit() else LOOK_BACK_DAYS
        until = datetime.now(UTC) + timedelta(days=1)
        result = Result(outcome=Outcome.ACCEPTED, empty=True)
        found: tuple[Prospect, ...] = ()
        for back in sorted({min(each, longest) for each in (*_STEPS_DAYS, longest)}):
            since = datetime.now(UTC) - timedelta(days=back)
            result, found = self._activity(home, since, until)
            if not result.ok or any(one.id("ProspectID") == at.card_id for one in found):
                break
            until = since
        return result, found

    def _activity(self, home: str, since: datetime, until: datetime) -> tuple[Result, tuple[Prospect, ...]]:
        zone = self._zone(home)
        window = (("FromDate", mits.stamp(local(since, zone))), ("ToDate", mits.stamp(local(until, zone))))
        result, node = self._ask("guest_activity_range", window, home)
        return result, mits.prospects(node)

    def _search_guest(self, by: str, value: str, home: str) -> tuple[Result, tuple[Prospect, ...]]:
        wanted = mits.national(value) if by == "phone" else value
        # All of them, empty where unused: the server refuses a search that lacks one.
        fields = [(tag, wanted if tag == _BY[by] else "") for tag in _SEARCHED]
        result, node = self._ask("search_guest", fields, home)
        return result, mits.prospects(node)

    def _search(self, by: str, value: str, property_ref: str) -> tuple[Result, tuple[RemoteCard, ...]]:
        result, cards = Result(outcome=Outcome.ACCEPTED, empty=True), list[RemoteCard]()
        for home in self._homes(property_ref):
            result, found = self._search_guest(by, value, home)
            if not result.ok:
                return result, ()
            cards += [self._card(one, home) for one in found if one.id("ProspectID")]
        return replace(result, empty=not cards), tuple(cards)

    def _card(self, found: Prospect, home: str) -> RemoteCard:
        values = dict(found.values)
        first = found.first_event
        return RemoteCard(
            card_id=found.id("ProspectID"),
            person_id=found.id("TenantID"),
            status=found.status,
            raw_status=found.kind,
            property_ref=found.id("PropertyID") or home,
            our_key=found.id("ThirdPartyID", self._organization),
            name=found.name,
            emails=found.emails,
            phones=found.phones,
            source=first.source if first is not None else "",
            entered_by=first.agent if first is not None else "",
            updated_at=mits.instant(found.updated_at, self._zone(home)) if found.updated_at else None,
            fields=values,
            others=tuple(map(self._person, found.others)),
        )

    def _person(self, one: Companion) -> RemotePerson:
        fields = {name: str(value) for name, value in one.values.items()}
        return RemotePerson(
            person_id=one.id("TenantID") or one.id("ProspectID"),
            our_key=one.id("ThirdPartyID", self._organization),
            fields=fields,
        )

    # -- writing ------------------------------------------------------------------------------------------------------

    def _ids(self, *, card_id: str, our_key: str, property_ref: str) -> list[Identification]:
        ids = [Identification("ProspectID", card_id)] if card_id else []
        ids += [Identification("ThirdPartyID", our_key, self._organization)] if our_key else []
        return [*ids, Identification("PropertyID", property_ref, "Yardi")]

    def _create(self, card: CardPush, values: Values) -> Result:
        now = local(datetime.now(UTC), card.time_zone)
        first = Event(
            kind=_FIRST[self._version],
            at=now,
            text=str(values.get("comment", "")),
            source=str(values.get("source_name", "")),
            agent=str(values.get("agent_ref", "")),
            first_contact=True,
        )
        ids = self._ids(card_id="", our_key=card.our_key, property_ref=card.property_ref)
        return self._import(self._import_op, document(self._dialect, ids, values, (first,), now))

    @property
    def _import_op(self) -> str:
        return "import_guest" if self._version == "4.0" else "import_guest_v20"

    def _import(self, op: str, document: Node) -> Result:
        return self._ask(op, ((self._document, document),))[0]

    def _change(self, card: CardPush, known: RemoteCard, changes: Values, claim: str) -> Result:
        """The guest once more, with what it has and what is new: an import wants the names at least."""
        names: Values = {name: known.fields.get(name, "") for name in ("first_name", "last_name")}
        # The two ends of a range are one element there.
        rooms: Values = {name: known.fields[name] for name in _ROOMS if name in known.fields and _ROOMS & set(changes)}
        ours = claim or (known.our_key if known.our_key == card.our_key else "")
        ids = self._ids(card_id=known.card_id, our_key=ours, property_ref=known.property_ref or card.property_ref)
        now = local(datetime.now(UTC), card.time_zone)
        values: Values = {**names, **rooms, **changes}
        result = self._import(self._import_op, document(self._dialect, ids, values, (), now))
        return replace(result, card_id=result.card_id or known.card_id)

    def _add_person(self, card: CardPush, known: RemoteCard, values: Values) -> Result:
        """The guest once more, with one customer more. The answer names the guest alone, so a look is always owed."""
        names: Values = {name: known.fields.get(name, "") for name in ("first_name", "last_name")}
        ids = self._ids(card_id=known.card_id, our_key="", property_ref=known.property_ref or card.property_ref)
        more = Companion(ids=(Identification("ThirdPartyID", card.our_key, self._organization),), values=values)
        now = local(datetime.now(UTC), card.time_zone)
        result = self._import(self._import_op, document(self._dialect, ids, names, (), now, (more,)))
        return replace(result, card_id=known.card_id, verified=False if result.ok else result.verified)

    # -- history ------------------------------------------------------------------------------------------------------

    def _entries(self, at: CardAt, what: str, key: str) -> tuple[Result, tuple[Entry, ...]]:
        result, found, _ = self._prospect(at)
        if found is None:
            return replace(result, outcome=Outcome.REJECT, code="no_such_guest") if result.ok else result, ()
        self._remember(at.card_id, found)
        wanted = [one for one in found.events if (one.kind == "Appointment") == (what == "task")]
        return result, tuple(self._entry(one, found) for one in wanted)

    def _entry(self, event: Event, found: Prospect) -> Entry:
        says = {"at": mits.stamp(event.at), "text": event.text}
        return Entry(entry_id=event.event_id, text=event.text, open=not _ended(event, found), says=says)

    def _remember(self, card_id: str, found: Prospect) -> None:
        """The names of a guest just read: an import must repeat them, and has to repeat what is there now."""
        with self._lock:
            self._names[card_id] = {name: found.values.get(name, "") for name in ("first_name", "last_name")}
            while len(self._names) > _NAMES_KEPT:
                self._names.popitem(last=False)

    def _write_event(self, at: CardAt, event: EventPush, source: str) -> Result:
        kind = EVENTS[self._version].get(event.kind, "Other")
        said = Event(
            kind=kind,
            at=local(event.at, event.time_zone),
            text=marked(one_line(event.text), event.our_event_key, mits.TEXT_MAX),
            source=source or self._profile.fallback_source,
            agent=event.agent_ref,
        )
        result = self._append(at, said)
        refused = {name for name in result.field_errors if name in ("source_name", "agent_ref")}
        if result.outcome is Outcome.REJECT and refused:
            spare = replace(
                said,
                source=self._profile.fallback_source if "source_name" in refused else said.source,
                agent=self._profile.fallback_agent if "agent_ref" in refused else said.agent,
            )
            if spare != said:
                return replace(self._append(at, spare), fallbacks=tuple(sorted(refused)))
        return result

    def _append(self, at: CardAt, event: Event) -> Result:
        """Import the guest with one event more. The answer never has its id, so a read-back is always owed."""
        with self._lock:
            names = self._names.pop(at.card_id, None)
        if names is None:
            result, found, _ = self._prospect(at)
            if found is None:
                return result
            names = {name: found.values.get(name, "") for name in ("first_name", "last_name")}
        ids = self._ids(card_id=at.card_id, our_key="", property_ref=at.property_ref)
        result = self._import("add_event", document(self._dialect, ids, names, (event,)))
        return replace(result, card_id=at.card_id, verified=False if result.ok else result.verified)

    def _write_task(self, at: CardAt, task: TaskPush, there: Entry | None) -> Result:
        says = self._task_says(task)
        event = Event(
            kind="Appointment",
            at=local(task.due_at, task.time_zone),
            text=str(says["text"]),
            source=self._profile.fallback_source,
            agent=task.assignee_ref,
            event_id=there.entry_id if there is not None else "0",
        )
        result = self._append(at, event)
        if "agent_ref" in result.field_errors:
            errors = {"assignee_ref": result.field_errors["agent_ref"]}
            return replace(result, field_errors=errors)
        return result

    # -- outcomes -----------------------------------------------------------------------------------------------------

    def pull_outcomes(self, since: datetime, cursor: str = "") -> tuple[Result, OutcomePage]:
        """One property and one short span of days per page, as answers are not paged."""
        homes = self._profile.properties
        span = Span.at(cursor, since, datetime.now(UTC), overlap=outcomes.OVERLAP, longest=outcomes.LONGEST)
        if span.place >= len(homes):
            return Result(outcome=Outcome.ACCEPTED, empty=True), OutcomePage(cursor=cursor)
        home = homes[span.place]
        result, found = self._activity(home, span.since, span.until + timedelta(minutes=1))
        if not result.ok:
            return result, OutcomePage(cursor=cursor)
        items = [one for each in found for one in outcomes.of(each, self._zone(home), self._organization)]
        page_cursor, more = span.following(len(homes), datetime.now(UTC))
        ordered = tuple(sorted(items, key=lambda one: one.at))
        return result, OutcomePage(items=ordered, cursor=page_cursor, more=more)


def _ended(event: Event, found: Prospect) -> bool:
    """Whether an appointment took place or was called off. A cancellation names none: it counts for the one that
    carries the same mark, and for the only one there is."""
    others = [one for one in found.events if one.kind == "Appointment" and one.event_id != event.event_id]
    marks = set(_MARK.findall(event.text))
    for one in found.events:
        if one.kind in _TOURED and one.at >= event.at:
            return True
        if one.kind == "CancelAppointment" and (not others or marks & set(_MARK.findall(one.text))):
            return True
    return False


DESTINATION = Yardi
