"""From samples to a map: every candidate is read by the very machinery that will read leads, and must never be wrong.

For each field the places that hold the expected value in most samples are taken, surest kind first, then others that
fill what those leave open. What no place explains is said, not guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from leadsvc.errors import MapError
from leadsvc.fieldmap import FieldMap, compile_map
from leadsvc.fieldmap.extract import compile_one
from leadsvc.fieldmap.scene import Scene
from leadsvc.flat import row_of
from leadsvc.learning import candidates as places
from leadsvc.learning.judge import Verdict, judge
from leadsvc.learning.samples import Sample
from leadsvc.learning.structured import Candidate, answer_places
from leadsvc.learning.targets import TARGETS, Target, spaced
from leadsvc.normalize.data import shared
from leadsvc.normalize.records import KeyedRecord, MailRecord, XmlRecord
from leadsvc.normalize.sensitive import is_sensitive
from leadsvc.normalize.sources import catalogue

_MOST_ALTERNATIVES = 4
_NAMED_AT_LEAST = 0.62
_FROM_LIMIT = 3
_BODY_LIMIT = 6
_TELLING_WORDS = 4


@dataclass(frozen=True, slots=True)
class Placed:
    """Where one expected key is read from, and in how many of the samples that assert it."""

    key: str
    right: int
    asserted: int
    where: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """``spec`` is the map as plain values. ``placed`` and ``missing`` are by expected key."""

    spec: Mapping[str, Any]
    placed: tuple[Placed, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    candidate: Candidate
    right: frozenset[int]
    likeness: float

    @property
    def order(self) -> tuple[float, ...]:
        # A place that is called otherwise comes after every place that is called so.
        return (-len(self.right), self.likeness < _NAMED_AT_LEAST, self.candidate.rank, -self.likeness)


def propose(samples: Sequence[Sample], map_id: str, owner: str) -> Proposal:
    """The map that reads ``samples``. Raises :class:`MapError` when they are of different formats."""
    formats = sorted({sample.record.format for sample in samples})
    if len(formats) != 1:
        raise MapError(f"the samples are of several formats ({', '.join(formats)}); learn one map for each")
    bench = _Bench(samples, _frame(samples, map_id, owner, formats))
    fields = _without_overlap({target.field: chosen for target in TARGETS if (chosen := bench.choose(target))})
    placed = {name: [dict(choice.candidate.spec) for choice in chosen] for name, chosen in fields.items()}
    for name in usual_names():
        if (name not in ("given", "family") or "name" not in placed) and (usual := bench.usual(name)):
            placed[name] = placed.get(name, []) + usual
    spec = {**bench.frame, "fields": {name: one[0] if len(one) == 1 else one for name, one in placed.items()}}
    spec["required"] = [name for name in ("name", "email") if name in spec["fields"]]
    spec["recognise"] = _recognise(samples)
    return _judged(samples, _ordered(spec), bench.compile)


@cache
def usual_names() -> Mapping[str, list[Mapping[str, Any]]]:
    """The names of the generic reader, by field. Who is credited, and the sender's own ids, are no matter of names."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for way in (shared("form_fields"), *shared("generic")["ways"]):
        for name, alternatives in way["fields"].items():
            if name not in _SENDERS_OWN:
                found.setdefault(name, []).extend(alternatives if isinstance(alternatives, list) else [alternatives])
    return found


_SENDERS_OWN = frozenset({"source", "contact_type", "external_id", "thread_id", "campaign", "agent", "co_applicant"})
_USUAL = "what senders usually call it"


