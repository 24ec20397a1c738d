"""The reader for what no field map claims: usual tags, names of keys, labels and words, each with how sure it is. Pure.

What is found is never presented as more than it is: every field says how sure it is (``Lead.sure``), two ways that
disagree make it less sure, and whoever asks for leads below a bar marks them for a person (``Policy.sure_enough``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, Final

from leadsvc.fieldmap import prose, several
from leadsvc.fieldmap.leaves import flattened
from leadsvc.fieldmap.maps import FieldMap
from leadsvc.fieldmap.scene import Layout
from leadsvc.model import Channel, ContactType, HintKind, Lead, PropertyHint, Value
from leadsvc.normalize import names
from leadsvc.normalize.data import email_domains, shared, under
from leadsvc.normalize.emails import emails, is_vendor
from leadsvc.normalize.phones import phones
from leadsvc.normalize.records import KeyedRecord, MailRecord, Record, XmlRecord
from leadsvc.normalize.sources import catalogue, source_of
from leadsvc.normalize.structured import people_in
from leadsvc.normalize.text import line, message

MAP_ID: Final = "generic"

# How sure what a renter's own words give is, by field; a mail's sender is a fact, a phrase is a reading.
_PROSE: Final[Mapping[str, float]] = {
    "emails": 0.9, "name": 0.8, "message": 0.95, "phones": 0.75, "property_hints": 0.6, "unit_hint": 0.6,
    "move_in": 0.65, "bedrooms": 0.7, "bathrooms": 0.65, "budget_cents": 0.6, "pets": 0.6, "occupants": 0.55,
    "lease_term_months": 0.65, "tour": 0.6,
}  # fmt: skip
_FIELDS: Final = (
    "name", "emails", "phones", "co_applicants", "property_hints", "unit_hint", "floor_plan_hint", "agent_hint",
    "bedrooms", "bathrooms", "move_in", "budget_cents", "occupants", "pets", "lease_term_months", "tour", "message",
    "campaign", "external_id", "thread_id",
)  # fmt: skip
_DISAGREE: Final = 0.6
_NO_NAME: Final = 0.4
_WEBSITE: Final = frozenset({
    "utmsource", "utmcampaign", "pageurl", "referrer", "landingpage", "gclid", "formname", "formid", "url",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Way:
    """One way of reading with how sure it is, as a field map that recognises everything."""

    name: str
    sure: float
    reader: FieldMap


@dataclass(frozen=True, slots=True)
class _Table:
    version: int
    ways: tuple[Way, ...]
    interest: tuple[re.Pattern[str], ...]
    labels: Layout
    label_fields: Mapping[str, str]


@cache
def _table() -> _Table:
    """``mappings/shared/generic.yaml``, compiled."""
    table = shared("generic")
    version = int(table["version"])
    ways = tuple(Way(row["name"], float(row["sure"]), _reader(row, version)) for row in table["ways"])
    labels = next(row for row in table["ways"] if row["name"] == "labels")
    fields: dict[str, str] = {}
    for field, spec in labels["fields"].items():
        for one in spec if isinstance(spec, list) else [spec]:
            for label in [one["label"]] if isinstance(one["label"], str) else one["label"]:
                fields.setdefault(" ".join(label.lower().split()), field)
    return _Table(
        version,
        ways,
        tuple(re.compile(pattern, re.IGNORECASE) for pattern in table["interest"]),
        next(way.reader.layout for way in ways if way.name == "labels"),
        fields,
    )


def _reader(spec: Mapping[str, Any], version: int) -> FieldMap:
    return FieldMap(
        id=MAP_ID,
        version=version,
        owner="leadsvc",
        confidence="inferred",
        rests_on=(),
        formats=(),
        source="",
        contact_type=ContactType.FORM,
        region="US",
        reader="fields",
        required=(),
        relays=frozenset(),
        spec={"recognise": {}, **spec},
    )


def read(record: Record, received_at: datetime, *, asked: bool = False) -> Lead | None:
    """The lead in ``record``, ``None`` when nobody can be told from it. ``asked``: a person says that it is one, so the
    words of a mail need not show it."""
    if isinstance(record, MailRecord):
        return _mail(record, received_at, asked=asked)
    return _keyed(record, received_at)


def parts(record: MailRecord) -> tuple[MailRecord, ...]:
    """The leads of a mail that lists several, each as a mail of its own; empty when it does not."""
    if not several.may_be_several(record):
        return ()
    table = _table()
    return several.parts(record, table.labels, table.label_fields)


def part(record: MailRecord, received_at: datetime) -> Lead | None:
    """The lead in one of :func:`parts`."""
    found = list(_by_ways(record, received_at))
    found.append((None, _by_words(record, received_at, person=False)))
    return _finished(record, found, ContactType.FORM)


# -- mails ------------------------------------------------------------------------------------------------------------


def _mail(record: MailRecord, received_at: datetime, *, asked: bool) -> Lead | None:
    found = [(way, lead) for way, lead in _by_ways(record, received_at) if _says_who(lead)]
    found += [(None, lead) for lead in _structured(record, received_at)]
    template = any(_is_template(lead) for _, lead in found)
    interested = asked or prose.is_interest(record, _table().interest)
    if not (template or interested):
        return None
    person = not template and not is_vendor(record.sender.address)
    if person:
        # In a mail that a person writes, labels are a signature: they add to the words and do not make a form of it.
        words = _by_words(record, received_at, person=True)
        if not words.emails and not asked:
            return None  # whoever cannot be answered is a machine, and a number in its text an office's
        found = [(None, words), *found]
    elif not template:
        return None
    own = person and not prose.is_robot(record)
    lead = _finished(record, found, ContactType.EMAIL if own else ContactType.FORM)
    if lead is None or lead.property_hints:
        return lead
    return replace(lead, property_hints=_of_mailbox(record, received_at))


def _of_mailbox(record: MailRecord, received_at: datetime) -> tuple[Value[PropertyHint], ...]:
    """The property that the receiving mailbox's plus tag names; a form's own lines seldom name one."""
    reader = _reader({"fields": {"mailbox_tag": [{"tag": "mailbox"}]}}, _table().version)
    return reader.lead(record, received_at).property_hints


def _is_template(lead: Lead) -> bool:
    """Whether labels or tags name a renter: a name with a way to reach it, or one with what is looked for."""
    reach = bool(lead.emails or lead.phones)
    wish = lead.message or lead.move_in or lead.bedrooms or lead.property_hints or lead.tour
    return reach and bool(lead.name or wish)


def _says_who(lead: Lead) -> bool:
    return bool(lead.name or lead.emails or lead.phones)


def _by_ways(record: Record, received_at: datetime) -> Iterator[tuple[Way | None, Lead]]:
    for way in _table().ways:
        yield way, way.reader.lead(record, received_at)


def _by_words(record: MailRecord, received_at: datetime, *, person: bool) -> Lead:
    fields = prose.spec_of(record, person=person)
    fields["mailbox_tag"] = [{"tag": "mailbox"}]
    return _reader({"fields": fields}, _table().version).lead(record, received_at)


def _structured(record: MailRecord, received_at: datetime) -> Iterator[Lead]:
    """People in JSON-LD and in attached vCards."""
    for fields in people_in(record):
        spec = {name: [{"const": text}] for name, text in fields.items()}
        yield _reader({"fields": spec}, _table().version).lead(record, received_at)


# -- JSON, forms, XML -------------------------------------------------------------------------------------------------


def _keyed(record: KeyedRecord | XmlRecord, received_at: datetime) -> Lead | None:
    flat = flattened(record)
    found = [(way, lead) for way, lead in _by_ways(flat, received_at) if _says_who(lead)]
    if not any(lead.emails or lead.phones for _, lead in found):
        return None
    return _finished(flat, found, ContactType.FORM)


# -- one lead of all --------------------------------------------------------------------------------------------------


def _finished(record: Record, found: Sequence[tuple[Way | None, Lead]], kind: ContactType) -> Lead | None:
    """The first way that fills a field gives it; ``None`` when nobody could be reached."""
    if not found:
        return None
    chosen: dict[str, Any] = {}
    sure: dict[str, float] = {}
    for way, lead in found:
        for name in _FIELDS:
            value = getattr(lead, name)
            if not value:
                continue
            level = way.sure if way is not None else _PROSE.get(name, 0.6)
            if name not in chosen:
                chosen[name], sure[name] = value, level
            elif name in _SAID and not _agree(name, chosen[name], value):
                sure[name] = round(min(sure[name], level) * _DISAGREE, 2)
    if not chosen.get("emails") and not chosen.get("phones"):
        return None
    if isinstance(record, MailRecord) and kind is ContactType.EMAIL and prose.names_disagree(record):
        sure["name"] = round(sure.get("name", 0.8) * _DISAGREE, 2)
    if isinstance(record, MailRecord) and kind is ContactType.FORM and "message" in chosen:
        chosen["message"] = _above_footer(chosen["message"], record.sender.domain)
    first = found[0][1]
    contact = next((lead.contact_type for _, lead in found if lead.contact_type is not ContactType.FORM), kind)
    return replace(
        first,
        **{name: chosen.get(name, getattr(first, name)) for name in _FIELDS},
        source=_source(record, [lead for _, lead in found], contact),
        contact_type=contact,
        format=record.channel if isinstance(record, XmlRecord) else record.format,
        map_id=MAP_ID,
        map_version=_table().version,
        confidence=_confidence(sure, kind),
        sure=sure,
        language=next((lead.language for _, lead in found if lead.language), ""),
        utm=next((lead.utm for _, lead in found if lead.utm), {}),
        notes=tuple(dict.fromkeys(note for _, lead in found for note in lead.notes if not note.startswith("missing:"))),
        unused=found[-1][1].unused,
    )


def _above_footer(said: Value[str], domain: str) -> Value[str]:
    """A message without what its sender puts below it: from the line on that names an address or page of theirs."""
    foot = several.own_pages(domain)
    rows = said.value.split("\n")
    end = next((at for at, row in enumerate(rows) if at and foot is not None and foot.search(row)), len(rows))
    return replace(said, value="\n".join(rows[:end]).strip())


# Where ways that say different things make each of them less sure.
_SAID: Final = frozenset({"name", "emails", "phones"})


def _agree(name: str, one: Any, other: Any) -> bool:
    if name == "name":
        mine, theirs = (set(each.value.text.casefold().split()) for each in (one, other))
        return bool(mine & theirs)
    mine, theirs = (
        {each.value.key if name == "emails" else each.value.e164 for each in values} for values in (one, other)
    )
    return bool(mine & theirs)


def _confidence(sure: Mapping[str, float], kind: ContactType) -> float:
    """How sure it is that this is a lead of this person: reach and name, one as important as the other."""
    reach = max(sure.get("emails", 0.0), sure.get("phones", 0.0))
    level = (reach + sure.get("name", _NO_NAME)) / 2
    return round(level * (0.9 if kind is ContactType.EMAIL else 1.0), 2)


def _source(record: Record, found: Iterable[Lead], kind: ContactType) -> str:
    """Who is credited: what the payload names, the platform it came from, else the way it came."""
    leads = list(found)
    named = next((lead.source for lead in leads if lead.source), "") or next(
        (slug for lead in leads if (slug := source_of(lead.utm.get("source", ""))) and _is_ils(slug)), ""
    )
    if named:
        return named
    if isinstance(record, MailRecord):
        if platform := _platform(record.sender.domain):
            return platform
        return "direct_email" if kind is ContactType.EMAIL else "website"
    return "website" if record.format == "form" or _WEBSITE & record.values.keys() else "partner"


def _is_ils(slug: str) -> bool:
    """A listing site brings its renters itself; who came by a search engine or an advert wrote on the web site."""
    return catalogue()[slug].category == "ils"


def _platform(domain: str) -> str:
    """The advertiser behind a sender's domain: ``leads.rent.com`` is Rent."""
    if under(domain, email_domains().public):
        return ""
    while "." in domain:
        if found := source_of(domain):
            return found
        _, _, domain = domain.partition(".")
    return ""


