"""RealPage's wire: the envelopes that are sent, and its guest cards in our words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from leadsvc.workers.destinations.base import CardKind, ConfigItem, OutcomeKind, RemoteCard, RemotePerson
from leadsvc.workers.destinations.filling import Values
from leadsvc.workers.destinations.lenient import remote_id
from leadsvc.workers.destinations.local import cents, day, e164, moment_at, money, unmarked
from leadsvc.workers.destinations.tree import Node, every, first, said, verbatim
from leadsvc.workers.destinations.verdicts import sound

SPACE = "http://tempuri.org/"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
COMMENT_MAX = 2000
_MARK_ROOM = 60
_HEAD, OTHER = "H", "O"
"""What somebody is to the household of a guest card."""

_NORTH_AMERICAN = re.compile(r"\+1(\d{3})(\d{3})(\d{4})")
TEXT_MAX = COMMENT_MAX - _MARK_ROOM

Part = Mapping[str, object]
"""Elements by name, in order: text, a part in it, or a list of parts of one name."""


def envelope(method: str, auth: Part, part: Part) -> bytes:
    """The SOAP request of ``method``. What is blank is left out, but for the elements of ``auth``."""
    root = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"soapenv": ENVELOPE, "tem": SPACE})
    etree.SubElement(root, f"{{{ENVELOPE}}}Header")
    body = etree.SubElement(root, f"{{{ENVELOPE}}}Body")
    call = etree.SubElement(body, f"{{{SPACE}}}{method}")
    _fill(etree.SubElement(call, f"{{{SPACE}}}auth"), auth, keep=True)
    _fill(call, part)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def _fill(node: Node, part: Part, *, keep: bool = False) -> None:
    for name, value in part.items():
        for one in value if isinstance(value, list) else [value]:
            if one in ("", None, {}) and not keep:
                continue
            child = etree.SubElement(node, f"{{{SPACE}}}{name}")
            if isinstance(one, Mapping):
                _fill(child, one)
            else:
                child.text = sound(str(one)).replace("\ufffe", "").replace("\uffff", "")


# A service that reads by contract takes its elements in order, and drops without a word what comes too early.
_ORDER = (
    "pmcid",
    "siteid",
    "guestcardid",
    "createdate",
    "datecontact",
    "datefollowup",
    "primaryleadsource",
    "leasingagentid",
    "contacttype",
    "prospectcomment",
    "optionaltasknotes",
    "skipduplicatecheck",
    "daysbackduplicatecheck",
    "prospects",
    "preferences",
)


def in_order(part: Part) -> Part:
    """The parts of a guest card in the order in which they are written."""
    return {name: part[name] for name in _ORDER if name in part}


def phone_there(phone: str) -> str:
    """A phone as it is written there."""
    found = _NORTH_AMERICAN.fullmatch(phone)
    return f"+1 {found[1]}-{found[2]}-{found[3]}" if found else phone


def person(values: Values, relation: str) -> Part:
    """One person of a guest card."""
    phone = str(values.get("phone", ""))
    number = {"PhoneNumber": {"type": "Mobile", "number": phone_there(phone)}} if phone else {}
    return {
        "firstname": values.get("first_name", ""),
        "lastname": values.get("last_name", ""),
        "email": values.get("email", ""),
        "relationshipid": relation,
        "numbers": {"phonenumbers": number} if number else {},
    }


def guest_card(values: Values) -> Part:
    """The parts of a guest card that ``values`` speak of, but for its source."""
    rent = values.get("budget_max_cents")
    return {
        "leasingagentid": values.get("agent_ref", ""),
        "prospects": {"Prospect": person(values, _HEAD)},
        "preferences": {
            "dateneeded": values.get("move_in", ""),
            "floorplanid": values.get("floor_plan_ref", ""),
            "desiredrent": money(rent) if isinstance(rent, int) else "",
        },
    }


# Guest card status: the codes seen, and the words that installations show for them.
_STATUSES: Mapping[str, tuple[CardKind, OutcomeKind | None]] = {
    "s000000002": (CardKind.PROSPECT, None),
    "active": (CardKind.PROSPECT, None),
    "future": (CardKind.PROSPECT, None),
    "": (CardKind.PROSPECT, None),
    "s000000003": (CardKind.CLOSED, OutcomeKind.CANCELLED),
    "deleted": (CardKind.CLOSED, OutcomeKind.CANCELLED),
    "s000000004": (CardKind.CLOSED, OutcomeKind.LOST),
    "lost": (CardKind.CLOSED, OutcomeKind.LOST),
    "unqualified": (CardKind.CLOSED, OutcomeKind.LOST),
    "s000000005": (CardKind.CLOSED, OutcomeKind.OTHER),
    "closed": (CardKind.CLOSED, OutcomeKind.OTHER),
    "applicant": (CardKind.APPLICANT, OutcomeKind.APPLIED),
    "applied": (CardKind.APPLICANT, OutcomeKind.APPLIED),
    "approved": (CardKind.APPLICANT, OutcomeKind.APPROVED),
    "denied": (CardKind.CLOSED, OutcomeKind.DENIED),
    "leased": (CardKind.APPLICANT, OutcomeKind.LEASED),
    "moved in": (CardKind.RESIDENT, OutcomeKind.MOVED_IN),
    "resident": (CardKind.RESIDENT, OutcomeKind.MOVED_IN),
    "former": (CardKind.FORMER, None),
}
_TRUE = ("true", "1", "yes", "y")

# What an agent's activity says became of the card, by the beginning of its name.
_ACTIVITIES: tuple[tuple[str, OutcomeKind], ...] = (
    ("visit", OutcomeKind.TOURED),
    ("self-guided tour", OutcomeKind.TOURED),
    ("self guided tour", OutcomeKind.TOURED),
    ("tour", OutcomeKind.TOURED),
    ("appointment", OutcomeKind.TOUR_SCHEDULED),
    ("no show", OutcomeKind.NO_SHOW),
    ("phone", OutcomeKind.CONTACTED),
    ("call", OutcomeKind.CONTACTED),
    ("e-mail", OutcomeKind.CONTACTED),
    ("email", OutcomeKind.CONTACTED),
    ("text", OutcomeKind.CONTACTED),
    ("chat", OutcomeKind.CONTACTED),
    ("application", OutcomeKind.APPLIED),
    ("signature", OutcomeKind.LEASED),
)

# Contact type -> how an installation's own list of activity types may call it.
ACTIVITY_NAMES: Mapping[str, tuple[str, ...]] = {
    "email": ("e-mail", "email"),
    "form": ("internet", "e-mail", "email", "event"),
    "call": ("phone call", "phone", "call"),
    "text": ("text message", "text", "sms"),
    "chat": ("chat",),
    "walk_in": ("visit", "walk-in", "walk in"),
    "tour_booking": ("appointment", "event"),
    "note": ("notes", "note"),
}


def activity_type(kind: str, offered: Mapping[str, str]) -> str:
    """The id of the activity type for a contact type, of the ids by name that a site offers; a note where it has none
    that fits, and nothing where it has no note either."""
    by_name = {name.lower().strip(): each for name, each in offered.items()}
    for wanted in (*ACTIVITY_NAMES.get(kind, ()), *ACTIVITY_NAMES["note"]):
        if wanted in by_name:
            return by_name[wanted]
    return ""


def remote_card(node: Node, site: str, sources: Mapping[str, str]) -> RemoteCard:
    """A guest card of a search in our words. ``sources``: names by id."""
    people = every(first(node, "prospects"), "prospect")
    head = people[0] if people else None
    status = said(node, "propertystatus", "status")
    kind, _ = _STATUSES.get(status.lower(), (CardKind.OTHER, OutcomeKind.OTHER))
    phones = _phones(head)
    comment, our_key = unmarked(verbatim(first(node, "prospectcomment")))
    source = remote_id(said(node, "primaryleadsource"))
    fields = {
        **_person(head),
        "move_in": day(said(node, "dateneeded")),
        "budget_max_cents": cents(said(node, "desiredrent")),
        "floor_plan_ref": remote_id(said(first(node, "preferences"), "floorplanid")),
        "source_name": sources.get(source, source),
        "agent_ref": remote_id(said(node, "leasingagentid")),
        "comment": comment,
    }
    return RemoteCard(
        card_id=remote_id(said(node, "guestcardid")),
        person_id=remote_id(said(head, "customerid")),
        status=_flagged(node, kind),
        raw_status=status,
        property_ref=site,
        our_key=our_key,
        name=f"{fields['first_name']} {fields['last_name']}".strip(),
        emails=tuple(filter(None, (fields["email"],))),
        phones=phones,
        source=fields["source_name"],
        updated_at=moment_at(said(node, "modifieddate", "createdate"), "UTC"),
        fields={name: value for name, value in fields.items() if value},
        others=tuple(
            RemotePerson(
                person_id=remote_id(said(one, "customerid")),
                fields={name: value for name, value in _person(one).items() if value},
            )
            for one in people[1:]
        ),
    )


def _person(node: Node | None) -> dict[str, str]:
    return {
        "first_name": said(node, "firstname"),
        "last_name": said(node, "lastname"),
        "email": said(node, "email"),
        "phone": next(iter(_phones(node)), ""),
    }


def _phones(node: Node | None) -> tuple[str, ...]:
    each = (e164(said(one, "number")) for one in every(first(node, "numbers"), "phonenumber"))
    return tuple(filter(None, each))


def _flagged(node: Node, kind: CardKind) -> CardKind:
    if said(node, "statusislost").lower() in _TRUE:
        return CardKind.CLOSED
    return CardKind.APPLICANT if said(node, "statusisleased").lower() in _TRUE else kind


def status_outcome(node: Node) -> tuple[OutcomeKind, str, str] | None:
    """What the status of a guest card says became of it: the kind, their word, and the reason of a loss."""
    word = said(node, "propertystatus", "status")
    _, kind = _STATUSES.get(word.lower(), (CardKind.OTHER, OutcomeKind.OTHER))
    if said(node, "statusisleased").lower() in _TRUE:
        kind = OutcomeKind.LEASED
    elif said(node, "statusislost").lower() in _TRUE:
        kind = OutcomeKind.LOST
    return (kind, word, said(node, "lossreason", "losttrafficreason")) if kind is not None else None


def activity_outcome(name: str) -> OutcomeKind | None:
    """What an agent's activity says became of the card, by its name; ``None`` for one that says nothing."""
    low = name.lower().strip()
    return next((kind for word, kind in _ACTIVITIES if low.startswith(word)), None)


