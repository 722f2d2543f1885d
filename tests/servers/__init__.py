"""Servers on loopback that speak a service's real protocol and misbehave on demand."""
