"""Destination accounts as an operator configures them: what is asked of the vendor, how often, and when."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from marshmallow import Schema, ValidationError, validate
from marshmallow import fields as ma

SENSITIVE = ("income", "credit", "employment")
"""What a destination may need of a renter's sensitive answers (mappings/shared/sensitive.yaml). What tells a protected
class is not among them: nobody gets that."""

HOUSEHOLD = ("separate", "shared")
"""Whether people of one household have a record each at the destination, or share one where the vendor can."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_WINDOW = re.compile(r"([1-9]\d{0,5})([smhd])\Z")
_QUIET = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)\Z")


@dataclass(frozen=True, slots=True)
class Account:
    """A destination account. ``creates``: remote ids of the properties where it creates prospects, empty = all.

    ``keep_sensitive``: the kinds of sensitive answers it needs (:data:`SENSITIVE`); every other is dropped unread.
    ``credentials``, ``options``: by the names that the vendor's capabilities list. ``fields``: the only fields of a
    card that leave, empty = all. ``limits``: calls by window (``{"1s": 8}``), empty = the vendor's own.
    ``quiet_hours``: from, until, in ``time_zone``: nothing is called then. ``calls_per_lead``: calls that one guest
    card may cost in a day, ``corrections_per_day``: corrections made by themselves in a day; what is beyond waits for
    a person. ``sync_hours``: how often its configuration is read. ``follows``: accounts whose properties it is told of
    too, after each of them; ``follower_creates``: whether it may be given a prospect that it does not have by then, or
    (as when the two systems exchange prospects by themselves) waits until it has. ``household``: :data:`HOUSEHOLD`.
    ``properties``: by remote id, what
    the vendor does not tell of them (time zone, office hours, listing ids …); one that it does not list is added.
    """

    name: str
    vendor: str
    base_url: str
    api_key: str = field(default="", repr=False)
    creates: tuple[str, ...] = ()
    timeout_s: float = 10.0
    concurrency: int = 8
    sources: Mapping[str, str] = field(default_factory=dict)
    fallback_source: str = ""
    last_name_placeholder: str = "Unknown"
    fields: tuple[str, ...] = ()
    review_minutes: int = 15
    keep_sensitive: frozenset[str] = frozenset()
    options: Mapping[str, str] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    limits: Mapping[str, int] = field(default_factory=dict)
    quiet_hours: tuple[time, time] | None = None
    time_zone: str = "UTC"
    calls_per_lead: int = 200
    corrections_per_day: int = 200
    sync_hours: float = 24.0
    follows: tuple[str, ...] = ()
    follower_creates: bool = False
    household: str = "separate"
    properties: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def quiet_until(self, now: datetime) -> datetime | None:
        """When the quiet hours that ``now`` is in are over; ``None`` outside of them."""
        if self.quiet_hours is None:
            return None
        start, end = self.quiet_hours
        there = now.astimezone(ZoneInfo(self.time_zone))
        clock = there.time()
        inside = start <= clock < end if start < end else clock >= start or clock < end
        if not inside:
            return None
        day = there.date() + timedelta(days=clock >= end)
        return datetime.combine(day, end, there.tzinfo).astimezone(now.tzinfo)


def window_seconds(window: str) -> int:
    """The length of a window such as ``10s`` or ``1d``; ``ValueError`` for anything else."""
    found = _WINDOW.match(window)
    if found is None:
        raise ValueError(f"{window!r} is no window: write a number and s, m, h or d, such as 10s")
    return int(found[1]) * _UNITS[found[2]]


def _is_window(text: str) -> None:
    try:
        window_seconds(text)
    except ValueError as error:
        raise ValidationError(str(error)) from error


class _QuietHours(ma.Field[tuple[time, time]]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> tuple[time, time]:
        found = _QUIET.match(value) if isinstance(value, str) else None
        if found is None:
            raise ValidationError('Write from and until in hours and minutes, such as "22:00-06:00".')
        start, end = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
        if start == end:
            raise ValidationError("From and until are the same; leave quiet_hours out, or pause the account.")
        return start, end


def _no_credentials(url: str) -> None:
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise ValidationError("Credentials do not belong into an address; use api_key.")


_ZONE = validate.OneOf(sorted(available_timezones()), error="Write an IANA name such as America/New_York.")


class _AddressSchema(Schema):
    street = ma.String()
    city = ma.String()
    state = ma.String()
    postal_code = ma.String()


class _FormerNameSchema(Schema):
    name = ma.String(required=True)
    from_ = ma.Date(data_key="from", attribute="from")
    until = ma.Date()


class _PropertySchema(Schema):
    name = ma.String(validate=validate.Length(1, 200))
    address = ma.Nested(_AddressSchema)
    time_zone = ma.String(validate=_ZONE)
    region = ma.String()
    asset_class = ma.String()
    office_phone = ma.String()
    office_hours = ma.Dict(keys=ma.String(), values=ma.String())
    mailbox_tag = ma.String()
    listing_ids = ma.Dict(keys=ma.String(), values=ma.String())
    aliases = ma.List(ma.String())
    former_names = ma.List(ma.Nested(_FormerNameSchema))
    managed_from = ma.Date()
    managed_to = ma.Date()


class AccountSchema(Schema):
    """One entry of ``destinations`` in the configuration file."""

    vendor = ma.String(required=True)
    base_url = ma.Url(required=True, require_tld=False, schemes={"http", "https"}, validate=_no_credentials)
    api_key = ma.String(load_default="")
    credentials = ma.Dict(keys=ma.String(), values=ma.String(), load_default=dict)
    creates = ma.List(ma.String(), load_default=list)
    timeout_s = ma.Float(load_default=10.0, validate=validate.Range(0.1, 120))
    concurrency = ma.Integer(load_default=8, validate=validate.Range(1, 64))
    sources = ma.Dict(keys=ma.String(), values=ma.String(), load_default=dict)
    fallback_source = ma.String(load_default="")
    last_name_placeholder = ma.String(load_default="Unknown")
    fields_ = ma.List(ma.String(), load_default=list, data_key="fields")
    review_minutes = ma.Integer(load_default=15, validate=validate.Range(0))
    keep_sensitive = ma.List(ma.String(validate=validate.OneOf(SENSITIVE)), load_default=list)
    options = ma.Dict(keys=ma.String(), values=ma.String(), load_default=dict)
    limits = ma.Dict(
        keys=ma.String(validate=_is_window), values=ma.Integer(validate=validate.Range(1)), load_default=dict
    )
    quiet_hours = _QuietHours(load_default=None)
    time_zone = ma.String(load_default="UTC", validate=_ZONE)
    calls_per_lead = ma.Integer(load_default=200, validate=validate.Range(10))
    corrections_per_day = ma.Integer(load_default=200, validate=validate.Range(0))
    sync_hours = ma.Float(load_default=24.0, validate=validate.Range(0.25, 720))
    follows = ma.List(ma.String(), load_default=list)
    follower_creates = ma.Boolean(load_default=False)
    household = ma.String(
        load_default="separate", validate=validate.OneOf(HOUSEHOLD, error="Write separate or shared, not {input}.")
    )
    properties = ma.Dict(keys=ma.String(), values=ma.Nested(_PropertySchema), load_default=dict)
