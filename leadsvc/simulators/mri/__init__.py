"""A double of MRI's PMRM web API: one script whose API is chosen by the query, XML in, XML or JSON out, errors inside
entries at 200, no check for doubles. Fields of interactions, the filter by last update and statuses are a choice of
ours."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from pathlib import Path

from flask import Flask, Response, request

from leadsvc.simulators.kit import Refused, Simulator
from leadsvc.simulators.manners import Manners, as_xml
from leadsvc.simulators.mri.cards import Cards, failed
from leadsvc.simulators.records import Doc

CREDENTIALS = {
    "client_id": "C123456",
    "database": "DEMODB",
    "web_user": "LEADSVC",
    "partner_key": "mri-demo-partner-key",
    "password": "mri-demo-password",
}
_IDS = re.compile(rb"<(NameID|InteractionID)>[^<]*</\1>")
_USER = ("client_id", "database", "web_user", "partner_key")


def _refused(status: int) -> Response:
    if status == 500:
        return Response("An unexpected error occurred.", status, content_type="text/plain; charset=utf-8")
    return Response(f"<html><body><h1>{status}</h1></body></html>", status, mimetype="text/html")


def _throttled(wait_s: float) -> Response:
    page = "<html><body><h1>Service Unavailable</h1></body></html>"
    return Response(page, 503, headers={"Retry-After": str(max(round(wait_s), 1))}, mimetype="text/html")


def _unauthorized() -> Response:
    words = "401 - Unauthorized: Access is denied due to invalid credentials."
    return Response(f"<html><body><h2>{words}</h2></body></html>", 401, mimetype="text/html")


MANNERS = Manners(
    refused=_refused,
    throttled=_throttled,
    unauthorized=_unauthorized,
    error_in_200=lambda: as_xml(
        "<mri_s-pmrm_guestcardsbysiteid>" + failed("Try again later.") + "</mri_s-pmrm_guestcardsbysiteid>"
    ),
    without_ids=lambda body: _IDS.sub(rb"<\1></\1>", body),
    xml=True,
    lacks=frozenset({"other_prefix"}),
)


def _guard(simulator: Simulator) -> None:
    known = simulator.credentials
    pair = "/".join(known[part] for part in _USER) + ":" + known["password"]
    if request.headers.get("Authorization") != "Basic " + base64.b64encode(pair.encode()).decode():
        raise Refused(_unauthorized())


def _edited(simulator: Simulator, card: Doc, words: Doc) -> None:
    """What an agent notes: ``F`` is a lease that is signed, ``A`` and ``R`` make an applicant or resident of somebody,
    any other word is the status of a prospect."""
    word = str(words.get("outcome") or "")
    if word in ("F", "A", "R"):
        simulator.records.change("card", card["card_id"], letter="R" if word == "F" else word, signed=word == "F")
    elif word:
        changes = {"mri_status": word, "reason": str(words.get("reason") or "")}
        simulator.records.change("card", card["card_id"], **changes)


def create_app(state_file: Path, config_file: Path, credentials: Mapping[str, str]) -> Flask:
    """The application over its state file."""
    simulator = Simulator("mri", state_file, config_file, credentials, manners=MANNERS, guard=_guard, edited=_edited)
    cards = Cards(simulator)

    @simulator.app.route("/MRIAPIServices/api.asp", methods=["GET", "POST", "PUT"])
    def api() -> Response:
        op = cards.op()
        if op is None:
            return Response("API: The specified value was not found.", 400, content_type="text/plain; charset=utf-8")
        return simulator.answer(op, lambda: cards.act(op), write=op in cards.WRITES, key=cards.key())

    return simulator.app
