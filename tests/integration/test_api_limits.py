"""How large, how often, how many failures; and that counters being away refuses nobody."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadsvc.api.rates import FAILURES_PER_MINUTE, Limits
from leadsvc.store.tables import receipts
from tests.integration.api_support import Door, door
from tests.processes import free_port


@pytest.fixture
def api(sqlite_database: str, tmp_path: Path) -> Iterator[Door]:
    with door(sqlite_database, tmp_path) as opened:
        yield opened


class Endless(io.RawIOBase):
    """A body that never ends and counts what was read of it."""

    taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]  # RawIOBase declares any buffer
        view[:] = b"a" * len(view)
        self.taken += len(view)
        return len(view)


def test_a_body_declared_too_long_is_not_read(api: Door) -> None:
    body = Endless()
    environ = {"wsgi.input": body, "CONTENT_LENGTH": "50000000"}
    answer = api.client.post("/v1/leads/small", environ_overrides=environ, headers=api.bearer("small"))
    assert (answer.status_code, answer.get_json()["code"]) == (413, "request_entity_too_large")
    assert body.taken == 0
    assert "split it" in answer.get_json()["detail"]


def test_a_body_without_length_is_read_up_to_the_limit_only(api: Door) -> None:
    body = Endless()
    headers, environ = api.bearer("fast"), {"wsgi.input": body, "wsgi.input_terminated": True}
    tracemalloc.start()
    answer = api.client.post("/v1/leads/fast", environ_overrides=environ, headers=headers)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.status_code == 413
    assert body.taken <= 2_100_000
    assert peak < 10_000_000
    assert api.count(receipts) == 0


@pytest.mark.parametrize(("size", "status"), [(1000, 200), (1001, 413)])
@pytest.mark.parametrize("declared", [True, False])
def test_the_limit_is_exact(api: Door, size: int, status: int, declared: bool) -> None:
    answer = api.client.post(
        "/v1/leads/small",
        input_stream=io.BytesIO(b"x" * size),
        content_length=size if declared else None,
        environ_overrides={} if declared else {"wsgi.input_terminated": True},
        headers=api.bearer("small"),
    )
    assert answer.status_code == status
    assert [len(row["body"]) for row in api.rows(receipts)] == ([size] if status == 200 else [])


def test_the_server_has_a_limit_of_its_own(sqlite_database: str, tmp_path: Path) -> None:
    with door(sqlite_database, tmp_path, MAX_BODY_BYTES="1000") as api:
        headers = api.bearer("fast")
        assert api.client.post("/v1/leads/fast", data=b"x" * 1001, headers=headers).status_code == 413
        assert api.client.post("/v1/leads/fast", data=b"x" * 1000, headers=headers).status_code == 200


@pytest.mark.parametrize("ends", [True, False])
def test_a_body_shorter_than_declared_is_not_recorded(api: Door, ends: bool) -> None:
    environ = {"wsgi.input": io.BytesIO(b"half"), "CONTENT_LENGTH": "400", "wsgi.input_terminated": ends}
    answer = api.client.post("/v1/leads/small", environ_overrides=environ, headers=api.bearer("small"))
    assert answer.status_code == 400
    assert api.count(receipts) == 0


def test_too_many_a_minute(api: Door) -> None:
    headers = api.bearer("small")
    answers = [api.client.post("/v1/leads/small", data=b"x", headers=headers) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert answers[-1].get_json()["code"] == "rate"
    assert api.client.post("/v1/leads/small", data=b"x", headers=api.bearer("small")).status_code == 200
    assert api.count(receipts) == 6


def test_failures_of_an_address_are_counted(api: Door) -> None:
    headers = api.bearer()
    codes = [api.client.post("/v1/leads/website").status_code for _ in range(FAILURES_PER_MINUTE + 1)]
    assert codes == [401] * FAILURES_PER_MINUTE + [429]
    # The right secret still gets in beside a guesser behind the same proxy …
    assert api.client.post("/v1/leads/website", data=b"x", headers=headers).status_code == 200
    # … but a signature, which costs reading the body, waits.
    body = Endless()
    environ = {"wsgi.input": body, "CONTENT_LENGTH": "100"}
    answer = api.client.post("/v1/leads/website", environ_overrides=environ, headers={"webhook-signature": "v1,AAAA"})
    assert (answer.status_code, answer.get_json()["code"], body.taken) == (429, "failures", 0)
    elsewhere = {"REMOTE_ADDR": "192.0.2.9"}
    assert api.client.post("/v1/leads/website", environ_overrides=elsewhere).status_code == 401


def test_an_ipv6_neighbourhood_counts_as_one() -> None:
    limits = Limits()
    for number in range(FAILURES_PER_MINUTE):
        assert limits.failed(f"2001:db8::{number:x}") == 0
    assert limits.barred("2001:db8::ffff") > 0
    assert limits.barred("2001:db8:0:1::1") == 0


def test_blocks_of_permits_keep_to_the_limit() -> None:
    limits = Limits()
    passed = sum(limits.spend("a", 1200) == 0 for _ in range(3000))
    assert passed == 1200


@pytest.mark.slow
def test_processes_share_the_counter_in_redis(redis_url: str) -> None:
    one, other = Limits(redis_url), Limits(redis_url)
    passed = sum(each.spend("a", 20) == 0 for each in (one, other) * 30)
    assert passed == 20
    for _ in range(FAILURES_PER_MINUTE):
        one.failed("192.0.2.1")
    assert other.barred("192.0.2.1") > 0


@pytest.mark.slow
def test_redis_away_refuses_nobody(sqlite_database: str, tmp_path: Path) -> None:
    with door(sqlite_database, tmp_path, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0") as api:
        headers = api.bearer()
        assert [api.client.post("/v1/leads/website", data=b"x", headers=headers).status_code for _ in range(3)] == [
            200
        ] * 3
        assert api.client.post("/v1/leads/website").status_code == 401
