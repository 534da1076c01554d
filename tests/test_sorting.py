"""Who swims where, and how well a school keeps a direction: known answers, scipy's ranks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from kadita_jax.errors import InvalidInputError
from kadita_jax.metrics.informed import accuracy
from kadita_jax.metrics.sorting import rank_correlation, sorting

pytestmark = pytest.mark.usefixtures("compiled_quickly")

BOX = 20.0
# Nearly everywhere so many: each number of fish is another program.
N_FISH = 30
ALONG_X = np.tile([2.0, 0, 0], (N_FISH, 1))
FIELDS = ("front", "centre")


def random_school(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A school half a box across about the box's corner: positions, headings and a value."""
    random = np.random.default_rng(seed)
    heading = random.normal(size=(N_FISH, 3)) + np.array([1, 0, 0])
    return random.uniform(-5, 5, (N_FISH, 3)), heading, random.normal(size=N_FISH)


def in_a_row() -> np.ndarray:
    """One behind the other along x, the last first, through a face of the box."""
    return np.mod(15 + np.arange(N_FISH)[:, None] * [0.3, 0, 0], BOX)


def both(found) -> np.ndarray:
    return np.array([np.asarray(getattr(found, name)) for name in FIELDS])


@given(
    seed=st.integers(0, 1000),
    n_values=st.sampled_from([2, 5, 1000]),
)
@settings(max_examples=50)
def test_rank_correlation_is_scipys(seed, n_values):
    """With few possible values most are tied."""
    a, b = np.random.default_rng(seed).integers(0, n_values, (2, N_FISH)).astype(float)
    expected = spearmanr(a, b).statistic
    # Sums of 30 products of ranks; scipy's are rounded in another order.
    np.testing.assert_allclose(rank_correlation(*map(jnp.asarray, (a, b))), expected, atol=1e-14)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("box_size", [None, BOX])
def test_sorting_is_scipys_correlation_with_the_place(seed, box_size):
    position, heading, value = random_school(seed)
    value = np.round(value)
    unit = heading / np.linalg.norm(heading, axis=1)[:, None]
    offset = position - np.mean(position, axis=0)
    ahead = offset @ np.mean(unit, axis=0)
    expected = [
        spearmanr(value, place).statistic for place in (ahead, -np.linalg.norm(offset, axis=1))
    ]
    # As above, no two places being within rounding of each other.
    np.testing.assert_allclose(
        both(sorting(position, heading, box_size, value)), expected, atol=1e-14
    )


def test_the_fastest_in_front_and_the_slowest():
    """The order of the row is that of the values; only their order counts."""
    speed = np.linspace(1, 2, N_FISH)
    for value, expected in ((speed, 1.0), (speed**5, 1.0), (-speed, -1.0)):
        assert float(sorting(in_a_row(), ALONG_X, BOX, value).front) == expected
    assert float(sorting(in_a_row(), -ALONG_X, BOX, speed).front) == -1.0


def test_the_boldest_in_the_centre():
    """Pairs of opposite fish, each further out than the last, their value falling outwards."""
    radius = np.repeat(np.arange(15) + 1.0, 2)
    position = np.outer(radius * np.tile([1, -1], 15), [0, 1.0, 0])
    value = -radius
    found = sorting(position, ALONG_X, None, value)
    assert float(found.centre) == 1.0
    assert float(sorting(position, ALONG_X, None, -value).centre) == -1.0
    # Abreast, none is in front.
    assert np.isnan(found.front)


def test_ties_share_the_mean_of_their_ranks():
    """Ranks 1.5, 1.5, 3 against 1, 2, 3: 1.5 / sqrt(1.5 * 2)."""
    position = np.array([[1.0, 0, 0], [2, 0, 0], [3, 0, 0]])
    found = sorting(position, ALONG_X[:3], None, [4.0, 4.0, 9.0])
    assert float(found.front) == pytest.approx(np.sqrt(3) / 2, abs=1e-15)


@pytest.mark.parametrize("box_size", [None, BOX])
def test_permutation_and_translation(box_size):
    position, heading, value = random_school()
    order = np.random.default_rng(1).permutation(N_FISH)
    plain = both(sorting(position, heading, box_size, value))
    mixed = both(sorting(position[order], heading[order], box_size, value[order]))
    moved = both(sorting(position + np.array([9.7, -3.1, 10.4]), heading, box_size, value))
    # The ranks are the same; the sums of their products round in another order.
    np.testing.assert_allclose(mixed, plain, atol=1e-14)
    np.testing.assert_allclose(moved, plain, atol=1e-14)


def test_rotation_of_open_water():
    position, heading, value = random_school()
    turned, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    plain = both(sorting(position, heading, None, value))
    after = both(sorting(position @ turned.T, heading @ turned.T, None, value))
    np.testing.assert_allclose(after, plain, atol=1e-14)


def test_vmap_is_a_loop():
    schools = [random_school(seed) for seed in range(3)]
    position, heading, value = (jnp.stack(arrays) for arrays in zip(*schools, strict=True))
    mapped = jax.jit(jax.vmap(lambda x, u, v: sorting(x, u, BOX, v)))(position, heading, value)
    single = [both(sorting(x, u, BOX, v)) for x, u, v in schools]
    # Sums of a batch are added in another order.
    np.testing.assert_allclose(both(mapped).T, single, atol=1e-14)


