"""Informed fish (Couzin et al. 2005): the pull of a preferred direction, and what it achieves."""

from math import atan2, cos, sin
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kadita_jax as kj
from kadita_jax.model import RULES
from kadita_jax.observed import common_direction
from kadita_jax.scenario import Scenario, parse_scenario

pytestmark = pytest.mark.usefixtures("compiled_quickly")

KEY = jax.random.key(0)
X, Y, Z = np.eye(3)
# One rounding of a unit vector in float64 is 1e-16; a step does about ten operations.
ROUNDING = 1e-14
AWAY = 1000.0
step = jax.jit(kj.step)


def params(rules: str, **fields: Any) -> kj.Params:
    """Quiet fish in open water that see all around and can turn anywhere."""
    settings = {"noise": 0.0, "blind_angle": 0.0, "max_turn": np.pi, "box_size": None}
    return kj.make_params(rules=rules, **(settings | fields))


def next_heading(rules: str, *neighbours: tuple, **fields: Any) -> np.ndarray:
    """The heading after a step of a fish at the origin, at first X, that prefers Y with 1/2."""
    # Always three fish, for one compilation: whoever is not asked for is out of sight.
    absent = [(AWAY * (2 + number) * Z, X) for number in range(2 - len(neighbours))]
    position, heading = zip((0 * X, X), *neighbours, *absent, strict=True)
    preference = {"preferred_direction": Y, "informed_weight": 0.5} | fields
    after = step(kj.make_state(position, heading), params(rules, **preference), KEY)
    return np.asarray(after.heading[0])


def unit(*vector: float) -> np.ndarray:
    return np.array(vector) / np.linalg.norm(vector)


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("weight", [0.0, 0.5, 3.0])
def test_the_preferred_direction_joins_the_pull_of_the_others(rules, weight):
    """(d + w g) / |d + w g|, d = Z."""
    heading = next_heading(rules, (7 * Z, X), informed_weight=weight)
    np.testing.assert_allclose(heading, unit(0, weight, 1), atol=ROUNDING)


@pytest.mark.parametrize("rules", RULES)
def test_however_many_pull_they_pull_as_one(rules):
    """Two aligned neighbours make no more than one unit vector d."""
    heading = next_heading(rules, (3 * Z, Z), (-3 * Z, Z))
    np.testing.assert_allclose(heading, unit(0, 0.5, 1), atol=ROUNDING)


@pytest.mark.parametrize("rules", RULES)
def test_a_fish_alone_leaves_its_own_way_for_the_preferred(rules):
    np.testing.assert_allclose(next_heading(rules), unit(1, 0.5, 0), atol=ROUNDING)


@pytest.mark.parametrize("rules", RULES)
def test_repulsion_silences_the_preference(rules):
    heading = next_heading(rules, (0.5 * Z, X), (7 * Y, X), informed_weight=100.0)
    np.testing.assert_allclose(heading, -Z, atol=ROUNDING)


@pytest.mark.parametrize("rules", RULES)
def test_a_preference_that_cancels_the_others_leaves_their_pull(rules):
    heading = next_heading(rules, (-7 * Y, X), informed_weight=1.0)
    np.testing.assert_allclose(heading, -Y, atol=ROUNDING)


def test_a_lone_informed_fish_turns_by_hand():
    """Each step by atan2(w sin a, 1 + w cos a), a its angle to the direction, or by max_turn."""
    turning = params("couzin2002", max_turn=0.2, preferred_direction=Z, informed_weight=0.3)
    run = kj.simulate(kj.make_state([0 * X], [X]), turning, KEY, n_steps=12)
    angle, expected = np.pi / 2, []
    for _ in range(12):
        angle -= min(0.2, atan2(0.3 * sin(angle), 1 + 0.3 * cos(angle)))
        expected.append([sin(angle), 0, cos(angle)])
    assert 0 < angle < 0.1
    # Twelve turns, each of a few roundings.
    np.testing.assert_allclose(run.heading[1:, 0], expected, atol=1e-13)


def test_each_fish_has_its_own_direction_and_weight():
    position = AWAY * np.arange(3)[:, None] * X
    own = {"preferred_direction": [Y, Z, Z], "informed_weight": jnp.array([1.0, 2.0, 0.0])}
    after = step(kj.make_state(position, [X, X, X]), params("reference", **own), KEY)
    expected = [unit(1, 1, 0), unit(1, 0, 2), X]
    np.testing.assert_allclose(after.heading, expected, atol=ROUNDING)


def test_over_cells_each_fish_has_its_own_direction_too():
    box_size, directions = 20.0, np.eye(3)[np.arange(200) % 3]
    own = {"preferred_direction": directions, "informed_weight": jnp.linspace(0.0, 1.0, 200)}
    radii = {"r_repulsion": 0.5, "r_orientation": 1.5, "r_attraction": 2.5}
    led = kj.make_params(**own, **radii, box_size=box_size)
    state = kj.uniform_gas(KEY, 200, box_size)
    dense, cells = (
        kj.simulate(state, led, KEY, n_steps=1, neighbours=way).final for way in ("dense", "cells")
    )
    # Sums in another order.
    np.testing.assert_allclose(cells.heading, dense.heading, atol=1e-12)


def test_a_direction_of_another_length_is_the_same_direction():
    long, short = (params("reference", preferred_direction=k * (X + Y)) for k in (1e6, 1e-6))
    for found in (long, short):
        np.testing.assert_allclose(found.preferred_direction, unit(1, 1, 0), atol=ROUNDING)


