"""The job of `kadita plot --animate`: a run's file, and the film of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

import kadita_jax
from kadita_jax.dataset import kind_of, open_run, reading, unreadable
from kadita_jax.errors import Fault, refuse
from kadita_jax.job_checks import folder_faults
from kadita_jax.terminal import progress_bar
from kadita_jax.tracks import measured_or_measure

FRAMES_RULE = "must be A:B or A:B:STRIDE, whole numbers of which any may be left out"


def refuse_without_film(moving: Mapping[str, Any]) -> None:
    """Refuse what only a film can have."""
    given = {name: value for name, value in moving.items() if value is not None}
    rule = "must be given with --animate"
    refuse("cannot plot", [Fault(name, rule, value) for name, value in given.items()])


def film(
    paths: list[Path],
    target: Path,
    *,
    out: Path | None,
    frames: str | None,
    box_size: Any,
    convention: str | None,
    trail: Any,
    follow: bool | None,
    fps: Any,
) -> None:
    """Write the film of one run, or of tracks of another program, and print its path.

    **Arguments:**

    - `out`: must not be given: `target` says where the film goes.
    - `frames`: which ones, as Python slices: "100:500:2".
    - `trail`, `follow`, `fps`: as `kadita_jax.plot.animate` takes them; its own where None.
    """
    chosen = parse_frames(frames)
    moving = {"trail": trail, "follow": follow, "frames_per_second": fps}
    moving = {name: value for name, value in moving.items() if value is not None}
    faults = _faults(paths, target, out, moving)
    faults += [] if chosen else [Fault("frames", FRAMES_RULE, frames)]
    refuse("cannot animate", faults)
    with reading(paths[0]):
        dataset = _opened(paths[0], chosen or slice(None), box_size, convention)
        made = kadita_jax.plot.animate(dataset, **moving)
        target.parent.mkdir(parents=True, exist_ok=True)
        with progress_bar(target.name, dataset.sizes["time"], "frames") as progress:
            kadita_jax.plot.save(made, target, progress=progress)
    print(target)


def _faults(
    paths: list[Path], target: Path, out: Path | None, moving: Mapping[str, Any]
) -> list[Fault]:
    from kadita_jax.plot.animation import moving_faults
    from kadita_jax.plot.saving import film_faults

    checked = {name: value for name, value in moving.items() if name != "follow"}
    faults = film_faults(target) + folder_faults(target.parent) + moving_faults(**checked)
    if out is not None:
        faults.append(Fault("out", "must not be given with --animate, which names it", str(out)))
    if len(paths) > 1:
        faults.append(Fault("FILE.nc", "must be one file for one film", list(map(str, paths))))
    return faults


def _opened(path: Path, frames: slice, box_size: Any, convention: str | None) -> xr.Dataset:
    if not unreadable(path) and kind_of(dataset := open_run(path)) != "run":
        # What a film refuses, and says what draws it.
        return dataset
    return measured_or_measure(path, box_size=box_size, convention=convention).isel(time=frames)


def parse_frames(text: str | None) -> slice | None:
    """A slice from "A:B" or "A:B:STRIDE", all frames from None; None when it is neither."""
    try:
        parts = [int(part) if part.strip() else None for part in (text or ":").split(":")]
    except ValueError:
        return None
    if not 2 <= len(parts) <= 3 or (len(parts) == 3 and parts[2] is not None and parts[2] < 1):
        return None
    return slice(*parts)
