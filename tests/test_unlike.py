"""Unlike fish: values drawn from a distribution, kept in files, drawn anew for other schools."""

import jax
import jax.numpy as jnp
import netCDF4
import numpy as np
import pytest

import kadita_jax as kj
from kadita_jax.distributions import drawn
from kadita_jax.geometry import shortest
from kadita_jax.keys import member_key
from kadita_jax.scenario import Scenario, parse_scenario

pytestmark = pytest.mark.usefixtures("compiled_quickly")

NORMAL = {"distribution": "normal", "mean": 3.0, "std": 0.3, "seed": 1}
UNIFORM = {"distribution": "uniform", "low": 2.0, "high": 4.0, "seed": 1}
MIXTURE = {"distribution": "mixture", "first": 1.0, "second": 0.5, "share": 0.3, "seed": 1}
ALL = (NORMAL, UNIFORM, MIXTURE)
SCHOOL = Scenario(
    name="unlike",
    n_fish=10,
    box_size=9.0,
    r_orientation=2.0,
    r_attraction=4.0,
    n_steps=4,
    save_every=1,
)


@pytest.mark.parametrize("given", ALL)
def test_a_seed_names_the_fish(given):
    first = drawn(given, 40)
    assert drawn(given, 40) == first
    assert drawn(given | {"seed": 2}, 40) != first
    assert len(drawn(given, 7)) == 7


def test_a_normal_draw_has_its_mean_and_std():
    values = np.array(drawn(NORMAL, 10_000))
    # Standard errors of a mean, 0.3 / 100, and of a standard deviation, 0.3 / sqrt(20000): four.
    assert values.mean() == pytest.approx(3.0, abs=0.012)
    assert values.std() == pytest.approx(0.3, abs=0.0085)


def test_a_uniform_draw_fills_its_range():
    values = np.sort(drawn(UNIFORM, 10_000))
    assert (values[0] >= 2.0, values[-1] < 4.0) == (True, True)
    expected = np.linspace(2.0, 4.0, 10_000)
    # Kolmogorov-Smirnov: a distance of 1.95 / sqrt(n), here 0.039 bl/s, is beyond 0.999.
    assert np.abs(values - expected).max() < 0.039


@pytest.mark.parametrize(
    ("share", "n_fish", "n_second"), [(0.3, 10, 3), (0.25, 9, 2), (0.0, 5, 0), (1.0, 5, 5)]
)
def test_a_mixture_has_its_share_exactly(share, n_fish, n_second):
    values = drawn(MIXTURE | {"share": share}, n_fish)
    assert set(values) <= {1.0, 0.5}
    assert values.count(0.5) == n_second


def test_mixtures_of_one_seed_pick_the_same_fish():
    other = MIXTURE | {"first": 0.0, "second": 9.0}
    picked = [np.array(drawn(given, 50)) == given["second"] for given in (MIXTURE, other)]
    np.testing.assert_array_equal(*picked)


def test_a_field_holds_the_values():
    scenario = SCHOOL.replaced(speed=NORMAL)
    assert scenario.speed == drawn(NORMAL, 10)
    np.testing.assert_array_equal(scenario.params.speed, drawn(NORMAL, 10))


@pytest.mark.parametrize("given", ALL)
def test_toml_keeps_the_distribution(given):
    scenario = SCHOOL.replaced(speed=given)
    text = scenario.to_toml()
    assert f'speed = {{distribution = "{given["distribution"]}"' in text
    read = parse_scenario(text, "other")
    assert read == scenario
    assert read.to_toml() == text


def test_a_distribution_is_written_as_a_toml_table():
    text = 'n_fish = 4\nspeed = {distribution = "uniform", low = 2, high = 4, seed = 1}\n'
    table = "n_fish = 4\n[speed]\n" + 'distribution = "uniform"\nlow = 2\nhigh = 4\nseed = 1\n'
    assert parse_scenario(text, "x") == parse_scenario(table, "x")
    assert parse_scenario(text, "x").speed == drawn(UNIFORM, 4)


def test_another_number_of_fish_draws_anew():
    larger = SCHOOL.replaced(speed=NORMAL).replaced(n_fish=25)
    assert larger.speed == drawn(NORMAL, 25)
    assert larger.replaced(n_fish=10).speed == drawn(NORMAL, 10)


