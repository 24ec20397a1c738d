"""A double of RealPage: the RPX gateway (OneSite guest cards) and the ILM door, both write and search only by days.

It joins a lead to a card of the last days unless told not to, answers in mixed case, tells errors as faults and in
messages, and shows what agents did among the notes. What no source describes is a choice of ours: see
``docs/simulators.md``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from flask import Flask, Response, request

from leadsvc.simulators.kit import Refused, Simulator
from leadsvc.simulators.manners import Manners, as_json
from leadsvc.simulators.realpage.gateway import Gateway, fault, xml_of
from leadsvc.simulators.records import Doc, now

CREDENTIALS = {
    "pmcid": "1000001",
    "licensekey": "demo-license-00000000",
    "username": "leadsvc_ws",
    "password": "realpage-demo-password",
    "apikey": "ilm-demo-key",
}
_IDS = re.compile(rb"<(ID|GuestCardID|CustomerID|ActivityID|TaskID|ConfirmationId)>[^<]*</\1>")
_ACTIVITY_WORDS = ("Visit", "Phone call", "E-mail", "Chat", "Self-guided tour", "No show", "Signature", "Appointment")


def _refused(status: int) -> Response:
    if status == 500:
        return fault(
            "Server", "The service could not complete the request.", "Timeout while calling the property system."
        )
    return Response(f"<html><body><h1>Error {status}</h1></body></html>", status, mimetype="text/html")


def _throttled(wait_s: float) -> Response:
    answer = Response("<html><body><h1>Too Many Requests</h1></body></html>", 429, mimetype="text/html")
    answer.headers["Retry-After"] = str(max(round(wait_s), 1))
    return answer


def _unauthorized() -> Response:
    words = "The license key is not valid for this company and site."
    return fault("Client", "Authentication failed.", words, "Check pmcid, siteid and licensekey.")


MANNERS = Manners(
    refused=_refused,
    throttled=_throttled,
    unauthorized=_unauthorized,
    fault_answer=lambda: _refused(500),
    without_ids=lambda body: _IDS.sub(b"", body),
    xml=True,
)


def _edited(simulator: Simulator, card: Doc, words: Doc) -> None:
    """An agent's doing shows as a note where it is an activity, else as the status of the card."""
    word = str(words.get("outcome") or "")
    if word in _ACTIVITY_WORDS:
        key = simulator.records.number("event", 7)
        values = {"kind": word, "at": now(), "text": "", "agent_ref": str(words.get("agent_id") or "")}
        event = {"event_id": key, "card_id": card["card_id"], "source_name": "", "made": now(), **values}
        simulator.records.put("event", key, event)
    elif word:
        simulator.records.change(
            "card", card["card_id"], property_status=word, loss_reason=str(words.get("reason") or "")
        )


def create_app(state_file: Path, config_file: Path, credentials: Mapping[str, str]) -> Flask:
    """The application over its state file."""
    simulator = Simulator("realpage", state_file, config_file, credentials, manners=MANNERS, edited=_edited)
    gateway = Gateway(simulator, _unauthorized)

    @simulator.app.post("/rpxgateway/partner/<partner>/<service>.svc")
    def rpx(partner: str, service: str) -> Response:
        if partner != service:
            return Response("<html><body><h1>404</h1></body></html>", 404, mimetype="text/html")
        call = xml_of(request.get_data())
        if call is None:
            return fault("Client", "The request is not a SOAP envelope.", "")
        op = gateway.op(call)
        if op is None:
            return fault("Client", f"There is no operation {call.method}.", "", code="a:ActionNotSupported")
        key = call.said("guestcardid") or call.said("email") or "new"
        return simulator.answer(op, lambda: gateway.act(op, call), write=op in gateway.WRITES, key=key)

    @simulator.app.post("/leasing/lead")
    def ilm() -> Response:
        return simulator.answer("ilm_lead", lambda: _ilm(simulator), write=True, key="ilm")

    return simulator.app


def _ilm(simulator: Simulator) -> Response:
    """The door of ILM and Lead2Lease: takes a lead and confirms it; nothing can be read back."""
    if request.headers.get("apikey") != simulator.credentials["apikey"]:
        raise Refused(as_json({"Message": "Access denied: key not accepted."}, 401))
    words = request.get_json(silent=True)
    prospects = words.get("Prospects") if isinstance(words, dict) else None
    customer = (prospects or [{}])[0].get("Customers", [{}])[0] if isinstance(prospects, list) else {}
    if not (customer.get("Email") or customer.get("Phone")):
        raise Refused(as_json({"Message": "Customers[0].Email or Phone is required."}, 400))
    key = simulator.records.number("ilm", 12)
    simulator.records.put("ilm", key, {"prospects": prospects})
    answer = as_json({"ConfirmationId": f"c0ffee00-1111-4222-8333-{key}"})
    answer.set_data(b"\xef\xbb\xbf" + answer.get_data())
    return answer
