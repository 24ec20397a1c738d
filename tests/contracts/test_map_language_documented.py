"""The handbook of the map language names every word of it, and its examples are maps that pass the check."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from leadsvc.fieldmap import check_file
from leadsvc.fieldmap.build import FIELDS
from leadsvc.fieldmap.converters import CONVERTERS

MAPPINGS = Path(__file__).parent.parent.parent / "mappings"
TEXT = (MAPPINGS / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
HEAD = {
    "id": "example_map",
    "version": 1,
    "owner": "tests",
    "provenance": {"confidence": "inferred", "rests_on": ["an example"]},
    "source": "website",
    "contact_type": "form",
}


def words(schema: Any) -> Iterator[str]:
    """Every key that the schema allows somewhere."""
    if isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict):
            yield from properties
        for inner in schema.values():
            yield from words(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from words(inner)


def test_every_word_is_told() -> None:
    schema = json.loads((MAPPINGS / "schema.json").read_text(encoding="utf-8"))
    missing = sorted(word for word in {*words(schema), *CONVERTERS, *FIELDS} if not re.search(f"`{word}[`:]", TEXT))
    assert missing == []


def test_every_way_to_find_a_value_has_an_example() -> None:
    schema = json.loads((MAPPINGS / "schema.json").read_text(encoding="utf-8"))
    ways = {each["required"][0] for each in schema["$defs"]["alternative"]["oneOf"]}
    shown = "\n".join(EXAMPLES)
    assert sorted(way for way in ways if f"{way}:" not in shown) == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_passes_the_check(example: str, tmp_path: Path) -> None:
    file = tmp_path / "example_map.yaml"
    yaml = YAML(typ="safe")
    with file.open("w", encoding="utf-8") as out:
        yaml.dump(HEAD | yaml.load(example), out)
    assert check_file(file) == []
