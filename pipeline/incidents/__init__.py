"""Incidents: what becomes of signals, and of time that passes; read `handle.py`, then `incident.py`."""
