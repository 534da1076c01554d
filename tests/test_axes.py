"""Axes and grids: what a person writes, and the members that it means."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadita_jax.axes import read_axes
from kadita_jax.grid import Grid
from kadita_jax.metrics import NAMES
from kadita_jax.scenario import Scenario
from kadita_jax.sweep_plan import SweepPlan
from kadita_jax.window import Window

SCHOOL = Scenario(r_repulsion=1.0, r_orientation=4.0, r_attraction=10.0)


def grid(axes, replicates=1, scenario=SCHOOL) -> Grid:
    found, faults = read_axes(axes)
    assert not faults
    return Grid(scenario, found, replicates)


def parameters(axes, scenario=SCHOOL) -> dict[str, list]:
    made = grid(axes, scenario=scenario)
    return {k: v.tolist() for k, v in made.parameters(np.arange(made.n_points)).items()}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1:2:3", [1, 1.5, 2]),
        ("2:1:3", [2, 1.5, 1]),
        ("0.01:1:3:log", [0.01, 0.1, 1]),
        ("3,1,2.5", [3, 1, 2.5]),
        ("3", [3]),
        ([3, 1], [3, 1]),
        (np.float32([1, 2]), [1, 2]),
        (range(1, 3), [1, 2]),
    ],
)
def test_values_as_they_are_written(written, meant):
    # geomspace rounds in the last place.
    np.testing.assert_allclose(parameters({"noise": written})["noise"], meant, rtol=1e-15)


def test_a_grid_is_numbered_along_its_last_axis_and_its_replicates_first():
    made = grid({"noise": [0.1, 0.2], "max_turn": [1, 2, 3]}, replicates=4)
    assert (made.shape, made.dims) == ((2, 3, 4), ("noise", "max_turn", "replicate"))
    assert (made.n_points, made.n_members) == (6, 24)
    swept = made.swept(np.arange(6))
    assert swept["noise"].tolist() == [0.1] * 3 + [0.2] * 3
    assert swept["max_turn"].tolist() == [1, 2, 3, 1, 2, 3]


def test_zipped_axes_change_together():
    made = grid({("noise", "max_turn"): ([0.1, 0.2], [1, 2]), "speed": [3, 4]})
    assert made.dims == ("noise_and_max_turn", "speed", "replicate")
    swept = made.swept(np.arange(4))
    assert swept["noise"].tolist() == [0.1, 0.1, 0.2, 0.2]
    assert swept["max_turn"].tolist() == [1, 1, 2, 2]


def test_the_orientation_width_takes_the_attraction_zone_along():
    found = parameters({"orientation_width": [0, 2]})
    assert found == {"r_orientation": [1, 3], "r_attraction": [7, 9]}


def test_the_attraction_width_starts_where_the_orientation_zone_ends():
    found = parameters({"orientation_width": [0, 2], "attraction_width": [5]})
    assert found == {"r_orientation": [1, 3], "r_attraction": [6, 8]}
    assert parameters({"attraction_width": [5]}) == {"r_attraction": [9]}
    both = parameters({"r_orientation": [2, 3], "attraction_width": [5]})
    assert both == {"r_orientation": [2, 3], "r_attraction": [7, 8]}


def test_a_radius_named_beside_the_other_width_is_taken_as_it_is():
    found = parameters({"orientation_width": [0, 2], "r_attraction": [8]})
    assert found == {"r_orientation": [1, 3], "r_attraction": [8, 8]}
    found = parameters({"r_repulsion": [0, 2], "orientation_width": [1]})
    assert found == {"r_repulsion": [0, 2], "r_orientation": [1, 3], "r_attraction": [7, 9]}


def test_widths_of_unlike_fish():
    unlike = Scenario(n_fish=2, r_repulsion=[1, 2], r_orientation=4, r_attraction=[10, 11])
    found = parameters({"orientation_width": [0, 3]}, unlike)
    assert found["r_orientation"] == [[1, 2], [4, 5]]
    assert found["r_attraction"] == [[7, 9], [10, 12]]


def test_points_with_radii_out_of_order():
    made = grid({"r_orientation": [1, 5, 12], "r_attraction": [4, 12]})
    assert made.in_order(np.arange(6)).tolist() == [True, True, False, True, False, True]
    assert grid({"noise": [1, 2]}).in_order(np.arange(2)).tolist() == [True, True]


@given(
    n_steps=st.integers(1, 300),
    every=st.integers(1, 40),
    burn_in=st.integers(0, 300),
)
def test_the_window_is_the_multiples_after_the_burn_in(n_steps, every, burn_in):
    window = Window(n_steps, every, burn_in)
    steps = [step for step in range(burn_in + 1, n_steps + 1) if step % every == 0]
    assert max(window.n_frames, 0) == len(steps)
    if steps:
        assert window.first == steps[0]


@given(
    n_points=st.integers(1, 60),
    replicates=st.integers(1, 5),
    size=st.integers(1, 50),
)
def test_parts_hold_every_member_that_is_computed_once(n_points, replicates, size):
    # Every r_orientation above 10, the attraction radius, is out of order.
    made = grid({"r_orientation": np.linspace(1, 20, n_points)}, replicates)
    plan = SweepPlan(made, Window(10, 1, 0), "reference", "float32", False)
    members = np.concatenate([part.member for part in plan.parts({150: size})])
    points = np.flatnonzero(np.linspace(1, 20, n_points) <= 10)
    expected = [point * replicates + k for point in points for k in range(replicates)]
    assert members.tolist() == expected
    assert plan.n_computed == len(expected)


def test_parts_are_as_equal_as_they_can_be_and_shared_by_the_devices():
    made = grid({"noise": np.linspace(0.1, 1, 500), "n_fish": [50, 100, 400]}, 4)
    plan = SweepPlan(made, Window(1000, 10, 500), "reference", "float32", False)
    sizes = plan.part_sizes()
    assert set(sizes) == {50, 100, 400}
    assert all(size % 2 == 0 for size in sizes.values())
    # More pairs a member, fewer members a part.
    assert sizes[50] > sizes[100] > sizes[400]
    assert plan.member_bytes == 3 * len(NAMES) * 4
