"""The two statements by which :mod:`.known` asks the store, for PostgreSQL and SQLite from one text.

Hand-written because it runs for every lead: its text is always the same, so that drivers and PostgreSQL keep it
prepared, and each row is one JSON object, so that both databases answer in the same form. Lists are parameters in JSON;
the number of leads never changes the text. The order of look-ups is fixed here (``then``), so that a plan which was
made while tables were small, or counted wrongly, never reads a whole table.
"""

# ruff: noqa: S608  # built from words of ours only; every value is a parameter

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from leadsvc.resolve.keys import CAP


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

    def gathered(self, column: str) -> str:
        """A JSON list of a column's values."""
        return f"coalesce(json_agg({column}), '[]')" if self.postgresql else f"json_group_array({column})"

    def near(self) -> str:
        """``near``: for each of the parameter keys the inquiries that have it, one more than ``CAP`` at most."""
        few = f"SELECT k.inquiry_id FROM match_keys k WHERE k.key = w.key LIMIT {CAP + 1}"
        if self.postgresql:
            return f"""
wish AS MATERIALIZED (SELECT json_array_elements_text(%(keys)s::json)::bigint AS key),
near AS MATERIALIZED (SELECT w.key, k.inquiry_id FROM wish w CROSS JOIN LATERAL ({few}) k)"""
        return f"""
wish AS MATERIALIZED (SELECT value AS key FROM json_each(:keys)),
near AS MATERIALIZED (
  SELECT w.key, e.value AS inquiry_id
  FROM wish w, json_each((SELECT json_group_array(inquiry_id) FROM ({few}))) e
)"""

    def then(self, table: str, condition: str, *, perhaps: bool = False) -> str:
        """Join ``table`` (name and alias), for each row so far, by an index on what ``condition`` names first."""
        alias = table.split()[1]
        if self.postgresql:
            kind, on = ("LEFT JOIN LATERAL", " ON true") if perhaps else ("CROSS JOIN LATERAL", "")
            # OFFSET 0 keeps PostgreSQL from joining in an order of its own.
            return f"{kind} (SELECT * FROM {table} WHERE {condition} OFFSET 0) {alias}{on}"
        return f"{'LEFT' if perhaps else 'CROSS'} JOIN {table} ON {condition}"


def _hits(sql: _Sql) -> str:
    """What leads to people: identifiers with those behind them, inquiries that share a key, and inquiries that the
    leads could repeat. A value that many share leads to nobody, a key that more than ``cap`` inquiries have neither:
    never a scan of everybody behind a desk."""
    behind = "pi.identifier_id = i.id AND i.trust IN ('own', 'relay')"
    period = f"BETWEEN {sql.parameter('since', 'timestamptz')} AND {sql.parameter('until', 'timestamptz')}"
    return f"""
hit AS MATERIALIZED (
  SELECT i.id AS identifier_id, i.trust, p.root_id
  FROM identifiers i
  {sql.then("prospect_identifiers pi", behind, perhaps=True)}
  {sql.then("prospects p", "p.id = pi.prospect_id", perhaps=True)}
  WHERE i.id {sql.among("identifiers", "uuid")}
),
{sql.near()},
close AS MATERIALIZED (
  SELECT DISTINCT inquiry_id FROM near
  WHERE key NOT IN (SELECT key FROM near GROUP BY key HAVING count(*) > {CAP})
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
)
"""


def _hit_rows(sql: _Sql) -> str:
    return f"""
SELECT 'identifier' AS what, {sql.object(id="identifier_id", trust="trust", root="root_id")} AS row FROM hit
UNION ALL
SELECT 'marks', {sql.object(value="i.value", marks=sql.json("i.marks"))} FROM identifiers i
WHERE i.id {sql.among("identifiers", "uuid")}
UNION ALL
SELECT 'key', {_by_key(sql)} FROM near GROUP BY key
UNION ALL
SELECT 'near', {sql.object(id="q.id", root="p.root_id", trace=sql.json("q.trace"))} FROM close c
{sql.then("inquiries q", "q.id = c.inquiry_id AND q.trace <> '[]'")}
{sql.then("prospects p", "p.id = q.prospect_id")}
UNION ALL
SELECT f.what, {_told(sql, "f.what = 'content'")} FROM found f
{sql.then("inquiries q", "q.id = f.id")}
{sql.then("prospects p", "p.id = q.prospect_id")}
{sql.then("guest_cards g", "g.id = q.guest_card_id")}
"""


def _by_key(sql: _Sql) -> str:
    return sql.object(key="key", inquiries=sql.gathered("inquiry_id"))


