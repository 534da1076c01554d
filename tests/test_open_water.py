"""Open water from a scenario to its files, pictures, tables and sweeps."""

from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copy
from typing import Any

import netCDF4
import numpy as np
import pytest
import xarray as xr
from conventions import assert_keeps_cf
from typer.testing import CliRunner, Result

import kadita_jax as kj
from kadita_jax import plan
from kadita_jax.cli import app
from kadita_jax.metrics import NAMES
from kadita_jax.names import GROUP_NAMES
from kadita_jax.scenario import CANONICAL, OPEN, Scenario, parse_scenario
from kadita_jax.tracks import measure_file

pytestmark = pytest.mark.usefixtures("compiled_quickly")

# Short sight and few fish: at toy size a school that has fallen apart.
TORUS = kj.load_scenario("couzin2002_torus").replaced(
    name="few", n_fish=12, n_steps=40, save_every=10, r_attraction=5.0
)
BOXED = Scenario(
    name="boxed", n_fish=12, box_size=9.0, r_orientation=2.0, r_attraction=4.0, n_steps=20
)
# What the reference convention tells as fractions of the box.
OF_THE_BOX = (
    "school_cohesion_entropy",
    "depth_stratification_entropy",
    "oceanic_schooling_index",
)


# Every part of a run has two frames, as the shortest run here: few programs are compiled.
@pytest.fixture(autouse=True, scope="module")
def parts_of_two_frames() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "PART_PAIRS", 2 * 10 * 12**2)
        assert plan.settle(TORUS, None).frames_per_part == 2
        yield


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("runs") / "few.nc"
    kj.run(TORUS, out=target).close()
    return target


@pytest.fixture(scope="module")
def whole(path) -> xr.Dataset:
    """The run, read before anything else has its file open."""
    with xr.open_dataset(path) as found:
        return found.load()


@pytest.fixture
def copied(path, tmp_path) -> Path:
    """The file that no other test has open: what reads it later keeps it open."""
    return Path(copy(path, tmp_path / "few.nc"))


