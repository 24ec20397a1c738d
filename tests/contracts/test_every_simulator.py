"""What every simulated vendor of the kit can do: replay recorded answers, keep state, and misbehave on order."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from leadsvc.workers.destinations import connect
from leadsvc.workers.destinations.base import ConfigKind, Destination, Outcome, Result
from tests.benches import BENCHED, LOCAL, WRONG, WireBench, starter_of, with_timeout
from tests.contract_cases import FOLDER
from tests.contracts.test_every_destination import CARD, until_done

RECORDED = tuple(vendor for vendor in BENCHED if (FOLDER / vendor / "manifest.json").exists())
# Stands for the simulator's own address in what was recorded.
_OWN = "{{base_url}}"
KIT = tuple(vendor for vendor in BENCHED if vendor != "simpms")


@pytest.fixture(scope="module", params=KIT)
def vendor(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_recorded_answers_are_replayed_byte_for_byte(bench: WireBench) -> None:
    if bench.vendor not in RECORDED:
        pytest.skip("nothing is recorded of this vendor")
    folder = FOLDER / bench.vendor
    for operation in json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["operations"]:
        path = re.sub(r"\{(\w+)\}", r"\1", operation["path"].replace(_OWN, ""))
        sent = (folder / operation["request"]).read_bytes() if operation.get("request") else b""
        for case in operation["responses"]:
            body = (folder / case["body"]).read_bytes().decode() if case.get("body") else ""
            wanted = body.replace(_OWN, bench.url).encode()
            if case["status"] == 0:
                continue
            headers = {name: value.replace(_OWN, bench.url) for name, value in (case.get("headers") or {}).items()}
            order = {"mode": "replay", "status": case["status"], "headers": headers, "body": wanted.decode()}
            bench.control("POST", "faults", [order])
            answer = LOCAL.request(operation["method"], f"{bench.url}{path}", content=sent, headers=_headers(operation))
            assert (answer.status_code, answer.content) == (case["status"], wanted), (operation["op"], case["case"])
            for name, value in headers.items():
                assert answer.headers[name] == value, (operation["op"], case["case"])


def _headers(operation: dict[str, dict[str, str]]) -> dict[str, str]:
    return {name: value.encode("ascii", "ignore").decode() for name, value in (operation.get("headers") or {}).items()}


def test_killed_and_started_again_it_has_everything(bench: WireBench, tmp_path: Path) -> None:
    start = starter_of(bench.vendor)
    with start(tmp_path) as first:
        destination = connect(first.profile)
        card_id = until_done(lambda: destination.put_prospect(CARD, None)).card_id
        destination.close()
    with start(tmp_path) as second:
        destination = connect(second.profile)
        again = until_done(lambda: destination.put_prospect(CARD, None))
        destination.close()
        assert (again.ok, again.card_id) == (True, card_id)
        assert second.live_cards(CARD.our_key) == 1


def test_asked_too_often_it_says_so_in_its_own_way(bench: WireBench, destination: Destination) -> None:
    assert destination.check().ok
    bench.control("POST", "throttle", {"calls": 1, "seconds": 600})
    answers = [destination.check() for _ in range(3)]
    assert answers[-1].outcome is Outcome.RETRY
    assert until_refused(lambda: destination.put_prospect(CARD, None)).outcome is Outcome.RETRY
    bench.control("POST", "throttle", {"calls": 0})
    assert until_done(lambda: destination.put_prospect(CARD, None)).ok
    assert bench.live_cards(CARD.our_key) == 1


def until_refused(write: Callable[[], Result]) -> Result:
    return next(result for result in (write() for _ in range(3)) if not result.ok)


def test_wrong_credentials_in_the_middle(bench: WireBench, destination: Destination) -> None:
    if "auth" not in bench.modes():
        pytest.skip("the vendor has no such answer")
    bench.fault("create", "auth", times=None)
    refused = destination.put_prospect(CARD, None)
    assert refused.outcome is Outcome.AUTH
    assert not any(secret in repr(refused) for secret in bench.profile.secrets if len(secret) > 6)
    bench.control("DELETE", "faults")
    assert until_done(lambda: destination.put_prospect(CARD, None)).ok


def test_an_expired_token_is_renewed_once(bench: WireBench, destination: Destination) -> None:
    assert destination.check().ok
    bench.control("POST", "tokens/expire")
    result = until_done(lambda: destination.put_prospect(CARD, None))
    assert result.outcome is Outcome.ACCEPTED
    assert bench.live_cards(CARD.our_key) == 1


def test_what_was_made_is_seen_only_later(bench: WireBench) -> None:
    """Nothing is made twice, and as soon as it can be seen the write is known to be done."""
    destination = connect(with_timeout(bench.profile, 2.0))
    bench.control("POST", "delay", {"visible_after_s": 3600})
    early = destination.put_prospect(CARD, None)
    assert early.outcome in (Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.RETRY)
    assert bench.live_cards(CARD.our_key) == 1
    bench.control("POST", "delay", {"visible_after_s": 0})
    late = until_done(lambda: destination.put_prospect(replace(CARD, unsure=True), None))
    destination.close()
    assert late.ok
    assert late.card_id
    assert bench.live_cards(CARD.our_key) == 1


def test_a_renamed_source_is_seen_and_the_old_name_falls_back(bench: WireBench) -> None:
    destination = connect(bench.profile)
    if "source_name" not in destination.capabilities.fields:
        destination.close()
        pytest.skip("the vendor has no sources")
    bench.control("POST", "config/source/Zillow.com", {"name": "Zillow Network"})
    names: set[str] = set()
    cursor, more = "", True
    while more:
        result, page = destination.pull_config(ConfigKind.SOURCE, cursor)
        assert result.ok
        names |= {item.name for item in page.items if item.active}
        cursor, more = page.next_cursor, bool(page.next_cursor)
    if names:
        assert "Zillow Network" in names
        assert "Zillow.com" not in names
    if "source_name" in bench.checked:
        made = until_done(lambda: destination.put_prospect(CARD, None))
        assert made.ok
        assert "source_name" in made.fallbacks
    destination.close()


def test_one_property_may_be_lost_alone(bench: WireBench, destination: Destination) -> None:
    if not bench.by_property:
        pytest.skip("an account of this vendor has all its properties or none")
    bench.control("POST", "revoke", {"property": "olf"})
    lost = destination.put_prospect(CARD, None)
    assert lost.outcome in (Outcome.REJECT, Outcome.AUTH)
    assert bench.live_cards(CARD.our_key) == 0
    bench.control("POST", "revoke", {"property": "olf", "revoked": False})
    assert until_done(lambda: destination.put_prospect(CARD, None)).ok


def test_the_control_desk_answers_nobody_else(bench: WireBench) -> None:
    """Orders are refused in words, and no secret of an account is in what the desk tells of the calls."""
    refused = LOCAL.post(f"{bench.url}/control/faults", json=[{"mode": "no such mode"}])
    assert refused.status_code == 400
    assert "mode must be one of" in refused.text
    assert LOCAL.post(f"{bench.url}/control/cards/nobody/edit", json={}).status_code == 404
    assert LOCAL.get(f"{bench.url}/").status_code == 200
    assert WRONG not in json.dumps(bench.state())
