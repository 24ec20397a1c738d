"""Log lines: JSON, by level, and never what an exception said."""

from __future__ import annotations

import io
import json

import pytest

from leadsvc import logs


def test_one_json_object_a_line() -> None:
    written = io.StringIO()
    logs.configure("INFO", written)
    logs.logger("api").info("request", status=200)
    logs.logger("api").debug("quiet")
    (line,) = written.getvalue().splitlines()
    told = json.loads(line)
    assert {"area": "api", "event": "request", "level": "info", "status": 200}.items() <= told.items()
    assert told["timestamp"].endswith("Z")


@pytest.mark.parametrize(("level", "lines"), [("10", 2), ("debug", 2), ("WARNING", 0), ("20", 1)])
def test_levels_by_name_and_number(level: str, lines: int) -> None:
    written = io.StringIO()
    logs.configure(level, written)
    logs.logger("api").info("request")
    logs.logger("api").debug("quiet")
    assert written.getvalue().count("\n") == lines


def test_of_an_error_only_the_places() -> None:
    def read(text: str) -> int:
        return int(text)

    try:
        try:
            read("rosa@example.com")
        except ValueError as error:
            raise LookupError("rosa@example.com") from error
    except LookupError as error:
        told = logs.places(error)
    assert (told["error"], told["causes"]) == ("LookupError", ["ValueError"])
    assert told["frames"][-1].endswith("test_of_an_error_only_the_places")
    assert "rosa" not in json.dumps(told)
