"""Alerts: which routes are told, when, and what keeps them from being told; read `route.py` first."""
