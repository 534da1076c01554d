"""Whether a run sums over every pair or over a cell list, and of which capacities."""

import math
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from kadita_jax.capacity import FEWEST_COLUMNS, MOST_COLUMNS, CellDemand, CellLayout, roomy
from kadita_jax.cells import FISH_PER_BLOCK, fitting_layout
from kadita_jax.errors import Fault, count_faults, refuse
from kadita_jax.model import Params, State, leaves_faults

NEIGHBOURS = ("auto", "dense", "cells")

Neighbours: TypeAlias = str | CellLayout | None

# Nanoseconds, measured in bench/scaling.py on one core: a pair of the dense pass; a candidate of
# the cell list, with the room that it keeps; what the list costs a fish besides.
DENSE_PAIR, CANDIDATE, LISTED_FISH = 1.1, 1.9, 250.0
# A cell list takes longer to compile and suffers where fish gather: it must promise this much.
WORTHWHILE = 2.0


def neighbours_faults(neighbours: Any, state: State, params: Params) -> list[Fault]:
    """Why these neighbours cannot be summed over."""
    if neighbours is None:
        return []
    if isinstance(neighbours, CellLayout):
        return _layout_faults(neighbours)
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


def _layout_faults(layout: CellLayout) -> list[Fault]:
    faults = count_faults(layout._asdict())
    if not faults and not FEWEST_COLUMNS <= layout.n_columns <= MOST_COLUMNS:
        rule = f"must be >= {FEWEST_COLUMNS} and <= {MOST_COLUMNS}"
        faults.append(Fault("n_columns", rule, layout.n_columns))
    return faults


def chosen_layout(neighbours: Neighbours, state: State, params: Params) -> CellLayout | None:
    """The layout of the cell list that a run starts with; None for every pair."""
    if not isinstance(neighbours, str):
        return neighbours
    wanted = neighbours == "cells" or (neighbours == "auto" and _is_worthwhile(state, params))
    return cell_layout(state, params) if wanted else None


def cell_layout(state: State, params: Params) -> CellLayout | None:
    """A cell list for the school as it is, with room to spare.

    For `simulate(..., neighbours=layout)` inside jit, vmap or grad, where none can be chosen;
    `Trajectory.overflow` then tells whether the school outgrew it.

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
    with jax.ensure_compile_time_eval():
        radius = jnp.max(params.r_attraction)
    return fitting_layout(state.position, params.box_size, radius, _most_columns(params))


def grown(layout: CellLayout, demand: CellDemand) -> CellLayout:
    """The layout with room for a demand that has exceeded it."""
    wanted = roomy(demand, layout.n_columns)
    return CellLayout(
        layout.n_columns,
        max(layout.n_blocks, wanted.n_blocks),
        max(layout.n_candidates, wanted.n_candidates),
    )


def _most_columns(params: Params) -> int:
    """A power of two, so that a change of the radius seldom compiles anew.

    In open water the most: a school's extent must not decide what chunks of a run differ in.
    """
    if params.box_size is None:
        return MOST_COLUMNS
    ratio = float(params.box_size) / _reach(params)
    return min(MOST_COLUMNS, 2 ** math.ceil(math.log2(max(FEWEST_COLUMNS, ratio))))


def _is_worthwhile(state: State, params: Params) -> bool:
    """Whether a cell list should be faster, were the fish spread evenly.

    Told from the parameters alone, never from where the fish are: a run that is resumed, or
    computed in other parts, must choose the same.
    """
    if params.box_size is None or _is_traced((state, params)):
        return False
    n_fish, box_size = state.n_fish, float(params.box_size)
    # A whole number of radii in the box, to rounding, makes one column less.
    n_columns = min(MOST_COLUMNS, math.floor(box_size / _reach(params) * (1 - 1e-5)))
    if n_columns < FEWEST_COLUMNS:
        return False
    listed = listed_pairs(n_fish, n_columns) * CANDIDATE + n_fish * LISTED_FISH
    return WORTHWHILE * listed < n_fish**2 * DENSE_PAIR


def listed_pairs(n_fish: int, n_columns: int) -> float:
    """How many pairs a cell list of so many columns a side holds of fish spread evenly."""
    in_column = n_fish / n_columns**2
    candidates = 9 * min(in_column, FISH_PER_BLOCK + 2 * in_column / n_columns)
    rows = n_fish + n_columns**2 * FISH_PER_BLOCK / 2
    return rows * candidates


def _reach(params: Params) -> float:
    """The largest radius; where it is 0 one that any box holds many of."""
    return max(float(np.max(params.r_attraction)), 1e-30)


def _is_traced(tree: Any) -> bool:
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(tree))
