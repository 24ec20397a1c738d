"""Leasing agents of a property, by the names under which leads ask for them. Never guessed."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable

from leadsvc.normalize.address import fold
from leadsvc.normalize.names import people
from leadsvc.places.rows import AgentRow


class Staff:
    """Agents by property. What it answers never changes after it is built."""

    def __init__(self, agents: Iterable[AgentRow]) -> None:
        self._at = defaultdict[uuid.UUID, dict[str, AgentRow]](dict)
        for agent in agents:
            for property_id in agent.properties:
                self._at[property_id][agent.remote_id] = agent

    def at(self, property_id: uuid.UUID) -> frozenset[str]:
        """The PMS's ids of those who work there."""
        return frozenset(self._at.get(property_id, ()))

    def named(self, property_id: uuid.UUID, text: str) -> str:
        """The PMS's id of the one agent there whom ``text`` names: by that id, by the whole name in either order, or by
        a given name that only one of them has. Empty when there is none, or more than one."""
        there = self._at.get(property_id, {})
        if text.strip() in there:
            return text.strip()
        wanted = _keys(text)
        for rank in range(len(wanted)):
            found = [agent for agent in there.values() if wanted[rank] in _keys(agent.name)[rank : rank + 1]]
            if len(found) == 1:
                return found[0].remote_id
            if found:
                return ""
        given = [agent for agent in there.values() if fold(text) == _keys(agent.name)[-1].partition(" ")[0]]
        return given[0].remote_id if len(given) == 1 and fold(text) else ""


def _keys(text: str) -> tuple[str, str]:
    """The text as written, and with the given name in front."""
    found = people(text)
    turned = f"{found[0].value.given} {found[0].value.family}" if found else text
    return fold(text), fold(turned)
