"""Calibration: bounds, the fit of responses known by hand, and whole calibrations at toy size."""

import jax
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import kadita_jax as kj
from kadita_jax.bounds import Bounds
from kadita_jax.calibration import _known
from kadita_jax.calibration_plan import settled
from kadita_jax.fitting import Fitted, Stage, fitted, scanned, whitening

pytestmark = pytest.mark.usefixtures("compiled_quickly")

SCHOOL = kj.Scenario(
    name="small",
    n_fish=10,
    box_size=10.0,
    r_repulsion=1.0,
    r_orientation=3.0,
    r_attraction=5.0,
    n_steps=20,
    save_every=5,
)
TARGET = {"polarization": 0.4, "spread": 4.0, "school_cohesion_entropy": 0.3}
BOUNDS = Bounds(
    ("noise", "r_attraction", "r_orientation"),
    (0.1, 2.0, 1.0),
    (0.5, 9.0, 8.0),
    {"r_repulsion": (0.5, 1.5)},
)
STAGES = [Stage(50, 0.3, 8, False), Stage(200, 0.3, 8, True)]


@given(st.lists(st.floats(-6, 6), min_size=3, max_size=3))
def test_parameters_stay_inside_their_bounds_and_radii_in_order(free):
    noise, attraction, orientation = BOUNDS.parameters(np.array([free]))[0]
    assert 0.1 <= noise <= 0.5
    assert 1.5 <= orientation <= attraction <= 9.0
    assert orientation <= 8.0


@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_free_numbers_there_and_back(free):
    free = np.array([free])
    np.testing.assert_allclose(BOUNDS.free(BOUNDS.parameters(free)), free, atol=1e-9)


def test_the_slope_of_free_numbers_is_that_of_small_differences():
    free = np.array([0.3, -0.2, 0.7])
    slope, step = BOUNDS.slope(free), 1e-4
    moved = BOUNDS.parameters((free + np.array([0, 0, step]))[None])[0]
    # An outer radius moves along where the inner one bounds it.
    rise = (moved - BOUNDS.parameters(free[None])[0]) / step
    np.testing.assert_allclose(slope[:, 2], rise, rtol=1e-3, atol=1e-6)


def response(matrix, seed=0, noise=0.1):
    """Schools whose metrics are linear in the logarithms of their parameters, and noisy."""

    def run(points, replicates):
        draws = np.random.default_rng(seed).normal(size=(replicates, len(matrix)))
        # Metrics that vary together: the second with the first.
        draws[:, 1] += draws[:, 0]
        return (np.log(points) @ matrix.T)[:, None, :] + noise * draws[None]

    return run


def test_a_response_known_by_hand_is_fitted():
    bounds = Bounds(("noise", "speed"), (0.05, 0.2), (1.0, 5.0), {})
    matrix = np.array([[1.0, 0.5], [0.2, 1.0], [0.7, -0.3]])
    truth = np.array([0.3, 1.5])
    run = response(matrix)
    target = run(truth[None], 200)[0].mean(axis=0)
    free = scanned(run, target, bounds, None, 0)
    found = fitted(run, target, bounds, free, STAGES)
    # The same draws at every point: nothing is left but the solver's tolerance.
    np.testing.assert_allclose(found.parameters, truth, rtol=1e-3)
    weight = whitening(found.covariance, True)
    slope = weight @ matrix / truth
    # Differences over 0.3 of free numbers bend by a few per cent; the same draws leave no noise.
    np.testing.assert_allclose(found.information, slope.T @ slope, rtol=0.1)


def test_what_only_a_product_tells_is_not_told_apart():
    bounds = Bounds(("noise", "speed"), (0.05, 0.2), (1.0, 5.0), {})
    matrix = np.array([[1.0, 1.0], [2.0, 2.0], [-1.0, -1.0]])
    run = response(matrix)
    target = run(np.array([[0.3, 1.5]]), 200)[0].mean(axis=0)
    found = fitted(run, target, bounds, np.zeros(2), STAGES)
    assert np.prod(found.parameters) == pytest.approx(0.45, rel=1e-2)
    relative = found.information * np.outer(found.parameters, found.parameters)
    strength, direction = np.linalg.eigh(relative)
    assert strength[0] < 1e-2 * strength[1]
    np.testing.assert_allclose(np.abs(direction[:, 0]), np.sqrt(0.5), atol=0.05)


