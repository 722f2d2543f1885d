"""What a payload that is not what its platform documents is called, whatever goes wrong while it is read."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from schemas.errors import InvalidMessage


@contextmanager
def read_as(name: str) -> Iterator[None]:
    """Read a payload called `name`, such as "a status".

    Raises:
        InvalidMessage: wrong-type; it names the field where that is known, and quotes nothing.
    """
    try:
        yield
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InvalidMessage("wrong-type", f"{name}: `{field}`: {first['msg']}") from None
    except (TypeError, LookupError, ValueError, AttributeError, OverflowError, OSError) as error:
        raise InvalidMessage("wrong-type", f"{name}: {type(error).__name__}") from None
