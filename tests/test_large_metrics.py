"""Metrics of large schools: the nearest looked for in cells, pairs sampled."""

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kadita_jax.metrics import (
    NAMES,
    measure,
    measure_trajectory,
    nearest,
    nearest_distances,
    velocity_correlation_entropy,
)
from kadita_jax.metrics.pairs import sampled_pairs

pytestmark = pytest.mark.usefixtures("compiled_quickly")

# The module; its name in the package is the function.
measured = importlib.import_module("kadita_jax.metrics.measure")

BOX = 20.0


def as_dict(metrics) -> dict[str, float]:
    return {name: float(np.squeeze(getattr(metrics, name))) for name in NAMES}


# Each has a layout, and so a program, of its own.
@pytest.mark.parametrize(
    ("kind", "is_open"),
    [
        ("even", False),
        ("clumps", False),
        ("lattice", False),
        ("one place", False),
        ("even", True),
        ("stragglers", True),
    ],
)
def test_nearest_in_cells_are_the_nearest_of_all(kind, is_open, monkeypatch):
    """Exact wherever the fish are: those with nobody near are measured against all."""
    random = np.random.default_rng(3)
    position = random.uniform(0, 40, (400, 3))
    if kind == "clumps":
        position = position[random.integers(0, 5, 400)] + random.normal(0, 0.5, (400, 3))
    if kind == "stragglers":
        position[20:] = 20 + random.normal(0, 0.3, (380, 3))
    if kind == "lattice":
        position = 5.0 * np.stack(np.unravel_index(np.arange(400), (8, 8, 8)), -1)
    if kind == "one place":
        position[:] = 7.0
    box_size = None if is_open else jnp.asarray(40.0)
    expected = jax.jit(nearest_distances)(jnp.asarray(position), box_size)
    monkeypatch.setattr(nearest, "MOST_AMONG_ALL", 100)
    monkeypatch.setattr(nearest, "N_ASKED", 50)
    found = nearest_distances(jnp.asarray(position), box_size)
    # Places beyond a face are moved by a box, which rounds once more.
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_large_school_is_measured_as_a_small_one(monkeypatch):
    random = np.random.default_rng(0)
    position, heading = random.uniform(0, BOX, (300, 3)), random.normal(size=(300, 3))
    expected = as_dict(measure(position, heading, BOX))
    monkeypatch.setattr(nearest, "MOST_AMONG_ALL", 100)
    monkeypatch.setattr(measured, "MOST_AMONG_ALL", 100)
    found = as_dict(measure(position, heading, BOX))
    np.testing.assert_allclose(list(found.values()), list(expected.values()), atol=1e-12)
    frames = measure_trajectory(position[None], heading[None], BOX)
    assert as_dict(frames) == found


@pytest.mark.parametrize("n_fish", [2, 5000, 3 * 2**20])
def test_sampled_pairs_are_fair(n_fish):
    first, second = sampled_pairs(n_fish)
    assert first.shape == second.shape == (2**20,)
    assert not jnp.any(first == second)
    for fish in (first, second):
        assert int(fish.min()) >= 0
        assert int(fish.max()) < n_fish
    counts = np.bincount(np.asarray(first), minlength=n_fish)
    assert counts.max() - counts.min() <= 1
    # Uniform over the others: the mean distance around the ring is N / 2, with the standard error
    # of 2**20 uniform numbers, N / sqrt(12) / 2**10.
    apart = np.asarray(second).astype(float) - np.asarray(first)
    error = n_fish / 12**0.5 / 2**10
    assert abs(np.mean(apart % n_fish) - n_fish / 2) < 5 * error


def test_velocity_correlation_of_a_sample_is_that_of_all_pairs():
    random = np.random.default_rng(4)
    heading = random.normal((1.0, 0.0, 0.0), size=(4200, 3))
    heading /= np.linalg.norm(heading, axis=1, keepdims=True)
    cosine = (heading @ heading.T)[np.triu_indices(4200, 1)]
    counts, _ = np.histogram((cosine + 1) / 2, 20, (0, 1))
    share = counts / counts.sum()
    expected = -np.sum(share * np.log(share)) / np.log(20)
    found = velocity_correlation_entropy(jnp.asarray(heading))
    # Five standard errors of an entropy told by 2**20 pairs that share 4,200 fish; not exact.
    assert 0 < abs(found - expected) < 5e-3


def test_headings_alone_may_be_traced(monkeypatch):
    monkeypatch.setattr(nearest, "MOST_AMONG_ALL", 100)
    monkeypatch.setattr(measured, "MOST_AMONG_ALL", 100)
    random = np.random.default_rng(0)
    position, heading = random.uniform(0, BOX, (300, 3)), random.normal(size=(300, 3))
    traced = jax.jit(lambda heading: measure(position, heading, BOX))(heading)
    expected = as_dict(measure(position, heading, BOX))
    np.testing.assert_allclose(list(as_dict(traced).values()), list(expected.values()), atol=1e-12)
