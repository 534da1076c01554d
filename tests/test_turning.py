"""How far and which way a fish turns, and where its noise lies."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import kadita_jax as kj
from kadita_jax.turning import next_heading, perturb, rotate, turn

pytestmark = pytest.mark.usefixtures("compiled_quickly")

KEY = jax.random.key(0)
X = jnp.array([1.0, 0.0, 0.0])
# One rounding of a unit vector in float64 is 1e-16; a turn does about ten operations.
ROUNDING = 1e-14
# Every whole angle but 0 and 180 degrees, each in 120 planes: 21,480 fish in all tests.
ANGLE = np.deg2rad(np.tile(np.arange(1.0, 180.0), 120))
N = ANGLE.size
# Of a test of a distribution with a fixed key: one key in a thousand would fail by chance.
CHANCE = 0.001

jitted_rotate = jax.jit(rotate)
jitted_next = jax.jit(next_heading)


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector, axis=-1, keepdims=True)


def frames(seed: int) -> np.ndarray:
    """(3, N, 3): three unit vectors at right angles for every fish, turned at random."""
    first, second = np.random.default_rng(seed).normal(size=(2, N, 3))
    first = unit(first)
    third = unit(np.cross(first, second))
    return np.stack([first, np.cross(third, first), third])


def angle(a, b) -> np.ndarray:
    """By arctan2: arccos would lose half the digits near 0 and pi."""
    a, b = np.asarray(a), np.asarray(b)
    return np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1))


HEADING, ACROSS, NORMAL = frames(seed=1)
DESIRED = np.cos(ANGLE)[:, None] * HEADING + np.sin(ANGLE)[:, None] * ACROSS


def rotated(desired: np.ndarray, max_turn) -> np.ndarray:
    """All fish turned towards `desired`; `aside` is of no use unless that is behind them."""
    vectors = jnp.asarray([HEADING, desired, NORMAL])
    return np.asarray(jitted_rotate(vectors[0], vectors[1], jnp.asarray(max_turn), vectors[2]))


def assert_turned(result: np.ndarray, max_turn) -> None:
    """By min(angle, max_turn), along the great circle to the desired direction.

    Two angles that add up to the whole only tell a departure from the plane by its square:
    the part along the plane's normal is asked for as well.
    """
    turned = np.minimum(ANGLE, max_turn)
    # 1e-12 is asked for; rounding is ten times less even where the plane is known to
    # 1e-16 / sin(1 degree) only.
    np.testing.assert_allclose(angle(HEADING, result), turned, rtol=0, atol=1e-12)
    np.testing.assert_allclose(angle(result, DESIRED), ANGLE - turned, rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.sum(NORMAL * result, axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(result, axis=1), 1, rtol=0, atol=1e-12)


@pytest.mark.parametrize("max_turn", [0.0698, 1.0, 3.0])
def test_rotation_is_by_exactly_max_turn_at_every_angle(max_turn):
    assert_turned(rotated(DESIRED, max_turn), max_turn)


def test_every_fish_turns_by_its_own_max_turn():
    own = np.random.default_rng(2).uniform(0.001, np.pi, N)
    assert_turned(rotated(DESIRED, own), own)


def test_a_desired_direction_within_reach_is_reached_to_the_bit():
    result, is_near = rotated(DESIRED, 1.0), ANGLE < 1
    assert is_near.any()
    np.testing.assert_array_equal(result[is_near], DESIRED[is_near])


def test_a_fish_that_already_heads_there_does_not_turn():
    np.testing.assert_array_equal(rotated(HEADING, 0.0698), HEADING)


def test_every_way_about_is_possible_within_a_half_turn():
    """At max_turn = pi whatever is desired is reached, what lies straight behind too."""
    np.testing.assert_array_equal(rotated(-HEADING, np.pi), -HEADING)
    np.testing.assert_array_equal(rotated(DESIRED, np.pi), DESIRED)


def test_rotation_has_derivatives_where_it_has_no_plane():
    """The desired direction straight ahead, straight behind, nowhere and, to compare, aside."""
    heading, aside = jnp.tile(X, (4, 1)), jnp.tile(jnp.array([0.3, 1.0, -2.0]), (4, 1))
    desired = jnp.stack([X, -X, 0 * X, jnp.array([0.0, 0.6, 0.8])])

    def total(heading, desired, max_turn):
        return jnp.sum(rotate(heading, desired, max_turn, aside) ** 3)

    slopes = jax.jit(jax.grad(total, argnums=(0, 1, 2)))(heading, desired, jnp.asarray(0.2))
    assert all(np.all(np.isfinite(slope)) for slope in slopes)
    assert slopes[2] != 0


def couzin(
    heading: np.ndarray, desired: np.ndarray, noise: float, max_turn: float, key=KEY
) -> np.ndarray:
    """The headings of all fish after a step by the couzin2002 rules."""
    params = kj.make_params(rules="couzin2002", noise=noise, max_turn=max_turn, box_size=None)
    return np.asarray(jitted_next(jnp.asarray(heading), jnp.asarray(desired), params, key))


# One frame for all fish, askew to the axes: in one of its own for each fish any azimuth would be
# random, and so uniform.
FRAME = frames(seed=3)[:, 0]
FORWARD = np.tile(FRAME[0], (N, 1))


def azimuth(vector: np.ndarray) -> np.ndarray:
    """The angle of each vector about `FORWARD`, in +-pi."""
    return np.arctan2(vector @ FRAME[2], vector @ FRAME[1])


def assert_uniform_around(angles: np.ndarray) -> None:
    assert stats.kstest(angles, stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > CHANCE


def test_what_lies_straight_behind_is_turned_to_by_max_turn_in_any_plane():
    result = couzin(FORWARD, -FORWARD, noise=0.0, max_turn=0.3)
    np.testing.assert_allclose(angle(FORWARD, result), 0.3, rtol=0, atol=1e-12)
    assert_uniform_around(azimuth(result))


def test_the_plane_of_a_turn_straight_back_is_drawn_by_the_key():
    one, other = (couzin(FORWARD, -FORWARD, 0.0, 0.3, jax.random.key(seed)) for seed in (1, 2))
    # The difference of two independent azimuths is uniform; of equal ones it is 0.
    assert_uniform_around(np.angle(np.exp(1j * (azimuth(one) - azimuth(other)))))


@pytest.fixture(scope="module", params=[0.05, 0.5])
def noise_and_headings(request) -> tuple[float, np.ndarray]:
    """Within max_turn = pi all is in reach: the new headings are the scattered directions."""
    return request.param, couzin(HEADING, FORWARD, noise=request.param, max_turn=np.pi)


def test_noise_turns_the_desired_direction_by_a_half_normal_angle(noise_and_headings):
    sigma, result = noise_and_headings
    turned = angle(FORWARD, result)
    assert stats.kstest(turned, stats.halfnorm(scale=sigma).cdf).pvalue > CHANCE


def test_noise_turns_to_any_side_evenly_however_far(noise_and_headings):
    sigma, result = noise_and_headings
    far = angle(FORWARD, result) > sigma
    for some in (far, ~far):
        assert_uniform_around(azimuth(result[some]))


def test_without_noise_the_desired_direction_stays():
    np.testing.assert_allclose(couzin(HEADING, DESIRED, 0.0, np.pi), DESIRED, rtol=0, atol=ROUNDING)


def test_noise_comes_before_the_turn_which_never_exceeds_max_turn():
    turned = angle(HEADING, couzin(HEADING, DESIRED, noise=1.0, max_turn=0.3))
    assert turned.max() <= 0.3 + ROUNDING
    # It does act: of fish that desire what is within reach only few still reach it.
    assert np.mean(turned[ANGLE < 0.25] > 0.3 - ROUNDING) > 0.5


def test_noise_acts_on_fish_that_desire_nothing_else():
    """They turn by min(|N(0, 1)|, 0.3): less than 0.3 in erf(0.3 / sqrt(2)) = 0.2358 of cases."""
    turned = angle(HEADING, couzin(HEADING, HEADING, noise=1.0, max_turn=0.3))
    share = np.mean(turned < 0.3 - ROUNDING)
    # Four standard errors of a share of N.
    assert share == pytest.approx(0.2358, abs=4 * np.sqrt(0.2358 * 0.7642 / N))


def test_by_the_reference_rules_noise_comes_after_the_turn_and_may_exceed_it():
    params = kj.make_params(noise=0.5, max_turn=0.1)
    heading, desired = jnp.asarray(HEADING), jnp.asarray(DESIRED)
    result = jitted_next(heading, desired, params, KEY)
    # N(0, 0.5) in each of two directions across the heading: mostly beyond 0.3.
    assert np.mean(angle(heading, result) > 0.3) > 0.5


def test_turn_within_reach_is_the_desired_direction():
    desired = jnp.array([[np.cos(0.2), np.sin(0.2), 0.0]])
    np.testing.assert_array_equal(turn(X[None], desired, jnp.asarray(0.3)), desired)


@given(angle=st.floats(0.31, 3.1), max_turn=st.floats(0.01, 0.3))
def test_limited_turn_is_normalised_interpolation(angle, max_turn):
    """(1 - t) u + t d normalised, t = max_turn / angle: below max_turn, in the same plane."""
    desired = jnp.array([[np.cos(angle), np.sin(angle), 0.0]])
    turned = np.asarray(turn(X[None], desired, jnp.asarray(max_turn)))[0]
    t = max_turn / angle
    by_hand = np.array([1 - t + t * np.cos(angle), t * np.sin(angle), 0])
    # Near opposition the interpolated vector is short, which magnifies rounding by up to 1/0.04.
    np.testing.assert_allclose(turned, by_hand / np.linalg.norm(by_hand), atol=1e-13)


def test_half_turn_to_the_exact_opposite_keeps_the_heading():
    """At t = 1/2 the interpolated vector vanishes; there is no direction to prefer."""
    np.testing.assert_array_equal(turn(X[None], -X[None], jnp.asarray(np.pi / 2)), X[None])


def test_no_noise_keeps_headings():
    np.testing.assert_allclose(perturb(X[None], jnp.asarray(0.0), KEY), X[None], atol=ROUNDING)


def test_noise_is_gaussian_before_normalising():
    """Mean of cos(angle) for u + s N(0, I): 1 - s**2 to first order, s = 0.05."""
    headings = jnp.tile(X[None], (20_000, 1))
    cosine = np.asarray(perturb(headings, jnp.asarray(0.05), KEY))[:, 0]
    # The next order is s**4 (6e-6); the sampling error of the mean is s**2 / sqrt(n) (2e-5).
    assert abs(cosine.mean() - (1 - 0.05**2)) < 1e-4
