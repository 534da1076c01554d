"""The file of a finished sweep, written from its parts a block of the grid at a time."""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from kadita_jax.files import replacing
from kadita_jax.journal import Journal
from kadita_jax.names import NAMES, STATES
from kadita_jax.netcdf import create_variable, telling_of_a_full_disk
from kadita_jax.provenance import sweep_attributes
from kadita_jax.sweep_layout import MEANINGS, coordinate_values, coordinates, sweep_variables
from kadita_jax.sweep_plan import Part, SweepPlan

# Members held at once: a sweep of any size is written in the memory of one slab.
SLAB_MEMBERS = 2**13

Arrays = dict[str, np.ndarray]


def write_sweep(path: Path, plan: SweepPlan, parts: list[Part], journal: Journal) -> None:
    """Write a sweep's file from the parts of its journal, under its final name when whole."""
    with replacing(path) as partial:
        # Opened by Python first, which says why it cannot be.
        partial.open("wb").close()
        with telling_of_a_full_disk(partial), netCDF4.Dataset(partial, "w") as handle:
            _define(handle, plan)
            for place, slab in _slabs(plan, parts, journal):
                for name, values in slab.items():
                    handle[name][place] = values
            handle.setncatts(sweep_attributes(plan, _members_by(parts, journal)))


def _define(handle: netCDF4.Dataset, plan: SweepPlan) -> None:
    sizes = dict(zip(plan.grid.dims, plan.grid.shape, strict=True))
    if plan.keep_final:
        sizes |= {"fish": max(plan.members), "space": 3}
    for name, size in sizes.items():
        handle.createDimension(name, size)
    for name, variable in (coordinates(plan) | sweep_variables(plan)).items():
        create_variable(handle, name, variable, plan.dtype)
    values = coordinate_values(plan)
    for name in coordinates(plan):
        kind = object if name == "space_label" else None
        handle[name][:] = np.array(values[name], kind)


def _slabs(plan: SweepPlan, parts: list[Part], journal: Journal) -> Iterator[tuple[tuple, Arrays]]:
    """The variables, a block of the grid after another."""
    read = lru_cache(maxsize=4)(journal.read)
    for place, first, shape in _blocks(plan.grid.shape):
        flat = _gather(plan, parts, read, first, first + prod(shape))
        slab = {name: v.reshape(*shape, *v.shape[1:]) for name, v in flat.items()}
        yield place, slab | _over_replicates(slab, (*NAMES, *plan.more_names))


def _blocks(shape: tuple[int, ...]) -> Iterator[tuple[tuple, int, tuple[int, ...]]]:
    """Where each block lies, its first member and its shape: neighbours in C order, whole points.

    Rows of the first axis, or, where one row alone is more than a slab, of a later one.
    """
    # The last dimension, the replicates, is never cut: sums over them are made here.
    axes = range(len(shape) - 1)
    axis = next((k for k in axes if prod(shape[k + 1 :]) <= SLAB_MEMBERS), axes[-1])
    inner = prod(shape[axis + 1 :])
    n_rows = max(1, SLAB_MEMBERS // inner)
    for number, leading in enumerate(np.ndindex(shape[:axis])):
        for row in range(0, shape[axis], n_rows):
            rows = slice(row, min(row + n_rows, shape[axis]))
            first = (number * shape[axis] + row) * inner
            yield (*leading, rows), first, (rows.stop - row, *shape[axis + 1 :])


def _gather(plan: SweepPlan, parts: list[Part], read: Any, first: int, last: int) -> Arrays:
    """The members from number `first` to before `last`, those not computed as nan and -1."""
    n_members = last - first
    names = [f"{name}_{kind}" for name in (*NAMES, *plan.more_names) for kind in MEANINGS]
    found: Arrays = {name: np.full(n_members, np.nan, plan.dtype) for name in names}
    found |= {"state": np.full(n_members, -1, np.int8), "valid": np.zeros(n_members, np.int8)}
    if plan.keep_final:
        unknown = np.full((n_members, max(plan.members), 3), np.nan, plan.dtype)
        found |= {"final_position": unknown, "final_heading": unknown.copy()}
    for number, part in enumerate(parts):
        inside = (part.member >= first) & (part.member < last)
        if inside.any():
            _place(found, part.member[inside] - first, read(number), inside, part.n_fish)
    return found | {"member": np.arange(first, last)}


def _place(
    found: Arrays, places: np.ndarray, stored: Arrays, inside: np.ndarray, n_fish: int
) -> None:
    found["valid"][places] = 1
    for name, values in stored.items():
        if values.ndim == 3:
            found[name][places, :n_fish] = values[inside]
        elif name in found:
            found[name][places] = values[inside]


def _members_by(parts: list[Part], journal: Journal) -> Counter[str]:
    """How many members were computed with what."""
    counts = Counter[str]()
    for number, part in enumerate(parts):
        counts[str(journal.read(number, "computed_with")["computed_with"])] += len(part.member)
    return counts


def _over_replicates(slab: Arrays, names: tuple[str, ...]) -> Arrays:
    """The standard error of each mean, and the share of each state."""
    found = {}
    for name in names:
        mean = slab[f"{name}_mean"].astype(float)
        found[f"{name}_standard_error"] = standard_error(mean)
    computed = slab["valid"].all(axis=-1)
    for number, name in enumerate(STATES):
        share = (slab["state"] == number).mean(axis=-1)
        found[f"{name}_fraction"] = np.where(computed, share, np.nan)
    return found


def standard_error(means: np.ndarray) -> np.ndarray:
    """Of the mean over replicates, the last axis; nan of one, which has no spread."""
    n_replicates = means.shape[-1]
    divisor = n_replicates * (n_replicates - 1) or np.nan
    deviation = means - means.mean(axis=-1, keepdims=True)
    return np.sqrt((deviation**2).sum(axis=-1) / divisor)
