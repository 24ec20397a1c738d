"""The one statement by which :mod:`.known` asks the store, for PostgreSQL and SQLite from one text.

Hand-written because it runs for every lead: its text is always the same, so that drivers and PostgreSQL keep it
prepared, and each row is one JSON object, so that both databases answer in the same form. Lists are parameters in JSON;
the number of leads never changes the text. The order of look-ups is fixed here (``then``), so that a plan which was
made while tables were small, or counted wrongly, never reads a whole table.
"""

# ruff: noqa: S608  # built from words of ours only; every value is a parameter

from __future__ import annotations

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class _Sql:
    """The words in which the two databases differ."""

    postgresql: bool

    def parameter(self, name: str, kind: str) -> str:
        return f"%({name})s::{kind}" if self.postgresql else f":{name}"

    def among(self, name: str, kind: str) -> str:
        """A comparison with the parameter ``name``, a JSON list."""
        if self.postgresql:
            return f"= ANY(ARRAY(SELECT json_array_elements_text(%({name})s::json)::{kind}))"
        return f"IN (SELECT value FROM json_each(:{name}))"

    def json(self, column: str) -> str:
        return column if self.postgresql else f"json({column})"

    def object(self, **columns: str) -> str:
        """A JSON object, the row's answer."""
        pairs = ", ".join(f"'{name}', {column}" for name, column in columns.items())
        return f"{'json_build_object' if self.postgresql else 'json_object'}({pairs})"

    def then(self, table: str, condition: str, *, perhaps: bool = False) -> str:
        """Join ``table`` (name and alias), for each row so far, by an index on what ``condition`` names first."""
        alias = table.split()[1]
        if self.postgresql:
            kind, on = ("LEFT JOIN LATERAL", " ON true") if perhaps else ("CROSS JOIN LATERAL", "")
            # OFFSET 0 keeps PostgreSQL from joining in an order of its own.
            return f"{kind} (SELECT * FROM {table} WHERE {condition} OFFSET 0) {alias}{on}"
        return f"{'LEFT' if perhaps else 'CROSS'} JOIN {table} ON {condition}"


def _hits(sql: _Sql) -> str:
    """Rows that lead to people: identifiers with those behind them, and inquiries that the leads could repeat.

    A value that many share is looked up together with the name only: never a scan of everybody behind a desk. The
    prospect's own recent inquiries come along because a re-delivery may spell the name in another way.
    """
    behind = f"pi.identifier_id = i.id AND (i.trust IN ('own', 'relay') OR pi.name_key {sql.among('names', 'text')})"
    period = f"BETWEEN {sql.parameter('since', 'timestamptz')} AND {sql.parameter('until', 'timestamptz')}"
    return f"""
hit AS MATERIALIZED (
  SELECT i.id AS identifier_id, i.trust, p.root_id
  FROM identifiers i
  {sql.then("prospect_identifiers pi", behind, perhaps=True)}
  {sql.then("prospects p", "p.id = pi.prospect_id", perhaps=True)}
  WHERE i.id {sql.among("identifiers", "uuid")}
),
found AS MATERIALIZED (
  SELECT 'receipt' AS what, q.id FROM inquiries q WHERE q.receipt_id = {sql.parameter("receipt_id", "uuid")}
  UNION ALL
  SELECT 'revised', f.inquiry_id FROM fates f
  WHERE f.receipt_id = {sql.parameter("receipt_id", "uuid")} AND f.fate = 'revision'
  UNION ALL
  SELECT 'external', q.id FROM inquiries q
  WHERE q.feed = {sql.parameter("feed", "text")} AND q.external_id {sql.among("external", "text")}
  UNION ALL
  SELECT 'content', q.id FROM inquiries q
  WHERE q.content_key {sql.among("contents", "uuid")} AND q.received_at {period}
  UNION ALL
  SELECT 'recent', q.id
  FROM (SELECT DISTINCT root_id FROM hit WHERE root_id IS NOT NULL) r
  {sql.then("prospects m", "m.root_id = r.root_id")}
  {sql.then("inquiries q", f"q.prospect_id = m.id AND q.received_at {period}")}
),
told AS MATERIALIZED (
  SELECT f.what, q.*, p.root_id, g.root_id AS card_id
  FROM found f
  {sql.then("inquiries q", "q.id = f.id")}
  {sql.then("prospects p", "p.id = q.prospect_id")}
  {sql.then("guest_cards g", "g.id = q.guest_card_id")}
),
root AS MATERIALIZED (
  SELECT root_id FROM hit WHERE root_id IS NOT NULL UNION SELECT root_id FROM told
)
"""


