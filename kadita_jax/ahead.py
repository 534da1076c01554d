"""Work begun before it is needed, on other cores; nothing but speed depends on it."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

from kadita_jax.devices import available_cores

Work = Callable[[], object]
Name = TypeVar("Name", bound=Hashable)


@contextmanager
def begun_ahead(works: Mapping[Name, Sequence[Work]]) -> Iterator[Callable[[Name], None]]:
    """Begin all works, in this order and as many at a time as there are cores.

    Gives a function that waits for the works of one name. What they raise is dropped: whoever
    needs their result does the same again, and is told. Works not begun when the block ends
    never are.
    """
    pool = ThreadPoolExecutor(available_cores())
    begun = {name: [pool.submit(work) for work in each] for name, each in works.items()}

    def wait_for(name: Name) -> None:
        wait(begun[name])

    try:
        yield wait_for
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
