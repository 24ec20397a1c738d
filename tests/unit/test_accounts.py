"""Accounts: what is missing is said before a lead finds out, and quiet hours are the account's own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from leadsvc.config import Account, Settings
from leadsvc.errors import ConfigurationError
from leadsvc.workers.accounts import assert_usable, limits, profile, troubles
from leadsvc.workers.destinations.base import CARD_FIELDS

PMS = Account("pms", "simpms", "http://pms.example.com", api_key="k", fallback_source="Unmapped - Review")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"vendor": "simpmz"}, "did you mean 'simpms'"),
        ({"fields": ("last_name", "source_name", "e_mail")}, "did you mean 'email'"),
        ({"fields": ("last_name", "email")}, "without source_name"),
        ({"credentials": {"interface_key": "s"}}, "'interface_key' is unknown"),
        ({"options": {"colour": "red"}}, "'colour' is unknown"),
        ({"fallback_source": ""}, "no fallback_source"),
        (
            {"vendor": "webhook", "api_key": "", "credentials": {"signing_secret": "s"}, "household": "shared"},
            "one person",
        ),
    ],
)
def test_what_is_wrong_is_said_in_words(change: dict[str, object], said: str) -> None:
    found = list(troubles(replace(PMS, **change)))  # type: ignore[arg-type]  # one field at a time
    assert len(found) == 1, found
    assert said in found[0][0]
    assert found[0][1].endswith(".")


def test_an_account_that_is_complete_has_no_troubles() -> None:
    assert list(troubles(PMS)) == []


def test_nothing_starts_with_an_account_that_cannot_be_used(tmp_path: Path) -> None:
    broken = replace(PMS, vendor="nobody")
    settings = Settings(var=tmp_path, database_url="sqlite://", secret_key="x", accounts={"pms": broken})
    with pytest.raises(ConfigurationError, match=r"destinations\.pms: the vendor 'nobody' is unknown"):
        assert_usable(settings)


def test_the_adapter_is_given_all_of_the_account() -> None:
    account = replace(PMS, credentials={"token": "t"}, options={"fallback_agent": "ag1"}, fields=("email", "last_name"))
    account = replace(account, properties={"bvt": {"time_zone": "America/Los_Angeles"}})
    made = profile(account, {"chd001": "America/Chicago", "olf": "UTC"})
    assert dict(made.credentials) == {"api_key": "k", "token": "t"}
    assert set(made.secrets) == {"k", "t"}
    assert made.properties == ("chd001", "olf", "bvt")
    assert made.time_zones == {"chd001": "America/Chicago", "bvt": "America/Los_Angeles"}
    assert made.fallback_agent == "ag1"
    assert made.allowed_fields == {"email", "last_name"}
    assert profile(PMS).allowed_fields == set(CARD_FIELDS)
    assert "'t'" not in repr(made) + repr(account)


def test_an_operators_limits_are_used_instead_of_the_vendors() -> None:
    assert dict(limits(replace(PMS, limits={"10s": 3}))) == {"10s": 3}


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-02T04:59", None),  # 23:59 in New York
        ("2026-03-02T05:00", "2026-03-02T11:30"),
        ("2026-03-02T11:29", "2026-03-02T11:30"),
        ("2026-03-02T11:30", None),
        ("2026-07-02T04:00", "2026-07-02T10:30"),  # the same hours in summer
    ],
)
def test_quiet_hours_are_local(now: str, until: str | None) -> None:
    account = replace(PMS, quiet_hours=(time(0), time(6, 30)), time_zone="America/New_York")
    found = account.quiet_until(datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert found == (datetime.fromisoformat(until).replace(tzinfo=UTC) if until else None)


@pytest.mark.parametrize(("hour", "quiet"), [(21, False), (22, True), (23, True), (0, True), (5, True), (6, False)])
def test_quiet_hours_may_reach_over_midnight(hour: int, quiet: bool) -> None:
    account = replace(PMS, quiet_hours=(time(22), time(6)))
    now = datetime(2026, 3, 2, hour, 0, tzinfo=UTC)
    until = account.quiet_until(now)
    assert (until is not None) is quiet
    if until is not None:
        assert until > now
        assert until.hour == 6
