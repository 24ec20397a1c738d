"""Every verb of ``leadsvc`` can be imported, says what it does, and is told of where a reader looks."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from leadsvc.cli import VERBS, cli
from tests.processes import ROOT


def _command(verb: str) -> click.Command:
    command = cli.get_command(click.Context(cli), verb)
    assert command is not None
    return command


def _all(words: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """``command`` and what is below it, each with the words that reach it."""
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _all(f"{words} {name}", below)


def _documentation() -> str:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return "\n".join(page.read_text() for page in pages)


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_verb_has_help(verb: str) -> None:
    for words, command in _all(verb, _command(verb)):
        assert command.help, f"leadsvc {words} has no docstring"
        silent = [option.name for option in command.params if isinstance(option, click.Option) and not option.help]
        assert silent == [], f"leadsvc {words}: options without help"


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_verb_answers_help(verb: str) -> None:
    answer = CliRunner().invoke(cli, [verb, "--help"])
    assert answer.exit_code == 0, answer.output
    assert "Usage: " in answer.output


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_verb_is_documented(verb: str) -> None:
    text = _documentation()
    for words, _ in _all(verb, _command(verb)):
        assert re.search(rf"leadsvc {re.escape(words)}\b", text), (
            f"neither README.md nor docs/*.md says `leadsvc {words}`"
        )


def test_unknown_verb_is_refused() -> None:
    answer = CliRunner().invoke(cli, ["no-such-verb"])
    assert answer.exit_code == 2
    assert "No such command" in answer.output
