"""Where a result came from: settings, seed, versions and device, as attributes of its file."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import jax.numpy as jnp
import numpy as np

import kadita_jax
from kadita_jax.errors import Fault
from kadita_jax.machine import SAME_PROGRAM, Machine, computed_with, this_machine
from kadita_jax.parameters import OPEN, PARAMETERS
from kadita_jax.scenario import Scenario
from kadita_jax.sweep_plan import SweepPlan

REFERENCES = (
    "Herho et al., dewi-kadita, arXiv:2602.07948; "
    "Couzin et al. (2002), J. theor. Biol. 218, 1-11, doi:10.1006/jtbi.2002.3065"
)

# What must be as it was for a stored run to go on with the same bits.
SAME_BITS = ("dtype", "prng_implementation", "prng_partitionable")
# What a file tells of the machine.
RELEASES = ("kadita_jax_version", "jax_version", "numpy_version", "python_version")
TOLD = ("device", "backend", "processor", "prng_implementation", "prng_partitionable", *RELEASES)


def attributes(
    scenario: Scenario,
    convention: str,
    dtype: str,
    group_distance: float | None = None,
    *,
    first_step: int = 0,
    history: str = "",
) -> dict[str, Any]:
    """Every global attribute of a run's file.

    The history gains a line: which steps, from `first_step` on, are computed with what.
    """
    stretch = f"{_now()} steps {first_step} to {scenario.n_steps} by {computed_with()}"
    told = {"history": f"{history}\n{stretch}".strip()}
    counts = {"save_every": scenario.save_every}
    settings = _settings(scenario, convention, group_distance) | counts
    return _about(scenario) | told | settings | _machine(dtype, this_machine())


def sweep_attributes(plan: SweepPlan, members_by: Mapping[str, int]) -> dict[str, Any]:
    """Every global attribute of a sweep's file.

    **Arguments:**

    - `members_by`: how many members were computed with what, in the words of `computed_with`.
    """
    scenario, grid = plan.grid.scenario, plan.grid
    lines = [f"{_now()} {count} members by {words}" for words, count in members_by.items()]
    settings = _settings(scenario, plan.convention, plan.group_distance)
    moved = {"n_fish", *grid.swept(np.zeros(1, int)), *grid.parameters(np.zeros(1, int))}
    fixed = {k: v for k, v in settings.items() if k not in moved}
    fixed |= {} if "n_fish" in grid.swept(np.zeros(1, int)) else {"n_fish": scenario.n_fish}
    window = {"measure_every": plan.window.every, "burn_in": plan.window.burn_in}
    title = f"Sweep of {' and '.join(grid.swept(np.zeros(1, int)))}: {scenario.name}"
    about = _about(scenario) | {"title": title, "history": "\n".join(lines)}
    extent = {"axes": " ".join(grid.dims[:-1]), "replicates": grid.replicates}
    return about | extent | fixed | window | _machine(plan.dtype, plan.machine)


def loop_attributes(plan: SweepPlan) -> dict[str, Any]:
    """Every global attribute of a hysteresis loop's file."""
    name, window = plan.grid.axes[0].dim, plan.window
    about = sweep_attributes(plan, {computed_with(): plan.grid.n_members})
    title = f"Hysteresis over {name}: {plan.grid.scenario.name}"
    return about | {"title": title, "parameter": name, "n_steps": window.n_steps}


def sweep_settings(plan: SweepPlan, part_sizes: Mapping[int, int]) -> dict[str, Any]:
    """What two sweeps must share for their parts to be each other's, to the bit."""
    scenario = plan.grid.scenario.model_dump(mode="json", exclude={"title", "save_every"})
    axes = {
        f"axis {name}": values.tolist()
        for axis in plan.grid.axes
        for name, values in zip(axis.names, axis.values, strict=True)
    }
    return {
        "axes": plan.grid.dims[:-1],
        **axes,
        "replicates": plan.grid.replicates,
        **scenario,
        "measure_every": plan.window.every,
        "burn_in": plan.window.burn_in,
        "convention": plan.convention,
        "group_distance": plan.group_distance,
        "keep_final": plan.keep_final,
        "part_size": {str(n_fish): size for n_fish, size in part_sizes.items()},
        "dtype": plan.dtype,
        **{name: getattr(plan.machine, name) for name in SAME_PROGRAM},
    }


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def faults(found: dict[str, Any]) -> list[Fault]:
    """Why a file's run cannot be continued here with the same bits."""
    # A sweep's file holds all of these but save_every.
    needed = ("scenario", "convention", "save_every", *SAME_BITS)
    missing = [name for name in needed if name not in found]
    if missing:
        rule = "must be a run of kadita_jax; these attributes are missing"
        return [Fault("file", rule, ", ".join(missing))]
    now = _machine(jnp.result_type(float).name, this_machine())
    return [
        Fault(name, f"must equal the file's {found[name]!r} for the same bits", now[name])
        for name in SAME_BITS
        if str(found[name]) != str(now[name])
    ]


def _about(scenario: Scenario) -> dict[str, Any]:
    return {
        "Conventions": "CF-1.11",
        "title": scenario.title or f"A school of {scenario.n_fish} fish: {scenario.name}",
        "institution": "not stated",
        "source": f"kadita_jax {kadita_jax.__version__}, Couzin zone model of fish schooling",
        "references": REFERENCES,
        "comment": "lengths in body lengths (bl), angles in radians except blind_angle in degrees",
    }


def _settings(
    scenario: Scenario, convention: str, group_distance: float | str | None
) -> dict[str, Any]:
    counts = {name: getattr(scenario, name) for name in ("n_fish", "n_steps")}
    fixed = [name for name in PARAMETERS if name not in scenario.courses]
    parameters = {name: getattr(scenario, name) for name in fixed}
    box_size = OPEN if scenario.box_size is None else scenario.box_size
    more = {
        "preferred_direction": np.ravel(scenario.preferred_direction or ()),
        "schedule": json.dumps(scenario.courses) if scenario.courses else None,
        "group_distance": group_distance,
    }
    return {
        "scenario_name": scenario.name,
        "scenario": scenario.to_toml(),
        "seed": scenario.seed,
        **counts,
        **parameters,
        "box_size": box_size,
        "rules": scenario.rules,
        "convention": convention,
        **{name: value for name, value in more.items() if value is not None and np.size(value)},
    }


def _machine(dtype: str, machine: Machine) -> dict[str, Any]:
    return {"dtype": dtype, **{name: getattr(machine, name) for name in TOLD}}
