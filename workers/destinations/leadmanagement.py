"""A :class:`Careful` destination that takes MITS lead management, whatever carries the document there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from leadsvc.workers.destinations import mits
from leadsvc.workers.destinations.base import CardAt, CardPush, RemoteCard, Result, TaskPush
from leadsvc.workers.destinations.careful import Careful
from leadsvc.workers.destinations.entries import marked
from leadsvc.workers.destinations.mits import one_line


class LeadManagement(Careful):
    """One account where every call names a property and a follow-up is an ``Appointment`` among the events."""

    def _homes(self, property_ref: str) -> tuple[str, ...]:
        """The properties to ask at: the one given, else all."""
        return (property_ref,) if property_ref else self._profile.properties

    def _zone(self, property_ref: str) -> str:
        """The zone in which a property's times are told."""
        return self._profile.time_zones.get(property_ref) or self._profile.options.get("time_zone") or "UTC"

    def add_co_prospect(self, at: CardAt, card: CardPush) -> Result:
        return super().add_co_prospect(at, _flat(card))

    def put_prospect(self, card: CardPush, known: RemoteCard | None) -> Result:
        return super().put_prospect(_flat(card), known)

    def _task_says(self, task: TaskPush) -> Mapping[str, object]:
        words = "\n".join(filter(None, (task.title, task.text)))
        return {
            "at": mits.stamp(mits.local(task.due_at, task.time_zone)),
            "text": marked(one_line(words), task.our_task_key, mits.TEXT_MAX),
        }


def _flat(card: CardPush) -> CardPush:
    """Texts are kept on one line there; said so before they are compared with what is there."""
    first_name, last_name, comment = map(one_line, (card.first_name, card.last_name, card.comment))
    return replace(card, first_name=first_name, last_name=last_name, comment=comment)
