"""The processes of the sample run: the simulated PMS and leadsvc itself, ended with us whatever happens."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2

from leadsvc.config import packaged
from leadsvc.errors import ConfigurationError

PMS_KEY = "simpms-demo-key"
_LEADSVC = (sys.executable, "-P", "-c", "from leadsvc.cli import main; main()")
_PATIENCE_S = 60.0
_LOOK_S = 0.05

_CONFIG = """\
# Written by the sample run; an operator's own file looks like this.
operator: Larkfield Residential
feeds:
  zillow: {{map: zillow_callback, label: Zillow rentals callback, owner: integrations}}
  website: {{map: canonical, label: Property websites, owner: integrations}}
  mail: {{label: Lead mailbox, owner: integrations}}
destinations:
  pms:
    vendor: simpms
    base_url: {url}
    api_key: "env:LEADSVC_DEMO_PMS_KEY"
    sources:
      zillow: Zillow.com
      apartments_com: Apartments.com
      realtor_com: Realtor.com
      rent_com: Rent.com
      zumper: Zumper
      apartment_list: Apartment List
      craigslist: Craigslist
      facebook: Facebook
      website: Property Website
    fallback_source: Unmapped - Review
"""


@contextlib.contextmanager
def simulated_pms(var: Path) -> Iterator[str]:
    """A PMS with its state under ``var``; yields its address."""
    log = (var / "simpms.log").open("ab")
    place = ("--port", "0", "--state", str(var / "simpms.db"), "--config", str(packaged("demo/pms.yaml")))
    words = ("simulate", "simpms", *place, "--api-key", PMS_KEY, "--watch-stdin")
    process = subprocess.Popen((*_LEADSVC, *words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
    try:
        if process.stdout is None:
            raise ConfigurationError("the simulated PMS has no output to read")
        line = process.stdout.readline()
        if not line:
            raise ConfigurationError(f"the simulated PMS did not start; see {var / 'simpms.log'}")
        said: dict[str, Any] = json.loads(line)
        yield str(said["url"])
    finally:
        _end(process)
        log.close()


def write_config(var: Path, url: str) -> Path:
    """The configuration file of the sample run."""
    path = var / "leadsvc.yaml"
    path.write_text(_CONFIG.format(url=url), encoding="utf-8")
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


def environment(var: Path, config: Path, port: int) -> None:
    """What leadsvc and its children read."""
    os.environ["LEADSVC_DEMO_PMS_KEY"] = PMS_KEY
    os.environ["LEADSVC_CONFIG"] = str(config)
    os.environ["LEADSVC_VAR"] = str(var)
    os.environ["LEADSVC_PORT"] = str(port)
