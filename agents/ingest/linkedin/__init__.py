"""LinkedIn beyond its payloads: its interface, and the check of a source."""
