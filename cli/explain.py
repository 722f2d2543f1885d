"""explain."""


def explain() -> None:
    """E."""
