"""Runs to disk: streamed, resumed to the bit, killed without leaving a lie behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import kadita_jax as kj
from kadita_jax import plan
from kadita_jax.dataset import second_half, seconds
from kadita_jax.earlier import whole_frames
from kadita_jax.files import partial_path
from kadita_jax.metrics import NAMES
from kadita_jax.scenario import Scenario
from kadita_jax.tables import summarize, write_tables

SMALL = Scenario(
    name="small", n_fish=12, box_size=8.0, r_orientation=2.0, r_attraction=4.0, n_steps=40, seed=5
)


@pytest.fixture(scope="module")
def whole() -> xr.Dataset:
    return kj.run(SMALL)


def assert_same_frames(a: xr.Dataset, b: xr.Dataset):
    xr.testing.assert_equal(a.load(), b.load())


def test_a_run_is_simulate_and_measure(whole):
    import jax

    key = jax.random.key(5)
    run = kj.simulate(SMALL.initial_state(key), SMALL.params, key, n_steps=40, save_every=10)
    np.testing.assert_array_equal(whole["position"], run.position)
    np.testing.assert_array_equal(whole["heading"], run.heading)
    found = kj.metrics.measure_trajectory(run.position, run.heading, 8.0)
    for name in NAMES:
        # One program measures five frames, another a whole trajectory.
        np.testing.assert_allclose(whole[name], getattr(found, name), atol=1e-13)
    np.testing.assert_allclose(seconds(whole), [0, 1, 2, 3, 4], rtol=1e-15)


def test_to_a_file_is_the_same_as_in_memory(whole, tmp_path):
    with kj.run(SMALL, out=tmp_path / "small.nc") as stored:
        assert_same_frames(stored, whole)
    assert [path.name for path in tmp_path.iterdir()] == ["small.nc"]


def test_parts_do_not_change_the_bits(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "PART_PAIRS", 12**2 * 10 * 3)
    assert plan.settle(SMALL, "reference").frames_per_part == 2
    steps = []
    with kj.run(SMALL, out=tmp_path / "small.nc", progress=steps.append) as stored:
        assert_same_frames(stored, whole)
    assert steps == [20, 40]


def test_save_every_keeps_fewer_of_the_same_frames(whole):
    every_step = kj.run(SMALL, save_every=1)
    np.testing.assert_array_equal(every_step["position"][::10], whole["position"])


def test_another_seed_another_school(whole):
    assert not np.array_equal(kj.run(SMALL, seed=6)["position"], whole["position"])


def test_a_finished_run_is_continued_to_the_bit(whole, tmp_path):
    path = tmp_path / "small.nc"
    kj.run(SMALL, n_steps=20, out=path).close()
    with kj.resume(path, n_steps=40) as resumed:
        assert_same_frames(resumed, whole)
        assert resumed.attrs["n_steps"] == 40


def test_a_finished_run_without_more_steps_is_opened_as_it_is(whole, tmp_path):
    path = tmp_path / "small.nc"
    kj.run(SMALL, out=path).close()
    stored = path.read_bytes()
    with kj.resume(path) as resumed:
        assert_same_frames(resumed, whole)
    assert path.read_bytes() == stored
    with pytest.raises(kj.InvalidInputError, match="n_steps: must exceed the 40 steps"):
        kj.resume(path, n_steps=40)


def test_an_interrupted_run_is_continued_to_the_bit(whole, tmp_path, monkeypatch):
    path = tmp_path / "small.nc"
    monkeypatch.setattr(plan, "PART_PAIRS", 1)

    def interrupt(done: int) -> None:
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kj.run(SMALL, out=path, progress=interrupt)
    assert not path.exists()
    assert whole_frames(partial_path(path)) == 3
    with kj.resume(path) as resumed:
        assert_same_frames(resumed, whole)
    assert not partial_path(path).exists()


KILLED = """
import jax, os, signal, sys
jax.config.update("jax_enable_x64", True)
import kadita_jax as kj
from kadita_jax import plan
from kadita_jax.scenario import parse_scenario
plan.PART_PAIRS = 1
def die(done):
    print(done, flush=True)
    if done == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
