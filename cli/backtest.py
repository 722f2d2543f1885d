"""backtest."""


def backtest() -> None:
    """E."""
