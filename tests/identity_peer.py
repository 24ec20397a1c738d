"""What batch record linkage makes of the same leads: Splink, set up as somebody who knows it well would.

Splink is no dependency of leadsvc, so the comparison is repeated in an environment of its own, from the checkout::

    python3 -m venv /tmp/splink && /tmp/splink/bin/pip install splink duckdb pandas nicknames
    /tmp/splink/bin/python -m tests.identity_peer FOLDER [--way plain|tuned|taught] [--json]

``FOLDER`` is one that ``tests/identity_world.py`` made; ``--leads``, ``--labels`` and ``--properties`` name other
files.

plain   cleaned values; the comparisons of Splink's own library, with term frequencies; u from random pairs, the rest
        from EM on three blocks; connected components.
tuned   the same, and addresses and numbers read from the messages, names in one field taken apart, nicknames, relay
        addresses apart, values seen under many names set aside.
taught  as tuned, with m taken from the true labels: what no one has in life.

The labels are otherwise read only to score, and to find the threshold that would have been best.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import re
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.identity_names import plain
from tests.identity_score import rows

WAYS = ("plain", "tuned", "taught")
THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999, 0.99999, 0.999999)
FIXED = 0.95
NAMES_OF_A_HUB = 8
"""A value seen under more names than this says nothing of anybody."""
COLUMNS = ("unique_id", "person", "email", "mask", "phone", "first", "last", "formal", "property_id", "region", "day",
           "bedrooms")  # fmt: skip

_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NUMBER = re.compile(r"(?:\+?\d[\d ().\-/]{8,16}\d)")
_RELAY = re.compile(r"relay|reply|guest\.|convo|inbox|-mail\.com$|^m\.")
_NOBODY = frozenset("test none noemail na unknown x notprovided no abc declined donotreply noreply".split())  # noqa: SIM905
_NO_NAME = frozenset("test unknown prospect guest wireless facebook anonymous new apt na future toll".split())  # noqa: SIM905
_TITLES = frozenset("mr mrs ms miss dr rev".split())  # noqa: SIM905


def installed() -> bool:
    """Whether the comparison can be made here."""
    try:
        return bool(importlib.import_module("splink")) and bool(importlib.import_module("duckdb"))
    except ImportError:
        return False


# -- cleaning ---------------------------------------------------------------------------------------------------------


def _email(text: str) -> str:
    local, _, domain = text.strip().lower().partition("@")
    if not domain or local in _NOBODY or domain.partition(".")[0] in _NOBODY:
        return ""
    local = local.partition("+")[0]
    return f"{local.replace('.', '') if domain == 'gmail.com' else local}@{domain}"


def _phone(text: str) -> str:
    digits = re.sub(r"\D", "", re.split(r"x|ext|/ | or |, ", text.lower())[0])[-10:]
    return digits if len(digits) >= 9 and len(set(digits)) > 3 and digits != "1234567890" else ""


def _name(text: str) -> str:
    return " ".join(re.findall(r"[a-z']+", plain(text).lower())).replace("'", "")


def _split(first: str, last: str) -> tuple[str, str]:
    """A name in one field taken apart, titles off, the first of two joined people."""
    words = [each for each in re.split(r" and ", first)[0].split() if each not in _TITLES]
    if not last and len(words) > 1:
        return words[0], words[-1]
    return (words[0] if words else ""), last


def _cleaned(leads: Path, labels: Path, properties: Path, way: str) -> Iterator[list[str]]:
    regions = {row["property_id"]: row["region"] for row in rows(properties)}
    people = {row["lead_id"]: row["person_id"] for row in rows(labels)}
    formal = _nicknames() if way != "plain" else {}
    for row in rows(leads):
        email, phone, mask = _email(row["email"]), _phone(row["phone"]), ""
        first, last = _name(row["first_name"]), _name(row["last_name"])
        if first.partition(" ")[0] in _NO_NAME:
            first = last = ""
        if way != "plain":
            first, last = _split(first, last)
            if email and _RELAY.search(email.partition("@")[2]):
                email, mask = "", email
            spoken = (
                row["message"].replace(" at ", "@").replace(" dot ", ".").replace("[at]", "@").replace(" (@) ", "@")
            )
            if not email and (found := _ADDRESS.search(spoken)):
                email = _email(found[0])
            if not phone and (found := _NUMBER.search(row["message"])):
                phone = _phone(found[0])
        yield [
            row["lead_id"],
            people[row["lead_id"]],
            email,
            mask,
            phone,
            first,
            last,
            formal.get(first, first),
            row["property_id"],
            regions[row["property_id"]],
            row["received_at"][:10],
            row["bedrooms"],
        ]


def _nicknames() -> dict[str, str]:
    namer = importlib.import_module("nicknames").NickNamer()
    return {short: min(namer.canonicals_of(short)) for short in namer._canonical_lookup}


def _without_hubs(table: list[list[str]]) -> None:
    """Empty the addresses and numbers seen under many names."""
    for column in (COLUMNS.index("email"), COLUMNS.index("phone")):
        names: dict[str, set[str]] = defaultdict(set)
        for row in table:
            if row[column] and row[5]:
                names[row[column]].add(row[5] + row[6])
        for row in table:
            if len(names[row[column]]) > NAMES_OF_A_HUB:
                row[column] = ""


# -- the model --------------------------------------------------------------------------------------------------------


def _settings(way: str) -> Any:
    splink = importlib.import_module("splink")
    cl = importlib.import_module("splink.comparison_library")
    cll = importlib.import_module("splink.comparison_level_library")
    custom = cl.CustomComparison
    phone = [
        cll.NullLevel("phone"),
        cll.ExactMatchLevel("phone", term_frequency_adjustments=True),
        cll.DamerauLevenshteinLevel("phone", 1),
        cll.CustomLevel("left(phone_l, 6) = left(phone_r, 6)"),
        cll.ElseLevel(),
    ]
    place = [
        cll.NullLevel("property_id"),
        cll.ExactMatchLevel("property_id"),
        cll.ExactMatchLevel("region"),
        cll.ElseLevel(),
    ]
    gap = "abs(date_diff('day', day_l, day_r))"
    days = [cll.CustomLevel(f"{gap} <= {most}") for most in (0, 3, 14, 60, 200)]
    comparisons = [
        cl.EmailComparison("email"),
        custom(output_column_name="phone", comparison_levels=phone),
        custom(output_column_name="place", comparison_levels=place),
        custom(output_column_name="days", comparison_levels=[cll.NullLevel("day"), *days, cll.ElseLevel()]),
        cl.ExactMatch("bedrooms"),
    ]
    if way == "plain":
        comparisons += [cl.NameComparison("first"), cl.NameComparison("last")]
    else:
        reversed_ = cll.CustomLevel("first_l = last_r and last_l = first_r")
        first = [
            cll.NullLevel("first"),
            cll.ExactMatchLevel("first", term_frequency_adjustments=True),
            cll.ExactMatchLevel("formal"),
            cll.JaroWinklerLevel("first", 0.9),
            reversed_,
            cll.CustomLevel("(len(first_l) = 1 or len(first_r) = 1) and left(first_l, 1) = left(first_r, 1)"),
            cll.ElseLevel(),
        ]
        last = [
            cll.NullLevel("last"),
            cll.ExactMatchLevel("last", term_frequency_adjustments=True),
            cll.JaroWinklerLevel("last", 0.9),
            reversed_,
            cll.CustomLevel("contains(last_l, last_r) or contains(last_r, last_l)"),
            cll.ElseLevel(),
        ]
        comparisons += [
            custom(output_column_name="first", comparison_levels=first),
            custom(output_column_name="last", comparison_levels=last),
            cl.ExactMatch("mask"),
        ]
    block = splink.block_on
    blocks = [
        block("email"),
        block("phone"),
        block("first", "last", "region"),
        block("last", "property_id"),
        block("first", "property_id", "bedrooms"),
        block("split_part(email, '@', 1)", "first"),
        block("left(phone, 9)"),
        block("right(phone, 7)", "region"),
    ]
    if way != "plain":
        blocks += [block("mask"), block("formal", "last", "property_id"), block("substr(phone, 1, 6)", "formal")]
    return splink.SettingsCreator(
        link_type="dedupe_only",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=blocks,
        retain_matching_columns=False,
        max_iterations=25,
    )


def _trained(frame: Any, way: str) -> Any:
    splink = importlib.import_module("splink")
    linker, block = splink.Linker(frame, _settings(way), log_level="ERROR"), splink.block_on
    training = linker.training
    training.estimate_probability_two_random_records_match([block("email"), block("phone", "first")], recall=0.8)
    training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
    if way == "taught":
        training.estimate_m_from_label_column("person")
        return linker
    for rule in (block("email"), block("phone"), block("first", "last", "region")):
        training.estimate_parameters_using_expectation_maximisation(rule, max_pairs=2e6, record_sample_proportion=0.2)
    return linker


# -- a run ------------------------------------------------------------------------------------------------------------

_SCORE = """
with joined as (select c.cluster_id as cluster, l.person from {clusters} c join leads l using (unique_id)),
cells as (select cluster, person, count(*) as n from joined group by all),
sizes as (select cluster, sum(n) as n from cells group by all),
people as (select person, sum(n) as n from cells group by all)
select (select sum(n * (n - 1) / 2) from cells), (select sum(n * (n - 1) / 2) from sizes),
       (select sum(n * (n - 1) / 2) from people),
       (select sum(c.n * c.n / s.n) / sum(c.n) from cells c join sizes s using (cluster)),
       (select sum(c.n * c.n / p.n) / sum(c.n) from cells c join people p using (person)),
       (select count(*) from cells where cluster in (select cluster from cells group by cluster having count(*) > 1))
