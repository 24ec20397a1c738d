"""How far a guest card came, from what happened to it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

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
