"""Compiled field maps: who claims a record, and the lead a map reads from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from leadsvc.errors import Quarantine
from leadsvc.fieldmap import build
from leadsvc.fieldmap.build import Fields, Reader
from leadsvc.fieldmap.extract import any_of, compile_alternatives
from leadsvc.fieldmap.extras import extras_of
from leadsvc.fieldmap.paths import answered, items, names_of, words_in, words_of
from leadsvc.fieldmap.recognise import Condition, compile_recogniser
from leadsvc.fieldmap.scene import Layout, Scene
from leadsvc.model import ContactType, Lead, Value
from leadsvc.normalize import dates, numbers
from leadsvc.normalize.records import KeyedRecord, Mailbox, MailRecord, Record, XmlRecord, fold_key
from leadsvc.normalize.sensitive import is_sensitive
from leadsvc.normalize.sources import source_of

Path_ = tuple[str | int, ...]
PATHS = frozenset({"json", "jmespath", "xpath", "parts", "object", "pairs", "titles"})
# How sure a lead is, by what its map rests on.
_SURE: Mapping[str, float] = {"documented": 0.98, "real": 0.96, "code": 0.9, "inferred": 0.75}
# The payload names an advertiser that shared/sources.yaml does not have; the map's own source is credited.
SOURCE_UNKNOWN = "source_unknown"
_MISSING_COST = 0.1
_MAX_UNUSED = 20
_MAX_LABELS = 8


@dataclass(frozen=True, slots=True)
class NotLead:
    """A class of payloads that are no leads. ``first``: looked at before any map (autoreplies and bounces, which come
    from anyone); the others only when no map claims the payload."""

    cause: str
    detail: str
    first: bool
    holds: Condition


@dataclass(frozen=True)
class FieldMap:
    """One map, ready to use. ``spec`` is the map as written; what it compiles to is made when first needed, because a
    process that reads one payload needs one map of many."""

    id: str
    version: int
    owner: str
    confidence: str
    rests_on: tuple[str, ...]
    formats: tuple[str, ...]
    source: str
    contact_type: ContactType
    region: str
    reader: str
    required: tuple[str, ...]
    relays: frozenset[str]
    spec: Mapping[str, Any] = field(repr=False)
    keeps: frozenset[str] = frozenset()  # kinds of sensitive answers that some destination needs

    @cached_property
    def claims(self) -> Condition:
        """Whether a record is one this map reads."""
        sets = _listed(self.spec["recognise"])
        return compile_recogniser([{"format": self.formats, **one} for one in sets])

    @cached_property
    def senders(self) -> tuple[str, ...]:
        """Whom it takes mail from, as the map writes them; empty when it goes by other things as well."""
        sets = _listed(self.spec["recognise"])
        return tuple(each for one in sets for each in one["from"]) if all("from" in one for one in sets) else ()

    @cached_property
    def formats_read(self) -> frozenset[str]:
        """The formats of the records it may claim."""
        sets = _listed(self.spec["recognise"])
        return frozenset(each for one in sets for each in one.get("format", self.formats))

    @property
    def dkim_domains(self) -> tuple[str, ...]:
        """Who signs the mails it reads."""
        return tuple(self.spec.get("dkim_domains", ()))

    @cached_property
    def not_leads(self) -> tuple[NotLead, ...]:
        """What this sender also sends and is no lead."""
        return tuple(
            NotLead(row["cause"], row["detail"], False, compile_recogniser(row["when"]))
            for row in self.spec.get("not_leads", ())
        )

    @property
    def general(self) -> bool:
        """Whether any other map that claims a payload is preferred to this one."""
        return bool(self.spec.get("general", False))

    @cached_property
    def fields(self) -> Fields:
        return {name: compile_alternatives(one) for name, one in self.spec.get("fields", {}).items()}

    @cached_property
    def layout(self) -> Layout:
        labels = [*self._named("label"), *self.spec.get("ignore", ()), *self.spec.get("sensitive", ())]
        return Layout(
            tuple(dict.fromkeys(labels)),
            frozenset(self._long()),
            any_of(self.spec.get("stops", [])),
            any_of(self.spec.get("until", [])),
            bool(self.spec.get("loose", False)),
        )

    @cached_property
    def known(self) -> frozenset[str]:
        """The folded keys it reads or leaves aside on purpose, sensitive ones too."""
        aside = (*self.spec.get("ignore", ()), *self.spec.get("sensitive", ()))
        recognised = (
            key
            for _, kind, value in walk(self.spec["recognise"])
            if kind in ("keys", "any_keys", "values")
            for key in value
        )
        paths = (word for _, kind, value in walk(self.spec) if kind in PATHS for word in words_of(str(value)))
        return frozenset((*(fold_key(key) for key in (*self._named("key"), *aside, *recognised)), *paths))

    def _named(self, kind: str) -> Iterator[str]:
        """The keys or labels that the fields look at."""
        return (word for _, key, value in walk(self.spec.get("fields", {})) if key == kind for word in _listed(value))

    def _long(self) -> Iterator[str]:
        """The labels with free text behind them."""
        for alternatives in self.spec.get("fields", {}).values():
            for one in _listed(alternatives):
                if one.get("multiline"):
                    yield from (" ".join(word.lower().split()) for word in _listed(one["label"]))

    def items(self, record: Record) -> tuple[Record, ...]:
        """The parts of ``record`` that are one lead each, as :meth:`apply` and :meth:`not_lead` take them."""
        each, answers = self.spec.get("each"), self.spec.get("answers", ())
        return tuple(answered(part, answers) for part in (items(record, each) if each else (record,)))

    def not_lead(self, record: Record) -> NotLead | None:
        """The class of this item when it is no lead."""
        return next((kind for kind in self.not_leads if kind.holds(record)), None)

    def apply(self, record: Record, received_at: datetime) -> Lead:
        """The lead in ``record``. Raises :class:`Quarantine` (``missing_field``) when nobody could be reached: no
        address and no number. A required field that is missing otherwise is a note on the lead."""
        lead = self.lead(record, received_at)
        if not lead.emails and not lead.phones:
            raise Quarantine(
                "missing_field",
                f"Field map {self.id} found neither email nor phone. Compare the raw payload with the map, "
                f"then replay the receipt.",
            )
        return lead

    def lead(self, record: Record, received_at: datetime) -> Lead:
        """What the map reads from ``record``, whether or not anybody could be reached by it."""
        sent = None if isinstance(record, KeyedRecord) else record.date
        today = (sent or received_at).date()
        return self._lead(Reader(self.fields, Scene(record, self.layout), today, self.region, self.relays), sent)

    def _lead(self, reader: Reader, sent: datetime | None) -> Lead:
        people = build.read_people(reader)
        phones, notes = build.read_phones(reader)
        emails = build.read_emails(reader)
        hints, unit = build.read_property(reader)
        bedrooms, bathrooms = build.read_rooms(reader)
        occurred = reader.value("occurred_at", dates.moment)
        if occurred is None and reader.scene.record.format == "csv":  # tables rarely tell whose clock it was
            occurred = reader.value("occurred_at", lambda text: dates.local_moment(text, reader.today))
        if occurred is None and sent is not None and sent.tzinfo is not None:
            occurred = Value(sent, sent.isoformat(), "time:mail_date")
        present = {"name": bool(people), "email": bool(emails), "phone": bool(phones), "property": bool(hints)}
        missing = [name for name in self.required if not present.get(name, bool(reader.text(name)))]
        utm = _utm(reader.scene.record)
        named = reader.texts("source")
        source = next((slug for text in named if (slug := source_of(text))), "")
        notes = notes if source or not named else (*notes, SOURCE_UNKNOWN)
        return Lead(
            source=source or self.source,
            contact_type=_contact_type(reader.text("contact_type")) or self.contact_type,
            format=_channel(reader.scene.record),
            map_id=self.id,
            map_version=self.version,
            confidence=round(max(0.1, _SURE[self.confidence] - _MISSING_COST * len(missing)), 2),
            name=people[0] if people else None,
            emails=emails,
            phones=phones,
            co_applicants=people[1:],
            property_hints=hints,
            unit_hint=unit,
            floor_plan_hint=reader.short("floor_plan"),
            agent_hint=reader.short("agent"),
            bedrooms=bedrooms,
            bathrooms=bathrooms,
            move_in=build.read_move_in(reader),
            budget_cents=build.read_budget(reader),
            occupants=reader.value("occupants", numbers.occupants),
            pets=build.read_pets(reader),
            lease_term_months=reader.value("lease_term", numbers.lease_months),
            tour=build.read_tour(reader),
            message=build.read_message(reader),
            campaign=reader.short("campaign") or _campaign(utm),
            utm=utm,
            consents=build.read_consents(reader, occurred.value if occurred else None),
            external_id=reader.short("external_id"),
            thread_id=reader.short("thread_id"),
            occurred_at=occurred,
            language=reader.text("language")[:10].lower(),
            notes=(*_notes(reader.scene.record), *notes, *(f"missing:{name}" for name in missing)),
            unused=self._unused(reader.scene.record),
            co_contacts=build.read_co_contacts(reader),
            extras=extras_of(reader.scene, self.spec.get("sensitive", ()), self.keeps),
        )

    def _unused(self, record: Record) -> tuple[str, ...]:
        """Keys nobody asked for: a sender's new field shows here first. What must not reach a lead is not named."""
        strange = (name for name in names_of(record) if not self._is_known(name) and not _is_utm(name))
        return tuple(name for name in strange if not is_sensitive(name))[:_MAX_UNUSED]

    def _is_known(self, name: str) -> bool:
        return fold_key(name) in self.known or any(like.search(words_in(name)) for like in self._known_likes)

    @cached_property
    def _known_likes(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(pattern) for pattern in self._named("key_like"))


