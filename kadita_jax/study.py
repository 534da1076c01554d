"""What a person calls: a scenario in, a Dataset out; streamed, resumable, never half-written."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from kadita_jax import provenance
from kadita_jax.dataset import open_own, read_attributes, read_frame, unreadable
from kadita_jax.earlier import (
    best_source,
    frame_faults,
    history_of,
    unchanged_frames,
    whole_frames,
)
from kadita_jax.errors import Unchecked, refuse
from kadita_jax.files import final_path, unwritable_faults
from kadita_jax.form import Form
from kadita_jax.interruptible import interruptibly
from kadita_jax.layout import variables
from kadita_jax.locks import alone_with
from kadita_jax.metrics.convention import convention_faults
from kadita_jax.model import State
from kadita_jax.observed import group_distance_faults
from kadita_jax.parts import TRACKS, initial_state, measured, simulated
from kadita_jax.plan import (
    Plan,
    existing_faults,
    path_faults,
    plan_faults,
    resume_faults,
    settle,
    size_faults,
)
from kadita_jax.runfile import RunFile
from kadita_jax.scenario import Scenario, load_scenario, parse_scenario

Progress = Callable[[int], None]


def run(
    scenario: Scenario | str | Path,
    *,
    seed: int | Unchecked | None = None,
    n_steps: int | Unchecked | None = None,
    save_every: int | Unchecked | None = None,
    out: str | Path | None = None,
    convention: str | Unchecked | None = None,
    group_distance: float | Unchecked | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Simulate a scenario, measure every saved frame, and return the run as a Dataset.

    The dtype is jax's default float: float64 after `jax.config.update("jax_enable_x64", True)`.

    **Arguments:**

    - `scenario`: a Scenario, the name of a shipped one, or the path of a TOML file.
    - `seed`, `n_steps`, `save_every`: replace the scenario's own.
    - `out`: path of a NetCDF file. Frames are streamed to OUT.partial, compressed into OUT when
        complete. Without it the run is returned in memory, refused beyond 2 GiB; on its way
        there it needs room in the system's temporary folder.
    - `convention`: of the metrics, "reference" or "corrected"; None is the first in a box and the
        second in open water.
    - `group_distance`: fish nearer than that are of one group, bl: the number of groups and the
        order of the largest are then told too. None is the largest r_attraction in open water
        (of the whole run, where it changes with time), and tells no groups in a box.
    - `overwrite`: whether an existing OUT, or the part of an unfinished run, may be replaced.
    - `progress`: called with the number of steps done, now and then.

    **Returns:** an `xarray.Dataset` in the layout of `kadita_jax.layout`, read lazily from
    `out` when given.

    **Raises:** `InvalidInputError` with every fault before anything runs; OSError when the
    disk or its permissions fail.
    """
    scenario = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
    scenario = scenario.replaced(seed=seed, n_steps=n_steps, save_every=save_every)
    settled = settle(scenario, convention, group_distance)
    path, faults = None if out is None else Path(out), plan_faults(settled)
    faults += convention_faults(convention) + group_distance_faults(group_distance)
    faults += size_faults(settled) if path is None else path_faults(path, overwrite=overwrite)
    refuse(f"cannot run {scenario.name!r}", faults)
    if path is not None:
        with alone_with(path):
            # Another process may have been writing it since it was looked for.
            refuse(f"cannot run {scenario.name!r}", existing_faults(path, overwrite=overwrite))
            _begin(settled, path, progress)
        return open_own(path)
    with TemporaryDirectory() as folder:
        whole = Path(folder) / "run.nc"
        _begin(settled, whole, progress)
        with open_own(whole) as dataset:
            return dataset.load().drop_encoding()


