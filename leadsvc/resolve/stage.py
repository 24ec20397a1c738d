"""How far a guest card came, from what happened to it, and what that makes of its renter. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

STAGE_OF = {
    "contacted": "contacted",
    "tour_scheduled": "tour_scheduled",
    "toured": "toured",
    "applied": "applied",
    "approved": "approved",
    "leased": "leased",
    "moved_in": "moved_in",
    "lost": "lost",
    "cancelled": "lost",
    "denied": "lost",
    "reopened": "contacted",
}
"""Outcomes that move a card, and where to."""

STAGES = ("lost", "new", "contacted", "tour_scheduled", "toured", "applied", "approved", "leased", "moved_in")
"""From least to furthest."""


def stage_after(kinds: Iterable[str]) -> str:
    """The stage after outcomes in the order in which they happened.

    A card only goes forwards (who is called after a tour has still toured), but when it is lost or reopened.
    """
    stage = "new"
    for kind in kinds:
        reached = STAGE_OF.get(kind, stage)
        turned = reached == "lost" or kind == "reopened"
        stage = reached if turned else max(stage, reached, key=STAGES.index)
    return stage


STANDINGS = ("", "prospect", "former", "applicant", "resident", "opted_out")
"""What a person is to us; of several the last counts. Somebody who moved out and applies again is an applicant."""

_BY_STAGE = {"applied": "applicant", "approved": "applicant", "leased": "resident", "moved_in": "resident"}


def standing_by_card(stage: str, remote: Iterable[str]) -> str:
    """What one guest card says: by its ``stage``, and as its live records in the PMS (``remote``) say.

    The PMS is the system of record: who moved out there is no resident any more because a lease was signed once.
    Otherwise whichever of the two is further; a word that the PMS takes back is gone.
    """
    said = foremost(remote)
    return said if said == "former" else foremost((said, _BY_STAGE.get(stage, "")))


def foremost(standings: Iterable[str]) -> str:
    """The standing that counts of several."""
    return max(standings, key=STANDINGS.index, default="")


_STOP = frozenset(
    {"stop", "stopall", "stop all", "unsubscribe", "quit", "end", "cancel", "revoke", "optout", "opt out", "opt-out"}
)
_START = frozenset({"start", "unstop", "opt in", "opt-in", "optin"})


def opting(contact_type: str, message: str) -> bool | None:
    """Whether a text says, in one of the words that carriers act on, that its writer wants no more (True) or some again
    (False); None for everything else."""
    word = re.sub(r"\s+", " ", message).strip(" .!\"'").casefold() if contact_type == "text" else ""
    return True if word in _STOP else False if word in _START else None


def standing(cards: Iterable[str], texts: Iterable[tuple[str, str]], edits: Mapping[str, Any]) -> str:
    """What a person is to us: from what each card says, their inquiries (contact type and message, oldest first) and
    what an agent entered, which wins."""
    entered = edits.get("standing")
    if entered is not None and entered["value"]:
        return str(entered["value"])
    told = [said for said in (opting(kind, message) for kind, message in texts) if said is not None]
    return "opted_out" if told and told[-1] else foremost(cards)
