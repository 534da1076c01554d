"""Parameters that change with time: their values, the runs that follow them, what is refused."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kadita_jax as kj
from kadita_jax import plan
from kadita_jax.keys import member_key, noise_stream
from kadita_jax.knots import LAST_STEP
from kadita_jax.scenario import parse_scenario
from kadita_jax.schedule import Course, as_schedule

KEY = jax.random.key(3)
SCHOOL = kj.Scenario(
    name="led",
    n_fish=9,
    box_size=9.0,
    r_orientation=2.0,
    r_attraction=4.0,
    n_steps=12,
    save_every=1,
)
STATE, PARAMS = SCHOOL.initial_state(KEY), SCHOOL.params
# Bends between steps that are saved, and within a chunk.
BENT = {"noise": [(2, 0.0), (7, 0.4)], "r_attraction": [(0, 4.0), (9, 2.5)]}
# Two programs round differently, by 1e-16 a step; 12 chaotic steps magnify that by less than 1e4.
TWO_PROGRAMS = 1e-11


def run(n_steps: int = 12, state: kj.State = STATE, **options: Any) -> kj.Trajectory:
    return kj.simulate(state, PARAMS, KEY, n_steps=n_steps, **options)


def at_step(number: int, **given: list) -> kj.Params:
    params = kj.make_params()
    course = Course(params, as_schedule(given, params), noise_stream(KEY))
    return course.at_step(number)[0]


# With and without x64 all of these are exact: shares and products of powers of two.
@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, 1.0), (8, 1.0), (10, 1.5), (12, 2.0), (13, 1.75), (16, 1.0), (17, 1.0), (LAST_STEP, 1.0)],
)
def test_a_value_is_linear_between_knots_and_constant_outside(number, expected):
    knots = [(8, 1.0), (12, 2.0), (16, 1.0)]
    assert float(at_step(number, noise=knots).noise) == expected


def test_one_knot_is_a_constant():
    assert [float(at_step(n, noise=[(5, 0.25)]).noise) for n in (0, 5, 9)] == [0.25] * 3


def test_what_is_not_scheduled_stays():
    changed = at_step(4, noise=[(0, 0.5)])
    assert float(changed.noise) == 0.5
    assert float(changed.speed) == float(kj.make_params().speed)


@pytest.mark.usefixtures("float32")
def test_single_precision_tells_steps_apart_that_it_cannot_hold():
    first = 2**24 + 1  # no float32
    knots = [(first, 0.0), (first + 4, 1.0)]
    found = [at_step(first + n, noise=knots).noise for n in range(6)]
    assert found[0].dtype == jnp.float32
    assert [float(value) for value in found] == [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]


def test_a_constant_schedule_is_the_plain_run():
    constant = {"noise": [(0, 0.1), (5, 0.1)], "speed": [(3, 1.0)]}
    # Not the same bits: the parameters are computed within the loop, another program.
    found, plain = run(schedule=constant), run()
    np.testing.assert_allclose(found.position, plain.position, atol=TWO_PROGRAMS)
    np.testing.assert_allclose(found.heading, plain.heading, atol=TWO_PROGRAMS)


def test_two_neighbouring_knots_are_a_jump():
    """The step from state n to n + 1 takes the values at n."""
    found = run(schedule={"noise": [(4, 0.0), (5, 0.4)]})
    quiet = kj.simulate(STATE, SCHOOL.replaced(noise=0.0).params, KEY, n_steps=12)
    np.testing.assert_allclose(found.heading[:6], quiet.heading[:6], atol=TWO_PROGRAMS)
    assert np.all(np.any(np.abs(found.heading[6] - quiet.heading[6]) > 1e-3, axis=1))
    loud = SCHOOL.replaced(noise=0.4).params
    state = kj.State(found.position[5], found.heading[5])
    rest = kj.simulate(state, loud, KEY, n_steps=7, first_step=5)
    np.testing.assert_allclose(found.heading[5:], rest.heading, atol=TWO_PROGRAMS)


@pytest.fixture(scope="module")
def whole() -> kj.Trajectory:
    return run(schedule=BENT)


def test_a_schedule_moves_the_school(whole):
    assert np.abs(whole.heading[3] - run().heading[3]).max() > 1e-3


@pytest.mark.parametrize("n_steps", [1, 3, 4])
def test_chunks_of_a_schedule_are_one_run_to_the_bit(n_steps, whole):
    state = STATE
    for first in range(0, 12, n_steps):
        chunk = run(n_steps, state, first_step=first, schedule=BENT)
        np.testing.assert_array_equal(
            chunk.position, whole.position[first : first + n_steps + 1], err_msg=str(first)
        )
        state = chunk.final
    np.testing.assert_array_equal(state.heading, whole.final.heading)


def test_a_scheduled_run_resumed_from_its_file_is_one_run(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "PART_PAIRS", 2 * 3 * 9**2)
    school = SCHOOL.replaced(schedule=BENT, save_every=3)
    assert plan.settle(school, None).frames_per_part == 2
    expected = kj.run(school)
    kj.run(school, n_steps=6, out=tmp_path / "led.nc").close()
    with kj.resume(tmp_path / "led.nc", n_steps=12) as resumed:
        for name in expected.data_vars:
            np.testing.assert_array_equal(resumed[name], expected[name], err_msg=str(name))
        assert resumed.attrs["schedule"] == (
            '{"noise": [[2, 0.0], [7, 0.4]], "r_attraction": [[0, 4.0], [9, 2.5]]}'
        )
        # What changes has no one value.
        assert not {"noise", "r_attraction"} & set(resumed.attrs)


def test_a_member_of_a_scheduled_sweep_is_the_run_of_its_key():
    school = SCHOOL.replaced(schedule=BENT)
    found = kj.sweep(school, {"speed": [0.5, 2.0]}, keep_final=True, measure_every=4, seed=5)
    for number, speed in enumerate((0.5, 2.0)):
        key = member_key(jax.random.key(5), number)
        params = school.replaced(speed=speed).params
        alone = kj.simulate(school.initial_state(key), params, key, n_steps=12, schedule=BENT)
        final = found["final_position"].isel(speed=number, replicate=0)
        np.testing.assert_array_equal(final, alone.final.position)
        measured = kj.metrics.measure(alone.final.position, alone.final.heading, 9.0)
        np.testing.assert_allclose(
            found["rotation_final"].isel(speed=number, replicate=0),
            measured.rotation,
            atol=1e-13,  # another program measures; a mean of nine products of numbers near 1
        )


@pytest.mark.parametrize("course", [[(0, 1.6), (8, 3.0)], [(0, 3.0), (8, 1.6)]])
def test_cells_hold_a_sight_that_changes(course):
    school = kj.Scenario(n_fish=200, box_size=20.0, r_repulsion=0.5, r_orientation=1.5)
    state = school.initial_state(KEY)
    # The parameters' own sight is that of neither end: only the schedule's counts.
    params = school.replaced(r_attraction=2.0).params
    dense, cells = (
        kj.simulate(state, params, KEY, n_steps=8, schedule={"r_attraction": course}, neighbours=n)
        for n in ("dense", "cells")
    )
    assert cells.demand is not None
    # Sums in another order: 1e-15 a step, magnified by eight steps of a sparse school.
    np.testing.assert_allclose(cells.position, dense.position, atol=1e-11)


def test_a_width_moves_the_radii_outside_it():
    text = "r_repulsion = 1.0\nr_orientation = 2.0\nr_attraction = 16.0\n"
    text += "schedule = {orientation_width = [[0, 0.0], [100, 4.0]]}\n"
    scenario = parse_scenario(text, "mine")
    assert scenario.courses == {
        "r_orientation": [[0, 1.0], [100, 5.0]],
        "r_attraction": [[0, 15.0], [100, 19.0]],
    }
    assert scenario.farthest == 19.0


def test_both_widths_bend_where_either_does():
    scenario = kj.Scenario(
        r_repulsion=1.0,
        schedule={
            "orientation_width": [[0, 2.0], [100, 4.0]],
            "attraction_width": [[50, 10.0], [60, 5.0]],
        },
    )
    assert scenario.courses["r_orientation"] == [[0, 3.0], [50, 4.0], [60, 4.2], [100, 5.0]]
    attraction = scenario.courses["r_attraction"]
    assert [step for step, _ in attraction] == [0, 50, 60, 100]
    # Sums of decimals: two roundings of numbers below 16.
    np.testing.assert_allclose([v for _, v in attraction], [13, 14, 9.2, 10], atol=4e-15)


def test_toml_there_and_back():
    knots = [[0, 1.0], [2**24 + 1, 0.1], [2**30, 0.30000000000000004]]
    scenario = SCHOOL.replaced(schedule={"noise": knots, "orientation_width": [[3, 0.5]]})
    read = parse_scenario(scenario.to_toml(), "other")
    assert read == scenario
    assert [list(pair) for pair in read.schedule["noise"]] == knots
    assert parse_scenario(SCHOOL.to_toml(), "other").schedule == {}


BOTH_WIDTH_AND_RADIUS = {"orientation_width": [[0, 1]], "r_orientation": [[0, 3.0]]}
CROSSING = {"r_orientation": [[0, 2.0], [7, 5.0]], "r_attraction": [[0, 4.0], [9, 3.0]]}


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ({"dt": [[0, 0.1]]}, "schedule dt: must not be scheduled"),
        ({"box_size": [[0, 9.0]]}, "schedule box_size: must not be scheduled"),
        ({"nois": [[0, 0.1]]}, r"schedule nois: .*did you mean 'noise'\?"),
        ({"noise": [[5, 0.1], [4, 0.2]]}, r"schedule noise: must have whole, ascending steps"),
        ({"noise": [[5, 0.1], [5, 0.2]]}, r"schedule noise: must have whole, ascending steps"),
        ({"noise": [[-1, 0.1]]}, r"schedule noise: must have whole, ascending steps >= 0"),
        ({"noise": [[2**31, 0.1]]}, r"schedule noise: must have whole, ascending steps"),
        ({"noise": []}, r"schedule noise: must be \[\[step, value\], ...\]"),
        ({"noise": [[0, 0.1], [5, -0.1]]}, r"schedule noise: every value must be .* >= 0"),
        ({"max_turn": [[0, 0.0]]}, r"schedule max_turn: every value must be > 0 and <= pi"),
        (BOTH_WIDTH_AND_RADIUS, "must not name both r_orientation and its width"),
        (CROSSING, r"r_orientation <= r_attraction at all steps, got 'broken at step 7'"),
        ({"r_repulsion": [[0, 1], [9, 3]]}, "r_repulsion <= r_orientation at all steps.*step 9"),
    ],
)
def test_a_wrong_schedule_of_a_scenario_is_refused(schedule, said):
    with pytest.raises(kj.InvalidInputError, match=said):
        SCHOOL.replaced(schedule=schedule)


def test_radii_that_cross_between_their_knots_are_refused():
    # At their own knots both are in order; one bends where the other has none.
    crossing = {"r_orientation": [[0, 2.0], [10, 4.0]], "r_attraction": [[5, 2.5], [10, 4.0]]}
    with pytest.raises(kj.InvalidInputError, match="broken at step 5"):
        SCHOOL.replaced(schedule=crossing)


def test_what_each_fish_has_of_its_own_cannot_be_scheduled():
    speeds = tuple(np.linspace(1, 2, 9))
    with pytest.raises(kj.InvalidInputError, match="speed: must be one number: a schedule moves"):
        SCHOOL.replaced(speed=speeds, schedule={"speed": [[0, 1.0]]})
    # Radii that a width would move are one number as well.
    attraction = {"distribution": "uniform", "low": 4.0, "high": 5.0, "seed": 1}
    with pytest.raises(kj.InvalidInputError, match="r_attraction: must be one number"):
        SCHOOL.replaced(r_attraction=attraction, schedule={"orientation_width": [[0, 1.0]]})


def test_every_fault_of_a_schedule_is_told_at_once():
    schedule = {"nois": [[0, 1]], "dt": [[0, 1]], "speed": [[0, -1.0]]}
    with pytest.raises(kj.InvalidInputError) as refused:
        run(schedule=schedule)
    told = [fault.field for fault in refused.value.faults]
    assert told == ["schedule nois", "schedule dt", "schedule speed"]


@pytest.mark.parametrize("schedule", ["fast", {"noise": 1.0}, {"noise": [(0, 1, 2)]}])
def test_what_is_no_schedule_is_refused(schedule):
    with pytest.raises(kj.InvalidInputError, match="invalid run:\n  schedule"):
        run(schedule=schedule)


@pytest.mark.parametrize(
    ("changes", "schedule", "said"),
    [
        ({}, {"r_orientation": [(0, 2.0), (8, 5.0)]}, "r_orientation <= r_attraction at all steps"),
        ({"noise": np.full(9, 0.1)}, {"noise": [(0, 0.2)]}, "noise: must be one number"),
        ({}, {"informed_weight": [(0, 0.5)]}, "preferred_direction: must be given"),
        ({}, {"orientation_width": [(0, 1.0)]}, "must be scheduled in a scenario"),
    ],
)
def test_a_schedule_must_fit_the_parameters(changes, schedule, said):
    fields = {"box_size": 9.0, "r_orientation": 2.0, "r_attraction": 4.0} | changes
    with pytest.raises(kj.InvalidInputError, match=said):
        kj.simulate(STATE, kj.make_params(**fields), KEY, n_steps=4, schedule=schedule)


def test_what_a_schedule_sets_is_not_swept():
    school = SCHOOL.replaced(schedule={"r_orientation": [[0, 1.5], [9, 2.0]]})
    for name in ("r_orientation", "attraction_width"):
        with pytest.raises(kj.InvalidInputError, match=f"axis {name}: must not be swept"):
            kj.sweep(school, {name: [1.5, 2.5]}, measure_every=4)


def test_derivatives_and_fits_are_not_of_schools_on_a_course():
    school = SCHOOL.replaced(schedule=BENT)
    with pytest.raises(kj.InvalidInputError, match="schedule: must"):
        kj.sensitivity(school, replicates=2)
    with pytest.raises(kj.InvalidInputError, match="schedule: must"):
        kj.calibrate(school, {"polarization": 0.5}, wrt={"noise": (0.1, 0.5)})
