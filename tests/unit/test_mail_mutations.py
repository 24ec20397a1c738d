"""Every mail of the fixtures, handed on in many forms, still says the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from leadsvc.cli.parse import delivered, rows
from leadsvc.model import Verdict
from leadsvc.parsers import email_mime
from leadsvc.reading import read
from tests.contracts.test_every_fieldmap import CASES, differences, maps, received_at
from tests.mailmutations import ENCODINGS, FOOTERS, FORWARDS, SHAPES, Mutation

MAILS = [(case.values[0], case.values[1], case.values[2]) for case in CASES if case.values[1].suffix == ".eml"]
BY_HAND = set(FORWARDS) - {"google group", "attached"}
LEADS = {**ENCODINGS, **SHAPES, **FOOTERS, **FORWARDS}
# What becomes of HTML when a gateway makes text of it: comments, links and classes are gone.
MARKED_UP = {
    "lineups_mail": "the lead stands in a comment",
    "handoff_mail/html_link": "the thread stands in a link",
    "zillow_convo_mail/hotpads_html_with_phone_link": "telephone and id stand in a link",
    "zillow_convo_mail/trulia_not_answered_studio": "telephone and id stand in a link",
    "zillow_group_mail/older_h_card": "the class of a cell says where the message ends",
}


def _lost(name: str, folder: str, sample: Path, want: dict[str, Any]) -> bool:
    """Whether the change takes away what the mail says nowhere else."""
    if name == "html as text":
        return folder in MARKED_UP or f"{folder}/{sample.stem}" in MARKED_UP
    email = want.get("email")
    if name not in BY_HAND or not email:
        return False
    # Programs that forward do not show Reply-To.
    mail = email_mime.read(sample.read_bytes(), {})
    shown = "\n".join([mail.header("from"), *(line for view in mail.raw_views for line in view)])
    return email not in shown.lower()


@pytest.mark.parametrize("name", list(LEADS))
def test_a_lead_keeps_its_values(name: str) -> None:
    tried, wrong = 0, {}
    for folder, sample, expected in MAILS:
        want = json.loads(expected.read_text(encoding="utf-8"))
        if want.get("lead") is False or _lost(name, folder, sample, want):
            continue
        body = LEADS[name](sample.read_bytes())
        if body is None:
            continue
        tried += 1
        if fault := _fault(folder, sample, body, want):
            wrong[f"{folder}/{sample.stem}"] = fault
    assert tried
    assert wrong == {}


@pytest.mark.parametrize("name", list(ENCODINGS))
def test_no_encoding_makes_a_lead(name: str) -> None:
    mutation: Mutation = ENCODINGS[name]
    for _, sample, expected in MAILS:
        want = json.loads(expected.read_text(encoding="utf-8"))
        body = mutation(sample.read_bytes()) if want.get("lead") is False else None
        if body is not None:
            assert read(delivered(sample, body, received_at(want), None), maps()).verdict is not Verdict.LEADS, sample


def _fault(folder: str, sample: Path, body: bytes, want: dict[str, Any]) -> object:
    reading = read(delivered(sample, body, received_at(want), None), maps())
    if reading.verdict is not Verdict.LEADS:
        return reading.cause
    got = rows(reading)
    wanted = want.get("leads", [want])
    if len(got) != len(wanted) or got[0]["map"] != folder:
        return f"{len(got)} leads by {got[0]['map']}"
    return {key: pair for one, row in zip(wanted, got, strict=True) for key, pair in differences(one, row).items()}
