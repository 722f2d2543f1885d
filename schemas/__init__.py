"""What flows: the models of everything Earshot reads, passes on and writes, and the only JSON in the repository."""
