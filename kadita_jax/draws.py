"""Random numbers: those of `jax.random`, to the bit, drawn faster (see `kadita_jax.threefry`)."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from kadita_jax.threefry import RandomKey, random_words


def uniform(
    key: RandomKey, shape: tuple[int, ...], dtype: jax.typing.DTypeLike
) -> Float[Array, "..."]:
    """Independent draws from [0, 1): the bits of `jax.random.uniform(key, shape, dtype)`."""
    words = random_words(key, shape, jnp.finfo(dtype).bits)
    info = np.finfo(dtype)
    one = np.ones((), dtype).view(words.dtype)
    mantissa = (words >> (info.bits - info.nmant)) | one
    return lax.bitcast_convert_type(mantissa, dtype) - 1


def normal(
    key: RandomKey, shape: tuple[int, ...], dtype: jax.typing.DTypeLike
) -> Float[Array, "..."]:
    """Independent draws of N(0, 1): the bits of `jax.random.normal(key, shape, dtype)`."""
    info = np.finfo(dtype)
    low = np.nextafter(info.dtype.type(-1), info.dtype.type(0))
    in_row = uniform(key, (math.prod(shape),), dtype)
    symmetric = jnp.maximum(low, in_row * (1 - low) + low)
    # Without the barrier XLA takes the inverse again for every use.
    draws = lax.optimization_barrier(info.dtype.type(np.sqrt(2)) * lax.erf_inv(symmetric))
    return draws.reshape(shape)
