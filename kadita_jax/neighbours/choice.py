"""Whether a run sums over every pair or over a cell list, and of which capacities."""

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float

from kadita_jax.capacity import FEWEST_COLUMNS, MOST_COLUMNS, CellDemand, CellLayout, roomy
from kadita_jax.cells import FISH_PER_BLOCK, fitting_layout
from kadita_jax.errors import Fault, count_faults, refuse
from kadita_jax.model import Params, State, leaves_faults, reach
from kadita_jax.numerics import on_cpu

NEIGHBOURS = ("auto", "dense", "cells")

Neighbours: TypeAlias = str | CellLayout | None

# Nanoseconds, fitted in bench/cost_model.py: a pair of the dense pass; and of a step with a cell
# list a candidate of a fish, what a fish costs besides, and what a column that holds any does.
DENSE_PAIR, CANDIDATE, LISTED_FISH, COLUMN = 1.1, 2.2, 200.0, 2100.0
# On a GPU the costs are not measured yet. Every pair of so many fish is 2e10 operations there,
# about a millisecond: no more than the many small kernels of a list should take.
FEWEST_ELSEWHERE = 20_000
# A cell list takes longer to compile and suffers where fish gather: it must promise this much.
WORTHWHILE = 2.0


def neighbours_faults(neighbours: Any, state: State, params: Params) -> list[Fault]:
    """Why these neighbours cannot be summed over."""
    if neighbours is None:
        return []
    if isinstance(neighbours, CellLayout):
        return _layout_faults(neighbours, state.n_fish)
    if not isinstance(neighbours, str) or neighbours not in NEIGHBOURS:
        rule = f"must be one of {', '.join(NEIGHBOURS)}, or a CellLayout"
        return [Fault("neighbours", rule, neighbours)]
    return traced_faults(neighbours) if _is_traced((state, params)) else []


def traced_faults(neighbours: Neighbours) -> list[Fault]:
    """Why these neighbours cannot be chosen inside jit, vmap or grad."""
    if neighbours != "cells":
        return []
    rule = "must be a CellLayout inside jit, vmap or grad (see cell_layout)"
    return [Fault("neighbours", rule, neighbours)]


def _layout_faults(layout: CellLayout, n_fish: int) -> list[Fault]:
    faults = count_faults(layout._asdict())
    if faults:
        return faults
    # What no school needs more than, with the room and the coarse sizes of a chosen layout.
    most = {"n_columns": MOST_COLUMNS, "n_blocks": 2 * n_fish + 8, "n_candidates": 8 * n_fish + 8}
    for name, value in layout._asdict().items():
        low = FEWEST_COLUMNS if name == "n_columns" else 1
        if not low <= value <= most[name]:
            faults.append(Fault(name, f"must be >= {low} and <= {most[name]}", value))
    return faults


def chosen_layout(neighbours: Neighbours, state: State, params: Params) -> CellLayout | None:
    """The layout of the cell list that a run starts with; None for every pair."""
    if not isinstance(neighbours, str):
        return neighbours
    if neighbours == "dense" or (neighbours == "auto" and _is_traced((state, params))):
        return None
    if neighbours == "auto":
        radii = radii_in_box(params.box_size, _reach(params))
        if not _is_worthwhile(state.n_fish, radii):
            return None
    return cell_layout(state, params)


def cell_layout(state: State, params: Params) -> CellLayout | None:
    """A cell list for the school as it is, with room to spare.

    For `simulate(..., neighbours=layout)` inside jit, vmap or grad, where none can be chosen;
    `Trajectory.overflow` then tells whether the school outgrew it. Under vmap blocks are computed
    with every one of its sizes, of which the largest keeps half as many candidates again in
    room: with fewer `n_candidates` it is faster, and sooner outgrown.

    **Arguments:**

    - `state`: N fish, concrete.
    - `params`: leaves of shape () or (N,); `box_size` and the largest `r_attraction` count.

    **Returns:** the layout; None in a box of fewer than three attraction radii a side, where every
        pair is the way.

    **Raises:** `InvalidInputError` inside jit, vmap or grad, or where a parameter does not fit the
        state.
    """
    faults = leaves_faults(state, params)
    if _is_traced((state, params)):
        faults.append(
            Fault("state, params", "must be concrete: outside jit, vmap and grad", "traced")
        )
    refuse("no cell layout", faults)
    return fitting_layout(state.position, params.box_size, _reach(params), _most_columns(params))


