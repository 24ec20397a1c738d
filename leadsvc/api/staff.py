"""What every end-point that staff scripts act through asks first, and whose name stands behind what it does."""

from __future__ import annotations

from flask import request

from leadsvc.api.auth import reader
from leadsvc.api.views import small_json

_PREFIX = "leadsvc.credential"


def admit() -> None:
    """Before each request: ``staff:read`` to look, ``staff:write`` for anything else. The credential first: a body is
    not parsed for whoever may not send one. Raises :class:`Reject`."""
    request.environ[_PREFIX] = reader("staff:read" if request.method == "GET" else "staff:write").prefix
    small_json()


def actor() -> str:
    """The prefix of the admitted credential, as the audit log names it."""
    prefix: str = request.environ[_PREFIX]
    return prefix
