"""What the rim (API, pages, commands, workers) is given by the composition root. Holds no logic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from leadsvc.config import Settings
from leadsvc.letters import Letters
from leadsvc.store import Store

if TYPE_CHECKING:
    from leadsvc.fieldmap import MapSet
    from leadsvc.pipeline.actions import Actions
    from leadsvc.pipeline.intake import Intake
    from leadsvc.receive import Receiver

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Services:
    """One set per process, made by :func:`leadsvc.app.build_services`."""

    settings: Settings
    store: Store
    maps: MapSet
    intake: Intake
    receiver: Receiver
    actions: Actions
    letters: Letters
    clock: Clock