def test_one_metric_is_enough_for_one_parameter():
    bounds = Bounds(("noise",), (0.05,), (1.0,), {})

    def run(points, replicates):
        draws = np.random.default_rng(0).normal(size=(1, replicates, 1))
        return np.log(points)[:, None, :] + 0.01 * draws

    target = run(np.array([[0.3]]), 200)[0].mean(axis=0)
    found = fitted(run, target, bounds, scanned(run, target, bounds, None, 0), STAGES)
    np.testing.assert_allclose(found.parameters, 0.3, rtol=1e-3)
    assert found.at_bound == ()


@pytest.mark.parametrize(("target", "bound"), [(-9.0, 0.05), (9.0, 1.0)])
def test_a_target_out_of_reach_is_met_at_a_bound(target, bound):
    bounds = Bounds(("noise", "speed"), (0.05, 0.2), (1.0, 5.0), {})
    run = response(np.array([[1.0, 0.0], [0.0, 1.0]]))
    found = fitted(run, np.array([target, 0.4]), bounds, np.zeros(2), STAGES)
    # The other metric varies with the first, and its parameter may follow to its own bound.
    assert "noise" in found.at_bound
    # Free numbers end within 1e-4 of the range.
    assert found.parameters[0] == pytest.approx(bound, abs=1e-3)
    assert np.all(np.isfinite(found.information))


def test_what_nothing_tells_has_an_infinite_error_and_the_rest_its_own():
    turned = np.array([[1.0, 1e-6], [-1e-6, 1.0]])
    information = turned.T @ np.diag([100.0, -1e-9]) @ turned
    known = _known(Fitted(np.ones(2), np.zeros(1), np.eye(1), information, 32, ()), 1.0)
    assert known.errors[0] == pytest.approx(0.1)
    assert np.isinf(known.errors[1])
    assert np.isinf(known.least)
    np.testing.assert_allclose(known.weakest, [0, 1], atol=1e-5)


def test_radii_of_unlike_fish_bound_those_that_are_fitted():
    unlike = SCHOOL.replaced(r_attraction=(3.5,) * 5 + (6.0,) * 5)
    options = {"target_schools": 1, "replicates": 32, "measure_every": 10, "burn_in": None}
    options |= {"convention": "reference", "wrt": {"r_orientation": (1.0, 5.9)}}
    bounds = settled(unlike, TARGET, {}, **options).bounds
    assert bounds.parameters(np.array([[50.0]]))[0, 0] == pytest.approx(3.5)


def test_whitened_deviations_are_independent():
    random = np.random.default_rng(0)
    draws = random.normal(size=(100_000, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0], [0, 0, 9.0]])
    white = draws @ whitening(np.cov(draws.T), True).T
    # But for the share that keeps it invertible, 0.02, and 1e5 draws.
    np.testing.assert_allclose(np.cov(white.T), np.eye(3), atol=0.04)


@pytest.fixture(scope="module")
def calibration():
    told = []
    wrt = {"noise": (0.05, 0.5), "r_orientation": (1.5, 4.5)}
    found = kj.calibrate(
        SCHOOL,
        TARGET,
        wrt=wrt,
        replicates=32,
        convention="corrected",
        progress=told.append,
    )
    return found, told


def test_a_calibration_tells_what_it_found(calibration):
    found, told = calibration
    assert list(found.parameters) == ["noise", "r_orientation"]
    assert 0.05 < found.parameters["noise"] < 0.5
    assert found.scenario.noise == found.parameters["noise"]
    np.testing.assert_array_equal(found.metrics["target"], list(TARGET.values()))
    assert np.all(np.diff(told) > 0)
    assert found.n_runs == told[-1]
    assert found.scenario.save_every == SCHOOL.save_every == 5
    assert found.correlation.shape == (2, 2)
    assert sum(found.weakest[name] ** 2 for name in found.parameters) == pytest.approx(1)
    assert ("not identified" in found.verdict) == (not found.identifiable)


