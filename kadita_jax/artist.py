"""Another process that draws the pictures of runs while this one goes on to the next school.

Python runs one thread at a time, and both drawing and tracing programs are Python. Nothing here
takes long to import: the process is to be started first of all, since it does take long.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from kadita_jax.files import partial_path, picture_path

DRAWN = "drawn\n"

Artist = subprocess.Popen[str]


@contextmanager
def drawing_aside() -> Iterator[Callable[[Path], Future[bool]]]:
    """Give a function that begins the picture of a run's file, and returns at once.

    Its result is whether the picture was drawn. Where it was not, whoever needs the picture
    draws it again, and is told why that fails. Pictures not drawn when the block ends never are.
    """
    artist, pool = _artist(), ThreadPoolExecutor(1)
    try:
        yield lambda path: pool.submit(_ask, artist, path)
    finally:
        # It has nothing left to do, or nobody waits for it; by itself it would take long to leave.
        artist.kill()
        pool.shutdown(cancel_futures=True)
        artist.communicate()


def _artist() -> Artist:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "kadita_jax.pictures"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        # Ctrl-C is told to this process alone, which says what there is to say.
        start_new_session=True,
    )


def _ask(artist: Artist, path: Path) -> bool:
    assert artist.stdin is not None
    assert artist.stdout is not None
    try:
        print(json.dumps(str(path.absolute())), file=artist.stdin, flush=True)
    except OSError:
        return False
    if artist.stdout.readline() == DRAWN:
        return True
    # It may have been killed with a picture half drawn.
    partial_path(picture_path(path)).unlink(missing_ok=True)
    return False
