"""What to do about a delivery that did not go out, in plain words, by its cause. Pure."""

from __future__ import annotations

import re

_BY_CAUSE = {
    "tries_used_up": "All tries of three days failed. When a check finds the account well, send it again.",
    "presence_unknown": "It may be there already. Look for the renter in the PMS: give it up if the card is there; "
    "if it is not, say so and send it again.",
    "corrections_cap": "The day's corrections are used up. Look at what is waiting, then release the account.",
    "call_budget": "This card cost more calls than calls_per_lead in a day. Look at its attempts; send it again "
    "if they are right.",
    "cannot_merge": "The vendor merges nothing for us: a person merges the two cards there and gives this up.",
    "cannot_unmerge": "The vendor parts nothing for us: a person restores the card there, then gives this up.",
    "merged": "The card was merged away at the PMS. Find the card that replaced it there and send this: it is adopted.",
    "paused_account": "The account refuses our credentials. Renew them; it goes out by itself.",
    "review": "A person is asked whether this renter is somebody known. It goes out by itself when the time is over.",
    "unsure_reading": "What was read is not certain. Confirm it on the tray; it goes out by itself later.",
    "unplaced": "Nobody knows which property is meant. Say it on the tray; it goes out by itself.",
    "lease_expired": "A worker died over it; it is tried again by itself.",
    "rejected": "Read the PMS's words: correct the field on the card, or for this delivery alone, and send it again.",
}
_BY_STATUS = {
    "400": "The PMS cannot read what we send. Compare the fields of a dry run with its words.",
    "403": "The credentials may not do this. Have the vendor grant the right, then send it again.",
    "404": "The PMS does not know the address or the record. Check base_url; if the card is gone there, send it again.",
    "405": "The address takes no such calls: check base_url.",
    "409": "The PMS says that somebody else changed the record. Send it again: it is read first.",
    "410": "The PMS says that the record or the address is gone for good. Check base_url and the card there.",
    "413": "It is too long for the PMS. Shorten it for this delivery.",
    "415": "The address takes no such content: check base_url.",
    "422": "The PMS refuses a value. Its words name the field: correct it on the card, or for this delivery alone.",
}
_WORDS = (
    (
        r"source",
        "The PMS does not have the source under this name. Correct sources in the settings, then send it again.",
    ),
    (r"agent|assignee", "The PMS does not have the agent. Set fallback_agent in the options, or assign another."),
    (
        r"propert|site|pmc",
        "These credentials do not reach the property at the PMS. Check creates, and have it granted.",
    ),
    (r"valid|required|missing|length|long", _BY_STATUS["422"]),
    (r"dup", "The PMS has the person already and does not say where. Find the card there; sending it again adopts it."),
)
_STATUS = re.compile(r"http_(\d{3})\Z")


def hint(cause: str) -> str:
    """What a person can do about ``cause`` (of :attr:`deliveries.cause`); never empty."""
    if cause in _BY_CAUSE:
        return _BY_CAUSE[cause]
    status = _STATUS.match(cause)
    if status:
        if status[1].startswith("3"):
            return "The address leads elsewhere, and redirects are never followed: correct base_url."
        return _BY_STATUS.get(status[1], _BY_CAUSE["rejected"])
    return next((words for pattern, words in _WORDS if re.search(pattern, cause, re.IGNORECASE)), _BY_CAUSE["rejected"])
