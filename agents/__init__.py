"""The edge: where the world comes in (`ingest`) and goes out (`alert`)."""
