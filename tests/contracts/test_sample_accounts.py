"""The accounts of the sample run are those that the contract suite proves, for every vendor there is."""

from __future__ import annotations

import importlib

import pytest

from leadsvc.accountconfig import AccountSchema
from leadsvc.demo import accounts
from leadsvc.demo.story import read_story
from leadsvc.workers.destinations import VENDORS
from tests.benches import BENCHED

URL = "http://127.0.0.1:1"


def test_every_vendor_can_be_run() -> None:
    assert set(accounts.VENDORS) == set(VENDORS) == set(BENCHED)


@pytest.mark.parametrize("vendor", [each for each in BENCHED if each != "simpms"])
def test_an_account_is_that_of_the_bench(vendor: str) -> None:
    said = accounts.account(vendor, URL)
    start = importlib.import_module(f"tests.benches.{vendor}").start
    proved, environment = start.make(URL), accounts.secrets(vendor)
    assert (said["vendor"], said["base_url"]) == (proved.vendor, proved.base_url)
    found = {name: environment[text.removeprefix("env:")] for name, text in said["credentials"].items()}
    assert found == dict(proved.credentials)
    assert said.get("options", {}) == dict(proved.options)
    assert accounts.known(vendor).create == start.ops["create"]
    assert AccountSchema().validate(said) == {}


@pytest.mark.parametrize("vendor", accounts.VENDORS)
def test_the_table_is_whole_for_every_vendor(vendor: str) -> None:
    story = read_story(vendor)
    assert story.exceptions["quarantined"] == 1
    there = {each.pms for each in story.people} - {"new", "waits"}
    assert len(there) == 2
    assert all(each.isdigit() for each in there) == accounts.known(vendor).digits
