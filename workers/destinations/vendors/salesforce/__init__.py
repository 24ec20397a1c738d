"""Salesforce as a destination. A lead stands for one guest card; its external id field ``Leadsvc_Key__c`` is our key,
so that writing by it can be repeated, and so can tasks and notes by the field of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from leadsvc.workers.destinations import rest
from leadsvc.workers.destinations.base import (
    Capabilities,
    CardAt,
    CardKind,
    CardPush,
    ConfigKind,
    ConfigPage,
    EventPush,
    NativeKey,
    Outcome,
    OutcomePage,
    RemoteCard,
    Result,
    TaskPush,
    UpdateMode,
)
from leadsvc.workers.destinations.careful import read
from leadsvc.workers.destinations.entries import Entry, marked
from leadsvc.workers.destinations.filling import Values
from leadsvc.workers.destinations.http import Answer
from leadsvc.workers.destinations.jsonapi import JsonApi
from leadsvc.workers.destinations.vendors.salesforce import wire
from leadsvc.workers.destinations.vendors.salesforce.verdict import PREFIX, READS, names
from leadsvc.workers.destinations.vendors.salesforce.verdict import classify as classify
from leadsvc.workers.destinations.verdicts import moment, sound

TEXT_MAX = 32_000
_SUBJECT_MAX = 255
_OVERLAP = timedelta(minutes=5)
_PRIORITY = {"low": "Low", "normal": "Normal", "high": "High"}
_DONE = ("completed", "deferred")
_TASK_FIELDS = ("Id", "Subject", "Description", "ActivityDate", "ReminderDateTime", "Priority", "OwnerId", "Status")
_LISTS = {
    ConfigKind.PROPERTY: "property_ref",
    ConfigKind.FLOOR_PLAN: "floor_plan_ref",
    ConfigKind.UNIT: "unit_ref",
    ConfigKind.SOURCE: "source_name",
}
_BY_RULE = "allowSave={}; includeRecordDetails=true; runAsCurrentUser=true"

CAPABILITIES = Capabilities(
    label="Salesforce",
    native_key=NativeKey.EXTERNAL_ID,
    returns_card_id="sometimes",
    update_mode=UpdateMode.PATCH,
    verify="get",
    needs_source=False,
    has_task=True,
    has_event=True,
    batch_max=200,
    find_by=("our_key", "remote_id", "email", "phone"),
    required=("last_name",),
    max_len={
        "first_name": 40,
        "last_name": 80,
        "email": 80,
        "phone": 40,
        "source_name": 255,
        "comment": TEXT_MAX,
        "event_text": TEXT_MAX,
    },
    limits={"1s": 10, "1d": 50_000},
    credentials={
        "client_id": "the consumer key of the connected app (client credentials flow)",
        "client_secret": "the consumer secret of the connected app",
    },
    options={
        "api_version": "the version of the REST API; v62.0 unless said",
        "field_prefix": "what the names of our custom fields begin with; Leadsvc_ unless said",
        "lost_reason_field": "the field of Lead that says why a lead was lost; none unless said",
        "company": "what stands in Company, which Salesforce demands; Renter unless said",
        "lead_status": "the status of new leads; the organisation's own default unless said",
        "duplicates": "what to do where a duplicate rule blocks a lead: save it (unless said), or hold it for a person",
    },
    on_duplicate=(
        "Duplicate rules of the organisation may block a lead. A lead that is another person's, or another guest "
        "card's, is saved all the same unless the option duplicates says hold."
    ),
    ids="Updates may be answered without an id; our key is the external id field Leadsvc_Key__c of Lead and of Task.",
    corrections={
        "merge": "Merge the two leads in Salesforce.",
        "unmerge": "Salesforce cannot part merged leads; enter the second lead anew.",
        "contact": "",
        "source": "",
        "event": "",
    },
)


class Salesforce(JsonApi):
    """One Salesforce organisation."""

    CAPABILITIES = CAPABILITIES
    READS = frozenset(READS)
    _judge = staticmethod(classify)

    # -- one call -----------------------------------------------------------------------------------------------------

    @property
    def _prefix(self) -> str:
        return self._profile.options.get("field_prefix") or PREFIX

    @property
    def _key(self) -> str:
        return f"{self._prefix}Key__c"

    @property
    def _fields(self) -> list[str]:
        return wire.lead_fields(self._prefix, self._profile.allowed_fields)

    @property
    def _reason(self) -> str:
        return self._profile.options.get("lost_reason_field", "")

    def _data(self, path: str) -> str:
        return f"services/data/{self._profile.options.get('api_version') or 'v62.0'}/{path}"

    def _context(self, op: str, answer: Answer) -> rest.Json:
        return {**answer.context(read=op in self.READS or op == "token"), "prefix": self._prefix}

    def _new_token(self) -> tuple[Result, str]:
        return self._granted("services/oauth2/token", "client_credentials", "client_id", "client_secret")

    def _query(self, op: str, question: str, endpoint: str = "query") -> tuple[Result, rest.Json]:
        result, answer = self._ask(op, "GET", self._data(endpoint), params={"q": question})
        return result, rest.mapping(answer) if result.ok else {}

    def check(self) -> Result:
        """Whether the token works, calls are left today, every field that is written is there, and that of our key is
        an external and unique one."""
        result, answer = self._ask("limits", "GET", self._data("limits"))
        if not result.ok:
            return result
        calls = rest.mapping(rest.mapping(answer).get("DailyApiRequests"))
        if rest.whole(calls.get("Remaining")) == 0:
            words = "The organisation has used up its API calls of the last 24 hours."
            return Result(outcome=Outcome.RETRY, code="REQUEST_LIMIT_EXCEEDED", message=words, retry_after_s=3600.0)
        result, fields = self._described()
        if not result.ok:
            return result
        there = {rest.text(one.get("name")) for one in fields}
        allowed = (*self._profile.allowed_fields, "our_key", "property_ref")
        missing = sorted({names(self._prefix)[name] for name in allowed} - there)
        if missing:
            words = f"Give Lead these fields, or let the integration's user see them: {', '.join(missing)}."
            return Result(outcome=Outcome.REJECT, code="fields_missing", message=words)
        ours = next(one for one in fields if rest.text(one.get("name")) == self._key)
        if not (rest.yes(ours.get("externalId")) and rest.yes(ours.get("unique"))):
            words = f"Give Lead and Task a text field {self._key}, marked External ID and Unique."
            return Result(outcome=Outcome.REJECT, code="key_not_unique", message=words)
        return result

    # -- configuration ------------------------------------------------------------------------------------------------

    def _described(self) -> tuple[Result, list[rest.Json]]:
        result, answer = self._ask("describe_lead", "GET", self._data("sobjects/Lead/describe"))
        return result, rest.objects(rest.mapping(answer).get("fields")) if result.ok else []

    def pull_config(self, kind: ConfigKind, cursor: str = "") -> tuple[Result, ConfigPage]:
        if kind is not ConfigKind.AGENT:
            result, fields = self._described()
            return result, ConfigPage(items=tuple(wire.picklist(fields, names(self._prefix)[_LISTS[kind]])))
        if cursor:
            result, answer = self._ask("query_users", "GET", cursor)
            words = rest.mapping(answer) if result.ok else {}
        else:
            result, words = self._query("query_users", "SELECT Id, Name, IsActive FROM User ORDER BY Id")
        items = tuple(wire.user(item) for item in rest.objects(words.get("records")))
        return result, ConfigPage(items=items, next_cursor=_next(words))

    # -- leads --------------------------------------------------------------------------------------------------------

    def get_card(self, at: CardAt) -> tuple[Result, RemoteCard | None]:
        result, card = self._read(rest.segment(at.card_id))
        return self._replaced(at) if result.ok and card is None else (result, card)

    def _read(self, path: str) -> tuple[Result, RemoteCard | None]:
        fields = {"fields": ",".join(self._fields)}
        result, answer = self._ask("get_lead", "GET", self._data(f"sobjects/Lead/{path}"), params=fields)
        if not result.ok or result.empty:
            return result, None
        card = wire.remote_card(rest.mapping(answer), self._prefix)
        return read(result, card), card

    def _replaced(self, at: CardAt) -> tuple[Result, RemoteCard | None]:
        """A lead that was merged there is deleted; the bin still knows the one that stands for it."""
        which = f"Id = {wire.quoted(at.card_id)} AND IsDeleted = true"
        result, words = self._query("query_merged", wire.question(("Id", "MasterRecordId"), which), "queryAll")
        gone = rest.objects(words.get("records"))
        into = rest.text(gone[0].get("MasterRecordId")) if gone else ""
        if not result.ok or not into:
            return replace(result, empty=result.ok), None
        card = RemoteCard(
            card_id=at.card_id,
            person_id="",
            status=CardKind.CLOSED,
            property_ref=at.property_ref,
            merged_into=into,
        )
        return read(replace(result, empty=False), card), card

    def _search(self, by: str, value: str, property_ref: str) -> tuple[Result, tuple[RemoteCard, ...]]:
        if by == "our_key":
            result, card = self._read(f"{self._key}/{rest.segment(value)}")
            return result, (card,) if card else ()
        names = {"email": ("Email",), "phone": ("Phone", "MobilePhone")}[by]
        either = " OR ".join(f"{name} = {wire.quoted(value)}" for name in names)
        which = f"({either}) ORDER BY LastModifiedDate DESC LIMIT 100"
        asked = wire.question((*self._fields, *wire.OPPORTUNITY), which)
        result, words = self._query("query_leads", asked)
        found = [wire.remote_card(item, self._prefix) for item in rest.objects(words.get("records"))]
        here = tuple(card for card in found if property_ref in ("", card.property_ref) or not card.property_ref)
        return replace(result, empty=result.ok and not here), here

    def _create(self, card: CardPush, values: Values) -> Result:
        options = self._profile.options
        body = wire.their_names(values, self._prefix) | {
            f"{self._prefix}Property__c": card.property_ref,
            "Company": options.get("company") or "Renter",
        }
        body |= {"Status": options["lead_status"]} if options.get("lead_status") else {}
        result = self._upsert(card.our_key, body, save=False)
        if result.outcome is not Outcome.DUPLICATE:
            return result
        holder: RemoteCard | None = None
        if result.card_id.startswith("00Q"):
            looked, holder = self._read(rest.segment(result.card_id))
            if not looked.ok:
                return looked
        if holder is not None and holder.our_key == card.our_key:
            return read(result, holder)
        if holder is not None and not holder.our_key and _same_name(holder, values):
            words = "Somebody entered this person at the same time; it is looked up again."
            return Result(outcome=Outcome.RETRY, code="appeared", message=words)
        if options.get("duplicates") == "hold" or result.code == "DUPLICATE_VALUE":
            return replace(result, outcome=Outcome.REJECT)
        return self._upsert(card.our_key, body, save=True)

    def _upsert(self, our_key: str, body: Mapping[str, object], *, save: bool) -> Result:
        path = self._data(f"sobjects/Lead/{self._key}/{rest.segment(our_key)}")
        rule = {"Sforce-Duplicate-Rule-Header": _BY_RULE.format("true" if save else "false")}
        return self._ask("upsert_lead", "PATCH", path, json=body, headers=rule)[0]

    def _change(self, card: CardPush, known: RemoteCard, changes: Values, claim: str) -> Result:
        body = wire.their_names(changes, self._prefix)
        if claim:
            body |= {self._key: claim}
            body |= {} if known.property_ref else {f"{self._prefix}Property__c": card.property_ref}
        path = self._data(f"sobjects/Lead/{rest.segment(known.card_id)}")
        rule = {"Sforce-Duplicate-Rule-Header": _BY_RULE.format("true")}
        result = self._ask("update_lead", "PATCH", path, json=body, headers=rule)[0]
        if result.code == "CANNOT_UPDATE_CONVERTED_LEAD":
            # It goes on as a contact there; nothing of ours may change it any more.
            return Result(outcome=Outcome.DUPLICATE, code="not_editable", kept=tuple(sorted(changes)))
        return result

    def _to_be_read(self, result: Result) -> bool:
        return result.code != "not_editable" and super()._to_be_read(result)

    # -- what hangs on a lead -----------------------------------------------------------------------------------------

    def _entries(self, at: CardAt, what: str, key: str) -> tuple[Result, tuple[Entry, ...]]:
        fields = {"fields": ",".join((*_TASK_FIELDS, self._key))}
        result, answer = self._ask("get_task", "GET", self._task_path(key), params=fields)
        if not result.ok or result.empty:
            return result, ()
        return result, (self._entry(rest.mapping(answer)),)

    def _task_path(self, key: str) -> str:
        return self._data(f"sobjects/Task/{self._key}/{rest.segment(key)}")

    def _entry(self, item: rest.Json) -> Entry:
        remind = moment(rest.text(item.get("ReminderDateTime")) or None)
        says = {name: rest.text(item.get(name)) for name in _TASK_FIELDS}
        return Entry(
            entry_id=rest.text(item.get("Id")),
            text=says["Description"],
            our_key=rest.text(item.get(self._key)),
            open=says["Status"].lower() not in _DONE,
            says=says | {"ReminderDateTime": rest.iso(remind) if remind else ""},
        )

    def _write_event(self, at: CardAt, event: EventPush, source: str) -> Result:
        kind = f"{event.kind}, {source}" if source else event.kind
        body: dict[str, object] = {
            "WhoId": at.card_id,
            "Subject": f"Inquiry ({kind})"[:_SUBJECT_MAX],
            "Description": marked(event.text, event.our_event_key, TEXT_MAX),
            "ActivityDate": event.at.astimezone(ZoneInfo(event.time_zone)).date().isoformat(),
            "Status": "Completed",
            "Priority": "Normal",
        }
        owner = {"OwnerId": event.agent_ref} if event.agent_ref else {}
        result = self._put_entry("log_event", event.our_event_key, {**body, **owner}, at)
        if owner and result.outcome is Outcome.REJECT and "assignee_ref" in result.field_errors:
            again = self._put_entry("log_event", event.our_event_key, body, at)
            return replace(again, fallbacks=("agent_ref",))
        return result

    def _write_task(self, at: CardAt, task: TaskPush, there: Entry | None) -> Result:
        says = {name: value for name, value in self._task_says(task).items() if value}
        if there is not None:
            return self._put_entry("update_task", task.our_task_key, says, at)
        new = {"WhoId": at.card_id, "Status": "Not Started", "IsReminderSet": True}
        return self._put_entry("create_task", task.our_task_key, {**says, **new}, at)

    def _put_entry(self, op: str, key: str, body: Mapping[str, object], at: CardAt) -> Result:
        return replace(self._ask(op, "PATCH", self._task_path(key), json=body)[0], card_id=at.card_id)

    def _task_says(self, task: TaskPush) -> Mapping[str, object]:
        says = {
            "Subject": sound(task.title)[:_SUBJECT_MAX],
            "Description": marked(task.text, task.our_task_key, TEXT_MAX),
            "ActivityDate": task.due_at.astimezone(ZoneInfo(task.time_zone)).date().isoformat(),
            "ReminderDateTime": rest.iso(task.due_at),
            "Priority": _PRIORITY.get(task.priority, "Normal"),
        }
        # Unassigned, the task belongs to the integration's user; it is not taken from whoever has it by now.
        return says | ({"OwnerId": task.assignee_ref} if task.assignee_ref else {})

    # -- outcomes -----------------------------------------------------------------------------------------------------

    def pull_outcomes(self, since: datetime, cursor: str = "") -> tuple[Result, OutcomePage]:
        walk = rest.Walk.of(since, cursor)
        if walk.token:
            result, answer = self._ask("query_outcomes", "GET", walk.token)
            words = rest.mapping(answer) if result.ok else {}
        else:
            result, words = self._query("query_outcomes", self._changed_since(walk.start))
        if not result.ok:
            return result, OutcomePage(cursor=cursor)
        changed = rest.objects(words.get("records"))
        told = [wire.remote_outcome(item, self._prefix, self._reason) for item in changed]
        items = sorted((one for one in told if one is not None), key=lambda one: one.at)
        on = walk.on(map(wire.changed_at, changed), _next(words), _OVERLAP) if changed else cursor
        return result, OutcomePage(items=tuple(items), cursor=on, more=bool(_next(words)))

    def _changed_since(self, start: datetime) -> str:
        at = start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        either = f"LastModifiedDate >= {at} OR ConvertedOpportunity.LastModifiedDate >= {at}"
        which = f"{self._key} != null AND ({either}) ORDER BY LastModifiedDate"
        reason = [self._reason] if self._reason else []
        return wire.question((*self._fields, *wire.OPPORTUNITY, *reason), which)


def _next(words: rest.Json) -> str:
    """The path of the next page, whatever host the answer names; empty on the last one."""
    there = "" if rest.yes(words.get("done")) else rest.text(words.get("nextRecordsUrl"))
    return urlsplit(there).path.lstrip("/") if there else ""


def _same_name(card: RemoteCard, values: Values) -> bool:
    return all(
        card.fields.get(name, "").casefold() == str(values.get(name, "")).casefold()
        for name in ("first_name", "last_name")
    )


DESTINATION = Salesforce
