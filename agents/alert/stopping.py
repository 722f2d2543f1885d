"""The end of a process that was asked to stop."""

import signal
from threading import Event, current_thread, main_thread


def stop_on_signals() -> Event:
    """Return an event that SIGTERM and SIGINT set; in a thread that is not the main one nobody sets it."""
    stopping = Event()
    if current_thread() is main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
    return stopping
