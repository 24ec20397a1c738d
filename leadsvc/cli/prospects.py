"""``leadsvc prospects``: who is who, by command. What changes something shows first what it would change."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import click

from leadsvc.cli.opening import as_configured
from leadsvc.resolve.golden import shown
from leadsvc.services import Services
from leadsvc.store.queries.cards import prospect_detail
from leadsvc.store.queries.households import households
from leadsvc.store.queries.shapes import Person, ProspectDetail

_ACTOR = "operator"
_UNDOABLE = {("merge", "merge"), ("assign", "join"), ("rehome", "join")}

Do = Callable[[Services, bool], dict[str, Any]]
F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def prospects() -> None:
    """People: show one, merge two, take it back, keep apart, say who is a household.

    Keys look like PR-7Q4Z8N2B. Without --yes a command changes nothing and prints what it would change.
    """


def _key(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    return text.strip().upper()


def _carried_out(yes: bool, dry_run: bool, as_json: bool, do: Do) -> None:
    if yes and dry_run:
        raise click.UsageError("choose one of --yes and --dry-run")
    impact = do(as_configured(), not yes)
    if as_json:
        click.echo(json.dumps(impact, ensure_ascii=False, default=str))
        return
    for line in told(impact):
        click.echo(line)
    if not yes:
        click.echo("Nothing has changed. Say it again with --yes to carry it out.")


def _options(command: F) -> F:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the impact as JSON."),
        click.option("--dry-run", is_flag=True, help="Print the impact and change nothing (so it is without --yes)."),
        click.option("--yes", is_flag=True, help="Carry it out."),
    ):
        command = option(command)
    return command


@prospects.command()
@click.argument("prospect", callback=_key)
@click.argument("into", callback=_key)
@_options
def merge(prospect: str, into: str, yes: bool, dry_run: bool, as_json: bool) -> None:
    """PROSPECT and INTO are one person; INTO stands for both."""
    _carried_out(yes, dry_run, as_json, lambda its, dry: its.actions.merge(prospect, into, _ACTOR, dry_run=dry))


@prospects.command()
@click.argument("decision", type=click.UUID)
@_options
def unmerge(decision: uuid.UUID, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Take DECISION back, a merge or the joining of one inquiry (`show` names them), whenever it was made."""
    _carried_out(yes, dry_run, as_json, lambda its, dry: its.actions.unmerge(decision, _ACTOR, dry_run=dry))


@prospects.command()
@click.argument("inquiry", type=click.UUID)
@_options
def split(inquiry: uuid.UUID, yes: bool, dry_run: bool, as_json: bool) -> None:
    """INQUIRY is somebody else's: it goes to a person of its own, who is kept apart from now on."""
    _carried_out(yes, dry_run, as_json, lambda its, dry: its.actions.split(inquiry, _ACTOR, dry_run=dry))


@prospects.command("keep-apart")
@click.argument("prospect", callback=_key)
@click.argument("other", callback=_key)
@_options
def keep_apart(prospect: str, other: str, yes: bool, dry_run: bool, as_json: bool) -> None:
    """PROSPECT and OTHER are different people; no rule will join them again."""
    _carried_out(yes, dry_run, as_json, lambda its, dry: its.actions.keep_apart(prospect, other, _ACTOR, dry_run=dry))


@prospects.command()
@click.argument("prospect", callback=_key)
@click.argument("other", callback=_key)
@click.argument("verdict", type=click.Choice(("confirm", "dismiss")))
@_options
def household(prospect: str, other: str, verdict: str, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Say that PROSPECT and OTHER look for a home together (confirm), or that they do not (dismiss)."""
    said = "related" if verdict == "confirm" else "apart"
    _carried_out(
        yes, dry_run, as_json, lambda its, dry: its.actions.household(prospect, other, said, _ACTOR, dry_run=dry)
    )


@prospects.command()
@click.argument("prospect", callback=_key)
def show(prospect: str) -> None:
    """What is known of PROSPECT: values and why these, cards, household, and every decision with its number."""
    with as_configured().store.read() as connection:
        found = prospect_detail(connection, prospect)
    for line in _described(found):
        click.echo(line)


def _described(found: ProspectDetail) -> Iterator[str]:
    person = found.person
    yield _named(person) + (f" ({person.standing.replace('_', ' ')})" if person.standing else "")
    if found.family:
        yield "  stands for " + ", ".join(each.key for each in found.family)
    for field, value in shown(dict(person.golden), person.edits).items():
        entry = person.golden.get(field)
        why = "entered by an agent" if field in person.edits else entry["why"] if isinstance(entry, Mapping) else ""
        yield f"  {field}: {_text(value)}" + (f" ({why})" if why else "")
    for card in found.cards:
        where = card.property_name or "no property"
        yield f"  card {card.key}: {where}, {card.stage}, last active {card.last_at:%Y-%m-%d}"
    for each in households(person.id, found.decisions, found.people):
        yield f"  household, {each.state}: {_named(each.person)}: {each.because.sentence}"
    undone = {each.undoes for each in found.decisions}
    for decision in found.decisions:
        back = decision.id in undone
        yield f"  {decision.at:%Y-%m-%d %H:%M} by {decision.decided_by}: {decision.sentence}"
        can = ", taken back" if back else ", can be undone" if (decision.kind, decision.verdict) in _UNDOABLE else ""
        about = f", inquiry {decision.inquiry_id}" if decision.inquiry_id else ""
        yield f"    {decision.kind} {decision.id}{about}{can}"


def _named(person: Person) -> str:
    return f"{person.key} {person.name or 'name not given'}"


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("text") or ", ".join(f"{name} {each}" for name, each in value.items()))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def told(impact: Mapping[str, Any]) -> Iterator[str]:
    """An impact in lines: what it is about, then what changes."""
    for name in ("prospect", "merged", "other", "was", "verdict", "household", "decision"):
        if impact.get(name):
            yield f"{name}: {impact[name]}"
    if impact.get("prospects"):
        yield f"prospects: {', '.join(impact['prospects'])}"
    for each in impact.get("inquiries_moved", ()):
        yield f"  {each['count']} of the inquiries of {each['from']} go to {each['to']}"
    for each in impact.get("cards_folded", ()):
        yield f"  card {each['card']} becomes part of {each['into']}"
    for each in impact.get("cards_opened", ()):
        yield f"  card {each['card']} stands for itself" + (f", was part of {each['was_in']}" if each["was_in"] else "")
    for each in impact.get("tasks", ()):
        was = f", was {each['was']} on {each['was_on']}" if each["was"] else ", new"
        yield f"  task “{each['task']}” is {each['state']} on {each['card']}{was}"
    for each in impact.get("deliveries", ()):
        yield f"  owed to {each['destination']}: {each['kind']} of {each['card']}, {each['state']} ({each['count']})"
    for each in impact.get("work_items", ()):
        yield f"  for a person: “{each['task']}” on {each['card']}"
    for each in impact.get("credit", ()):
        where = f" at {each['property']}" if each["property"] else ""
        counted = f"{each['source']} ({each['model']}, {each['conversion']}{where})"
        yield f"  credit of {counted}: {each['before']:g} -> {each['after']:g}"
