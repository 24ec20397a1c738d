"""What keeps a mailbox from being read, in words an operator can act on."""

from __future__ import annotations

from enum import StrEnum

from leadsvc.errors import LeadsvcError


class Cause(StrEnum):
    UNREACHABLE = "unreachable"
    REFUSED = "auth_refused"
    SECRET = "no_secret"  # noqa: S105  # a cause, not a secret
    FOLDER = "folder"


_STEPS = {
    Cause.UNREACHABLE: "Check host, port and tls of the mailbox, and the network between; it is tried again.",
    Cause.REFUSED: "Renew the password or token it refers to; it is read anew at every try.",
    Cause.SECRET: "Put the secret where the reference points to; it is read anew at every try.",
    Cause.FOLDER: "Create the folder or name another; the account may also lack the right to use it.",
}


class Trouble(LeadsvcError):
    """A mailbox cannot be read now. ``detail`` holds neither secrets nor anything of a mail."""

    def __init__(self, cause: Cause, what: str) -> None:
        super().__init__(what)
        self.cause = cause
        self.detail = f"{what} {_STEPS[cause]}"
