"""What the platforms' payloads mean: pure, so that stream, poll, webhook and backfill read them alike."""
