"""The rules of Couzin et al. (2002): zones and orbits by hand, open water, symmetries, slopes."""

from collections.abc import Callable
from dataclasses import replace
from math import atan2, ceil, cos, hypot, pi, remainder, sin

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import kadita_jax as kj
from kadita_jax.initial import uniform_ball
from kadita_jax.metrics import measure

pytestmark = pytest.mark.usefixtures("compiled_quickly")

KEY = jax.random.key(5)
X, Y, Z = np.eye(3)
# One rounding of a unit vector in float64 is 1e-16; a step does about ten operations.
ROUNDING = 1e-14
# Of a test of a distribution with a fixed key: one key in a thousand would fail by chance.
CHANCE = 0.001

step = jax.jit(kj.step)


def couzin(**fields) -> kj.Params:
    """Noise-free, in open water, with the published field of perception."""
    settings = {"rules": "couzin2002", "noise": 0.0, "blind_angle": 45.0, "box_size": None}
    return kj.make_params(**(settings | fields))


# One fish at the origin, and what it feels at radii 1, 5 and 10.


def next_heading(*neighbours: tuple, **fields) -> np.ndarray:
    """The heading after a step that can turn anywhere, at first X, given offsets and headings."""
    # Always five fish, for one compilation: whoever is not asked for is far out of sight.
    absent = [(1000.0 * (2 + number) * Y, X) for number in range(4 - len(neighbours))]
    offset, heading = zip((0 * X, X), *neighbours, *absent, strict=True)
    after = step(kj.make_state(offset, heading), couzin(max_turn=pi, **fields), KEY)
    return np.asarray(after.heading[0])


def off_bow(degrees: float) -> np.ndarray:
    """The unit vector that far from the heading X."""
    return np.array([cos(np.deg2rad(degrees)), 0, sin(np.deg2rad(degrees))])


def test_repulsion_turns_away_from_ahead():
    np.testing.assert_allclose(next_heading((0.5 * off_bow(30), Y)), -off_bow(30), atol=ROUNDING)


@pytest.mark.parametrize("blind_angle", [45.0, 90.0, 180.0])
def test_repulsion_is_felt_from_the_blind_cone_too(blind_angle):
    heading = next_heading((0.5 * off_bow(170), Y), blind_angle=blind_angle)
    np.testing.assert_allclose(heading, -off_bow(170), atol=ROUNDING)


def test_by_the_reference_rules_the_blind_cone_hides_repulsion():
    heading = next_heading((0.5 * off_bow(170), Y), rules="reference")
    np.testing.assert_array_equal(heading, X)


def test_orientation_takes_the_neighbours_heading():
    np.testing.assert_allclose(next_heading((3 * Z, Y)), Y, atol=ROUNDING)


def test_attraction_turns_towards():
    np.testing.assert_allclose(next_heading((7 * Z, Y)), Z, atol=ROUNDING)


@pytest.mark.parametrize(("distance", "expected"), [(1.0, Y), (5.0, Z), (10.0, X)])
def test_zones_are_half_open(distance, expected):
    """A fish exactly on a radius belongs to the outer zone."""
    np.testing.assert_allclose(next_heading((distance * Z, Y)), expected, atol=ROUNDING)


@pytest.mark.parametrize("distance", [3.0, 7.0])
@pytest.mark.parametrize(("bearing", "is_seen"), [(134, True), (136, False), (180, False)])
def test_the_blind_cone_hides_orientation_and_attraction(distance, bearing, is_seen):
    """Of 45 degrees about the stern, so that 270 degrees are seen."""
    heading = next_heading((distance * off_bow(bearing), Y))
    felt = Y if distance < 5 else off_bow(bearing)
    np.testing.assert_allclose(heading, felt if is_seen else X, atol=ROUNDING)


def test_with_nobody_near_the_heading_stays():
    np.testing.assert_allclose(next_heading(), X, atol=ROUNDING)
    np.testing.assert_allclose(next_heading((10.5 * Z, Y)), X, atol=ROUNDING)


ALIGNED = [(3 * Z, Y), (2 * Y, Y), (-4 * Y, Y)]


def test_three_aligned_neighbours_pull_no_more_than_one_that_attracts():
    """Each sum is made a unit vector: by the reference rules it were 3 Y + Z."""
    heading = next_heading(*ALIGNED, (7 * Z, X))
    np.testing.assert_allclose(heading, (Y + Z) / np.sqrt(2), atol=ROUNDING)