# -- what a person enters ---------------------------------------------------------------------------------------------

ENTERED: Final = ("name", "email", "phone", "property", "message")
_FORMATS: Final[Mapping[Channel, str]] = {Channel.EMAIL: "email", Channel.HTTP: "json"}


def blank(channel: Channel, received_at: datetime) -> Lead:
    """A lead of which nothing is known but when and how it came."""
    record = KeyedRecord(_FORMATS.get(channel, "form"), {}, (), {})
    kind = ContactType.EMAIL if channel is Channel.EMAIL else ContactType.FORM
    lead = _reader({"fields": {}}, _table().version).lead(record, received_at)
    return replace(
        lead, source=_source(record, (), kind) if channel is not Channel.EMAIL else "direct_email", contact_type=kind
    )


def entered(lead: Lead, texts: Mapping[str, str]) -> Lead:
    """``lead`` with what a person entered (:data:`ENTERED`) in place of what was read; empty texts change nothing."""
    changes: dict[str, Any] = {}
    if text := texts.get("name", "").strip():
        found = names.people(text)
        changes |= {"name": _by_person(found[:1])[0], "co_applicants": _by_person(found[1:])} if found else {}
    if text := texts.get("email", "").strip():
        changes |= {"emails": _by_person(emails(text))} if emails(text) else {}
    if text := texts.get("phone", "").strip():
        changes |= {"phones": _by_person(phones(text)[0])} if phones(text)[0] else {}
    if text := line(texts.get("property", ""))[:300]:
        hint = Value(PropertyHint(HintKind.NAME, text), text, "entered")
        changes["property_hints"] = (
            hint,
            *(each for each in lead.property_hints if each.value.kind is not HintKind.NAME),
        )
    if (words := message(texts.get("message", ""))) is not None:
        changes["message"] = Value(words.value, words.raw, "entered")
    sure = {name: level for name, level in lead.sure.items() if name not in changes}
    return replace(lead, **changes, sure=sure | dict.fromkeys(changes, 1.0)) if changes else lead


def _by_person(values: Sequence[Value[Any]]) -> tuple[Value[Any], ...]:
    return tuple(Value(value.value, value.raw, "entered") for value in values)
