"""What the fork server imports and reads once, so that its children need not. Nothing here starts a thread or keeps
a file open."""

from __future__ import annotations

import importlib

from leadsvc.fieldmap import load_maps

for _module in (
    "granian.server",
    "granian._loops",
    "leadsvc.api.doing",
    "leadsvc.api.docs",
    "leadsvc.api.health",
    "leadsvc.api.leads",
    "leadsvc.api.reading",
    "leadsvc.app",
    "leadsvc.cli.check",
    "leadsvc.cli.destinations",
    "leadsvc.cli.key",
    "leadsvc.cli.mailbox",
    "leadsvc.cli.serve",
    "leadsvc.web.signin",
    "leadsvc.workers.build",
    "leadsvc.workers.queue",
    "leadsvc.workers.destinations.vendors.simpms",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "tests.system.nursery",
):
    importlib.import_module(_module)

load_maps()
