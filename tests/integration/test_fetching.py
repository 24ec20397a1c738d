"""Leads that a web hook only names: fetched once each, whatever happens, and each a receipt of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from leadsvc.faults import Commit
from leadsvc.reports.books import balance
from leadsvc.store.queries.fetches import take
from leadsvc.store.tables import exceptions, fetches, inquiries, receipts
from leadsvc.workers.fetch import Fetcher
from leadsvc.workers.graph import Found, judge
from tests.graphbench import TOKEN, GraphBench, webhook
from tests.integration.api_support import Door, door
from tests.integration.test_hooks import TOPIC, certificate, sns
from tests.system import people

CONFIG = """\
feeds:
  facebook:
    provider: facebook
    map: facebook_lead
    fetch: {{token: 'file:{token}', base_url: '{url}', timeout_s: 2}}
"""


class Clock:
    """The real one, ahead of it by what it was moved."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def forward(self, **time: float) -> None:
        self.ahead += timedelta(**time)


class Office:
    """A door with a clock of its own and the fetching part of a worker, run by hand."""

    def __init__(self, made: Door, clock: Clock, token: Path) -> None:
        self.door, self.clock, self.token = made, clock, token
        services = made.services
        self.fetcher = Fetcher(services.store, services.settings, services.intake, clock)
        self.headers = made.bearer("facebook")

    def hook(self, *lead_ids: str, **how: bool) -> dict[str, Any]:
        body = webhook(*lead_ids, **how)
        answer = self.door.client.post(
            "/v1/leads/facebook", data=body, content_type="application/json", headers=self.headers
        )
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.get_json()
        return told

    def names(self) -> list[str]:
        return sorted(row["lead"]["name"]["value"]["text"] for row in self.door.rows(inquiries))

    def open(self) -> list[str]:
        """Causes of open exceptions about fetching; nobody has configured the properties."""
        found = [row["cause"] for row in self.door.rows(exceptions) if row["resolved_at"] is None]
        return [cause for cause in found if cause != "unknown_property"]

    def causes(self) -> list[tuple[str, str]]:
        return sorted((row["state"], row["cause"]) for row in self.door.rows(fetches))

    def balanced(self) -> None:
        with self.door.services.store.read() as connection:
            books = balance(connection)
        assert [entry for entry in books.entries if entry.wrong] == []


@pytest.fixture
def office(store_url: str, tmp_path: Path, graph: GraphBench) -> Iterator[Office]:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    config = tmp_path / "facebook.yaml"
    config.write_text(CONFIG.format(token=token, url=graph.base_url))
    clock = Clock()
    with door(store_url, tmp_path, CONFIG=str(config)) as made:
        found = Office(made, clock, token)
        yield found
        found.fetcher.stop()


def named(lead_id: str) -> str:
    return " ".join(people.name(int(lead_id)).values())


def rosa(graph: GraphBench, lead_id: str) -> None:
    graph.put(lead_id, full_name=named(lead_id), email=people.email(int(lead_id)), message="Is it free?")


def test_named_then_fetched(office: Office, graph: GraphBench) -> None:
    rosa(graph, "4001")
    assert office.hook("4001")["status"] == "accepted"
    assert office.names() == []
    office.fetcher.round()
    assert office.names() == [named("4001")]
    pointer, lead = sorted(office.door.rows(receipts), key=lambda row: row["received_at"])
    assert (pointer["state"], pointer["cause"]) == ("not_lead", "pointer")
    assert (lead["state"], lead["authenticated"], lead["delivery_key"]) == (
        "processed",
        "fetched:facebook",
        "facebook_lead:4001",
    )
    assert json.loads(lead["body"])["id"] == "4001"
    [fetch] = office.door.rows(fetches)
    assert (fetch["state"], fetch["receipt_id"], fetch["found_id"]) == ("done", pointer["id"], lead["id"])
    office.balanced()


def test_batched_and_sent_again(office: Office, graph: GraphBench) -> None:
    for lead_id in ("1", "2", "3"):
        rosa(graph, lead_id)
    office.hook("1", "2", "1")
    office.hook("2", "3", number=True)
    office.fetcher.round()
    office.hook("1", "2", "3")
    office.fetcher.round()
    assert len(office.names()) == 3
    assert [graph.asked(each) for each in ("1", "2", "3")] == [1, 1, 1]
    office.balanced()


