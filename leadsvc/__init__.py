"""leadsvc: rental leads in, one clean and credited guest card out."""

__version__ = "0.1.0"
