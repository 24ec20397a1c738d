"""The mapping queue: names that nobody knows, who waits for each, and what a person says they mean.

An answer is kept beside the configuration, so that reading the PMS anew or rebuilding projections does not lose it.
Who waited is mended afterwards (:mod:`leadsvc.pipeline.mending`), in batches that any process takes up.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from leadsvc.errors import Conflict, NotFound, Reject
from leadsvc.faults import Commit
from leadsvc.ids import uuid7
from leadsvc.pipeline.intake import Intake
from leadsvc.pipeline.mending import Mender
from leadsvc.store.known import bump
from leadsvc.store.queries.names import options
from leadsvc.store.tables import audit, exceptions, name_answers, name_sightings, unmapped_names

_TRIES = 20
# What is mended while the person waits; the sweep does the rest.
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Said:
    """An answer to be given: what the name means, and from which day to which."""

    target: str
    valid_from: date | None = None
    valid_to: date | None = None


class Names:
    """What a person does about unknown names; each leaves a row in the audit log. Thread-safe."""

    def __init__(self, intake: Intake) -> None:
        self.intake, self.store, self.clock = intake, intake.store, intake.clock
        self.mender = Mender(intake)

    def answer(self, name_id: uuid.UUID, said: Said, actor: str) -> dict[str, Any]:
        """Say what a name means. An answer without days replaces the ones before; one with days stands beside them.

        Raises :class:`NotFound`, and :class:`Reject` for a target that there is not.
        """
        if said.valid_from and said.valid_to and said.valid_from > said.valid_to:
            raise Reject(422, "The days are turned round", "The first day must not lie behind the last.", code="days")

        def act(connection: Connection) -> dict[str, Any]:
            name = _name(connection, name_id)
            chosen = next(
                (each for each in options(connection, name.kind, name.scope) if each.target == said.target), None
            )
            if chosen is None:
                what = name.kind.replace("_", " ")
                detail = f"There is no such {what}; choose one that the page, the API or the command lists."
                raise Reject(422, "No such target", detail, code="target")
            if said.valid_from is None and said.valid_to is None:
                _revoke(connection, name_id, self.clock(), actor)
            row = {"id": uuid7(), "name_id": name_id, "kind": name.kind, "scope": name.scope, "key": name.key}
            row |= {"text": name.text, "target": said.target, "valid_from": said.valid_from, "valid_to": said.valid_to}
            connection.execute(insert(name_answers).values(**row, made_at=self.clock(), made_by=actor))
            self._close(connection, name_id, "answered", actor)
            _read_again(connection, name_id)
            return {"kind": name.kind, "text": name.text, "means": chosen.label}

        return self._run(act, "name.answer", name_id, actor)

    def ignore(self, name_id: uuid.UUID, actor: str) -> dict[str, Any]:
        """Say that a name means nothing that could be mapped; whatever comes with it goes out with the fallback."""

        def act(connection: Connection) -> dict[str, Any]:
            name = _name(connection, name_id)
            if name.state == "answered":
                raise Reject(
                    409, "Answered", "This name has a meaning by now; take the answer back first.", code="state"
                )
            self._close(connection, name_id, "ignored", actor)
            return {"kind": name.kind, "text": name.text, "means": ""}

        return self._run(act, "name.ignore", name_id, actor)

    def undo(self, name_id: uuid.UUID, actor: str) -> dict[str, Any]:
        """Take back what was said of a name: it is asked again, and what was read by it is read without it."""

        def act(connection: Connection) -> dict[str, Any]:
            name = _name(connection, name_id)
            if name.state not in ("answered", "ignored"):
                raise Reject(409, "Not answered", "There is no answer to take back.", code="state")
            _revoke(connection, name_id, self.clock(), actor)
            values = {"state": "taken_back" if name.state == "answered" else "open", "answered_at": None}
            connection.execute(
                update(unmapped_names).where(unmapped_names.c.id == name_id).values(**values, answered_by="")
            )
            if name.state == "answered":
                _read_again(connection, name_id)
            return {"kind": name.kind, "text": name.text, "means": ""}

        return self._run(act, "name.undo", name_id, actor)

    def _run(self, act: Any, action: str, name_id: uuid.UUID, actor: str) -> dict[str, Any]:
        done = self._written(act, action, name_id, actor)
        self.intake.forget_portfolio()
        mended = sum(self.mender.batch(name_id) for _ in range(_AT_ONCE))
        self.intake.nudge()
        waiting = select(name_sightings.c.subject_id).where(
            name_sightings.c.name_id == name_id, name_sightings.c.state == "waiting"
        )
        with self.store.read() as connection:
            left = 0 if action == "name.ignore" else len(connection.execute(waiting).all())
        return {"name": str(name_id), **done, "mended": mended, "waiting": left}

    def _written(self, act: Any, action: str, name_id: uuid.UUID, actor: str) -> dict[str, Any]:
        for _ in range(_TRIES):
            try:
                with self.store.write(Commit.ACTION) as connection:
                    done: dict[str, Any] = act(connection)
                    bump(connection, "portfolio")
                    row = {"id": uuid7(), "at": self.clock(), "actor": actor, "action": action, "subject_kind": "name"}
                    connection.execute(insert(audit).values(**row, subject=str(name_id), detail=_told(done)))
                return done
            except Conflict:
                continue
        raise Conflict("the same rows keep changing; try again")

    def _close(self, connection: Connection, name_id: uuid.UUID, state: str, actor: str) -> None:
        now = self.clock()
        values = {"state": state, "answered_at": now, "answered_by": actor}
        connection.execute(update(unmapped_names).where(unmapped_names.c.id == name_id).values(**values))
        asked = (exceptions.c.kind == "unmapped_name") & (exceptions.c.subject_id == name_id)
        closed = {"resolved_at": now, "resolved_by": actor, "resolution": state}
        connection.execute(update(exceptions).where(asked, exceptions.c.resolved_at.is_(None)).values(**closed))


def _told(done: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": done["kind"], "means": done["means"]}


def _name(connection: Connection, name_id: uuid.UUID) -> Row[Any]:
    row = connection.execute(
        select(unmapped_names).where(unmapped_names.c.id == name_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound("there is no such name in the mapping queue")
    return row


def _revoke(connection: Connection, name_id: uuid.UUID, now: Any, actor: str) -> None:
    mine = (name_answers.c.name_id == name_id) & name_answers.c.revoked_at.is_(None)
    connection.execute(update(name_answers).where(mine).values(revoked_at=now, revoked_by=actor))


def _read_again(connection: Connection, name_id: uuid.UUID) -> None:
    """Whoever came with the name is read with what is said of it now."""
    read = or_(name_sightings.c.state == "left", name_sightings.c.state == "mended")
    mine = name_sightings.c.name_id == name_id
    connection.execute(update(name_sightings).where(mine, read).values(state="waiting"))
