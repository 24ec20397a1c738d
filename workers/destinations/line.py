"""The line to one account at one vendor, which every adapter is built on, whether the vendor can be asked or not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from leadsvc.workers.destinations.base import (
    Around,
    Capabilities,
    CardAt,
    CardPush,
    ConfigKind,
    ConfigPage,
    Outcome,
    OutcomePage,
    Profile,
    Query,
    RemoteCard,
    Result,
)
from leadsvc.workers.destinations.http import Answer, Door, quiet

_NOTHING = Result(outcome=Outcome.ACCEPTED, empty=True)


class Line:
    """One account at one vendor. ``CAPABILITIES`` is the vendor's."""

    CAPABILITIES: ClassVar[Capabilities]

    def __init__(self, profile: Profile, around: Around = quiet) -> None:
        self._profile = profile
        self._door = Door(profile, around)

    @property
    def capabilities(self) -> Capabilities:
        return self.CAPABILITIES

    @property
    def skew_s(self) -> float | None:
        """By how much the vendor's clock was ahead of ours at its last answer."""
        return self._door.skew_s

    def close(self) -> None:
        self._door.close()

    def add_co_prospect(self, at: CardAt, card: CardPush) -> Result:
        """See :class:`Destination`; for vendors whose capabilities say so."""
        raise NotImplementedError(f"{type(self).__name__} has one person on a card, as its capabilities say")

    def _said(self, result: Result, answer: Answer) -> Result:
        """``result`` with words that may be shown: no secret, no personal data, and what the network said."""
        words = " ".join(part for part in (result.message, answer.note) if part)
        return replace(result, message=self._door.clean(words)) if words else result


class WriteOnly(Line):
    """A vendor that takes what it is given and can be asked for nothing: every read finds nothing."""

    def pull_config(self, kind: ConfigKind, cursor: str = "") -> tuple[Result, ConfigPage]:
        return _NOTHING, ConfigPage()

    def pull_outcomes(self, since: datetime, cursor: str = "") -> tuple[Result, OutcomePage]:
        return _NOTHING, OutcomePage(cursor=cursor)

    def find_prospect(self, query: Query) -> tuple[Result, tuple[RemoteCard, ...]]:
        return _NOTHING, ()

    def get_card(self, at: CardAt) -> tuple[Result, RemoteCard | None]:
        return _NOTHING, None

    def find_event(self, at: CardAt, our_event_key: str) -> Result:
        return replace(_NOTHING, card_id=at.card_id)

    def find_task(self, at: CardAt, our_task_key: str) -> Result:
        return replace(_NOTHING, card_id=at.card_id)
