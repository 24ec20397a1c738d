"""What pushes need to know of their cards, read in one go just before the calls: the present state is what is sent."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, RowMapping, bindparam, func, select

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
from leadsvc.workers.claim import CLOSED_WORDS, READY_WORDS, Claimed, unindexed


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
    return card_views(connection, [claimed], now, keeps)[0]


def card_views(
    connection: Connection, taken: Sequence[Claimed], now: datetime, keeps: frozenset[str] = frozenset()
) -> list[CardView]:
    """The cards of ``taken``, deliveries of one account, in their order: as many statements for many as for one."""
    also_owed = _also_owed(connection, taken)  # before the cards: what is owed later may say more than is read here
    wanted = {"cards": list({each.guest_card_id for each in taken})}
    rows = {row["own_id"]: row for row in connection.execute(_CARDS, wanted).mappings()}
    keys = _family_keys(connection, {row["id"] for row in rows.values()})
    calls = _calls(connection, taken, now)
    views = []
    for claimed in taken:
        row = rows[claimed.guest_card_id]
        view = _seen(claimed, row, now)
        view.keys, view.also_owed = keys[row["id"]], also_owed.get(claimed.id, ())
        view.calls = calls.get(claimed.guest_card_id, 0)
        views.append(view)
    pairs = list(zip(taken, views, strict=True))
    _add_refs(connection, pairs)
    _add_subjects(connection, pairs, keeps)
    _add_agents(connection, pairs)
    _add_sources(connection, pairs)
    return views


def _seen(claimed: Claimed, row: RowMapping, now: datetime) -> CardView:
    golden = shown(row["golden"], row["edits"])
    name = golden.get("name") or {}
    zone = ZoneInfo(row["time_zone"] or "UTC")
    low_high = golden.get("bedrooms") or {}
    return CardView(
        card_id=claimed.guest_card_id,
        delivery_key=claimed.id.hex,
        root_id=row["id"],
        key=row["key"],
        keys=frozenset(),
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
        home=row["home"] or "",
    )


def _also_owed(connection: Connection, taken: Sequence[Claimed]) -> Mapping[uuid.UUID, tuple[uuid.UUID, ...]]:
    """Other deliveries that say the same, by the delivery."""
    mine = {(each.lane_id, *_about(each)): each.id for each in taken if each.kind in {"prospect", "task"}}
    if not mine:
        return {}
    found: defaultdict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    lanes, subjects = ({key[part] for key in mine} for part in (0, -1))
    asked = {"destination": taken[0].destination, "lanes": list(lanes), "subjects": list(subjects)}
    for row in connection.execute(_WAITING, asked):
        same = mine.get((row.lane_id, *_about(row)))
        if same is not None and same != row.id:
            found[same].append(row.id)
    return {one: tuple(others) for one, others in found.items()}


def _about(delivery: Any) -> tuple[uuid.UUID, str, uuid.UUID]:
    return delivery.guest_card_id, delivery.kind, delivery.subject_id


def _family_keys(connection: Connection, roots: Collection[uuid.UUID]) -> Mapping[uuid.UUID, frozenset[str]]:
    """The keys of all cards that have become part of each root, and its own."""
    found: defaultdict[uuid.UUID, set[str]] = defaultdict(set)
    for row in connection.execute(_FAMILIES, {"roots": list(roots)}):
        found[row.root_id].add(row.key)
    return {root: frozenset(keys) for root, keys in found.items()}


def _calls(connection: Connection, taken: Sequence[Claimed], now: datetime) -> Mapping[uuid.UUID, int]:
    cards = list({each.guest_card_id for each in taken})
    told = {"destination": taken[0].destination, "cards": cards, "since": now - timedelta(days=1)}
    return {row.guest_card_id: int(row.calls) for row in connection.execute(_CALLS, told)}


def _add_sources(connection: Connection, pairs: Iterable[tuple[Claimed, CardView]]) -> None:
    asked: defaultdict[uuid.UUID, list[tuple[str, CardView]]] = defaultdict(list)
    for claimed, view in pairs:
        if claimed.kind in {"prospect", "event"}:
            source = view.event["source"] if view.event else view.first_source
            asked[digest_uuid("source", claimed.destination, source)].append((source, view))
    if not asked:
        return
    for row in connection.execute(_SOURCES, {"names": list(asked)}):
        for source, view in asked[row.name_id]:
            begun = row.valid_from is None or row.valid_from <= view.today
            if begun and (row.valid_to is None or row.valid_to >= view.today):
                view.source_there.setdefault(source, row.target)


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


def _add_refs(connection: Connection, pairs: Sequence[tuple[Claimed, CardView]]) -> None:
    wanted = {
        "destinations": list({name for claimed, view in pairs for name in (claimed.destination, view.home)}),
        "cards": list({card for _, view in pairs for card in (view.root_id, view.card_id)}),
    }
    known: defaultdict[uuid.UUID, list[Any]] = defaultdict(list)
    for ref in connection.execute(_REFS, wanted):
        known[ref.entity_id].append(ref)
    for claimed, view in pairs:
        for ref in known.get(view.root_id, ()):
            if ref.live and ref.destination == view.home:
                view.home_remote_id, view.home_since = ref.remote_id, ref.at
            if ref.live and ref.destination == claimed.destination:
                view.remote_card_id, view.pushed, view.shared = ref.remote_id, ref.pushed, ref.shared
        for ref in known.get(view.card_id, ()):
            if ref.destination != claimed.destination:
                continue
            if ref.live:
                view.own_remote_card_id, view.own_shared = ref.remote_id, ref.shared
            elif not ref.shared:
                view.gone_remote_card_id = ref.remote_id


def _add_subjects(connection: Connection, pairs: Sequence[tuple[Claimed, CardView]], keeps: frozenset[str]) -> None:
    """What the deliveries of events and tasks tell of."""
    events = [claimed.subject_id for claimed, _ in pairs if claimed.kind == "event"]
    due = [claimed.subject_id for claimed, _ in pairs if claimed.kind == "task"]
    told = {row.id: row for row in connection.execute(_INQUIRIES, {"ids": events})} if events else {}
    open_ = {row["id"]: row for row in connection.execute(_TASKS, {"ids": due}).mappings()} if due else {}
    for claimed, view in pairs:
        if claimed.kind == "event":
            view.event = _event(told[claimed.subject_id], keeps)
        elif claimed.kind == "task":
            view.task = dict(open_.get(claimed.subject_id, {}))


def _event(row: Any, keeps: frozenset[str]) -> Mapping[str, Any]:
    message = (row.lead.get("message") or {}).get("value") or "(no message)"
    return {
        "kind": row.contact_type,
        "at": row.occurred_at,
        "text": "\n".join((message, *_extras(row.lead, keeps))),
        "source": row.source,
        "revision": row.revision,
    }


def _add_agents(connection: Connection, pairs: Iterable[tuple[Claimed, CardView]]) -> None:
    cards = {view.root_id for claimed, view in pairs if claimed.kind in {"task", "event", "prospect"}}
    if not cards:
        return
    first: dict[uuid.UUID, str] = {}
    for row in connection.execute(_AGENTS, {"cards": list(cards)}):
        first.setdefault(row.guest_card_id, row.assignee)
    for claimed, view in pairs:
        if claimed.kind in {"task", "event", "prospect"}:
            view.agent_ref = first.get(view.root_id) or ""


# Made once: a statement of many columns takes longer to make than to carry out.
_root, _own, _person = guest_cards.alias("root"), guest_cards.alias("own"), prospects.alias("person")
_home = prospects.alias("home")
_CARDS = (
    select(
        _own.c.id.label("own_id"),
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
    .where(_own.c.id.in_(bindparam("cards", expanding=True)))
)
_FAMILIES = select(guest_cards.c.root_id, guest_cards.c.key).where(
    guest_cards.c.root_id.in_(bindparam("roots", expanding=True))
)
_WAITING = (
    select(
        deliveries.c.id,
        deliveries.c.lane_id,
        deliveries.c.guest_card_id,
        deliveries.c.kind,
        deliveries.c.subject_id,
    )
    .where(
        deliveries.c.destination == bindparam("destination"),
        deliveries.c.lane_id.in_(bindparam("lanes", expanding=True)),
        deliveries.c.subject_id.in_(bindparam("subjects", expanding=True)),
        deliveries.c.state.in_(READY_WORDS),
        deliveries.c.state.not_in(CLOSED_WORDS),  # says nothing more, but is what the index of lanes says
        deliveries.c.override == {},
    )
    .order_by(deliveries.c.seq)
)
_CALLS = (
    select(deliveries.c.guest_card_id, func.sum(attempts.c.calls).label("calls"))
    .join(deliveries, deliveries.c.id == attempts.c.delivery_id)
    .where(
        deliveries.c.guest_card_id.in_(bindparam("cards", expanding=True)),
        unindexed(deliveries.c.destination) == bindparam("destination"),
        attempts.c.started_at > bindparam("since"),
    )
    .group_by(deliveries.c.guest_card_id)
)
_SOURCES = (
    select(name_answers.c.name_id, name_answers.c.target, name_answers.c.valid_from, name_answers.c.valid_to)
    .where(name_answers.c.name_id.in_(bindparam("names", expanding=True)), name_answers.c.revoked_at.is_(None))
    .order_by(name_answers.c.made_at.desc(), name_answers.c.id.desc())
)
_INQUIRIES = select(
    inquiries.c.id,
    inquiries.c.lead,
    inquiries.c.contact_type,
    inquiries.c.occurred_at,
    inquiries.c.source,
    inquiries.c.revision,
).where(inquiries.c.id.in_(bindparam("ids", expanding=True)))
_TASKS = select(tasks).where(tasks.c.id.in_(bindparam("ids", expanding=True)))
_REFS = (
    select(remote_refs)
    .where(
        remote_refs.c.destination.in_(bindparam("destinations", expanding=True)),
        remote_refs.c.kind == "card",
        remote_refs.c.entity_id.in_(bindparam("cards", expanding=True)),
    )
    .order_by(remote_refs.c.at)
)
_AGENTS = (
    select(tasks.c.guest_card_id, tasks.c.assignee)
    .select_from(tasks.join(agents, (agents.c.remote_id == tasks.c.assignee) & agents.c.active))
    .where(tasks.c.guest_card_id.in_(bindparam("cards", expanding=True)), tasks.c.kind == "first_contact")
    .order_by(tasks.c.created_at)
)
