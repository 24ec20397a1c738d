"""Cleaning: text in, one typed value and the rule that made it out. Pure."""
