"""Feeds are watched: receipts are counted behind the intake's back, and judged by :mod:`leadsvc.drift` (SPEC P9)."""

from leadsvc.watching.doing import FeedHealth, Feeds
from leadsvc.watching.watch import Watch, drift_id

__all__ = ["FeedHealth", "Feeds", "Watch", "drift_id"]
