"""The recogniser: gives each payload to exactly one field map, or says what it is instead. Pure.

Whatever comes in, the answer is a :class:`Reading`; nothing in a payload raises out of here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from leadsvc import canonical
from leadsvc.errors import Aside, Quarantine
from leadsvc.fieldmap import FieldMap, MapSet, NotLead, generic
from leadsvc.model import Claim, Delivered, ItemError, Lead, Reading, Verdict
from leadsvc.normalize.emails import is_vendor, without_tag
from leadsvc.normalize.records import KeyedRecord, MailRecord, Record
from leadsvc.parsers import email_mime, json_body, leadgen, records, xml_body

BY_HAND = "made_a_lead_by_hand"
_POINTER = "The sender names its leads by id only; they are fetched, and each becomes a receipt of its own."
_BRACKETED = re.compile(r"<([^>]{1,250})>")

# Forwards inside forwards; nobody passes a mail on more often than that by hand.
_DEEPEST = 2


_TEST = NotLead("test_lead", "Somebody tried the form or the feed: the name is a test.", False, lambda record: True)
_TEST_WORDS = frozenset({"test", "testing", "tester", "test1", "test2", "testuser", "lead", "testlead", "ignore"})


# Classes of bulk mail that a list of leads looks like.
_LISTS = frozenset({"report", "newsletter", "marketing"})


class _NotALead(Exception):
    """Carries the class of a payload out of the loop over its records."""

    def __init__(self, kind: NotLead) -> None:
        super().__init__(kind.cause)
        self.kind = kind


def read(delivered: Delivered, maps: MapSet) -> Reading:
    """What ``delivered`` holds: leads, nothing that is a lead, or something a person must look at.

    Relative dates ("ASAP") refer to the day of the mail, else to the day of ``received_at`` in its own offset. A list
    of records is read one by one; those that fail are in ``errors`` as long as another is a lead.
    """
    try:
        if delivered.map_hint == canonical.MAP_ID:
            return _canonical(json_body.load(delivered.body), delivered)
        found = records(delivered.body, delivered.content_type, delivered.headers)
        if pointers := leadgen.pointers(found):
            return Reading(Verdict.NOT_LEAD, cause="pointer", detail=_POINTER, pointers=pointers)
        if len(found) == 1:
            reading = _one(found[0], delivered, maps)
            return replace(reading, message_id=_message_id(found[0]), claim=_claim(found[0], reading, maps))
        return _each(found, lambda record: _one(record, delivered, maps))
    except Quarantine as error:
        return Reading(Verdict.QUARANTINE, cause=error.cause, detail=error.detail)
    except Aside as error:
        return Reading(Verdict.NOT_LEAD, cause=error.cause, detail=error.detail)
    except _NotALead as error:
        return Reading(Verdict.NOT_LEAD, cause=error.kind.cause, detail=error.kind.detail)


def _message_id(record: Record) -> str:
    found = _BRACKETED.search(record.header("message-id")) if isinstance(record, MailRecord) else None
    return found[1] if found else ""


def _claim(record: Record, reading: Reading, maps: MapSet) -> Claim | None:
    """What a mail says of where it comes from. It is the mail as it came that is judged, not one that it carries."""
    if not isinstance(record, MailRecord):
        return None
    written = tuple(email_mime.mailbox(each).address for each in record.headers.get("from", ()))
    results = record.headers.get("authentication-results", ())
    field_map = maps.maps.get(reading.map_id)
    senders, signers = (field_map.senders, field_map.dkim_domains) if field_map else ((), ())
    return Claim(reading.map_id, senders, signers, written, results, record.vouched)


def claimed(delivered: Delivered, maps: MapSet) -> list[tuple[FieldMap, Record]]:
    """The field map and the record, as it is to be read, of each record of ``delivered`` that a map reads, for tools
    that explain a reading. Raises :class:`Quarantine` for what cannot be read at all."""
    pairs: list[tuple[FieldMap, Record]] = []
    for record in records(delivered.body, delivered.content_type, delivered.headers):
        try:
            field_map, found = _claimed(record, delivered, maps)
        except (Quarantine, _NotALead):
            continue
        if field_map.reader == "fields":
            pairs.extend((field_map, item) for item in field_map.items(found))
    return pairs


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a person said that a receipt is: a lead or none, and what was entered in place of what can be read
    (``name``, ``email``, ``phone``, ``property``, ``message``)."""

    lead: bool
    entered: Mapping[str, str]