def _hit_rows(sql: _Sql) -> str:
    told = sql.object(
        id="id",
        root="root_id",
        card="card_id",
        content="content_key",
        occurred_at="occurred_at",
        received_at="received_at",
        revision="revision",
        receipt="receipt_id",
        position="position",
        content_receipt="content_receipt_id",
        content_at="content_at",
        property="property_id",
        external="external_id",
        lead=f"CASE WHEN what = 'content' THEN NULL ELSE {sql.json('lead')} END",
    )
    return f"""
SELECT 'identifier' AS what, {sql.object(id="identifier_id", trust="trust", root="root_id")} AS row FROM hit
UNION ALL
SELECT what, {told} FROM told
"""


def _people_rows(sql: _Sql) -> str:
    """What is known of the prospects in ``root``: rows for the prospect, its members' identifiers, its cards with the
    open first-contact task, and those it is to be kept apart from: a person said so, or took back what the rules had
    merged."""
    members = f"FROM root {sql.then('prospects m', 'm.root_id = root.root_id')}"
    person = sql.object(
        id="p.id",
        key="p.key",
        version="p.version",
        names=sql.json("p.names"),
        golden=sql.json("p.golden"),
        edits=sql.json("p.edits"),
        standing="p.standing",
        first_at="p.first_at",
        last_at="p.last_at",
    )
    member = sql.object(
        root="m.root_id", id="m.id", edited="m.edits <> '{}'", identifier="i.id", kind="i.kind", value="i.value"
    )
    card = sql.object(
        person="m.root_id",
        id="g.id",
        root="g.root_id",
        key="g.key",
        prospect="g.prospect_id",
        property="g.property_id",
        hint="g.property_hint",
        opened_at="g.opened_at",
        last_at="g.last_at",
        stage="g.stage",
        version="g.version",
        unit="g.unit_id",
        floor_plan="g.floor_plan_id",
        task="t.id",
        due_at="t.due_at",
        task_version="t.version",
        asleep="NOT EXISTS (SELECT 1 FROM tasks a WHERE a.guest_card_id = g.id)",
    )
    task = "t.guest_card_id = g.id AND t.state = 'open' AND t.kind = 'first_contact'"
    return f"""
SELECT 'person' AS what, {person} AS row FROM root {sql.then("prospects p", "p.id = root.root_id")}
UNION ALL
SELECT 'member', {member} {members}
{sql.then("prospect_identifiers pi", "pi.prospect_id = m.id", perhaps=True)}
{sql.then("identifiers i", "i.id = pi.identifier_id", perhaps=True)}
UNION ALL
SELECT 'card', {card} {members}
{sql.then("guest_cards g", "g.prospect_id = m.id")}
{sql.then("tasks t", task, perhaps=True)}
UNION ALL
SELECT 'apart', {sql.object(one="m.root_id", other="o.root_id")} {members}
{sql.then("match_decisions d", "d.prospect_id = m.id AND d.kind IN ('keep_apart', 'unmerge')")}
{sql.then("prospects o", "o.id = d.other_prospect_id")}
{sql.then("match_decisions u", "u.id = d.undoes", perhaps=True)}
WHERE (SELECT count(*) FROM root) > 1 AND o.root_id IN (SELECT root_id FROM root)
  AND (d.kind = 'keep_apart' OR u.decided_by = 'rules')
"""


@cache
def lookup(dialect: str) -> str:
    """Everything known about leads. Parameters: identifiers, names, external, contents (JSON lists), feed, receipt_id,
    since, until. Rows: what, and a JSON object."""
    sql = _Sql(dialect == "postgresql")
    return _line(f"WITH {_hits(sql)} {_hit_rows(sql)} UNION ALL {_people_rows(sql)}")


@cache
def people(dialect: str) -> str:
    """What is known of the prospects whose ids are the parameter roots (a JSON list). Rows as :func:`lookup`."""
    sql = _Sql(dialect == "postgresql")
    roots = f"root AS MATERIALIZED (SELECT id AS root_id FROM prospects WHERE id {sql.among('roots', 'uuid')})"
    return _line(f"WITH {roots} {_people_rows(sql)}")


def _line(text: str) -> str:
    return " ".join(text.split())