def test_refused_token_is_told_once_and_resumes_by_itself(office: Office, graph: GraphBench) -> None:
    for lead_id in ("1", "2", "3"):
        rosa(graph, lead_id)
    office.token.write_text("stale")
    office.hook("1", "2", "3")
    office.fetcher.round()
    assert office.open() == ["fetch_token"]
    assert sum(graph.asked(each) for each in ("1", "2", "3")) == 1
    assert {cause for _, cause in office.causes()} == {"token"}
    office.token.write_text(TOKEN)
    office.fetcher.round()
    assert office.names() == []
    office.clock.forward(minutes=6)
    office.fetcher.round()
    assert len(office.names()) == 3
    assert office.open() == []
    office.balanced()


@pytest.mark.parametrize(("code", "cause"), [(10, "permission"), (200, "permission"), (190, "token")])
def test_what_hinders_a_feed(office: Office, graph: GraphBench, code: int, cause: str) -> None:
    rosa(graph, "1")
    graph.error(code)
    office.hook("1")
    office.fetcher.round()
    assert office.open() == [f"fetch_{cause}"]
    office.clock.forward(minutes=6)
    office.fetcher.round()
    assert (len(office.names()), office.open()) == (1, [])


def test_asked_to_slow_down(office: Office, graph: GraphBench) -> None:
    rosa(graph, "1")
    usage = {"1900": [{"type": "leadgen", "estimated_time_to_regain_access": 7}]}
    graph.error(4, headers={"X-Business-Use-Case-Usage": json.dumps(usage)})
    office.hook("1")
    office.fetcher.round()
    office.clock.forward(minutes=6)
    office.fetcher.round()
    assert (graph.asked("1"), office.open()) == (1, [])
    office.clock.forward(minutes=2)
    office.fetcher.round()
    assert len(office.names()) == 1


def test_a_lead_that_is_gone(office: Office, graph: GraphBench) -> None:
    office.hook("1")
    for _ in range(8):
        office.fetcher.round()
        office.clock.forward(hours=4)
    assert office.causes() == [("gone", "missing")]
    assert office.open() == ["fetch_missing"]
    assert graph.asked("1") == 6
    rosa(graph, "1")  # it was another page's token; repaired, a person reads the receipt again
    [pointer] = office.door.rows(receipts)
    office.door.services.actions.replay([pointer["id"]], "test")
    office.clock.forward(minutes=1)
    office.fetcher.round()
    assert (len(office.names()), office.open()) == (1, [])
    office.balanced()


@pytest.mark.parametrize("mode", ["status", "html_error", "drop_before", "cut_body", "truncate_json", "ok_without_id"])
def test_bad_days(office: Office, graph: GraphBench, mode: str) -> None:
    rosa(graph, "1")
    graph.fault(mode, times=3)
    office.hook("1")
    for _ in range(3):
        office.fetcher.round()
        office.clock.forward(minutes=3)
    assert office.names() == []
    assert office.open() == ["fetch_unreachable"]
    office.fetcher.round()
    assert (len(office.names()), office.open()) == (1, [])
    office.balanced()


def test_a_worker_that_died_leaves_a_lease(office: Office, graph: GraphBench) -> None:
    rosa(graph, "1")
    office.hook("1")
    with office.door.services.store.write(Commit.CLAIM) as connection:
        assert len(take(connection, ["facebook"], office.clock(), 5, timedelta(seconds=60))) == 1
    office.fetcher.round()
    assert graph.asked("1") == 0
    office.clock.forward(seconds=61)
    office.fetcher.round()
    assert len(office.names()) == 1


def test_two_workers_ask_once(office: Office, graph: GraphBench) -> None:
    services = office.door.services
    other = Fetcher(services.store, services.settings, services.intake, office.clock)
    ids = [str(number) for number in range(1, 9)]
    for each in ids:
        rosa(graph, each)
    office.hook(*ids)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: one.round(), (office.fetcher, other)))
    office.fetcher.round()
    other.stop()
    assert [graph.asked(each) for each in ids] == [1] * len(ids)
    assert len(office.names()) == len(ids)


