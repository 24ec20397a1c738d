"""Mails from IMAP folders: read, recorded, and only then moved or flagged.

``session`` speaks IMAP, ``state`` keeps in the database how far a mailbox is read and who reads it, ``poller`` reads
one mailbox, ``keeper`` runs a poller for each, ``preflight`` says in words what would hinder one.
"""
