"""What the payloads of each platform mean, without any way to get at them: one module per platform, all pure."""
