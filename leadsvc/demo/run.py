"""Runs the story: start, feed, wait, show, compare."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, exists, select

from leadsvc import logs
from leadsvc.app import build_services, now, prepare
from leadsvc.config import Settings
from leadsvc.demo import outcome, processes
from leadsvc.demo.accounts import known
from leadsvc.demo.story import Sample, Story, content, read_story
from leadsvc.errors import ConfigurationError, LeadsvcError
from leadsvc.faults import Commit
from leadsvc.files import take
from leadsvc.reports.books import balance
from leadsvc.security import issue
from leadsvc.services import Services
from leadsvc.store.queries import api_keys
from leadsvc.store.tables import deliveries, receipts
from leadsvc.workers.deliver import profile
from leadsvc.workers.syncing import sync

_PATIENCE_S = 90.0
_LOOK_S = 0.1
_FEEDS = ("zillow", "website")


@dataclass(frozen=True, slots=True)
class Pms:
    """The simulator that is the PMS of this run."""

    vendor: str
    url: str


def prepared(settings: Settings) -> Services:
    """A migrated store with the PMS's configuration in it."""
    logs.configure("ERROR")
    prepare(settings)
    services = build_services(settings)
    for account in settings.accounts.values():
        sync(services, profile(account))
    return services


def keys(services: Services, var: Path) -> dict[str, str]:
    """A key per feed that takes leads over HTTP; made once and kept beside the store, for its owner only."""
    path = var / "demo-keys.json"
    if path.exists():
        kept: dict[str, str] = json.loads(path.read_text())
        return kept
    made = {}
    for feed in _FEEDS:
        issued = issue("bearer", feed=feed, label="sample run", secret_key=services.settings.secret_key)
        with services.store.write(Commit.ADMIN) as connection:
            api_keys.add(connection, issued.row, now(), "sample run")
        made[feed] = issued.shown
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        json.dump(made, handle)
    return made


def feed(services: Services, story: Story, address: str, pms: Pms, var: Path, bearer: dict[str, str]) -> dict[str, str]:
    """Send every sample in order; sample id -> what the sender was told."""
    return {sample.id: _send(services, sample, address, pms, var, bearer) for sample in story.samples}


def _send(services: Services, sample: Sample, address: str, pms: Pms, var: Path, bearer: dict[str, str]) -> str:
    body = content(sample, var / "demo-leads", now())
    if sample.pms_fails and not _sent_before(services, sample):
        fault = {"op": known(pms.vendor).create, "mode": "status", "status": 503, "times": sample.pms_fails}
        httpx2.post(f"{pms.url}/control/faults", json=[fault], timeout=10, trust_env=False).raise_for_status()
    if sample.feed == "mail":
        return take(services, body, sample.content_type, "mail")[1]
    headers = {
        "Authorization": f"Bearer {bearer[sample.feed]}",
        "Content-Type": sample.content_type,
        "Idempotency-Key": f"sample-{sample.id}",
    }
    answer = httpx2.post(
        f"{address}/v1/leads/{sample.feed}", content=body, headers=headers, timeout=30, trust_env=False
    )
    if answer.status_code != 200:
        raise LeadsvcError(f"sample {sample.id} was answered {answer.status_code}: {answer.text[:300]}")
    return str(answer.json()["status"])


def _sent_before(services: Services, sample: Sample) -> bool:
    like = receipts.c.delivery_key.like(f"%:sample-{sample.id}")
    with services.store.read() as connection:
        return connection.execute(select(receipts.c.id).where(like)).first() is not None


def settled(services: Services) -> bool:
    """Wait until nothing is on its way; ``False`` when that takes too long."""
    before = deliveries.alias("before")
    needs_a_person = exists().where(
        before.c.lane_id == deliveries.c.lane_id,
        before.c.destination == deliveries.c.destination,
        before.c.state == "held",
        before.c.seq < deliveries.c.seq,
    )
    under_way = deliveries.c.state.in_(("pending", "retry", "in_flight"))
    waiting = select(deliveries.c.id).where(under_way, ~needs_a_person).limit(1)
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        with services.store.read() as connection:
            if connection.execute(waiting).first() is None:
                return True
        time.sleep(_LOOK_S)
    return False


