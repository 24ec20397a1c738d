"""Vendor doubles that speak over the wire and keep their own state. Never imported by an adapter."""
