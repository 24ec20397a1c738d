"""Configured accounts held against what their vendors can do: the adapter's view, and what is wrong with them."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping

from leadsvc.config import Account, Settings
from leadsvc.errors import ConfigurationError
from leadsvc.workers.destinations import VENDORS, capabilities
from leadsvc.workers.destinations.base import CARD_FIELDS, Capabilities, Profile

API_KEY = "api_key"
"""The credential that an account may name outside of its ``credentials``."""


def profile(account: Account, properties: Mapping[str, str] | None = None) -> Profile:
    """The adapter's view of a configured account that serves ``properties`` (remote ids, with their time zones), and
    those that only its settings name."""
    known = properties or {}
    told = {remote: said["time_zone"] for remote, said in account.properties.items() if said.get("time_zone")}
    return Profile(
        name=account.name,
        vendor=account.vendor,
        base_url=account.base_url,
        api_key=account.api_key,
        credentials=_credentials(account),
        options=account.options,
        properties=tuple(dict.fromkeys((*known, *account.properties))),
        # UTC stands where nobody said: an option of the account may know better.
        time_zones={remote: zone for remote, zone in {**known, **told}.items() if zone not in ("", "UTC")},
        timeout_s=account.timeout_s,
        max_connections=account.concurrency,
        sources=account.sources,
        fallback_source=account.fallback_source,
        fallback_agent=account.options.get("fallback_agent", ""),
        last_name_placeholder=account.last_name_placeholder,
        allowed_fields=frozenset(account.fields or CARD_FIELDS),
    )


def _credentials(account: Account) -> Mapping[str, str]:
    alone = {API_KEY: account.api_key} if account.api_key else {}
    return {**alone, **account.credentials}


def limits(account: Account) -> Mapping[str, int]:
    """Calls that may be made by window: the operator's word, else the vendor's."""
    return account.limits or capabilities(account.vendor).limits


def near(word: str, known: Collection[str]) -> str:
    """What was probably meant by ``word``, as the end of a sentence; empty when nothing is like it."""
    folded = {each.casefold(): each for each in known}
    found = difflib.get_close_matches(word.casefold(), folded, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(repr(folded[each]) for each in found)}?" if found else ""


def troubles(account: Account) -> Iterator[tuple[str, str]]:
    """What is wrong with an account before anybody is asked: (trouble, what to do)."""
    yield from obstacles(account)
    if account.vendor in VENDORS:
        yield from _flaws(account, capabilities(account.vendor))


def obstacles(account: Account) -> Iterator[tuple[str, str]]:
    """Those troubles with which nothing can be delivered at all."""
    if account.vendor not in VENDORS:
        guess = near(account.vendor, VENDORS)
        yield f"the vendor {account.vendor!r} is unknown{guess}", f"Choose one of {', '.join(VENDORS)}."
        return
    can = capabilities(account.vendor)
    yield from _credential_troubles(account, can)
    for name in account.fields:
        if name not in CARD_FIELDS:
            yield f"the field {name!r} is unknown{near(name, CARD_FIELDS)}", f"Choose from {', '.join(CARD_FIELDS)}."


def _flaws(account: Account, can: Capabilities) -> Iterator[tuple[str, str]]:
    for name in can.required:
        if account.fields and name in CARD_FIELDS and name not in account.fields and name != "last_name":
            yield f"the vendor refuses cards without {name}, and fields leaves it out", f"Add {name} to fields."
    for name in sorted(set(account.options) - set(can.options) - {"fallback_agent"}):
        known = ", ".join(sorted(can.options)) or "none"
        yield f"the option {name!r} is unknown{near(name, can.options)}", f"{can.label or account.vendor} has {known}."
    if account.household == "shared" and not can.co_prospects:
        yield "household is shared, and the vendor has one person on a card", "Leave it out: each has a card there."
    if can.needs_source and not account.fallback_source:
        step = "Set fallback_source to a name in its own list; leads of unknown sources go out under it."
        yield "the vendor wants a source for every guest card, and there is no fallback_source", step


def _credential_troubles(account: Account, can: Capabilities) -> Iterator[tuple[str, str]]:
    given = {name for name, secret in _credentials(account).items() if secret}
    for name, meaning in can.credentials.items():
        if name not in given and not meaning.lower().startswith("optional"):
            step = f"Set credentials: {{{name}: env:NAME}} or file:PATH. It is {meaning.rstrip('.')}."
            yield f"the credential {name!r} is missing", step
    for name in sorted(set(account.credentials) - set(can.credentials) - {API_KEY}):
        known = ", ".join(can.credentials) or "none beside api_key"
        yield f"the credential {name!r} is unknown{near(name, can.credentials)}", f"The vendor asks for {known}."


def assert_usable(settings: Settings) -> None:
    """Raise :class:`ConfigurationError` naming everything that keeps an account from being delivered to."""
    found = [
        f"destinations.{name}: {trouble}. {step}"
        for name, account in settings.accounts.items()
        for trouble, step in obstacles(account)
    ]
    if found:
        raise ConfigurationError("\n".join(found))
