"""Sweeps as a person calls them: labelled, saved, resumed, and the same whoever computes them."""

import json
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from jax import monitoring

import kadita_jax as kj
from kadita_jax import plot
from kadita_jax.journal import journal_path
from kadita_jax.keys import member_key
from kadita_jax.metrics import NAMES, STATES

SCHOOL = kj.Scenario(
    name="few", n_fish=7, n_steps=12, save_every=4, box_size=9.0, r_orientation=2, r_attraction=4
)
# Two of its nine points are out of order.
AXES = {"r_orientation": [1, 2.5, 4], "r_attraction": [2, 3, 5]}
OUT_OF_ORDER = "3 points break"
# The same options nearly everywhere, so that few programs are compiled.
SETTINGS = {"replicates": 2, "measure_every": 3, "seed": 5, "keep_final": True}


def sweep(axes=AXES, **changes) -> xr.Dataset:
    with pytest.warns(UserWarning, match=OUT_OF_ORDER):
        return kj.sweep(SCHOOL, axes, **SETTINGS | changes)


@pytest.fixture(scope="module")
def whole() -> xr.Dataset:
    return sweep()


def assert_same_values(a: xr.Dataset, b: xr.Dataset) -> None:
    for name in b.variables:
        np.testing.assert_array_equal(a[name].values, b[name].values, err_msg=str(name))


def test_a_dimension_for_each_axis_and_one_for_replicates(whole):
    assert whole["polarization_mean"].dims == ("r_orientation", "r_attraction", "replicate")
    assert whole["polarization_mean"].shape == (3, 3, 2)
    assert whole["r_orientation"].values.tolist() == AXES["r_orientation"]
    assert whole["final_position"].shape == (3, 3, 2, 7, 3)
    assert whole["member"].values.ravel().tolist() == list(range(18))
    for name in NAMES:
        assert {f"{name}_{kind}" for kind in ("mean", "std", "final", "standard_error")} <= set(
            whole
        )


def test_a_member_is_the_run_that_its_number_and_the_seed_make(whole):
    point = whole.isel(r_orientation=1, r_attraction=2, replicate=1)
    key = member_key(jax.random.key(SETTINGS["seed"]), int(point["member"]))
    radii = {"r_orientation": jnp.asarray(2.5), "r_attraction": jnp.asarray(5.0)}
    params = replace(SCHOOL.params, **radii)
    run = kj.simulate(SCHOOL.initial_state(key), params, key, n_steps=12, save_every=3)
    np.testing.assert_array_equal(point["final_position"], run.final.position)
    series = kj.metrics.measure_trajectory(run.position, run.heading, SCHOOL.box_size)
    # burn_in is half of 12, so steps 9 and 12 are measured.
    window = np.asarray(series.polarization)[[3, 4]]
    np.testing.assert_allclose(point["polarization_mean"], window.mean(), rtol=1e-15)
    np.testing.assert_allclose(point["polarization_std"], window.std(), rtol=1e-12)
    assert point["polarization_final"] == window[-1]


def test_points_out_of_order_are_nan_and_the_others_are_not(whole):
    valid = whole["r_orientation"] <= whole["r_attraction"]
    for replicate in range(2):
        np.testing.assert_array_equal(whole["valid"].isel(replicate=replicate), valid)
    for name in NAMES:
        np.testing.assert_array_equal(np.isfinite(whole[f"{name}_mean"]).all("replicate"), valid)
    np.testing.assert_array_equal((whole["state"] >= 0).all("replicate"), valid)
    np.testing.assert_array_equal(np.isfinite(whole["swarm_fraction"]), valid)


def test_replicates_are_summed_up(whole):
    mean = whole["rotation_mean"]
    expected = mean.std("replicate", ddof=1) / np.sqrt(2)
    np.testing.assert_allclose(whole["rotation_standard_error"], expected, rtol=1e-12)
    for number, name in enumerate(STATES):
        share = (whole["state"] == number).mean("replicate").where(whole["valid"].all("replicate"))
        np.testing.assert_array_equal(whole[f"{name}_fraction"], share)
    labels = kj.metrics.state_label(
        jnp.asarray(whole["polarization_mean"]), jnp.asarray(whole["rotation_mean"])
    )
    np.testing.assert_array_equal(whole["state"], labels)


ALONE = {"replicates": 1, "keep_final": False}


def test_one_replicate_has_no_standard_error():
    found = sweep(**ALONE)
    assert np.isnan(found["spread_standard_error"]).all()
    assert np.isfinite(found["spread_mean"]).any()


def test_schools_are_kept_only_when_asked_for():
    found = sweep(**ALONE)
    assert not {"final_position", "final_heading"} & set(found)
    assert "fish" not in found.dims


@pytest.mark.parametrize("part_size", [1, 5])
def test_parts_of_any_size_give_the_same_bits(part_size, whole):
    assert_same_values(sweep(part_size=part_size), whole)


def test_there_and_back_through_a_file(whole, tmp_path):
    path = tmp_path / "phase.nc"
    returned = sweep(out=path)
    assert_same_values(returned, whole)
    returned.close()
    with xr.open_dataset(path) as opened:
        assert_same_values(opened, whole)
        assert opened.attrs["seed"] == 5
        assert opened.attrs["axes"] == "r_orientation r_attraction"
        assert "12 members by kadita_jax" in opened.attrs["history"]
        assert "r_orientation" not in opened.attrs
        assert opened["state"].attrs["flag_meanings"].split()[1:] == list(STATES)
        figure = plot.phase_diagram(opened, "polarization")
    assert figure.axes
    assert [p.name for p in tmp_path.iterdir()] == ["phase.nc"]