class _Bench:
    """Candidates tried on all samples."""

    def __init__(self, samples: Sequence[Sample], frame: dict[str, Any]) -> None:
        self.frame = frame
        items = self.compile({}).items
        self.samples = [replace(sample, record=items(sample.record)[0]) for sample in samples]
        self.candidates = places.candidates(self.samples)

    def compile(self, fields: Mapping[str, Any]) -> FieldMap:
        return compile_map({**self.frame, "fields": fields, "required": [], "recognise": [{}]})

    def choose(self, target: Target) -> list[_Choice]:
        """The alternatives of a field, in order; empty when no place gives what was expected."""
        asserted = [
            i for i, one in enumerate(self.samples) if any(one.wanted.get(key) is not None for key in target.keys)
        ]
        if not asserted:
            return self._by_name(target)
        if target.field == "source" and len({str(one.wanted.get("source")) for one in self.samples}) == 1:
            return []  # one advertiser is what the map says, not what a payload does
        able = [one for one in self.candidates if _able(target, one)]
        tried = [choice for one in able if (choice := self._try(target, one, asserted)) is not None]
        tried.sort(key=lambda choice: choice.order)
        chosen: list[_Choice] = []
        covered: set[int] = set()
        for choice in tried:
            kind = next(iter(choice.candidate.spec))
            known = {next(iter(one.candidate.spec)) for one in chosen}
            if choice.right - covered or (chosen and kind not in known and target.field in _SEVERAL):
                chosen.append(choice)
                covered |= choice.right
            if len(chosen) == _MOST_ALTERNATIVES:
                break
        named = [one for one in self._by_name(target) if one.candidate.spec not in [c.candidate.spec for c in chosen]]
        return [*named, *chosen]

    def usual(self, field: str) -> list[dict[str, Any]]:
        """What senders in general call the field, as last alternatives: those that are wrong on no sample."""
        known = [spec for spec in usual_names().get(field, ()) if self._of_use(spec)]
        return [{**spec, "why": _USUAL} for spec in known if not self._ever_wrong({field: spec})]

    def _of_use(self, spec: Mapping[str, Any]) -> bool:
        keyed = isinstance(self.samples[0].record, KeyedRecord)
        return isinstance(self.samples[0].record, MailRecord) if "key" not in spec else keyed

    def _ever_wrong(self, fields: Mapping[str, Any]) -> bool:
        field_map = self.compile(fields)
        keys = {key for target in TARGETS if target.field in fields for key in target.keys}
        rows = [row_of(field_map.lead(sample.record, sample.received_at)) for sample in self.samples]
        pairs = list(zip(self.samples, rows, strict=True))
        return any(judge(key, sample.wanted, row) is Verdict.WRONG for sample, row in pairs for key in keys)

    def _by_name(self, target: Target) -> list[_Choice]:
        """No sample asserts the field, but a place is called exactly so: it may be filled tomorrow."""
        named = [
            (one, max(target.likeness(one.said), 0.0))
            for one in self.candidates
            if _called(one) and _able(target, one) and target.exactly(one.said)
        ]
        for one, likeness in sorted(named, key=lambda pair: (not _WANTED.search(spaced(pair[0].said)), pair[0].rank)):
            if not self._ever_wrong({target.field: one.spec}):
                return [_Choice(one, frozenset(), likeness)]
        return []

    def _try(self, target: Target, one: Candidate, asserted: Sequence[int]) -> _Choice | None:
        extractor = compile_one(one.spec)
        likely = False
        for index in asserted:
            sample = self.samples[index]
            text = extractor(Scene(sample.record, self._layout(one)))
            likely = likely or bool(text and target.plausible(sample.wanted, text))
        if not likely:
            return None
        field_map = self.compile({target.field: one.spec})
        right = set()
        for index, sample in enumerate(self.samples):
            row = row_of(field_map.lead(sample.record, sample.received_at))
            verdicts = [judge(key, sample.wanted, row) for key in target.keys]
            if Verdict.WRONG in verdicts:
                return None
            told = [row.get(key) for key in target.keys if sample.wanted.get(key) is not None]
            if told and Verdict.SILENT not in verdicts:
                right.add(index)
        likeness = target.likeness(one.said)
        if not right or (target.named and likeness < _NAMED_AT_LEAST and not self._telling(target, right)):
            return None
        return _Choice(one, frozenset(right), likeness)

    def _telling(self, target: Target, right: set[int]) -> bool:
        """Whether a place may be believed whatever it is called: it was right for values that differ."""
        told = {str([self.samples[index].wanted.get(key) for key in target.keys]) for index in right}
        return len(told) > 1

    def _layout(self, one: Candidate) -> Any:
        return self.compile({"message": one.spec}).layout if "label" in one.spec else self._bare_layout

    @property
    def _bare_layout(self) -> Any:
        return self.compile({}).layout


