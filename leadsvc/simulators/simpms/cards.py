"""Guest cards of the simulated PMS: rules that a real one has, and its carelessness too."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from leadsvc.simulators.simpms.state import Row, State, now

FIELDS = (
    "first_name",
    "last_name",
    "email",
    "phone",
    "move_in",
    "bedrooms_min",
    "bedrooms_max",
    "budget_max_cents",
    "floor_plan_id",
    "unit_id",
    "source",
    "agent_id",
    "comment",
)
PERSON = ("first_name", "last_name", "email", "phone")
_NUMBERS = ("bedrooms_min", "bedrooms_max", "budget_max_cents")
_MAX_LEN = {"first_name": 40, "last_name": 40, "email": 80, "phone": 20, "comment": 2000}
_BLANK = (None, "")


class Refused(Exception):
    """The API says no: HTTP status, a stable code, words, and messages by field."""

    def __init__(self, status: int, code: str, message: str, fields: Mapping[str, list[str]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = dict(fields or {})


def shown(state: State, card: Row) -> Row:
    """A card as the API shows it, with the people who stand on it beside the first."""
    people = state.rows("SELECT * FROM people WHERE card_id = ? ORDER BY rowid", card["card_id"])
    out = {key: value for key, value in card.items() if key not in ("card_id", "absorbed", "agent_fields")}
    return {"id": card["card_id"], **out, "agent_fields": json.loads(card["agent_fields"] or "[]"), "people": people}


def get(state: State, card_id: str) -> Row:
    """The card, or 404."""
    card = state.row("SELECT * FROM cards WHERE card_id = ?", card_id)
    if card is None:
        raise Refused(404, "no_such_card", "There is no guest card with this id.")
    return card


def live(state: State, card_id: str) -> Row:
    """The card if it may still be written to."""
    card = get(state, card_id)
    if card["merged_into"]:
        raise Refused(409, "merged", f"This guest card was merged into {card['merged_into']}; write there.")
    return card


def search(state: State, words: Mapping[str, str]) -> list[Row]:
    """Live cards by third_party_id, email or phone, newest change first; by third_party_id the merged ones too."""
    clauses, values = [] if words.get("third_party_id") else ["merged_into IS NULL"], []
    for key in ("third_party_id", "email", "phone", "property_id"):
        if words.get(key):
            clauses.append(f"{key} = ?")
            values.append(words[key].lower() if key == "email" else words[key])
    if not any(words.get(key) for key in ("third_party_id", "email", "phone")):
        raise Refused(400, "no_criteria", "Search by third_party_id, email or phone.")
    # Every clause is made of the fixed names above.
    sql = f"SELECT * FROM cards WHERE {' AND '.join(clauses)} ORDER BY updated_at DESC LIMIT 50"  # noqa: S608
    return state.rows(sql, *values)


def create(state: State, body: Mapping[str, Any]) -> Row:
    """A new card, every time: this PMS does not notice that it has the person already."""
    fields = clean(body)
    home = str(body.get("property_id") or "")
    errors = check(state, home, fields)
    if not home or state.row("SELECT 1 FROM config WHERE kind = 'property' AND active AND id = ?", home) is None:
        errors["property_id"] = ["is not a property of this account"]
    if fields.get("last_name") in _BLANK:
        errors["last_name"] = ["is required"]
    if fields.get("source") in _BLANK:
        errors["source"] = ["is required"]
    if errors:
        raise Refused(422, "invalid", "The guest card was not accepted.", errors)
    card_id = state.new_id("p", "cards", "card_id")
    with state.writing() as connection:
        person_id = _person(state, connection, str(body.get("third_party_person_id") or ""))
        at = now()
        row = {
            **{name: fields.get(name) for name in FIELDS},
            "card_id": card_id, "person_id": person_id, "property_id": home, "kind": "prospect", "status": "new",
            "third_party_id": str(body.get("third_party_id") or "") or None, "entered_by": "api", "created_at": at,
            "updated_at": at, "version": 1,
        }  # fmt: skip
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO cards ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))  # noqa: S608 - fixed names
        return get(state, card_id)


def _person(state: State, connection: sqlite3.Connection, third_party: str) -> str:
    if third_party:
        known = state.row("SELECT person_id FROM persons WHERE third_party_person_id = ?", third_party)
        if known is not None:
            return str(known["person_id"])
    person_id = state.new_id("r", "persons", "person_id")
    connection.execute("INSERT INTO persons VALUES (?, ?)", (person_id, third_party or None))
    return person_id


def patch(state: State, card_id: str, body: Mapping[str, Any]) -> tuple[Row, list[str]]:
    """Change a card under its version; fields that an agent set stay, and are named in the second value."""
    fields = clean(body)
    with state.writing() as connection:
        card = live(state, card_id)
        if card["kind"] in ("resident", "former"):
            raise Refused(409, "not_editable", "Guest cards of residents cannot be changed through the API.")
        if str(body.get("version", "")) != str(card["version"]):
            raise Refused(409, "version_conflict", "Somebody changed this guest card; read it again.")
        errors = check(state, card["property_id"], fields)
        if errors:
            raise Refused(422, "invalid", "The guest card was not changed.", errors)
        owned = json.loads(card["agent_fields"] or "[]")
        kept = [name for name, value in fields.items() if name in owned and card[name] not in ("", None, value)]
        changes = {name: value for name, value in fields.items() if name not in kept and value not in _BLANK}
        claim = str(body.get("third_party_id") or "")
        if claim and card["third_party_id"] not in (None, claim):
            raise Refused(409, "third_party_id_taken", "This guest card carries another third-party id.")
        changes |= {"third_party_id": claim} if claim else {}
        write(connection, card_id, changes)
        return get(state, card_id), kept


def write(connection: sqlite3.Connection, card_id: str, changes: Mapping[str, object]) -> None:
    """Set columns and move the version on."""
    names = "".join(f"{name} = ?, " for name in changes)
    connection.execute(
        f"UPDATE cards SET {names}version = version + 1, updated_at = ? WHERE card_id = ?",  # noqa: S608 - fixed names
        (*changes.values(), now(), card_id),
    )


def clean(body: Mapping[str, Any]) -> Row:
    """The known fields of a body, with addresses in the form they are compared in."""
    fields: Row = {name: body[name] for name in FIELDS if name in body}
    if isinstance(fields.get("email"), str):
        fields["email"] = fields["email"].strip().lower()
    return fields


def check(state: State, home: str, fields: Mapping[str, Any]) -> dict[str, list[str]]:
    """What is wrong, by field."""
    errors: dict[str, list[str]] = {}
    for name, value in fields.items():
        if value in _BLANK:
            continue
        if name in _NUMBERS:
            if not isinstance(value, int) or not 0 <= value < 2**31:
                errors[name] = ["must be a whole number, 0 or more"]
        elif not isinstance(value, str):
            errors[name] = ["must be text"]
        elif len(value) > _MAX_LEN.get(name, 200):
            errors[name] = [f"is longer than {_MAX_LEN.get(name, 200)} characters"]
    if not errors:
        errors |= _unknown(state, home, fields)
    return errors


def _unknown(state: State, home: str, fields: Mapping[str, Any]) -> dict[str, list[str]]:
    """References to things that are not in the configuration."""
    errors: dict[str, list[str]] = {}
    source = fields.get("source")
    known = "SELECT 1 FROM config WHERE kind = 'source' AND active AND name = ?"
    if source and state.row(known, source) is None:
        errors["source"] = ["is not an active source of this account"]
    for name, kind in (("floor_plan_id", "floor_plan"), ("unit_id", "unit")):
        sql = "SELECT 1 FROM config WHERE kind = ? AND active AND id = ? AND parent = ?"
        if fields.get(name) and state.row(sql, kind, fields[name], home) is None:
            errors[name] = [f"is not a {kind.replace('_', ' ')} of this property"]
    if fields.get("agent_id") and not agent_works_at(state, str(fields["agent_id"]), home):
        errors["agent_id"] = ["is not an active agent of this property"]
    return errors


def agent_works_at(state: State, agent_id: str, home: str) -> bool:
    """Whether the agent is active at the property."""
    agent = state.row("SELECT raw FROM config WHERE kind = 'agent' AND active AND id = ?", agent_id)
    return agent is not None and home in json.loads(agent["raw"]).get("properties", [])


def add_person(state: State, card_id: str, body: Mapping[str, Any]) -> Row:
    """One more person on a card, every time: this PMS does not notice that they stand there already."""
    fields = {name: value for name, value in clean(body).items() if name in PERSON}
    with state.writing() as connection:
        card = live(state, card_id)
        if card["kind"] in ("resident", "former"):
            raise Refused(409, "not_editable", "Guest cards of residents cannot be changed through the API.")
        errors = check(state, card["property_id"], fields)
        if fields.get("last_name") in _BLANK:
            errors["last_name"] = ["is required"]
        if errors:
            raise Refused(422, "invalid", "The person was not accepted.", errors)
        row = {"person_id": state.new_id("r", "people", "person_id"), "card_id": card_id, **fields}
        row["third_party_id"] = str(body.get("third_party_id") or "") or None
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO people ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))  # noqa: S608 - fixed names
        write(connection, card_id, {})
        return get(state, card_id)


def merge(state: State, loser_id: str, into: str) -> Row:
    """The survivor stands for both: blanks are filled from the loser, whose history it shows from now on."""
    with state.writing() as connection:
        loser, survivor = get(state, loser_id), live(state, into)
        if loser["merged_into"] == into:
            raise Refused(409, "already_merged", "These guest cards are merged already.")
        if loser["merged_into"] or loser_id == into:
            raise Refused(409, "merged", "This guest card was merged into another one; take it out first.")
        if loser["property_id"] != survivor["property_id"]:
            raise Refused(422, "invalid", "Only guest cards of one property can be merged.", {"into": ["is elsewhere"]})
        if loser["kind"] != "prospect":
            raise Refused(409, "not_editable", "An applicant or resident cannot be merged away.")
        absorbed = {n: loser[n] for n in FIELDS if survivor[n] in _BLANK and loser[n] not in _BLANK}
        write(connection, loser_id, {"merged_into": into, "absorbed": json.dumps(absorbed)})
        write(connection, into, absorbed)
        return get(state, into)


def unmerge(state: State, card_id: str) -> Row:
    """Take a card out again, and out of the survivor what came from it and was not changed since."""
    with state.writing() as connection:
        card = get(state, card_id)
        if not card["merged_into"]:
            raise Refused(409, "not_merged", "This guest card is not merged.")
        survivor = get(state, card["merged_into"])
        absorbed: Row = json.loads(card["absorbed"] or "{}")
        back = {name: None for name, value in absorbed.items() if survivor[name] == value}
        write(connection, survivor["card_id"], back)
        write(connection, card_id, {"merged_into": None, "absorbed": "{}"})
        return get(state, card_id)