def kadita(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def groups_of(position: np.ndarray, heading: np.ndarray, *place: float | None) -> dict:
    found = kj.metrics.measure_groups_trajectory(position, heading, *place)
    return {name: np.asarray(getattr(found, name), float) for name in GROUP_NAMES}


@pytest.mark.parametrize("name", CANONICAL)
def test_the_original_models_four_ship_in_open_water(name):
    scenario = kj.load_scenario(f"couzin2002_{name}")
    assert scenario.box_size is None
    assert scenario.rules == "couzin2002"
    assert scenario.initial == "uniform_ball"
    assert kj.load_scenario(name).box_size is not None


def test_open_is_how_a_person_writes_that_there_is_no_box():
    assert f'\nbox_size = "{OPEN}"\n' in TORUS.to_toml()
    assert parse_scenario(TORUS.to_toml(), "x") == TORUS
    assert BOXED.replaced(box_size=OPEN, initial="ring", ring_radius=2.0).box_size is None
    assert TORUS.replaced(box_size=20.0).box_size == 20.0


def test_a_gas_does_not_fill_open_water():
    with pytest.raises(kj.InvalidInputError, match=r"initial: must be uniform_ball or ring"):
        BOXED.replaced(box_size=OPEN)


def test_the_file_says_that_there_is_no_box(whole):
    assert whole.attrs["box_size"] == OPEN
    assert whole.attrs["rules"] == "couzin2002"
    assert whole.attrs["convention"] == "corrected"
    assert whole.attrs["group_distance"] == 5.0
    assert parse_scenario(whole.attrs["scenario"], "x") == TORUS
    assert "in open water" in whole["position"].attrs["comment"]
    # Nobody bounds how far a school spreads.
    assert whole["spread"].attrs["valid_min"] == 0
    assert "valid_range" not in whole["spread"].attrs


def test_the_file_tells_the_groups_of_every_frame(path):
    with netCDF4.Dataset(path) as handle:
        assert handle["n_groups"].valid_min == 0
        for name in GROUP_NAMES[1:]:
            assert handle[name].valid_range.tolist() == [0, 1]
        expected = groups_of(handle["position"][:].data, handle["heading"][:].data, None, 5.0)
        for name in GROUP_NAMES:
            # Another program: means of twelve unit vectors.
            np.testing.assert_allclose(handle[name][:], expected[name], atol=1e-14)
        assert handle["n_groups"][:].max() > 1


def test_the_cf_checker_has_nothing_to_say(path):
    assert_keeps_cf(path)


def test_the_file_measured_again_is_itself(copied, whole):
    measured = measure_file(copied)
    assert measured.attrs["box_size"] == OPEN
    assert measured.attrs["convention"] == "corrected"
    for name in NAMES:
        # Five frames at once are another program than three.
        np.testing.assert_allclose(measured[name], whole[name], atol=1e-13, err_msg=name)


def test_in_a_box_that_a_person_gives_it_is_measured_by_the_reference(copied):
    measured = measure_file(copied, box_size=9.0)
    assert measured.attrs["box_size"] == 9.0
    assert measured.attrs["convention"] == "reference"
    assert np.all(np.isfinite(measured["oceanic_schooling_index"]))


def table_of(path: Path, *words: object) -> np.ndarray:
    """The table that `kadita metrics` writes."""
    done = kadita("metrics", path, "--out", path.parent, *words)
    assert done.exit_code == 0, done.output
    written = list(path.parent.glob("*_metrics.csv"))
    assert len(written) == 1
    return np.genfromtxt(written[0], delimiter=",", names=True)


def test_the_command_measures_it(copied, whole):
    # A table has all digits of a float64; five frames at once are another program than three.
    np.testing.assert_allclose(table_of(copied)["rotation"], whole["rotation"], atol=1e-13)


def test_the_command_measures_it_by_the_reference_as_far_as_that_goes(copied):
    table = table_of(copied, "--convention", "reference")
    assert np.isnan(table["oceanic_schooling_index"]).all()
    assert np.isfinite(table["rotation"]).all()


@pytest.mark.parametrize("words", [(), ("--convention", "reference")])
def test_the_command_draws_it(words, copied):
    done = kadita("plot", copied, *words)
    assert done.exit_code == 0, done.output
    assert copied.with_suffix(".png").stat().st_size > 10_000


def test_the_command_runs_it(tmp_path):
    (tmp_path / "few.toml").write_text(TORUS.to_toml())
    words = ["run", tmp_path / "few.toml", "--dtype", "float64", "--out", tmp_path / "runs"]
    done = kadita(*words, "--group-distance", 2.0)
    assert done.exit_code == 0, done.output
    with xr.open_dataset(tmp_path / "runs" / "few.nc") as found:
        assert found.attrs["group_distance"] == 2.0
        assert "largest_group" in found
    refused = kadita(*words, "--group-distance", -2.0, "--overwrite")
    assert refused.exit_code == 2
    assert "group_distance: must be one finite number > 0 (bl), got -2.0" in refused.output


def test_a_run_continued_is_one_run_to_the_bit(whole, tmp_path):
    part = tmp_path / "few.nc"
    kj.run(TORUS, n_steps=20, out=part).close()
    with kj.resume(part, n_steps=40) as resumed:
        xr.testing.assert_equal(resumed.load(), whole)
        assert resumed.attrs["group_distance"] == whole.attrs["group_distance"]


def test_a_distance_of_ones_own_is_kept_when_a_run_is_continued(tmp_path):
    part = tmp_path / "few.nc"
    kj.run(TORUS, n_steps=20, group_distance=1.5, out=part).close()
    with kj.resume(part, n_steps=40) as resumed:
        assert resumed.attrs["group_distance"] == 1.5
        tracks = resumed["position"].values, resumed["heading"].values
        expected = groups_of(*tracks, None, 1.5)
        np.testing.assert_array_equal(resumed["n_groups"], expected["n_groups"])
        farther = groups_of(*tracks, None, 5.0)
        assert np.any(farther["n_groups"] != expected["n_groups"])


def test_groups_in_a_box_are_told_when_asked_for():
    assert not set(GROUP_NAMES) & set(kj.run(BOXED))
    found = kj.run(BOXED, group_distance=2.0)
    assert found.attrs["group_distance"] == 2.0
    expected = groups_of(found["position"].values, found["heading"].values, 9.0, 2.0)
    for name in GROUP_NAMES:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-14, err_msg=name)
    # Some of them across a face of the box.
    apart = groups_of(found["position"].values, found["heading"].values, None, 2.0)
    assert np.any(found["n_groups"] < apart["n_groups"])


def test_a_whole_number_is_a_distance():
    for asked in (2, 2.0, np.float32(2)):
        assert repr(plan.settle(BOXED, None, asked).group_distance) == "2.0"


def test_the_reach_may_be_asked_for_in_a_box():
    assert plan.settle(BOXED, None, "r_attraction").group_distance == 4.0
    assert plan.settle(BOXED, None).group_distance is None


def test_of_a_sight_that_changes_the_farthest_joins_groups():
    school = TORUS.replaced(schedule={"r_attraction": [[0, 2.0], [20, 7.0], [40, 3.0]]})
    assert plan.settle(school, None).group_distance == 7.0


@pytest.mark.parametrize("distance", [0, -1.0, np.inf, np.nan, "far", [1.0, 2.0], True])
def test_wrong_group_distances_are_refused(distance):
    with pytest.raises(kj.InvalidInputError, match=r"group_distance: must be one finite number"):
        kj.run(BOXED, group_distance=distance)
    with pytest.raises(kj.InvalidInputError, match=r"group_distance: must be one finite number"):
        kj.sweep(BOXED, {"noise": [0.1]}, group_distance=distance)


@pytest.fixture(scope="module")
def tracks(whole) -> tuple[np.ndarray, np.ndarray]:
    return whole["position"].values, whole["heading"].values


