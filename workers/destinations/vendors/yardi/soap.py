"""The SOAP envelopes in which Voyager is asked. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lxml import etree

from leadsvc.workers.destinations.mits import one_line
from leadsvc.workers.destinations.tree import Node

SERVICES = "http://tempuri.org/YSI.Interfaces.WebServices/"
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
METHODS = {
    "import_guest": "ImportYardiGuest_Login",
    "import_guest_v20": "ImportYardiGuest_Login",
    "add_event": "ImportYardiGuest_Login",
    "search_guest": "GetYardiGuestActivity_Search",
    "guest_activity_range": "GetYardiGuestActivity_DateRange",
    "agents_sources": "GetYardiAgentsSourcesResults_Login",
    "property_configurations": "GetPropertyConfigurations",
    "unit_availability": "UnitAvailability_Login",
    "ping": "Ping",
}
_LOGIN = (
    ("UserName", "username"),
    ("Password", "password"),
    ("ServerName", "server_name"),
    ("Database", "database"),
    ("Platform", "platform"),
)
_INTERFACE = (("InterfaceEntity", "interface_entity"), ("InterfaceLicense", "interface_license"))


def envelope(
    namespace: str,
    method: str,
    given: Mapping[str, str],
    property_ref: str,
    extra: Sequence[tuple[str, str | Node]],
) -> bytes:
    """One line of SOAP: the credentials, in the order of the WSDL, and what the method wants beside them."""
    parts: list[tuple[str, str | Node]] = []
    if method != "Ping":
        parts += [(tag, given.get(ours, "")) for tag, ours in _LOGIN]
        parts += [("YardiPropertyId", property_ref)] if property_ref else []
        parts += [(tag, given.get(ours, "")) for tag, ours in _INTERFACE]
    root = etree.Element(f"{{{_SOAP}}}Envelope", nsmap={"soapenv": _SOAP, "itf": namespace})
    etree.SubElement(root, f"{{{_SOAP}}}Header")
    call = etree.SubElement(etree.SubElement(root, f"{{{_SOAP}}}Body"), f"{{{namespace}}}{method}")
    for tag, value in (*parts, *extra):
        node = etree.SubElement(call, f"{{{namespace}}}{tag}")
        if isinstance(value, str):
            node.text = one_line(value)
        else:
            node.append(value)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True).replace(b"?>\n", b"?>", 1)