def test_a_number_takes_the_place_of_a_distribution():
    plain = SCHOOL.replaced(speed=NORMAL).replaced(speed=2.0)
    assert plain.speed == 2.0
    assert "speed = 2.0\n" in plain.to_toml()
    assert plain.replaced(n_fish=25).speed == 2.0


def without(given: dict, key: str) -> dict:
    return {name: value for name, value in given.items() if name != key}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (without(NORMAL, "std"), "speed: must say std of its distribution"),
        (without(UNIFORM, "seed"), "speed: must say seed of its distribution"),
        (without(NORMAL, "distribution"), "speed: must have distribution = normal or uniform or"),
        (NORMAL | {"distribution": "gamma"}, "speed: must have distribution = normal or uniform"),
        (NORMAL | {"men": 1.0}, r"speed: men: is not a known field \(did you mean 'mean'\?\)"),
        (NORMAL | {"std": -0.1}, "speed: std: must be >= 0, got -0.1"),
        (NORMAL | {"mean": "fast"}, "speed: mean: must be a finite number, got 'fast'"),
        (NORMAL | {"mean": np.inf}, "speed: mean: must be a finite number, got inf"),
        (UNIFORM | {"low": 9.0, "high": 2.0}, "speed: high: must be >= low, by a finite number"),
        (UNIFORM | {"low": -1e308, "high": 1e308}, "speed: high: must be >= low"),
        (MIXTURE | {"share": 1.1}, "speed: share: must be >= 0 and <= 1, got 1.1"),
        (MIXTURE | {"seed": 1.5}, "speed: seed: must be a whole number >= 0, got 1.5"),
        (MIXTURE | {"seed": True}, "speed: seed: must be a whole number >= 0, got True"),
        (NORMAL | {"mean": -3.0}, r"speed: must be finite and >= 0 \(bl/s\)"),
    ],
)
def test_a_wrong_distribution_is_refused(given, said):
    with pytest.raises(kj.InvalidInputError, match=said):
        SCHOOL.replaced(speed=given)


def test_what_the_school_shares_is_not_drawn():
    with pytest.raises(kj.InvalidInputError, match="dt: must be one number"):
        SCHOOL.replaced(dt=UNIFORM)
    with pytest.raises(kj.InvalidInputError, match="box_size: must be one number"):
        SCHOOL.replaced(box_size=UNIFORM)


def test_every_wrong_distribution_is_told_at_once():
    with pytest.raises(kj.InvalidInputError) as refused:
        SCHOOL.replaced(speed=NORMAL | {"std": -1}, noise=without(UNIFORM, "low"), dt=-1.0)
    assert {fault.field for fault in refused.value.faults} == {"speed: std", "noise", "dt"}


def test_radii_out_of_order_in_any_fish_are_refused():
    with pytest.raises(kj.InvalidInputError, match=r"r_orientation: must be >= r_repulsion"):
        SCHOOL.replaced(r_repulsion=UNIFORM)


def test_each_fish_swims_at_its_own_speed_and_its_file_says_which(tmp_path):
    school = SCHOOL.replaced(speed=MIXTURE)
    with kj.run(school, out=tmp_path / "unlike.nc") as found:
        moved = jnp.diff(found["position"].values, axis=0)
    length = np.linalg.norm(shortest(moved, jnp.asarray(9.0)), axis=-1)
    expected = np.broadcast_to(0.1 * np.array(drawn(MIXTURE, 10)), (4, 10))
    # Differences of positions up to 9, which round at 1e-15.
    np.testing.assert_allclose(length, expected, atol=1e-14)
    with netCDF4.Dataset(tmp_path / "unlike.nc") as handle:
        np.testing.assert_array_equal(handle.getncattr("speed"), drawn(MIXTURE, 10))
        assert parse_scenario(handle.getncattr("scenario"), "x") == school


def test_a_sweep_over_the_number_of_fish_draws_for_each():
    school = SCHOOL.replaced(noise=0.0, speed=MIXTURE)
    # One other number: each is a compilation.
    found = kj.sweep(school, {"n_fish": [6]}, keep_final=True, measure_every=2)
    few, key = school.replaced(n_fish=6), member_key(jax.random.key(school.seed), 0)
    run = kj.simulate(few.initial_state(key), few.params, key, n_steps=4)
    # Two programs round differently; the slow fish would be 1e-2 elsewhere.
    np.testing.assert_allclose(found["final_position"][0, 0], run.final.position, atol=1e-12)
    assert set(np.ravel(few.speed)) == {1.0, 0.5}
