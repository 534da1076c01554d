"""The periodic box: nearest images, wrapping, and a centre that goes round."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadita_jax.geometry import circular_centre, shortest, unwrap, wrap

pytestmark = pytest.mark.usefixtures("compiled_quickly")

BOX = jnp.asarray(25.0)
# XLA flushes subnormal numbers to zero.
lengths = st.floats(-100, 100, allow_subnormal=False)


@given(offset=lengths)
def test_shortest_is_the_nearest_of_all_images(offset):
    found = float(shortest(jnp.asarray(offset), BOX))
    images = offset + 25 * np.arange(-6, 7)
    # Adding multiples of 25 to numbers up to 100 rounds at 1e-14.
    assert abs(abs(found) - np.abs(images).min()) < 1e-13


def test_open_water_changes_nothing():
    position = jnp.array([[100.0, -3.0, 0.0]])
    np.testing.assert_array_equal(shortest(position, None), position)
    np.testing.assert_array_equal(wrap(position, None), position)


@given(x=lengths)
def test_wrap_stays_in_the_half_open_box(x):
    wrapped = float(wrap(jnp.full((1, 3), x), BOX)[0, 0])
    assert 0 <= wrapped < 25
    assert abs(shortest(jnp.asarray(wrapped - x), BOX)) < 1e-13


@pytest.mark.usefixtures("float32")
def test_what_rounds_to_the_box_size_becomes_zero():
    """mod(-1e-7, 25) is 25 in float32."""
    position = jnp.full((1, 3), -1e-7, jnp.float32)
    assert jnp.mod(position, 25.0)[0, 0] == 25
    np.testing.assert_array_equal(wrap(position, jnp.asarray(25.0)), 0)


@given(shift=st.floats(-60, 60))
def test_circular_centre_moves_with_the_school(shift):
    offsets = np.random.default_rng(0).normal(size=(20, 3))
    still = circular_centre(jnp.asarray(offsets), BOX)
    moved = circular_centre(wrap(jnp.asarray(offsets + shift), BOX), BOX)
    # Angles of 2 pi x / L round at 1e-16, lengths at L / 2 pi times that.
    np.testing.assert_allclose(shortest(moved - still - shift, BOX), 0, atol=1e-12)


def test_unwrap_makes_a_straddling_school_whole():
    offsets = np.random.default_rng(1).uniform(-3, 3, (30, 3))
    position = wrap(jnp.asarray(offsets), BOX)
    centred = np.asarray(unwrap(position, circular_centre(position, BOX), BOX))
    np.testing.assert_allclose(centred - centred[0], offsets - offsets[0], atol=1e-12)


def test_centre_of_a_balanced_axis_is_defined():
    """Fish half a box, or evenly spaced around it, apart have no mean angle along that axis."""
    for n_fish in (2, 4, 5):
        x = 3.0 + 25 * jnp.arange(n_fish) / n_fish
        position = jnp.stack([x, jnp.ones(n_fish), jnp.ones(n_fish)], axis=1)
        np.testing.assert_allclose(circular_centre(position, BOX), [0, 1, 1], atol=1e-12)
        slope = jax.grad(lambda p: circular_centre(p, BOX)[0])(position)
        np.testing.assert_array_equal(slope, 0)
