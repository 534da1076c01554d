"""Scripts in processes of their own that need not import jax and what draws anew.

One process imports all that, once, and is copied for each script before jax has begun to work.
"""

import multiprocessing
import runpy
import sys
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing.context import ForkServerContext
from pathlib import Path

IMPORTED = [
    "jax",
    "matplotlib.pyplot",
    "kadita_jax.sweeps",
    "kadita_jax.sensitivities",
    "kadita_jax.calibration",
    "kadita_jax.plot.summary",
]


def forking() -> ForkServerContext:
    """What makes such processes; they have the environment of the first one's moment."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    return context


def run(script: Path, words: list[str], told: Path) -> None:
    """Run a script as `python SCRIPT WORDS > told 2>&1`; to be called in the new process."""
    sys.argv, sys.path[0] = [str(script), *words], str(script.parent)
    with told.open("w") as stream, redirect_stdout(stream), redirect_stderr(stream):
        runpy.run_path(str(script), run_name="__main__")
