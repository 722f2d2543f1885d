"""X beyond its payloads: its requests, its stream, its gaps, its duties and its price."""