def _told(sql: _Sql, brief: str) -> str:
    """An inquiry on record; its content only unless ``brief``."""
    return sql.object(
        id="q.id",
        root="p.root_id",
        card="g.root_id",
        content="q.content_key",
        occurred_at="q.occurred_at",
        received_at="q.received_at",
        revision="q.revision",
        receipt="q.receipt_id",
        position="q.position",
        content_receipt="q.content_receipt_id",
        content_at="q.content_at",
        property="q.property_id",
        external="q.external_id",
        lead=f"CASE WHEN {brief} THEN NULL ELSE {sql.json('q.lead')} END",
    )


def _near_rows(sql: _Sql) -> str:
    """What only deciding needs of the prospects in ``root``: their inquiries as they are compared, those of these days
    in full, the crowds behind their values, what people said of them, and who was proposed as their household."""
    period = f"BETWEEN {sql.parameter('since', 'timestamptz')} AND {sql.parameter('until', 'timestamptz')}"
    members = f"FROM root {sql.then('prospects p', 'p.root_id = root.root_id')}"
    both = "d.prospect_id = p.id AND d.kind = 'household' AND d.other_prospect_id IS NOT NULL"
    return f"""
SELECT 'trace' AS what, {sql.object(id="q.id", root="p.root_id", trace=sql.json("q.trace"))} AS row {members}
{sql.then("inquiries q", "q.prospect_id = p.id AND q.trace <> '[]'")}
UNION ALL
SELECT 'recent', {_told(sql, "1 = 0")} {members}
{sql.then("inquiries q", f"q.prospect_id = p.id AND q.received_at {period}")}
{sql.then("guest_cards g", "g.id = q.guest_card_id")}
UNION ALL
SELECT 'marks', {sql.object(value="i.value", marks=sql.json("i.marks"))}
FROM (SELECT DISTINCT pi.identifier_id {members}
      {sql.then("prospect_identifiers pi", "pi.prospect_id = p.id")}) held
{sql.then("identifiers i", "i.id = held.identifier_id")}
UNION ALL
SELECT 'mate', {sql.object(one="p.root_id", other="o.root_id")} {members}
{sql.then("match_decisions d", both)}
{sql.then("prospects o", "o.id = d.other_prospect_id")}
"""


def _people_rows(sql: _Sql) -> str:
    """What is known of the prospects in ``root``: rows for the prospect, its members' identifiers, its cards with the
    open first-contact task, and what people said of its inquiries and those of others in ``root``."""
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
    verdict = sql.object(
        one="q.id",
        other="r.id",
        verdict="v.verdict",
        decision="v.decision_id",
        root="m.root_id",
        theirs="o.root_id",
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
SELECT 'verdict', {verdict} {members}
{sql.then("inquiries q", "q.prospect_id = m.id")}
{sql.then("match_verdicts v", "v.inquiry_id = q.id")}
{sql.then("inquiries r", "r.id = v.other_id")}
{sql.then("prospects o", "o.id = r.prospect_id")}
WHERE o.root_id IN (SELECT root_id FROM root)
"""


@cache
def lookup(dialect: str) -> str:
    """What leads may have to do with. Parameters: identifiers, keys, external, contents (JSON lists), feed, receipt_id,
    since, until. Rows: what, and a JSON object."""
    sql = _Sql(dialect == "postgresql")
    return _line(f"WITH {_hits(sql)} {_hit_rows(sql)}")


@cache
def keyed(dialect: str) -> str:
    """The inquiries of each of the parameter keys (a JSON list), one more than the cap at most. Rows as
    :func:`lookup`."""
    sql = _Sql(dialect == "postgresql")
    return _line(f"WITH {sql.near()} SELECT 'key' AS what, {_by_key(sql)} AS row FROM near GROUP BY key")


@cache
def neighbours(dialect: str) -> str:
    """What deciding needs of the prospects whose ids are the parameter roots (a JSON list), with their inquiries
    received between the parameters since and until in full. Rows as :func:`lookup`."""
    sql = _Sql(dialect == "postgresql")
    return _line(f"WITH {_roots(sql)} {_people_rows(sql)} UNION ALL {_near_rows(sql)}")


@cache
def people(dialect: str) -> str:
    """What is known of the prospects whose ids are the parameter roots (a JSON list). Rows as :func:`lookup`."""
    sql = _Sql(dialect == "postgresql")
    return _line(f"WITH {_roots(sql)} {_people_rows(sql)}")


def _roots(sql: _Sql) -> str:
    return (
        "root AS MATERIALIZED (SELECT id AS root_id FROM prospects"
        f" WHERE id {sql.among('roots', 'uuid')} AND id = root_id)"
    )


def _line(text: str) -> str:
    return " ".join(text.split())