@dataclass(frozen=True)
class MapSet:
    """All maps of a deployment, by id, and the classes of what is no lead."""

    maps: Mapping[str, FieldMap]
    not_leads: tuple[NotLead, ...]

    def claiming(self, record: Record, hint: str | None) -> tuple[FieldMap, ...]:
        """The maps that claim ``record``; with ``hint`` only that map is asked."""
        if hint is not None:
            chosen = self.maps.get(hint)
            return (chosen,) if chosen is not None and chosen.claims(record) else ()
        claiming = tuple(one for one in self._possible(record) if one.claims(record))
        return tuple(one for one in claiming if not one.general) or claiming

    def _possible(self, record: Record) -> Iterator[FieldMap]:
        """The maps that take any sender, and those that take this one: most maps need not look at a mail at all."""
        yield from self._of_senders.get(_format_key(record.format), ())
        if isinstance(record, MailRecord):
            keys = dict.fromkeys(_sender_keys(record.sender))
            yield from {one.id: one for key in keys if key for one in self._of_senders.get(key, ())}.values()

    @cached_property
    def _of_senders(self) -> Mapping[str, list[FieldMap]]:
        """The maps by each sender as they write it, those that go by other things by format."""
        found: dict[str, list[FieldMap]] = {}
        for one in self.maps.values():
            for key in one.senders or map(_format_key, one.formats_read):
                found.setdefault(key.lower(), []).append(one)
        return found

    @cached_property
    def _firsts(self) -> tuple[NotLead, ...]:
        return tuple(kind for kind in self.not_leads if kind.first)

    @cached_property
    def _lasts(self) -> tuple[NotLead, ...]:
        return tuple(kind for kind in self.not_leads if not kind.first)

    def not_lead(self, record: Record, *, first: bool) -> NotLead | None:
        """The first class of non-leads ``record`` is of."""
        return next((kind for kind in (self._firsts if first else self._lasts) if kind.holds(record)), None)


