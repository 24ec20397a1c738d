"""The RPX gateway's operations over the records of the kit; one piece, as all of them read and write the same guest
cards through one call."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response
from lxml import etree

from leadsvc.simulators.kit import Refused, Simulator
from leadsvc.simulators.manners import as_xml
from leadsvc.simulators.records import Doc, new_card, now

_NAME_MAX = 30
_MARK = re.compile(r"\[ref ([\w.:-]+)\]")
_TYPES = {
    "S000000001": "Phone call",
    "S000000010": "E-mail",
    "S000000015": "Notes",
    "S000000100": "Event",
    "S000000101": "Chat",
}
_SHOWN_STATUS = {"": "S000000002", "prospect": "S000000002", "resident": "Resident", "applicant": "Applicant"}
_METHODS = {
    "insertprospect": "insert_prospect",
    "updateprospect": "update_prospect",
    "addnewcustomertoguestcard": "add_customer",
    "insertactivity": "insert_activity",
    "insertfollowup": "insert_followup",
    "prospectsearch": "prospect_search",
    "getguestcardnotesbydaterange": "guest_card_notes",
    "getsitelist": "sites",
    "getmarketingsourcesbyproperty": "marketing_sources",
    "getleasingagentsbyproperty": "leasing_agents",
    "getactivitytypes": "activity_types",
    "getfloorplanlist": "floor_plans",
    "getunitlist": "units",
}


def _envelope(body: str, status: int = 200) -> Response:
    space = "http://schemas.xmlsoap.org/soap/envelope/"
    return as_xml(f'<s:Envelope xmlns:s="{space}"><s:Body>{body}</s:Body></s:Envelope>', status)


def fault(who: str, words: str, exception: str, custom: str = "", *, code: str = "") -> Response:
    """A SOAP fault of the gateway, with HTTP 500."""
    detail = f"<ExceptionMessage>{escape(exception)}</ExceptionMessage><CustomMessage>{escape(custom)}</CustomMessage>"
    said = f'<faultstring xml:lang="en-US">{escape(words)}</faultstring>'
    return _envelope(
        f"<s:Fault><faultcode>{code or f's:{who}'}</faultcode>{said}"
        f'<detail><RPXFault xmlns="http://tempuri.org/">{detail}</RPXFault></detail></s:Fault>',
        500,
    )


@dataclass(frozen=True)
class Call:
    """A request: the method, and the elements below it."""

    method: str
    node: Any

    def all(self, name: str) -> list[Any]:
        return [each for each in self.node.iter() if etree.QName(each).localname.lower() == name]

    def said(self, name: str) -> str:
        found = self.all(name)
        return "".join(found[0].itertext()).strip() if found else ""

    def has(self, name: str) -> bool:
        return bool(self.all(name))


def xml_of(body: bytes) -> Call | None:
    """The call in a SOAP request; ``None`` where there is none."""
    try:
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True))
    except etree.XMLSyntaxError:
        return None
    bodies = [each for each in root if etree.QName(each).localname == "Body"]
    if not bodies or len(bodies[0]) == 0:
        return None
    return Call(etree.QName(bodies[0][0]).localname, bodies[0][0])


def _answered(method: str, inner: str) -> str:
    result = f"<{method}Result>{inner}</{method}Result>"
    return f'<{method}Response xmlns="http://tempuri.org/">{result}</{method}Response>'


def _elements(**values: Any) -> str:
    return "".join(f"<{name}>{escape(str(value), quote=False)}</{name}>" for name, value in values.items())


def _person(person: Doc) -> str:
    phone = str(person.get("phone") or "")
    number = f"<PhoneNumber>{_elements(Type='Mobile', Number=phone.removeprefix('+1'))}</PhoneNumber>" if phone else ""
    said = _elements(
        CustomerID=person["person_id"],
        FirstName=person.get("first_name", ""),
        LastName=person["last_name"],
        Email=person.get("email", ""),
    )
    return f"<Prospect>{said}<Numbers>{number}</Numbers></Prospect>"


class Gateway:
    """One company's sites behind the gateway."""

    WRITES = ("insert_prospect", "update_prospect", "add_customer", "insert_activity", "insert_followup")

    def __init__(self, simulator: Simulator, unauthorized: Callable[[], Response]) -> None:
        self._simulator = simulator
        self._records = simulator.records
        self._unauthorized = unauthorized

    @staticmethod
    def op(call: Call) -> str | None:
        return _METHODS.get(call.method)

    def act(self, op: str, call: Call) -> Response:
        """Carry out a call; errors raise :class:`Refused`."""
        self._authorized(call)
        site = call.said("siteid")
        if op != "sites":
            if self._records.get("property", site) is None:
                raise Refused(
                    fault("Client", "The request is not valid.", f"Site {site} does not exist for this company.")
                )
            if self._simulator.revoked(site):
                raise Refused(self._unauthorized())
        inner: str = getattr(self, f"_{op}")(call, site)
        return _envelope(_answered(call.method, inner))

    def _authorized(self, call: Call) -> None:
        known = self._simulator.credentials
        given = {name: call.said(name) for name in ("pmcid", "licensekey")}
        if call.has("username"):
            given |= {name: call.said(name) for name in ("username", "password")}
        if any(known[name] != value for name, value in given.items()):
            raise Refused(self._unauthorized())

    def _no(self, wrapper: str, words: str) -> Refused:
        """A refusal as a message, with HTTP 200."""
        method = {"InsertProspectResponse": "insertprospect", "UpdateProspect": "updateprospect"}
        name = method.get(wrapper, wrapper.lower())
        return Refused(_envelope(_answered(name, f"<{wrapper}>{_elements(message=words)}</{wrapper}>")))

    # -- lists --------------------------------------------------------------------------------------------------------

    def _picklist(self, pairs: list[tuple[str, str]]) -> str:
        items = "".join(f"<PicklistItem>{_elements(Value=key, Text=name)}</PicklistItem>" for key, name in pairs)
        return f"<Contents>{items}</Contents>" if items else "<Contents />"

    def _live(self, kind: str, site: str) -> list[Doc]:
        return [each for each in self._records.all(kind) if each["active"] and each["parent"] in ("", site)]

    def _sites(self, call: Call, site: str) -> str:
        return self._picklist([(each["id"], each["name"]) for each in self._live("property", site)])

    def _marketing_sources(self, call: Call, site: str) -> str:
        return self._picklist([(f"77{each['place']:02d}", each["name"]) for each in self._live("source", site)])

    def _leasing_agents(self, call: Call, site: str) -> str:
        return self._picklist([(each["id"], each["name"]) for each in self._live("agent", site)])

    def _activity_types(self, call: Call, site: str) -> str:
        return self._picklist(list(_TYPES.items()))

    def _floor_plans(self, call: Call, site: str) -> str:
        plans = []
        for each in self._live("floor_plan", site):
            raw = each["raw"]
            rent = f"{int(raw.get('rent_cents', 0)) / 100:.2f}"
            said = _elements(
                FloorPlanID=each["id"],
                FloorPlanCode=each["id"],
                FloorPlanName=each["name"],
                Bedrooms=raw.get("bedrooms", ""),
                Bathrooms=raw.get("bathrooms", ""),
                RentMin=rent,
                RentMax=rent,
            )
            plans.append(f"<FloorPlanObject>{said}</FloorPlanObject>")
        return f"<GetFloorPlanList>{''.join(plans)}</GetFloorPlanList>"

    def _units(self, call: Call, site: str) -> str:
        units = "".join(
            f"<UnitObject>{_elements(UnitID=each['id'], UnitNumber=each['name'], Available='true')}</UnitObject>"
            for each in self._live("unit", site)
        )
        return f"<GetUnitList><UnitObjects>{units}</UnitObjects></GetUnitList>"

    # -- guest cards --------------------------------------------------------------------------------------------------

    def _place(self, site: str) -> ZoneInfo:
        home = self._records.get("property", site) or {}
        return ZoneInfo(str(home.get("raw", {}).get("time_zone", "UTC")))

    def _local(self, at: str, site: str) -> str:
        moment = datetime.fromisoformat(at.replace("Z", "+00:00"))
        return moment.astimezone(self._place(site)).strftime("%Y-%m-%dT%H:%M:%S")

    def _source(self, call: Call, wrapper: str, site: str) -> str:
        wanted = call.said("primaryleadsource")
        for each in self._live("source", site):
            if wanted == f"77{each['place']:02d}":
                return str(each["name"])
        raise self._no(wrapper, f"Primary lead source {wanted} does not exist for this site.")

    def _checked(self, call: Call, wrapper: str, site: str) -> Doc:
        """The values of a guest card in a request; refused where something in them is unknown."""
        for name in ("firstname", "lastname"):
            if len(call.said(name)) > _NAME_MAX:
                words = f"{name} exceeds {_NAME_MAX} characters"
                raise Refused(fault("Client", "The request is not valid.", words, "Prospect was not saved."))
        agent, plan = call.said("leasingagentid"), call.said("floorplanid")
        if agent and self._records.config("agent", agent) is None:
            raise self._no(wrapper, f"Leasing agent {agent} is not active.")
        if plan and self._records.config("floor_plan", plan, site) is None:
            raise self._no(wrapper, f"Floor plan {plan} does not exist for this site.")
        values: Doc = {}
        names = {
            "firstname": "first_name",
            "lastname": "last_name",
            "email": "email",
            "dateneeded": "move_in",
            "floorplanid": "floor_plan_ref",
            "leasingagentid": "agent_ref",
            "prospectcomment": "comment",
        }
        values |= {ours: call.said(theirs) for theirs, ours in names.items() if call.said(theirs)}
        if call.said("number"):
            digits = re.sub(r"\D", "", call.said("number"))
            values["phone"] = f"+1{digits}" if len(digits) == 10 else f"+{digits}"
        if call.said("desiredrent"):
            values["budget_max_cents"] = round(float(call.said("desiredrent")) * 100)
        if call.has("primaryleadsource"):
            values["source_name"] = self._source(call, wrapper, site)
        marks = _MARK.findall(str(values.get("comment", "")))
        return values | ({"our_key": marks[0]} if marks else {})

    def _insert_prospect(self, call: Call, site: str) -> str:
        wrapper = "InsertProspectResponse"
        values = self._checked(call, wrapper, site)
        for name in ("firstname", "lastname"):
            if not call.said(name):
                raise Refused(fault("Client", "The request is not valid.", f"{name} is required"))
        if "source_name" not in values:
            raise self._no(wrapper, "Primary lead source is required.")
        there = None if call.said("skipduplicatecheck").lower() == "true" else self._same(call, values, site)
        if there is not None:
            return self._said(wrapper, self._joined(there, values), "Updated")
        key, person = self._records.number("card"), self._records.number("card")
        card = new_card(**{**values, "card_id": key, "person_id": person, "property": site})
        return self._said(wrapper, self._records.put("card", key, card), "Inserted")

    def _same(self, call: Call, values: Doc, site: str) -> Doc | None:
        """Their rule: same last name and e-mail or phone, on a live card of the last days."""
        days = int(call.said("daysbackduplicatecheck") or 91)
        since = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        for card in self._records.all("card", property=site):
            near = card["created_at"] >= since and not card["merged_into"]
            named = card["last_name"].casefold() == str(values.get("last_name", "")).casefold()
            shared = any(card[by] and card[by] == values.get(by) for by in ("email", "phone"))
            if near and named and shared:
                return card
        return None

    def _joined(self, card: Doc, values: Doc) -> Doc:
        """Their joining: blanks are filled, the comment is put behind the one that is there."""
        changes = {name: value for name, value in values.items() if not card.get(name) and name != "our_key"}
        comment = "\n".join(filter(None, (card["comment"], values.get("comment", ""))))
        key = card["our_key"] or (_MARK.findall(comment) or [""])[0]
        return self._records.change(
            "card", card["card_id"], **{**changes, "comment": comment, "our_key": key, "updated_at": now()}
        )

    def _said(self, wrapper: str, card: Doc, action: str) -> str:
        guest = f"<Guestcard>{_elements(ID=card['card_id'], Status='Success', Action=action)}</Guestcard>"
        person = _elements(CustomerID=card["person_id"])
        results = (
            f"<CustomerResults><CustomerResult>{person}<Status>Success</Status></CustomerResult></CustomerResults>"
        )
        return f"<{wrapper}><message>SUCCESS</message>{guest}<Customers>{person}</Customers>{results}</{wrapper}>"

    def _update_prospect(self, call: Call, site: str) -> str:
        key = call.said("guestcardid")
        card = self._records.get("card", key)
        if card is None or card["property"] != site:
            raise self._no("UpdateProspect", f"Guest card {key} was not found.")
        values = self._checked(call, "UpdateProspect", site)
        if call.said("datefollowup"):
            self._move_followup(call, key)
            values.pop("agent_ref", None)
        version = int(card["version"]) + 1
        self._records.change("card", key, **{**values, "updated_at": now(), "version": version})
        return "<UpdateProspect><message>SUCCESS</message></UpdateProspect>"

    def _add_customer(self, call: Call, site: str) -> str:
        """One more person on a card, every time it is asked for."""
        wrapper = "AddNewCustomerToGuestCard"
        card = self._records.get("card", self._of_card(call, wrapper, site)) or {}
        if not call.said("lastname"):
            raise Refused(fault("Client", "The request is not valid.", "lastname is required"))
        person = {**self._checked(call, wrapper, site), "person_id": self._records.number("card")}
        self._records.change("card", card["card_id"], people=[*card.get("people", ()), person], updated_at=now())
        customer = f"<Customers>{_elements(CustomerID=person['person_id'])}</Customers>"
        return f"<{wrapper}><message>SUCCESS</message>{customer}</{wrapper}>"

    def _move_followup(self, call: Call, card_id: str) -> None:
        """The card's next follow-up is the one that is open."""
        for task in self._records.all("task", card_id=card_id):
            if task["status"] == "open":
                text = call.said("optionaltasknotes") or task["text"]
                agent = call.said("leasingagentid") or task["assignee_ref"]
                self._records.change(
                    "task", task["task_id"], due_at=call.said("datefollowup"), text=text, assignee_ref=agent
                )
                return

    def _prospect_search(self, call: Call, site: str) -> str:
        by = "updated_at" if call.has("modifieddate") else "created_at"
        low, high = call.said("datefrom"), call.said("dateto")
        if not low or not high:
            raise Refused(fault("Client", "The request is not valid.", "datefrom and dateto are required"))
        cards = [
            self._shown(card, site)
            for card in self._records.all("card", property=site, delayed=True)
            if low <= self._local(card[by], site)[:10] <= high and not card["merged_into"]
        ]
        return f"<GuestCards>{''.join(cards)}</GuestCards>" if cards else "<GuestCards />"

    def _shown(self, card: Doc, site: str) -> str:
        status = card.get("property_status") or _SHOWN_STATUS.get(card["status"], "S000000002")
        source = next((each for each in self._records.all("source") if each["name"] == card["source_name"]), None)
        cents = card["budget_max_cents"]
        wishes = _elements(
            DateNeeded=card["move_in"],
            FloorPlanID=card["floor_plan_ref"],
            DesiredRent=f"{int(cents) / 100:.2f}" if cents else "",
        )
        head = _elements(
            GuestCardID=card["card_id"],
            PrimaryLeadSource=f"77{source['place']:02d}" if source else "",
            LeasingAgentID=card["agent_ref"],
            CreateDate=self._local(card["created_at"], site),
            ModifiedDate=self._local(card["updated_at"], site),
            PropertyStatus=status,
            LossReason=card.get("loss_reason", ""),
            ProspectComment=card["comment"],
        )
        people = "".join(map(_person, (card, *card.get("people", ()))))
        return f"<GuestCard>{head}<Prospects>{people}</Prospects><Preferences>{wishes}</Preferences></GuestCard>"

    # -- notes and follow-ups -----------------------------------------------------------------------------------------

    def _of_card(self, call: Call, wrapper: str, site: str) -> str:
        key = call.said("guestcardid")
        card = self._records.get("card", key)
        if card is None or card["property"] != site:
            raise self._no(wrapper, f"Guest card {key} was not found.")
        return key

    def _insert_activity(self, call: Call, site: str) -> str:
        card_id = self._of_card(call, "InsertActivity", site)
        kind, agent = call.said("typeid"), call.said("creatorid")
        if kind not in _TYPES:
            raise self._no("InsertActivity", f"Activity type {kind} is not active.")
        if agent and self._records.config("agent", agent) is None:
            raise self._no("InsertActivity", f"Creator {agent} is not active.")
        key = self._records.number("event")
        values = {
            "kind": _TYPES[kind],
            "at": call.said("actiondate"),
            "text": call.said("comments"),
            "agent_ref": agent,
        }
        event = {"event_id": key, "card_id": card_id, "source_name": "", "made": now(), **values}
        self._records.put("event", key, event)
        return f"<InsertActivity><message>SUCCESS</message>{_elements(ActivityID=key)}</InsertActivity>"

    def _insert_followup(self, call: Call, site: str) -> str:
        card_id = self._of_card(call, "InsertFollowUp", site)
        agent = call.said("leasingagentid")
        if agent and self._records.config("agent", agent) is None:
            raise self._no("InsertFollowUp", f"Leasing agent {agent} is not active.")
        key = self._records.number("task")
        values = {"kind": "task", "title": "", "text": call.said("tasknotes"), "due_at": call.said("datefollowup")}
        task = {"task_id": key, "card_id": card_id, "assignee_ref": agent, "status": "open", "made": now(), **values}
        self._records.put("task", key, task)
        return f"<InsertFollowUp><message>SUCCESS</message>{_elements(TaskID=key)}</InsertFollowUp>"

    def _guest_card_notes(self, call: Call, site: str) -> str:
        low, high = call.said("datefrom"), call.said("dateto")
        ours = {card["card_id"] for card in self._records.all("card", property=site)}
        notes = []
        for event in self._records.all("event", delayed=True):
            at = event["at"]
            shown = self._local(at, site) if at.endswith("Z") else at
            if event["card_id"] in ours and low <= event["made"][:10] <= high:
                said = _elements(
                    ActivityID=event["event_id"],
                    GuestCardID=event["card_id"],
                    TypeName=event["kind"],
                    ActionDate=shown,
                    CreatorID=event["agent_ref"],
                    Comments=event["text"],
                )
                notes.append(f"<Note>{said}</Note>")
        for task in self._records.all("task", delayed=True):
            if task["card_id"] in ours and low <= task["made"][:10] <= high:
                said = _elements(
                    TaskID=task["task_id"],
                    GuestCardID=task["card_id"],
                    TypeName="Follow up",
                    DateFollowUp=task["due_at"],
                    LeasingAgentID=task["assignee_ref"],
                    Completed=str(task["status"] != "open").lower(),
                    TaskNotes=task["text"],
                )
                notes.append(f"<Note>{said}</Note>")
        return f"<Notes>{''.join(notes)}</Notes>" if notes else "<Notes />"