def test_by_chance_there_is_no_sorting():
    """The mean over 200 schools; a correlation of 30 ranks has variance 1 / 29."""
    schools = [random_school(seed) for seed in range(200)]
    position, heading, value = (jnp.stack(arrays) for arrays in zip(*schools, strict=True))
    found = jax.vmap(lambda x, u, v: sorting(x, u, BOX, v))(position, heading, value)
    # Four standard errors of the mean.
    assert np.all(np.abs(np.mean(both(found), axis=1)) < 4 / np.sqrt(29 * 200))


def test_where_there_is_nothing_to_sort():
    position, heading, value = random_school()
    assert np.all(np.isnan(both(sorting(position, heading, BOX, np.ones(N_FISH)))))
    assert np.all(np.isnan(both(sorting(position[:2], heading[:2], BOX, value[:2]))))
    together = np.tile(position[:1], (N_FISH, 1))
    assert np.all(np.isnan(both(sorting(together, heading, BOX, value))))
    astray = np.concatenate([ALONG_X[:15], -ALONG_X[:15]])
    np.testing.assert_array_equal(
        np.isnan(both(sorting(position, astray, BOX, value))), [True, False]
    )


def test_a_ring_abreast_differs_by_rounding_alone():
    """All as far from the centroid, in a plane across their oblique heading."""
    angle = 2 * np.pi * np.arange(N_FISH) / N_FISH
    axes, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    position = 10 + 4 * (np.outer(np.cos(angle), axes[0]) + np.outer(np.sin(angle), axes[1]))
    heading = np.tile(axes[2], (N_FISH, 1))
    assert np.all(np.isnan(both(sorting(position, heading, None, np.arange(N_FISH)))))


@pytest.mark.parametrize("missing", [np.nan, np.inf])
@pytest.mark.parametrize("of", ["position", "heading"])
def test_a_missing_fish_makes_it_undefined(missing, of):
    position, heading, value = random_school()
    (position if of == "position" else heading)[3, 1] = missing
    assert np.all(np.isnan(both(sorting(position, heading, BOX, value))))


def test_a_missing_value_inside_jit_makes_it_undefined():
    position, heading, value = random_school()
    value[3] = np.nan
    found = jax.jit(lambda v: sorting(position, heading, BOX, v))(jnp.asarray(value))
    assert np.all(np.isnan(both(found)))


def test_ranks_have_no_derivative():
    position, heading, value = map(jnp.asarray, random_school())

    def total(x, u, v):
        return sum(jax.tree.leaves(sorting(x, u, BOX, v)))

    for slope in jax.grad(total, argnums=(0, 1, 2))(position, heading, value):
        np.testing.assert_array_equal(slope, 0)


def test_accuracy_is_the_cosine():
    """Straight on, back, across and 60 degrees off."""
    for preferred, expected in (
        ([3.0, 0, 0], 1.0),
        ([-1.0, 0, 0], -1.0),
        ([0, 0, 5.0], 0.0),
        ([1.0, np.sqrt(3), 0], 0.5),
    ):
        assert float(accuracy(ALONG_X, preferred)) == pytest.approx(expected, abs=1e-15)


def test_accuracy_by_chance_is_nought():
    """A cosine with a random direction has variance 1 / 3."""
    heading = np.random.default_rng(0).normal(size=(3000, N_FISH, 3))
    found = jax.vmap(accuracy, in_axes=(0, None))(jnp.asarray(heading), jnp.array([0, 1.0, 0]))
    # Four standard errors of the mean.
    assert abs(float(jnp.mean(found))) < 4 / np.sqrt(3 * 3000)
    assert np.all(np.abs(found) <= 1)


def test_accuracy_without_a_direction():
    astray = np.concatenate([ALONG_X[:15], -ALONG_X[:15]])
    assert np.isnan(accuracy(astray, [1.0, 0, 0]))
    for missing in (np.nan, np.inf):
        assert np.isnan(accuracy([[1.0, 0, 0], [1, missing, 0], [1, 0, 0]], [1.0, 0, 0]))
    assert np.isnan(jax.jit(accuracy)(ALONG_X, jnp.zeros(3)))


@pytest.mark.parametrize("preferred", [[0.0, 0, 0], [np.nan, 1, 0], [1.0, 0], 1.0, "north", None])
def test_accuracy_of_a_wrong_direction(preferred):
    with pytest.raises(InvalidInputError, match="preferred_direction: must") as caught:
        accuracy(np.ones(3), preferred)
    assert [fault.field for fault in caught.value.faults] == ["heading", "preferred_direction"]


@pytest.mark.parametrize(
    "value", [np.ones(N_FISH + 1), np.ones((N_FISH, 1)), 1.0, None, ["fast"] * N_FISH]
)
def test_a_value_for_each_fish(value):
    position, heading, _ = random_school()
    with pytest.raises(InvalidInputError, match="value: must hold one number for each fish"):
        sorting(position, heading, BOX, value)


def test_every_fault_is_told():
    with pytest.raises(InvalidInputError, match="cannot tell how the school is sorted") as caught:
        sorting(np.ones((4, 2)), np.ones((4, 3)), 0.0, [1.0, np.inf])
    assert [fault.field for fault in caught.value.faults] == ["position", "box_size", "value"]
    assert "value: must hold finite numbers only" in str(caught.value)
