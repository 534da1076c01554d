"""jax's default random generator, written out: the same bits, sooner compiled and drawn.

jax compiles it on CPU as a rolled loop, which XLA does not vectorise (40 ns a number against 7)
and which takes a dozen kernels a call. Keys of another generator are left to jax itself.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer
from jaxtyping import Array, Int, Key, UInt, UInt32

RandomKey = Key[Array, ""] | UInt32[Array, "2"]
Words = UInt32[Array | np.ndarray, "..."]

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = 0x1BD11BDA
NAME = "threefry2x32"


def random_words(key: RandomKey, shape: tuple[int, ...], width: int) -> UInt[Array, "..."]:
    """Independent words of 32 or 64 random bits: those of `jax.random.bits`."""
    if not (_is_threefry(key) and jax.config.jax_threefry_partitionable):  # type: ignore[attr-defined]
        return jax.random.bits(key, shape, f"uint{width}")
    # In one row: a loop over the last of several axes, often a short one, compiles twice as long.
    counter = lax.iota(jnp.uint32, math.prod(shape))
    high, low = _encrypt(jax.random.key_data(key), jnp.zeros_like(counter), counter)
    words = high ^ low if width == 32 else high.astype(jnp.uint64) << 32 | low.astype(jnp.uint64)
    # Without the barrier XLA draws them again for every use.
    return lax.optimization_barrier(words).reshape(shape)


def fold_in(key: RandomKey, number: int | Int[Array, ""] | UInt32[Array, ""]) -> RandomKey:
    """A key of its own for each number: that of `jax.random.fold_in`."""
    if not _is_threefry(key):
        return jax.random.fold_in(key, number)
    data = jax.random.key_data(key)
    if isinstance(data, Tracer) or isinstance(number, Tracer):
        number = jnp.asarray(number).astype(jnp.uint32)
        folded = jnp.stack(_encrypt(data, jnp.zeros_like(number), number))
        # Without the barrier XLA derives the key again for every number drawn from it.
        data = lax.optimization_barrier(folded)
    else:
        # By numpy: nothing to compile. In rows of one, which overflow as they should.
        row = np.asarray(number).astype(np.uint32).reshape(1)
        high, low = _encrypt(np.asarray(data)[:, None], np.zeros_like(row), row)
        data = jnp.asarray(np.concatenate([high, low]))
    is_typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    return jax.random.wrap_key_data(data, impl=NAME) if is_typed else data


def _is_threefry(key: RandomKey) -> bool:
    return str(jax.random.key_impl(key)) == NAME


def _encrypt(
    key: UInt32[Array | np.ndarray, "2 *row"], high: Words, low: Words
) -> tuple[Words, Words]:
    """Threefry-2x32 of 20 rounds: Salmon et al. (2011), doi:10.1145/2063384.2063405."""
    keys = (key[0], key[1], key[0] ^ key[1] ^ np.uint32(PARITY))
    high, low = high + keys[0], low + keys[1]
    for group in range(5):
        for rotation in ROTATIONS[group % 2]:
            high = high + low
            low = ((low << rotation) | (low >> (32 - rotation))) ^ high
        high = high + keys[(group + 1) % 3]
        low = low + keys[(group + 2) % 3] + np.uint32(group + 1)
    return high, low