def test_by_the_reference_exactly_the_fractions_of_the_box_are_undefined(copied, tracks):
    measured = measure_file(copied, convention="reference")
    for name in NAMES:
        assert np.isnan(measured[name]).all() == (name in OF_THE_BOX), name
        assert np.isfinite(measured[name]).all() == (name not in OF_THE_BOX), name
    # The others are those of a box that nobody leaves: none of them knows its faces.
    position, heading = tracks
    inside = position - position.min() + 100.0
    boxed = kj.metrics.measure_trajectory(inside, heading, 400.0, convention="reference")
    for name in set(NAMES) - set(OF_THE_BOX):
        # Coordinates of 100 bl round at 1e-14, and are divided by distances of about 0.1 bl.
        np.testing.assert_allclose(measured[name], getattr(boxed, name), atol=1e-12, err_msg=name)


def test_a_convention_that_is_not_said_suits_the_water(tracks):
    measured: Callable = kj.metrics.measure_trajectory
    for box_size, convention in ((None, "corrected"), (40.0, "reference")):
        plain = measured(*tracks, box_size)
        told = measured(*tracks, box_size, convention=convention)
        for name in NAMES:
            np.testing.assert_array_equal(getattr(plain, name), getattr(told, name))


def test_a_run_by_the_reference_in_open_water_is_nan_where_undefined():
    found = kj.run(TORUS, n_steps=20, convention="reference")
    assert found.attrs["convention"] == "reference"
    assert {n for n in NAMES if np.isnan(found[n]).any()} == set(OF_THE_BOX)


SWEEP: dict[str, Any] = {"replicates": 2, "measure_every": 40, "keep_final": True}


SCHOOLS = ("final_position", "final_heading")


@pytest.fixture(scope="module")
def phase(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("sweeps") / "phase.nc"
    axes = {"r_attraction": [3.0, 12.0], "noise": [0.05, 0.5]}
    kj.sweep(TORUS, axes, **SWEEP, out=target).close()
    return target


def test_a_sweep_tells_the_groups_of_its_members(phase):
    with xr.open_dataset(phase) as found:
        found.load()
    assert found.attrs["box_size"] == OPEN
    assert found.attrs["group_distance"] == "r_attraction"
    assert found.attrs["convention"] == "corrected"
    for distance in (3.0, 12.0):
        point = found.sel(r_attraction=distance)
        position, heading = (point[name].values.reshape(-1, 12, 3) for name in SCHOOLS)
        expected = groups_of(position, heading, None, distance)
        for name in GROUP_NAMES:
            # Measured is the last step alone; another program means of twelve unit vectors.
            for kind in ("mean", "final"):
                values = point[f"{name}_{kind}"].values.ravel()
                np.testing.assert_allclose(values, expected[name], atol=1e-14, err_msg=name)
    assert float(found["n_groups_mean"].sel(r_attraction=12.0).mean()) < float(
        found["n_groups_mean"].sel(r_attraction=3.0).mean()
    )
    mean = found["n_groups_mean"]
    error = mean.std("replicate", ddof=1) / np.sqrt(2)
    np.testing.assert_allclose(found["n_groups_standard_error"], error, rtol=1e-12)


def test_a_file_of_a_sweep_in_open_water_keeps_the_cf_conventions(phase):
    assert_keeps_cf(phase)


def test_a_sweep_in_open_water_is_drawn(phase, tmp_path):
    done = kadita("plot", phase, "--out", tmp_path)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "phase.png").stat().st_size > 10_000


def test_a_sweep_in_a_box_tells_groups_when_asked_to():
    options: dict[str, Any] = SWEEP | {"measure_every": 20}
    found = kj.sweep(BOXED, {"noise": [0.1]}, **options, group_distance=2.0)
    assert found.attrs["group_distance"] == 2.0
    position, heading = (found[name].values[0] for name in SCHOOLS)
    expected = groups_of(position, heading, 9.0, 2.0)
    for name in GROUP_NAMES:
        np.testing.assert_allclose(found[f"{name}_final"].values[0], expected[name], atol=1e-14)


@pytest.mark.usefixtures("float32")
def test_no_school_is_taken_where_single_precision_loses_its_steps():
    far = kj.load_scenario("couzin2002_torus").replaced(n_steps=400_000, save_every=400_000)
    with pytest.raises(kj.InvalidInputError, match="n_steps x speed x dt: must take no fish"):
        kj.run(far)
    with pytest.raises(kj.InvalidInputError, match="n_steps x speed x dt: must take no fish"):
        kj.sweep(far, {"speed": [1.0, 3.0]})
    with pytest.raises(kj.InvalidInputError, match="n_steps x speed x dt: must take no fish"):
        kj.hysteresis(far, "noise", [0.1, 0.2], n_steps=100_000)


@pytest.mark.usefixtures("float32")
def test_nor_in_a_box_as_wide():
    for call in (
        lambda: kj.run(BOXED.replaced(box_size=2e5)),
        lambda: kj.sweep(BOXED, {"box_size": [9.0, 2e5]}),
        lambda: kj.sweep(BOXED.replaced(box_size=None), {"box_size": [9.0, 2e5]}),
    ):
        with pytest.raises(
            kj.InvalidInputError, match="box_size: must take no fish beyond 100,000"
        ):
            call()
