"""Reads an account's configuration over the wire and takes it over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadsvc.errors import LeadsvcError
from leadsvc.faults import Commit
from leadsvc.pipeline.sync import write_configuration
from leadsvc.services import Services
from leadsvc.workers.deliver import around
from leadsvc.workers.destinations import connect
from leadsvc.workers.destinations.base import ConfigKind, Destination, Profile


def sync(services: Services, profile: Profile) -> dict[str, int]:
    """Pull properties, plans, units, agents and source names. All or nothing; raises :class:`LeadsvcError`."""
    destination = connect(profile, around)
    try:
        config = {kind.value: _pull(destination, kind, profile.name) for kind in ConfigKind}
    finally:
        destination.close()
    with services.store.write(Commit.SYNC) as connection:
        counts = write_configuration(connection, profile.name, config)
    services.intake.forget_portfolio()
    return counts


def _pull(destination: Destination, kind: ConfigKind, name: str) -> list[Mapping[str, Any]]:
    items: list[Mapping[str, Any]] = []
    cursor = ""
    while True:
        result, page = destination.pull_config(kind, cursor)
        if not result.ok:
            reason = result.message or result.outcome.value
            raise LeadsvcError(
                f"{name} does not give its {kind.value} list: {reason}; run `leadsvc destinations check {name}`"
            )
        items += [
            {
                "remote_id": each.remote_id,
                "name": each.name,
                "active": each.active,
                "parent": each.parent,
                "raw": each.raw,
            }
            for each in page.items
        ]
        if not page.next_cursor:
            return items
        cursor = page.next_cursor
