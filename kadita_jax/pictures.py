"""Pictures of runs, drawn by a process of their own while this one goes on to the next school.

Python runs one thread at a time, and both drawing and tracing programs are Python.
"""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import xarray as xr

import kadita_jax
from kadita_jax.dataset import open_run
from kadita_jax.files import partial_path

DRAWN = "drawn\n"

Artist = subprocess.Popen[str]


def draw_run(dataset: xr.Dataset, path: Path) -> None:
    """Draw the picture of a run beside its file."""
    kadita_jax.plot.save(kadita_jax.plot.summary(dataset), _picture_path(path))


def _picture_path(path: Path) -> Path:
    return path.with_suffix(".png")


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
    partial_path(_picture_path(path)).unlink(missing_ok=True)
    return False


def _draw_each() -> None:
    """What the other process does: draw the runs that standard input names, one a line."""
    # The import takes as long as drawing, and there is nothing to draw yet.
    importlib.import_module("kadita_jax.plot")
    for line in sys.stdin:
        path = Path(json.loads(line))
        with open_run(path) as dataset:
            draw_run(dataset, path)
        print(DRAWN, end="", flush=True)


if __name__ == "__main__":
    _draw_each()
