"""The relational store: tables, transactions, migrations and the statements of the hot path. Decides nothing."""

from leadsvc.store.engine import Store
from leadsvc.store.migrate import migrate

__all__ = ["Store", "migrate"]