def _format_key(name: str) -> str:
    return f"format {name}"


def _sender_keys(sender: Mailbox) -> Iterator[str]:
    """How maps may name ``sender``: its address, its domain, or a domain that is or is above it."""
    yield sender.address
    yield f"@{sender.domain}"
    labels = sender.domain.split(".")
    yield from ("." + ".".join(labels[start:]) for start in range(max(0, len(labels) - _MAX_LABELS), len(labels)))


def walk(value: Any, path: Path_ = ()) -> Iterator[tuple[Path_, str | int, Any]]:
    """Every value inside a map as written: its path, its key or place, itself."""
    items: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        yield (*path, key), key, inner
        yield from walk(inner, (*path, key))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _channel(record: Record) -> str:
    return record.channel if isinstance(record, XmlRecord) else record.format


def _notes(record: Record) -> tuple[str, ...]:
    return record.notes if isinstance(record, XmlRecord) else ()


def _contact_type(text: str) -> ContactType | None:
    try:
        return ContactType(text.strip().lower()) if text else None
    except ValueError:
        return None


def _is_utm(name: str) -> bool:
    return fold_key(name).startswith("utm")


def _utm(record: Record) -> dict[str, str]:
    """``utm_source`` and its siblings, wherever a form carries them: ``{"source": "newsletter"}``. Fields of their own
    win over those in the address of the page."""
    if not isinstance(record, KeyedRecord):
        return {}
    found: dict[str, str] = {}
    for value in record.values.values():
        if isinstance(value, str) and "utm_" in value and value.lstrip().startswith("http"):
            found.update(_queried(value))
    group = record.values.get("utm")
    pairs = [(f"utm{fold_key(str(key))}", value) for key, value in group.items()] if isinstance(group, dict) else []
    for key, value in (*record.values.items(), *pairs):
        name = key.removeprefix("utm")
        if key.startswith("utm") and name and isinstance(value, str) and value.strip():
            found[name] = value[:200]
    return found


def _queried(url: str) -> dict[str, str]:
    try:
        query = parse_qsl(urlsplit(url[:4_000]).query, max_num_fields=100)
    except ValueError:
        return {}
    return {name[4:].lower(): value[:200] for name, value in query if name.lower().startswith("utm_") and name[4:]}


def _campaign(utm: Mapping[str, str]) -> Value[str] | None:
    name = utm.get("campaign", "")
    return Value(name, name, "campaign:utm") if name else None
