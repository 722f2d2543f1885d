"""What is wrong with a query: where, what was expected there, and what to write instead."""

from schemas.errors import ConfigError


class QueryError(ConfigError):
    """A query cannot be read.

    `column` counts the characters of the query from 1; `expected` says what could have stood there (empty where
    nothing in particular was), `hint` what to write instead.
    """

    def __init__(self, message: str, *, column: int, expected: str = "", hint: str = "") -> None:
        said = f"{message}; expected {expected}" if expected else message
        super().__init__(said, where=f"column {column}", hint=hint)
        self.column = column
        self.expected = expected
