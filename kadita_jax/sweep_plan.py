"""A sweep settled before it starts: its members, its parts, its memory, why it may not start."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from kadita_jax.errors import Fault, InvalidInputError
from kadita_jax.grid import Grid
from kadita_jax.host import machine_memory
from kadita_jax.machine import Machine, this_machine
from kadita_jax.names import NAMES, more_names
from kadita_jax.observed import GroupDistance
from kadita_jax.places import room_for
from kadita_jax.plan import (
    drift_faults,
    held_faults,
    memory_faults,
    memory_text,
    school_bytes,
)
from kadita_jax.window import Window

# What one device computes before its part is saved: a few seconds, on a core or on a card.
PART_PAIRS = {"cpu": 2e9, "gpu": 1e11}
# What is kept of the members of one part on one device.
PART_BYTES = 2**22
# What a card computes at once: enough to fill it, 1.6 GiB in single precision.
BATCH_PAIRS = 2**26
# Each part is a file of the journal.
MAX_PARTS = 4096
LAST_MEMBER = 2**31 - 1
# What planning takes for each point and replicate: 52 bytes at 36 million of them, by its peak.
MEMBER_BYTES = 64


@dataclass(frozen=True)
class Part:
    """Members of one number of fish that are computed, and saved, together."""

    n_fish: int
    member: np.ndarray


@dataclass(frozen=True)
class SweepPlan:
    """A sweep settled in every detail but the sizes of its parts."""

    grid: Grid
    window: Window
    convention: str
    dtype: str
    keep_final: bool
    group_distance: GroupDistance = None
    machine: Machine = field(default_factory=this_machine)

    @property
    def more_names(self) -> tuple[str, ...]:
        """What is told of each member beside the twelve metrics."""
        is_led = self.grid.scenario.preferred_direction is not None
        return more_names(has_groups=self.group_distance is not None, is_led=is_led)

    @cached_property
    def in_order(self) -> np.ndarray:
        """Which points have their radii in order and are computed."""
        return self.grid.in_order(np.arange(self.grid.n_points))

    @cached_property
    def members(self) -> dict[int, np.ndarray]:
        """The members to compute, by their number of fish."""
        points = np.flatnonzero(self.in_order)
        n_fish, replicate = self.grid.n_fish(points), np.arange(self.grid.replicates)
        return {
            int(n): (points[n_fish == n, None] * self.grid.replicates + replicate).ravel()
            for n in np.unique(n_fish)
        }

    @property
    def n_computed(self) -> int:
        """How many members are computed."""
        return sum(map(len, self.members.values()))

    @property
    def member_bytes(self) -> int:
        """Size of what is kept of one member."""
        school = 6 * max(self.members, default=0) if self.keep_final else 0
        n_series = len(NAMES) + len(self.more_names)
        return (3 * n_series + school) * np.dtype(self.dtype).itemsize

    def part_sizes(self) -> dict[int, int]:
        """How many members make a part, by their number of fish: parts as equal as they can be."""
        return {n: self._part_size(n, len(member)) for n, member in self.members.items()}

    def _part_size(self, n_fish: int, n_members: int) -> int:
        most = PART_PAIRS.get(self.machine.backend, PART_PAIRS["gpu"])
        share = min(most / (n_fish**2 * self.window.n_steps), PART_BYTES / self.member_bytes)
        n_devices = self.machine.n_devices
        size = max(n_devices * max(1, int(share)), -(-n_members // MAX_PARTS))
        n_parts = max(-(-n_members // size), min(self.machine.n_processes, n_members))
        return -(-n_members // (n_parts * n_devices)) * n_devices

    def parts(self, sizes: Mapping[int, int]) -> list[Part]:
        """The members cut into parts of given sizes."""
        return [
            Part(n_fish, member[first : first + sizes[n_fish]])
            for n_fish, member in self.members.items()
            for first in range(0, len(member), sizes[n_fish])
        ]

    def batch(self, n_fish: int, share: int) -> int:
        """How many of its members a device computes at once, in batches as equal as can be."""
        if self.machine.backend == "cpu":
            return 1
        room = self.machine.memory // 2 // self._school_bytes(n_fish)
        # Never one alone, which is another program and rounds differently.
        most = max(2, min(BATCH_PAIRS // n_fish**2, room))
        n_batches = -(-share // most)
        return max(2, -(-share // n_batches))

    def working_bytes(self, sizes: Mapping[int, int]) -> int:
        """Memory that a part needs on a device at its peak."""
        each = -(-max(sizes.values()) // self.machine.n_devices)
        schools = (self.batch(n, each) * self._school_bytes(n) for n in self.members)
        return max(schools) + room_for(each) * self.member_bytes

    def school_faults(self) -> list[Fault]:
        """The fault of schools beyond the memory: cores share it, each card has its own."""
        largest = max(self.members, default=0)
        at_once = self.machine.n_devices if self.machine.backend == "cpu" else 1
        needed = at_once * self._school_bytes(largest)
        return memory_faults(needed, largest, self.machine.memory)

    def _school_bytes(self, n_fish: int) -> int:
        return school_bytes(n_fish, self.dtype, self.machine.backend)


def plan_faults(
    plan: SweepPlan, part_size: int | None = None, n_steps: int | None = None
) -> list[Fault]:
    """Every reason why a sweep whose settings are right each may not be computed here.

    **Arguments:**

    - `n_steps`: that a school takes in all, where it is not one window's.
    """
    if wrong := _size_faults(plan.grid.n_members):
        return wrong
    if not plan.in_order.any():
        rule = "must have a point with r_repulsion <= r_orientation <= r_attraction"
        return [Fault("axes", rule, f"none of {plan.grid.n_points:,} points")]
    faults = _school_faults(plan) + _part_faults(plan, part_size)
    swept = plan.grid.swept(np.arange(plan.grid.n_points))
    moving = {name: swept[name] for name in ("speed", "dt", "box_size") if name in swept}
    return faults + drift_faults(
        plan.grid.scenario, n_steps or plan.window.n_steps, plan.dtype, **moving
    )


def _part_faults(plan: SweepPlan, part_size: int | None) -> list[Fault]:
    """The fault of a size that makes more parts, each a file, than a folder should hold."""
    least = max(-(-len(member) // MAX_PARTS) for member in plan.members.values())
    if part_size is None or part_size >= least:
        return []
    rule = f"must be >= {least} to make at most {MAX_PARTS} parts of {plan.n_computed:,} members"
    return [Fault("part_size", rule, part_size)]


def _size_faults(n_members: int) -> list[Fault]:
    """The fault of more members than can be numbered, or planned in this machine's memory."""
    needed, available = MEMBER_BYTES * n_members, machine_memory()
    if n_members <= LAST_MEMBER and needed <= available:
        return []
    rule = f"must make at most {min(LAST_MEMBER, available // MEMBER_BYTES):,} members"
    sizes = f"planning takes {memory_text(needed)}, of {memory_text(available)}"
    return [Fault("axes and replicates", f"{rule} ({sizes})", f"{n_members:,}")]


def _school_faults(plan: SweepPlan) -> list[Fault]:
    """The faults of the scenario with each number of fish, and of schools beyond the memory."""
    faults = []
    for n_fish in plan.members:
        try:
            plan.grid.scenario.replaced(n_fish=n_fish)
        except InvalidInputError as error:
            faults += [
                Fault(f"n_fish = {n_fish}: {f.field}", f.rule, f.value) for f in error.faults
            ]
    faults += plan.school_faults()
    if plan.grid.scenario.neighbours == "cells":
        rule = "must be auto or dense: a sweep sums over every pair"
        faults.append(Fault("neighbours", rule, "cells"))
    return faults


def result_faults(plan: SweepPlan, out: Path | None) -> list[Fault]:
    """The fault of a result too large to be held without a file."""
    if out is not None:
        return []
    return held_faults("the result is", plan.grid.n_members * plan.member_bytes)
