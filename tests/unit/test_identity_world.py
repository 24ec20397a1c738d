"""The worlds that judge the resolver: the same each time, complete, and labelled with the truth."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from tests.identity_names import letters
from tests.identity_score import Label, oracle, read_labels, read_places, score, score_households
from tests.identity_world import LABEL_COLUMNS, LEAD_COLUMNS, World, worlds, write

LEADS = 1500
CHANNELS = {"ils", "website", "phone", "chat", "walk_in"}


@pytest.fixture(scope="module", params=worlds())
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(request.param, LEADS, 5, tmp_path_factory.mktemp("world"))


def rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def labelled(**people: str) -> dict[str, Label]:
    """``labelled(a="anna/home")``: lead *a* is of *anna*, who is of *home*."""
    truth = {lead: text.split("/") for lead, text in people.items()}
    return {lead: Label(person, household, ("clean",)) for lead, (person, household) in truth.items()}


def test_the_same_seed_makes_the_same_files(tmp_path: Path) -> None:
    one, again = write("noisy", 400, 3, tmp_path / "one"), write("noisy", 400, 3, tmp_path / "again")
    for name in ("leads.csv.gz", "labels.csv.gz", "properties.csv"):
        assert (one / name).read_bytes() == (again / name).read_bytes()
    other = write("noisy", 400, 4, tmp_path / "other")
    assert (one / "leads.csv.gz").read_bytes() != (other / "leads.csv.gz").read_bytes()


def test_leads_come_in_order_and_complete(folder: Path) -> None:
    leads = rows(folder / "leads.csv.gz")
    assert len(leads) == LEADS
    assert tuple(leads[0]) == LEAD_COLUMNS
    assert all(one["received_at"] <= other["received_at"] for one, other in pairwise(leads))
    assert {each["channel"] for each in leads} <= CHANNELS
    with (folder / "properties.csv").open(encoding="utf-8") as text:
        properties = {row["property_id"]: row for row in csv.DictReader(text)}
    assert {each["property_id"] for each in leads} <= set(properties)
    assert len({row["region"] for row in properties.values()}) >= 3
    assert all(len(row["area_code"]) == 3 for row in properties.values())


def test_every_lead_has_its_truth(folder: Path) -> None:
    leads, labels = rows(folder / "leads.csv.gz"), rows(folder / "labels.csv.gz")
    assert tuple(labels[0]) == LABEL_COLUMNS
    assert [each["lead_id"] for each in leads] == [each["lead_id"] for each in labels]
    homes: dict[str, str] = {}
    for each in labels:
        assert homes.setdefault(each["person_id"], each["household_id"]) == each["household_id"]
        assert each["noise"]
    again = Counter(Counter(each["person_id"] for each in labels).values())
    assert again[1] > again[2] > 0
    assert max(again) >= 5


def test_a_clean_lead_shows_what_its_label_says(folder: Path) -> None:
    seen = 0
    for lead, label in zip(rows(folder / "leads.csv.gz"), rows(folder / "labels.csv.gz"), strict=True):
        if label["noise"] != "clean":
            continue
        seen += 1
        assert lead["email"].lower() == label["email_key"]
        assert "".join(filter(str.isdigit, lead["phone"])).endswith(label["phone_key"])
        given, _, family = label["name_key"].partition("|")
        assert letters(lead["first_name"]).startswith(given)
        assert letters(lead["last_name"]).startswith(family)
    assert seen > LEADS / 20


def test_a_key_is_a_value_of_ones_own(folder: Path) -> None:
    homes: dict[str, set[str]] = {}
    for label in rows(folder / "labels.csv.gz"):
        noise = set(label["noise"].split("|"))
        if noise & {"placeholder_email", "front_desk_email", "shared_mailbox", "desk"}:
            assert not label["email_key"]
        if noise & {"placeholder_phone", "property_phone", "call_centre_phone", "desk"}:
            assert not label["phone_key"]
        assert ("no_contact" in noise) == (not label["email_key"] and not label["phone_key"])
        if "recycled_phone" not in noise:
            for value in filter(None, (label["email_key"], label["phone_key"])):
                homes.setdefault(value, set()).add(label["household_id"])
    retired = [value for value, keys in homes.items() if len(keys) > 1]
    assert not retired


def test_each_mishap_of_a_world_happens() -> None:
    _, labels = World("noisy", 12_000, 1).run()
    seen = {tag for label in labels for tag in label[3].split("|")}
    assert seen >= {
        *("relay_email", "gmail_dots", "plus_tag", "email_typo", "domain_typo", "email_malformed", "email_ocr"),
        *("placeholder_email", "front_desk_email", "contact_in_message", "hidden_email", "shared_mailbox", "desk"),
        *("phone_typo", "phone_transposed", "phone_short", "phone_ext", "phone_letters", "two_phones", "foreign_phone"),
        *("placeholder_phone", "property_phone", "swapped_fields", "call_centre_phone", "recycled_phone"),
        *("household_email", "household_phone", "partner_phone", "partner_email", "senior_junior", "twin", "namesake"),
        *("nickname", "spelling", "western_name", "name_typo", "autocorrect", "voice", "initial", "last_initial"),
        *(
            "dropped_surname",
            "dropped_particle",
            "name_swapped",
            "one_field",
            "comma_name",
            "joined_names",
            "honorific",
        ),
        *("emoji", "mojibake", "placeholder_name", "email_as_name", "accent_stripped", "surname_change"),
        *("missing_email", "missing_phone", "missing_last_name", "missing_name", "return_next_cycle", "no_contact"),
    }


def test_a_world_can_be_resolved_but_not_wholly(folder: Path) -> None:
    labels = read_labels(folder / "labels.csv.gz")
    ceiling = score(labels, oracle(labels, read_places(folder / "leads.csv.gz", folder / "properties.csv")))
    alone = score(labels, {})
    assert alone.recall == 0.0
    assert 0.93 < ceiling.f1 < 1.0


def test_an_unknown_world_names_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no world named 'mars'; there are world, noisy"):
        World("mars", 10, 1)


def test_scores_count_pairs() -> None:
    labels = labelled(a="anna/x", b="anna/x", c="anna/x", d="bob/x", e="carl/y")
    result = score(labels, {"a": "1", "b": "1", "d": "1", "c": "2", "e": "3"})
    assert (result.true_pairs, result.false_pairs, result.missed_pairs) == (3, 2, 2)
    assert result.precision == result.recall == pytest.approx(1 / 3)
    assert result.false_pairs_in_household == 2
    assert (result.mixed_clusters, result.split_persons, result.largest_cluster) == (1, 1, 3)
    assert result.b3_precision == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5)
    assert result.noise["clean"].false_pairs == 2


def test_noise_counts_the_pairs_it_touches() -> None:
    labels = labelled(a="anna/x", b="anna/x", c="anna/x", d="bob/y")
    labels["c"] = Label("anna", "x", ("typo",))
    result = score(labels, {"a": "1", "b": "1", "c": "2", "d": "2"})
    assert (result.noise["typo"].true_pairs, result.noise["typo"].recall, result.noise["typo"].false_pairs) == (2, 0, 1)
    assert result.noise["clean"].recall == pytest.approx(1 / 3)


def test_households_are_pairs_of_people() -> None:
    labels = {
        "a": Label("anna", "x", (), email="joint@example.com"),
        "b": Label("bob", "x", (), email="joint@example.com"),
        "c": Label("carl", "x", (), phone="7135550101"),
        "d": Label("dora", "y", ()),
    }
    clusters = {"a": "1", "b": "2", "c": "3", "d": "4"}
    result = score_households(labels, clusters, [("1", "2"), ("2", "1"), ("3", "4")])
    assert (result.proposed, result.right, result.precision) == (2, 1, 0.5)
    assert (result.there, result.sharing, result.recall) == (3, 1, 1.0)
    assert result.recall_of_all == pytest.approx(1 / 3)
    assert score_households(labels, clusters, [("a", "b"), ("b", "1"), ("c", "d")]) == result
