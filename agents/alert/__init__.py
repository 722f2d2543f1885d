"""Where alerts go out: channels, and the delivery that keeps a ledger."""