def show(
    services: Services, story: Story, statuses: dict[str, str], pms: Pms, var: Path, console: Console
) -> list[str]:
    """Print what became of everything; returns what differs from the table."""
    state = httpx2.get(f"{pms.url}/control/state", timeout=10, trust_env=False).json()
    before = frozenset(card.get("card_id") or card["id"] for card in state["cards"] if card["entered_by"] != "api")
    with services.store.read() as connection:
        found = outcome.cards(connection, before)
        open_ = outcome.open_exceptions(connection)
        books = balance(connection)
        ends = {
            sample.id: outcome.End(statuses[sample.id], *outcome.became(connection, _key(sample, var)))
            for sample in story.samples
        }
        _show_flow(connection, story, ends, console)
    _show_cards(found, console)
    if open_:
        table = Table("kind", "cause", "what to do", title="Exceptions: kept, visible, waiting for a person")
        for row in open_:
            table.add_row(*row)
        console.print(table)
    people = int(state["counts"]["live_people"])
    console.print(f"People in the PMS by its own count: {people} (the table says {story.pms_people})")
    console.print("The books balance (P7)." if books.balance else "The books do NOT balance: run `leadsvc check`.")
    wrong = outcome.differences(story, found, open_, people, ends)
    return wrong if books.balance else [*wrong, "the books do not balance"]


def _key(sample: Sample, var: Path) -> str:
    """How the receipt of a sample is found again."""
    if sample.feed != "mail":
        return f"sample-{sample.id}"
    return hashlib.sha256(content(sample, var / "demo-leads", now())).hexdigest()


def _show_flow(connection: Connection, story: Story, ends: dict[str, outcome.End], console: Console) -> None:
    table = Table("sample", "shows", "feed", "the sender was told", "became", title="Receipts and what they became")
    for sample in story.samples:
        end = ends[sample.id]
        became = f"{end.effect} of {end.person}" if end.person else "kept, no lead"
        table.add_row(sample.id, sample.shows, sample.feed, end.status, became)
    console.print(table)
    sums = {f"{word} {state}".strip(): count for word, state, count in balance(connection).sums}
    console.print("   ".join(f"{name}: {count}" for name, count in sums.items()))


def _show_cards(found: list[outcome.Found], console: Console) -> None:
    table = Table(
        "guest card", "prospect", "who", "property", "sources", "PMS", "deliveries", "why", title="Guest cards"
    )
    for card in found:
        pushes = ", ".join(f"{count} {state}" for state, count in sorted(card.pushes.items()))
        who = f"{card.name} ({card.standing})" if card.standing and card.standing != "prospect" else card.name
        why = "\n".join(f"{n}. {sentence}" for n, sentence in enumerate(card.why, 1))
        row = [
            card.key,
            card.prospect_key,
            who,
            card.property or "not known",
            ", ".join(card.sources),
            card.pms,
            pushes,
        ]
        table.add_row(*row, why)
    console.print(table)


def told(log: Path) -> str:
    """The one-time sign-in link that the server printed, if it did."""
    for line in log.read_text(errors="replace").splitlines():
        if line.startswith("first sign-in"):
            return line
    return ""


def run(var: Path, port: int, console: Console, once: bool, wait: Any, vendor: str = "simpms") -> list[str]:
    """The whole sample run, with the simulator of ``vendor`` as the PMS or, where that is none, beside it; returns what
    went otherwise than the table says. ``wait()`` blocks until interrupted."""
    var = var.absolute()
    var.mkdir(parents=True, exist_ok=True)
    _kept_for(var, vendor)
    address = f"http://127.0.0.1:{port}"
    vendors = ("simpms", vendor) if known(vendor).crm else (vendor,)
    with contextlib.ExitStack() as stack:
        urls = {each: stack.enter_context(processes.simulated(var, each)) for each in vendors}
        processes.environment(var, processes.write_config(var, urls), port, vendors)
        services = prepared(Settings.load())
        stack.callback(services.store.close)
        bearer = keys(services, var)
        pms = Pms(vendors[0], urls[vendors[0]])
        log = stack.enter_context(processes.leadsvc_itself(var, address))
        story = read_story(pms.vendor)
        statuses = feed(services, story, address, pms, var, bearer)
        still = [] if settled(services) else ["deliveries are still under way"]
        wrong = still + show(services, story, statuses, pms, var, console)
        console.print(f"\nPages      {address}/\n{told(log)}".rstrip())
        console.print(f"API        {address}/docs")
        for each, url in urls.items():
            console.print(f"{'CRM' if known(each).crm else 'PMS'}        {url}/   (simulated {each})")
        console.print(f"Lead key   {bearer['website']}", soft_wrap=True)
        for difference in wrong:
            console.print(f"[red]differs:[/red] {difference}")
        if not once:
            console.print("Serving until interrupted (Ctrl-C).")
            wait()
    return wrong


def _kept_for(var: Path, vendor: str) -> None:
    """A store knows the records of one vendor by their ids: it is no store for another."""
    path = var / "demo-pms"
    before = path.read_text(encoding="utf-8").strip() if path.exists() else vendor
    if before != vendor:
        raise ConfigurationError(f"{var} was filled with {before} as the PMS; set VAR= to another folder for {vendor}")
    path.write_text(vendor + "\n", encoding="utf-8")
