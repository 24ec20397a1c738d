"""The four kinds of credentials over HTTP: what opens, what does not, rotation, IP lists; no secret is kept."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from leadsvc import logs
from leadsvc.api.credentials import KEPT_S, Credentials
from leadsvc.faults import Commit
from leadsvc.security import Issued, sign, split_token
from leadsvc.store.queries import api_keys
from leadsvc.store.tables import audit, credentials, receipts
from tests.integration.api_support import Door, door

BODY = b'{"name": "Rosa Example", "email": "rosa@example.com"}'
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def api(store_url: str, tmp_path: Path) -> Iterator[Door]:
    with door(store_url, tmp_path) as opened:
        yield opened


def signed(made: Issued, body: bytes = BODY, message_id: str = "msg_1", shift: int = 0) -> dict[str, str]:
    """Headers of a signed request, the sender's clock ``shift`` seconds ahead of ours."""
    timestamp = str(int(datetime.now(UTC).timestamp()) + shift)
    key = base64.b64decode(made.shown.removeprefix("whsec_"))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": sign(key, message_id, timestamp, body),
    } | JSON


def send(api: Door, made: Issued, path: str = "/v1/leads/website", body: bytes = BODY) -> TestResponse:
    """The body, sent with the credential in the place that its kind calls for."""
    if made.row["kind"] == "url":
        return api.client.post(f"/v1/hooks/{made.shown}", data=body, headers=JSON)
    if made.row["kind"] == "hmac":
        return api.client.post(path, data=body, headers=signed(made, body, message_id=f"msg_{len(body)}"))
    if made.row["kind"] == "basic":
        given = f"Basic {base64.b64encode(made.shown.encode()).decode()}"
    else:
        given = f"Bearer {made.shown}"
    return api.client.post(path, data=body, headers=JSON | {"Authorization": given})


KINDS = pytest.mark.parametrize("kind", ["bearer", "basic", "hmac", "url"])


@KINDS
def test_each_kind_opens_its_feed(api: Door, kind: str) -> None:
    made = api.key(kind)
    answer = send(api, made)
    assert answer.status_code == 200
    (kept,) = api.rows(receipts)
    assert str(kept["id"]) == answer.get_json()["receipt"]
    assert (kept["feed"], kept["body"], kept["authenticated"]) == ("website", BODY, f"{kind}:{made.row['prefix']}")


@KINDS
def test_two_are_live_while_one_replaces_the_other(api: Door, kind: str) -> None:
    old, new = api.key(kind), api.key(kind)
    assert send(api, old).status_code == send(api, new).status_code == 200
    with api.services.store.write(Commit.ADMIN) as connection:
        api_keys.revoke(connection, old.row["id"], old.row["prefix"], datetime.now(UTC), "test")
    api.forget()
    assert send(api, old, body=BODY + b" ").status_code == 401
    assert send(api, new, body=BODY + b" ").status_code == 200


@KINDS
def test_address_lists(api: Door, kind: str) -> None:
    assert send(api, api.key(kind, ips=["127.0.0.0/8"])).status_code == 200
    refused = send(api, api.key(kind, ips=["192.0.2.0/24"]))
    assert refused.status_code == 403
    assert refused.get_json()["code"] == "address"


@pytest.mark.parametrize("kind", ["bearer", "basic", "hmac"])
def test_another_feed_is_refused(api: Door, kind: str) -> None:
    made = api.key(kind, feed="fast")
    # A signature names no credential: for another feed it simply fits none.
    expected = (401, "credential") if kind == "hmac" else (403, "wrong_feed")
    answer = send(api, made, "/v1/leads/website")
    assert (answer.status_code, answer.get_json()["code"]) == expected
    assert api.count(receipts) == 0


@KINDS
def test_a_secret_of_one_kind_is_no_secret_of_another(api: Door, kind: str) -> None:
    prefix, secret = split_token(api.key("bearer" if kind != "bearer" else "basic").shown.replace(":", "_"))
    prefix, secret = (prefix, secret) if prefix else ("x", "y")
    token = f"lsk_{prefix}_{secret}"
    client = api.client
    tries = {
        "bearer": lambda: client.post("/v1/leads/website", headers={"Authorization": f"Bearer {token}"}),
        "basic": lambda: client.post("/v1/leads/website", auth=(prefix, secret)),
        "hmac": lambda: client.post("/v1/leads/website", headers={"webhook-signature": "v1,AAAA"}),
        "url": lambda: client.post(f"/v1/hooks/{token}"),
    }
    assert tries[kind]().status_code == 401


WRONG = [
    {},
    {"Authorization": ""},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer lsk__"},
    {"Authorization": "Bearer lsk_abc_" + "0" * 48},
    {"Authorization": "Basic !!!"},
    {"Authorization": "Basic /////w=="},
    {"Authorization": "Digest x"},
    {"Authorization": "Bearer " + "x" * 100_000},
    {"Authorization": "Bearer lsk_ä_ö"},
    {"webhook-signature": "v1,"},
    {"webhook-signature": "v1,AAAA", "webhook-id": "m", "webhook-timestamp": "9" * 400},
]


