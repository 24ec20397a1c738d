"""A whole leadsvc as an operator runs it: API, worker and PMS as processes, and a sender that does not give up."""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx2
from sqlalchemy import create_engine, text

from leadsvc.workers.destinations import capabilities
from leadsvc.workers.destinations.base import Profile
from tests.graphbench import TOKEN, GraphBench
from tests.integration.desk_support import PROPERTIES
from tests.processes import eventually, free_port
from tests.system.nursery import Kept, command, kept

FEEDS = ("site", "portal", "zillow", "mail")
ADVERTS = "adverts"
"""The feed whose leads are fetched, where there is a simulated Graph API."""
_MAPS = {"site": "canonical", "portal": "canonical", "zillow": "zillow_callback", "mail": ""}
_TRY_AGAIN = {429, 500, 502, 503, 504}


class Vendor(Protocol):
    """A running simulator, as far as a town deals with it."""

    @property
    def profile(self) -> Profile: ...
    def state(self) -> Any: ...
    def reset(self) -> None: ...
    def requests(self) -> list[str]: ...
    def fault(self, role: str, mode: str, **words: object) -> None: ...


@dataclass(frozen=True)
class Sent:
    """An answer that the sender got."""

    status: int
    body: Mapping[str, Any]


@dataclass
class Town:
    """What a test does to the processes and asks of them."""

    folder: Path
    url: str
    pms: Vendor
    env: Mapping[str, str]
    base: str
    client: httpx2.Client
    graph: GraphBench | None = None
    keys: dict[str, str] = field(default_factory=dict)
    api: Kept | None = None
    workers: list[Kept] = field(default_factory=list)
    unanswered: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    # -- the sender -----------------------------------------------------------------------------------------------

    def once(self, path: str, body: bytes, key: str, kind: str = "application/json") -> Sent | None:
        """One request; ``None`` when it was not answered, or answered with try again."""
        headers = {"Authorization": f"Bearer {self.keys[key]}", "Content-Type": kind}
        try:
            answer = self.client.post(f"{self.base}{path}", content=body, headers=headers)
        except httpx2.RequestError:
            return None
        if answer.status_code in _TRY_AGAIN:
            return None
        return Sent(answer.status_code, answer.json())

    def post(self, path: str, body: bytes, key: str, kind: str = "application/json") -> Sent:
        """Send until it is answered."""
        got: list[Sent] = []

        def answered() -> bool:
            sent = self.once(path, body, key, kind)
            if sent is None:
                with self._lock:
                    self.unanswered += 1
                return False
            got.append(sent)
            return True

        eventually(answered, f"POST {path} is answered", 60)
        return got[0]

    def lead(self, feed: str, **fields: object) -> Sent:
        """Send one canonical lead until it is acknowledged."""
        sent = self.post(f"/v1/leads/{feed}", lead(**fields), feed)
        assert sent.status == 200, sent.body
        return sent

    def all(self, leads: Sequence[tuple[str, Mapping[str, object]]], threads: int = 8) -> list[Sent]:
        """Send many (feed, fields) at once."""
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(lambda each: self.lead(each[0], **each[1]), leads))

    # -- looking --------------------------------------------------------------------------------------------------

    def rows(self, sql: str, **values: object) -> list[Any]:
        """Read the store past leadsvc; UUIDs come in the store's own form."""
        engine = create_engine(self.url.replace("postgresql://", "postgresql+psycopg://"))
        try:
            with engine.connect() as connection:
                return list(connection.execute(text(sql), values))
        finally:
            engine.dispose()

    def number(self, sql: str, **values: object) -> int:
        return int(self.rows(sql, **values)[0][0])

    def owed(self) -> int:
        """What is not yet where it belongs. Asked in the order in which one becomes the next, so that nothing slips by
        between two questions."""
        pending = ("fetches WHERE state = 'pending'", "receipts WHERE state = 'pending'")
        again = ("inquiries WHERE unsettled", "reopenings")
        paused = "deliveries WHERE state = 'held' AND cause = 'paused_account'"
        waiting = "deliveries WHERE state IN ('pending', 'in_flight', 'retry')"
        asked = (*pending, *again, paused, waiting)
        return sum(self.number(f"SELECT count(*) FROM {each}") for each in asked)  # noqa: S608  # constants

    def settle(self, seconds: float = 60.0) -> None:
        """Wait until nothing is owed."""
        try:
            eventually(lambda: self.owed() == 0, "everything is delivered", seconds)
        except AssertionError as error:
            states = self.rows("SELECT state, cause, outcome, message, count(*) FROM deliveries GROUP BY 1, 2, 3, 4")
            raise AssertionError(f"{error}: {states}\n{self.logs()[-4000:]}") from None

    def logs(self) -> str:
        return "".join(each.output() for each in [self.api, *self.workers] if each is not None)

    def run(self, *words: str, fault: str = "") -> tuple[int, str]:
        """Run a command beside the processes."""
        env = {**self.env, "LEADSVC_FAULT": fault}
        return command(words, env, self.folder / "command.log")

    def assert_balanced(self) -> None:
        """P7."""
        status, said = self.run("check")
        assert status == 0, said

    # -- faults ---------------------------------------------------------------------------------------------------

    def arm(self, role: str, order: str) -> Path:
        """Tell ``api`` or ``worker`` to die at a point; the file is gone when one did."""
        if not self.workers:
            role = "api"
        file = self.folder / f"{role}.fault"
        other = self.folder / f"{role}.order"
        other.write_text(order)
        other.rename(file)
        return file

    # -- processes ------------------------------------------------------------------------------------------------

    def up(self) -> bool:
        try:
            return self.client.get(f"{self.base}/healthz").status_code == 200
        except httpx2.RequestError:
            return False


