"""RealPage (OneSite behind the RPX gateway) as a destination. Nothing makes its writes repeatable and its search knows
only days, so guest cards are looked for among those of the last months, by the mark that each carries in its comment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from leadsvc.workers.destinations.base import (
    Around,
    CardAt,
    CardPush,
    ConfigKind,
    ConfigPage,
    EventPush,
    Outcome,
    OutcomeKind,
    OutcomePage,
    Profile,
    Query,
    RemoteCard,
    RemoteOutcome,
    Result,
    TaskPush,
)
from leadsvc.workers.destinations.careful import Careful, read
from leadsvc.workers.destinations.entries import Entry, marked
from leadsvc.workers.destinations.filling import Outgoing, Values
from leadsvc.workers.destinations.http import quiet
from leadsvc.workers.destinations.lists import NamedLists, source_id
from leadsvc.workers.destinations.local import moment_at, unmarked, written
from leadsvc.workers.destinations.presence import JOINED
from leadsvc.workers.destinations.tree import Node, every, said
from leadsvc.workers.destinations.vendors.realpage import wire
from leadsvc.workers.destinations.vendors.realpage.capabilities import CAPABILITIES as CAPABILITIES
from leadsvc.workers.destinations.vendors.realpage.ilm import IlmDoor
from leadsvc.workers.destinations.vendors.realpage.verdict import METHODS, READS, result_of
from leadsvc.workers.destinations.vendors.realpage.verdict import classify as classify

_LONG_AGO_DAYS = 731
_OVERLAP = timedelta(days=1)
_NAMES = {
    ConfigKind.AGENT: ("leasing_agents", "picklistitem", ("value",), ("text",)),
    ConfigKind.SOURCE: ("marketing_sources", "picklistitem", ("value",), ("text",)),
    ConfigKind.FLOOR_PLAN: ("floor_plans", "floorplanobject", ("floorplanid",), ("floorplanname", "floorplancode")),
    ConfigKind.UNIT: ("units", "unitobject", ("unitid",), ("unitnumber",)),
}
_JOINED = "RealPage joined the lead to a guest card of its own choice; see there whether it is the same person."


class RealPage(Careful):
    """One management company at the gateway; a property is a site there."""

    CAPABILITIES = CAPABILITIES

    def __init__(self, profile: Profile, around: Around = quiet) -> None:
        super().__init__(profile, around)
        self._lists = NamedLists()

    # -- one call -----------------------------------------------------------------------------------------------------

    def _option(self, name: str, otherwise: str) -> str:
        return self._profile.options.get(name) or otherwise

    def _ask(self, op: str, site: str, part: wire.Part) -> tuple[Result, Node | None]:
        """One call for a site, judged, and the result in its answer."""
        known, method, partner = self._profile.credentials, METHODS[op], self._option("partner", "LEADSVC")
        missing = [name for name in ("pmcid", "licensekey") if not known.get(name)]
        if missing:
            words = f"The account lacks {' and '.join(missing)}; set them under credentials, or choose door: ilm."
            return Result(outcome=Outcome.AUTH, code="no_credentials", message=words), None
        auth = {"pmcid": known.get("pmcid", ""), "siteid": site}
        if known.get("username"):
            auth |= {"username": known["username"], "password": known.get("password", "")}
        auth |= {"licensekey": known.get("licensekey", ""), "system": "OneSite"}
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{wire.SPACE}IRPXService/{method}"'}
        path = f"rpxgateway/partner/{partner}/{partner}.svc"
        answer = self._door.call(op, "POST", path, headers=headers, content=wire.envelope(method, auth, part))
        result = classify(op, answer.status, answer.headers, answer.body, answer.context(read=op in READS))
        return self._said(result, answer), result_of(op, answer.body) if result.ok else None

    def check(self) -> Result:
        return self._ask("marketing_sources", next(iter(self._profile.properties), ""), {})[0]

    # -- configuration ------------------------------------------------------------------------------------------------

    def pull_config(self, kind: ConfigKind, cursor: str = "") -> tuple[Result, ConfigPage]:
        """A page for each site; the cursor is the place of the next one."""
        sites = self._profile.properties
        if kind is ConfigKind.PROPERTY:
            result, node = self._ask("sites", next(iter(sites), ""), {})
            return result, ConfigPage(items=wire.items(node, "picklistitem", ("value",), ("text",), ""))
        place = int(cursor or 0)
        if place >= len(sites):
            return Result(outcome=Outcome.ACCEPTED, empty=True), ConfigPage()
        op, item, ids, names = _NAMES[kind]
        result, node = self._ask(op, sites[place], {})
        more = str(place + 1) if result.ok and place + 1 < len(sites) else ""
        return result, ConfigPage(items=wire.items(node, item, ids, names, sites[place]), next_cursor=more)

    def _named(self, op: str, site: str) -> tuple[Result, Mapping[str, str]]:
        """A site's list of an operation, names by id."""

        def fetch() -> tuple[Result, Mapping[str, str]]:
            result, node = self._ask(op, site, {})
            return result, {said(each, "value"): said(each, "text") for each in every(node, "picklistitem")}

        return self._lists.get(op, site, fetch)

    # -- guest cards --------------------------------------------------------------------------------------------------

    def _cards(self, property_ref: str, days: int) -> tuple[Result, list[RemoteCard]]:
        """The guest cards of a site, or of all of the account, that were made within ``days``."""
        result, found = Result(outcome=Outcome.ACCEPTED), []
        for site in (property_ref,) if property_ref else self._profile.properties:
            result, cards = self._cards_of(site, days)
            if not result.ok:
                return result, []
            found += cards
        return result, found

    def _cards_of(self, site: str, days: int) -> tuple[Result, list[RemoteCard]]:
        now = datetime.now(UTC)
        window = wire.day_window(now - timedelta(days=days), now + timedelta(days=1))
        result, node = self._ask("prospect_search", site, {"prospectsearchcriterion": {"createdate": window}})
        if not result.ok:
            return result, []
        named, sources = self._named("marketing_sources", site)
        cards = [wire.remote_card(each, site, sources) for each in every(node, "guestcard")]
        return replace(result, card_id="") if named.ok else named, cards

    def _look_back(self) -> int:
        return int(self._option("look_back_days", "91"))

    def find_prospect(self, query: Query) -> tuple[Result, tuple[RemoteCard, ...]]:
        """All that matches in one search: our key alone, else the id, else whoever has the address or the number."""
        result, cards = self._cards(query.property_ref, self._look_back())
        if not result.ok:
            return result, ()
        if query.our_key:
            ours = tuple(card for card in cards if card.our_key == query.our_key)
            if ours:
                return replace(result, empty=False), ours
        if query.remote_id:
            result, card = self.get_card(CardAt(card_id=query.remote_id, property_ref=query.property_ref))
            if card is not None or not result.ok:
                return result, (card,) if card else ()
        found = tuple(card for card in cards if _has(card, "email", query.email) or _has(card, "phone", query.phone))
        return replace(result, empty=not found), found[::-1]

    def _search(self, by: str, value: str, property_ref: str) -> tuple[Result, tuple[RemoteCard, ...]]:
        return self.find_prospect(Query(**{by: value}, property_ref=property_ref))

    def get_card(self, at: CardAt) -> tuple[Result, RemoteCard | None]:
        """Among the cards of the last months, else of the last two years; the gateway cannot be asked for one."""
        result = Result(outcome=Outcome.ACCEPTED)
        for days in (self._look_back(), _LONG_AGO_DAYS):
            result, cards = self._cards(at.property_ref, days)
            card = next((each for each in cards if each.card_id == at.card_id), None)
            if card is not None:
                return read(replace(result, empty=False), card), card
            if not result.ok:
                return result, None
        return replace(result, empty=True), None

    def _made(self, card: CardPush, sent: Outgoing) -> Result:
        result = super()._made(card, sent)
        if result.code != JOINED:
            return result
        # Their rule chose the card. Ours it is only if nobody else's key is on it.
        looked, there = self.get_card(self._at(card, result.card_id))
        if not looked.ok or there is None:
            return replace(looked, outcome=Outcome.RETRY, verify_first=True) if looked.ok else looked
        if there.our_key not in ("", card.our_key):
            return read(replace(result, outcome=Outcome.DUPLICATE, message=_JOINED, verified=True), there)
        return self._updated(card, sent, there)

    def _seen(self, card: CardPush, result: Result, values: Values) -> Result:
        return result if result.code == JOINED else super()._seen(card, result, values)

    def _create(self, card: CardPush, values: Values) -> Result:
        result, source = self._source_of(card.property_ref, values)
        if not result.ok:
            return result
        now = written(datetime.now(UTC), card.time_zone)
        part = {
            **self._place(card),
            "createdate": now,
            "datecontact": now,
            "primaryleadsource": source,
            "contacttype": "Internet",
            "prospectcomment": marked(str(values.get("comment", "")), card.our_key, wire.COMMENT_MAX),
            "skipduplicatecheck": self._option("skip_duplicate_check", "false"),
            "daysbackduplicatecheck": self._option("duplicate_days", "91"),
            **wire.guest_card(values),
        }
        return self._ask("insert_prospect", card.property_ref, {"guestcard": wire.in_order(part)})[0]

    def _place(self, card: CardPush) -> dict[str, object]:
        return {"pmcid": self._profile.credentials.get("pmcid", ""), "siteid": card.property_ref}

    def _source_of(self, site: str, values: Values) -> tuple[Result, str]:
        if "source_name" not in values:
            return Result(outcome=Outcome.ACCEPTED), ""
        result, offered = self._named("marketing_sources", site)
        return (
            source_id(str(values["source_name"]), offered) if result.ok else (replace(result, verify_first=False), "")
        )

    def _change(self, card: CardPush, known: RemoteCard, changes: Values, claim: str) -> Result:
        result, source = self._source_of(card.property_ref, changes)
        if not result.ok:
            return result
        # A person is written whole: what is left out of one might be taken for cleared.
        whole: Values = {name: known.fields.get(name, "") for name in ("first_name", "last_name", "email", "phone")}
        part: dict[str, object] = {
            **self._place(card),
            "guestcardid": known.card_id,
            "primaryleadsource": source,
            **wire.guest_card({**whole, **changes}),
        }
        if claim or "comment" in changes:
            words = str(changes.get("comment", known.fields.get("comment", "")))
            part["prospectcomment"] = marked(words, claim or known.our_key, wire.COMMENT_MAX)
        person = part["prospects"]
        if known.person_id and isinstance(person, dict):
            part["prospects"] = {"Prospect": {"customerid": known.person_id, **person["Prospect"]}}
        return self._ask("update_prospect", card.property_ref, {"guestcard": wire.in_order(part)})[0]

    def _add_person(self, card: CardPush, known: RemoteCard, values: Values) -> Result:
        """One more customer, who has no place for a key of ours."""
        part: dict[str, object] = {
            **self._place(card),
            "guestcardid": known.card_id,
            "prospects": {"Prospect": wire.person(values, wire.OTHER)},
        }
        result = self._ask("add_customer", card.property_ref, {"guestcard": wire.in_order(part)})[0]
        return replace(result, verified=False) if result.ok else result

    # -- history and follow-up ----------------------------------------------------------------------------------------

    def _notes(self, site: str, start: datetime) -> tuple[Result, list[wire.Note]]:
        window = wire.day_window(start, datetime.now(UTC) + timedelta(days=1))
        result, node = self._ask("guest_card_notes", site, window)
        return result, list(wire.notes(node)) if node is not None else []

    def _entries(self, at: CardAt, what: str, key: str) -> tuple[Result, tuple[Entry, ...]]:
        result, notes = self._notes(at.property_ref, datetime.now(UTC) - timedelta(days=self._look_back()))
        wanted = [each for each in notes if each.card_id == at.card_id and each.is_task == (what == "task")]
        return result, tuple(_entry(each) for each in wanted)

    def _write_event(self, at: CardAt, event: EventPush, source: str) -> Result:
        result, offered = self._named("activity_types", at.property_ref)
        if not result.ok:
            return replace(result, verify_first=False)
        kind = wire.activity_type(event.kind, {name: key for key, name in offered.items()})
        text = f"{event.text}\nSource: {source}" if source else event.text
        part: dict[str, object] = {
            "guestcardid": at.card_id,
            "actiondate": written(event.at, event.time_zone),
            "typeid": kind,
            "creatorid": event.agent_ref,
            "comments": marked(text, event.our_event_key, wire.COMMENT_MAX),
        }
        result = self._ask("insert_activity", at.property_ref, {"activity": part})[0]
        if "agent_ref" in result.field_errors and event.agent_ref:
            again = self._write_event(at, replace(event, agent_ref=""), source)
            return replace(again, fallbacks=("agent_ref",))
        return self._owing(replace(result, card_id=at.card_id))

    def _write_task(self, at: CardAt, task: TaskPush, there: Entry | None) -> Result:
        says = self._task_says(task)
        due = written(task.due_at, task.time_zone)
        if there is not None:
            part = {
                "guestcardid": at.card_id,
                "datefollowup": due,
                "optionaltasknotes": marked(str(says["text"]), task.our_task_key, wire.COMMENT_MAX),
                "leasingagentid": task.assignee_ref,
            }
            result = self._ask("update_prospect", at.property_ref, {"guestcard": wire.in_order(part)})[0]
            # The answer is about the card; whether its follow-up moved is only seen there.
            return _of_task(replace(result, task_id=there.entry_id, verified=False) if result.ok else result)
        part = {
            "guestcardid": at.card_id,
            "datefollowup": due,
            "leasingagentid": task.assignee_ref,
            "tasknotes": marked(str(says["text"]), task.our_task_key, wire.COMMENT_MAX),
        }
        return self._owing(_of_task(self._ask("insert_followup", at.property_ref, {"followup": part})[0]))

    def _task_says(self, task: TaskPush) -> Mapping[str, object]:
        text = "\n".join(filter(None, (task.title, task.text)))
        return {
            "text": unmarked(marked(text, task.our_task_key, wire.COMMENT_MAX))[0],
            "due": wire.minute(written(task.due_at, task.time_zone)),
        }

    # -- what became of cards -----------------------------------------------------------------------------------------

    def pull_outcomes(self, since: datetime, cursor: str = "") -> tuple[Result, OutcomePage]:
        """A page for each site. The cursor is the site's place, since when is read, and when the round began: the
        gateway searches by days, so each round reads the last day again."""
        place, start, began = _cursor(cursor, since)
        sites = self._profile.properties
        if place >= len(sites):
            return Result(outcome=Outcome.ACCEPTED, empty=True), OutcomePage(cursor=cursor)
        window = {"modifieddate": wire.day_window(start, datetime.now(UTC) + timedelta(days=1))}
        result, node = self._ask("prospect_search", sites[place], {"prospectsearchcriterion": window})
        looked, notes = self._notes(sites[place], start) if result.ok else (result, [])
        if not looked.ok:
            return looked, OutcomePage(cursor=cursor)
        found = [*self._of_status(node), *self._of_notes(notes)]
        more = place + 1 < len(sites)
        after = (
            f"{place + 1}|{start.isoformat()}|{began.isoformat()}" if more else f"0|{(began - _OVERLAP).isoformat()}|"
        )
        page = OutcomePage(items=tuple(sorted(found, key=lambda one: one.at)), cursor=after, more=more)
        return replace(result, empty=not found, card_id=""), page

    def _of_status(self, node: Node | None) -> list[RemoteOutcome]:
        found = []
        for each in every(node, "guestcard"):
            told, card_id = wire.status_outcome(each), said(each, "guestcardid")
            at = moment_at(said(each, "modifieddate", "createdate"), self._option("time_zone", "UTC"))
            if told is None or at is None or not card_id:
                continue
            kind, word, reason = told
            key = unmarked(said(each, "prospectcomment"))[1]
            ref = f"{card_id}:{word}"
            found.append(
                RemoteOutcome(
                    card_id=card_id, kind=kind, at=at, raw_status=word, our_key=key, reason=reason, remote_ref=ref
                )
            )
        return found

    def _of_notes(self, notes: list[wire.Note]) -> list[RemoteOutcome]:
        """What agents noted; our own entries say nothing new."""
        found = []
        for note in notes:
            kind: OutcomeKind | None = wire.activity_outcome(note.name)
            at = moment_at(note.at, self._option("time_zone", "UTC"))
            if kind is None or at is None or note.is_task or not note.card_id or unmarked(note.text)[1]:
                continue
            found.append(
                RemoteOutcome(
                    card_id=note.card_id, kind=kind, at=at, raw_status=note.name, remote_ref=f"note:{note.note_id}"
                )
            )
        return found