@dataclass(frozen=True, slots=True)
class Note:
    """An activity or follow-up of a guest card. ``at``: local to the site, as it stands there."""

    note_id: str
    card_id: str
    name: str
    text: str
    at: str
    agent: str
    is_task: bool
    done: bool


def notes(result: Node) -> Sequence[Note]:
    """The activities and follow-ups in an answer."""
    return [
        Note(
            note_id=remote_id(said(each, "activityid", "taskid", "noteid")),
            card_id=remote_id(said(each, "guestcardid")),
            name=said(each, "typename", "type"),
            text=verbatim(first(each, "comments") if first(each, "comments") is not None else first(each, "tasknotes")),
            at=said(each, "actiondate", "datefollowup"),
            agent=remote_id(said(each, "leasingagentid", "creatorid")),
            is_task=bool(said(each, "taskid")),
            done=said(each, "completed").lower() in _TRUE,
        )
        for each in every(result, "note")
    ]


def minute(at: str) -> str:
    """A local time to the minute, however much more of it was written."""
    return at.strip().replace(" ", "T")[:16]


def day_window(start: datetime, end: datetime) -> Part:
    """A search criterion's window, by days."""
    return {"datefrom": f"{start:%Y-%m-%d}", "dateto": f"{end:%Y-%m-%d}"}


def items(
    node: Node | None, item: str, ids: tuple[str, ...], names: tuple[str, ...], parent: str
) -> tuple[ConfigItem, ...]:
    """The entries of one of a site's lists."""
    return tuple(
        ConfigItem(
            remote_id=said(each, *ids),
            name=said(each, *names),
            code=said(each, "floorplancode") or said(each, *ids),
            parent=parent,
        )
        for each in every(node, item)
        if said(each, *ids)
    )
