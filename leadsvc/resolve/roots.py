"""Where merges lead: the one that stands for each thing, given the merges in force."""

from __future__ import annotations

import uuid
from collections.abc import Iterable


def follow(
    edges: Iterable[tuple[uuid.UUID, uuid.UUID]], things: Iterable[uuid.UUID] = ()
) -> dict[uuid.UUID, uuid.UUID]:
    """Everything that is named -> its root, when ``edges`` (gone, kept) are followed in order.

    With ``things`` given, edges to anything else are left out.
    """
    parent = {thing: thing for thing in things}
    closed = bool(parent)

    def root(thing: uuid.UUID) -> uuid.UUID:
        while parent[thing] != thing:
            thing = parent[thing]
        return thing

    for gone, kept in edges:
        if closed and not (gone in parent and kept in parent):
            continue
        parent.setdefault(gone, gone)
        parent.setdefault(kept, kept)
        if root(gone) != root(kept):
            parent[root(gone)] = root(kept)
    return {thing: root(thing) for thing in parent}
