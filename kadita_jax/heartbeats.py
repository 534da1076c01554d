"""Whether the other processes of a sweep are still there, as files in its folder tell.

They share that folder in any case. The service of `jax.distributed` would tell of a lost process,
too, but by ending all others from C++ with a dump of its stack.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

BEATS = "alive-*"
BEAT_SECONDS = 3
# Beats of ours that another may miss. Counted rather than timed: where the folder or the machine
# stands still for long, we stand still as well.
MAY_MISS = 10


@contextmanager
def heartbeats(folder: Path, own: int, others: Iterable[int]) -> Iterator[Callable[[], None]]:
    """Have others hear that this process is there, and listen to them.

    **Arguments:**

    - `folder`: that all share.
    - `own`, `others`: numbers of processes; none but those are listened to.

    **Yields:** a function that raises OSError once one of the others is lost.
    """
    beat, silent, left = _beat_path(folder, own), dict.fromkeys(others, 0), Event()
    if not silent:
        yield lambda: None
        return

    def listen() -> None:
        heard: dict[int, int | None] = {}
        while not left.wait(BEAT_SECONDS):
            # Where the file is gone, the sweep is done, and its folder must stay empty.
            with suppress(OSError):
                os.utime(beat)
            for other in silent:
                last, heard[other] = heard.get(other), _last_beat(_beat_path(folder, other))
                is_silent = heard[other] is not None and heard[other] == last
                silent[other] = silent[other] + 1 if is_silent else 0

    def refuse_lost() -> None:
        lost = [other for other, missed in silent.items() if missed > MAY_MISS]
        if lost:
            raise OSError(f"process {lost[0]} of this sweep is lost")

    beat.touch()
    Thread(target=listen, daemon=True).start()
    try:
        yield refuse_lost
    finally:
        left.set()


def _beat_path(folder: Path, number: int) -> Path:
    return folder / BEATS.replace("*", str(number))


def _last_beat(path: Path) -> int | None:
    """When a process was last heard; None when it has left."""
    # Opened, as network file systems tell old times of what is not.
    with suppress(OSError), path.open("rb") as stream:
        return os.fstat(stream.fileno()).st_mtime_ns
    return None
