"""Backfill: a CSV or spreadsheet file of old inquiries, row by row through a field map (SPEC §3).

``table`` reads rows out of a file, ``importer`` writes them chunk by chunk, ``rehearsal`` is the store of a dry run.
"""

from leadsvc.importing.chunks import Wish
from leadsvc.importing.importer import Done, Importer
from leadsvc.importing.progress import FATES, Progress
from leadsvc.importing.rehearsal import rehearsing
from leadsvc.importing.table import Sheet, Unusable, opened

__all__ = ["FATES", "Done", "Importer", "Progress", "Sheet", "Unusable", "Wish", "opened", "rehearsing"]