def grown(layout: CellLayout, demand: CellDemand) -> CellLayout | None:
    """The layout with room for a demand that has exceeded it; None where no list can serve."""
    if demand.n_columns < FEWEST_COLUMNS:
        return None
    wanted = roomy(demand, layout.n_columns)
    return CellLayout(
        layout.n_columns,
        max(layout.n_blocks, wanted.n_blocks),
        max(layout.n_candidates, wanted.n_candidates),
    )


def _reach(params: Params) -> Float[Array, ""]:
    with jax.ensure_compile_time_eval():
        return reach(params)


def _most_columns(params: Params) -> int:
    """A power of two, so that a change of the radius seldom compiles anew.

    In open water the most: a school's extent must not decide what chunks of a run differ in.
    """
    if params.box_size is None:
        return MOST_COLUMNS
    ratio = radii_in_box(params.box_size, _reach(params))
    return min(MOST_COLUMNS, 2 ** math.ceil(math.log2(max(FEWEST_COLUMNS, ratio))))


def radii_in_box(box_size: ArrayLike | None, r_attraction: ArrayLike | Sequence[float]) -> float:
    """How many of the largest radius a side of the box is long; 0 where there is no box."""
    if box_size is None:
        return 0.0
    # Of a radius of 0 any box holds many.
    return float(np.asarray(box_size)) / max(float(np.max(r_attraction)), 1e-30)


def _is_worthwhile(n_fish: int, radii: float) -> bool:
    """Whether a cell list should be faster, were the fish spread evenly.

    Told from the parameters alone, never from where the fish are: a run that is resumed, or
    computed in other parts, must choose the same.
    """
    if n_fish < FEWEST_ELSEWHERE and not on_cpu():
        return False
    return WORTHWHILE * cells_ns(n_fish, radii) < n_fish**2 * DENSE_PAIR


def pairs_of_step(neighbours: str, n_fish: int, radii: float) -> int | float:
    """How many pairs of the dense pass take as long as a step, of so many `radii_in_box`."""
    if neighbours == "cells" or (neighbours == "auto" and _is_worthwhile(n_fish, radii)):
        return min(n_fish**2, cells_ns(n_fish, radii) / DENSE_PAIR)
    return n_fish**2


def cells_ns(n_fish: int, radii: float) -> float:
    """Nanoseconds of a step with a cell list; infinite in a box too small for one, or no box."""
    n_columns = columns_in(radii)
    if n_columns < FEWEST_COLUMNS:
        return math.inf
    work = cells_work(n_fish, n_columns)
    return sum(ns * n for ns, n in zip((CANDIDATE, LISTED_FISH, COLUMN), work, strict=True))


def columns_in(radii: float) -> int:
    """How many columns a side a box of so many radii has; to rounding, so 4.0 may have 3."""
    return min(MOST_COLUMNS, math.floor(radii * (1 - 1e-5)))


def cells_work(n_fish: int, n_columns: int) -> tuple[float, int, float]:
    """What a cell list of so many columns a side has of fish spread evenly.

    Pairs of a fish and a candidate, fish, and columns that hold any.
    """
    in_column = n_fish / n_columns**2
    candidates = 9 * min(in_column, FISH_PER_BLOCK + 2 * in_column / n_columns)
    columns = n_columns**2 * -math.expm1(-in_column)
    # Of a column's blocks the last is half full.
    return (n_fish + columns * FISH_PER_BLOCK / 2) * candidates, n_fish, columns


def _is_traced(tree: Any) -> bool:
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(tree))
