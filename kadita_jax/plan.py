"""A run settled before it starts: its parts, its memory, and why it may not start."""

from dataclasses import dataclass
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from kadita_jax.blocks import block_floats
from kadita_jax.errors import Fault, Unchecked
from kadita_jax.files import BESIDE, name_faults, partial_path, unwritable_faults
from kadita_jax.locks import in_use_faults
from kadita_jax.machine import device_memory
from kadita_jax.metrics.convention import chosen_convention
from kadita_jax.names import more_names
from kadita_jax.neighbours import pairs_of_step, radii_in_box
from kadita_jax.observed import chosen_distance, group_distance_faults
from kadita_jax.scenario import Scenario

# A run without a file must fit in memory as a whole; above this it is sent to a file.
IN_MEMORY_BYTES = 2**31
# A part of a run, computed and saved at once: about half a second on two cores, and 64 MiB.
# Within the file its frames lie in chunks of about 1 MiB.
PART_PAIRS = 2.5e8
PART_BYTES = 2**26
# Runs that need no more than this may be begun side by side.
QUICK_BYTES = 2**28
CHUNK_BYTES = 2**20
# Floats alive at once for each pair that is worked on, by XLA's memory_analysis on CPU: 3.0 in a
# step, 4.5 (jax 0.10.1) to 5.5 (jax 0.12) in a measurement. And for each fish besides: 75 in a
# measurement of a million, by its peak.
PAIR_FLOATS = 6
# So far from the origin a step of 0.1 bl is rounded by up to 4 %.
FARTHEST = 1e5
FISH_FLOATS = 100


