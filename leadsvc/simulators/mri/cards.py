"""MRI's APIs over the records of the kit."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from html import escape
from typing import Any

from flask import Response, request
from lxml import etree

from leadsvc.simulators.kit import Refused, Simulator
from leadsvc.simulators.manners import as_json, as_xml
from leadsvc.simulators.records import Doc, new_card, now

_MARK = re.compile(r"\[ref ([\w.:-]+)\]")
_CODES = ("EM", "PH", "TX", "CH", "WI")
_APIS = {
    ("GET", "MRI_S-PMRM_GuestCardsBySiteID"): "list_guest_cards",
    ("POST", "MRI_S-PMRM_GuestCardsBySiteID"): "create_guest_card",
    ("PUT", "MRI_S-PMRM_GuestCardsBySiteID"): "update_guest_card",
    ("GET", "MRI_S-PMRM_ResidentialInteractionsByNameID"): "list_interactions",
    ("POST", "MRI_S-PMRM_ResidentialInteractionsByNameID"): "add_interaction",
    ("GET", "MRI_S-PMRM_ResidentsByPropertyID"): "residents",
    ("GET", "MRI_S-PMRM_PendingMoveIns"): "pending_move_ins",
    ("GET", "MRI_S-PMRM_PropertiesByEntityID"): "properties",
    ("GET", "MRI_S-PMRM_UnitsByPropertyID"): "units",
    ("GET", "MRI_S-PMRM_UnitTypesByPropertyID"): "floor_plans",
}
_FIRST_LETTER = {"resident": "R", "applicant": "A"}


def failed(words: str) -> str:
    """An entry that holds nothing but an error."""
    return f"<entry><Error><Message>{escape(words)}</Message></Error></entry>"


def _e164(text: str) -> str:
    digits = re.sub(r"\D", "", text)
    return f"+1{digits}" if len(digits) == 10 else f"+{digits}" if digits else ""


def _there(phone: str) -> str:
    found = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", phone)
    return f"{found[1]}-{found[2]}-{found[3]}" if found else phone


def _elements(values: Doc) -> str:
    return "".join(f"<{name}>{escape(str(value), quote=False)}</{name}>" for name, value in values.items())


class Cards:
    """One client's database."""

    WRITES = ("create_guest_card", "update_guest_card", "add_interaction")

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._records = simulator.records

    @staticmethod
    def op() -> str | None:
        """The operation that a request is."""
        op = _APIS.get((request.method, request.args.get("$api", "")))
        return "get_guest_card" if op == "list_guest_cards" and request.args.get("NameID") else op

    def key(self) -> str:
        """The card that a write is about."""
        found = re.search(rb"<NameID>([^<]+)</NameID>", request.get_data())
        return found[1].decode("ascii", "replace") if found else "new"

    def act(self, op: str) -> Response:
        """Carry out a call; errors raise :class:`Refused`."""
        if op in self.WRITES:
            return self._write(op)
        reads: dict[str, Callable[[], list[Doc]]] = {
            "list_guest_cards": self._listed,
            "get_guest_card": self._listed,
            "list_interactions": self._interactions,
            "residents": self._residents,
            "pending_move_ins": self._pending,
            "properties": self._properties,
            "units": lambda: self._config("unit", "UnitID"),
            "floor_plans": lambda: self._config("floor_plan", "UnitTypeID"),
        }
        return self._page(reads[op]())

    @staticmethod
    def _page(found: list[Doc]) -> Response:
        top, skip = int(request.args.get("$top", 300)), int(request.args.get("$skip", 0))
        answer: Doc = {"odata.metadata": f"{request.base_url}#metadata", "value": found[skip : skip + top]}
        if len(found) > skip + top:
            answer["nextLink"] = f"{request.base_url}?%24api={request.args['$api']}&%24skip={skip + top}&_next=t{skip}"
        return as_json(answer)

    # -- reads --------------------------------------------------------------------------------------------------------

    def _people(self, home: str) -> list[Doc]:
        if home and self._simulator.revoked(home):
            words = failed(f"The web user has no access to property {home}.")
            raise Refused(as_xml(f"<mri_s-pmrm_guestcardsbysiteid>{words}</mri_s-pmrm_guestcardsbysiteid>", 403))
        cards = [one for one in self._records.all("card", delayed=True) if not one["merged_into"]]
        since = request.args.get("LastUpdate", "")
        return [one for one in cards if home in ("", one["property"]) and one["updated_at"][:10] >= since]

    def _listed(self) -> list[Doc]:
        wanted = request.args.get("NameID", "")
        people = self._people(request.args.get("SITEID", ""))
        return [self._shown(one) for one in people if wanted in ("", one["card_id"])]

    @staticmethod
    def _wishes(card: Doc) -> Doc:
        beds = card["bedrooms_max"]
        kept = {name: card.get(name, "") for name in ("Baths", "TotalOccupants", "DesiredLeaseTerm", "VisitDate")}
        return {
            "DidNotLeaseReason": card.get("reason", ""),
            "Beds": "" if beds is None else str(beds),
            "DesiredMoveInDate": card["move_in"],
            **kept,
        }

    def _shown(self, card: Doc) -> Doc:
        return {
            "NameID": card["card_id"],
            "FirstName": card["first_name"],
            "LastName": card["last_name"],
            "PropertyID": card["property"],
            "Notes": card["comment"],
            "Email": card["email"],
            "Phone": _there(card["phone"]),
            "Type": card.get("letter") or _FIRST_LETTER.get(card["status"], "P"),
            "LastUpdateDate": card["updated_at"][:19],
            "ProspectiveTenant": {"entry": [self._wishes(card)]},
        }

    def _residents(self) -> list[Doc]:
        return [
            {
                "NameId": card["card_id"],
                "ResidentNameID": card["card_id"],
                "ProspectApplicantResident": card.get("letter") or _FIRST_LETTER.get(card["status"], "P"),
                "PropertyId": card["property"],
                "LeaseId": "",
                "Status": card.get("mri_status", ""),
                "DidNotLeaseReason": card.get("reason", ""),
                "LastUpdateDate": card["updated_at"][:19],
            }
            for card in self._people(request.args.get("RMPROPID", ""))
        ]

    def _pending(self) -> list[Doc]:
        return [
            {
                "ResidentID": card["card_id"],
                "PropertyID": card["property"],
                "LeaseID": f"L{card['card_id']}",
                "ResidentStatus": "F",
                "ScheduledMoveInDate": f"{card['move_in'] or date.today().isoformat()}T00:00:00",
            }
            for card in self._people(request.args.get("PropertyID", ""))
            if card.get("signed")
        ]

    def _interactions(self) -> list[Doc]:
        found = self._records.all("event", card_id=request.args.get("NameID", ""), delayed=True)
        return [self._interaction(one) for one in found]

    @staticmethod
    def _interaction(event: Doc) -> Doc:
        said = {"InteractionDate": event["at"], "InteractionType": event["kind"], "Notes": event["text"]}
        return {"NameID": event["card_id"], "InteractionID": event["event_id"], **said}

    def _properties(self) -> list[Doc]:
        return [{"PropertyID": one["id"], "PropertyName": one["name"]} for one in self._records.all("property")]

    def _config(self, kind: str, key: str) -> list[Doc]:
        home = request.args.get("PropertyID", "")
        return [
            {key: one["id"], "Description": one["name"]} for one in self._records.all(kind) if one["parent"] == home
        ]

    # -- writes -------------------------------------------------------------------------------------------------------

    def _write(self, op: str) -> Response:
        root = self._document()
        parts = [self._one(op, entry) for entry in root if etree.QName(entry).localname == "entry"]
        name = etree.QName(root).localname
        return as_xml(f'<?xml version="1.0" encoding="utf-8"?>\n<{name}>{"".join(parts)}</{name}>')

    @staticmethod
    def _document() -> Any:
        try:
            parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
            return etree.fromstring(request.get_data(), parser)
        except etree.XMLSyntaxError as error:
            raise Refused(Response("XML: The document is not valid.", 400, content_type="text/plain")) from error

    def _one(self, op: str, entry: Any) -> str:
        said = {etree.QName(one).localname: "".join(one.itertext()).strip() for one in entry if len(one) == 0}
        if op == "add_interaction":
            return self._add_interaction(said)
        wishes = {
            etree.QName(one).localname: (one.text or "").strip() for one in entry.iterfind("ProspectiveTenant/entry/*")
        }
        home = said.get("PropertyID", "")
        if self._records.get("property", home) is None:
            return failed(f"PROPERTYID: {home} was not found.")
        if self._simulator.revoked(home):
            return failed(f"The web user has no access to property {home}.")
        for name in ("FirstName", "LastName"):
            if not said.get(name):
                return failed(f"{name.upper()}: a value is required.")
        key, wrong = said.get("NameID", ""), ""
        values = self._values(said)
        try:
            values |= self._wished(wishes)
        except ValueError:
            wrong = "<Error><Message>DESIREDMOVEINDATE: the date is not valid.</Message></Error>"
        card = self._changed(key, values) if op == "update_guest_card" else self._made(home, values)
        own = _elements({**said, "NameID": card["card_id"]})
        part = f"<entry>{_elements(wishes)}{wrong}</entry>"
        return f"<entry>{own}<ProspectiveTenant>{part}</ProspectiveTenant></entry>"

    @staticmethod
    def _values(said: Doc) -> Doc:
        marks = _MARK.findall(said.get("Notes", ""))
        return {
            "first_name": said.get("FirstName", ""),
            "last_name": said.get("LastName", ""),
            "email": said.get("Email", ""),
            "phone": _e164(said.get("Phone", "")),
            "comment": said.get("Notes", ""),
            "our_key": marks[0] if marks else "",
        }

    @staticmethod
    def _wished(wishes: Doc) -> Doc:
        """``ValueError`` for a date that is none, or too far off."""
        move_in = wishes.get("DesiredMoveInDate", "")
        if move_in and date.fromisoformat(move_in) > datetime.now(UTC).date() + timedelta(days=3650):
            raise ValueError(move_in)
        kept = {name: wishes.get(name, "") for name in ("Baths", "TotalOccupants", "DesiredLeaseTerm", "VisitDate")}
        beds = wishes.get("Beds", "")
        reason = wishes.get("DidNotLeaseReason", "")
        return {"move_in": move_in, "bedrooms_max": int(beds) if beds else None, "reason": reason, **kept}

    def _made(self, home: str, values: Doc) -> Doc:
        key = self._records.number("card", 5, "00000")
        card = new_card(**{**values, "card_id": key, "person_id": key, "property": home})
        return self._records.put("card", key, card)

    def _changed(self, key: str, values: Doc) -> Doc:
        card = self._records.get("card", key)
        if card is None:
            words = "RESIDENTID: The specified value was not found."
            raise Refused(Response(words, 400, content_type="text/plain; charset=utf-8"))
        return self._records.change("card", key, **values, version=int(card["version"]) + 1, updated_at=now())

    def _add_interaction(self, said: Doc) -> str:
        key, code = said.get("NameID", ""), said.get("InteractionType", "")
        if self._records.get("card", key) is None:
            return failed("NAMEID: The specified value was not found.")
        if code not in _CODES:
            return failed(f"INTERACTIONTYPE: {code} is not a valid code.")
        own = self._records.number("event", 5)
        values = {"kind": code, "at": said.get("InteractionDate", ""), "text": said.get("Notes", "")}
        event = {"event_id": own, "card_id": key, "source_name": "", "agent_ref": "", **values}
        return f"<entry>{_elements(self._interaction(self._records.put('event', own, event)))}</entry>"
