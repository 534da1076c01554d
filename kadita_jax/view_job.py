"""What `kadita view` does once its words are parsed."""

import webbrowser
from pathlib import Path

import xarray as xr

import kadita_jax
from kadita_jax.dataset import is_sweep, open_run, reading, unreadable
from kadita_jax.errors import Fault, refuse
from kadita_jax.metrics.convention import CORRECTED
from kadita_jax.tracks import measured_or_measure, says_box

FRAMES_RULE = "must be A:B or A:B:STRIDE in whole numbers; A or B may be left out"


def view_file(path: Path, *, out: Path | None, frames: str | None, is_opened: bool) -> None:
    """Write the page of a file, print its path, and open it in the browser if asked to."""
    refuse("cannot view", unreadable(path))
    first, last, stride = _frames(frames)
    with reading(path), open_run(path) as stored:
        page = kadita_jax.plot.view(
            _measured(path, stored),
            path.with_suffix(".html") if out is None else out,
            first=first,
            last=last,
            stride=stride,
        )
    print(page)
    if is_opened:
        webbrowser.open(page.absolute().as_uri())


def _measured(path: Path, stored: xr.Dataset) -> xr.Dataset:
    """A run or tracks with their metrics; anything else as it is, for the page to judge."""
    if is_sweep(stored) or "derivative" in stored:
        return stored
    # Tracks in no box that anybody knows of are shown, and so measured, in open water.
    return measured_or_measure(path, convention=None if says_box(stored) else CORRECTED)


def _frames(text: str | None) -> tuple[int | None, int | None, int]:
    if text is None:
        return None, None, 1
    parts = text.split(":")
    wrong = [Fault("frames", FRAMES_RULE, text)]
    refuse("cannot view", wrong if len(parts) not in (2, 3) else [])
    try:
        first, last, stride = (int(part) if part else None for part in [*parts, ""][:3])
    except ValueError:
        refuse("cannot view", wrong)
        raise
    return first, last, 1 if stride is None else stride