def test_the_file_keeps_the_cf_conventions(tmp_path):
    from compliance_checker.runner import CheckSuite, ComplianceChecker

    path = tmp_path / "phase.nc"
    sweep(out=path).close()
    CheckSuite.load_all_available_checkers()
    report = tmp_path / "report.txt"
    passed, failed = ComplianceChecker.run_checker(
        str(path), ["cf:1.11"], 0, "normal", output_filename=str(report)
    )
    assert passed, report.read_text()
    assert not failed


def stopping_after(n_parts: int):
    """A progress that interrupts, as Ctrl-C does, when so many parts are done."""
    calls = []

    def progress(done: int) -> None:
        calls.append(done)
        if len(calls) == n_parts:
            raise KeyboardInterrupt

    return progress


def test_an_interrupted_sweep_goes_on_where_it_stopped(whole, tmp_path):
    path = tmp_path / "phase.nc"
    with pytest.raises(KeyboardInterrupt):
        sweep(out=path, part_size=5, progress=stopping_after(2))
    folder = journal_path(path)
    kept = {part.name: part.stat().st_mtime_ns for part in folder.glob("part-*")}
    assert len(kept) == 2
    assert not path.exists()
    seen = []

    def watch(done: int) -> None:
        seen.append(done)
        now = {part.name: part.stat().st_mtime_ns for part in folder.glob("part-*")}
        assert kept.items() <= now.items()

    # The parts' size need not be said again.
    assert_same_values(sweep(out=path, progress=watch), whole)
    assert seen[-1] == 12
    assert not folder.exists()


def test_another_command_does_not_touch_an_unfinished_sweep(tmp_path):
    path = tmp_path / "phase.nc"
    with pytest.raises(KeyboardInterrupt):
        sweep(out=path, part_size=5, progress=stopping_after(1))
    with pytest.raises(kj.InvalidInputError) as caught:
        kj.sweep(SCHOOL, {**AXES, "r_attraction": [2, 3, 6]}, **SETTINGS | {"seed": 6}, out=path)
    assert "axis r_attraction: must equal the journal's [2.0, 3.0, 5.0]" in str(caught.value)
    assert "seed: must equal the journal's 5, got 6" in str(caught.value)
    assert len(list(journal_path(path).glob("part-000000-*.npz"))) == 1
    settings = json.loads((journal_path(path) / "sweep.json").read_text())
    assert settings["part_size"] == {"7": 5}
    assert settings["axes"] == ["r_orientation", "r_attraction"]
    replaced = sweep(out=path, overwrite=True, seed=6)
    assert replaced.attrs["seed"] == 6


def test_a_number_of_fish_for_each_point_compiles_once_for_each():
    compiled = []
    axes = {"n_fish": [5, 6], "noise": [0.1, 0.2, 0.3]}
    # Whatever the library compiles once in its life, it compiles now.
    sweep()
    monitoring.register_event_duration_secs_listener(
        lambda event, _seconds, **_about: compiled.append(event)
    )
    found = kj.sweep(SCHOOL, axes, part_size=2, measure_every=3, keep_final=True, replicates=2)
    monitoring.clear_event_listeners()
    assert compiled.count("/jax/core/compile/jaxpr_to_mlir_module_duration") == 2
    assert found["polarization_mean"].dims == ("n_fish", "noise", "replicate")
    assert found["final_position"].shape == (2, 3, 2, 6, 3)
    few = found["final_position"].isel(n_fish=0)
    assert np.isfinite(few[..., :5, :]).all()
    assert np.isnan(few[..., 5, :]).all()
    assert "n_fish" not in found.attrs


def test_zipped_axes_share_a_dimension():
    axes = {("noise", "max_turn"): ([0.1, 0.2], [0.3, 0.4])}
    found = kj.sweep(SCHOOL, axes, measure_every=3, part_size=1)
    assert found["spread_mean"].dims == ("noise_and_max_turn", "replicate")
    assert found.coords["max_turn"].dims == ("noise_and_max_turn",)
    first = kj.sweep(SCHOOL, {"noise": [0.1], "max_turn": [0.3]}, measure_every=3, part_size=1)
    # The same member number and parameters: the same school.
    assert first["spread_mean"].values.item() == found["spread_mean"].values[0, 0]


def test_all_cores_are_asked_for_in_time():
    kj.use_all_cores(2)
    with pytest.raises(kj.InvalidInputError, match="before jax is first used"):
        kj.use_all_cores(3)
    with pytest.raises(kj.InvalidInputError, match="whole number >= 1"):
        kj.use_all_cores(0)


@pytest.mark.parametrize("n_members", [1, 4, 6])
def test_a_result_of_any_size_is_written_block_by_block(n_members, tmp_path, monkeypatch, whole):
    monkeypatch.setattr("kadita_jax.sweepfile.SLAB_MEMBERS", n_members)
    assert_same_values(sweep(out=Path(tmp_path) / "phase.nc"), whole)


def test_a_folder_in_use_is_left_alone(tmp_path):
    path = tmp_path / "phase.nc"

    def another(_done: int) -> None:
        with pytest.raises(kj.InvalidInputError, match="another process is writing it"):
            kj.sweep(SCHOOL, {"noise": [0.1, 0.2]}, out=path, overwrite=True)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(out=path, part_size=5, progress=another)
    kept = list(journal_path(path).glob("part-*"))
    assert len(kept) == 1
    assert sweep(out=path).attrs["seed"] == 5


def test_a_sweep_killed_after_its_result_was_there_is_finished_by_the_same_command(tmp_path):
    path = tmp_path / "phase.nc"
    with pytest.raises(KeyboardInterrupt):
        sweep(out=path, part_size=5, progress=stopping_after(3))
    path.write_bytes(b"the result")
    assert sweep(out=path).attrs["seed"] == 5
    assert not journal_path(path).exists()