"""


def _measured(connection: Any, clusters: str) -> dict[str, float]:
    right, joined, true, b3_precision, b3_recall, _ = map(
        float, connection.execute(_SCORE.format(clusters=clusters)).fetchall()[0]
    )
    precision, recall = right / joined if joined else 1.0, right / true
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / (precision + recall) if right else 0.0,
        "b3_f1": 2 * b3_precision * b3_recall / (b3_precision + b3_recall),
        "false_pairs": joined - right,
    }


def run(leads: Path, labels: Path, properties: Path, way: str, clusters_to: Path | None = None) -> dict[str, Any]:
    """Link, score at every threshold and tell the figures; ``clusters_to`` gets the clusters of the best one."""
    duckdb = importlib.import_module("duckdb")
    api = importlib.import_module("splink.internals.duckdb.database_api").DuckDBAPI
    began = time.perf_counter()
    table = list(_cleaned(leads, labels, properties, way))
    if way != "plain":
        _without_hubs(table)
    connection = duckdb.connect()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "leads.csv"
        with path.open("w", encoding="utf-8", newline="") as text:
            csv.writer(text).writerows([COLUMNS, *table])
        count = len(table)
        table.clear()
        columns = ", ".join(f"nullif({each}, '') as {each}" for each in COLUMNS if each != "day")
        # The columns are our own words and the path is that of a temporary folder.
        read = f"read_csv('{path}', all_varchar = true)"
        connection.execute(f"create table leads as select {columns}, day::date as day from {read}").fetchall()  # noqa: S608
    cleaned = time.perf_counter()
    linker = _trained(api(connection).register("leads"), way)
    trained = time.perf_counter()
    pairs = linker.inference.predict(threshold_match_probability=THRESHOLDS[0])
    predicted = time.perf_counter()
    found: dict[str, dict[str, float]] = {}
    clustering = 0.0
    best = None
    for threshold in THRESHOLDS:
        start = time.perf_counter()
        clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, threshold)
        if threshold == FIXED:
            clustering = time.perf_counter() - start
        found[str(threshold)] = _measured(connection, clusters.physical_name)
        if best is None or found[str(threshold)]["f1"] > found[best[0]]["f1"]:
            best = str(threshold), clusters.physical_name
    if best and clusters_to:
        columns = "unique_id as lead_id, cluster_id"
        connection.execute(f"copy (select {columns} from {best[1]}) to '{clusters_to}' (header)").fetchall()  # noqa: S608
    return {
        "way": way,
        "leads": count,
        "best_threshold": best[0] if best else "",
        "best": found[best[0]] if best else {},
        "fixed": found[str(FIXED)],
        "seconds": {
            "clean": round(cleaned - began, 1),
            "train": round(trained - cleaned, 1),
            "predict": round(predicted - trained, 1),
            "cluster": round(clustering, 1),
        },
        "wall_seconds": round(predicted - began + clustering, 1),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "thresholds": found,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Link leads with Splink and score what comes of it.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path())
    parser.add_argument("--leads", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--properties", type=Path)
    parser.add_argument("--way", choices=WAYS, default="plain")
    parser.add_argument("--out", type=Path, help="write the clusters of the best threshold here")
    parser.add_argument("--json", action="store_true", help="for a program, with every threshold")
    options = parser.parse_args()
    if not installed():
        parser.error("Splink is not in this environment; the docstring of this file says how to get it")
    told = run(
        options.leads or options.folder / "leads.csv.gz",
        options.labels or options.folder / "labels.csv.gz",
        options.properties or options.folder / "properties.csv",
        options.way,
        options.out,
    )
    if options.json:
        sys.stdout.write(json.dumps(told, indent=1) + "\n")
        return
    for title in ("best", "fixed"):
        figures = " ".join(f"{key} {value:.4f}" for key, value in told[title].items())
        sys.stdout.write(f"{title:6s} {told['best_threshold'] if title == 'best' else FIXED}: {figures}\n")
    sys.stdout.write(f"{told['wall_seconds']} s, {told['peak_mib']} MiB\n")


if __name__ == "__main__":
    main()
