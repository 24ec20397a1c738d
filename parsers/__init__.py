"""Readers by format: bytes to plain records. Pure; never opens anything."""
