"""Signals that ask a command to end: by an exception at once, and again where that was lost.

Now and then an exception that a signal raises comes up in a callback, and Python or a library drops
it.
"""

import signal
import sys
import threading
import time
from _thread import interrupt_main
from collections.abc import Iterator
from contextlib import contextmanager

# What is saved is told, and what was opened is closed, while a second signal of haste is passed
# over; a third one is not.
HASTE_SECONDS = 3.0
AGAIN_SECONDS = 0.01

# When, and which signal.
_heard: list[tuple[float, int]] = []


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
    sys.unraisablehook = _ask_again


def raise_if_asked() -> None:
    """Raise KeyboardInterrupt if a signal has asked to end."""
    if _heard:
        raise KeyboardInterrupt


@contextmanager
def held_back() -> Iterator[None]:
    """Let Ctrl-C wait for the end of what stands below; a third press need not wait.

    A terminal tells every process of a command of Ctrl-C. Those that are started here are deaf to
    it, and so are those that threads which are started here start later.
    """
    with _handler_held_back(), _deaf():
        yield


@contextmanager
def _handler_held_back() -> Iterator[None]:
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting = []

    def wait(*_: object) -> None:
        waiting.append(time.monotonic())
        if len(waiting) > 2:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, wait)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if waiting:
            handler(signal.SIGINT, None)


@contextmanager
def _deaf() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    from multiprocessing.resource_tracker import ensure_running

    # Python starts it with the first process that it spawns, and then ends the deafness.
    ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ask_again(dropped: "sys.UnraisableHookArgs") -> None:
    if not issubclass(dropped.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(dropped)
        return
    number = _heard[-1][1] if _heard else signal.SIGINT
    _heard.clear()
    # Raised here, it would be dropped again.
    threading.Timer(AGAIN_SECONDS, _send, [number]).start()


def _send(number: int) -> None:
    """Send a signal to the main thread, which may be waiting for another."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:  # Windows
        interrupt_main()


def _interrupt(number: int, _frame: object) -> None:
    _heard.append((time.monotonic(), number))
    is_second = len(_heard) == 2
    if not is_second or _heard[1][0] - _heard[0][0] > HASTE_SECONDS:
        raise KeyboardInterrupt
