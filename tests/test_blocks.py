"""Work cut into blocks is the work as a whole."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kadita_jax.blocks import CACHED_FLOATS, map_frames, map_rows


@pytest.mark.parametrize("n_rows", [1, 2, 7, 64])
@pytest.mark.parametrize("rows_in_a_block", [0.1, 1, 3, 1000])
def test_map_rows_is_the_function_of_all_rows(n_rows, rows_in_a_block):
    rows = {"one": jnp.arange(n_rows), "two": jnp.arange(2.0 * n_rows).reshape(n_rows, 2)}
    sizes = []

    def function(rows):
        sizes.append(len(rows["one"]))
        return rows["one"] ** 2, rows["two"] * jnp.arange(2.0)[None, :]

    found = map_rows(function, rows, round(CACHED_FLOATS / rows_in_a_block))
    for leaf, expected in zip(found, function(rows), strict=True):
        np.testing.assert_array_equal(leaf, expected)
    on_cpu = sizes[0]
    assert on_cpu <= 2 * max(1, rows_in_a_block)


def test_map_rows_differentiates():
    rows = jnp.linspace(0.1, 1.0, 10)
    in_blocks = jax.grad(lambda x: map_rows(jnp.sin, x, CACHED_FLOATS // 3).sum())(rows)
    np.testing.assert_allclose(in_blocks, jnp.cos(rows), rtol=1e-14)


def test_map_frames_is_a_loop():
    frames = jnp.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(map_frames(lambda f: f.sum() ** 2, frames, 4), [1, 25, 81])
