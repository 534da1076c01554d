"""What a person calls: a scenario in, a Dataset out; streamed, resumable, never half-written."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from kadita_jax import provenance
from kadita_jax.dataset import (
    RunFile,
    best_source,
    open_run,
    partial_path,
    read_attributes,
    read_frame,
    unreadable,
    whole_frames,
)
from kadita_jax.errors import Fault, Unchecked, refuse
from kadita_jax.files import replacing
from kadita_jax.metrics import NAMES, measure_trajectory, state_label
from kadita_jax.metrics.convention import REFERENCE, convention_faults
from kadita_jax.model import State
from kadita_jax.scenario import Scenario, load_scenario, parse_scenario
from kadita_jax.simulation import Trajectory, simulate

# A run without a file must fit in memory as a whole; above this it is sent to a file.
IN_MEMORY_BYTES = 2**31
# A part of a run, computed and saved at once: about half a second on two cores, and 64 MiB.
# Within the file its frames lie in chunks of about 1 MiB.
PART_PAIRS = 2.5e8
PART_BYTES = 2**26
CHUNK_BYTES = 2**20
# Arrays of N x N floats alive at once in one step or one measurement, counted in XLA's plans.
PAIR_ARRAYS = 8

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Plan:
    """A run settled in every detail before anything is computed."""

    scenario: Scenario
    convention: str
    dtype: str

    @property
    def n_frames(self) -> int:
        """Frames of the whole run, the initial one included."""
        return self.scenario.n_steps // self.scenario.save_every + 1

    @property
    def frame_bytes(self) -> int:
        """Size of one frame: position and heading."""
        return 6 * self.scenario.n_fish * np.dtype(self.dtype).itemsize

    @property
    def frames_per_part(self) -> int:
        """How many frames are computed and saved at once, parts as equal as they can be."""
        pairs = self.scenario.n_fish**2 * self.scenario.save_every
        most = max(1, int(min(PART_PAIRS / pairs, PART_BYTES / self.frame_bytes)))
        n_parts = -(-(self.n_frames - 1) // most)
        return -(-(self.n_frames - 1) // n_parts)

    @property
    def working_bytes(self) -> int:
        """Memory that one part needs at its peak."""
        pairs = PAIR_ARRAYS * self.scenario.n_fish**2 * np.dtype(self.dtype).itemsize
        return pairs + 4 * (self.frames_per_part + 1) * self.frame_bytes


def run(
    scenario: Scenario | str | Path,
    *,
    seed: int | Unchecked | None = None,
    n_steps: int | Unchecked | None = None,
    save_every: int | Unchecked | None = None,
    out: str | Path | None = None,
    convention: str | Unchecked = REFERENCE,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Simulate a scenario, measure every saved frame, and return the run as a Dataset.

    The dtype is jax's default float: float64 after `jax.config.update("jax_enable_x64", True)`.

    **Arguments:**

    - `scenario`: a Scenario, the name of a canonical one, or the path of a TOML file.
    - `seed`, `n_steps`, `save_every`: replace the scenario's own.
    - `out`: path of a NetCDF file. Frames are streamed to OUT.partial, moved to OUT when
        complete. Without it the run is held in memory, refused beyond 2 GiB.
    - `convention`: of the metrics, "reference" or "corrected".
    - `overwrite`: whether an existing OUT, or the part of an unfinished run, may be replaced.
    - `progress`: called with the number of steps done, now and then.

    **Returns:** an `xarray.Dataset` in the layout of `kadita_jax.layout`, read lazily from
    `out` when given.

    **Raises:** `InvalidInputError` with every fault before anything runs; OSError when the
    disk or its permissions fail.
    """
    scenario = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
    scenario = scenario.replaced(seed=seed, n_steps=n_steps, save_every=save_every)
    settled = settle(scenario, convention)
    path = None if out is None else Path(out)
    faults = plan_faults(settled) + convention_faults(convention)
    faults += _size_faults(settled) if path is None else _path_faults(path, overwrite)
    refuse(f"cannot run {scenario.name!r}", faults)
    if path is not None:
        _start(settled, path, progress)
        return open_run(path)
    with TemporaryDirectory() as folder:
        whole = Path(folder) / "run.nc"
        _start(settled, whole, progress)
        with open_run(whole) as dataset:
            return dataset.load()


def resume(
    path: str | Path, *, n_steps: int | Unchecked | None = None, progress: Progress | None = None
) -> xr.Dataset:
    """Continue the finished or killed run of a file, with the same bits as one longer run.

    **Arguments:**

    - `path`: the run's file, or the name it would have had: PATH.partial is looked for.
    - `n_steps`: the TOTAL number of steps to reach; the run's own when None.
    - `progress`: called with the number of steps done, now and then.

    **Raises:** `InvalidInputError` when there is nothing to continue from, or the run was made
    with another dtype or random number generator than jax has now.
    """
    path = Path(path)
    source, settled, done = _resumed(path, n_steps)
    state = State(*map(jnp.asarray, read_frame(source, done - 1)))
    if source == path:
        with replacing(partial_path(path)) as copy:
            shutil.copyfile(path, copy)
    changed = provenance.attributes(settled.scenario, settled.convention, settled.dtype)
    with RunFile.reopen(path, changed) as file:
        _continue(settled, file, done, state, progress)
    return open_run(path)


def steps_planned(path: Path, n_steps: Unchecked) -> int:
    """How many steps `resume` of this file would reach, checked as it would."""
    return _resumed(path, n_steps)[1].scenario.n_steps