def ruled(delivered: Delivered, maps: MapSet, ruling: Ruling) -> Reading:
    """What ``delivered`` holds once a person has ruled. A lead still needs an address or a number: without one it is a
    quarantine (``missing_contact``)."""
    if not ruling.lead:
        return Reading(Verdict.NOT_LEAD, cause="dismissed", detail="A person looked at it and said that it is no lead.")
    reading = read(delivered, maps)
    leads = reading.leads or _whatever(delivered, maps)
    if not ruling.entered:
        made = tuple(_by_hand(lead, {}) for lead in leads)
    else:
        first = leads[0] if leads else generic.blank(delivered.channel, delivered.received_at)
        made = (_by_hand(first, ruling.entered), *leads[1:])
    made = tuple(lead for lead in made if lead.emails or lead.phones)
    if not made:
        detail = "Nobody could be reached: no e-mail address and no telephone number is in it. Enter one."
        return Reading(Verdict.QUARANTINE, cause="missing_contact", detail=detail)
    return replace(_leads(made, tuple(range(len(made))), ()), message_id=reading.message_id)


def _by_hand(lead: Lead, entered: Mapping[str, str]) -> Lead:
    return generic.entered(replace(lead, notes=tuple(dict.fromkeys((*lead.notes, BY_HAND)))), entered)


def _whatever(delivered: Delivered, maps: MapSet) -> tuple[Lead, ...]:
    """The best that can be read from what is said to be a lead: by the map that claims it, though it found nobody to
    reach, else generically."""
    try:
        found = records(delivered.body, delivered.content_type, delivered.headers)
    except (Quarantine, Aside):
        return ()
    leads: list[Lead] = []
    for record in found:
        candidates = inside_out(record)
        generically = _unmapped(candidates, delivered.received_at, asked=True)
        leads.extend(generically or _by_claiming_map(candidates, delivered, maps))
    return tuple(leads)


def _by_claiming_map(candidates: list[Record], delivered: Delivered, maps: MapSet) -> tuple[Lead, ...]:
    for candidate in candidates:
        for one in maps.claiming(candidate, delivered.map_hint):
            if one.reader == "fields":
                return tuple(one.lead(item, delivered.received_at) for item in one.items(candidate))
    return ()


class _Unclaimed(Quarantine):
    """No map reads a payload; ``candidates`` are what was offered to them."""

    def __init__(self, detail: str, candidates: list[Record]) -> None:
        super().__init__("unknown_layout", detail)
        self.candidates = candidates


def _one(record: Record, delivered: Delivered, maps: MapSet) -> Reading:
    if mails := _passed_on(record, delivered, maps):
        reading = _each(mails, lambda mail: _single(mail, delivered, maps))
        if reading.verdict is Verdict.LEADS:
            return reading
    return _single(record, delivered, maps)


def _passed_on(record: Record, delivered: Delivered, maps: MapSet) -> tuple[Record, ...]:
    """The mails that somebody attached to one mail to pass them on together; empty where there are fewer than two."""
    if not isinstance(record, MailRecord) or len(record.attached) < 2:
        return ()
    if maps.not_lead(record, first=True) or maps.claiming(record, delivered.map_hint):
        return ()
    mails = tuple(_attached(record))
    return mails if len(mails) > 1 else ()


def _single(record: Record, delivered: Delivered, maps: MapSet) -> Reading:
    try:
        field_map, claimed = _claimed(record, delivered, maps)
    except _Unclaimed as error:
        if (inner := _object_inside(error.candidates, delivered, maps)) is not None:
            return _one(inner, delivered, maps)
        wrapped = json_body.listed(record) if isinstance(record, KeyedRecord) and record.format == "json" else ()
        if wrapped:
            return _each(wrapped, lambda item: _one(item, delivered, maps))
        if delivered.map_hint is None and (leads := _unmapped(error.candidates, delivered.received_at)):
            return _leads(leads, tuple(range(len(leads))), ())
        raise
    if field_map.reader == "fields" and isinstance(claimed, MailRecord) and (listed := generic.parts(claimed)):
        leads = tuple(_listed(part, field_map, delivered.received_at) for part in listed)
        return _leads(leads, tuple(range(len(leads))), ())
    if field_map.reader == "canonical" and isinstance(claimed, KeyedRecord):
        return _canonical(claimed.root, delivered)
    items = field_map.items(claimed)
    if len(items) == 1:
        return _item(items[0], field_map, delivered)
    return _each(items, lambda item: _item(item, field_map, delivered))