@dataclass(frozen=True)
class Plan:
    """A run settled in every detail before anything is computed."""

    scenario: Scenario
    convention: str
    dtype: str
    group_distance: float | None = None

    @property
    def more_names(self) -> tuple[str, ...]:
        """What is told of each frame beside the twelve metrics."""
        is_led = self.scenario.preferred_direction is not None
        return more_names(has_groups=self.group_distance is not None, is_led=is_led)

    @property
    def n_frames(self) -> int:
        """Frames of the whole run, the initial one included."""
        return self.scenario.n_steps // self.scenario.save_every + 1

    @property
    def frame_bytes(self) -> int:
        """Size of one frame: position and heading."""
        return 6 * self.scenario.n_fish * np.dtype(self.dtype).itemsize

    @property
    def pairs_of_step(self) -> int | float:
        """A step's work, in pairs of fish."""
        scenario = self.scenario
        radii = radii_in_box(scenario.box_size, scenario.farthest)
        return pairs_of_step(scenario.neighbours, scenario.n_fish, radii)

    @property
    def frames_per_part(self) -> int:
        """How many frames are computed and saved at once, parts as equal as they can be."""
        pairs = self.pairs_of_step * self.scenario.save_every
        most = max(1, int(min(PART_PAIRS / pairs, PART_BYTES / self.frame_bytes)))
        n_parts = -(-(self.n_frames - 1) // most)
        return -(-(self.n_frames - 1) // n_parts)

    @property
    def is_quick(self) -> bool:
        """Whether the whole run takes about half a second at most, and little memory."""
        pairs = self.pairs_of_step * self.scenario.n_steps
        return pairs <= PART_PAIRS and self.working_bytes <= QUICK_BYTES

    @property
    def frames_per_chunk(self) -> int:
        """How many frames lie together in the file."""
        return max(1, min(self.frames_per_part, CHUNK_BYTES // self.frame_bytes))

    @property
    def working_bytes(self) -> int:
        """Memory that one part needs at its peak."""
        school = school_bytes(self.scenario.n_fish, self.dtype)
        return school + 4 * (self.frames_per_part + 1) * self.frame_bytes


def default_dtype() -> str:
    """The float that jax computes in as it is set now."""
    return jnp.result_type(float).name


def settle(
    scenario: Scenario, convention: str | None, group_distance: Unchecked | None = None
) -> Plan:
    """The plan of a run in jax's default float.

    No convention is the one that suits the water; no group_distance, or a wrong one, is the fishes'
    reach in open water, and none in a box.
    """
    chosen = chosen_convention(convention, scenario.box_size)
    asked = None if group_distance_faults(group_distance) else group_distance
    distance = chosen_distance(asked, scenario.box_size)
    # One distance for all frames: of a sight that changes, the farthest.
    distance = scenario.farthest if isinstance(distance, str) else distance
    return Plan(scenario, chosen, default_dtype(), distance)


def school_bytes(n_fish: int, dtype: str, backend: str | None = None) -> int:
    """Memory for stepping and measuring a school, whose pairs are worked on block by block."""
    pairs = min(PAIR_FLOATS * n_fish**2, block_floats(backend)) + PAIR_FLOATS * n_fish
    return (pairs + FISH_FLOATS * n_fish) * np.dtype(dtype).itemsize


def plan_faults(plan: Plan) -> list[Fault]:
    """The faults of a run that does not fit this machine's memory, or its own precision."""
    faults = memory_faults(plan.working_bytes, plan.scenario.n_fish, device_memory())
    return faults + drift_faults(plan.scenario, plan.scenario.n_steps, plan.dtype)


def drift_faults(scenario: Scenario, n_steps: int, dtype: str, **swept: np.ndarray) -> list[Fault]:
    """The fault of a school that may swim further than single precision tells its steps.

    **Arguments:**

    - `swept`: values of speed, dt and box_size that a sweep takes in place of the scenario's.
    """
    knots = [value for _, value in scenario.courses.get("speed", [])]
    speed = np.max(swept.get("speed", knots or scenario.speed))
    field, distance = "n_steps x speed x dt", n_steps * speed * np.max(swept.get("dt", scenario.dt))
    box_size = swept.get("box_size", scenario.box_size)
    if box_size is not None:
        field, distance = "box_size", np.max(box_size)
    if dtype != "float32" or distance <= FARTHEST:
        return []
    rule = f"must take no fish beyond {FARTHEST:,.0f} bl in float32: take float64"
    return [Fault(field, rule, f"{distance:,.0f} bl")]


def memory_faults(needed: int, n_fish: int, available: int) -> list[Fault]:
    """The fault of so many fish when they need more bytes than there are."""
    if needed <= available:
        return []
    sizes = f"{memory_text(needed)}, of {memory_text(available)}"
    return [Fault("n_fish", f"must fit in memory: a school needs {sizes}", n_fish)]


def taken_faults(path: Path, *, overwrite: bool) -> list[Fault]:
    """The fault of results that another process is writing, or that are there and must stay."""
    return in_use_faults(path) or existing_faults(path, overwrite=overwrite)


def existing_faults(path: Path, *, overwrite: bool) -> list[Fault]:
    """The fault of results that a run would replace without being allowed to."""
    partial = partial_path(path)
    if partial.exists() and not overwrite:
        rule = "holds an unfinished run: resume it, or allow overwriting"
        return [Fault("out", rule, str(partial))]
    return finished_faults(path, "resume it", overwrite=overwrite)


def finished_faults(path: Path, instead: str, *, overwrite: bool) -> list[Fault]:
    """The fault of a finished result that would be replaced without being allowed to."""
    if path.exists() and not overwrite:
        return [Fault("out", f"must not exist yet: {instead}, or allow overwriting", str(path))]
    return []


def folder_faults(path: Path) -> list[Fault]:
    """Why there can be no file of this name."""
    if faults := name_faults("out", path, BESIDE):
        return faults
    if path.is_dir():
        return [Fault("out", "must be a file, not a directory", str(path))]
    if not path.parent.is_dir():
        return [Fault("out", "must be in an existing folder", str(path))]
    return unwritable_faults(path.parent)


def path_faults(path: Path, *, overwrite: bool) -> list[Fault]:
    """Why a run may not be written to this path."""
    return folder_faults(path) or taken_faults(path, overwrite=overwrite)


def size_faults(plan: Plan) -> list[Fault]:
    """The fault of a run too large to be held without a file."""
    return held_faults(f"{plan.n_frames} frames are", plan.n_frames * plan.frame_bytes)


def held_faults(what: str, n_bytes: int) -> list[Fault]:
    """The fault of a result without a file that is too large for that."""
    if n_bytes <= IN_MEMORY_BYTES:
        return []
    sizes = f"{what} {memory_text(n_bytes)}, above {memory_text(IN_MEMORY_BYTES)}"
    return [Fault("out", f"must be given: {sizes}", None)]


def resume_faults(plan: Plan, done: int, *, finished: bool, longer: bool) -> list[Fault]:
    """Why a run of so many whole frames cannot be continued to its plan's end.

    **Arguments:**

    - `longer`: whether the plan is to be longer than the finished run.
    """
    if done == 0:
        # What a run that was killed at once has left begins anew.
        rule = "must hold at least one whole frame"
        return [Fault("file", rule, "none")] if finished else []
    steps = (done - 1) * plan.scenario.save_every
    if steps > plan.scenario.n_steps or (steps == plan.scenario.n_steps and finished and longer):
        rule = f"must exceed the {steps} steps already run (it is the total)"
        return [Fault("n_steps", rule, plan.scenario.n_steps)]
    return []


def memory_text(n_bytes: int) -> str:
    """A size as a person would write it."""
    for unit, size in (("GiB", 2**30), ("MiB", 2**20)):
        if n_bytes >= size:
            return f"{n_bytes / size:.3g} {unit}"
    return f"{n_bytes / 2**10:.3g} KiB"
