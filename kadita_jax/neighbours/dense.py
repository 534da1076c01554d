"""Every fish against every other, in one fused pass."""

from kadita_jax.geometry import pair_offsets
from kadita_jax.model import Params, State
from kadita_jax.numerics import fused_sum
from kadita_jax.rules import PairTerms, pair_terms


def sum_over_all(state: State, params: Params) -> PairTerms:
    """The pair terms of every fish summed over all others; leaves of shape (N,)."""
    heading = tuple(state.heading.T)
    own = tuple(component[:, None] for component in heading)
    others = tuple(component[None, :] for component in heading)
    offset = pair_offsets(state.position, params.box_size)
    return fused_sum(pair_terms(offset, own, others, params))
