"""Earshot's runtime beside other ways to run Python on Kafka, the same work in each: `make bench-stream`."""
