"""The job of `kadita plot --animate`: a run's file, and the film of it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import xarray as xr

import kadita_jax
from kadita_jax.dataset import kind_of, open_run, reading, unreadable
from kadita_jax.errors import Fault, refuse
from kadita_jax.frame_words import parse_frames, taking_faults, word_faults
from kadita_jax.job_checks import folder_faults
from kadita_jax.terminal import progress_bar
from kadita_jax.tracks import (
    is_taken_as_measured,
    measure_faults,
    measured_or_measure,
    read_tracks,
    track_faults,
)


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
    moving = {"trail": trail, "follow": follow, "frames_per_second": fps}
    moving = {name: value for name, value in moving.items() if value is not None}
    source = {"box_size": box_size, "convention": convention}
    faults = _word_faults(paths, target, out, moving)
    refuse("cannot animate", faults + _file_faults(paths[0], frames, source))
    with reading(paths[0]):
        dataset = measured_or_measure(paths[0], **source, frames=parse_frames(frames))
        made = kadita_jax.plot.animate(dataset, **moving)
        target.parent.mkdir(parents=True, exist_ok=True)
        with progress_bar(target.name, dataset.sizes["time"], "frames") as progress:
            kadita_jax.plot.save(made, target, progress=progress)
    print(target)


def _word_faults(
    paths: list[Path], target: Path, out: Path | None, moving: Mapping[str, Any]
) -> list[Fault]:
    """What is wrong with the words alone, blamed on those that the command has."""
    from kadita_jax.plot.animation import moving_faults
    from kadita_jax.plot.saving import film_faults, is_gif

    checked = {name: value for name, value in moving.items() if name != "follow"}
    wrong = moving_faults(**checked, is_gif=is_gif(target))
    faults = film_faults(target) + [
        _renamed(f, "out", "film") for f in folder_faults(target.parent)
    ]
    faults += [_renamed(fault, "frames_per_second", "fps") for fault in wrong]
    if out is not None:
        faults.append(Fault("out", "must not be given with --animate, which names it", str(out)))
    if len(paths) > 1:
        faults.append(Fault("FILE.nc", "must be one file for one film", list(map(str, paths))))
    return faults


def _renamed(fault: Fault, field: str, word: str) -> Fault:
    return replace(fault, field=word) if fault.field == field else fault


def _file_faults(path: Path, frames: str | None, source: Mapping[str, Any]) -> list[Fault]:
    """Why no film can be made of these frames of a file."""
    faults = unreadable(path)
    if faults:
        return faults + word_faults(frames)
    with reading(path), open_run(path) as stored:
        n_frames = 0 if track_faults(stored) else read_tracks(stored).sizes["time"]
        # Of fewer no choice is at fault.
        chosen = taking_faults(frames, n_frames, 2) if n_frames >= 2 else word_faults(frames)
        return _content_faults(stored, source) + chosen


def _content_faults(stored: xr.Dataset, source: Mapping[str, Any]) -> list[Fault]:
    from kadita_jax.plot.animation import length_faults, run_faults

    if kind_of(stored) != "run" or is_taken_as_measured(stored, **source):
        return run_faults(stored) or track_faults(stored)
    return measure_faults(stored, **source) or length_faults(read_tracks(stored))
