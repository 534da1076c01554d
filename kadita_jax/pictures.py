"""Pictures of runs, and the process that draws them for `kadita_jax.artist`."""

import importlib
import json
import sys
from pathlib import Path

import xarray as xr

import kadita_jax
from kadita_jax.artist import DRAWN
from kadita_jax.dataset import open_own
from kadita_jax.files import picture_path


def draw_run(dataset: xr.Dataset, path: Path) -> None:
    """Draw the picture of a run beside its file."""
    kadita_jax.plot.save(kadita_jax.plot.summary(dataset), picture_path(path))


def _draw_each() -> None:
    """What the other process does: draw the runs that standard input names, one a line."""
    # The import takes as long as drawing, and there is nothing to draw yet.
    importlib.import_module("kadita_jax.plot")
    for line in sys.stdin:
        path = Path(json.loads(line))
        with open_own(path) as dataset:
            draw_run(dataset, path)
        print(DRAWN, end="", flush=True)


if __name__ == "__main__":
    _draw_each()