# Fields for which a second place of another kind is kept: what one mail lacks, the next may have.
_SEVERAL = frozenset({"name", "email", "phone", "property_name", "address", "message"})


# What the renter wants, not what the listing has.
_WANTED = re.compile(r"\b(sought|wanted|desired|preferred|requested|max)\b")


def _called(one: Candidate) -> bool:
    return (
        bool(one.said)
        and next(iter(one.spec)) in ("key", "label", "json", "meta", "xpath")
        and "multiline" not in one.spec
    )


def _able(target: Target, one: Candidate) -> bool:
    if target.field == "mailbox_tag":
        return one.spec.get("tag") == "mailbox"
    if one.spec.get("tag"):
        return False
    if "address_lines" in one.spec.get("convert", ()):
        return target.field == "address"
    if one.spec.get("multiline") or "block" in one.spec:
        return target.field == "message"
    return True


def _frame(samples: Sequence[Sample], map_id: str, owner: str, formats: list[str]) -> dict[str, Any]:
    """What a map says beside its fields. Labels nobody asked for still end the value above them."""
    source = next((str(one.wanted["source"]) for one in samples if one.wanted.get("source")), "")
    contact = next((str(one.wanted["contact_type"]) for one in samples if one.wanted.get("contact_type")), "form")
    names = places.labels(samples) if formats == ["email"] else _keys(samples)
    answers = answer_places(samples)
    relays = {
        str(one.wanted["email"]).rpartition("@")[2]
        for one in samples
        if one.wanted.get("relay_email") and one.wanted.get("email")
    }
    stops = [places.line_pattern(row) for row in places.anchors(samples)][:40] if formats == ["email"] else []
    return {
        "id": map_id,
        "version": 1,
        "owner": owner,
        "source": source if source in catalogue() else "other",
        "contact_type": contact,
        "formats": formats,
        "provenance": {
            "confidence": "inferred",
            "rests_on": [f"{len(samples)} sample payloads: {', '.join(sample.name for sample in samples)}"],
        },
        **({"relays": sorted(relays)} if relays else {}),
        **({"stops": stops} if stops else {}),
        **({"answers": answers} if answers else {}),
        "ignore": [name for name in names if not is_sensitive(name)],
        "sensitive": [name for name in names if is_sensitive(name)],
    }


def _keys(samples: Sequence[Sample]) -> list[str]:
    found: dict[str, None] = {}
    for sample in samples:
        if isinstance(sample.record, KeyedRecord):
            found.update(dict.fromkeys(sample.record.names))
    return list(found)[:200]


def _without_overlap(fields: dict[str, list[_Choice]]) -> dict[str, list[_Choice]]:
    """Given and family name apart are better than one name; details of pets than their bare presence."""
    both = "given" in fields and "family" in fields
    whole = max((len(choice.right) for choice in fields.get("name", [])), default=0)
    parts = min(max(len(c.right) for c in fields[side]) for side in ("given", "family")) if both else -1
    if "name" in fields and whole <= parts and fields["name"][0].candidate.rank > 1:
        del fields["name"]
    if not both or "name" in fields:
        fields.pop("given", None)
        fields.pop("family", None)
    if "bedrooms" in fields:
        fields.pop("beds_baths", None)
    if "pets" in fields:
        fields.pop("pet_details", None)
    if "property_id" in fields:
        fields.pop("listing_id", None)
    return fields


