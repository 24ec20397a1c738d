"""Every error leadsvc raises on purpose, grouped by what the reader should do next."""

from __future__ import annotations

from functools import partial
from typing import Any


class LeadsvcError(Exception):
    """Root of the errors that the outermost loops know how to report."""


class Reject(LeadsvcError):
    """The request itself is wrong and the sender must change it (4xx)."""

    def __init__(self, status: int, title: str, detail: str, *, code: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.code = code
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Any, ...]:
        """How it passes from one process to another: an exception's own way knows no keyword arguments."""
        return partial(Reject, code=self.code, retry_after=self.retry_after), (self.status, self.title, self.detail)


class Quarantine(LeadsvcError):
    """The payload was kept but cannot be read; a person decides (SPEC P6).

    ``cause`` is a stable word for grouping, ``detail`` tells the person what to do. Neither holds personal data.
    """

    def __init__(self, cause: str, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause
        self.detail = detail


class Aside(LeadsvcError):
    """The payload is well understood and holds no lead: what a provider says about itself.

    ``cause`` and ``detail`` as those of :class:`Quarantine`.
    """

    def __init__(self, cause: str, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause
        self.detail = detail


class Conflict(LeadsvcError):
    """Another transaction won a race; run this one again from its start."""


class KeyUsed(LeadsvcError):
    """A name that a sender may use for one delivery only has come again with other content; nothing was recorded."""


class Unavailable(LeadsvcError):
    """The store cannot be reached now; nothing was recorded, the sender should try again."""


class NotFound(LeadsvcError):
    """What was asked for does not exist, or is not the caller's to see."""


class ConfigurationError(Exception):
    """The operator must change a setting or a file before leadsvc can start.

    Deliberately outside :class:`LeadsvcError`, so that no handler for run-time trouble can swallow it.
    """


class MapError(ConfigurationError):
    """A field map is wrong. The message starts with ``file:line:column``."""
