"""Every fish against every other."""

from jaxtyping import Array, Float

from kadita_jax.blocks import map_rows
from kadita_jax.geometry import Components, components, pair_offsets, per_component
from kadita_jax.model import Params, State, own_values, with_values
from kadita_jax.numerics import fused_sum
from kadita_jax.rules import FLOATS_PER_PAIR, PairTerms, pair_terms
from kadita_jax.shares import WHOLE, Share

# What a block of rows needs of its own fish: position, heading, its parameters.
Rows = tuple[Components, Components, dict[str, Float[Array, " rows"]]]


def sum_over_all(state: State, params: Params, share: Share = WHOLE) -> PairTerms:
    """The pair terms of every fish summed over all others; leaves of shape (N,).

    In blocks of fish, so that the memory grows with N, not with its square.
    """
    places, headings = components(state.position), components(state.heading)
    theirs = per_component(lambda u: u[None, :], headings)

    def of(rows: Rows) -> PairTerms:
        place, heading, values = rows
        offset = pair_offsets(place, places, params.box_size)
        own = per_component(lambda u: u[:, None], heading)
        return fused_sum(pair_terms(offset, own, theirs, with_values(params, values)))

    rows = share.own((places, headings, own_values(params)))
    return share.gathered(map_rows(of, rows, FLOATS_PER_PAIR * state.n_fish))
