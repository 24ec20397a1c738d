"""The simulated PMS as a destination. It stands for the careless kind: nothing makes its writes repeatable, so each
write looks first, and looks again whenever an answer leaves a doubt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from leadsvc.workers.destinations import simpms_wire as wire
from leadsvc.workers.destinations.base import (
    Capabilities,
    CardKind,
    CardPush,
    ConfigKind,
    ConfigPage,
    NativeKey,
    Outcome,
    OutcomePage,
    Query,
    RemoteCard,
    Result,
    UpdateMode,
)
from leadsvc.workers.destinations.filling import Outgoing, Values, as_text, fill, outgoing, same, with_fallbacks
from leadsvc.workers.destinations.presence import confirmed, doubtful
from leadsvc.workers.destinations.simpms_history import EVENT_TEXT_MAX, History
from leadsvc.workers.destinations.simpms_line import read
from leadsvc.workers.destinations.simpms_wire import classify as classify

CAPABILITIES = Capabilities(
    native_key=NativeKey.NONE,
    returns_card_id="always",
    update_mode=UpdateMode.VERSIONED,
    verify="get",
    needs_source=True,
    has_task=True,
    has_appointment=True,
    has_event=True,
    can_merge=True,
    find_by=("our_key", "remote_id", "email", "phone"),
    max_len={
        "first_name": 40,
        "last_name": 40,
        "email": 80,
        "phone": 20,
        "comment": 2000,
        "event_text": EVENT_TEXT_MAX,
    },
)
_NOT_EDITABLE = (CardKind.RESIDENT, CardKind.FORMER)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class SimPms(History):
    """One account at a simulated PMS."""

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    def check(self) -> Result:
        return self._ask("check", "GET", "ping")[0]

    def pull_config(self, kind: ConfigKind, cursor: str = "") -> tuple[Result, ConfigPage]:
        path = f"config/{wire.CONFIG_LISTS[kind]}"
        result, answer = self._ask("pull_config", "GET", path, params={"page": cursor or "1"})
        items = tuple(wire.config_item(item) for item in wire.objects(answer.get("items"))) if result.ok else ()
        return result, ConfigPage(items=items, next_cursor=wire.text(answer.get("next_page")))

    # Finding

    def find_prospect(self, query: Query) -> tuple[Result, tuple[RemoteCard, ...]]:
        result = Result(outcome=Outcome.ACCEPTED, empty=True)
        for result, cards in self._by_id(query):
            if cards or not result.ok:
                return result, cards
        found: dict[str, RemoteCard] = {}
        for name, value in (("email", query.email), ("phone", query.phone)):
            if value:
                result, cards = self._search({name: value, "property_id": query.property_ref})
                if not result.ok:
                    return result, ()
                found |= {card.card_id: card for card in cards}
        newest_first = sorted(found.values(), key=lambda card: card.updated_at or _LONG_AGO, reverse=True)
        return replace(result, empty=not found), tuple(newest_first)

    def _by_id(self, query: Query) -> Iterator[tuple[Result, tuple[RemoteCard, ...]]]:
        """What our key finds, then what the vendor's id finds; a card merged away is answered by its survivor."""
        if query.our_key:
            result, cards = self._search({"third_party_id": query.our_key})
            yield self._living(result, cards)
        if query.remote_id:
            result, card = self.get_card(query.remote_id)
            yield self._living(result, (card,) if card else ())

    def _living(self, result: Result, cards: tuple[RemoteCard, ...]) -> tuple[Result, tuple[RemoteCard, ...]]:
        alive = {card.card_id: card for card in cards if not card.merged_into}
        for card in cards:
            if card.merged_into and result.ok:
                result, survivor = self._survivor(card)
                alive |= {survivor.card_id: survivor} if survivor else {}
        return replace(result, empty=not alive), tuple(alive.values()) if result.ok else ()

    def _search(self, words: Mapping[str, str]) -> tuple[Result, tuple[RemoteCard, ...]]:
        params = {name: value for name, value in words.items() if value}
        result, answer = self._ask("search_cards", "GET", "guest-cards", params=params)
        found = wire.objects(answer.get("guest_cards")) if result.ok else []
        return result, tuple(wire.remote_card(item) for item in found)

    def _ours(self, our_key: str) -> tuple[Result, RemoteCard | None]:
        """The card that carries our key; of several the same one each time."""
        result, cards = self.find_prospect(Query(our_key=our_key))
        return result, min(cards, key=lambda one: one.card_id, default=None)

    # Writing

    def put_prospect(self, card: CardPush, known: RemoteCard | None) -> Result:
        if known is None:
            result, known = self._ours(card.our_key)
            if not result.ok:
                return result
        elif known.merged_into:
            result, known = self._survivor(known)
            if known is None:
                return result
        sent = outgoing(card, self._profile, CAPABILITIES)
        return self._create(card, sent) if known is None else self._update(card, sent, known)

    def _create(self, card: CardPush, sent: Outgoing) -> Result:
        ours = {
            "property_id": card.property_ref,
            "third_party_id": card.our_key,
            "third_party_person_id": card.person_key,
        }
        result, _ = self._ask("create_card", "POST", "guest-cards", json={**_their_names(sent.values), **ours})
        other = with_fallbacks(sent, result.field_errors, self._profile)
        if other is not None:
            return self._create(card, other)
        result = replace(result, fallbacks=sent.fallbacks)
        if not self._to_be_read(result):
            return replace(result, written=as_text(sent.values)) if result.ok else result
        looked, there = self._ours(card.our_key)
        looked = read(looked, there) if there else looked
        return confirmed(replace(result, written=as_text(sent.values)), looked, there is not None)

    def _update(self, card: CardPush, sent: Outgoing, known: RemoteCard, again: bool = True) -> Result:
        changes, kept = fill(sent, known, card, self._profile)
        done = read(Result(outcome=Outcome.DUPLICATE, kept=kept, fallbacks=sent.fallbacks), known)
        if known.status in _NOT_EDITABLE:
            return replace(done, code="not_editable", kept=tuple(sorted({*kept, *changes})))
        if known.our_key and not changes:
            return done
        # A record without a key of anybody's becomes ours; another key is another guest card's, and stays.
        claim = {} if known.our_key else {"third_party_id": card.our_key}
        result = self._patch(known, changes, claim)
        other = with_fallbacks(sent, result.field_errors, self._profile)
        if other is not None:
            return self._update(card, other, known, again)
        if result.code == "version_conflict" and again:
            looked, fresh = self.get_card(known.card_id)
            return self._update(card, sent, fresh, again=False) if fresh and not fresh.merged_into else looked
        return replace(result, kept=tuple(sorted({*kept, *result.kept})), fallbacks=sent.fallbacks)

    def _patch(self, known: RemoteCard, changes: Values, claim: Mapping[str, str]) -> Result:
        """Write ``changes`` over ``known`` and see that they are there."""
        body = {**_their_names(changes), **claim, "version": known.version}
        result, _ = self._ask("update_card", "PATCH", f"guest-cards/{wire.segment(known.card_id)}", json=body)
        written = {name: value for name, value in changes.items() if name not in result.kept}
        result = replace(result, card_id=known.card_id)
        if result.code == "version_conflict" or not self._to_be_read(result):
            return replace(result, written=as_text(written)) if result.ok else result
        looked, fresh = self.get_card(known.card_id)
        there = fresh is not None and _holds(fresh, written) and (not claim or bool(fresh.our_key))
        return confirmed(replace(result, written=as_text(written)), looked, there)

    def _to_be_read(self, result: Result) -> bool:
        return doubtful(result) or (result.ok and self._profile.read_back)

    # Merging

    def merge_cards(self, loser_card_id: str, survivor_card_id: str) -> Result:
        path = f"guest-cards/{wire.segment(loser_card_id)}/merge"
        result, _ = self._ask("merge_cards", "POST", path, json={"into": survivor_card_id})
        return self._stands(result, loser_card_id, survivor_card_id)

    def unmerge_card(self, card_id: str) -> Result:
        result, _ = self._ask("unmerge_card", "POST", f"guest-cards/{wire.segment(card_id)}/unmerge")
        return self._stands(result, card_id, "")

    def _stands(self, result: Result, card_id: str, into: str) -> Result:
        """Merging is rare and hard to mend: where the card stands is read, also after a good answer."""
        if not (doubtful(result) or result.outcome is Outcome.ACCEPTED):
            return result
        looked, card = self.get_card(card_id)
        return confirmed(result, looked, card is not None and card.merged_into == into)

    def pull_outcomes(self, since: datetime, cursor: str = "") -> tuple[Result, OutcomePage]:
        # With a cursor the time is left out: an agent may note today what happened last week.
        params = {"after": cursor} if cursor else {"since": wire.iso(since)}
        result, answer = self._ask("pull_outcomes", "GET", "outcomes", params=params)
        if not result.ok:
            return result, OutcomePage(cursor=cursor)
        items = [wire.remote_outcome(item) for item in wire.objects(answer.get("outcomes"))]
        page = OutcomePage(
            items=tuple(one for one in items if one is not None),
            cursor=wire.text(answer.get("after")) or cursor,
            more=answer.get("more") is True,
        )
        return result, page


def _their_names(values: Values) -> dict[str, object]:
    return {wire.THEIRS.get(name, name): value for name, value in values.items()}


def _holds(card: RemoteCard, written: Values) -> bool:
    """Whether the card says what was written; a field that an agent took over meanwhile is the agent's business."""
    return all(
        same(name, value, card.fields.get(name, "")) or name in card.agent_fields for name, value in written.items()
    )
