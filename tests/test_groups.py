"""Groups: known answers, scipy's connected components, symmetries, edges."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from kadita_jax.errors import InvalidInputError
from kadita_jax.metrics import polarization, rotation
from kadita_jax.metrics.groups import (
    Groups,
    find_groups,
    group_labels,
    measure_groups,
    measure_groups_trajectory,
)
from kadita_jax.numerics import direction

pytestmark = pytest.mark.usefixtures("compiled_quickly")

BOX = 20.0
# Nearly everywhere so many: each number of fish is another program.
N_FISH = 30
SHIFT = np.array([9.7, -3.1, 10.4])


def random_school(seed: int = 0, n_fish: int = N_FISH) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.uniform(0, BOX, (n_fish, 3)), random.normal(size=(n_fish, 3))


def two_groups() -> tuple[np.ndarray, np.ndarray]:
    """A ring of 20 fish across a corner of the box that mills, and ten in a row that swim on."""
    angle = 2 * np.pi * np.arange(20) / 20
    ring = 3 * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    tangent = np.stack([-np.sin(angle), np.cos(angle), 0 * angle], axis=1)
    row = np.array([5.0, 10, 10]) + np.arange(10)[:, None] * [0.9, 0, 0]
    position = np.concatenate([row, np.mod(ring, BOX)])
    return position, np.concatenate([np.tile([0, 0, 2.0], (10, 1)), tangent])


def scipys_labels(position: np.ndarray, box_size: float | None, distance: float) -> np.ndarray:
    """The least number of each fish's component."""
    offset = position[:, None] - position[None]
    if box_size is not None:
        offset -= box_size * np.round(offset / box_size)
    _, component = connected_components(np.sum(offset**2, axis=-1) < distance**2)
    return np.array([np.flatnonzero(component == number)[0] for number in component])


def labels(position: np.ndarray, box_size: float | None, distance: float) -> np.ndarray:
    box = None if box_size is None else jnp.asarray(box_size)
    return np.asarray(group_labels(jnp.asarray(position), box, distance))


def assert_same(found: Groups, expected: Groups, atol: float) -> None:
    assert found.n_groups.tolist() == expected.n_groups.tolist()
    leaves = (jax.tree.leaves(groups) for groups in (found, expected))
    for value, wanted in zip(*leaves, strict=True):
        np.testing.assert_allclose(value, wanted, atol=atol)


@given(
    seed=st.integers(0, 1000),
    distance=st.floats(0.1, 12),
    box_size=st.sampled_from([None, BOX, 7.0]),
)
@settings(max_examples=60)
def test_labels_are_scipys(seed, distance, box_size):
    position, _ = random_school(seed)
    expected = scipys_labels(position, box_size, distance)
    np.testing.assert_array_equal(labels(position, box_size, distance), expected)


