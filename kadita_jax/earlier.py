"""What an earlier file of a run has, unfinished or finished, that the run can go on from."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import netCDF4
import numpy as np

from kadita_jax.dataset import reading, unreadable
from kadita_jax.errors import Fault
from kadita_jax.files import partial_path
from kadita_jax.form import CHECKSUM, HISTORY, Form


def best_source(path: Path) -> Path:
    """Where a run is continued from: its unfinished file if there is one, else the finished."""
    return partial_path(path) if partial_path(path).exists() else path


def read_frames(
    source: Path, form: Form, n_frames: int
) -> Iterator[tuple[slice, dict[str, np.ndarray]]]:
    """The first frames, some at a time, and their place.

    **Raises:** OSError where one has changed since it was written; it and those after it then
        count as not written.
    """
    with reading(source), netCDF4.Dataset(source) as stored:
        stored.set_auto_mask(False)
        for first in range(0, n_frames, form.chunk):
            where = slice(first, min(first + form.chunk, n_frames))
            frames = {name: stored[name][where] for name in form.series}
            changed = _changed(stored, form, where, frames)
            if changed.size:
                break
            yield where, frames
        else:
            return
    number = first + int(changed[0])
    with netCDF4.Dataset(source, "a") as stored:
        stored["time"][number:] = np.ma.masked
    raise OSError(
        f"{source}: frame {number} has changed since it was written; resumed, the run goes on "
        "from there"
    )


def _changed(
    stored: netCDF4.Dataset, form: Form, where: slice, frames: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Which of some frames are not as they were written, where the file can tell."""
    if CHECKSUM not in stored.variables:
        return np.zeros(0, int)
    return np.flatnonzero(form.checksums(frames) != stored[CHECKSUM][where])


def has_room_for(source: Path, form: Form) -> bool:
    """Whether a file is an unfinished one with room for the very frames of a form."""
    with reading(source), netCDF4.Dataset(source) as stored:
        is_unfinished = {HISTORY, CHECKSUM, *form.series} <= set(stored.variables)
        return is_unfinished and len(stored.dimensions["time"]) == form.n_frames


def history_of(path: Path) -> str:
    """What a finished or unfinished file tells of how it came about."""
    with reading(path), netCDF4.Dataset(path) as stored:
        grown = stored[HISTORY][:].tobytes() if HISTORY in stored.variables else b""
        told = grown.rstrip(b"\0").decode(errors="replace")
        return told or str(getattr(stored, "history", ""))


def whole_frames(path: Path) -> int:
    """How many frames of an unfinished file are whole; 0 when it cannot be read."""
    if unreadable(path):
        return 0
    with reading(path), netCDF4.Dataset(path) as handle:
        if "time" not in handle.variables:
            return 0
        written = ~np.ma.getmaskarray(handle["time"][:])
    return int(np.argmin(written)) if not written.all() else written.size


def unchanged_frames(path: Path, form: Form, n_frames: int) -> int:
    """How many of the first frames there are up to the last that is as it was written."""
    with reading(path), netCDF4.Dataset(path) as stored:
        stored.set_auto_mask(False)
        for last in range(n_frames - 1, -1, -1):
            where = slice(last, last + 1)
            frames = {name: stored[name][where] for name in form.series}
            if not _changed(stored, form, where, frames).size:
                return last + 1
    return 0


def frame_faults(path: Path, form: Form, time: np.ndarray) -> list[Fault]:
    """Why the first frames of a file are none of a run of this form that has these times."""
    with reading(path), netCDF4.Dataset(path) as handle:
        handle.set_auto_mask(False)
        found = {name: v.shape[1:] for name, v in handle.variables.items() if v.ndim}
        told = handle["time"][: len(time)]
    missing = [name for name in form.series if name not in found]
    if missing:
        rule = (
            "must hold every variable of a run of this release "
            "(go on with the one that began it, or run it anew); these are missing"
        )
        return [Fault("file", rule, ", ".join(missing))]
    unlike = {name: found[name] for name in form.series if found[name] != form.frame_shape(name)}
    if unlike:
        rule = f"must hold frames of {form.n_fish} fish, as its scenario says"
        return [Fault("file", rule, unlike)]
    # As near as rounding.
    if not np.allclose(told, time, rtol=1e-12, atol=0):
        return [Fault("file", "must hold frames at the times that its scenario says", told)]
    return []
