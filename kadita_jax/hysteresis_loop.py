"""Schools led up and down a range of one parameter: what they are depends on where they came from.

Each value is held for a while and the school goes on from where it was. Where the two branches
differ the school remembers: Couzin et al. 2002, J. theor. Biol. 218, 1-11, section 3.2.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from kadita_jax import provenance
from kadita_jax.dataset import open_own
from kadita_jax.errors import Unchecked
from kadita_jax.files import replacing
from kadita_jax.hysteresis_plan import BRANCHES, Loop, settled_loop
from kadita_jax.interruptible import interruptibly
from kadita_jax.journal import Journal, journal_path
from kadita_jax.keys import member_key
from kadita_jax.layout import Variable
from kadita_jax.model import State
from kadita_jax.names import NAMES
from kadita_jax.netcdf import typed
from kadita_jax.scenario import Scenario
from kadita_jax.sweep_layout import coordinates, sweep_variables
from kadita_jax.sweepfile import standard_error
from kadita_jax.sweeping import sweep_members
from kadita_jax.worker import stored

Progress = Callable[[int], None]
Stored = dict[str, np.ndarray]


def hysteresis(
    scenario: Scenario | str | Path,
    parameter: str | Unchecked,
    values: Unchecked,
    *,
    replicates: int | Unchecked = 16,
    n_steps: int | Unchecked = 2000,
    seed: int | Unchecked | None = None,
    measure_every: int | Unchecked = 10,
    burn_in: int | Unchecked | None = None,
    convention: str | Unchecked | None = None,
    group_distance: float | Unchecked | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Lead schools up a range of one parameter and down again, and measure them at every value.

    **Arguments:**

    - `scenario`: a Scenario, the name of a shipped one, or the path of a TOML file.
    - `parameter`: a field of `Params` but dt and box_size, or `orientation_width` (r_attraction
        moves along, so that the attraction width stays) or `attraction_width`.
    - `values`: ascending: a list, an array or "FIRST:LAST:N".
    - `replicates`: schools that go through the loop, each with a start and a noise of its own.
    - `n_steps`: steps at each value, in place of the scenario's.
    - `seed`: replaces the scenario's own.
    - `measure_every`, `burn_in`: measured are the steps at each value that `sweep` would measure:
        by default every tenth of the second half.
    - `convention`, `group_distance`: as in `sweep`.
    - `out`: path of a NetCDF file. Stages are saved in OUT.parts on the way: the same call goes on
        with a killed one.
    - `overwrite`: whether an existing OUT, or the parts of an unfinished loop, may be replaced.
    - `progress`: called with the number of values done, up and down.

    **Returns:** an `xarray.Dataset` with dims `branch` ("up", "down"), the parameter and
    `replicate`: <metric>_mean, _std and _final, and _standard_error over the replicates. The
    highest value is held twice, at the end of one branch and at the beginning of the other.

    **Raises:** `InvalidInputError` with every fault before anything runs; OSError when the disk or
    its permissions fail.
    """
    loop = settled_loop(
        scenario,
        parameter,
        values,
        changes={"seed": seed},
        replicates=replicates,
        n_steps=n_steps,
        measure_every=measure_every,
        burn_in=burn_in,
        convention=convention,
        group_distance=group_distance,
        out=out,
        overwrite=overwrite,
    )
    return gone_through(loop, progress)


def gone_through(loop: Loop, progress: Progress | None = None) -> xr.Dataset:
    """The Dataset of a settled loop, in its file if it has a path."""
    if loop.path is None:
        return _result(loop, list(_stages(loop, None, progress)))
    journal = Journal(journal_path(loop.path), loop.settings)
    with _begun(journal, loop):
        dataset = _result(loop, list(_stages(loop, journal, progress)))
        with replacing(loop.path) as partial_file:
            dataset.to_netcdf(partial_file, engine="netcdf4")
        journal.remove()
    return open_own(loop.path)


@contextmanager
def _begun(journal: Journal, loop: Loop) -> Iterator[None]:
    with journal.held():
        if loop.overwrite:
            journal.remove()
        journal.begin()
        try:
            yield
        finally:
            if not journal.present():
                journal.remove()


def _stages(loop: Loop, journal: Journal | None, progress: Progress | None) -> Iterator[Stored]:
    """What is found at each stage, that of an earlier call or computed from the stage before."""
    done = set() if journal is None else journal.present()
    state = None
    for stage in range(len(loop.stages)):
        if journal is not None and stage in done:
            found = journal.read(stage)
        else:
            start = _starts(loop) if state is None else state
            found = interruptibly(_computed, loop, stage, start)
            if journal is not None:
                journal.write(stage, found)
        place = jnp.asarray(found["final_position"]), jnp.asarray(found["final_heading"])
        state = jax.vmap(State)(*place)
        if progress is not None:
            progress(stage + 1)
        yield found


def _computed(loop: Loop, stage: int, state: State) -> Stored:
    plan, scenario = loop.plan, loop.plan.grid.scenario
    share = -(-loop.replicates // jax.local_device_count())
    outcome = sweep_members(
        jax.random.key(scenario.seed),
        np.arange(loop.replicates),
        scenario.params,
        loop.parameters(stage),
        state,
        plan.window,
        first_step=stage * plan.window.n_steps,
        group_distance=plan.group_distance,
        convention=plan.convention,
        keep_final=True,
        batch=plan.batch(scenario.n_fish, share),
    )
    return stored(outcome)


def _starts(loop: Loop) -> State:
    """The schools at the first step, as a sweep would start its members."""
    scenario = loop.plan.grid.scenario
    key = jax.random.key(scenario.seed)
    # One by one: a compiled loop over them rounds differently.
    keys = [member_key(key, number) for number in range(loop.replicates)]
    schools = map(scenario.initial_state, keys)
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *schools)


def _result(loop: Loop, found: list[Stored]) -> xr.Dataset:
    """All stages as one Dataset, the falling branch turned round to stand beside the rising."""
    plan, dims = loop.plan, ("branch", loop.axis.dim, "replicate")
    n_values, about = len(loop.axis), sweep_variables(plan)
    series: dict[str, tuple] = {}
    for name in (n for n in about if n in found[0] and not n.startswith("final_")):
        stages = np.stack([stage[name] for stage in found])
        both = np.stack([stages[:n_values], stages[n_values:][::-1]])
        series[name] = (dims, both, _attributes(about[name], both.dtype.name))
    for name in (*NAMES, *plan.more_names):
        error, mean = f"{name}_standard_error", series[f"{name}_mean"][1].astype(float)
        series[error] = (dims[:-1], standard_error(mean), dict(about[error].attributes))
    dataset = xr.Dataset(series, _coordinates(loop))
    for name in dataset.variables:
        # nan is a value here.
        dataset[name].encoding["_FillValue"] = None
    # The CF checker does not read strings of variable length.
    dataset["branch"].encoding["dtype"] = "S1"
    return dataset.assign_attrs(provenance.loop_attributes(plan))


def _attributes(variable: Variable, dtype: str) -> dict[str, Any]:
    return {name: typed(value, dtype) for name, value in variable.attributes.items()}


def _coordinates(loop: Loop) -> dict[str, tuple]:
    values = {loop.axis.dim: loop.axis.values[0], "replicate": np.arange(loop.replicates)}
    about = coordinates(loop.plan)
    branch = {"long_name": "whether the parameter rises or falls from value to value"}
    return {"branch": ("branch", list(BRANCHES), branch)} | {
        name: (name, column, dict(about[name].attributes)) for name, column in values.items()
    }