def test_three_that_attract_pull_no_more_than_one_aligned_neighbour():
    heading = next_heading((3 * X, Y), (7 * Z, X), (8 * Z, X), (9 * X, X))
    towards = (2 * Z + X) / np.sqrt(5)
    expected = Y + towards
    np.testing.assert_allclose(heading, expected / np.linalg.norm(expected), atol=ROUNDING)


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_orientation_weight_multiplies_the_unit_vector_of_orientation(weight):
    heading = next_heading(*ALIGNED, (7 * Z, X), orientation_weight=weight)
    np.testing.assert_allclose(heading, (weight * Y + Z) / np.hypot(weight, 1), atol=ROUNDING)


def test_repulsion_silences_the_rest():
    np.testing.assert_allclose(
        next_heading((0.5 * Y, X), (3 * Z, Y), (7 * Z, X)), -Y, atol=ROUNDING
    )


def test_neighbours_that_cancel_in_one_zone_leave_it_to_the_other():
    heading = next_heading((3 * Z, Y), (3 * Y, -Y), (7 * Z, X))
    np.testing.assert_allclose(heading, Z, atol=ROUNDING)
    heading = next_heading((3 * Z, Y), (7 * Z, X), (-7 * Z, X))
    np.testing.assert_allclose(heading, Y, atol=ROUNDING)


def test_zones_that_cancel_each_other_leave_the_heading():
    """Alignment to Y against attraction to -Y, though by three against one."""
    np.testing.assert_allclose(next_heading(*ALIGNED, (-7 * Y, X)), X, atol=ROUNDING)


# Two fish alone: orbits in a plane, worked out with an angle and the two numbers of a place.

N_STEPS = 120
THETA = 0.07
# The plane lies askew, so that all three components of every vector matter.
PLANE = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0][:2]
# 120 steps round positions up to 20 by 2e-15 each; nothing here magnifies that.
BY_HAND = 1e-10


def two_fish(places: list, angles: list, **fields) -> tuple[np.ndarray, np.ndarray]:
    """The run of two fish that start at places (x, y) of the plane, heading at angles to x.

    **Returns:** positions and headings, (T, 2 fish, 3).
    """
    headings = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    state = kj.make_state(np.array(places) @ PLANE, headings @ PLANE)
    run = kj.simulate(state, couzin(**({"max_turn": THETA} | fields)), KEY, n_steps=N_STEPS)
    return np.asarray(run.position), np.asarray(run.heading)


def assert_follows(run: tuple[np.ndarray, np.ndarray], places: list, angles: list) -> None:
    """Places (T, 2 fish, 2) and angles (T, 2 fish) in the plane, the start included."""
    headings = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    np.testing.assert_allclose(run[0], np.array(places) @ PLANE, rtol=0, atol=BY_HAND)
    np.testing.assert_allclose(run[1], headings @ PLANE, rtol=0, atol=BY_HAND)


@pytest.mark.parametrize(
    ("apart", "angles"),
    [
        pytest.param(12.5, [2.0, 1.2], id="out of sight of each other"),
        pytest.param(3.0, [pi / 2, pi / 2], id="abreast in the zone of orientation"),
        pytest.param(7.0, [0.0, pi], id="one behind the other, swimming apart"),
    ],
)
def test_two_fish_that_keep_straight(apart, angles):
    """The last pair would attract each other, but each lies in the other's blind cone."""
    places, swum = np.array([[apart, 0.0], [0.0, 0.0]]), 0.02 * np.arange(N_STEPS + 1)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    expected = places[None] + swum[:, None, None] * directions[None]
    run = two_fish(places.tolist(), angles, speed=0.2)
    assert_follows(run, expected.tolist(), [angles] * (N_STEPS + 1))


@pytest.mark.parametrize(
    ("sense", "half", "radii"),
    [
        pytest.param(1, 7.0, (1.0, 5.0, 20.0), id="attraction"),
        pytest.param(-1, 2.0, (12.0, 12.0, 12.0), id="repulsion"),
    ],
)
def test_two_fish_abreast_turn_towards_or_away_by_max_turn_a_step(sense, half, radii):
    """Mirror images in the y axis, at -half and half, heading along y at first.

    Both turn by theta a step until the line between them is reached, after 23 steps: the last
    turn is the rest of the right angle. From there they swim along the line.
    """
    assert ceil(pi / 2 / THETA) == 23
    swum, turned, height, places, angles = 0.02, 0.0, 0.0, [], []
    for _ in range(N_STEPS + 1):
        places.append([(-half, height), (half, height)])
        angles.append([pi / 2 - sense * turned, pi / 2 + sense * turned])
        turned = min(turned + THETA, pi / 2)
        half, height = half - sense * swum * sin(turned), height + swum * cos(turned)
    names = dict(zip(("r_repulsion", "r_orientation", "r_attraction"), radii, strict=True))
    assert_follows(two_fish(places[0], angles[0], speed=0.2, **names), places, angles)


