"""From the words of a person to a sweep that can be computed, or one error with all its faults."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import jax
import numpy as np

from kadita_jax import provenance
from kadita_jax.axes import Axis, read_axes
from kadita_jax.courses import ZONES
from kadita_jax.errors import Fault, InvalidInputError, Unchecked, count_faults, refuse
from kadita_jax.grid import Grid
from kadita_jax.journal import (
    SETTINGS,
    Journal,
    journal_faults,
    journal_path,
    part_sizes,
    refuse_another,
)
from kadita_jax.machine import Machine, this_machine
from kadita_jax.metrics.convention import chosen_convention, convention_faults
from kadita_jax.observed import chosen_distance, group_distance_faults
from kadita_jax.parameters import preference_faults
from kadita_jax.plan import default_dtype, finished_faults, folder_faults, memory_text
from kadita_jax.scenario import Scenario, loaded
from kadita_jax.sweep_plan import Part, SweepPlan, plan_faults, result_faults
from kadita_jax.window import settings_faults, window_of
from kadita_jax.worker import Work


@dataclass(frozen=True)
class Prepared:
    """A sweep that may start: its plan, its parts and where they go."""

    plan: SweepPlan
    part_sizes: Mapping[int, int]
    path: Path | None
    overwrite: bool

    @property
    def parts(self) -> list[Part]:
        """The members to compute, in the order of the journal."""
        return self.plan.parts(self.part_sizes)

    @property
    def settings(self) -> dict:
        """What the journal holds to recognise the sweep by."""
        return provenance.sweep_settings(self.plan, self.part_sizes)

    @property
    def n_done(self) -> int:
        """How many members an earlier, unfinished call has left in the journal."""
        parts, journal = self.parts, self._journal
        return sum(len(parts[number].member) for number in journal.present()) if journal else 0

    @property
    def n_damaged(self) -> int:
        """How many parts of an earlier call are not as they were written."""
        return len(self._journal.damaged()) if self._journal else 0

    @cached_property
    def _journal(self) -> Journal | None:
        """What an earlier, unfinished call may have left."""
        if self.path is None or self.overwrite:
            return None
        return Journal(journal_path(self.path), self.settings)


def prepare(
    scenario: Scenario | str | Path,
    axes: Unchecked,
    *,
    changes: Mapping[str, Unchecked],
    replicates: int | Unchecked,
    measure_every: int | Unchecked,
    burn_in: int | Unchecked | None,
    part_size: int | Unchecked | None,
    out: str | Path | None,
    keep_final: bool,
    convention: str | Unchecked | None,
    group_distance: float | Unchecked | None = None,
    overwrite: bool,
    known: Sequence[Fault] = (),
    find_machine: Callable[[], Machine] = this_machine,
) -> Prepared:
    """Settle a sweep; the arguments are those of `kadita_jax.sweep`, and

    - `changes`: fields of the scenario to replace; None changes nothing.
    - `known`: what the caller has found wrong already, told with the rest.
    - `find_machine`: tells what computes it, asked once all that is typed is right.

    **Raises:** `InvalidInputError` with every fault of every argument, and what differs from an
    unfinished sweep in the same place.
    """
    path, faults = None if out is None else Path(out), list(known)
    # A sweep saves no frames, so its steps need not be a multiple of those between them.
    found = loaded(scenario, {**changes, "save_every": 1}, faults)
    read, wrong = read_axes(axes)
    faults += wrong + count_faults({"replicates": replicates}) + convention_faults(convention)
    faults += group_distance_faults(group_distance)
    faults += [] if part_size is None else count_faults({"part_size": part_size})
    n_steps = None if found is None else found.n_steps
    faults += settings_faults(n_steps, measure_every, burn_in) + _both_faults(read, found)
    faults += uninformed_faults(read, found)
    misplaced = _place_faults(path, overwrite)
    if found is None or faults:
        raise InvalidInputError("cannot sweep", [*faults, *misplaced])
    part_size = None if part_size is None else int(part_size)
    window = window_of(found.n_steps, measure_every, burn_in)
    grid = Grid(found, read, int(replicates))
    chosen = chosen_convention(convention, found.box_size)
    distance = chosen_distance(group_distance, found.box_size)
    # Nobody waits for a cluster to be told that the result has no place.
    dtype, machine = default_dtype(), this_machine() if misplaced else find_machine()
    plan = SweepPlan(grid, window, chosen, dtype, keep_final, distance, machine)
    faults = misplaced + plan_faults(plan, part_size) + result_faults(plan, path)
    refuse(f"cannot sweep {found.name!r}", faults)
    return _with_parts(plan, part_size, path, overwrite)


def _both_faults(axes: tuple[Axis, ...], scenario: Scenario | None) -> list[Fault]:
    """The faults of axes over what a schedule sets: radii and widths move each other."""
    set_by = {} if scenario is None else scenario.schedule
    taken = {*set_by, *(ZONES if set(ZONES) & set(set_by) else ())}
    rule = "must not be swept: the schedule sets it, or a radius that it goes with"
    return [Fault(f"axis {n}", rule, n) for axis in axes for n in axis.names if n in taken]


def uninformed_faults(axes: tuple[Axis, ...], scenario: Scenario | None) -> list[Fault]:
    """The fault of axes over a weight of no direction."""
    weighs = any("informed_weight" in axis.names for axis in axes)
    if scenario is None or not weighs:
        return []
    return preference_faults(scenario.preferred_direction, {"informed_weight": 1.0})


def out_of_order(plan: SweepPlan) -> str:
    """How many points are nan and why, in a sentence."""
    n_out = int((~plan.in_order).sum())
    points = "1 point breaks" if n_out == 1 else f"{n_out:,} points break"
    return (
        f"{points} r_repulsion <= r_orientation <= r_attraction: nan in the result; "
        f"the other {plan.grid.n_points - n_out:,} are computed"
    )


def described(prepared: Prepared) -> list[str]:
    """What a sweep will do, a line each: members, parts, memory, devices."""
    plan, machine = prepared.plan, prepared.plan.machine
    axes = " x ".join(f"{len(axis)} {axis.dim}" for axis in plan.grid.axes)
    places = f"{machine.n_devices} {machine.device} device{'s' if machine.n_devices > 1 else ''}"
    if machine.is_cluster:
        places += (
            f" of each of {machine.n_processes} worker{'s' if machine.n_processes > 1 else ''}"
        )
    elif machine.n_processes > 1:
        places += f" in each of {machine.n_processes} processes"
    need = memory_text(plan.working_bytes(prepared.part_sizes))
    n_parts = len(prepared.parts)
    parts = f"{n_parts} part{'s' if n_parts > 1 else ''}"
    lines = [f"{axes} x {plan.grid.replicates} replicates = {plan.grid.n_members:,} members"]
    lines += [] if plan.in_order.all() else [out_of_order(plan)]
    lines.append(f"{plan.n_computed:,} members in {parts} on {places}, {need} each")
    if prepared.n_done:
        lines.append(f"{prepared.n_done:,} of them are there already, from an unfinished sweep")
    if n_damaged := prepared.n_damaged:
        parts = "1 part of it is" if n_damaged == 1 else f"{n_damaged:,} parts of it are"
        lines.append(f"{parts} damaged, and computed anew")
    return lines


def _place_faults(path: Path | None, overwrite: bool) -> list[Fault]:
    if path is None:
        together = jax.process_count() > 1
        rule = "must be given where several processes share a sweep"
        return [Fault("out", rule, None)] if together else []
    # Below, a name that can be had is needed.
    if faults := folder_faults(path):
        return faults
    folder = journal_path(path)
    # Killed after the result was moved into place, a sweep leaves it beside its parts.
    is_left = overwrite or (folder / SETTINGS).exists()
    wrong = finished_faults(path, "choose another", overwrite=is_left)
    return wrong or journal_faults(folder)


def _with_parts(
    plan: SweepPlan, part_size: int | None, path: Path | None, overwrite: bool
) -> Prepared:
    """The plan with its parts; those of an unfinished sweep in the same place go on."""
    own = plan.part_sizes()
    if part_size is not None:
        own = {n_fish: min(part_size, len(m)) for n_fish, m in plan.members.items()}
    fresh = Prepared(plan, own, path, overwrite)
    folder = None if path is None or overwrite else journal_path(path)
    found = None if folder is None else Journal(folder, fresh.settings).found()
    if folder is None or found is None:
        return fresh
    sizes = part_sizes(found)
    resumed = Prepared(plan, sizes, path, overwrite)
    prepared = resumed if part_size is None and set(sizes) == set(own) else fresh
    refuse_another(folder, found, prepared.settings)
    return prepared


def work_of(prepared: Prepared, part: Part) -> Work:
    """All that a part of a prepared sweep is computed from."""
    plan, size = prepared.plan, prepared.part_sizes[part.n_fish]
    scenario = plan.grid.scenario.replaced(n_fish=part.n_fish)
    varied = replace(plan.grid, scenario=scenario).parameters(part.member // plan.grid.replicates)
    return Work(
        machine=plan.machine,
        dtype=plan.dtype,
        seed=scenario.seed,
        member=part.member,
        params=jax.tree.map(np.asarray, scenario.params),
        varied={name: values.astype(plan.dtype) for name, values in varied.items()},
        start=scenario.start,
        window=plan.window,
        schedule=scenario.courses,
        group_distance=plan.group_distance,
        convention=plan.convention,
        keep_final=plan.keep_final,
        part_size=size,
        batch=plan.batch(part.n_fish, -(-size // plan.machine.n_devices)),
    )
