"""Mailboxes, and mails read as posts."""
