"""How a feed usually behaves, and whether it still does (SPEC P9). Pure: counts in, judgements out.

``rhythm`` knows when leads come, ``shares`` how often a field holds a value, ``judge`` what a silence means; ``stream``
is one watched feed. Why the statistics are as they are: docs/operators.md, section Drift.
"""

from leadsvc.drift.judge import Cause, all_silent, patience
from leadsvc.drift.rhythm import NO_RHYTHM, Rhythm, learn
from leadsvc.drift.stream import UNREAD, Condition, Stream

__all__ = ["NO_RHYTHM", "UNREAD", "Cause", "Condition", "Rhythm", "Stream", "all_silent", "learn", "patience"]
