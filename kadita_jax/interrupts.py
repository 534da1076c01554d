"""Signals that ask a command to end: by an exception at once, and again where that was lost.

Now and then an exception that a signal raises comes up in a callback of a library, which drops it.
"""

import signal
from threading import Event

_asked = Event()


def hear_signals() -> None:
    """Take SIGTERM and SIGHUP for Ctrl-C, where nobody has them do else."""
    for name, usual in (
        ("SIGINT", signal.default_int_handler),
        ("SIGTERM", signal.SIG_DFL),
        ("SIGHUP", signal.SIG_DFL),
    ):
        number = getattr(signal, name, None)  # Windows knows fewer
        if number is not None and signal.getsignal(number) is usual:
            signal.signal(number, _interrupt)


def raise_if_asked() -> None:
    """Raise KeyboardInterrupt if a signal has asked to end."""
    if _asked.is_set():
        raise KeyboardInterrupt


def _interrupt(*_: object) -> None:
    _asked.set()
    raise KeyboardInterrupt
