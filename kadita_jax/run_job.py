"""`kadita run`: check all, begin to compile, and only then load what saves and shows."""

from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

from kadita_jax.ahead import begun_ahead
from kadita_jax.errors import refuse
from kadita_jax.job_checks import folder_faults, of_each, repeat_faults, use_dtype
from kadita_jax.metrics.convention import convention_faults
from kadita_jax.observed import group_distance_faults
from kadita_jax.parts import programs, shape
from kadita_jax.plan import Plan, plan_faults, settle, taken_faults
from kadita_jax.scenario import CANONICAL, Scenario, load_scenario


def run_all(
    names: list[str] | None,
    changes: dict[str, Any],
    draw: Callable[[Path], Future[bool]],
    *,
    out: Path,
    dtype: str,
    convention: str | None,
    group_distance: Any,
    overwrite: bool,
) -> None:
    """Run scenarios into a folder, each with its tables and picture, and show the paper's table.

    `draw` begins the picture of a run's file, as `kadita_jax.artist.drawing_aside` gives it.
    """
    misplaced = folder_faults(out)
    faults = use_dtype(dtype) + convention_faults(convention) + misplaced
    faults += group_distance_faults(group_distance)

    def load(name: str) -> Scenario:
        return load_scenario(name).replaced(**changes)

    scenarios = of_each(names or CANONICAL, load, faults)
    targets = {scenario.name: out / f"{scenario.name}.nc" for scenario in scenarios}
    faults += repeat_faults("NAME", [scenario.name for scenario in scenarios])
    for scenario in scenarios:
        faults += plan_faults(settle(scenario, convention, group_distance))
        if not misplaced:
            faults += taken_faults(targets[scenario.name], overwrite=overwrite)
    refuse("cannot run", faults)
    out.mkdir(parents=True, exist_ok=True)
    plans = {
        targets[scenario.name]: settle(scenario, convention, group_distance)
        for scenario in scenarios
    }
    works = dict(zip(plans, _programs(plans.values()), strict=True))
    with begun_ahead(works) as wait_for:
        # What saves and shows takes long to import: nothing needs it while programs compile.
        from kadita_jax import jobs, study

        options = {"convention": convention, "group_distance": group_distance}
        run = partial(study.run, **options, overwrite=overwrite)
        jobs.run_each(plans, wait_for, draw, run)


def _programs(plans: Iterable[Plan]) -> list[list[Callable[[], object]]]:
    """What to compile for each plan: plans of one shape share it, and compute it once."""
    of_shape: dict[Hashable, list[Callable[[], object]]] = {}
    return [of_shape.setdefault(shape(plan), programs(plan)) for plan in plans]
