"""``make run ONCE=1``, twice on one store, as its table says; and a lead of one's own by the README's curl."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import httpx2
import pytest

from tests.processes import ROOT, eventually, free_port, leadsvc

pytestmark = pytest.mark.slow

README = (ROOT / "README.md").read_text(encoding="utf-8")


def environment(folder: Path) -> dict[str, str]:
    return {"LEADSVC_VAR": str(folder), "LEADSVC_PORT": str(free_port()), "COLUMNS": "200"}


def test_it_ends_as_the_table_says_and_again(tmp_path: Path) -> None:
    for _ in range(2):
        with leadsvc("demo", "--once", env=environment(tmp_path)) as process:
            process.popen.wait(120)
            output = process.output()
        assert process.popen.returncode == 0, output
        assert "The books balance (P7)." in output
        assert "People in the PMS by its own count: 10 (the table says 10)" in output


def test_a_vendors_simulator_can_be_the_pms(tmp_path: Path) -> None:
    """Over the vendor's wire; and nobody mixes up the records of two vendors in one store."""
    env = environment(tmp_path)
    for pms, status, said in (
        ("yardi", 0, "People in the PMS by its own count: 10"),
        ("simpms", 1, "filled with yardi as the PMS"),
    ):
        with leadsvc("demo", "--once", "--pms", pms, env=env) as process:
            process.popen.wait(120)
            output = process.output()
        assert process.popen.returncode == status, output
        assert said in " ".join(output.split())


def test_a_difference_is_said_and_fails(tmp_path: Path) -> None:
    """A table that a sample contradicts must not pass."""
    from leadsvc.demo import outcome
    from leadsvc.demo.story import read_story

    story = read_story()
    ends = {each.id: outcome.End(each.status, each.effect, each.person) for each in story.samples}
    ends["rosa-3"] = outcome.End("accepted", "inquiry", "Rosa Lindqvist")
    wrong = outcome.differences(story, [], [], 9, ends)
    assert "rosa-3: told accepted, became inquiry of Rosa Lindqvist, the table says told duplicate" in " ".join(wrong)
    assert "the PMS counts 9 people, the table says 10" in wrong
    assert "Yusuf Demir is missing" in wrong


def readme_curl(port: str, key: str) -> tuple[str, dict[str, str], str]:
    """Address, headers and body of the README's curl."""
    block = re.search(r"```sh\n(curl .*?)```", README, re.DOTALL)
    assert block, "the README shows how to send a lead with curl"
    words = shlex.split(block.group(1).replace("\\\n", " ").replace("$LEAD_KEY", key))
    headers = dict(words[n + 1].split(": ", 1) for n, word in enumerate(words) if word == "-H")
    return words[1].replace(":8080", f":{port}"), headers, words[words.index("-d") + 1]


def test_a_lead_of_ones_own_reaches_the_pms(tmp_path: Path) -> None:
    env = environment(tmp_path)
    with leadsvc("demo", env=env) as process:
        process.until(lambda: "Serving until" in process.output(), "the sample run serves", 120)
        output = process.output()
        key = re.search(r"lsk_\w+", output)
        pms = re.search(r"PMS\s+(http\S+)/", output)
        assert key, output
        assert pms, output
        address, headers, body = readme_curl(env["LEADSVC_PORT"], key.group(0))
        answer = httpx2.post(address, headers=headers, content=body.encode(), timeout=10, trust_env=False)
        assert answer.status_code == 200, answer.text
        shown = json.loads(re.search(r"```json\n(.*?)```", README, re.DOTALL).group(1))  # type: ignore[union-attr]
        assert {**answer.json(), "receipt": ""} == {**shown, "receipt": ""}

        def arrived() -> bool:
            state = httpx2.get(f"{pms.group(1)}/control/state", timeout=10, trust_env=False).json()
            return any(card["last_name"] == "Winter" for card in state["cards"])

        eventually(arrived, "the lead is in the PMS")
        again = httpx2.post(address, headers=headers, content=body.encode(), timeout=10, trust_env=False)
        assert again.json()["status"] == "duplicate"
