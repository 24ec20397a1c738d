"""The one statement by which :mod:`.known` asks the store, for PostgreSQL and SQLite from one text.

Hand-written because it runs for every lead: its text is always the same, so that drivers and PostgreSQL keep it
prepared, and each row is one JSON object, so that both databases answer in the same form. Lists are parameters in JSON;
the number of leads never changes the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

# Rows that lead to people: identifiers with those behind them, and inquiries that the leads could repeat. A value that
# many share is looked up together with the name only: never a scan of everybody behind a desk. The person's own recent
# inquiries come along because a re-delivery may spell the name in another way.
_HITS = """
hit AS {once} (
  SELECT i.id AS identifier_id, i.trust, p.root_id
  FROM identifiers i
  LEFT JOIN prospect_identifiers pi ON pi.identifier_id = i.id
    AND (i.trust IN ('own', 'relay') OR pi.name_key {among_names})
  LEFT JOIN prospects p ON p.id = pi.prospect_id
  WHERE i.id {among_identifiers}
),
found AS {once} (
  SELECT 'receipt' AS what, q.id FROM inquiries q WHERE q.receipt_id = {receipt_id}
  UNION ALL
  SELECT 'external', q.id FROM inquiries q WHERE q.feed = {feed} AND q.external_id {among_external}
  UNION ALL
  SELECT 'content', q.id FROM inquiries q
  WHERE q.content_key {among_contents} AND q.received_at BETWEEN {since} AND {until}
  UNION ALL
  SELECT 'recent', q.id
  FROM (SELECT DISTINCT root_id FROM hit WHERE root_id IS NOT NULL) r
  JOIN prospects m ON m.root_id = r.root_id
  JOIN inquiries q ON q.prospect_id = m.id
  WHERE q.received_at BETWEEN {since} AND {until}
),
told AS {once} (
  SELECT f.what, q.*, p.root_id, g.root_id AS card_id
  FROM found f
  JOIN inquiries q ON q.id = f.id
  JOIN prospects p ON p.id = q.prospect_id
  JOIN guest_cards g ON g.id = q.guest_card_id
),
root AS {once} (
  SELECT root_id FROM hit WHERE root_id IS NOT NULL UNION SELECT root_id FROM told
)
"""

_HIT_ROWS = """
SELECT 'identifier' AS what, {object}('id', identifier_id, 'trust', trust, 'root', root_id) AS row FROM hit
UNION ALL
SELECT what, {object}(
  'id', id, 'root', root_id, 'card', card_id, 'content', content_key, 'occurred_at', occurred_at,
  'received_at', received_at, 'revision', revision, 'receipt', receipt_id, 'position', position,
  'content_receipt', content_receipt_id, 'content_at', content_at, 'property', property_id, 'external', external_id,
  'lead', {lead}
) FROM told
"""

_ROOTS = "root AS {once} (SELECT id AS root_id FROM prospects WHERE id {among_roots})"

# What is known of the prospects in ``root``: rows for the prospect, its members' identifiers, its cards with the open
# first-contact task, and those it is to be kept apart from.
_PEOPLE_ROWS = """
SELECT 'person' AS what, {object}(
  'id', p.id, 'key', p.key, 'version', p.version, 'names', {names}, 'golden', {golden}, 'standing', p.standing,
  'first_at', p.first_at, 'last_at', p.last_at
) AS row
FROM root JOIN prospects p ON p.id = root.root_id
UNION ALL
SELECT 'member', {object}('root', m.root_id, 'id', m.id, 'identifier', i.id, 'kind', i.kind, 'value', i.value)
FROM root
JOIN prospects m ON m.root_id = root.root_id
LEFT JOIN prospect_identifiers pi ON pi.prospect_id = m.id
LEFT JOIN identifiers i ON i.id = pi.identifier_id
UNION ALL
SELECT 'card', {object}(
  'person', m.root_id, 'id', g.id, 'root', g.root_id, 'key', g.key, 'prospect', g.prospect_id,
  'property', g.property_id, 'hint', g.property_hint, 'opened_at', g.opened_at, 'last_at', g.last_at,
  'stage', g.stage, 'version', g.version, 'unit', g.unit_id, 'floor_plan', g.floor_plan_id,
  'task', t.id, 'due_at', t.due_at, 'task_version', t.version
)
FROM root
JOIN prospects m ON m.root_id = root.root_id
JOIN guest_cards g ON g.prospect_id = m.id
LEFT JOIN tasks t ON t.guest_card_id = g.id AND t.state = 'open' AND t.kind = 'first_contact'
UNION ALL
SELECT 'apart', {object}('one', m.root_id, 'other', o.root_id)
FROM root
JOIN prospects m ON m.root_id = root.root_id
JOIN match_decisions d ON d.prospect_id = m.id AND d.kind = 'keep_apart'
JOIN prospects o ON o.id = d.other_prospect_id
WHERE (SELECT count(*) FROM root) > 1 AND o.root_id IN (SELECT root_id FROM root)
"""

_POSTGRESQL = {
    "once": "MATERIALIZED",
    "object": "json_build_object",
    "names": "p.names",
    "golden": "p.golden",
    "lead": "CASE WHEN what = 'content' THEN NULL ELSE lead END",
    "feed": "%(feed)s",
    "receipt_id": "%(receipt_id)s::uuid",
    "since": "%(since)s::timestamptz",
    "until": "%(until)s::timestamptz",
}
_SQLITE = {
    "once": "MATERIALIZED",
    "object": "json_object",
    "names": "json(p.names)",
    "golden": "json(p.golden)",
    "lead": "CASE WHEN what = 'content' THEN NULL ELSE json(lead) END",
    "feed": ":feed",
    "receipt_id": ":receipt_id",
    "since": ":since",
    "until": ":until",
}
_LISTS = {"identifiers": "uuid", "names": "text", "external": "text", "contents": "uuid", "roots": "uuid"}


def _words(dialect: str) -> Mapping[str, str]:
    if dialect == "postgresql":
        among = {
            f"among_{name}": f"= ANY(ARRAY(SELECT json_array_elements_text(%({name})s::json)::{kind}))"
            for name, kind in _LISTS.items()
        }
        return _POSTGRESQL | among
    among = {f"among_{name}": f"IN (SELECT value FROM json_each(:{name}))" for name in _LISTS}  # noqa: S608  # our words
    return _SQLITE | among


@cache
def lookup(dialect: str) -> str:
    """Everything known about leads. Parameters: identifiers, names, external, contents (JSON lists), feed, receipt_id,
    since, until. Rows: what, and a JSON object."""
    return _text(dialect, f"WITH {_HITS} {_HIT_ROWS} UNION ALL {_PEOPLE_ROWS}")


@cache
def people(dialect: str) -> str:
    """What is known of the prospects whose ids are the parameter roots (a JSON list). Rows as :func:`lookup`."""
    return _text(dialect, f"WITH {_ROOTS} {_PEOPLE_ROWS}")


def _text(dialect: str, template: str) -> str:
    return " ".join(template.format(**_words(dialect)).split())
