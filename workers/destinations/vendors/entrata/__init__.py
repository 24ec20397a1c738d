"""Entrata."""

from leadsvc.workers.destinations.vendors.entrata.verdict import classify as classify
