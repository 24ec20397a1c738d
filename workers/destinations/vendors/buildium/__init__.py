"""Buildium as a destination. A renter becomes an applicant; Buildium neither notices duplicates nor has a place for our
key, so each write looks first, and a note carries the key, the source and what an applicant has no field for."""

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
    RemoteOutcome,
    Result,
    TaskPush,
    UpdateMode,
)
from leadsvc.workers.destinations.careful import TASK_IS_OURS, read
from leadsvc.workers.destinations.entries import Entry, marked
from leadsvc.workers.destinations.filling import Outgoing, Values, as_text, outgoing, with_fallbacks
from leadsvc.workers.destinations.jsonapi import JsonApi
from leadsvc.workers.destinations.local import written
from leadsvc.workers.destinations.presence import confirmed, doubtful
from leadsvc.workers.destinations.vendors.buildium import wire
from leadsvc.workers.destinations.vendors.buildium.wire import classify as classify
from leadsvc.workers.destinations.verdicts import sound

_PAGE = 500
_OVERLAP = timedelta(minutes=10)
_LOOKED_AT = 20
_TITLE_MAX = 127
_LISTS = {
    ConfigKind.PROPERTY: ("list_rentals", "rentals", {}),
    ConfigKind.UNIT: ("list_units", "rentals/units", {}),
    ConfigKind.AGENT: ("list_users", "users", {"usertypes": "Staff"}),
}
_PRIORITY = {"low": "Low", "normal": "Normal", "high": "High"}
_DONE = ("completed", "closed")
_KEPT_OF_TASK = ("CategoryId", "SubCategoryId", "PropertyId", "UnitId", "AssignedToUserId", "TaskStatus", "Priority")

CAPABILITIES = Capabilities(
    label="Buildium",
    native_key=NativeKey.NONE,
    returns_card_id="always",
    update_mode=UpdateMode.REPLACE,
    verify="get",
    needs_agent=True,
    has_task=True,
    has_event=True,
    fields=(*wire.NATIVE, *wire.NOTED),
    fixed=("comment",),
    find_by=("remote_id", "email"),
    required=("last_name", "first_name"),
    max_len={
        "first_name": 127,
        "last_name": 127,
        "email": 255,
        "phone": 20,
        "comment": 50_000,
        "event_text": wire.NOTE_MAX,
    },
    limits={"1s": 8},
    time_zone_rule="property",
    credentials={
        "client_id": "the API key's id, sent as x-buildium-client-id",
        "client_secret": "the API key's secret, sent as x-buildium-client-secret; it needs the right to write",
    },
    options={
        "task_assignee": "the user that follow-ups are given to when the agent is unknown: Buildium wants one",
        "task_category": "the id of the task category of follow-ups; none unless said",
    },
    on_duplicate="Makes a second applicant when asked twice; each write looks first by e-mail, else by name.",
    ids=(
        "Every answer carries the applicant's id. Our key, the source and the wishes of the renter stand in a note, "
        "as an applicant has no field for them; the renter is never mailed an application form."
    ),
    corrections={
        "merge": "Cancel one of the two applicants in Buildium.",
        "unmerge": "Re-open the cancelled applicant in Buildium.",
        "contact": "",
        "source": "",
        "event": "",
    },
)