@pytest.mark.parametrize(
    ("status", "error", "found"),
    [
        (401, {"code": 190}, Found.TOKEN),
        (400, {"code": 102}, Found.TOKEN),
        (403, {"code": 200}, Found.PERMISSION),
        (400, {"code": 10}, Found.PERMISSION),
        (400, {"code": 80005}, Found.BUSY),
        (429, {}, Found.BUSY),
        (400, {"code": 100, "error_subcode": 33}, Found.MISSING),
        (400, {"code": 100}, Found.REFUSED),
        (500, {"code": 1}, Found.UNREACHABLE),
        (400, {"code": 2}, Found.UNREACHABLE),
        (302, {}, Found.UNREACHABLE),
        (0, {}, Found.UNREACHABLE),
        (400, {"code": "x"}, Found.REFUSED),
    ],
)
def test_what_an_answer_means(status: int, error: dict[str, Any], found: Found) -> None:
    assert judge("1", status, {}, json.dumps({"error": error}).encode()).found is found


def test_another_leads_answer_is_not_taken() -> None:
    body = json.dumps({"id": "2", "field_data": []}).encode()
    assert judge("1", 200, {}, body).found is Found.UNREACHABLE
    assert judge("2", 200, {}, body).found is Found.LEAD
    assert judge("2", 200, {}, b"[]").found is Found.UNREACHABLE
    assert judge("2", 429, {"Retry-After": "1e400"}, None).wait_s == 0
    assert judge("2", 429, {"Retry-After": "90"}, None).wait_s == 90


# -- SNS, over the wire ------------------------------------------------------------------------------------------------


@dataclass
class Amazon:
    """Stands for the address of SNS in a region. ``status`` is what it answers."""

    url: str
    pem: str
    status: int = 200
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def amazon() -> Iterator[Amazon]:
    made = Amazon("", certificate())

    @Request.application
    def application(request: Request) -> Response:
        made.asked.append(request.full_path)
        return Response(made.pem if request.path.endswith(".pem") else "<ConfirmSubscriptionResponse/>", made.status)

    server = make_server("127.0.0.1", 0, application, threaded=True)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def topic(store_url: str, tmp_path: Path, amazon: Amazon) -> Iterator[tuple[Door, Fetcher, Clock]]:
    config, clock = tmp_path / "sns.yaml", Clock()
    verify = f"{{topics: ['{TOPIC}'], endpoint_url: '{amazon.url}'}}"
    config.write_text(f"feeds:\n  ses: {{provider: ses, verify: {verify}}}\n")
    with door(store_url, tmp_path, CONFIG=str(config)) as made:
        fetcher = Fetcher(made.services.store, made.services.settings, made.services.intake, clock)
        yield made, fetcher, clock
        fetcher.stop()


def post(made: Door, root: dict[str, Any]) -> int:
    headers = made.bearer("ses")
    return made.client.post("/v1/leads/ses", data=json.dumps(root), headers=headers).status_code


def test_a_new_certificate_is_brought_by_a_worker(topic: tuple[Door, Fetcher, Clock], amazon: Amazon) -> None:
    made, fetcher, clock = topic
    assert post(made, sns()) == 503
    amazon.status = 500
    fetcher.round()
    assert post(made, sns()) == 503
    amazon.status = 200
    clock.forward(minutes=1)
    fetcher.round()
    assert post(made, sns()) == 200
    assert post(made, sns() | {"Message": "{}"}) == 401
    assert amazon.asked == ["/SimpleNotificationService-0123.pem?"] * 2


def test_what_is_no_certificate_is_given_up(topic: tuple[Door, Fetcher, Clock], amazon: Amazon) -> None:
    made, fetcher, clock = topic
    amazon.pem = "<html>"
    assert post(made, sns()) == 503
    for _ in range(8):
        fetcher.round()
        clock.forward(hours=4)
    assert [(row["state"], row["cause"]) for row in made.rows(fetches)] == [("gone", "certificate")]
    assert [row["cause"] for row in made.rows(exceptions)] == ["fetch_certificate"]


def test_a_confirmed_subscription(topic: tuple[Door, Fetcher, Clock], amazon: Amazon) -> None:
    made, fetcher, _ = topic
    asked = sns(Type="SubscriptionConfirmation", Token="a1b2", SubscribeURL="https://evil.example.net/?x")
    assert post(made, asked) == 503
    fetcher.round()
    assert post(made, asked) == 200
    [receipt] = made.rows(receipts)
    headers = made.staff("staff:write")
    assert made.client.post(f"/v1/receipts/{receipt['id']}/confirm", headers=headers).status_code == 200
    fetcher.round()
    assert amazon.asked[-1] == f"/?Action=ConfirmSubscription&TopicArn={TOPIC.replace(':', '%3A')}&Token=a1b2"
    assert all(row["resolved_at"] for row in made.rows(exceptions))
