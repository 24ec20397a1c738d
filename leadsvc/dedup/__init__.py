"""Identity resolution in bulk: the engine of :mod:`leadsvc.resolve` over a whole file or store at once.

The same comparisons, weights and groups as for one lead, with the same results; only the loops are different: values
are numbered, every distinct pair of values is compared once, and the rest is arithmetic on arrays.
"""

from leadsvc.dedup.blocks import gather
from leadsvc.dedup.bulk import Outcome, resolve
from leadsvc.dedup.columns import Columns
from leadsvc.dedup.fit import fitted

__all__ = ["Columns", "Outcome", "fitted", "gather", "resolve"]
