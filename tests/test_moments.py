"""Mean and standard deviation of a series that is not kept."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from kadita_jax.moments import add_value, no_moments


@jax.jit
def moments_of(series):
    start = no_moments(series[0])
    return lax.fori_loop(0, len(series), lambda i, m: add_value(m, series[i]), start)


@pytest.mark.usefixtures("float32")
@pytest.mark.parametrize("std", [0.3, 1e-2, 1e-4])
@pytest.mark.parametrize("first", [1.0, 0.0, -40.0])
def test_single_precision_loses_nothing(std, first):
    rng = np.random.default_rng(3)
    series = rng.normal(1, std, (500, 4)).astype(np.float32)
    series[0] = first
    found = moments_of(jnp.asarray(series))
    exact = series.astype(float)
    # Rounding of the result itself: half a unit in the last place is 6e-8 of it.
    np.testing.assert_allclose(found.mean, exact.mean(axis=0), rtol=1e-7)
    np.testing.assert_allclose(found.std, exact.std(axis=0), rtol=3e-7)


@pytest.mark.usefixtures("float32")
def test_a_constant_series_has_exactly_no_spread():
    found = moments_of(jnp.full((500, 4), 0.1))
    np.testing.assert_array_equal(found.std, np.zeros(4, np.float32))
    np.testing.assert_array_equal(found.mean, np.full(4, 0.1, np.float32))


def test_an_undefined_value_makes_its_own_series_undefined():
    series = np.ones((500, 4))
    series[7, 2] = np.nan
    found = moments_of(jnp.asarray(series))
    np.testing.assert_array_equal(np.isnan(found.mean), [False, False, True, False])
    np.testing.assert_array_equal(np.isnan(found.std), [False, False, True, False])