def lead(**fields: object) -> bytes:
    """A canonical lead as a website sends it."""
    usual: dict[str, object] = {
        "person": {"given": "Rosa", "family": "Lindqvist"},
        "property": {"id": "chd001"},
        "source": "website",
        "contact_type": "form",
    }
    return json.dumps(usual | fields).encode()


def _configuration(pms: Vendor, graph: GraphBench | None, timeout_s: float, concurrency: int) -> str:
    feeds = "".join(f"  {name}: {{map: '{_MAPS[name]}', per_minute: 1000000}}\n" for name in FEEDS)
    if graph is not None:
        fetch = f"{{token: env:GRAPH_TOKEN, base_url: '{graph.base_url}', per_minute: 10000}}"
        feeds += f"  {ADVERTS}: {{provider: facebook, map: facebook_lead, fetch: {fetch}}}\n"
    known = pms.profile
    account: dict[str, object] = {
        "vendor": known.vendor,
        "base_url": known.base_url,
        "options": dict(known.options),
        "timeout_s": timeout_s,
        "concurrency": concurrency,
        "household": "shared" if capabilities(known.vendor).co_prospects else "separate",
        "fallback_source": "Unmapped - Review",
        "calls_per_lead": 5000,  # a renter of these towns writes more often than any in the world
        "sources": {"zillow": "Zillow.com", "apartments_com": "Apartments.com", "website": "Property Website"},
    }
    if known.credentials:
        account |= {"credentials": {name: f"env:{_variable(name)}" for name in known.credentials}}
        account |= {"properties": PROPERTIES, "limits": {"1s": 5000}}  # nor is any asked so often
    else:
        account["api_key"] = f"env:{_variable('api_key')}"
    return f"feeds:\n{feeds}destinations:\n  pms: {json.dumps(account)}\n"  # JSON is YAML


def _variable(credential: str) -> str:
    return f"PMS_{credential}".upper()


def _secrets(pms: Vendor) -> dict[str, str]:
    known = pms.profile
    return {_variable(name): value for name, value in ({"api_key": known.api_key} | dict(known.credentials)).items()}


@contextlib.contextmanager
def town(
    folder: Path,
    url: str,
    pms: Vendor,
    *,
    workers: int = 0,
    processes: int = 1,
    redis_url: str = "",
    lease_s: float = 2.0,
    sweep_s: float = 0.25,
    timeout_s: float = 2.0,
    concurrency: int = 4,
    graph: GraphBench | None = None,
) -> Iterator[Town]:
    """leadsvc on the migrated store ``url`` with an empty PMS. ``workers`` 0: the API delivers inline. ``graph``: where
    the leads of the feed ``adverts`` are fetched."""
    pms.reset()
    folder.mkdir(exist_ok=True)
    config = folder / "leadsvc.yaml"
    config.write_text(_configuration(pms, graph, timeout_s, concurrency))
    port = free_port()
    env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ} | {
        "LEADSVC_VAR": str(folder),
        "LEADSVC_CONFIG": str(config),
        "LEADSVC_DATABASE_URL": url,
        "LEADSVC_PORT": str(port),
        "LEADSVC_LEASE_S": str(lease_s),
        "LEADSVC_LEFT_BEHIND_S": "1",
        "LEADSVC_SWEEP_S": str(sweep_s),
        "LEADSVC_OUTCOMES_S": str(sweep_s),
        "LEADSVC_REDIS_URL": redis_url,
        "LEADSVC_INLINE_WORKER": "false" if workers else "true",
        "GRAPH_TOKEN": TOKEN,
        **_secrets(pms),
    }
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(_client())
        made = Town(folder, url, pms, env, f"http://127.0.0.1:{port}", client, graph)
        status, said = made.run("destinations", "sync", "pms")
        assert status == 0, said
        for name in (*FEEDS, *([ADVERTS] if graph else [])):
            made.keys[name] = _key(made, "key", "create", "--feed", name)
        made.keys["staff"] = _key(made, "key", "create", "--scope", "staff:write")
        for number in range(workers):
            worker_env = {**env, "LEADSVC_FAULT": f"@{folder / 'worker.fault'}"}
            made.workers.append(stack.enter_context(kept(("worker",), worker_env, folder / f"worker{number}.log")))
        api_env = {**env, "LEADSVC_FAULT": f"@{folder / 'api.fault'}"}
        words = ("serve", "--workers", str(processes))
        made.api = stack.enter_context(kept(words, api_env, folder / "api.log"))
        eventually(made.up, "the API answers", 30)
        yield made


def _client() -> httpx2.Client:
    limits = httpx2.Limits(max_connections=128, max_keepalive_connections=128)
    return httpx2.Client(verify=False, trust_env=False, timeout=15, limits=limits)


def _key(made: Town, *words: str) -> str:
    status, said = made.run(*words)
    assert status == 0, said
    found = re.search(r"^\S{20,}$", said, re.MULTILINE)
    assert found, said
    return found.group(0)