def orders() -> dict[str, np.ndarray]:
    number = np.arange(1000)
    return {
        "ascending": number,
        "descending": number[::-1],
        "inwards": np.where(number % 2, 999 - number // 2, number // 2),
        "random": np.random.default_rng(0).permutation(1000),
    }


@pytest.mark.parametrize("order", orders())
def test_a_chain_is_one_group_until_it_breaks(order):
    """1,000 fish in a row, whichever way they are numbered."""
    place = orders()[order].astype(float)
    chain = np.stack([place, 0 * place, 0 * place], axis=1)
    np.testing.assert_array_equal(labels(chain, None, 1.5), 0)
    chain[place >= 400, 1] = 2
    expected = scipys_labels(chain, None, 1.5)
    assert len(set(expected)) == 2
    np.testing.assert_array_equal(labels(chain, None, 1.5), expected)


def test_more_fish_than_a_block_holds():
    """650 fish take six blocks of rows on CPU, the last of them filled up."""
    position, _ = random_school(n_fish=650)
    # Near the percolation of spheres, at 2.7 neighbours a fish: groups are long and winding.
    distance = BOX * (2.7 * 3 / (4 * np.pi * 650)) ** (1 / 3)
    expected = scipys_labels(position, BOX, distance)
    assert 20 < len(set(expected)) < 300
    np.testing.assert_array_equal(labels(position, BOX, distance), expected)


def test_fish_exactly_the_distance_apart_are_not_linked():
    """A 3-4-5 triangle, and a pair across a face of the box: exact in floating point."""
    position = np.array([[1.0, 1, 1], [4, 5, 1], [18.0, 1, 1]])
    np.testing.assert_array_equal(labels(position, BOX, 5.0), [0, 1, 0])
    np.testing.assert_array_equal(labels(position, BOX, np.nextafter(5.0, 6)), [0, 0, 0])
    np.testing.assert_array_equal(labels(position, BOX, 3.0), [0, 1, 2])
    np.testing.assert_array_equal(labels(position, None, 5.0), [0, 1, 2])


def test_a_mill_across_a_corner_of_the_box():
    """The larger group is the ring: P = 0 and M = 1 about its own centre."""
    found = measure_groups(*two_groups(), BOX, 1.0)
    assert int(found.n_groups) == 2
    assert float(found.largest_group) == 20 / 30
    # Twenty unit vectors that cancel, each rounded at 1e-16.
    assert float(found.largest_group_polarization) < 1e-14
    assert float(found.largest_group_rotation) == pytest.approx(1, abs=1e-14)


def test_of_equally_large_groups_the_one_of_the_least_label():
    """Two pairs: the first fish's swims on, the other pair's headings cancel."""
    position = np.array([[1.0, 1, 1], [9, 1, 1], [9.5, 1, 1], [1.5, 1, 1]])
    heading = np.array([[0, 0, 1.0], [1, 0, 0], [-1, 0, 0], [0, 0, 1]])
    for order, expected in (([0, 1, 2, 3], 1.0), ([1, 0, 2, 3], 0.0)):
        found = measure_groups(position[order], heading[order], BOX, 0.6)
        assert (int(found.n_groups), float(found.largest_group)) == (2, 0.5)
        assert float(found.largest_group_polarization) == expected
        assert float(found.largest_group_rotation) == 0.0


@pytest.mark.parametrize("box_size", [None, BOX])
def test_a_school_that_is_one_group_has_its_p_and_m(box_size):
    position, heading = random_school()
    found = measure_groups(position, heading, box_size, 2 * BOX)
    assert (int(found.n_groups), float(found.largest_group)) == (1, 1.0)
    unit, box = direction(jnp.asarray(heading)), None if box_size is None else jnp.asarray(BOX)
    whole = rotation(jnp.asarray(position), unit, box, "corrected")
    # Sums in another order.
    assert float(found.largest_group_rotation) == pytest.approx(float(whole), abs=1e-14)
    polarized = float(polarization(unit))
    assert float(found.largest_group_polarization) == pytest.approx(polarized, abs=1e-14)


@pytest.mark.parametrize("box_size", [None, BOX])
def test_the_largest_group_is_measured_as_if_it_were_alone(box_size):
    position, heading = random_school(seed=3)
    position[:15] = 19 + 0.05 * position[:15]
    found = measure_groups(position, heading, box_size, 2.0)
    member = scipys_labels(np.mod(position, BOX) if box_size else position, box_size, 2.0) == 0
    assert 15 <= np.sum(member) < N_FISH
    alone = measure_groups(position[member], heading[member], box_size, 2.0)
    assert float(found.largest_group) == np.sum(member) / N_FISH
    for name in ("largest_group_polarization", "largest_group_rotation"):
        # Sums of other lengths, about a centre that rounds otherwise.
        np.testing.assert_allclose(getattr(found, name), getattr(alone, name), atol=1e-13)


@pytest.mark.parametrize("box_size", [None, BOX])
@pytest.mark.parametrize("seed", range(3))
def test_permutation_and_translation(box_size, seed):
    position, heading = random_school(seed)
    # One group is the largest, whatever the order, and no pair is within rounding of 5 bl.
    position[:12] = 15 + 0.1 * position[:12]
    order = np.random.default_rng(1).permutation(N_FISH)
    plain = measure_groups(position, heading, box_size, 5.0)
    mixed = measure_groups(position[order], heading[order], box_size, 5.0)
    moved = measure_groups(position + SHIFT, heading, box_size, 5.0)
    # Sums in another order; positions of up to 30 bl round at 4e-15.
    assert_same(mixed, plain, atol=1e-13)
    assert_same(moved, plain, atol=1e-13)


@pytest.mark.parametrize("seed", range(3))
def test_rotation_of_open_water(seed):
    position, heading = random_school(seed)
    turned, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    plain = measure_groups(position, heading, None, 4.5)
    after = measure_groups(position @ turned.T, heading @ turned.T, None, 4.5)
    assert int(plain.n_groups) > 1
    # A product with a rotation matrix rounds at 1e-15 of each coordinate.
    assert_same(after, plain, atol=1e-13)


@pytest.mark.parametrize("missing", [np.nan, np.inf])
@pytest.mark.parametrize("box_size", [None, BOX])
def test_a_fish_without_a_place_is_alone(missing, box_size):
    position, _ = random_school()
    position[3, 1] = missing
    expected = np.where(np.arange(N_FISH) == 3, 3, 0)
    np.testing.assert_array_equal(labels(position, box_size, 2 * BOX), expected)


def test_velocities_and_far_positions_do_as_well():
    position, heading = random_school()
    plain = measure_groups(position, heading, BOX, 4.0)
    other = measure_groups(position + 3 * BOX, 2.5 * heading, BOX, 4.0)
    # Positions near 80 round at 1e-14.
    assert_same(other, plain, atol=1e-12)


def test_trajectory_and_vmap_are_loops():
    frames = [random_school(seed) for seed in range(4)]
    position, heading = (jnp.stack(arrays) for arrays in zip(*frames, strict=True))
    single = [measure_groups(*frame, BOX, 4.0) for frame in frames]
    stacked = jax.tree.map(lambda *values: jnp.stack(values), *single)
    # Sums of a batch are added in another order.
    assert_same(measure_groups_trajectory(position, heading, BOX, 4.0), stacked, atol=1e-14)
    mapped = jax.vmap(partial(measure_groups, box_size=BOX, distance=4.0))(position, heading)
    assert_same(mapped, stacked, atol=1e-14)


def test_a_sweep_of_distances_joins_ever_more():
    position, heading = map(jnp.asarray, random_school())
    unit, box = direction(heading), jnp.asarray(BOX)
    distance = jnp.linspace(0.1, 18.0, 20)
    found = jax.jit(jax.vmap(lambda r: find_groups(position, unit, box, r)))(distance)
    assert found.n_groups[0] == N_FISH
    assert found.n_groups[-1] == 1
    assert np.all(np.diff(found.n_groups) <= 0)
    assert np.all(np.diff(found.largest_group) >= 0)


def test_one_fish():
    found = measure_groups([[1.0, 2, 3]], [[0, 0, 1.0]], BOX, 1.0)
    assert [float(value) for value in jax.tree.leaves(found)] == [1, 1, 1, 0]


@pytest.mark.parametrize("missing", [np.nan, np.inf])
@pytest.mark.parametrize("box_size", [None, BOX])
@pytest.mark.parametrize("of", ["position", "heading"])
def test_a_missing_fish_makes_the_groups_undefined(missing, box_size, of):
    position, heading = random_school()
    (position if of == "position" else heading)[3, 1] = missing
    found = measure_groups(position, heading, box_size, 5.0)
    assert int(found.n_groups) == 0
    assert np.all(np.isnan(jax.tree.leaves(found)[1:]))


@pytest.mark.parametrize("kind", ["gas", "coincident", "ring"])
def test_derivatives_are_finite_and_right(kind):
    """Of P and M, against central differences in a direction of the gas."""
    position, heading = two_groups() if kind == "ring" else random_school()
    position = position[:1] + 0 * position if kind == "coincident" else position

    def total(x, u, r):
        found = measure_groups(x, u, BOX, r)
        return found.largest_group_polarization + found.largest_group_rotation

    where = jnp.asarray(position), jnp.asarray(heading), 4.0
    along = jax.tree.map(jnp.ones_like, where[:2])
    slopes = jax.grad(total, argnums=(0, 1, 2))(*where)
    assert all(np.all(np.isfinite(slope)) for slope in slopes)
    assert slopes[2] == 0
    if kind == "gas":
        more, less = (total(where[0], where[1] + h * along[1], 4.0) for h in (1e-6, -1e-6))
        # Central differences err by 1e-16 / 1e-6 of rounding and 1e-12 of curvature.
        np.testing.assert_allclose(jnp.sum(slopes[1]), (more - less) / 2e-6, atol=1e-8)


@pytest.mark.usefixtures("float32")
def test_single_precision():
    position, heading = two_groups()
    found = measure_groups(position.astype(np.float32), heading.astype(np.float32), BOX, 1.0)
    assert {leaf.dtype.name for leaf in jax.tree.leaves(found)} == {"int32", "float32"}
    assert int(found.n_groups) == 2
    # Positions near 20 round at 2e-6, on a ring of radius 3.
    assert float(found.largest_group_rotation) == pytest.approx(1, abs=1e-5)


def test_every_fault_is_told():
    with pytest.raises(InvalidInputError, match="cannot find groups") as caught:
        measure_groups([1.0, 2.0, 3.0], np.full((4, 3), "fish"), -1.0, 0.0)
    assert [fault.field for fault in caught.value.faults] == [
        "position",
        "heading",
        "box_size",
        "distance",
    ]
    assert "distance: must be one finite number > 0 (bl), got 0.0" in str(caught.value)


@pytest.mark.parametrize("distance", [-1.0, 0, np.nan, np.inf, None, "near", [1.0, 2.0], True])
def test_a_wrong_distance(distance):
    with pytest.raises(InvalidInputError, match="distance: must be one finite number > 0"):
        measure_groups_trajectory(np.ones((2, 4, 3)), np.ones((2, 4, 3)), BOX, distance)


@pytest.mark.parametrize("box_size", [0.0, np.inf, np.nan, "wide", [20.0, 20.0, 20.0]])
def test_a_wrong_box(box_size):
    with pytest.raises(InvalidInputError, match="box_size"):
        measure_groups(*random_school(), box_size, 1.0)
