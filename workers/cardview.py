"""What a push needs to know of its card, read in one go just before the call, so that it sends the present state."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, func, select

from leadsvc.ids import digest_uuid
from leadsvc.normalize.sensitive import kinds_of
from leadsvc.resolve.golden import shown
from leadsvc.store.tables import (
    agents,
    attempts,
    deliveries,
    floor_plans,
    guest_cards,
    inquiries,
    name_answers,
    properties,
    prospects,
    remote_refs,
    tasks,
    units,
)
from leadsvc.workers.claim import Claimed


@dataclass(frozen=True, slots=True)
class Host:
    """The card whose record at the destination another may share, as the destination must be asked for it."""

    remote_id: str
    key: str
    email: str
    phone: str


@dataclass(slots=True)
class CardView:
    """The root card (what is pushed), beside the card the delivery was made for (``card_id``). ``source_there``: our
    source -> its name at the destination, where a person said it. ``also_owed``: deliveries of the card that say
    nothing more than this one. ``calls``: remote calls it cost in the last day. ``home``: the account that creates
    cards of this property, ``home_remote_id`` what it has made of this one, since ``home_since``; ``may_create``:
    whether the destination may be given a prospect that it does not have. ``shared``: its remote record is that of
    ``host``, a card of the same household (``own_shared``: so is that of the delivery's own card); ``covered``: a
    follow-up of another card is open there."""

    card_id: uuid.UUID
    root_id: uuid.UUID
    key: str
    keys: frozenset[str]
    prospect_id: uuid.UUID
    prospect_key: str
    property_ref: str
    today: date
    first_source: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    move_in: date | None = None
    bedrooms: tuple[int | None, int | None] = (None, None)
    budget_max_cents: int | None = None
    floor_plan_ref: str = ""
    unit_ref: str = ""
    agent_ref: str = ""
    comment: str = ""
    remote_card_id: str = ""
    own_remote_card_id: str = ""
    gone_remote_card_id: str = ""
    pushed: Mapping[str, str] = field(default_factory=dict)
    event: Mapping[str, Any] = field(default_factory=dict)
    task: Mapping[str, Any] = field(default_factory=dict)
    standing: str = ""
    source_there: dict[str, str] = field(default_factory=dict)
    time_zone: str = "UTC"
    delivery_key: str = ""
    also_owed: tuple[uuid.UUID, ...] = ()
    calls: int = 0
    home: str = ""
    home_remote_id: str = ""
    home_since: datetime | None = None
    may_create: bool = True
    shared: bool = False
    own_shared: bool = False
    host: Host | None = None
    covered: bool = False

    @property
    def merged(self) -> bool:
        """Whether the delivery's own card is part of another by now."""
        return self.card_id != self.root_id


def card_view(connection: Connection, claimed: Claimed, now: datetime, keeps: frozenset[str] = frozenset()) -> CardView:
    """Read everything about the card of ``claimed``. ``keeps``: the kinds of sensitive answers its account needs."""
    also_owed = _also_owed(connection, claimed)  # before the card: what is owed later may say more than is read here
    row = connection.execute(_CARD, {"card": claimed.guest_card_id}).mappings().one()
    family = connection.execute(_FAMILY, {"root": row["id"]}).all()
    golden = shown(row["golden"], row["edits"])
    name = golden.get("name") or {}
    zone = ZoneInfo(row["time_zone"] or "UTC")
    low_high = golden.get("bedrooms") or {}
    view = CardView(
        card_id=claimed.guest_card_id,
        delivery_key=claimed.id.hex,
        root_id=row["id"],
        key=row["key"],
        keys=frozenset(each.key for each in family),
        prospect_id=row["person_id"],
        prospect_key=row["person_key"],
        property_ref=row["property_ref"] or "",
        today=now.astimezone(zone).date(),
        first_source=row["first_source"],
        first_name=name.get("given", ""),
        last_name=name.get("family", ""),
        email=golden.get("email") or "",
        phone=golden.get("phone") or "",
        move_in=_move_in(golden.get("move_in")),
        bedrooms=(_whole(low_high.get("low")), _whole(low_high.get("high"))),
        budget_max_cents=_whole((golden.get("budget_cents") or {}).get("high")),
        floor_plan_ref=row["floor_plan_ref"] or "",
        unit_ref=row["unit_ref"] or "",
        comment=_comment(golden),
        standing=row["standing"],
        time_zone=zone.key,
        also_owed=also_owed,
        calls=_calls(connection, claimed, now),
        home=row["home"] or "",
    )
    _add_refs(connection, claimed, view)
    _add_subject(connection, claimed, view, keeps)
    _add_source(connection, claimed, view)
    return view


def _also_owed(connection: Connection, claimed: Claimed) -> tuple[uuid.UUID, ...]:
    if claimed.kind not in {"prospect", "task"}:
        return ()
    lane = {"destination": claimed.destination, "lane": claimed.lane_id, "card": claimed.guest_card_id}
    mine = {"kind": claimed.kind, "subject": claimed.subject_id, "self": claimed.id}
    return tuple(connection.execute(_ALSO_OWED, lane | mine).scalars())


def _calls(connection: Connection, claimed: Claimed, now: datetime) -> int:
    since = now - timedelta(days=1)
    told = {"destination": claimed.destination, "card": claimed.guest_card_id, "since": since}
    return int(connection.execute(_CALLS, told).scalar_one())


def _add_source(connection: Connection, claimed: Claimed, view: CardView) -> None:
    if claimed.kind not in {"prospect", "event"}:
        return
    source = view.event["source"] if view.event else view.first_source
    asked = {"name": digest_uuid("source", claimed.destination, source), "today": view.today}
    said = connection.execute(_SOURCE, asked).scalar()
    if said is not None:
        view.source_there[source] = said


def _move_in(found: Mapping[str, Any] | None) -> date | None:
    on = (found or {}).get("on")
    return date.fromisoformat(on) if on else None


def _whole(value: Any) -> int | None:
    return int(value) if value is not None else None


def _comment(golden: Mapping[str, Any]) -> str:
    """The renter's wishes that have no field of their own, in a line."""
    words = [
        f"Move-in: {(golden.get('move_in') or {}).get('words')}" if (golden.get("move_in") or {}).get("words") else ""
    ]
    words.append(f"Occupants: {golden['occupants']}" if golden.get("occupants") else "")
    pets = golden.get("pets")
    words.append(f"Pets: {pets.get('details') or ('yes' if pets.get('has') else 'no')}" if pets else "")
    words.append(f"Lease: {golden['lease_term_months']} months" if golden.get("lease_term_months") else "")
    return ". ".join(filter(None, words))


def _extras(lead: Mapping[str, Any], keeps: frozenset[str]) -> Iterator[str]:
    """The sensitive answers this account is owed, a line each. Another account may need others of the same lead."""
    for name, text in (lead.get("extras") or {}).items():
        if (kinds := kinds_of(name)) and kinds <= keeps:
            yield f"{name.capitalize()}: {text}"


def _add_refs(connection: Connection, claimed: Claimed, view: CardView) -> None:
    wanted = {
        "destinations": list({claimed.destination, view.home}),
        "cards": list({view.root_id, claimed.guest_card_id}),
    }
    for ref in connection.execute(_REFS, wanted):
        if ref.destination == view.home and ref.entity_id == view.root_id and ref.live:
            view.home_remote_id, view.home_since = ref.remote_id, ref.at
        if ref.destination != claimed.destination:
            continue
        if ref.entity_id == view.root_id and ref.live:
            view.remote_card_id, view.pushed, view.shared = ref.remote_id, ref.pushed, ref.shared
        if ref.entity_id == claimed.guest_card_id:
            if ref.live:
                view.own_remote_card_id, view.own_shared = ref.remote_id, ref.shared
            elif not ref.shared:
                view.gone_remote_card_id = ref.remote_id


def _add_subject(connection: Connection, claimed: Claimed, view: CardView, keeps: frozenset[str]) -> None:
    if claimed.kind == "event":
        row = connection.execute(select(inquiries).where(inquiries.c.id == claimed.subject_id)).one()
        lead = row.lead
        message = (lead.get("message") or {}).get("value") or "(no message)"
        view.event = {
            "kind": row.contact_type,
            "at": row.occurred_at,
            "text": "\n".join((message, *_extras(lead, keeps))),
            "source": row.source,
            "revision": row.revision,
        }
    elif claimed.kind == "task":
        found = connection.execute(select(tasks).where(tasks.c.id == claimed.subject_id)).mappings().one_or_none()
        view.task = dict(found) if found else {}
    if claimed.kind in {"task", "event", "prospect"}:
        view.agent_ref = connection.execute(_AGENT, {"card": view.root_id}).scalar() or ""


# Made once: a statement of many columns takes longer to make than to carry out.
_root, _own, _person = guest_cards.alias("root"), guest_cards.alias("own"), prospects.alias("person")
_home = prospects.alias("home")
_CARD = (
    select(
        _root.c.id,
        _root.c.key,
        _root.c.first_source,
        _person.c.id.label("person_id"),
        _person.c.key.label("person_key"),
        _person.c.golden,
        _person.c.edits,
        _person.c.standing,
        properties.c.remote_id.label("property_ref"),
        properties.c.destination.label("home"),
        properties.c.time_zone,
        floor_plans.c.remote_id.label("floor_plan_ref"),
        units.c.remote_id.label("unit_ref"),
    )
    .select_from(
        _own.join(_root, _root.c.id == _own.c.root_id)
        .join(_home, _home.c.id == _root.c.prospect_id)
        .join(_person, _person.c.id == _home.c.root_id)
        .outerjoin(properties, properties.c.id == _root.c.property_id)
        .outerjoin(floor_plans, floor_plans.c.id == _root.c.floor_plan_id)
        .outerjoin(units, units.c.id == _root.c.unit_id)
    )
    .where(_own.c.id == bindparam("card"))
)
_FAMILY = select(guest_cards.c.id, guest_cards.c.key).where(guest_cards.c.root_id == bindparam("root"))
_ALSO_OWED = select(deliveries.c.id).where(
    deliveries.c.destination == bindparam("destination"),
    deliveries.c.lane_id == bindparam("lane"),
    deliveries.c.guest_card_id == bindparam("card"),
    deliveries.c.kind == bindparam("kind"),
    deliveries.c.subject_id == bindparam("subject"),
    deliveries.c.state.in_(("pending", "retry")),
    deliveries.c.id != bindparam("self"),
    deliveries.c.override == {},
)
_CALLS = (
    select(func.coalesce(func.sum(attempts.c.calls), 0))
    .join(deliveries, deliveries.c.id == attempts.c.delivery_id)
    .where(
        deliveries.c.guest_card_id == bindparam("card"),
        deliveries.c.destination == bindparam("destination"),
        attempts.c.started_at > bindparam("since"),
    )
)
_SOURCE = (
    select(name_answers.c.target)
    .where(
        name_answers.c.name_id == bindparam("name"),
        name_answers.c.revoked_at.is_(None),
        name_answers.c.valid_from.is_(None) | (name_answers.c.valid_from <= bindparam("today")),
        name_answers.c.valid_to.is_(None) | (name_answers.c.valid_to >= bindparam("today")),
    )
    .order_by(name_answers.c.made_at.desc(), name_answers.c.id.desc())
    .limit(1)
)
_REFS = (
    select(remote_refs)
    .where(
        remote_refs.c.destination.in_(bindparam("destinations", expanding=True)),
        remote_refs.c.kind == "card",
        remote_refs.c.entity_id.in_(bindparam("cards", expanding=True)),
    )
    .order_by(remote_refs.c.at)
)
_AGENT = (
    select(tasks.c.assignee)
    .select_from(tasks.join(agents, (agents.c.remote_id == tasks.c.assignee) & agents.c.active))
    .where(tasks.c.guest_card_id == bindparam("card"), tasks.c.kind == "first_contact")
    .order_by(tasks.c.created_at)
    .limit(1)
)