def _resumed(path: Path, n_steps: Unchecked) -> tuple[Path, Plan, int]:
    """What a run is continued from: its file, its plan, and how many frames are whole."""
    source = best_source(path)
    refuse("cannot resume", unreadable(source))
    attributes = read_attributes(source)
    refuse(f"cannot resume {path}", provenance.faults(attributes))
    convention = attributes["convention"]
    scenario = parse_scenario(str(attributes["scenario"]), path.stem).replaced(n_steps=n_steps)
    settled, done = settle(scenario, convention), whole_frames(source)
    faults = convention_faults(convention) + _resume_faults(settled, done, source == path)
    refuse(f"cannot resume {path}", faults)
    return source, settled, done


def settle(scenario: Scenario, convention: str) -> Plan:
    """The plan of a run in jax's default float."""
    return Plan(scenario, convention, jnp.result_type(float).name)


def plan_faults(plan: Plan) -> list[Fault]:
    """The fault of a run whose pairs do not fit this machine's memory."""
    available = _device_memory()
    if plan.working_bytes <= available:
        return []
    rule = f"must fit in memory: every pair needs {_gib(plan.working_bytes)}, of {_gib(available)}"
    return [Fault("n_fish", rule, plan.scenario.n_fish)]


def existing_faults(path: Path, *, overwrite: bool) -> list[Fault]:
    """The fault of results that a run would replace without being allowed to."""
    partial = partial_path(path)
    if overwrite:
        return []
    if partial.exists():
        rule = "holds an unfinished run: resume it, or allow overwriting"
        return [Fault("out", rule, str(partial))]
    if path.exists():
        return [Fault("out", "must not exist yet: resume it, or allow overwriting", str(path))]
    return []


def _path_faults(path: Path, overwrite: bool) -> list[Fault]:
    if path.is_dir():
        return [Fault("out", "must be a file, not a directory", str(path))]
    if not path.parent.is_dir():
        return [Fault("out", "must be in an existing folder", str(path))]
    return existing_faults(path, overwrite=overwrite)


def _size_faults(plan: Plan) -> list[Fault]:
    needed = plan.n_frames * plan.frame_bytes
    if needed <= IN_MEMORY_BYTES:
        return []
    rule = (
        f"must be given: {plan.n_frames} frames are {_gib(needed)}, above {_gib(IN_MEMORY_BYTES)}"
    )
    return [Fault("out", rule, None)]


def _resume_faults(plan: Plan, done: int, finished: bool) -> list[Fault]:
    if done == 0:
        return [Fault("file", "must hold at least one whole frame", "none")]
    steps = (done - 1) * plan.scenario.save_every
    if steps > plan.scenario.n_steps or (finished and steps == plan.scenario.n_steps):
        rule = f"must exceed the {steps} steps already run (it is the total)"
        return [Fault("n_steps", rule, plan.scenario.n_steps)]
    return []


def _gib(n_bytes: int) -> str:
    return f"{n_bytes / 2**30:.3g} GiB"


def _device_memory() -> int:
    stats = jax.local_devices()[0].memory_stats() or {}
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return stats.get("bytes_limit", physical)


def _start(plan: Plan, path: Path, progress: Progress | None) -> None:
    attributes = provenance.attributes(plan.scenario, plan.convention, plan.dtype)
    n_fish, dtype = plan.scenario.n_fish, plan.dtype
    chunk = max(1, min(plan.frames_per_part, CHUNK_BYTES // plan.frame_bytes))
    state = plan.scenario.initial_state(jax.random.key(plan.scenario.seed))
    with RunFile.create(path, n_fish, dtype, attributes, chunk) as file:
        _continue(plan, file, 0, state, progress)


def _continue(
    plan: Plan, file: RunFile, done: int, state: State, progress: Progress | None
) -> None:
    """Compute and save the frames from number `done` on, then give the file its final name."""
    scenario, n_part = plan.scenario, plan.frames_per_part
    params, key = scenario.params, jax.random.key(scenario.seed)
    for frame in range(max(0, done - 1), plan.n_frames - 1, n_part):
        # The last part computes frames beyond the end and drops them: one program serves all.
        trajectory = simulate(
            state,
            params,
            key,
            n_steps=n_part * scenario.save_every,
            save_every=scenario.save_every,
            first_step=frame * scenario.save_every,
        )
        first, last = max(done, frame), min(frame + n_part, plan.n_frames - 1)
        _append(plan, file, trajectory, frame, slice(first, last + 1))
        state = State(trajectory.position[last - frame], trajectory.heading[last - frame])
        done = last + 1
        if progress is not None:
            progress(last * scenario.save_every)
    file.complete()


def _append(
    plan: Plan, file: RunFile, trajectory: Trajectory, part_start: int, frames: slice
) -> None:
    position, heading = trajectory.position, trajectory.heading
    box_size = plan.scenario.box_size
    metrics = measure_trajectory(position, heading, box_size, convention=plan.convention)
    series = {name: getattr(metrics, name) for name in NAMES} | {
        "position": position,
        "heading": heading,
        "state": state_label(metrics.polarization, metrics.rotation),
    }
    kept = slice(frames.start - part_start, frames.stop - part_start)
    steps = np.arange(frames.start, frames.stop) * plan.scenario.save_every
    arrays = {name: np.asarray(values)[kept] for name, values in series.items()}
    file.append(frames.start, arrays, steps * plan.scenario.dt)
