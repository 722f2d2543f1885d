"""Offline: the same judgement over recorded posts, for whoever tries, tests and asks why."""
