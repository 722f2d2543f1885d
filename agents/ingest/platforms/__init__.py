"""What the payloads of each platform mean: pure functions, used by streams, polls, webhooks and backfills alike."""
