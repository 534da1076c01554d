"""Gaussian numbers: jax's own, to the bit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kadita_jax.gaussian import normal

KEY = jax.random.fold_in(jax.random.key(5), 3)
SHAPE = (7, 3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_bits_are_those_of_jax(dtype):
    ours = jax.jit(normal, static_argnums=(1, 2))(KEY, SHAPE, dtype)
    assert ours.dtype == dtype
    np.testing.assert_array_equal(ours, jax.random.normal(KEY, SHAPE, dtype))


def test_also_of_many_keys_and_of_raw_ones():
    keys = jax.random.split(KEY, 3)
    expected = [jax.random.normal(key, SHAPE) for key in keys]
    mapped = jax.vmap(lambda key: normal(key, SHAPE, float))(keys)
    np.testing.assert_array_equal(mapped, jnp.stack(expected))
    raw = normal(jax.random.key_data(keys[0]), SHAPE, float)
    np.testing.assert_array_equal(raw, expected[0])


def test_another_generator_is_left_to_jax():
    key = jax.random.key(1, impl="rbg")
    expected = jax.random.normal(key, SHAPE, "float32")
    np.testing.assert_array_equal(normal(key, SHAPE, "float32"), expected)