def _recognise(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    mails = [sample.record for sample in samples if isinstance(sample.record, MailRecord)]
    if mails:
        return _recognise_mails(samples, mails)
    trees = [sample.record.root for sample in samples if isinstance(sample.record, XmlRecord)]
    if trees:
        return [{"xpath": [f"self::{trees[0].tag}"]}]
    keyed = [sample.record for sample in samples if isinstance(sample.record, KeyedRecord)]
    common = [name for name in keyed[0].names if all(name in record.names for record in keyed)]
    # What only this sender calls so tells it best; everybody has an "email".
    common.sort(key=lambda name: max(target.exactly(name) for target in TARGETS))
    return [{"keys": common[:_FROM_LIMIT]}]


def _recognise_mails(samples: Sequence[Sample], mails: Sequence[MailRecord]) -> list[dict[str, Any]]:
    """By the sender when it is the same for all, else, and for mails that were handed on, by lines of the template."""
    sets: list[dict[str, Any]] = []
    renters = {str(one.wanted.get("email") or "").lower() for one in samples if not one.wanted.get("relay_email")}
    senders = sorted({mail.sender.address for mail in mails})
    if not renters & set(senders) and all(senders):
        same = len(senders) == 1 and not any(one.wanted.get("relay_email") for one in samples)
        domains = sorted({f"@{mail.sender.domain}" for mail in mails})
        sets.append({"from": senders if same else domains, "not_subject": _NO_INQUIRY})
    fixed = [row for row in places.anchors(samples) if len(row.split()) >= _TELLING_WORDS]
    if fixed:
        longest = sorted(fixed, key=len, reverse=True)[:_BODY_LIMIT]
        sets.append({"body": [places.line_pattern(row) for row in longest], "not_subject": _NO_INQUIRY})
    elif start := places.common_start(samples):
        sets.append({"subject": ["^" + places.literal(start)]})
    if not sets:
        names = places.labels(samples)[:3]
        sets.append({"body": [rf"^{places.literal(name)}\s*:" for name in names] or ["."]})
    return sets


# One sender sends leads and notices alike.
_NO_INQUIRY = [r"\b(application|payment|screening|password|invoice|webinar|report|newsletter|tips|code)\b"]


_ORDER = (
    "id", "version", "owner", "source", "contact_type", "formats", "provenance", "recognise", "answers", "required",
    "relays", "stops", "fields", "ignore", "sensitive",
)  # fmt: skip


def _ordered(spec: Mapping[str, Any]) -> dict[str, Any]:
    used = json.dumps(spec["fields"]).lower()
    slim = {**spec, "ignore": [name for name in spec["ignore"] if json.dumps(name).lower() not in used]}
    return {key: slim[key] for key in _ORDER if key in slim and (slim[key] or key in ("fields", "recognise"))}


def _judged(samples: Sequence[Sample], spec: dict[str, Any], compiled: Any) -> Proposal:
    field_map = compile_map(spec)
    rows = [row_of(field_map.lead(field_map.items(sample.record)[0], sample.received_at)) for sample in samples]
    placed, missing = [], []
    for key in dict.fromkeys(key for sample in samples for key in sample.wanted if key in rows[0]):
        asserted = [(s, r) for s, r in zip(samples, rows, strict=True) if s.wanted.get(key) is not None]
        if not asserted:
            continue
        right = sum(judge(key, sample.wanted, row) is Verdict.RIGHT for sample, row in asserted)
        placed.append(Placed(key, right, len(asserted), ""))
        if not right:
            missing.append(key)
    return Proposal(spec, tuple(placed), tuple(missing))


def lines(proposal: Proposal) -> Iterator[str]:
    """The proposal's account of itself, one line a key."""
    for one in proposal.placed:
        mark = "ok" if one.right == one.asserted else "not placed" if not one.right else "in part"
        yield f"{one.key:<20} {one.right}/{one.asserted}  {mark}"