def _object_inside(candidates: list[Record], delivered: Delivered, maps: MapSet) -> Record | None:
    """The one object in a JSON payload that a particular map reads, when there is exactly one."""
    objects = [
        inner
        for each in candidates
        if isinstance(each, KeyedRecord) and each.format == "json"
        for inner in json_body.inside(each)
    ]
    known = [
        inner
        for inner in objects
        if any(not one.general and one.reader == "fields" for one in maps.claiming(inner, delivered.map_hint))
    ]
    return known[0] if len(known) == 1 else None


def _item(item: Record, field_map: FieldMap, delivered: Delivered) -> Reading:
    if kind := field_map.not_lead(item):
        raise _NotALead(kind)
    try:
        lead = field_map.apply(item, delivered.received_at)
    except Quarantine as error:
        return Reading(
            Verdict.QUARANTINE,
            cause=error.cause,
            detail=error.detail,
            map_id=field_map.id,
            map_version=field_map.version,
        )
    if _is_test(lead):
        raise _NotALead(_TEST)
    return _leads((lead,), (0,), ())


def _listed(part: MailRecord, field_map: FieldMap, received_at: datetime) -> Lead:
    """One lead of a mail that lists several, by the map of its sender; what the map is not made for, generically."""
    lead = field_map.lead(part, received_at)
    if lead.name and (lead.emails or lead.phones):
        return lead
    found = generic.part(part, received_at)
    return replace(found, source=lead.source, contact_type=lead.contact_type) if found else lead


def _unmapped(candidates: list[Record], received_at: datetime, *, asked: bool = False) -> tuple[Lead, ...]:
    """The leads that the generic reader finds, looking at forwarded mails before those that carry them."""
    mails = [record for record in candidates if isinstance(record, MailRecord)]
    inside = [mail for mail in mails if mail.forwarder]
    outside: list[Record] = [record for record in candidates if record not in inside]
    for record in [*inside, *(outside if not inside or all(_is_no_renter(mail) for mail in inside) else ())]:
        if isinstance(record, MailRecord) and (listed := generic.parts(record)):
            return tuple(lead for part in listed if (lead := generic.part(part, received_at)) is not None)
        if (lead := generic.read(record, received_at, asked=asked)) is not None:
            if _is_test(lead) and not asked:
                raise _NotALead(_TEST)
            return (lead,)
    return ()


def _is_no_renter(mail: MailRecord) -> bool:
    """Whether a forwarded mail is an advertiser's or our own: then it may be the renter who passed it on."""
    address = mail.sender.address
    return not address or is_vendor(address) or without_tag(address) in {without_tag(each) for each in mail.recipients}


def _is_test(lead: Lead) -> bool:
    """Whether somebody tried a form: a name of nothing but "test", or such an address without another name."""
    words = lead.name.value.text.casefold().split() if lead.name else []
    local = lead.emails[0].value.address.partition("@")[0] if lead.emails else ""
    if words:
        return all(word in _TEST_WORDS for word in words) and "test" in "".join(words)
    return local in _TEST_WORDS and not lead.phones


def _each(found: tuple[Record, ...], read_one: Callable[[Record], Reading]) -> Reading:
    """The leads of several records. Those that are none are told in ``errors``; when no record is a lead, the first
    that a person must look at says what the payload is, else the first."""
    leads: list[Lead] = []
    positions: list[int] = []
    errors: list[ItemError] = []
    shift = 0  # where a record before brought more leads than one
    others: list[Reading] = []
    for index, record in enumerate(found):
        reading = _verdict(record, read_one)
        if reading.verdict is Verdict.LEADS:
            leads.extend(reading.leads)
            positions.extend(index + shift + place for place in range(len(reading.leads)))
            shift += len(reading.leads) - 1
            continue
        others.append(reading)
        inner = [replace(error, index=index + shift) for error in reading.errors]
        errors.extend(inner or [ItemError(index + shift, {"": (reading.detail,)})])
    if not leads:
        worst = next((one for one in others if one.verdict is Verdict.QUARANTINE), others[0])
        return replace(worst, errors=tuple(errors))
    return _leads(tuple(leads), tuple(positions), tuple(errors))


