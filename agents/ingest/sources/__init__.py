"""The sources: one file each, named after its kind. Adding one is adding a file, a fixture and a test."""
