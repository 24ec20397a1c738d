"""The processes of the sample run: the simulated vendors and leadsvc itself, ended with us whatever happens."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
from ruamel.yaml import YAML

from leadsvc.demo.accounts import PMS_KEY, account, known, operator, secrets
from leadsvc.errors import ConfigurationError

_LEADSVC = (sys.executable, "-P", "-c", "from leadsvc.cli import main; main()")
_PATIENCE_S = 60.0
_LOOK_S = 0.05

_FEEDS = {
    "zillow": {"map": "zillow_callback", "label": "Zillow rentals callback", "owner": "integrations"},
    "website": {"map": "canonical", "label": "Property websites", "owner": "integrations"},
    "mail": {"label": "Lead mailbox", "owner": "integrations"},
}


@contextlib.contextmanager
def simulated(var: Path, vendor: str) -> Iterator[str]:
    """A vendor's simulator with its state under ``var``; yields its address."""
    log = (var / f"{vendor}.log").open("ab")
    place = ("--port", "0", "--state", str(var / f"{vendor}.db"), "--config", str(operator(vendor, var)))
    key = ("--api-key", PMS_KEY) if vendor == "simpms" else ()
    process = subprocess.Popen(
        (*_LEADSVC, "simulate", vendor, *place, *key, "--watch-stdin"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
    )
    try:
        if process.stdout is None:
            raise ConfigurationError(f"the simulated {vendor} has no output to read")
        line = process.stdout.readline()
        if not line:
            raise ConfigurationError(f"the simulated {vendor} did not start; see {var / f'{vendor}.log'}")
        said: dict[str, Any] = json.loads(line)
        yield str(said["url"])
    finally:
        _end(process)
        log.close()


def write_config(var: Path, urls: Mapping[str, str]) -> Path:
    """The configuration file of the sample run. ``urls``: of the simulators, by vendor."""
    accounts = {"crm" if known(vendor).crm else "pms": account(vendor, url) for vendor, url in urls.items()}
    path = var / "leadsvc.yaml"
    with path.open("w", encoding="utf-8") as file:
        file.write("# Written by the sample run; an operator's own file looks like this.\n")
        YAML().dump({"operator": "Larkfield Residential", "feeds": _FEEDS, "destinations": accounts}, file)
    return path


@contextlib.contextmanager
def leadsvc_itself(var: Path, address: str) -> Iterator[Path]:
    """``leadsvc serve`` with the present environment; yields the file it logs to once it is ready."""
    path = var / "leadsvc.log"
    with path.open("wb") as log:
        process = subprocess.Popen((*_LEADSVC, "serve"), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + _PATIENCE_S
        while not _ready(address):
            if process.poll() is not None or time.monotonic() > deadline:
                raise ConfigurationError(
                    f"leadsvc does not serve {address}; is the port taken? See {path}, or set PORT="
                )
            time.sleep(_LOOK_S)
        yield path
    finally:
        _end(process)


def _ready(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/readyz", timeout=2, trust_env=False).status_code == 200
    except httpx2.HTTPError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin is not None:
        process.stdin.close()
    if process.stdout is not None:
        process.stdout.close()


def environment(var: Path, config: Path, port: int, vendors: Iterable[str]) -> None:
    """What leadsvc and its children read."""
    for vendor in vendors:
        os.environ.update(secrets(vendor))
    os.environ["LEADSVC_CONFIG"] = str(config)
    os.environ["LEADSVC_VAR"] = str(var)
    os.environ["LEADSVC_PORT"] = str(port)
