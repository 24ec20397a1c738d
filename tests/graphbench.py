"""The simulated Graph API as a process of its own, behind a bench: what a test can order, and what it can count."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.benches import LOCAL, simulated
from tests.processes import Process

TOKEN = "page-token-for-tests"


@dataclass(frozen=True)
class GraphBench:
    """A running simulator; ``base_url`` is what a feed's fetch.base_url says."""

    process: Process
    url: str

    @property
    def base_url(self) -> str:
        return f"{self.url}/v21.0"

    def control(self, method: str, path: str, words: object = None) -> Any:
        answer = LOCAL.request(method, f"{self.url}/control/{path}", json=words)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def put(self, lead_id: str, **answers: str) -> None:
        """A lead with these answers."""
        data = [{"name": name, "values": [value]} for name, value in answers.items()]
        lead = {"id": lead_id, "created_time": "2026-03-02T15:00:00+0000", "form_id": "77", "field_data": data}
        self.control("POST", "leads", [lead])

    def error(self, code: int, times: int = 1, **words: object) -> None:
        self.control("POST", "faults", [{"mode": "graph_error", "code": code, "times": times, **words}])

    def fault(self, mode: str, **words: object) -> None:
        self.control("POST", "faults", [{"op": "get_lead", "mode": mode, **words}])

    def asked(self, lead_id: str) -> int:
        return int(self.control("GET", "state")["asked"].get(lead_id, 0))

    def reset(self) -> None:
        self.control("DELETE", "faults")
        self.control("POST", "token", {"token": TOKEN})
        self.control("DELETE", "leads")


@contextlib.contextmanager
def running_graph() -> Iterator[GraphBench]:
    """A simulator on a port of its own."""
    with simulated("graph", "--token", TOKEN) as (process, said):
        yield GraphBench(process, said["url"])


def webhook(*lead_ids: str, number: bool = False) -> bytes:
    """What Facebook posts about leads: ids only, one entry each."""
    entries = [
        {
            "id": "1900",
            "time": 1_790_000_000,
            "changes": [
                {
                    "field": "leadgen",
                    "value": {
                        "leadgen_id": int(each) if number else each,
                        "page_id": "1900",
                        "form_id": "77",
                        "created_time": 1_790_000_000,
                    },
                }
            ],
        }
        for each in lead_ids
    ]
    return json.dumps({"object": "page", "entry": entries}).encode()
