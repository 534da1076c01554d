"""Derivatives of ensembles: designs, both estimators, what is told and what is refused."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kadita_jax as kj
from kadita_jax.differences import all_at_once, fit, in_groups
from kadita_jax.keys import member_key, tangent_key
from kadita_jax.metrics import measure
from kadita_jax.parameters import PARAMETERS
from kadita_jax.sensitivity_plan import settled
from kadita_jax.window import Window

pytestmark = [
    pytest.mark.usefixtures("compiled_quickly"),
    pytest.mark.filterwarnings("ignore:.*derivatives are within 2 standard errors"),
]

SCHOOL = kj.Scenario(
    name="small",
    n_fish=12,
    box_size=12.0,
    r_repulsion=1.0,
    r_orientation=3.0,
    r_attraction=5.0,
    n_steps=20,
    save_every=1,
)
OPTIONS = {"replicates": 4, "convention": "corrected", "burn_in": 0}
PATHWISE = OPTIONS | {"method": "pathwise", "n_steps": 2, "measure_every": 1}
OF = ("polarization", "oceanic_schooling_index")


@given(st.integers(2, 30), st.integers(1, 9), st.integers(1, 4), st.integers(0, 9))
def test_each_replicate_moves_each_parameter_once(n_replicates, n, group, seed):
    half_step = np.arange(1.0, n + 1)
    design = in_groups(n_replicates, half_step, 2 * half_step, group, seed)
    # What is not moved stays where it is.
    np.testing.assert_array_equal(design.offset, 2 * np.abs(design.shift))
    assert np.all((design.shift != 0).sum(axis=1) <= group)
    for replicate in range(n_replicates):
        own = design.shift[design.replicate == replicate]
        assert len(own) == -(-n // group)
        np.testing.assert_array_equal(np.abs(own).sum(axis=0), half_step)


@pytest.mark.parametrize("method", ["alone", "pairs", "gaussian"])
def test_a_linear_response_is_fitted_exactly_and_noise_within_its_error(method):
    random = np.random.default_rng(0)
    half_step, slope = np.array([0.1, 2.0, 0.5]), random.normal(size=(3, 2))
    n_replicates, none = 2000, np.zeros(3)
    design = {
        "alone": in_groups(n_replicates, half_step, none, 1, 1),
        "pairs": in_groups(n_replicates, half_step, none, 2, 1),
        "gaussian": all_at_once(n_replicates, half_step, none, 1),
    }[method]
    response = design.shift @ slope
    exact = fit(design, 1 + response, 1 - response)
    np.testing.assert_allclose(exact.derivative, slope.T, rtol=1e-12)
    np.testing.assert_allclose(exact.error, 0, atol=1e-12)
    np.testing.assert_allclose(exact.value, 1)
    noise = random.normal(size=(2, *response.shape))
    noisy = fit(design, response + noise[0], -response + noise[1])
    # Half the difference of two draws of N(0, 1) has a variance of 1/2.
    expected = np.sqrt(0.5 / np.sum(design.shift**2, axis=0))
    np.testing.assert_allclose(noisy.error, np.tile(expected, (2, 1)), rtol=0.1)
    # Six errors of N(0, 1): one beyond 4 has a chance of 4e-4.
    assert np.all(np.abs(noisy.derivative - slope.T) < 4 * noisy.error)


@pytest.fixture(scope="module")
def differences():
    with pytest.warns(UserWarning, match="within 2 standard errors of 0, and may be noise: "):
        return kj.sensitivity(SCHOOL, of=OF, wrt=("noise", "r_orientation"), **OPTIONS)


def test_differences_are_those_of_the_members_on_either_side(differences):
    window, step = Window(20, 10, 0), 0.03 * SCHOOL.r_orientation
    sides = [
        kj.sweep_members(
            jax.random.key(SCHOOL.seed),
            np.arange(4),
            SCHOOL.params,
            {"r_orientation": np.full(4, SCHOOL.r_orientation + by)},
            SCHOOL.start,
            window,
            convention="corrected",
        ).mean
        for by in (step, -step)
    ]
    for name in OF:
        rise = (getattr(sides[0], name) - getattr(sides[1], name)) / (2 * step)
        found = differences.sel(metric=name, parameter="r_orientation")
        assert float(found["derivative"]) == pytest.approx(rise.mean(), rel=1e-12)
        error = np.std(rise, ddof=1) / 2
        assert float(found["standard_error"]) == pytest.approx(error, rel=0.2)
    assert differences.attrs["method"] == "differences"


def test_the_result_tells_where_and_how(differences):
    assert differences["derivative"].dims == ("metric", "parameter")
    assert list(differences["parameter"].values) == ["noise", "r_orientation"]
    np.testing.assert_allclose(differences["parameter_value"], [0.1, 3.0])
    assert list(differences["parameter_unit"].values) == ["rad", "bl"]
    ratio = np.abs(differences["derivative"]) / differences["standard_error"]
    np.testing.assert_array_equal(differences["signal_to_noise"], ratio)
    assert differences.attrs["replicates"] == 4
    assert differences.attrs["n_steps"] == 20


@pytest.mark.usefixtures("differences")
def test_parts_and_progress(monkeypatch, differences):
    monkeypatch.setattr("kadita_jax.sensitivities.PART_PAIRS", {"cpu": 12**2 * 20 * 2, "gpu": 1})
    told = []
    wrt = ("noise", "r_orientation")
    again = kj.sensitivity(SCHOOL, of=OF, wrt=wrt, progress=told.append, **OPTIONS)
    assert told == [4, 8, 12, 16]
    np.testing.assert_array_equal(again["derivative"], differences["derivative"])


def plan_of(scenario: kj.Scenario, **options):
    given = {
        "of": OF,
        "each": (),
        "method": "auto",
        "replicates": 16,
        "measure_every": 10,
        "burn_in": 0,
        "convention": "reference",
        "half_step": None,
        "edge_width": 0.5,
        "bandwidth": 0.5,
        "exact": False,
        "state": None,
    }
    return settled(scenario, {}, **(given | options))


def test_at_a_bound_the_parameter_is_moved_inside():
    for method, reach in (("differences", 1), ("smoothing", 2)):
        plan = plan_of(SCHOOL, wrt=("orientation_weight", "noise"), method=method)
        step, offset = (by["orientation_weight"] for by in (plan.half_step, plan.offset))
        assert SCHOOL.orientation_weight + offset + reach * step == pytest.approx(1)
        assert plan.offset["noise"] == 0


@pytest.mark.parametrize(
    ("field", "value", "step"),
    [("max_turn", 0.005, 0.0025), ("dt", 0.004, 0.002), ("noise", 0.0, 0.003)],
)
def test_steps_stay_inside_the_range(field, value, step):
    plan = plan_of(SCHOOL.replaced(**{field: value}), wrt=(field,))
    assert plan.half_step[field] == pytest.approx(step)
    lowest = value + plan.offset[field] - plan.half_step[field]
    assert lowest >= 0
    assert lowest > 0 or PARAMETERS[field].low_is_allowed


@pytest.mark.parametrize(
    ("scenario", "half_step"),
    [
        (SCHOOL, {"orientation_weight": 0.8}),
        (SCHOOL.replaced(orientation_weight=(0.0, *[1.0] * 11)), None),
    ],
)
def test_steps_that_leave_the_range_are_refused(scenario, half_step):
    with pytest.raises(kj.InvalidInputError, match="half_step orientation_weight: must be <= 0"):
        plan_of(scenario, wrt=("orientation_weight",), half_step=half_step)


def test_radii_keep_their_order():
    inmost = plan_of(
        SCHOOL.replaced(r_repulsion=0.0, r_orientation=0.15, r_attraction=5.0), wrt=("r_repulsion",)
    )
    assert inmost.offset["r_repulsion"] + inmost.half_step["r_repulsion"] <= 0.15
    close = plan_of(SCHOOL.replaced(r_attraction=3.1), wrt=("r_orientation", "r_attraction"))
    assert sum(close.half_step.values()) == pytest.approx(0.1)
    with pytest.raises(kj.InvalidInputError, match="r_attraction: must exceed r_orientation"):
        plan_of(SCHOOL.replaced(r_attraction=3.0), wrt=("r_orientation",))


def test_many_parameters_take_no_more_than_twelve_runs():
    few, many = ("noise", "speed"), tuple(PARAMETERS)[:8]
    assert plan_of(SCHOOL, wrt=few).n_runs == 16 * 4
    assert plan_of(SCHOOL, wrt=many).n_runs == 16 * 8
    assert plan_of(SCHOOL, wrt=many, method="smoothing").n_runs == 16 * 2
    with pytest.raises(kj.InvalidInputError, match="replicates: must be >= 16 where 8 parameters"):
        plan_of(SCHOOL, wrt=many, replicates=15)


def smooth_mean(number: int, r_orientation, position=None):
    """The mean of P over the two steps of a member of the smooth model."""
    key = member_key(jax.random.key(SCHOOL.seed), number)
    params = kj.make_params(
        **{name: getattr(SCHOOL, name) for name in ("r_repulsion", "r_attraction", "box_size")},
        r_orientation=r_orientation,
        edge_width=0.5,
    )
    state = SCHOOL.initial_state(key)
    state = state if position is None else replace(state, position=position)
    run = kj.simulate(state, params, key, n_steps=2)
    frames = zip(run.position[1:], run.heading[1:], strict=True)
    found = [measure(*frame, 12.0, convention="corrected").polarization for frame in frames]
    return jnp.mean(jnp.stack(found))


def test_pathwise_is_the_derivative_of_each_members_run():
    found = kj.sensitivity(SCHOOL, of=("polarization",), wrt=("r_orientation",), **PATHWISE)

    @jax.jit
    def slope(number):
        # Forward, as the members are: half the compiling of a gradient.
        return jax.jvp(lambda radius: smooth_mean(number, radius), (3.0,), (1.0,))

    each = [slope(jnp.uint32(number)) for number in range(4)]
    values, slopes = map(np.array, zip(*each, strict=True))
    assert float(found["value"][0]) == pytest.approx(values.mean(), rel=1e-12)
    assert float(found["derivative"][0, 0]) == pytest.approx(slopes.mean(), rel=1e-9)
    error = slopes.std(ddof=1) / 2
    assert float(found["standard_error"][0, 0]) == pytest.approx(error, rel=1e-9)
    assert found.attrs["horizon"] <= 2
    assert np.isfinite(found.attrs["lyapunov_exponent"])


def test_derivatives_by_every_fish_sum_to_that_by_all():
    """Moving all fish alike changes nothing; raising the noise of each adds up to that of all."""
    of, each = ("polarization",), ("noise", "position")
    found = kj.sensitivity(SCHOOL, of=of, wrt=("noise",), each=each, **PATHWISE)
    assert found["derivative_noise"].dims == ("metric", "fish")
    assert found["derivative_position"].dims == ("metric", "fish", "space")
    alike = found["derivative"].sel(parameter="noise")
    np.testing.assert_allclose(found["derivative_noise"].sum("fish"), alike, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found["derivative_position"].sum("fish"), 0, atol=1e-10)


def test_beyond_its_horizon_pathwise_warns(monkeypatch):
    monkeypatch.setattr("kadita_jax.sensitivities.MOST_GROWTH", 1e-9)
    with pytest.warns(UserWarning, match="derivatives through 2 steps are noise"):
        far = kj.sensitivity(SCHOOL, of=("polarization",), wrt=("r_orientation",), **PATHWISE)
    assert far.attrs["horizon"] == 0


def test_the_growth_is_that_of_two_schools_next_to_each_other():
    key = jax.random.key(4)
    params = kj.make_params(box_size=12, r_orientation=3, r_attraction=5, edge_width=0.5)
    state = kj.uniform_gas(key, 12, 12.0)
    draws = jax.random.normal(tangent_key(key), (2, 12, 3))
    apart = 1e-7 * draws / jnp.linalg.norm(draws)
    nearby = kj.State(state.position + apart[0], state.heading + apart[1])
    runs = [kj.simulate(start, params, key, n_steps=3) for start in (state, nearby)]
    place, heading = (getattr(runs[1], n) - getattr(runs[0], n) for n in ("position", "heading"))
    # Across the box: the shortest way.
    place -= 12 * jnp.round(place / 12)
    distance = jnp.sqrt(jnp.sum(place**2 + heading**2, axis=(1, 2)))
    growth = jnp.cumsum(kj.tangent_growth(state, params, key, n_steps=3))
    # Second order of 1e-7, and rounding of places near 10 at 1e-16.
    np.testing.assert_allclose(np.log(distance[1:] / 1e-7), growth, atol=1e-6)


def test_a_difference_of_fish_that_feel_nobody_grows_slowly():
    key, params = jax.random.key(2), SCHOOL.params
    state = SCHOOL.initial_state(key)
    growth = kj.tangent_growth(state, params, key, n_steps=20)
    assert growth.shape == (20,)
    aligned = kj.make_state(state.position, jnp.tile(jnp.array([1.0, 0, 0]), (12, 1)))
    alone = kj.make_params(r_repulsion=0, r_orientation=0, r_attraction=0, noise=0, box_size=12)
    still = kj.tangent_growth(aligned, alone, key, n_steps=20)
    # Nobody is felt: places part by how headings differ, |dx + t v dt du|, without end but slowly.
    assert 0 < float(jnp.sum(still)) < np.log(1 + 20 * 0.1)


def test_every_fault_is_told_before_anything_runs():
    with pytest.raises(kj.InvalidInputError) as refused:
        kj.sensitivity(
            "swam",
            of=("polarisation",),
            wrt=("r_orientaton", "noise", "noise"),
            each=("dt",),
            method="best",
            replicates=1,
            convention="right",
            half_step={"speed": -1},
            measure_every=0,
            edge_width="wide",
            bandwidth=-1,
        )
    text = str(refused.value)
    for said in (
        "did you mean 'swarm'?",
        "of polarisation: is not a known field (did you mean 'polarization'?)",
        "wrt r_orientaton: is not a known field (did you mean 'r_orientation'?)",
        "wrt: must not repeat a name",
        "each dt: is not a known field",
        "method: must be one of auto, differences, smoothing, pathwise",
        "replicates: must be a whole number >= 2",
        "convention: must be one of reference, corrected",
        "half_step speed: must be one finite number > 0",
        "measure_every: must be a whole number >= 1",
        "edge_width: must be one finite number >= 0",
        "bandwidth: must be one finite number >= 0",
    ):
        assert said in text, (said, text)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"method": "pathwise"}, "convention: must be corrected"),
        ({"method": "pathwise", "half_step": {"noise": 0.1}}, "half_step: must be None"),
        ({"method": "pathwise", "state": (1, 2)}, "state: must be a State"),
        ({"method": "pathwise", "state": kj.uniform_gas(jax.random.key(0), 7, 12.0)}, "12 fish"),
        ({"wrt": [["noise"]]}, "wrt: must be a list of names"),
        ({"method": "pathwise", "edge_width": 2.0}, "must be <= box_size / 2"),
        ({"method": "pathwise", "edge_width": None}, "edge_width: must be a number"),
        ({"each": ("noise",), "method": "smoothing"}, "method: must be pathwise"),
        ({"wrt": ()}, "wrt: must name at least one parameter"),
        ({"wrt": "noise"}, "wrt: must be a list of names"),
        ({"of": ()}, "of: must name at least one"),
        ({"half_step": 0.1}, "half_step: must map names of wrt to numbers"),
        ({"state": kj.make_state(np.zeros((12, 3)), np.ones((12, 3)))}, "state: must be None"),
    ],
)
def test_what_cannot_be_is_refused(options, said):
    with pytest.raises(kj.InvalidInputError) as refused:
        kj.sensitivity(SCHOOL, **options)
    assert said in str(refused.value)
