"""The rule for one pair, by hand: two fish, one in each zone of the other."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kadita_jax as kj
from kadita_jax.rules import visibility_cosine

pytestmark = pytest.mark.usefixtures("compiled_quickly")

KEY = jax.random.key(0)
step = jax.jit(kj.step)
X, Y, Z = jnp.eye(3)
# One rounding of a unit vector in float64 is 1e-16; a step does about ten operations.
ROUNDING = 1e-14


def next_heading(offset, heading=X, other=Y, **fields) -> np.ndarray:
    """Heading after one noise-free step of a fish with a single neighbour at `offset`."""
    settings: dict[str, Any] = {
        "max_turn": np.pi,
        "noise": 0.0,
        "blind_angle": 0.0,
        "box_size": 100.0,
    }
    params = kj.make_params(**(settings | fields))
    here = jnp.full(3, 50.0)
    state = kj.State(jnp.stack([here, here + jnp.asarray(offset)]), jnp.stack([heading, other]))
    return np.asarray(step(state, params, KEY).heading[0])


def test_repulsion_turns_away():
    np.testing.assert_allclose(next_heading((0.0, 0.0, 0.5)), -Z, atol=ROUNDING)


def test_orientation_takes_the_neighbours_heading():
    np.testing.assert_allclose(next_heading((0.0, 0.0, 3.0)), Y, atol=ROUNDING)


def test_attraction_turns_towards():
    np.testing.assert_allclose(next_heading((0.0, 0.0, 7.0)), Z, atol=ROUNDING)


def test_beyond_attraction_nothing_happens():
    np.testing.assert_array_equal(next_heading((0.0, 0.0, 10.5)), X)


@pytest.mark.parametrize(("distance", "expected"), [(1.0, Y), (5.0, Z), (10.0, X)])
def test_zones_are_half_open(distance, expected):
    """A fish exactly on a radius belongs to the outer zone."""
    np.testing.assert_allclose(next_heading((0.0, 0.0, distance)), expected, atol=ROUNDING)


def test_empty_zone():
    """Equal radii leave no orientation zone: straight from repulsion to attraction."""
    heading = next_heading((0.0, 0.0, 3.0), r_repulsion=2.0, r_orientation=2.0)
    np.testing.assert_allclose(heading, Z, atol=ROUNDING)


def test_nearest_image_is_seen_across_the_face():
    heading = next_heading((0.0, 0.0, 93.0))
    np.testing.assert_allclose(heading, -Z, atol=ROUNDING)


def test_repulsion_silences_the_rest():
    here = jnp.full(3, 50.0)
    position = here[None] + jnp.array([[0, 0, 0], [0, 0, 0.5], [0, 0, -3], [0, 7, 0]], float)
    state = kj.State(position, jnp.stack([X, Y, Y, Y]))
    params = kj.make_params(max_turn=np.pi, noise=0, blind_angle=0, box_size=100)
    np.testing.assert_allclose(step(state, params, KEY).heading[0], -Z, atol=ROUNDING)


def test_orientation_and_attraction_add_up():
    """w u_j + d/r: with w = 0.5, Y/2 + Z normalised."""
    here = jnp.full(3, 50.0)
    position = here[None] + jnp.array([[0, 0, 0], [0, 3, 0], [0, 0, 7]], float)
    state = kj.State(position, jnp.stack([X, Y, X]))
    params = kj.make_params(
        max_turn=np.pi, noise=0, blind_angle=0, box_size=100, orientation_weight=0.5
    )
    expected = np.array([0, 0.5, 1]) / np.sqrt(1.25)
    np.testing.assert_allclose(step(state, params, KEY).heading[0], expected, atol=ROUNDING)


@pytest.mark.parametrize(
    ("blind_angle", "bearing", "is_seen"),
    [
        (30, 149, True),
        (30, 151, False),
        (90, 89, True),
        (90, 91, False),
        (0, 180, True),
        (180, 45, False),
    ],
)
def test_blind_cone(blind_angle, bearing, is_seen):
    """Seen up to 180 - blind_angle degrees off the bow; at 0 all, at 180 nothing."""
    off_bow = np.deg2rad(bearing)
    offset = 7 * np.array([np.cos(off_bow), 0, np.sin(off_bow)])
    heading = next_heading(offset, blind_angle=blind_angle)
    np.testing.assert_allclose(heading, offset / 7 if is_seen else X, atol=1e-12)


def test_visibility_is_never_left_to_rounding():
    np.testing.assert_array_equal(visibility_cosine(jnp.array([0.0, 180.0])), [-2.0, 2.0])


def test_coincident_fish_ignore_each_other():
    np.testing.assert_array_equal(next_heading((0.0, 0.0, 0.0)), X)


def test_opposed_pulls_cancel_to_the_own_heading():
    here = jnp.full(3, 50.0)
    position = here[None] + jnp.array([[0, 0, 0], [0, 0, 7], [0, 0, -7]], float)
    state = kj.State(position, jnp.stack([X, X, X]))
    params = kj.make_params(max_turn=np.pi, noise=0, blind_angle=0, box_size=100)
    np.testing.assert_array_equal(step(state, params, KEY).heading[0], X)
