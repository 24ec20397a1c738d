"""The crash tests walk through the points they find in the code; this sees to it that no commit and no remote call is
made beside a point. Reads the sources, runs nothing of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from leadsvc.faults import Commit
from leadsvc.workers.destinations.vendors.simpms.wire import READS, WRITES
from tests.processes import ROOT
from tests.system import crashes

# The store's own transaction and the migrations, which run before anything is served.
_MAY_COMMIT = {"leadsvc/store/engine.py", "leadsvc/store/migrate.py"}
_MAY_CONNECT = {*_MAY_COMMIT, "leadsvc/store/migrations/env.py"}
_DOOR = "workers/destinations/http.py"


def _sources() -> Iterator[tuple[str, ast.Module]]:
    for folder in ("leadsvc", "parsers", "workers"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            # Simulators and the demo stand for other people's systems; linked folders are read where they really are.
            if not name.startswith(("leadsvc/simulators", "leadsvc/demo", "leadsvc/parsers", "leadsvc/workers")):
                yield name, ast.parse(path.read_text(), name)


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """(last word of what is called, the call)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            yield (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")), node


def _receiver(call: ast.Call) -> str:
    return ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""


def test_every_transaction_names_its_commit() -> None:
    named: set[str] = set()
    for file, tree in _sources():
        for word, call in _calls(tree):
            if word == "write" and _receiver(call).split(".")[-1] in {"store", "_store"}:
                said = ast.unparse(call.args[0]) if call.args else ""
                assert said.startswith("Commit."), f"{file}:{call.lineno}: store.write({said})"
                named.add(said.removeprefix("Commit."))
    assert named == set(Commit.__members__), "every member of Commit is a commit that somebody makes"


def test_nothing_else_commits() -> None:
    found = []
    for file, tree in _sources():
        for word, call in _calls(tree):
            if word == "commit" and file not in _MAY_COMMIT:
                found.append(f"{file}:{call.lineno}: .commit()")
            opens = word == "create_engine" or (
                word in {"begin", "begin_nested", "connect"} and _receiver(call).endswith(("engine", "connection"))
            )
            if opens and file not in _MAY_CONNECT:
                found.append(f"{file}:{call.lineno}: {word}()")
    assert found == []


def test_every_remote_call_goes_through_the_door() -> None:
    speakers = {"httpx2", "httpx", "requests", "urllib3", "http.client", "urllib.request", "socket"}
    allowed = {
        _DOOR: {"httpx2"},
        "workers/deliver.py": {"socket"},  # the worker's name holds the host's
        "leadsvc/mailbox/session.py": {"socket"},  # keeps the mail server's connection alive
        "leadsvc/mailbox/poller.py": {"socket"},  # a pair that wakes a thread
    }
    found = []
    for file, tree in _sources():
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        found += [f"{file}: {each}" for each in (imported & speakers) - allowed.get(file, set())]
    assert found == []


def test_the_door_passes_a_point_on_both_sides() -> None:
    tree = ast.parse((ROOT / _DOOR).read_text())
    exchanges = [call for word, call in _calls(tree) if word == "_exchange"]
    streams = [call for word, call in _calls(tree) if word in {"stream", "send", "request", "handle_request"}]
    assert len(exchanges) == len(streams) == 1, "one place that calls, and one place that is called from"
    [call] = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "call"]
    words = [word for word, _ in _calls(ast.Module(call.body, []))]
    assert [word for word in words if word in {"_around", "_exchange"}] == ["_around", "_exchange", "_around"]


def test_every_account_is_connected_with_its_points() -> None:
    for file, tree in _sources():
        if file.startswith("workers/destinations/"):
            continue
        for word, call in _calls(tree):
            if word == "connect" and not _receiver(call):
                assert len(call.args) == 2, f"{file}:{call.lineno}: connect() without around"


def test_adapter_and_simulator_name_the_same_operations() -> None:
    asked: set[str] = set()
    for path in (ROOT / "workers" / "destinations" / "vendors" / "simpms").glob("*.py"):
        for word, call in _calls(ast.parse(path.read_text())):
            if word in {"_ask"}:
                asked |= _constants(call)
    offered: set[str] = set()
    for word, call in _calls(ast.parse((ROOT / "leadsvc" / "simulators" / "simpms" / "api.py").read_text())):
        if word == "operation":
            offered |= _constants(call)
    assert asked == offered == {*READS, *WRITES}


def _constants(call: ast.Call) -> set[str]:
    first = call.args[0]
    if ast.unparse(call).startswith("self._ask(op, "):  # chosen just before from these two
        return {"find_events", "find_tasks"}
    assert isinstance(first, ast.Constant), ast.unparse(call)
    return {str(first.value)}


def test_every_point_has_its_stimulus() -> None:
    assert {point for point, _ in crashes.points()} == crashes.STIMULATED


def test_the_sources_are_found() -> None:
    files = {file for file, _ in _sources()}
    assert {"leadsvc/receive.py", "workers/deliver.py", "parsers/form.py"} <= files
    assert all(Path(file).suffix == ".py" for file in files)
