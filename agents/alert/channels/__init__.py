"""The channels, one file each: the file's name is the `channel` of a route."""
