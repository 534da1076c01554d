"""Every fish against those that a cell list holds near it."""

import jax
from jaxtyping import Array, Float

from kadita_jax.candidates import map_blocks, pairs
from kadita_jax.capacity import CellDemand, CellLayout
from kadita_jax.cells import Blocks, arrange
from kadita_jax.geometry import components, per_component
from kadita_jax.model import Params, State, own_values, reach, with_values
from kadita_jax.numerics import computed_once, fused_sum
from kadita_jax.rules import FLOATS_PER_PAIR, PairTerms, pair_terms
from kadita_jax.shares import WHOLE, Share


def sum_over_near(
    state: State,
    params: Params,
    layout: CellLayout,
    radius: Float[Array, ""] | None = None,
    share: Share = WHOLE,
) -> tuple[PairTerms, CellDemand]:
    """The pair terms of every fish summed over those near it, and what the cell list demands.

    The sums are right only where the demand does not exceed the layout. Cells are as wide as the
    radius, which no fish may see beyond: by default as wide as the fish see.
    """
    box_size, radius = params.box_size, reach(params) if radius is None else radius
    cells, demand = arrange(state.position, box_size, radius, layout, share)
    headings = components(state.heading[cells.fish])
    values = {name: leaf[cells.fish] for name, leaf in own_values(params).items()}

    def of(n_candidates: int, blocks: Blocks) -> PairTerms:
        own, other, offset = pairs(cells.place, blocks, box_size, n_candidates)
        mine = per_component(lambda u: computed_once(u[own])[:, :, None], headings)
        theirs = per_component(lambda u: computed_once(u[other])[:, None, :], headings)
        near = with_values(params, {name: leaf[own] for name, leaf in values.items()})
        return fused_sum(pair_terms(offset, mine, theirs, near))

    total = share.collected(map_blocks(of, cells.blocks, layout, FLOATS_PER_PAIR))
    return jax.tree.map(lambda leaf: leaf.ravel()[cells.slot], total), demand
