"""Random numbers: those of `jax.random`, to the bit, drawn faster (see `kadita_jax.threefry`)."""

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
    # Without the barrier XLA draws the bits again for every use.
    words = lax.optimization_barrier(random_words(key, shape, jnp.finfo(dtype).bits))
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
    symmetric = jnp.maximum(low, uniform(key, shape, dtype) * (1 - low) + low)
    return info.dtype.type(np.sqrt(2)) * lax.erf_inv(symmetric)
