"""HTTP in both directions: the client that all sources share, and the door that is pushed to."""
