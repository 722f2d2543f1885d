"""What a person types: the `earshot` command, one file per group of commands."""
