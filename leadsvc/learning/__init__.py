"""A field map proposed from sample payloads and what was expected of them. Pure; nothing is written anywhere."""
