"""From a stored receipt to the outbox: read, place, resolve, plan, write. Everything in one transaction (SPEC §2)."""
