"""Who wrote this? Pure: candidates are given, decisions with their evidence come back (SPEC §6)."""