def _verdict(record: Record, read_one: Callable[[Record], Reading]) -> Reading:
    try:
        return read_one(record)
    except Quarantine as error:
        return Reading(Verdict.QUARANTINE, cause=error.cause, detail=error.detail)
    except _NotALead as error:
        return Reading(Verdict.NOT_LEAD, cause=error.kind.cause, detail=error.kind.detail)


def _leads(leads: tuple[Lead, ...], positions: tuple[int, ...], errors: tuple[ItemError, ...]) -> Reading:
    return Reading(
        Verdict.LEADS,
        leads=leads,
        positions=positions,
        errors=errors,
        map_id=leads[0].map_id,
        map_version=leads[0].map_version,
    )


def _canonical(root: object, delivered: Delivered) -> Reading:
    leads, positions, errors = canonical.leads_from_canonical(root, delivered.received_at)
    if leads:
        return _leads(leads, positions, errors)
    named = sorted({pointer or "/" for error in errors for pointer in error.errors})
    return Reading(
        Verdict.QUARANTINE,
        errors=errors,
        cause="invalid",
        detail=f"No item follows the canonical schema; see {', '.join(named)[:200]}.",
        map_id=canonical.MAP_ID,
        map_version=canonical.MAP_VERSION,
    )


def _claimed(record: Record, delivered: Delivered, maps: MapSet) -> tuple[FieldMap, Record]:
    """The one map that reads ``record``, and the record as it is to be read: unwrapped when it came by hand."""
    if kind := maps.not_lead(record, first=True):
        raise _NotALead(kind)
    hint = delivered.map_hint
    candidates = inside_out(record)
    for candidate in candidates:
        claiming = maps.claiming(candidate, hint)
        if len(claiming) > 1:
            names = ", ".join(one.id for one in claiming)
            raise Quarantine("ambiguous", f"The field maps {names} all claim this payload. Make one more particular.")
        if claiming:
            return claiming[0], candidate
    for candidate in candidates:
        if (kind := maps.not_lead(candidate, first=False)) and not (kind.cause in _LISTS and _is_list(candidate)):
            raise _NotALead(kind)
    if hint is not None:
        detail = f"This is not what field map {hint} of this feed reads. Compare it with the map, then replay."
        raise _Unclaimed(detail, candidates)
    detail = "No field map recognises this payload, and it names no renter. Add or widen a map, then replay it."
    raise _Unclaimed(detail, candidates)


def _is_list(record: Record) -> bool:
    return isinstance(record, MailRecord) and bool(generic.parts(record))


def inside_out(record: Record) -> list[Record]:
    """``record``, the mails in it, and first the XML that is one's text or attachment. They are looked at from the
    inside out: what was passed on may be what a map reads, with the forwarder as its sender."""
    if not isinstance(record, MailRecord):
        return [record]
    mails = [*reversed(_inside(record)), record]
    documents = (xml_body.in_mail(mail) for mail in mails)
    return [*(document for document in documents if document), *mails]


def _attached(record: MailRecord) -> Iterator[MailRecord]:
    for attached in record.attached:
        try:
            mail = email_mime.read(attached, {})
        except Quarantine:
            continue  # the outer mail is what is judged then
        yield replace(mail, recipients=record.recipients + mail.recipients, forwarder=record.sender.address)


def _inside(record: MailRecord, depth: int = 0) -> list[MailRecord]:
    """Mails that somebody forwarded in ``record``: in its text, or attached whole, and those in them. They keep its
    recipients, which is where the property's mailbox tag is."""
    found: list[MailRecord] = []
    if (inner := record.unwrapped(email_mime.mailbox)) is not None:
        found.append(inner)
    found.extend(_attached(record))
    if depth < _DEEPEST:
        found.extend(deeper for each in tuple(found) for deeper in _inside(each, depth + 1))
    return found
