"""The twelve metrics: known answers, symmetries, both conventions."""

from dataclasses import fields
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import kadita_jax as kj
from kadita_jax.metrics import (
    NAMES,
    OSI_WEIGHTS,
    STATES,
    Metrics,
    measure,
    measure_trajectory,
    nearest_distances,
    state_label,
)
from kadita_jax.metrics.histogram import histogram

pytestmark = pytest.mark.usefixtures("compiled_quickly")

BOX = 20.0
ENTROPIES = list(OSI_WEIGHTS)
CONVENTIONS = ("reference", "corrected")


# Nearly everywhere so many: each number of fish is another program.
N_FISH = 20


def random_school(n_fish: int = N_FISH, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.uniform(0, BOX, (n_fish, 3)), random.normal(size=(n_fish, 3))


def as_dict(metrics) -> dict[str, np.ndarray]:
    return {name: np.asarray(getattr(metrics, name)) for name in NAMES}


def test_names_are_the_fields_and_weights_sum_to_one():
    assert len(NAMES) == 12
    assert sum(OSI_WEIGHTS.values()) == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_an_aligned_school(convention):
    """All parallel: P = 1, no spread of headings, whatever the positions."""
    position, _ = random_school()
    found = measure(position, np.tile([0.0, 0.6, 0.8], (N_FISH, 1)), BOX, convention=convention)
    assert float(found.polarization) == pytest.approx(1, abs=1e-15)
    # w / w may round to just below 1.
    assert float(found.polarization_entropy) == pytest.approx(0, abs=1e-15)
    assert float(found.velocity_correlation_entropy) == pytest.approx(0, abs=1e-15)


def test_a_mill():
    """A ring of fish swimming along the tangent: P = 0, M = 1, spread = its radius."""
    angle = 2 * np.pi * np.arange(N_FISH) / N_FISH
    circle = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    tangent = np.stack([-np.sin(angle), np.cos(angle), 0 * angle], axis=1)
    found = measure(10 + 5 * circle, tangent, BOX)
    assert float(found.polarization) < 1e-15
    assert float(found.rotation) == pytest.approx(1, abs=1e-14)
    assert float(found.spread) == pytest.approx(5, abs=1e-14)
    assert int(state_label(found.polarization, found.rotation)) == STATES.index("torus")


def test_shape_of_a_line_a_plane_and_a_ball():
    """Equal eigenvalues share log 3 evenly: 0, log 2 / log 3 and 1."""
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    heading = np.ones((6, 3))
    line = measure(10 + axes * [3, 0, 0], heading, BOX).school_shape_entropy
    plane = measure(10 + axes * [3, 3, 0], heading, BOX).school_shape_entropy
    ball = measure(10 + axes * 3, heading, BOX).school_shape_entropy
    # The floor of 1e-10 leaves p log p of about 1e-9 for an empty direction.
    np.testing.assert_allclose([line, plane, ball], [0, np.log(2) / np.log(3), 1], atol=1e-8)


def test_depth_in_two_layers():
    """Half the fish in each of two bins: log 2 / log 15."""
    position, heading = random_school()
    position[:10, 2], position[10:, 2] = 1.0, 15.0
    found = float(measure(position, heading, BOX).depth_stratification_entropy)
    assert found == pytest.approx(np.log(2) / np.log(15), abs=1e-15)


@partial(jax.jit, static_argnums=1)
def counted(values, n_bins):
    return histogram(values, 0.0, 2.0, n_bins)


@given(
    values=arrays(
        float, st.sampled_from([1, 2, 40]), elements=st.floats(-0.5, 2.5, allow_subnormal=False)
    ),
    n_bins=st.sampled_from([12, 25]),
)
def test_histogram_is_numpys(values, n_bins):
    expected, _ = np.histogram(values, n_bins, (0.0, 2.0))
    np.testing.assert_array_equal(counted(jnp.asarray(values), n_bins), expected)


def test_histogram_at_the_edges():
    values = jnp.array([-1e-9, 0.0, 0.5, 1.0, 1.0 + 1e-9])
    np.testing.assert_array_equal(histogram(values, 0.0, 1.0, 2), [1, 2])


@given(n_fish=st.sampled_from([2, 5, 6, 12]), seed=st.integers(0, 50), twins=st.booleans())
@settings(max_examples=40)
def test_nearest_distances_are_the_sorted_ones(n_fish, seed, twins):
    """Ties count as often as they occur."""
    position, _ = random_school(n_fish, seed)
    if twins:
        position[n_fish // 2 :] = position[: n_fish - n_fish // 2]
    offset = position[:, None] - position[None]
    distance = np.linalg.norm(offset - BOX * np.round(offset / BOX), axis=-1)
    np.fill_diagonal(distance, np.inf)
    expected = np.sort(distance, axis=1)[:, : min(5, n_fish - 1)]
    found = jax.jit(nearest_distances)(jnp.asarray(position), jnp.asarray(BOX))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_permutation_of_the_fish(convention):
    position, heading = random_school()
    order = np.random.default_rng(1).permutation(N_FISH)
    plain = as_dict(measure(position, heading, BOX, convention=convention))
    mixed = as_dict(measure(position[order], heading[order], BOX, convention=convention))
    np.testing.assert_allclose(list(mixed.values()), list(plain.values()), atol=1e-13)


def test_corrected_metrics_follow_a_school_across_the_faces():
    """Translation changes no corrected metric; the reference sees the box, not the school."""
    random = np.random.default_rng(2)
    position, heading = random.normal(size=(2, N_FISH, 3))
    position += 10
    shift = np.array([9.7, -3.1, 10.4])
    for convention, is_invariant in (("corrected", True), ("reference", False)):
        still = as_dict(measure(position, heading, BOX, convention=convention))
        moved = as_dict(measure(position + shift, heading, BOX, convention=convention))
        # A depth within rounding of a bin's edge would jump; none is, for this seed.
        same = {name: np.isclose(still[name], moved[name], atol=1e-12) for name in NAMES}
        assert all(same.values()) == is_invariant, same


@pytest.mark.parametrize("seed", range(3))
def test_corrected_polarization_entropy_is_invariant_under_rotation(seed):
    random = np.random.default_rng(seed)
    position, heading = random_school(seed=seed)
    turned, _ = np.linalg.qr(random.normal(size=(3, 3)))
    heading += [1.0, 0, 0]
    plain = measure(position, heading, BOX, convention="corrected").polarization_entropy
    after = measure(position, heading @ turned.T, BOX, convention="corrected").polarization_entropy
    assert float(after) == pytest.approx(float(plain), abs=1e-12)


def test_isotropic_headings_score_one_when_corrected_and_less_in_the_reference():
    """SPEC section 6: the squared solid angle scores 0.946."""
    random = np.random.default_rng(0)
    heading = random.normal(size=(20_000, 3))
    isotropic = kj.metrics.polarization_entropy
    unit = jnp.asarray(heading / np.linalg.norm(heading, axis=1)[:, None])
    # 20,000 values in 24 bins: the plug-in entropy is low by 23 / (2 n log 24) = 2e-4.
    assert float(isotropic(unit, "corrected")) == pytest.approx(1, abs=1e-3)
    assert float(isotropic(unit, "reference")) == pytest.approx(0.946, abs=2e-3)


def test_corrected_normaliser_is_within_reach_of_few_values():
    """Four fish at four depths: entropy log 4, of at most min(log 15, log 4)."""
    position, heading = random_school(4)
    position[:, 2] = [7, 9, 11, 13]
    corrected = measure(position, heading, BOX, convention="corrected")
    reference = measure(position, heading, BOX)
    assert float(corrected.depth_stratification_entropy) == pytest.approx(1, abs=1e-15)
    expected = np.log(4) / np.log(15)
    assert float(reference.depth_stratification_entropy) == pytest.approx(expected, abs=1e-15)


NEEDS = {
    "school_cohesion_entropy": 2,
    "angular_momentum_entropy": 3,
    "nearest_neighbor_entropy": 6,
    "velocity_correlation_entropy": 2,
    "school_shape_entropy": 4,
}


@pytest.mark.parametrize("name", NEEDS)
def test_too_few_fish(name):
    position, heading = random_school(NEEDS[name] - 1)
    assert float(getattr(measure(position, heading, BOX), name)) == 0.5
    corrected = measure(position, heading, BOX, convention="corrected")
    assert np.isnan(getattr(corrected, name))
    assert np.isnan(corrected.oceanic_schooling_index)


def test_enough_fish():
    found = as_dict(measure(*random_school(6), BOX, convention="corrected"))
    assert all(0 <= found[name] <= 1 for name in ENTROPIES)


def test_distances_beyond_half_the_box_are_dropped_by_the_reference_alone():
    """Two fish in opposite corners of the box's lattice are sqrt(3) L / 2 apart."""
    position, heading = np.array([[0.0, 0, 0], [10, 10, 10]]), np.eye(3)[:2]
    assert float(measure(position, heading, BOX).school_cohesion_entropy) == 0.5
    corrected = measure(position, heading, BOX, convention="corrected")
    assert float(corrected.school_cohesion_entropy) == 0


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_velocities_and_far_positions_do_as_well(convention):
    position, heading = random_school()
    scale = np.linspace(0.5, 3, N_FISH)[:, None]
    plain = as_dict(measure(position, heading, BOX, convention=convention))
    other = as_dict(measure(position + 3 * BOX, heading * scale, BOX, convention=convention))
    np.testing.assert_allclose(list(other.values()), list(plain.values()), atol=1e-12)


def test_open_water_is_measured_corrected():
    """Moved anywhere, far from any box, a school keeps its metrics."""
    position, heading = random_school()
    plain = as_dict(measure(position, heading, None, convention="corrected"))
    moved = as_dict(measure(position - 1000, heading, None, convention="corrected"))
    # Positions near 1000 round at 1e-13, the extreme depths define the bins.
    np.testing.assert_allclose(list(moved.values()), list(plain.values()), atol=1e-9)


@pytest.mark.parametrize("missing", [0, 1])
def test_a_missing_fish_makes_the_snapshot_undefined(missing):
    position, heading = school = random_school()
    school[missing][3, 1] = np.nan
    found = measure(position, heading, BOX)
    assert all(np.isnan(value) for value in as_dict(found).values())
    assert int(state_label(found.polarization, found.rotation)) == -1


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_trajectory_is_a_loop_of_snapshots(convention):
    frames = [random_school(seed=seed) for seed in range(4)]
    position, heading = (np.stack(arrays) for arrays in zip(*frames, strict=True))
    together = as_dict(measure_trajectory(position, heading, BOX, convention=convention))
    single = [as_dict(measure(*frame, BOX, convention=convention)) for frame in frames]
    for name in NAMES:
        np.testing.assert_allclose(together[name], [row[name] for row in single], atol=1e-14)


def test_vmap_is_a_loop():
    frames = [random_school(seed=seed) for seed in range(3)]
    position, heading = (jnp.stack(arrays) for arrays in zip(*frames, strict=True))
    mapped = as_dict(jax.vmap(lambda x, u: measure(x, u, BOX))(position, heading))
    single = [as_dict(measure(*frame, BOX)) for frame in frames]
    for name in NAMES:
        np.testing.assert_allclose(mapped[name], [row[name] for row in single], atol=1e-14)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("kind", ["gas", "coincident", "line", "parallel"])
def test_no_derivative_is_nan(convention, kind):
    position, heading = random_school(8)
    if kind == "coincident":
        position[:] = position[0]
    if kind == "line":
        position[:, 1:] = 6.0
    if kind == "parallel":
        heading[:] = [0.0, 0.0, 1.0]

    def total(x, u):
        return sum(jax.tree.leaves(measure(x, u, BOX, convention=convention)))

    slopes = jax.grad(total, argnums=(0, 1))(jnp.asarray(position), jnp.asarray(heading))
    assert all(np.all(np.isfinite(leaf)) for leaf in slopes)


def test_derivatives_of_smooth_metrics_against_finite_differences():
    position, heading = map(jnp.asarray, random_school(10))

    def smooth(scale):
        found = measure(10 + scale * (position - 10), heading + scale, BOX, convention="corrected")
        return found.polarization + found.rotation + found.spread + found.school_shape_entropy

    slope = jax.grad(smooth)(0.3)
    central = (smooth(0.3 + 1e-6) - smooth(0.3 - 1e-6)) / 2e-6
    np.testing.assert_allclose(slope, central, rtol=1e-7)


@pytest.mark.parametrize(
    ("p", "m", "state"),
    [
        (0.95, 0.0, "highly_parallel"),
        (0.8, 0.6, "dynamic_parallel"),
        (0.6, 0.6, "torus"),
        (0.5, 0.1, "transitional"),
        (0.1, 0.4, "transitional"),
        (0.4, 0.3, "swarm"),
    ],
)
def test_state_labels_in_order(p, m, state):
    for asarray in (float, np.float64, jnp.asarray):
        assert STATES[int(state_label(asarray(p), asarray(m)))] == state


def test_state_labels_are_of_the_kind_given():
    p, m = np.array([0.95, np.nan, 0.1]), np.array([0.0, 0.6, np.nan])
    assert isinstance(state_label(p, m), np.ndarray)
    found = jax.jit(state_label)(jnp.asarray(p), jnp.asarray(m))
    assert isinstance(found, jax.Array)
    np.testing.assert_array_equal(found, [STATES.index("highly_parallel"), -1, -1])
    np.testing.assert_array_equal(found, state_label(p, m))


def test_the_fields_are_the_names():
    assert tuple(field.name for field in fields(Metrics)) == NAMES


def test_osi_is_the_weighted_sum():
    found = as_dict(measure(*random_school(), BOX))
    expected = sum(weight * found[name] for name, weight in OSI_WEIGHTS.items())
    assert found["oceanic_schooling_index"] == pytest.approx(expected, abs=1e-15)
    assert found["order_index"] == max(found["polarization"], found["rotation"])