def resume(
    path: str | Path, *, n_steps: int | Unchecked | None = None, progress: Progress | None = None
) -> xr.Dataset:
    """Continue the finished or killed run of a file, as if it had never stopped.

    The bits are those of one longer run on the same jax release, backend and kind of device;
    the file's history tells which each stretch was computed with.

    **Arguments:**

    - `path`: the run's file, the name it would have had, or the PATH.partial that is left.
    - `n_steps`: the TOTAL number of steps to reach; the run's own when None, for which a finished
        run is opened as it is.
    - `progress`: called with the number of steps done, now and then.

    **Raises:** `InvalidInputError` when there is nothing to continue from, or the run was made
    with another dtype or random number generator than jax has now.
    """
    path = final_path(Path(path))
    # Without a folder that may be written to there is no place for a lock either.
    has_folder = path.parent.is_dir()
    faults = unwritable_faults(path.parent, "file") if has_folder else unreadable(path)
    refuse("cannot resume", faults)
    with alone_with(path):
        source, settled, done = _resumed(path, n_steps)
        if done == 0:
            _begin(settled, path, progress)
        elif done < settled.n_frames or source != path:
            _go_on(settled, path, source, done, progress)
    return open_own(path)


def steps_planned(path: Path, n_steps: Unchecked) -> int:
    """How many steps `resume` of this file would reach, checked as it would."""
    return _resumed(final_path(path), n_steps)[1].scenario.n_steps


def _resumed(path: Path, n_steps: Unchecked) -> tuple[Path, Plan, int]:
    """What a run is continued from: its file, its plan, and how many frames are whole."""
    source = best_source(path)
    refuse("cannot resume", unreadable(source))
    attributes = read_attributes(source)
    refuse(f"cannot resume {path}", provenance.faults(attributes))
    convention = attributes["convention"]
    scenario = parse_scenario(str(attributes["scenario"]), path.stem).replaced(n_steps=n_steps)
    settled = settle(scenario, convention, attributes.get("group_distance"))
    done = whole_frames(source)
    faults = convention_faults(convention)
    faults += resume_faults(settled, done, finished=source == path, longer=n_steps is not None)
    form = _form(settled)
    faults += frame_faults(source, form, _times(settled, 0, done)) if done else []
    refuse(f"cannot resume {path}", faults)
    return source, settled, unchanged_frames(source, form, done)


def _begin(plan: Plan, path: Path, progress: Progress | None) -> None:
    state = initial_state(plan)
    with RunFile.create(path, _form(plan)) as file:
        _continue(plan, file, 0, state, progress)


def _go_on(plan: Plan, path: Path, source: Path, done: int, progress: Progress | None) -> None:
    """Compute what comes after the first frames of an earlier file."""
    state = State(*map(jnp.asarray, read_frame(source, done - 1)))
    first_step = (done - 1) * plan.scenario.save_every
    form = _form(plan, first_step=first_step, history=history_of(source))
    with RunFile.go_on(path, form, (source, done)) as file:
        _continue(plan, file, done, state, progress)


def _form(plan: Plan, **stretch: Any) -> Form:
    scenario, dtype = plan.scenario, plan.dtype
    about = scenario, plan.convention, dtype, plan.group_distance
    attributes = provenance.attributes(*about, **stretch)
    held = variables(scenario.box_size, plan.more_names)
    return Form(plan.n_frames, scenario.n_fish, held, dtype, attributes, plan.frames_per_chunk)


def _times(plan: Plan, first: int, end: int) -> np.ndarray:
    """Seconds at which the frames from number `first` up to `end` are."""
    return np.arange(first, end) * plan.scenario.save_every * plan.scenario.dt


def _computed(plan: Plan, state: State, frame: int) -> dict[str, np.ndarray]:
    """Everything that is saved of the part from this frame on."""
    trajectory = simulated(plan, state, frame)
    return measured(plan, trajectory.position, trajectory.heading)


def _continue(
    plan: Plan, file: RunFile, done: int, state: State, progress: Progress | None
) -> None:
    """Compute and save the frames from number `done` on, then give the file its final name."""
    n_part, save_every = plan.frames_per_part, plan.scenario.save_every
    for frame in range(max(0, done - 1), plan.n_frames - 1, n_part):
        series = interruptibly(_computed, plan, state, frame)
        first, last = max(done, frame), min(frame + n_part, plan.n_frames - 1)
        kept = slice(first - frame, last + 1 - frame)
        kept_series = {name: values[kept] for name, values in series.items()}
        file.append(first, kept_series, _times(plan, first, last + 1))
        state = State(*(jax.device_put(series[name][last - frame]) for name in TRACKS))
        done = last + 1
        if progress is not None:
            progress(last * save_every)
    file.complete()
