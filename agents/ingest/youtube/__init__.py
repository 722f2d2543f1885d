"""YouTube beyond its payloads: its quotas, and since when its channels are there."""
