"""Cleaning: text in, one typed value and the rule that made it out. Pure.

One constructor per identifier, so that every reader, form, API and importer makes the same value from the same text.
The day or the time that relative words refer to is always handed in.
"""