kj.run(parse_scenario(open(sys.argv[1]).read(), "small"), out=sys.argv[2], progress=die)
"""


def test_a_killed_run_is_never_found_under_its_final_name(whole, tmp_path):
    path, settings = tmp_path / "small.nc", tmp_path / "small.toml"
    settings.write_text(SMALL.to_toml())
    done = subprocess.run([sys.executable, "-c", KILLED, settings, path, "20"], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not path.exists()
    with kj.resume(path) as resumed:
        assert_same_frames(resumed, whole)


def killed_from_outside(path: Path, settings: Path) -> int:
    """SIGKILL a run that writes all the time; how many whole frames it leaves."""
    command = [sys.executable, "-c", KILLED, settings, path, "-1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"10\n"
        time.sleep(0.3)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not path.exists()
    return whole_frames(partial_path(path))


def test_killed_at_any_moment(tmp_path):
    """No final file, and what is whole are the first frames of the run."""
    settings = tmp_path / "small.toml"
    settings.write_text(SMALL.replaced(n_steps=100_000).to_toml())
    path = tmp_path / "small.nc"
    n_whole = killed_from_outside(path, settings)
    assert n_whole >= 2
    expected = kj.run(SMALL, n_steps=10 * (n_whole - 1))
    with xr.open_dataset(partial_path(path), engine="netcdf4") as found:
        np.testing.assert_array_equal(found["position"][:n_whole], expected["position"])


def test_the_unfinished_file_may_be_named_itself(whole, tmp_path):
    path, settings = tmp_path / "small.nc", tmp_path / "small.toml"
    settings.write_text(SMALL.to_toml())
    subprocess.run([sys.executable, "-c", KILLED, settings, path, "20"], check=False)
    with kj.resume(partial_path(path)) as resumed:
        assert_same_frames(resumed, whole)
        assert resumed.attrs["history"].count("\n") == 1
    assert [p.name for p in tmp_path.iterdir() if p != settings] == ["small.nc"]


def test_undefined_frames_are_left_out_of_the_summary(whole):
    gap = whole.copy(deep=True)
    gap["rotation"][3] = np.nan
    series = np.delete(whole["rotation"].values, 3)
    found = summarize(gap)["rotation"]
    assert found.mean == pytest.approx(series[2:].mean(), abs=1e-15)
    assert (found.min, found.max) == (series.min(), series.max())


def test_a_frame_without_a_time_is_not_whole(tmp_path):
    """A run killed while it wrote a part leaves frames whose time is missing."""
    import netCDF4

    path = tmp_path / "small.nc"
    kj.run(SMALL, out=path).close()
    with netCDF4.Dataset(path, "a") as handle:
        handle["time"][3:] = np.ma.masked
    assert whole_frames(path) == 3


def test_summary_is_of_the_second_half(whole):
    series = whole["polarization"].values
    found = summarize(whole)["polarization"]
    assert found.mean == pytest.approx(series[2:].mean(), abs=1e-15)
    assert found.std == pytest.approx(series[2:].std(), abs=1e-15)
    assert (found.final, found.min, found.max) == (series[-1], series.min(), series.max())
    np.testing.assert_array_equal(second_half(np.arange(101)), np.arange(50, 101))


def test_tables_hold_what_the_dataset_holds(whole, tmp_path):
    names = {path.name for path in write_tables(whole, tmp_path, "small")}
    kinds = ("metrics", "summary", "final_state")
    assert names == {f"small_{kind}.csv" for kind in kinds}
    metrics = np.genfromtxt(tmp_path / "small_metrics.csv", delimiter=",", names=True)
    np.testing.assert_array_equal(metrics["rotation"], whole["rotation"])
    np.testing.assert_array_equal(metrics["time"], seconds(whole))
    write_tables(whole.drop_vars("time"), tmp_path, "counted")
    counted = np.genfromtxt(tmp_path / "counted_metrics.csv", delimiter=",", names=True)
    np.testing.assert_array_equal(counted["frame"], np.arange(whole.sizes["time"]))
    final = np.genfromtxt(tmp_path / "small_final_state.csv", delimiter=",", names=True)
    np.testing.assert_array_equal(final["heading_z"], whole["heading"][-1, :, 2])


def test_corrected_convention_is_carried_through():
    corrected = kj.run(SMALL, convention="corrected")
    last = corrected.isel(time=-1)
    measure = kj.metrics.measure
    expected = measure(last["position"].values, last["heading"].values, 8.0, convention="corrected")
    assert float(last["rotation"]) == pytest.approx(float(expected.rotation), abs=1e-13)
    assert corrected.attrs["convention"] == "corrected"
