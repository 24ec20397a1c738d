"""What would hinder a mailbox from being read, found out by signing in, without touching a mail."""

from __future__ import annotations

from collections.abc import Iterator

from leadsvc.config import Mailbox
from leadsvc.mailbox.secret import look_up
from leadsvc.mailbox.session import sign_in
from leadsvc.mailbox.trouble import Trouble


def examine(box: Mailbox) -> Iterator[tuple[bool, str]]:
    """(is it well, a sentence) for each thing that was looked at; stops at what makes the rest pointless. Folders that
    mails are moved to are made if they are missing, as reading would."""
    try:
        secret = look_up(box)
        yield True, f"The {'token' if box.oauth else 'password'} can be read."
        session = sign_in(box, secret)
    except Trouble as trouble:
        yield False, trouble.detail
        return
    private = {"tls": "over TLS", "starttls": "over STARTTLS", "none": "unencrypted, on this machine"}[box.tls]
    yield True, f"{box.user} is signed in to {box.host}:{box.port}, {private}."
    try:
        session.open()
        waiting = len(session.uids_after(0))
        yield True, f"{box.folder} can be opened and holds {waiting} mails."
        yield True, f"Mails can be moved to {' and '.join(session.targets())}."
        if session.can_idle():
            yield True, "The server announces new mails (IDLE)."
        else:
            yield True, f"The server does not announce new mails: it is asked every {box.poll_s:g} s."
        if not session.can_move():
            yield False, "The server knows neither MOVE nor UIDPLUS: moved mails stay in the folder, marked as deleted."
        if box.done == "flag" and not session.keeps_keyword():
            yield False, f"The server does not keep the flag {box.keyword}: what is done cannot be seen there."
    except Trouble as trouble:
        yield False, trouble.detail
    finally:
        session.close()