def test_two_fish_turn_to_their_common_heading():
    """In the zone of orientation, heading at 0.6 to either side of y; each wants the other's way.

    They turn by theta a step while more than theta apart, and then swap their headings for ever:
    all fish turn at once.
    """
    swum, tilt, places, angles = 0.02, 0.6, [[-1.5, 0.0], [1.5, 0.0]], []
    track = []
    for _ in range(N_STEPS + 1):
        angles.append([pi / 2 - tilt, pi / 2 + tilt])
        track.append([list(place) for place in places])
        reach = min(THETA, 2 * abs(tilt))
        tilt -= reach if tilt > 0 else -reach
        for place, side in zip(places, (1, -1), strict=True):
            place[0] += side * swum * sin(tilt)
            place[1] += swum * cos(tilt)
    assert any(a[0] > pi / 2 for a in angles)
    assert_follows(two_fish(track[0], angles[0], speed=0.2), track, angles)


@pytest.mark.parametrize("theta", [0.07, 0.2])
def test_two_fish_that_chase_each_other_circle_on_a_polygon(theta):
    """Always at opposite corners of a regular polygon with sides v dt and outer angles theta.

    Its radius is v dt / (2 sin(theta / 2)). From a corner the centre, and so the other fish, lies
    at pi / 2 + theta / 2 off the last side: always farther than theta, and in sight.
    """
    side = 0.1
    radius = side / (2 * sin(theta / 2))
    corner = theta * np.arange(N_STEPS + 1)
    corners = np.stack([corner, corner + pi], axis=1)
    places = radius * np.stack([np.cos(corners), np.sin(corners)], axis=-1)
    # The side that leads to a corner lies half an outer angle before the tangent there.
    angles = corners + pi / 2 - theta / 2
    fields = {"speed": 1.0, "r_repulsion": 0.5, "r_orientation": 0.5, "max_turn": theta}
    run = two_fish(places[0].tolist(), angles[0].tolist(), **fields)
    assert_follows(run, places.tolist(), angles.tolist())
    distance = np.linalg.norm(run[0], axis=-1)
    np.testing.assert_allclose(distance, radius, rtol=0, atol=BY_HAND)


def pair_about_the_origin(place: tuple, angle: float, swum: float, close: float) -> tuple:
    """A fish and its image by the origin, which repel nearer than `close` and else attract.

    With no zone of orientation and a blind cone of 45 degrees for attraction.
    """
    (x, y), places, angles = place, [], []
    for _ in range(N_STEPS + 1):
        places.append([(x, y), (-x, -y)])
        angles.append([angle, angle + pi])
        is_close = 2 * hypot(x, y) < close
        wanted = atan2(y, x) if is_close else atan2(-y, -x)
        aside = remainder(wanted - angle, 2 * pi)
        if is_close or abs(aside) < 3 * pi / 4:
            angle += max(-THETA, min(THETA, aside))
        x, y = x + swum * cos(angle), y + swum * sin(angle)
    return places, angles


def test_two_fish_that_pass_and_repel_each_other():
    """They approach in a curve, turn away, and lose sight of each other: then they swim straight.

    They are never aimed at each other when too close: straight away would then lie in any plane.
    """
    places, angles = pair_about_the_origin((4.0, 0.5), 2.2, swum=0.2, close=2.0)
    turns = np.round(np.diff([pair[0] for pair in angles]), 6)
    np.testing.assert_array_equal(turns, [THETA] * 23 + [-THETA] * 5 + [0] * 92)
    zones = {"r_repulsion": 2.0, "r_orientation": 2.0, "r_attraction": 50.0}
    assert_follows(two_fish(places[0], angles[0], speed=2.0, **zones), places, angles)


# A school of 30 that feels all three zones.

N = 30
ZONES = {"r_repulsion": 0.8, "r_orientation": 2.0, "r_attraction": 4.0, "max_turn": 0.2}
STATE = uniform_ball(KEY, N, 3.0)
SIDE = 1e4