NAIVE = Scenario(
    name="led",
    n_fish=12,
    box_size=12.0,
    r_orientation=3.0,
    r_attraction=6.0,
    n_steps=8,
    save_every=4,
    max_turn=0.6,
)
TWO_OF_TWELVE = {"distribution": "mixture", "first": 0.0, "second": 0.5, "share": 0.2, "seed": 3}
LED = NAIVE.replaced(informed_weight=TWO_OF_TWELVE, preferred_direction=(0.0, 3.0, 4.0))


@pytest.mark.parametrize("rules", RULES)
def test_weight_0_is_the_naive_school(rules):
    naive = NAIVE.replaced(rules=rules)
    known = naive.replaced(preferred_direction=(0.0, 1.0, 0.0))
    state = naive.initial_state(KEY)
    found, plain = (kj.simulate(state, s.params, KEY, n_steps=8) for s in (known, naive))
    # Directions made unit vectors twice differ by 1e-16, which eight chaotic steps magnify.
    np.testing.assert_allclose(found.position, plain.position, atol=1e-12)


def test_the_common_direction_counts_each_as_often_as_it_weighs():
    own = {"preferred_direction": [X, Y, Z], "informed_weight": jnp.array([1.0, 3.0, 0.0])}
    found = common_direction(params("reference", **own))
    np.testing.assert_allclose(found, unit(1, 3, 0), atol=ROUNDING)
    shared = params("reference", preferred_direction=Z, informed_weight=jnp.array([0.5, 0.0]))
    np.testing.assert_allclose(common_direction(shared), Z, atol=ROUNDING)
    # What nobody heeds is a yardstick all the same.
    np.testing.assert_array_equal(common_direction(params("reference", preferred_direction=Z)), Z)
    opposed = params("reference", preferred_direction=[X, -X], informed_weight=1.0)
    np.testing.assert_array_equal(common_direction(opposed), np.zeros(3))


def cosine(heading: np.ndarray) -> np.ndarray:
    mean = heading.mean(axis=-2)
    return mean @ (0, 0.6, 0.8) / np.linalg.norm(mean, axis=-1)


def test_a_run_tells_its_accuracy(tmp_path):
    with kj.run(LED, out=tmp_path / "led.nc") as found:
        accuracy = found["accuracy"]
        # Cosines of means of twelve unit vectors.
        np.testing.assert_allclose(accuracy, cosine(found["heading"].values), atol=ROUNDING)
        assert accuracy.attrs["valid_range"].tolist() == [-1, 1]
    with kj.resume(tmp_path / "led.nc", n_steps=16) as longer:
        expected = cosine(longer["heading"].values)
        np.testing.assert_allclose(longer["accuracy"], expected, atol=ROUNDING)
        np.testing.assert_array_equal(longer.attrs["preferred_direction"], [0, 3, 4])


def test_a_naive_run_has_no_accuracy():
    assert "accuracy" not in kj.run(NAIVE)


def test_a_sweep_tells_the_accuracy_of_its_members():
    found = kj.sweep(
        LED, {"informed_weight": [0.1, 5.0]}, replicates=2, measure_every=8, keep_final=True
    )
    # The window is the last step alone.
    expected = cosine(found["final_heading"].values)
    for kind in ("mean", "final"):
        np.testing.assert_allclose(found[f"accuracy_{kind}"], expected, atol=ROUNDING)
    np.testing.assert_array_equal(found["accuracy_std"], np.zeros((2, 2)))
    error = expected.std(axis=1, ddof=1) / np.sqrt(2)
    np.testing.assert_allclose(found["accuracy_standard_error"], error, atol=ROUNDING)
    assert "n_groups_mean" not in found
    # All twelve informed, and five times as strong as the rest: they go there.
    assert (found["accuracy_mean"].isel(informed_weight=1) > 0.9).all()


def test_toml_there_and_back():
    assert parse_scenario(LED.to_toml(), "x") == LED
    each = NAIVE.replaced(n_fish=2, informed_weight=1.0, preferred_direction=(tuple(X), tuple(Y)))
    assert parse_scenario(each.to_toml(), "x") == each


INFORMED = {"informed_weight": 1.0}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (INFORMED, "preferred_direction: must be given where any informed_weight is above 0"),
        ({"informed_weight": TWO_OF_TWELVE}, "preferred_direction: must be given"),
        (INFORMED | {"preferred_direction": (0.0, 0.0, 0.0)}, "must be finite and not zero"),
        (INFORMED | {"preferred_direction": (0.0, np.nan, 0.0)}, "must be finite and not zero"),
        (INFORMED | {"preferred_direction": (0.0, 1.0)}, "preferred_direction: must be three"),
        (INFORMED | {"preferred_direction": "north"}, "preferred_direction: must be three"),
        (INFORMED | {"preferred_direction": [X, Y]}, "must hold one vector for each of 12 fish"),
        ({"informed_weight": -1.0}, "informed_weight: must be finite and >= 0"),
    ],
)
def test_wrong_preferences_are_refused(fields, said):
    with pytest.raises(kj.InvalidInputError, match=said):
        NAIVE.replaced(**fields)


def test_wrong_preferences_of_params_are_refused():
    with pytest.raises(kj.InvalidInputError, match="preferred_direction: must be given"):
        kj.make_params(informed_weight=jnp.array([0.0, 1.0]))
    pair = kj.make_params(informed_weight=1.0, preferred_direction=[X, Y])
    with pytest.raises(kj.InvalidInputError, match="one vector or one for each of 3 fish"):
        kj.step(kj.make_state(np.zeros((3, 3)), [X, X, X]), pair, KEY)
