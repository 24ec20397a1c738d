"""The password or token of a mailbox, looked up where its reference points, each time anew."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from leadsvc.config import Mailbox
from leadsvc.mailbox.trouble import Cause, Trouble

_COMMAND_S = 30


def look_up(box: Mailbox) -> str:
    """The secret. Raises :class:`Trouble` when there is none, never naming it."""
    kind, _, rest = box.secret.partition(":")
    try:
        match kind:
            case "env":
                found = os.environ.get(rest, "")
            case "file":
                found = Path(rest).read_text(encoding="utf-8")
            case _:
                found = _said_by(rest)
    except (OSError, UnicodeDecodeError, ValueError, subprocess.SubprocessError) as error:
        raise Trouble(Cause.SECRET, f"The {kind} that holds its secret gives none ({type(error).__name__}).") from error
    if not found.strip():
        raise Trouble(Cause.SECRET, f"The {kind} that holds its secret is empty.")
    return found.strip()


def _said_by(command: str) -> str:
    done = subprocess.run(  # the operator's own command, from the operator's own file
        shlex.split(command), stdin=subprocess.DEVNULL, capture_output=True, timeout=_COMMAND_S, check=True, text=True
    )
    return done.stdout


def renewed(box: Mailbox, refused: str) -> bool:
    """Whether a file now holds another secret than the one that was refused; commands are not run to find out."""
    if not box.secret.startswith("file:"):
        return False
    try:
        return look_up(box) != refused
    except Trouble:
        return False
