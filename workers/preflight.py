"""What an account is missing, in words, asked of the vendor itself before a lead finds out. Changes nothing there."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from leadsvc.config import Account
from leadsvc.workers.accounts import near, obstacles, profile, troubles
from leadsvc.workers.destinations import capabilities, connect
from leadsvc.workers.destinations.base import Around, ConfigItem, ConfigKind, Destination, Outcome, Result

_SKEW_S = 120.0
"""A clock that is further off confuses signatures, tokens and what happened since when."""

_PAGES = 200


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: ``step`` says what to do where it is not well (``ok`` false)."""

    ok: bool
    what: str
    step: str = ""


def preflight(account: Account, around: Around, now: datetime) -> Iterator[Finding]:
    """Look at everything that leads will need of ``account``, over the wire."""
    wrong = list(troubles(account))
    yield from (Finding(False, what, step) for what, step in wrong)
    if list(obstacles(account)):
        return
    if not wrong:
        yield Finding(True, "the settings are complete")
    destination = connect(profile(account), around)
    try:
        yield from _live(destination, account, now)
    finally:
        destination.close()


def _live(destination: Destination, account: Account, now: datetime) -> Iterator[Finding]:
    answer = destination.check()
    if not answer.ok:
        yield Finding(False, f"it does not answer as it should: {_said(answer)}", _step(answer))
        return
    yield Finding(True, f"it answers at {account.base_url} and takes the credentials")
    yield from _clock(destination)
    lists: dict[ConfigKind, dict[str, ConfigItem]] = {}
    for kind in ConfigKind:
        result, items = _pull(destination, kind, whole=kind not in (ConfigKind.FLOOR_PLAN, ConfigKind.UNIT))
        words = kind.value.replace("_", " ")
        if not result.ok:
            yield Finding(False, f"its {words} list cannot be read: {_said(result)}", _step(result))
            continue
        yield Finding(True, f"its {words} list can be read")
        lists[kind] = items
    result, _ = destination.pull_outcomes(now - timedelta(days=1))
    if result.ok:
        yield Finding(True, "what becomes of guest cards can be read")
    else:
        yield Finding(False, f"what becomes of guest cards cannot be read: {_said(result)}", _step(result))
    yield from _sources(account, lists.get(ConfigKind.SOURCE))
    yield from _properties(account, lists.get(ConfigKind.PROPERTY))
    yield from _agents(account, lists.get(ConfigKind.AGENT))


def _said(result: Result) -> str:
    return (result.message or result.code or result.outcome.value).rstrip(".")


def _step(result: Result) -> str:
    if result.outcome is Outcome.AUTH:
        return "Renew the credentials, or have the vendor grant this account the right."
    if result.outcome is Outcome.RETRY:
        return "Is base_url right, and can this machine reach it? Otherwise the vendor is down; try again later."
    return "Compare base_url, credentials and options with the vendor's letter."


def _clock(destination: Destination) -> Iterator[Finding]:
    skew = getattr(destination, "skew_s", None)  # an adapter that reads no answer's date has none
    if skew is None:
        return
    if abs(skew) <= _SKEW_S:
        yield Finding(True, "its clock and ours agree")
        return
    way = "ahead of" if skew > 0 else "behind"
    step = "Let NTP set this machine's clock; if it is right, tell the vendor."
    yield Finding(False, f"its clock is {abs(skew):.0f} s {way} ours", step)


def _pull(destination: Destination, kind: ConfigKind, *, whole: bool) -> tuple[Result, dict[str, ConfigItem]]:
    """The items of a list by remote id; only the first page unless ``whole``."""
    items: dict[str, ConfigItem] = {}
    cursor = ""
    for _ in range(_PAGES):
        result, page = destination.pull_config(kind, cursor)
        items |= {item.remote_id or item.name: item for item in page.items}
        cursor = page.next_cursor
        if not result.ok or not cursor or not whole:
            break
    return result, items


def _sources(account: Account, items: dict[str, ConfigItem] | None) -> Iterator[Finding]:
    if items is None:
        return
    # A vendor whose sources cannot be listed may still name them in its capabilities.
    names = {item.name: item.active for item in items.values()} or dict.fromkeys(
        capabilities(account.vendor).enumerations.get("source_name", ()), True
    )
    wanted = [(f"source {slug}", name) for slug, name in sorted(account.sources.items())]
    wanted += [("fallback_source", account.fallback_source)] if account.fallback_source else []
    if not names:
        if wanted:
            yield Finding(True, "it has no list of sources to compare with: names go out as they are configured")
        return
    good = True
    for label, name in wanted:
        if name not in names:
            good = False
            yield Finding(
                False,
                f"{label} is {name!r}, and the PMS has no source of that name{near(name, names)}",
                "Write the name exactly as the PMS has it, or add it there.",
            )
        elif not names[name]:
            good = False
            yield Finding(
                False, f"{label} is {name!r}, which is switched off in the PMS", "Choose another, or switch it on."
            )
    if wanted and good:
        yield Finding(True, f"all {len(wanted)} source names are in its list")


def _properties(account: Account, items: dict[str, ConfigItem] | None) -> Iterator[Finding]:
    if items is None:
        return
    active = {remote for remote, item in items.items() if item.active}
    if not active:
        yield Finding(False, "it shows no property to these credentials", "Have the vendor grant them to this account.")
        return
    missing = [remote for remote in account.creates if remote not in active]
    for remote in missing:
        why = "is switched off there" if remote in items else f"is not among its properties{near(remote, active)}"
        yield Finding(False, f"creates names {remote!r}, which {why}", "Correct creates, or have it granted.")
    if not missing:
        yield Finding(True, f"it shows {len(active)} properties" + (", all of creates" if account.creates else ""))


def _agents(account: Account, items: dict[str, ConfigItem] | None) -> Iterator[Finding]:
    fallback = account.options.get("fallback_agent", "")
    if items is None:
        return
    if fallback and items and (fallback not in items or not items[fallback].active):
        step = "Set options.fallback_agent to the id of an agent who works there."
        yield Finding(False, f"fallback_agent is {fallback!r}, and the PMS has no such active agent", step)
    elif capabilities(account.vendor).needs_agent and not fallback:
        step = "Set options.fallback_agent to the id of an agent."
        yield Finding(False, "the vendor wants an agent for every guest card, and there is no fallback_agent", step)
    elif items:
        yield Finding(True, f"it shows {len(items)} agents")


def summary(findings: Collection[Finding]) -> str:
    """One sentence on all of it."""
    wrong = sum(not each.ok for each in findings)
    return "ready for leads" if not wrong else f"{wrong} {'thing is' if wrong == 1 else 'things are'} to be mended"
