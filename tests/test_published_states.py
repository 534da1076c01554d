"""The original model ends in the states that it was published for, and remembers."""

import pytest
import xarray as xr

import kadita_jax as kj

# The orientation widths that the four scenarios of the original model have.
SWARM, TORUS, DYNAMIC, HIGHLY = 0.0, 1.0, 4.0, 10.0


@pytest.fixture(scope="module")
def loop() -> xr.Dataset:
    """P and M of the median of five schools, at 1,500 steps a state: they need some hundred."""
    found = kj.hysteresis(
        "couzin2002_torus",
        "orientation_width",
        [SWARM, TORUS, DYNAMIC, HIGHLY],
        replicates=5,
        n_steps=1500,
        burn_in=1000,
    )
    means = found[["polarization_mean", "rotation_mean"]].median("replicate")
    return means.rename(polarization_mean="P", rotation_mean="M")


def test_a_swarm_neither_aligns_nor_turns(loop):
    found = loop.sel(branch="up", orientation_width=SWARM)
    assert found["P"] < 0.35
    assert found["M"] < 0.4


def test_a_torus_mills(loop):
    found = loop.sel(branch="up", orientation_width=TORUS)
    assert found["P"] < 0.2
    assert found["M"] > 0.85


def test_a_dynamic_parallel_school_keeps_to_the_published_plateau(loop):
    found = loop.sel(branch="up", orientation_width=DYNAMIC)
    assert 0.88 < found["P"] < 0.94
    assert found["M"] < 0.1


def test_a_highly_parallel_school_is_nearly_one(loop):
    assert loop["P"].sel(branch="up", orientation_width=HIGHLY) > 0.99


def test_a_school_that_comes_from_above_does_not_mill(loop):
    found = loop.sel(branch="down", orientation_width=TORUS)
    assert found["P"] > 0.85
    assert found["M"] < 0.2
