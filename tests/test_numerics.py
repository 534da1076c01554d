"""Norms, angles and sums: values and derivatives, at the edges too."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadita_jax.numerics import (
    angle_between,
    count_true,
    direction,
    fused_sum,
    norm,
    tiny_length,
)

pytestmark = pytest.mark.usefixtures("compiled_quickly")


def test_norm_of_nothing_has_no_slope():
    value, slope = jax.value_and_grad(lambda v: norm(v))(jnp.zeros(3))
    assert value == 0
    np.testing.assert_array_equal(slope, 0)


def test_norm_elsewhere():
    value, slope = jax.value_and_grad(lambda v: norm(v))(jnp.array([3.0, 0.0, 4.0]))
    assert value == 5
    np.testing.assert_allclose(slope, [0.6, 0, 0.8], rtol=1e-15)


def test_direction_below_the_tiny_length_is_the_alternative():
    fallback = jnp.array([0.0, 1.0, 0.0])
    short = jnp.array([0.9e-10, 0.0, 0.0])
    np.testing.assert_array_equal(direction(short, fallback), fallback)
    np.testing.assert_allclose(direction(2 * short, fallback), [1, 0, 0], rtol=1e-15)


def test_tiny_length_follows_the_dtype():
    assert tiny_length(jnp.zeros(1, jnp.float64)) == 1e-10
    assert tiny_length(jnp.zeros(1, jnp.float32)) == 1e-6


@given(angle=st.floats(0, np.pi))
def test_angle_is_exact_near_0_and_pi(angle):
    other = jnp.array([np.cos(angle), np.sin(angle), 0.0])
    # sin(pi) in floating point is off by 1.2e-16, as is each component.
    assert abs(float(angle_between(jnp.array([1.0, 0, 0]), other)) - angle) < 1e-15


@pytest.mark.parametrize("angle", [0.0, np.pi, 1.0])
def test_angle_has_finite_slopes(angle):
    slope = jax.grad(lambda a: angle_between(jnp.array([1.0, 0, 0]), a))
    other = jnp.array([np.cos(angle), np.sin(angle), 0.0])
    assert np.all(np.isfinite(slope(other)))
    assert np.all(np.isfinite(slope(jnp.zeros(3))))


def test_fused_sum_is_the_sum_of_each():
    terms = {"a": jax.random.normal(jax.random.key(0), (5, 7)), "b": jnp.ones((5, 7))}
    summed = fused_sum(terms)
    # Sums of seven numbers in two orders: a few units in the last place.
    np.testing.assert_allclose(summed["a"], terms["a"].sum(-1), rtol=1e-13)
    np.testing.assert_array_equal(summed["b"], 7)


def test_fused_sum_differentiates_both_ways():
    x = jax.random.normal(jax.random.key(0), (4, 6))

    def total(x):
        first, second = fused_sum((x**2, jnp.sin(x)))
        return jnp.sum(first * second)

    def plain(x):
        return jnp.sum((x**2).sum(-1) * jnp.sin(x).sum(-1))

    np.testing.assert_allclose(jax.grad(total)(x), jax.grad(plain)(x), rtol=1e-12)
    tangent = jax.jvp(total, (x,), (jnp.ones_like(x),))[1]
    np.testing.assert_allclose(tangent, jnp.sum(jax.grad(plain)(x)), rtol=1e-12)


def test_count_true():
    x = jnp.arange(12.0).reshape(3, 4)
    counted = count_true([x > bound for bound in range(9)])
    expected = [(np.asarray(x) > bound).sum(-1) for bound in range(9)]
    np.testing.assert_array_equal(counted, expected)
