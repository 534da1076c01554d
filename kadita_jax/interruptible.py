"""Long computations that Ctrl-C need not wait for.

Python hears a signal between two of its own steps, and one call of jax may take hours.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, TypeVar

import jax

Found = TypeVar("Found")

# A signal in the moment between Python's last look and its falling asleep does not wake it.
LOOK_SECONDS = 0.2


def interruptibly(function: Callable[..., Found], *arguments: Any) -> Found:
    """What a function returns, computed by another thread while this one hears signals.

    After a signal's exception that thread computes on, and what it finds is dropped. It has this
    one's precision; other settings of jax are those of the whole process.
    """
    is_double = jax.config.jax_enable_x64  # pyright: ignore[reportAttributeAccessIssue]

    def call() -> Found:
        with jax.enable_x64(is_double):
            return function(*arguments)

    thread = ThreadPoolExecutor(1)
    try:
        found = thread.submit(call)
        while not wait([found], LOOK_SECONDS).done:
            pass
        return found.result()
    finally:
        thread.shutdown(wait=False)
