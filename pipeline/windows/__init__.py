"""Windows: what was heard when, and what of that is usual; detectors measure it."""
