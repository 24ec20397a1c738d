"""Accounts that are told of another account's properties (a CRM beside the PMS): after that one, and never so that two
systems which exchange prospects by themselves are given the same person twice (SPEC §9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from leadsvc.config import Account
from leadsvc.workers.cardview import CardView
from leadsvc.workers.push import PROSPECT_ABSENT, Hold, Pushed, kept_back

WAITS_FOR_HOME = "waits_for_home"
WAITS_FOR_PROSPECT = "waits_for_prospect"

_LOOK_AGAIN = timedelta(minutes=1)
_LOOK_LATER = timedelta(hours=1)
PATIENCE = timedelta(days=3)
"""How long a follower that may not be given a prospect has to show it before a person is asked."""


def before_home(account: Account, view: CardView, now: datetime) -> Hold | None:
    """Why a follower is told nothing yet: the account that creates the card has not done so."""
    if not account.follows or view.home_remote_id or not view.home:
        return None
    detail = f"{view.home} creates this card and does not have it yet; {account.name} is told after it"
    return Hold(WAITS_FOR_HOME, detail, now + _LOOK_AGAIN, by_itself=True)


def as_follower(account: Account, view: CardView) -> CardView:
    """The card as the account may see it: a follower without ids that mean something in the other system only."""
    if not account.follows:
        return view
    task = {**view.task, "assignee": ""} if view.task else view.task
    seen = replace(view, floor_plan_ref="", unit_ref="", agent_ref="", task=task)
    seen.may_create = account.follower_creates
    return seen


def unless_absent(account: Account, view: CardView, pushed: Pushed, now: datetime) -> Pushed:
    """``pushed``; where the follower lacks the prospect and may not be given it, a look later, then a person's word."""
    if pushed.result is not PROSPECT_ABSENT:
        return pushed
    detail = (
        f"{account.name} does not have this prospect and may not be given it (follower_creates is false). {view.home}"
        f" has it as {view.home_remote_id}: see why it does not arrive, then retry."
    )
    late = view.home_since is not None and now - view.home_since > PATIENCE
    return kept_back(Hold(WAITS_FOR_PROSPECT, detail, None if late else now + _LOOK_LATER, by_itself=not late))