class Buildium(JsonApi):
    """One Buildium account."""

    CAPABILITIES = CAPABILITIES
    READS = frozenset(wire.READS)
    _judge = staticmethod(classify)

    # -- one call -----------------------------------------------------------------------------------------------------

    def _given_token(self) -> str:
        return self._profile.credentials.get("client_secret", "")

    def _headers(self, token: str) -> Mapping[str, str]:
        client = self._profile.credentials.get("client_id", "")
        return {"x-buildium-client-id": client, "x-buildium-client-secret": token}

    def _list(self, op: str, path: str, **params: str) -> tuple[Result, list[rest.Json]]:
        result, answer = self._ask(op, "GET", f"v1/{path}", params={"limit": str(_PAGE), **params})
        return result, rest.objects(answer) if result.ok and not result.empty else []

    def check(self) -> Result:
        return self._list("list_rentals", "rentals", limit="1")[0]

    def pull_config(self, kind: ConfigKind, cursor: str = "") -> tuple[Result, ConfigPage]:
        if kind not in _LISTS:
            return Result(outcome=Outcome.ACCEPTED, empty=True), ConfigPage()
        op, path, params = _LISTS[kind]
        start = rest.whole(cursor) or 0
        result, items = self._list(op, path, offset=str(start), **params)
        following = str(start + _PAGE) if len(items) == _PAGE else ""
        return result, ConfigPage(items=tuple(wire.config_item(kind, one) for one in items), next_cursor=following)

    # -- applicants ---------------------------------------------------------------------------------------------------

    def _applicant(self, card_id: str) -> tuple[Result, rest.Json]:
        result, answer = self._ask("get_applicant", "GET", f"v1/applicants/{rest.segment(card_id)}")
        found = rest.objects(answer) if result.ok and not result.empty else []
        return result, found[0] if found else {}

    def _notes(self, card_id: str) -> tuple[Result, list[rest.Json]]:
        found: list[rest.Json] = []
        while True:
            path = f"applicants/{rest.segment(card_id)}/notes"
            result, page = self._list("list_notes", path, offset=str(len(found)))
            found += page
            if not result.ok or len(page) < _PAGE:
                return result, found

    def get_card(self, at: CardAt) -> tuple[Result, RemoteCard | None]:
        result, item = self._applicant(at.card_id)
        return self._with_notes(item) if item else (result, None)

    def _with_notes(self, item: rest.Json) -> tuple[Result, RemoteCard | None]:
        result, notes = self._notes(rest.text(item.get("Id")))
        if not result.ok:
            return result, None
        card = wire.remote_card(item, notes)
        return read(replace(result, empty=False), card), card

    def _search(self, by: str, value: str, property_ref: str) -> tuple[Result, tuple[RemoteCard, ...]]:
        result, items = self._list("find_applicant", "applicants", **{by: value})
        if not result.ok:
            return result, ()
        cards: list[RemoteCard] = []
        newest_first = sorted(items, key=lambda one: rest.text(one.get("LastUpdatedDateTime")), reverse=True)
        for item in newest_first[:_LOOKED_AT]:
            looked, card = self._with_notes(item)
            if card is None:
                return looked, ()
            exact = by != "email" or value.casefold() in (one.casefold() for one in card.emails)
            if exact and (property_ref in ("", card.property_ref) or not card.property_ref):
                cards.append(card)
        return replace(result, empty=not cards), tuple(cards)

    def _ours(self, card: CardPush) -> tuple[Result, RemoteCard | None]:
        """The applicant with our key in a note; else one without any key that has the renter's name and address, as an
        earlier attempt may have got no further."""
        by, value = ("email", card.email) if card.email else ("name", f"{card.first_name} {card.last_name}".strip())
        result, found = self._search(by, value, card.property_ref) if value else (_NOT_ASKED, ())
        mine = [one for one in found if one.our_key == card.our_key]
        mine = mine or [one for one in found if not one.our_key and self._is_same(card, one)]
        return replace(result, empty=result.ok and not mine), min(mine, key=lambda one: one.card_id, default=None)

    def _is_same(self, card: CardPush, found: RemoteCard) -> bool:
        sent = outgoing(card, self._profile, self.CAPABILITIES).values
        names = ("first_name", "last_name", "email", "phone")
        return all(str(sent.get(name, "")).casefold() == found.fields.get(name, "").casefold() for name in names)

    def _made(self, card: CardPush, sent: Outgoing) -> Result:
        refused = self._unknown_home(card)
        if refused is not None:
            return refused
        result = self._create(card, sent.values)
        other = with_fallbacks(sent, result.field_errors, self._profile)
        if other is not None:
            return self._made(card, other)
        if not (result.ok or doubtful(result)):
            return result
        if result.card_id:
            looked, there = self.get_card(self._at(card, result.card_id))
        else:
            looked, there = self._ours(card)
        if there is None:
            # Without its note the applicant is not ours yet: also a good answer is no end before that.
            unseen = confirmed(result, looked, False)
            again = replace(unseen, outcome=Outcome.RETRY, verify_first=True, verified=False, fallbacks=sent.fallbacks)
            return replace(again, code=again.code or "unverified")
        told = self._tell(card, there, sent.values) if not there.our_key else Result(outcome=Outcome.ACCEPTED)
        made = replace(told, card_id=there.card_id, event_id="", fallbacks=sent.fallbacks)
        return read(replace(made, written=as_text(sent.values)), there) if told.ok else made

    def _unknown_home(self, card: CardPush) -> Result | None:
        """An applicant without a unit has no property: that the account has it at all is asked for itself."""
        result, answer = self._ask("get_rental", "GET", f"v1/rentals/{rest.segment(card.property_ref)}")
        known = rest.objects(answer)
        if result.ok and not result.empty and known and known[0].get("IsActive") is not False:
            return None
        if not result.ok:
            return result
        words = "The account has no such property."
        return Result(
            outcome=Outcome.REJECT, code="no_property", message=words, field_errors={"property_ref": (words,)}
        )

    def _create(self, card: CardPush, values: Values) -> Result:
        body = {"FirstName": "", **wire.applicant(values), "SendRentalApplicationEmail": False}
        body["FirstName"] = body["FirstName"] or self._profile.last_name_placeholder
        return self._ask("create_applicant", "POST", "v1/applicants", json=body)[0]

    def _change(self, card: CardPush, known: RemoteCard, changes: Values, claim: str) -> Result:
        native = {name: value for name, value in changes.items() if name in wire.NATIVE}
        noted = {name: value for name, value in changes.items() if name in wire.NOTED}
        result = Result(outcome=Outcome.ACCEPTED)
        if native:
            result = self._replace(known, native)
            if not result.ok:
                return result
        if noted or claim:
            values = outgoing(card, self._profile, self.CAPABILITIES).values if claim else noted
            told = self._tell(card, known, values)
            return replace(told, event_id="", card_id=known.card_id)
        return result

    def _replace(self, known: RemoteCard, values: Values) -> Result:
        """Put the whole applicant, as it is now, with our values in it."""
        result, item = self._applicant(known.card_id)
        if not item:
            return replace(result, outcome=Outcome.REJECT, code="gone") if result.ok else result
        path = f"v1/applicants/{rest.segment(known.card_id)}"
        return self._ask("update_applicant", "PUT", path, json=wire.replaced(item, values))[0]

    def _tell(self, card: CardPush, known: RemoteCard, values: Values) -> Result:
        """Add the note with our key; after a doubtful answer, see whether it is there."""
        words = wire.note(
            {name: values[name] for name in wire.NOTED if name in values}, card.property_ref, card.our_key
        )
        result = self._owing(self._add_note(known.card_id, words))
        if not doubtful(result):
            return result
        looked, notes = self._notes(known.card_id)
        return confirmed(result, looked, any(rest.text(one.get("Note")) == words for one in notes))

    def _add_note(self, card_id: str, words: str) -> Result:
        path = f"v1/applicants/{rest.segment(card_id)}/notes"
        return self._ask("add_note", "POST", path, json={"Note": words})[0]

    # -- what hangs on an applicant -----------------------------------------------------------------------------------

    def _entries(self, at: CardAt, what: str, key: str) -> tuple[Result, tuple[Entry, ...]]:
        if what == "event":
            result, notes = self._notes(at.card_id)
            found = (one for one in notes if not rest.text(one.get("Note")).startswith(wire.HEADER))
            return result, tuple(
                Entry(entry_id=rest.text(one.get("Id")), text=rest.text(one.get("Note"))) for one in found
            )
        result, tasks = self._requests(at.property_ref)
        return result, tuple(_entry(one) for one in tasks)

    def _requests(self, property_ref: str) -> tuple[Result, list[rest.Json]]:
        found: list[rest.Json] = []
        about = {"entitytype": "Rental", "entityid": property_ref} if property_ref else {}
        while True:
            path = "tasks/contactrequests"
            result, page = self._list("find_contact_requests", path, offset=str(len(found)), **about)
            found += page
            if not result.ok or len(page) < _PAGE:
                return result, found if result.ok else []

    def _write_event(self, at: CardAt, event: EventPush, source: str) -> Result:
        when = written(event.at, event.time_zone, "%Y-%m-%d %H:%M")
        head = ", ".join(filter(None, (event.kind, source, when)))
        words = marked(f"({head}) {event.text.replace('[ref ', '(ref ')}", event.our_event_key, wire.NOTE_MAX)
        return self._owing(replace(self._add_note(at.card_id, words), card_id=at.card_id))

    def put_task(self, at: CardAt, task: TaskPush) -> Result:
        spare = self._profile.fallback_agent or self._profile.options.get("task_assignee", "")
        if not (task.assignee_ref or spare):
            words = "Buildium gives each task to a user: set the option task_assignee. The follow-up is here alone."
            return replace(TASK_IS_OURS, card_id=at.card_id, message=words)
        result = super().put_task(at, task if task.assignee_ref else replace(task, assignee_ref=spare))
        if "assignee_ref" in result.field_errors and spare and task.assignee_ref not in ("", spare):
            return replace(super().put_task(at, replace(task, assignee_ref=spare)), fallbacks=("assignee_ref",))
        return result

    def _write_task(self, at: CardAt, task: TaskPush, there: Entry | None) -> Result:
        says = dict(self._task_says(task))
        if there is not None:
            kept = {name: there.says[name] for name in _KEPT_OF_TASK if there.says.get(name) is not None}
            path = f"v1/tasks/contactrequests/{rest.segment(there.entry_id)}"
            return self._ask("update_contact_request", "PUT", path, json={**kept, **says})[0]
        result, item = self._applicant(at.card_id)
        if not item:
            return replace(result, outcome=Outcome.REJECT, code="no_such_card") if result.ok else result
        whole = wire.replaced(item, {})
        contact = {name: whole[name] for name in ("FirstName", "LastName", "Email", "PhoneNumbers") if whole.get(name)}
        home = rest.text(item.get("PropertyId")) or at.property_ref
        category = self._profile.options.get("task_category", "")
        body = {
            **says,
            "TaskStatus": "New",
            "ContactDetail": contact,
            **({"PropertyId": wire.number(home)} if home else {}),
            **({"UnitId": item["UnitId"]} if item.get("UnitId") else {}),
            **({"CategoryId": wire.number(category)} if category else {}),
        }
        return self._owing(self._ask("create_contact_request", "POST", "v1/tasks/contactrequests", json=body)[0])

    def _task_says(self, task: TaskPush) -> Mapping[str, object]:
        # A due date has no hour there.
        hour = f"Due {written(task.due_at, task.time_zone, '%Y-%m-%d %H:%M')}."
        return {
            "Title": sound(task.title)[:_TITLE_MAX],
            "Description": marked("\n".join(filter(None, (hour, task.text))), task.our_task_key, wire.NOTE_MAX),
            "AssignedToUserId": wire.number(task.assignee_ref),
            "Priority": _PRIORITY.get(task.priority, "Normal"),
            "DueDate": written(task.due_at, task.time_zone, "%Y-%m-%d"),
        }

    # -- outcomes -----------------------------------------------------------------------------------------------------

    def pull_outcomes(self, since: datetime, cursor: str = "") -> tuple[Result, OutcomePage]:
        walk = rest.Walk.of(since, cursor)
        what, _, place = (walk.token or "applicants:0").partition(":")
        start = rest.whole(place) or 0
        window = {"lastupdatedfrom": rest.iso(walk.start), "offset": str(start)}
        if what == "applicants":
            result, items = self._list("list_applicants_changed", "applicants", **window)
            told = [one for item in items for one in wire.applicant_outcomes(item)]
        else:
            result, items = self._list("list_leases", "leases", leasestatuses="Active", **window)
            result, told = self._moved_in(items) if result.ok else (result, [])
        if not result.ok:
            return result, OutcomePage(cursor=cursor)
        following = "" if what == "leases" else "leases:0"
        token = f"{what}:{start + _PAGE}" if len(items) == _PAGE else following
        on = walk.on(map(wire.changed_at, items), token, _OVERLAP)
        page = tuple(sorted(told, key=lambda one: one.at))
        return result, OutcomePage(items=page, cursor=on, more=bool(token))

    def _moved_in(self, leases: list[rest.Json]) -> tuple[Result, list[RemoteOutcome]]:
        told: list[RemoteOutcome] = []
        for lease in leases:
            for tenant in rest.objects(lease.get("CurrentTenants")):
                name = f"{rest.text(tenant.get('FirstName'))} {rest.text(tenant.get('LastName'))}".strip()
                result, applicants = self._list("find_applicant", "applicants", name=name) if name else (_NOT_ASKED, [])
                if not result.ok:
                    return result, []
                outcome = wire.lease_outcome(lease, tenant, applicants)
                told += [outcome] if outcome else []
        return Result(outcome=Outcome.ACCEPTED), told


_NOT_ASKED = Result(outcome=Outcome.ACCEPTED, empty=True)


def _entry(item: rest.Json) -> Entry:
    return Entry(
        entry_id=rest.text(item.get("Id")),
        text=rest.text(item.get("Description")),
        open=rest.text(item.get("TaskStatus")).lower() not in _DONE,
        says=item,
    )


DESTINATION = Buildium