@pytest.fixture(scope="module", params=["reference", "couzin2002"])
def open_and_boxed(request) -> tuple[kj.Trajectory, kj.Trajectory]:
    """The same noisy school in open water, and in the middle of a box too large to wrap in."""
    middle = kj.State(STATE.position + SIDE / 2, STATE.heading)
    params = couzin(rules=request.param, noise=0.1, **ZONES)
    boxed = replace(params, box_size=jnp.asarray(SIDE))
    options = {"n_steps": 20, "neighbours": "dense"}
    return kj.simulate(STATE, params, KEY, **options), kj.simulate(middle, boxed, KEY, **options)


# Positions about 5,000 round by 5e-13, so offsets between near fish, and with them directions,
# differ by 1e-12; 20 steps in which neighbours turn each other magnify that some thirty times.
SHIFTED = 1e-9


def test_open_water_is_a_box_too_large_to_wrap_in(open_and_boxed):
    alone, boxed = open_and_boxed
    moved = np.asarray(boxed.position) - SIDE / 2
    np.testing.assert_allclose(moved, alone.position, rtol=0, atol=SHIFTED)
    np.testing.assert_allclose(boxed.heading, alone.heading, rtol=0, atol=SHIFTED)
    # Neither run is at rest: the school has moved and turned by much more.
    assert np.abs(alone.position[-1] - alone.position[0]).min(axis=-1).max() > 0.1


FREE_OF_THE_BOX = [
    "polarization",
    "rotation",
    "spread",
    "order_index",
    "polarization_entropy",
    "angular_momentum_entropy",
    "nearest_neighbor_entropy",
    "velocity_correlation_entropy",
    "school_shape_entropy",
]


def test_metrics_that_need_no_box_are_the_same_in_open_water(open_and_boxed):
    """Under "corrected"; the other three have the box, or the school's extent, for their range."""
    found = [
        measure(run.final.position, run.final.heading, box, convention="corrected")
        for run, box in zip(open_and_boxed, (None, SIDE), strict=True)
    ]
    for name in FREE_OF_THE_BOX:
        alone, boxed = (float(getattr(metrics, name)) for metrics in found)
        # Counts only change if a value lies within 1e-9 of an edge of its bin.
        assert alone == pytest.approx(boxed, abs=SHIFTED), name


QUIET = couzin(**ZONES)


def test_the_school_feels_all_three_zones():
    """Otherwise the symmetries below would say less than they seem to."""
    offset = STATE.position[None] - STATE.position[:, None]
    distance = np.linalg.norm(offset, axis=-1) + 100 * np.eye(N)
    crowded = (distance < ZONES["r_repulsion"]).any(axis=1)
    aligned = (distance < ZONES["r_orientation"]).any(axis=1) & ~crowded
    assert crowded.sum() >= 5
    assert aligned.sum() >= 5
    assert distance[~np.eye(N, dtype=bool)].max() > ZONES["r_orientation"] + 1


def assert_steps_to(state: kj.State, expected: Callable[[jax.Array], jax.Array]) -> None:
    """That a transformed school steps to the transformed next headings of `STATE`."""
    plain, after = step(STATE, QUIET, KEY), step(state, QUIET, KEY)
    # Offsets within 30 of the origin round by 4e-15; fish are a tenth of a length apart, and the
    # sum of unit vectors is seldom shorter than a tenth.
    np.testing.assert_allclose(after.heading, expected(plain.heading), rtol=0, atol=1e-12)


def test_permutation_of_the_fish():
    order = np.random.default_rng(0).permutation(N)
    mixed = kj.State(STATE.position[order], STATE.heading[order])
    assert_steps_to(mixed, lambda heading: heading[order])


@pytest.mark.parametrize("seed", range(3))
def test_translation(seed):
    shift = jnp.asarray(np.random.default_rng(seed).uniform(-30, 30, 3))
    moved = kj.State(STATE.position + shift[None, :], STATE.heading)
    assert_steps_to(moved, lambda heading: heading)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sense", [1, -1])
def test_rotation_and_reflection(seed, sense):
    matrix, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    matrix = jnp.asarray(matrix * sense * np.sign(np.linalg.det(matrix)))
    turned = kj.State(STATE.position @ matrix.T, STATE.heading @ matrix.T)
    assert_steps_to(turned, lambda heading: heading @ matrix.T)


# Derivatives of three noisy steps with blurred edges.

SMOOTH = couzin(**ZONES, edge_width=0.3, orientation_weight=0.8)
SMOOTH = replace(SMOOTH, noise=jnp.asarray(0.1))
NAMES = [
    "speed",
    "r_repulsion",
    "r_orientation",
    "r_attraction",
    "max_turn",
    "noise",
    "blind_angle",
    "orientation_weight",
    "dt",
]


