"""Work begun before it is needed, on other cores; nothing but speed depends on it."""

import sys
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import chain
from typing import TypeVar

from kadita_jax.devices import available_cores

# Seconds after which a thread that waits for the interpreter gets it: ten times sooner than usual.
# Who saves a file gives it away, and waits to have it back, hundreds of times.
SHORT = 0.0005

Work = Callable[[], object]
Name = TypeVar("Name", bound=Hashable)


@contextmanager
def begun_ahead(works: Mapping[Name, Sequence[Work]]) -> Iterator[Callable[[Name], None]]:
    """Begin all works, in this order and as many at a time as there are cores.

    A work that several names have is begun once. Gives a function that waits for the works of
    one name. What they raise is dropped: whoever needs their result does the same again, and is
    told. Works not begun when the block ends never are.
    """
    pool = ThreadPoolExecutor(available_cores())
    different = dict.fromkeys(chain.from_iterable(works.values()))
    begun = {work: pool.submit(work) for work in different}

    def wait_for(name: Name) -> None:
        wait([begun[work] for work in works[name]])

    interval = sys.getswitchinterval()
    sys.setswitchinterval(SHORT)
    try:
        yield wait_for
    finally:
        sys.setswitchinterval(interval)
        pool.shutdown(wait=False, cancel_futures=True)
