"""Where the world comes in: sources, and the runner that drives them."""
