"""MRI."""

from leadsvc.workers.destinations.vendors.mri.verdict import classify as classify
