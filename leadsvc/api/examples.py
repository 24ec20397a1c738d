"""What the OpenAPI document says about sending leads beyond what the code shows: bodies, credentials, examples.

Examples are checked by the tests against the running API, so that they cannot grow stale.
"""

from __future__ import annotations

from typing import Any

from leadsvc.canonical import MAX_ITEMS, LeadSchema

RECEIPT = "0197a3f2-5b1c-7c44-9d0e-3f6a1b2c4d5e"
ACCEPTED: dict[str, Any] = {"receipt": RECEIPT, "status": "accepted"}
ACCEPTED_LIST: dict[str, Any] = {
    "receipt": RECEIPT,
    "status": "accepted",
    "leads": [
        {"position": 0, "status": "accepted"},
        {
            "position": 1,
            "status": "rejected",
            "errors": {"": ["Send at least one usable email or phone; nobody could be reached."]},
        },
    ],
}
LEAD: dict[str, Any] = {
    "external_id": "A-1001",
    "occurred_at": "2026-11-20T15:04:05Z",
    "person": {"given": "Rosa", "family": "Example"},
    "email": "rosa@example.com",
    "phone": "+1 512 555 0143",
    "property": {"name": "Cedar Flats"},
    "move_in": "2027-01-15",
    "message": "Is the corner unit still free?",
    "source": "zillow",
    "contact_type": "form",
}

SCHEMES: dict[str, dict[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key like lsk_7k2m9xqp_…, of a feed or of staff."},
    "basic": {"type": "http", "scheme": "basic", "description": "User: the prefix of the key. Password: its secret."},
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "webhook-signature",
        "description": "Standard Webhooks: webhook-id, webhook-timestamp (seconds, within 300 s of our clock) and "
        "webhook-signature, v1 and the base64 HMAC-SHA256 of id.timestamp.body.",
    },
}
SENDING: list[dict[str, list[str]]] = [{"bearer": []}, {"basic": []}, {"signature": []}]
READING: list[dict[str, list[str]]] = [{"bearer": []}, {"basic": []}]

_HEADERS: list[dict[str, Any]] = [
    {
        "in": "header",
        "name": "Idempotency-Key",
        "schema": {"type": "string", "maxLength": 200},
        "description": "The same key and the same bytes again get the very same answer; webhook-id does it for signed "
        "requests.",
    },
    {
        "in": "query",
        "name": "test",
        "schema": {"type": "string", "enum": ["1"]},
        "description": "Show what would happen and write nothing.",
    },
]
_ANY: dict[str, Any] = {
    "required": True,
    "description": "The sender's own payload, whatever its type.",
    "content": {
        "application/json": {"schema": {}, "example": {"name": "Rosa Example", "email": "rosa@example.com"}},
        "application/x-www-form-urlencoded": {
            "schema": {"type": "object", "additionalProperties": True},
            "example": {"name": "Rosa Example", "email": "rosa@example.com"},
        },
        "application/xml": {"schema": {"type": "string"}},
        "*/*": {"schema": {}},
    },
}

SEND_NATIVE: dict[str, Any] = {"security": SENDING, "parameters": _HEADERS, "requestBody": _ANY}
SEND_HOOK: dict[str, Any] = {"security": [], "parameters": _HEADERS, "requestBody": _ANY}
ASK_HOOK: dict[str, Any] = {
    "security": [],
    "parameters": [
        {"in": "query", "name": name, "required": True, "schema": {"type": "string"}}
        for name in ("hub.mode", "hub.verify_token", "hub.challenge")
    ],
}
SEND_CANONICAL: dict[str, Any] = {
    "security": SENDING,
    "parameters": _HEADERS,
    "requestBody": {
        "required": True,
        "description": "One lead, or a list of up to 1,000. Unknown fields are kept and shown as drift.",
        "content": {
            "application/json": {
                "schema": {"oneOf": [LeadSchema, {"type": "array", "maxItems": MAX_ITEMS, "items": LeadSchema}]},
                "examples": {"one": {"value": LEAD}, "several": {"value": [LEAD]}},
            }
        },
    },
}
