"""One file for each runtime; each does `benchmarks.runtimes.work` until it is ended, as its own docs would have it."""