def test_the_metrics_of_a_calibration_are_those_of_its_ensemble(calibration):
    found, _ = calibration
    again = kj.sweep_members(
        jax.random.key(SCHOOL.seed),
        np.arange(32),
        found.scenario.params,
        {},
        SCHOOL.start,
        kj.Window(20, 10, 10),
        convention="corrected",
    )
    for name in TARGET:
        fit = float(found.metrics["fitted"].sel(metric=name))
        assert fit == pytest.approx(np.mean(getattr(again.mean, name)), rel=1e-9)


def test_targets_of_every_kind_are_read_alike():
    time = xr.Dataset({"polarization": ("time", [0.0, 0.0, 0.4, 0.6])})
    over = xr.Dataset({"polarization_mean": ("replicate", [0.4, 0.6])})
    options = {"wrt": ("noise",), "target_schools": None, "replicates": 32}
    options |= {"measure_every": 10, "burn_in": None, "convention": "reference"}
    undefined = time.assign(spread=("time", [np.nan] * 4))
    for target in (time, undefined, over, {"polarization": 0.5, "order_index": 0.5}):
        plan = settled(SCHOOL, target, {}, **options)
        assert plan.target_schools == (2 if target is over else 1)
        assert plan.names == ("polarization",)
        assert plan.values[0] == pytest.approx(0.5)
        assert plan.bounds.low[0] == pytest.approx(SCHOOL.noise / 3)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scenario": "swam"}, "did you mean 'swarm'?"),
        ({"target": "none.nc"}, "target file: must exist"),
        ({"target": {"order_index": 0.4}}, "target: must hold a metric that does not follow"),
        (
            {"scenario": SCHOOL.replaced(n_fish=5), "target": {"nearest_neighbor_entropy": 0.4}},
            "target nearest_neighbor_entropy: must be left out, or n_fish >= 6",
        ),
        (
            {"target": xr.Dataset({"spread_mean": (("noise", "replicate"), np.ones((2, 3)))})},
            "target: must be one point of the sweep",
        ),
        ({"wrt": [["noise"]]}, "wrt: must map at least one parameter"),
        ({"target": {"P": 1}}, "target P: is not a known field"),
        ({"target": {"spread": "wide"}}, "target spread: must be one finite number"),
        ({"target": 3}, "target: must map names of metrics to numbers"),
        ({"target": xr.Dataset()}, "target: must hold metrics over time"),
        (
            {"target": xr.Dataset(attrs={"convention": "corrected"})},
            "convention: must be the target's, corrected",
        ),
        ({"wrt": "noise"}, "wrt: must map at least one parameter to its bounds"),
        ({"wrt": {"nois": (0, 1)}}, "did you mean 'noise'?"),
        ({"wrt": {"noise": (1, 0.5)}}, "wrt noise: must be two numbers LOW < HIGH"),
        ({"wrt": {"r_attraction": (1, 2.5)}}, "wrt r_attraction: must reach beyond r_orientation"),
        (
            {"wrt": ("noise", "speed"), "target": {"spread": 1}},
            "must hold at least as many metrics",
        ),
        ({"replicates": 8}, "replicates: must be a whole number >= 32"),
        ({"target_schools": 0}, "target_schools: must be a whole number >= 1"),
        ({"burn_in": -1}, "burn_in: must be a whole number >= 0"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(changes, said):
    given = {"scenario": SCHOOL, "target": TARGET, "wrt": ("noise",)} | changes
    scenario, target = given.pop("scenario"), given.pop("target")
    with pytest.raises(kj.InvalidInputError) as refused:
        kj.calibrate(scenario, target, **given)
    assert said in str(refused.value)
