"""The line to one simulated PMS: asking, and following a card to where it lives now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from leadsvc.workers.destinations import simpms_wire as wire
from leadsvc.workers.destinations.base import Around, Outcome, Profile, RemoteCard, Result
from leadsvc.workers.destinations.http import Door, quiet
from leadsvc.workers.destinations.verdicts import json_object

LOST_MERGE = Result(
    outcome=Outcome.REJECT,
    code="merged",
    message="The guest card was merged into one that cannot be read; a person must say where it went.",
)


class Line:
    """One account's connection and the reading of single cards."""

    def __init__(self, profile: Profile, around: Around = quiet) -> None:
        self._profile = profile
        self._door = Door(profile, around)

    def close(self) -> None:
        self._door.close()

    def _ask(
        self,
        op: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, object] | None = None,
    ) -> tuple[Result, wire.Json]:
        """One call, judged, and its JSON object (empty when it has none)."""
        headers = {"X-Api-Key": self._profile.api_key}
        answer = self._door.call(op, method, f"api/v1/{path}", params=params, json=json, headers=headers)
        context = answer.context(read=op in wire.READS)
        result = wire.classify(op, answer.status, answer.headers, answer.body, context)
        message = self._door.clean(" ".join(part for part in (result.message, answer.note) if part))
        return replace(result, message=message), json_object(answer.body) or {}

    def get_card(self, card_id: str) -> tuple[Result, RemoteCard | None]:
        result, answer = self._ask("get_card", "GET", f"guest-cards/{wire.segment(card_id)}")
        found = wire.objects(answer.get("guest_card")) if result.ok and not result.empty else []
        card = wire.remote_card(found[0]) if found else None
        return read(result, card) if card else result, card

    def _survivor(self, card: RemoteCard) -> tuple[Result, RemoteCard | None]:
        """Follow merges to the card that lives. Without a card, the result says why and is not ``ok``."""
        found: RemoteCard | None = card
        result = Result(outcome=Outcome.ACCEPTED)
        seen = {card.card_id}
        while found and found.merged_into and found.merged_into not in seen:
            seen.add(found.merged_into)
            result, found = self.get_card(found.merged_into)
        if found is not None and not found.merged_into:
            return result, found
        return (LOST_MERGE if result.ok else result), None


def read(result: Result, card: RemoteCard) -> Result:
    """``result`` with the ids and version of the card that was read."""
    return replace(result, card_id=card.card_id, person_id=card.person_id, version=card.version)
