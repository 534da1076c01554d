"""Every fish against every other, in one fused pass."""

from jaxtyping import Array, Float

from kadita_jax.geometry import BoxSize, shortest
from kadita_jax.model import Params, State
from kadita_jax.numerics import fused_sum
from kadita_jax.rules import Components, PairTerms, pair_terms


def sum_over_all(state: State, params: Params) -> PairTerms:
    """The pair terms of every fish summed over all others; leaves of shape (N,)."""
    heading = tuple(state.heading.T)
    own = tuple(component[:, None] for component in heading)
    others = tuple(component[None, :] for component in heading)
    offset = pair_offsets(state.position, params.box_size)
    return fused_sum(pair_terms(offset, own, others, params))


def pair_offsets(position: Float[Array, "fish 3"], box_size: BoxSize) -> Components:
    """Components (N, N) of the shortest offset from fish i (row) to fish j (column)."""
    x, y, z = (shortest(c[None, :] - c[:, None], box_size) for c in position.T)
    return x, y, z