@jax.jit
def summed(params: kj.Params) -> jax.Array:
    final = kj.simulate(STATE, params, KEY, n_steps=3).final
    return jnp.sum(jnp.sin(final.position) * final.heading)


@pytest.fixture(scope="module")
def slopes() -> kj.Params:
    """The derivative of `summed` with respect to every parameter."""
    return jax.jit(jax.grad(summed))(SMOOTH)


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_with_blurred_edges_are_those_of_central_differences(slopes, name):
    slope, value, width = float(getattr(slopes, name)), getattr(SMOOTH, name), 1e-5
    above, below = (
        float(summed(replace(SMOOTH, **{name: value + shift}))) for shift in (width, -width)
    )
    # Error of central differences: width**2 times the third derivative, up to some 1e5 (of dt),
    # plus rounding of 1e-14 over the width.
    assert slope == pytest.approx((above - below) / (2 * width), rel=1e-6, abs=1e-8)
    assert abs(slope) > 1e-4


def test_every_derivative_is_finite(slopes):
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(slopes))


def test_with_edges_narrower_than_any_gap_the_step_is_the_plain_step():
    narrow = couzin(**ZONES, edge_width=1e-9)
    blurred, plain = (step(STATE, params, KEY).heading for params in (narrow, QUIET))
    np.testing.assert_allclose(blurred, plain, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rules", ["reference", "couzin2002"])
@pytest.mark.parametrize("other", [(7 * Z, X), (3 * Z, Y)], ids=["attracts", "aligns"])
def test_with_blurred_edges_no_heading_jumps_as_a_neighbour_swims_by(rules, other):
    """From within repulsion to out of reach, beside another that stays where it is."""
    params = couzin(rules=rules, max_turn=pi, blind_angle=0.0, edge_width=0.5)
    distance = np.linspace(0.2, 11.0, 10_801)
    walker = distance[:, None] * np.array([0.8, 0, 0.6])
    position = np.stack(np.broadcast_arrays(0 * X, walker, other[0]), axis=1)
    heading = np.broadcast_to([X, 0.6 * Y - 0.8 * Z, other[1]], position.shape)

    def looks(position, heading):
        return kj.step(kj.State(position, heading), params, KEY).heading[0]

    after = np.asarray(jax.jit(jax.vmap(looks))(position, heading))
    turned = np.linalg.norm(np.diff(after, axis=0), axis=1).max()
    # Within 0.001 bl: 0.06 where repulsion and attraction, all but opposed, change over. A step
    # would turn the fish by more than half a radian at once.
    assert turned < 0.1


# How schools start in open water.


def test_a_uniform_ball_is_uniform_about_the_origin():
    """The volume within a distance grows with its cube; any axis cuts a sphere evenly."""
    state = uniform_ball(KEY, 5_000, 4.0)
    distance = np.linalg.norm(state.position, axis=1)
    assert distance.max() <= 4 * (1 + ROUNDING)
    assert stats.kstest((distance / 4) ** 3, stats.uniform.cdf).pvalue > CHANCE
    assert_isotropic(np.asarray(state.position) / distance[:, None])
    assert_isotropic(np.asarray(state.heading))


def assert_isotropic(directions: np.ndarray) -> None:
    """Each component of a direction uniform on the sphere is uniform over -1 to 1 (Archimedes)."""
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1, rtol=ROUNDING)
    for component in directions.T:
        assert stats.kstest(component, stats.uniform(-1, 2).cdf).pvalue > CHANCE


def test_in_a_uniform_ball_headings_do_not_depend_on_places():
    state = uniform_ball(KEY, 5_000, 4.0)
    outward = np.sum(np.asarray(state.position) * np.asarray(state.heading), axis=1)
    distance = np.linalg.norm(state.position, axis=1)
    assert stats.kstest(outward / distance, stats.uniform(-1, 2).cdf).pvalue > CHANCE


def test_a_ring_in_open_water_is_that_of_a_box_about_the_origin():
    alone, boxed = kj.ring(KEY, 200, None, 6.0), kj.ring(KEY, 200, 100.0, 6.0)
    # Places about 50 round by 7e-15.
    np.testing.assert_allclose(alone.position, boxed.position - 50, rtol=0, atol=2e-14)
    np.testing.assert_allclose(alone.heading, boxed.heading, rtol=0, atol=ROUNDING)
    assert np.linalg.norm(alone.position.mean(axis=0)) < 1
