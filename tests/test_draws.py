"""Random numbers: jax's own, to the bit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kadita_jax.draws import normal, uniform
from kadita_jax.threefry import fold_in, random_words

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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_uniform_numbers_are_those_of_jax(dtype):
    np.testing.assert_array_equal(uniform(KEY, SHAPE, dtype), jax.random.uniform(KEY, SHAPE, dtype))


@pytest.mark.parametrize("width", [32, 64])
def test_words_are_those_of_jax(width):
    expected = jax.random.bits(KEY, SHAPE, f"uint{width}")
    np.testing.assert_array_equal(random_words(KEY, SHAPE, width), expected)


@pytest.mark.parametrize("number", [0, 7, 2**31, 2**32 - 1])
def test_folded_keys_are_those_of_jax(number):
    expected = jax.random.key_data(jax.random.fold_in(KEY, number))
    for of in (fold_in, jax.jit(fold_in)):
        found = of(KEY, jnp.uint32(number))
        assert found.dtype == KEY.dtype
        np.testing.assert_array_equal(jax.random.key_data(found), expected)
    raw = fold_in(jax.random.key_data(KEY), jnp.uint32(number))
    np.testing.assert_array_equal(raw, expected)
    other = jax.random.key(1, impl="rbg")
    assert fold_in(other, jnp.uint32(number)) == jax.random.fold_in(other, jnp.uint32(number))
