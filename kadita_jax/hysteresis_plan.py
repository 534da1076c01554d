"""A hysteresis loop settled before it starts: its values up and down, its schools, its window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from kadita_jax import provenance
from kadita_jax.axes import Axis, read_axes
from kadita_jax.errors import Fault, InvalidInputError, Unchecked, count_faults, refuse
from kadita_jax.grid import Grid
from kadita_jax.knots import LAST_STEP
from kadita_jax.metrics.convention import chosen_convention, convention_faults
from kadita_jax.observed import chosen_distance, group_distance_faults
from kadita_jax.plan import default_dtype, finished_faults, folder_faults
from kadita_jax.prepare import uninformed_faults
from kadita_jax.scenario import Scenario, loaded
from kadita_jax.sweep_plan import SweepPlan, plan_faults
from kadita_jax.window import settings_faults, window_of

BRANCHES = ("up", "down")
# What a loop cannot go through: these belong to a whole run, or are another program each.
NOT_A_LOOP = ("dt", "box_size", "n_fish")


@dataclass(frozen=True)
class Loop:
    """A loop settled in every detail: stage after stage at one value each, up and down again.

    **Attributes:**

    - `plan`: a sweep over the values, whose window is that of one stage.
    - `path`: of the result; None keeps it in memory.
    """

    plan: SweepPlan
    path: Path | None
    overwrite: bool

    @property
    def axis(self) -> Axis:
        """The parameter and its values, ascending."""
        return self.plan.grid.axes[0]

    @property
    def replicates(self) -> int:
        """How many schools go through the loop."""
        return self.plan.grid.replicates

    @cached_property
    def stages(self) -> np.ndarray:
        """The number of the value at each stage, the highest twice: it ends one branch and begins
        the other."""
        up = np.arange(len(self.axis))
        return np.concatenate([up, up[::-1]])

    @property
    def n_steps(self) -> int:
        """How many steps a school takes in all."""
        return len(self.stages) * self.plan.window.n_steps

    def parameters(self, stage: int) -> dict[str, np.ndarray]:
        """The fields of Params that differ from the scenario's at a stage, a row each school."""
        found = self.plan.grid.parameters(self.stages[stage : stage + 1])
        return {name: np.repeat(values, self.replicates, axis=0) for name, values in found.items()}

    @property
    def settings(self) -> dict[str, Any]:
        """What a loop that is continued must share with the one that was begun."""
        sizes = {self.plan.grid.scenario.n_fish: self.replicates}
        return {"study": "hysteresis"} | provenance.sweep_settings(self.plan, sizes)


def settled_loop(
    scenario: Scenario | str | Path,
    parameter: str | Unchecked,
    values: Unchecked,
    *,
    changes: Mapping[str, Unchecked],
    replicates: int | Unchecked,
    n_steps: int | Unchecked,
    measure_every: int | Unchecked,
    burn_in: int | Unchecked | None,
    convention: str | Unchecked | None,
    group_distance: float | Unchecked | None,
    out: str | Path | None,
    overwrite: bool,
    known: Sequence[Fault] = (),
) -> Loop:
    """Settle a loop; the arguments are those of `kadita_jax.hysteresis`, and

    - `changes`: fields of the scenario to replace; None changes nothing.
    - `known`: what the caller has found wrong already, told with the rest.

    **Raises:** `InvalidInputError` with every fault of every argument.
    """
    path, faults = None if out is None else Path(out), list(known)
    # Steps are counted for each value, and a loop saves no frames.
    found = loaded(scenario, {**changes, "n_steps": 1, "save_every": 1}, faults)
    axes, wrong = _read_values(parameter, values)
    faults += wrong + count_faults({"replicates": replicates, "n_steps": n_steps})
    faults += convention_faults(convention) + group_distance_faults(group_distance)
    known_steps = None if count_faults({"n_steps": n_steps}) else int(n_steps)
    faults += settings_faults(known_steps, measure_every, burn_in) + _place_faults(path, overwrite)
    if found is not None and found.schedule:
        faults.append(Fault("schedule", "must be empty: a loop has a course of its own", "one"))
    faults += uninformed_faults(axes, found)
    if found is None or faults:
        raise InvalidInputError("cannot go through a loop", faults)
    plan = SweepPlan(
        Grid(found.replaced(n_steps=known_steps), axes, int(replicates)),
        window_of(known_steps, measure_every, burn_in),
        chosen_convention(convention, found.box_size),
        default_dtype(),
        keep_final=True,
        group_distance=chosen_distance(group_distance, found.box_size),
    )
    loop = Loop(plan, path, overwrite)
    refuse(f"cannot go through a loop of {found.name!r}", _loop_faults(loop))
    return loop


def _read_values(parameter: Unchecked, values: Unchecked) -> tuple[tuple[Axis, ...], list[Fault]]:
    """The one axis of a loop, ascending."""
    if parameter in NOT_A_LOOP:
        rule = f"must not be {', '.join(NOT_A_LOOP)}: a school keeps these"
        return (), [Fault("parameter", rule, parameter)]
    axes, faults = read_axes({parameter: values})
    faults = [replace(f, field=f.field.replace("axis ", "parameter ")) for f in faults]
    if faults:
        return (), faults
    if np.any(np.diff(axes[0].values[0]) <= 0):
        rule = "must rise: up is the branch of rising values"
        return (), [Fault(f"parameter {parameter}", rule, values)]
    return axes, []


def _place_faults(path: Path | None, overwrite: bool) -> list[Fault]:
    if path is None:
        return []
    return folder_faults(path) or finished_faults(path, "choose another", overwrite=overwrite)


def _loop_faults(loop: Loop) -> list[Fault]:
    if not loop.plan.in_order.all():
        rule = "must keep r_repulsion <= r_orientation <= r_attraction at every value"
        wrong = loop.axis.values[0][~loop.plan.in_order]
        return [Fault(f"parameter {loop.axis.dim}", rule, wrong.tolist())]
    faults = plan_faults(loop.plan, n_steps=loop.n_steps)
    if loop.n_steps > LAST_STEP:
        rule = f"must make at most {LAST_STEP} steps over all values"
        faults.append(Fault("n_steps", rule, loop.plan.window.n_steps))
    return faults
