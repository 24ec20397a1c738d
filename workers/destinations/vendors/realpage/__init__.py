"""RealPage."""

from leadsvc.workers.destinations.vendors.realpage.verdict import classify as classify
