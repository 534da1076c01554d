"""Initial schools and the checks of states and parameters."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kadita_jax as kj
from kadita_jax.initial import Start
from kadita_jax.parameters import PARAMETERS

KEY = jax.random.key(7)
STARTS = [Start("uniform_gas", 9), Start("uniform_ball", 9, 2.0), Start("ring", 9, 2.0)]


def test_uniform_gas_fills_the_box_and_the_sphere():
    state = kj.uniform_gas(KEY, 20_000, 10.0)
    assert np.all((state.position >= 0) & (state.position < 10))
    # Means of 20,000 uniform numbers: standard errors 0.02 bl and 0.004.
    np.testing.assert_allclose(state.position.mean(0), 5, atol=0.1)
    np.testing.assert_allclose(state.heading.mean(0), 0, atol=0.02)
    np.testing.assert_allclose(np.var(state.heading, axis=0), 1 / 3, atol=0.02)


def test_ring_swims_counter_clockwise():
    state = kj.ring(KEY, 2000, 100.0, 6.0)
    offset = np.asarray(state.position) - 50
    distance = np.hypot(offset[:, 0], offset[:, 1])
    # R, 0.15 R and 0.3 R: standard errors of 2000 values are 2 % of the spread.
    assert distance.mean() == pytest.approx(6, abs=0.08)
    assert distance.std() == pytest.approx(0.9, rel=0.06)
    assert offset[:, 2].std() == pytest.approx(1.8, rel=0.06)
    lift = np.cross(offset, state.heading)[:, 2] / distance
    # The tangent has a vertical part of 0.1 N(0, 1): cosines of 1 / sqrt(1 + 0.01 z**2).
    assert lift.min() > 0.9
    assert lift.mean() == pytest.approx(1 - 0.01 / 2, abs=1e-3)


@pytest.mark.parametrize("start", STARTS)
def test_inside_a_program_a_start_has_the_same_bits(start):
    """As inside a sweep, whose members `simulate` repeats."""
    alone, inside = start(KEY, 10.0), jax.jit(start)(KEY, 10.0)
    np.testing.assert_array_equal(inside.position, alone.position)
    np.testing.assert_array_equal(inside.heading, alone.heading)


def test_a_ball_in_a_box_lies_about_its_centre():
    ball, boxed = kj.uniform_ball(KEY, 50, 6.0), kj.uniform_ball(KEY, 50, 6.0, 10.0)
    np.testing.assert_array_equal(boxed.heading, ball.heading)
    assert np.all((boxed.position >= 0) & (boxed.position < 10))
    # Wrapped where it is larger than the box; coordinates of up to 11 round at 2e-15.
    np.testing.assert_allclose(boxed.position, (ball.position + 5) % 10, atol=1e-14)


def test_initial_states_differ_by_key_alone():
    first, again = kj.uniform_gas(KEY, 5, 10.0), kj.uniform_gas(KEY, 5, 10.0)
    np.testing.assert_array_equal(first.position, again.position)
    other = kj.uniform_gas(jax.random.key(8), 5, 10.0)
    assert np.abs(first.position - other.position).max() > 0.1


def test_make_params_fills_in_the_peers_defaults():
    params = kj.make_params()
    for name, parameter in PARAMETERS.items():
        assert float(getattr(params, name)) == parameter.default
    assert params.rules == "reference"
    assert kj.make_params(box_size=None).box_size is None


def test_make_params_passes_traced_values():
    slope = jax.grad(lambda r: kj.make_params(speed=r).speed ** 2)(3.0)
    assert slope == 6


def test_make_state_normalises_and_keeps_null_headings():
    state = kj.make_state(np.zeros((2, 3)), [[0, 3, 4], [0, 0, 1e-12]])
    np.testing.assert_allclose(state.heading, [[0, 0.6, 0.8], [0, 0, 0]], rtol=1e-15)


@pytest.mark.usefixtures("float32")
def test_the_dtype_follows_jax():
    assert kj.make_params().speed.dtype == jnp.float32
    assert kj.uniform_gas(KEY, 3, 5.0).heading.dtype == jnp.float32
    assert kj.make_params(max_turn=np.pi).max_turn == np.float32(np.pi)


def test_states_and_params_are_trees_that_can_be_mapped():
    batch = jax.vmap(lambda key: kj.uniform_gas(key, 4, 5.0))(jax.random.split(KEY, 3))
    assert batch.position.shape == (3, 4, 3)
    axes = jax.tree.map(lambda _: 0, batch)
    assert axes.position == 0
    assert jax.tree.leaves(kj.make_params(box_size=None), is_leaf=lambda x: x is None)