@pytest.mark.parametrize("headers", WRONG)
def test_every_wrong_credential_gets_the_same_answer(api: Door, headers: dict[str, str]) -> None:
    api.key("hmac")
    answer = api.client.post("/v1/leads/website", data=BODY, headers=headers)
    plain = api.client.post("/v1/leads/website", data=BODY)
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json() == plain.get_json()
    assert answer.headers.getlist("WWW-Authenticate") == ['Bearer realm="leadsvc"', 'Basic realm="leadsvc"']
    assert api.count(receipts) == 0


def test_a_bit_of_the_secret_makes_the_difference(api: Door) -> None:
    shown = api.key().shown
    for place in range(len(shown)):
        bent = shown[:place] + ("2" if shown[place] != "2" else "3") + shown[place + 1 :]
        answer = api.client.post("/v1/leads/website", data=BODY, headers={"Authorization": f"Bearer {bent}"})
        assert answer.status_code in {401, 429}
    assert api.count(receipts) == 0


def test_signed_requests(api: Door) -> None:
    made = api.key("hmac")
    client, good = api.client, signed(made)
    first = client.post("/v1/leads/website", data=BODY, headers=good)
    again = client.post("/v1/leads/website", data=BODY, headers=good)
    assert (first.status_code, first.get_json()) == (again.status_code, again.get_json())
    assert api.count(receipts) == 1  # replayed within the tolerance: webhook-id is its key
    assert client.post("/v1/leads/website", data=BODY + b" ", headers=good).status_code == 401
    assert client.post("/v1/leads/website", data=BODY, headers=good | {"webhook-id": "other"}).status_code == 401
    assert client.post("/v1/leads/website", data=BODY, headers=signed(made, shift=-301)).status_code == 401
    assert client.post("/v1/leads/website", data=BODY, headers=signed(made, shift=302)).status_code == 401
    both = good | {"webhook-signature": f"v1,AAAA {good['webhook-signature']} v2,BBBB"}
    assert client.post("/v1/leads/website", data=BODY, headers=both).status_code == 200


def test_what_is_kept_in_memory_is_looked_at_again_in_time(api: Door) -> None:
    now = 1000.0
    kept = Credentials(api.services.store, api.services.settings, clock=lambda: now)
    first, second = api.key(), api.key()
    assert kept.find("bearer", *split_token(first.shown)) is not None
    with api.services.store.write(Commit.ADMIN) as connection:
        api_keys.revoke(connection, first.row["id"], first.row["prefix"], datetime.now(UTC), "test")
    assert kept.find("bearer", *split_token(first.shown)) is not None
    now += KEPT_S
    assert kept.find("bearer", *split_token(first.shown)) is None
    assert kept.find("bearer", *split_token(second.shown)) is not None


def test_a_new_key_need_not_wait(api: Door) -> None:
    now = 1000.0
    kept = Credentials(api.services.store, api.services.settings, clock=lambda: now)
    assert kept.find("bearer", *split_token(api.key().shown)) is not None
    made = api.key()
    assert kept.find("bearer", *split_token(made.shown)) is None  # guessing must not read the table each time
    now += 1
    assert kept.find("bearer", *split_token(made.shown)) is not None


def test_secrets_are_nowhere(api: Door, capfd: pytest.CaptureFixture[str]) -> None:
    written = io.StringIO()
    logs.configure("DEBUG", written)
    made = [api.key(kind) for kind in ("bearer", "basic", "hmac", "url")]
    answers = [send(api, each) for each in made]
    broken = api.client.post(f"/v1/hooks/{made[3].shown}x", data=BODY, headers={"Referer": f"/{made[3].shown}"})
    lost = api.client.get(f"/v1/hooks/{made[3].shown}/deeper")
    seen = "".join(
        [
            written.getvalue(),
            *capfd.readouterr(),
            *(str(row) for table in (credentials, receipts, audit) for row in api.rows(table)),
            *(f"{answer.data!r}{answer.headers}" for answer in (*answers, broken, lost)),
        ]
    )
    assert '"route":"/v1/hooks/<token>"' in seen
    for each in made:
        assert each.shown.rpartition("_")[2].rpartition(":")[2] not in seen
    for kept in api.rows(receipts):
        assert not {"authorization", "webhook-signature", "cookie"} & set(kept["headers"])


def test_a_feed_taken_out_of_the_file_still_records(api: Door) -> None:
    assert send(api, api.key(feed="retired"), "/v1/leads/retired").status_code == 200


@pytest.mark.parametrize("kind", ["bearer", "basic"])
def test_staff_cannot_send(api: Door, kind: str) -> None:
    answer = send(api, api.key(kind, None, "staff:write"))
    assert (answer.status_code, answer.get_json()["code"]) == (403, "staff_cannot_send")


@pytest.mark.parametrize(
    ("hops", "header", "expected"),
    [
        ("0", "192.0.2.5", 403),  # nobody is trusted: what the client says of itself is not believed
        ("1", "192.0.2.5", 200),
        ("1", "192.0.2.5, 198.51.100.1", 403),  # the last hop counts, not what stands before it
        ("2", "192.0.2.5, 198.51.100.1", 200),
        ("1", "not an address", 403),
    ],
)
def test_client_address_behind_proxies(
    sqlite_database: str, tmp_path: Path, hops: str, header: str, expected: int
) -> None:
    with door(sqlite_database, tmp_path, TRUSTED_PROXIES=hops) as api:
        headers = api.bearer(ips=["192.0.2.0/24"]) | {"X-Forwarded-For": header}
        assert api.client.post("/v1/leads/website", data=BODY, headers=headers).status_code == expected