def _cursor(cursor: str, since: datetime) -> tuple[int, datetime, datetime]:
    place, _, times = cursor.partition("|")
    start, _, began = times.partition("|")
    now = datetime.now(UTC)
    return int(place or 0), moment_at(start, "UTC") or since, moment_at(began, "UTC") or now


def _has(card: RemoteCard, by: str, value: str) -> bool:
    if not value:
        return False
    if by == "email":
        return value.casefold() in (each.casefold() for each in card.emails)
    return value in card.phones


def _entry(note: wire.Note) -> Entry:
    text, _ = unmarked(note.text)
    return Entry(
        entry_id=note.note_id,
        text=note.text,
        open=not note.done,
        says={"text": text, "due": wire.minute(note.at)},
    )


def _of_task(result: Result) -> Result:
    """The verdict on a follow-up: the agent that it speaks of is who shall do it."""
    if "agent_ref" not in result.field_errors:
        return result
    errors = {"assignee_ref" if name == "agent_ref" else name: said for name, said in result.field_errors.items()}
    return replace(result, field_errors=errors)


def connected(profile: Profile, around: Around = quiet) -> RealPage | IlmDoor:
    """The account behind the door that its options name."""
    return IlmDoor(profile, around) if profile.options.get("door") == "ilm" else RealPage(profile, around)


DESTINATION = connected
