"""Prints alerts as plain text, for trying things out and for logs that somebody reads.

Reads: nothing. Auth: none. Limits: none.
Guarantee: an attempt in doubt (the process died while it printed) is repeated once and says so, because a terminal
cannot be asked what it has shown.
"""

import sys
from threading import Lock

from agents.alert.channel import Address, Channel
from agents.alert.render import console
from schemas.alert import Alert
from schemas.delivery import Sent
from schemas.errors import DeliveryError

_printing = Lock()


class Console(Channel):
    """Writes to standard output, one message at a time."""

    class Config(Address):
        """`to` is not needed; it tells two routes apart."""

    def send(self, alert: Alert, previous: Sent | None, *, repeat: bool = False) -> Sent:
        """Print the alert. `previous` makes no difference: what is printed stays.

        Raises:
            DeliveryError: standard output is closed.
        """
        del previous
        text = console(alert, self.route.language, repeat=repeat)
        try:
            with _printing:
                sys.stdout.write(f"{text}\n\n")
                sys.stdout.flush()
        except (OSError, ValueError) as error:  # ValueError: the file object itself was closed
            raise DeliveryError(f"standard output: {type(error).__name__}", ambiguous=True) from error
        return Sent(reference=alert.id)
