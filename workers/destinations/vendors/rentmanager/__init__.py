"""Rent Manager."""

from leadsvc.workers.destinations.vendors.rentmanager.verdict import classify as classify
