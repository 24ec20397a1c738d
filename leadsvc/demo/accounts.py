"""The account of the sample run at each simulated vendor: where it is, what signs in, what else it has to know."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from leadsvc.config import packaged

PMS_KEY = "simpms-demo-key"
FALLBACK_SOURCE = "Unmapped - Review"
SOURCES = {
    "zillow": "Zillow.com",
    "apartments_com": "Apartments.com",
    "realtor_com": "Realtor.com",
    "rent_com": "Rent.com",
    "zumper": "Zumper",
    "apartment_list": "Apartment List",
    "craigslist": "Craigslist",
    "facebook": "Facebook",
    "website": "Property Website",
}
_TOLD = ("name", "time_zone", "aliases", "former_names", "mailbox_tag", "address", "office_phone", "office_hours")
_KEY = "LEADSVC_DEMO_{}"


@dataclass(frozen=True, slots=True)
class Simulated:
    """A vendor's simulator as the sample run meets it. ``path``: where its interface is, ``create``: the operation that
    makes a card, ``credentials``: those of its ``CREDENTIALS`` that one account has (empty: all). ``crm``: it stands
    beside the PMS, as it has no properties of its own. ``digits``: its ids are numbers."""

    create: str
    path: str = ""
    credentials: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    crm: bool = False
    digits: bool = False


_KNOWN = {
    "simpms": Simulated("create_card"),
    "yardi": Simulated("import_guest", "/demo/webservices"),
    "realpage": Simulated("insert_prospect", credentials=("pmcid", "licensekey", "username", "password")),
    "entrata": Simulated("send_leads", credentials=("api_key",), digits=True),
    "appfolio": Simulated("create_lead"),
    "mri": Simulated(
        "create_guest_card",
        options={"api_units": "MRI_S-PMRM_UnitsByPropertyID", "api_floor_plans": "MRI_S-PMRM_UnitTypesByPropertyID"},
    ),
    "buildium": Simulated("create_applicant", options={"task_assignee": "ana"}),
    "rentmanager": Simulated("create_prospect"),
    "resman": Simulated("post_lead"),
    "funnel": Simulated("create_client", "/api/v2", options={"group": "71"}),
    "hubspot": Simulated("create_contact", credentials=("client_id", "client_secret", "refresh_token"), crm=True),
    "salesforce": Simulated("upsert_lead", crm=True),
    "webhook": Simulated("put_prospect", "/hooks/leads", crm=True),
}
VENDORS = tuple(sorted(_KNOWN))
"""What can stand in for the PMS (and the CRM) of the sample run."""


def known(vendor: str) -> Simulated:
    """How the sample run meets a vendor."""
    return _KNOWN[vendor]


def secrets(vendor: str) -> dict[str, str]:
    """The environment that an account at ``vendor`` takes its credentials from; they are good for simulators only."""
    if vendor == "simpms":
        return {_KEY.format("PMS_KEY"): PMS_KEY}
    return {_variable(vendor, name): value for name, value in _credentials(vendor).items()}


def account(vendor: str, url: str) -> dict[str, Any]:
    """What the configuration file says of an account at the simulator of ``vendor`` at ``url``."""
    met = known(vendor)
    said: dict[str, Any] = {"vendor": vendor, "base_url": url + met.path}
    if vendor == "simpms":
        said["api_key"] = f"env:{_KEY.format('PMS_KEY')}"
    else:
        said["credentials"] = {name: f"env:{_variable(vendor, name)}" for name in _credentials(vendor)}
        said["properties"] = _properties()  # not every vendor lists them, and few tell their time zone
    if met.options:
        said["options"] = dict(met.options)
    if met.crm:
        said |= {"follows": ["pms"], "follower_creates": True}
    return said | {"sources": SOURCES, "fallback_source": FALLBACK_SOURCE}


def _credentials(vendor: str) -> dict[str, str]:
    all_: Mapping[str, str] = importlib.import_module(f"leadsvc.simulators.{vendor}").CREDENTIALS
    return {name: all_[name] for name in known(vendor).credentials or all_}


def _variable(vendor: str, name: str) -> str:
    return _KEY.format(f"{vendor}_{name}".upper())


def id_there(vendor: str, card_id: str) -> str:
    """The id that a record of ``demo/pms.yaml`` has at ``vendor``."""
    return card_id.replace("p", "1", 1) if known(vendor).digits and card_id.startswith("p0") else card_id


def operator(vendor: str, var: Path) -> Path:
    """The file that tells the simulator of ``vendor`` whose system it is."""
    source = packaged("demo/pms.yaml")
    if not known(vendor).digits:
        return source
    path = var / f"{vendor}.yaml"
    text = source.read_text(encoding="utf-8")
    path.write_text(_CARD_ID.sub(lambda found: id_there(vendor, found[0]), text), encoding="utf-8")
    return path


_CARD_ID = re.compile(r"\bp0\d+\b")


def _properties() -> dict[str, dict[str, Any]]:
    told = YAML(typ="safe").load(packaged("demo/pms.yaml").read_text(encoding="utf-8"))
    return {home["id"]: {name: home[name] for name in _TOLD if name in home} for home in told["properties"]}
