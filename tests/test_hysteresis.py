"""Schools led up and down: stage after stage the chain that one makes by hand, and resumable."""

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import pytest
import xarray as xr
from conventions import assert_keeps_cf
from typer.testing import CliRunner, Result

import kadita_jax as kj
from kadita_jax import hysteresis_loop
from kadita_jax.cli import app
from kadita_jax.journal import journal_path
from kadita_jax.keys import member_key
from kadita_jax.metrics import NAMES
from kadita_jax.model import State
from kadita_jax.names import GROUP_NAMES
from kadita_jax.sweeping import sweep_members
from kadita_jax.window import Window

SCHOOL = kj.Scenario(
    name="few",
    n_fish=7,
    rules="couzin2002",
    initial="uniform_ball",
    ball_radius=2.0,
    box_size=None,
    r_orientation=2.0,
    r_attraction=6.0,
    n_steps=100,
)
# On two devices two replicates and one are a program of the same shape.
WIDTHS, REPLICATES, N_STEPS = [0.0, 1.0, 2.5], 2, 6
SETTINGS: dict[str, Any] = {
    "replicates": REPLICATES,
    "n_steps": N_STEPS,
    "measure_every": 2,
    "seed": 5,
}
MEASURED = (*NAMES, *GROUP_NAMES)


def loop(values: Any = WIDTHS, parameter: Any = "orientation_width", **changes: Any) -> xr.Dataset:
    return kj.hysteresis(SCHOOL, parameter, values, **SETTINGS | changes)


@pytest.fixture(scope="module")
def whole() -> xr.Dataset:
    return loop()


def params(width: float) -> kj.Params:
    return SCHOOL.replaced(r_orientation=1.0 + width, r_attraction=5.0 + width).params


def key_of(replicate: int) -> jax.Array:
    return member_key(jax.random.key(SETTINGS["seed"]), replicate)


def test_a_dimension_for_branches_values_and_replicates(whole):
    dims = ("branch", "orientation_width", "replicate")
    assert dict(whole.sizes) == dict(zip(dims, (2, 3, REPLICATES), strict=True))
    for name in MEASURED:
        for kind in ("mean", "std", "final"):
            assert whole[f"{name}_{kind}"].dims == dims
        assert whole[f"{name}_standard_error"].dims == dims[:2]
    assert whole["state"].dims == dims
    assert whole["branch"].values.tolist() == ["up", "down"]
    assert whole["orientation_width"].values.tolist() == WIDTHS
    assert whole["replicate"].values.tolist() == [0, 1]
    assert whole.attrs["parameter"] == "orientation_width"
    assert whole.attrs["n_steps"] == N_STEPS
    assert not {"r_orientation", "r_attraction"} & set(whole.attrs)


def test_the_first_stage_is_a_sweep_of_the_first_value(whole):
    number, radii = np.arange(REPLICATES), {"r_orientation": 1.0, "r_attraction": 5.0}
    starts = [SCHOOL.initial_state(key_of(replicate)) for replicate in range(REPLICATES)]
    outcome = sweep_members(
        jax.random.key(SETTINGS["seed"]),
        number,
        SCHOOL.params,
        {name: np.full(REPLICATES, radius) for name, radius in radii.items()},
        jax.tree.map(lambda *leaves: np.stack(leaves), *starts),
        Window(N_STEPS, 2, N_STEPS // 2),
        group_distance="r_attraction",
        keep_final=True,
    )
    first = whole.isel(branch=0, orientation_width=0)
    for kind in ("mean", "std", "final"):
        for name in NAMES:
            expected = getattr(getattr(outcome, kind), name)
            np.testing.assert_array_equal(first[f"{name}_{kind}"], expected, err_msg=name)
        for name in GROUP_NAMES:
            expected = outcome.more[f"{name}_{kind}"]
            np.testing.assert_array_equal(first[f"{name}_{kind}"], expected, err_msg=name)
    np.testing.assert_array_equal(first["state"], outcome.label)


def stages_by_hand(replicate: int) -> Iterator[tuple[int, float, kj.Trajectory]]:
    """Each branch, value and run of one school, led through the loop by `simulate`."""
    key, first_step = key_of(replicate), 0
    state = SCHOOL.initial_state(key)
    for branch, widths in enumerate((WIDTHS, WIDTHS[::-1])):
        for width in widths:
            run = kj.simulate(state, params(width), key, n_steps=N_STEPS, first_step=first_step)
            state, first_step = run.final, first_step + N_STEPS
            yield branch, width, run


@pytest.mark.parametrize("replicate", range(REPLICATES))
def test_every_stage_goes_on_from_the_one_before(replicate, whole):
    for branch, width, run in stages_by_hand(replicate):
        point = whole.isel(branch=branch, replicate=replicate).sel(orientation_width=width)
        order = np.linalg.norm(np.mean(run.heading, axis=1), axis=1)
        place = np.asarray(run.position[-1])
        spread = np.sqrt(np.mean(np.sum((place - place.mean(axis=0)) ** 2, axis=1)))
        # Steps 4 and 6 of each stage. Means of seven unit vectors, summed in another order.
        assert float(point["polarization_mean"]) == pytest.approx(order[[4, 6]].mean(), abs=1e-14)
        assert float(point["polarization_std"]) == pytest.approx(order[[4, 6]].std(), abs=1e-14)
        assert float(point["spread_final"]) == pytest.approx(spread, rel=1e-13)


def test_schools_end_a_stage_where_simulate_does_to_the_bit(tmp_path):
    path = tmp_path / "loop.nc"
    with pytest.raises(KeyboardInterrupt):
        loop(out=path, progress=stopping_after(6))
    parts = sorted(journal_path(path).glob("part-*.npz"))
    for part, (_, _, run) in zip(parts, stages_by_hand(1), strict=True):
        with np.load(part) as found:
            np.testing.assert_array_equal(found["final_position"][1], run.final.position)
            np.testing.assert_array_equal(found["final_heading"][1], run.final.heading)


def test_standard_errors_are_over_the_replicates(whole):
    mean = whole["polarization_mean"]
    expected = mean.std("replicate", ddof=1) / np.sqrt(REPLICATES)
    np.testing.assert_allclose(whole["polarization_standard_error"], expected, rtol=1e-12)


def test_there_and_back_through_a_file(whole, tmp_path):
    with loop(out=tmp_path / "loop.nc") as stored:
        xr.testing.assert_equal(stored.load(), whole)
        told = {"date", "history"}
        assert {n for n in whole.attrs if n not in told} == {
            n for n in stored.attrs if n not in told
        }
    assert [path.name for path in tmp_path.iterdir()] == ["loop.nc"]


def test_a_file_of_a_loop_keeps_the_cf_conventions(tmp_path):
    loop(out=tmp_path / "loop.nc").close()
    assert_keeps_cf(tmp_path / "loop.nc")


def stopping_after(n_stages: int):
    """A progress that interrupts, as Ctrl-C does, when so many stages are done."""

    def progress(done: int) -> None:
        if done == n_stages:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("n_done", [1, 4, 6])
def test_a_killed_loop_goes_on_where_it_stopped(n_done, whole, tmp_path, monkeypatch):
    path, computed = tmp_path / "loop.nc", []
    with pytest.raises(KeyboardInterrupt):
        loop(out=path, progress=stopping_after(n_done))
    assert not path.exists()
    assert len(list(journal_path(path).glob("part-*.npz"))) == n_done

    def compute(plan: Any, stage: int, state: State) -> dict[str, np.ndarray]:
        computed.append(stage)
        return compute_stage(plan, stage, state)

    compute_stage = hysteresis_loop._computed
    monkeypatch.setattr(hysteresis_loop, "_computed", compute)
    told = []
    with loop(out=path, progress=told.append) as resumed:
        xr.testing.assert_equal(resumed.load(), whole)
    assert computed == list(range(n_done, 6))
    assert told == [1, 2, 3, 4, 5, 6]
    assert [p.name for p in tmp_path.iterdir()] == ["loop.nc"]


def test_another_loop_does_not_touch_an_unfinished_one(tmp_path, whole):
    path = tmp_path / "loop.nc"
    with pytest.raises(KeyboardInterrupt):
        loop(out=path, progress=stopping_after(2))
    with pytest.raises(kj.InvalidInputError) as refused:
        loop([0.0, 1.0, 3.0], out=path, seed=6)
    assert "axis orientation_width: must equal the journal's [0.0, 1.0, 2.5]" in str(refused.value)
    assert "seed: must equal the journal's 5, got 6" in str(refused.value)
    assert len(list(journal_path(path).glob("part-*.npz"))) == 2
    with loop(out=path, overwrite=True) as replaced:
        xr.testing.assert_equal(replaced.load(), whole)


def test_a_loop_stopped_before_its_first_stage_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(hysteresis_loop, "_computed", interrupt)
    with pytest.raises(KeyboardInterrupt):
        loop(out=tmp_path / "loop.nc")
    assert list(tmp_path.iterdir()) == []


def test_one_replicate_has_no_standard_error():
    found = loop([1.0], replicates=1)
    assert np.isnan(found["spread_standard_error"]).all()
    assert np.isfinite(found["spread_mean"]).all()
    # Up and down at one value: the second stage is the first one's future.
    up, down = found["spread_final"].values[:, 0, 0]
    assert up != down


def test_a_range_may_be_written_as_a_sweeps():
    # Nothing is computed: the window alone is wrong.
    with pytest.raises(kj.InvalidInputError) as refused:
        loop("0:2:5", burn_in=6)
    assert [fault.field for fault in refused.value.faults] == ["burn_in"]


@pytest.mark.parametrize(
    ("parameter", "values", "said"),
    [
        ("orientation_width", [2.0, 1.0], "parameter orientation_width: must rise"),
        ("orientation_width", [1.0, 1.0], "parameter orientation_width: must not repeat"),
        ("orientation_width", [-1.0, 1.0], "parameter orientation_width: every value must"),
        ("orientation_width", [], "parameter orientation_width: must be FIRST:LAST:N"),
        ("orientation_with", [0, 1], r"parameter orientation_with: .*mean 'orientation_width'\?"),
        ("n_fish", [5, 6], "parameter: must not be dt, box_size, n_fish"),
        ("box_size", [5, 6], "parameter: must not be dt, box_size, n_fish"),
        ("dt", [0.1, 0.2], "parameter: must not be dt, box_size, n_fish"),
        ("r_repulsion", [1.0, 3.0], r"parameter r_repulsion: must keep .*every value, got \[3.0\]"),
    ],
)
def test_wrong_values_are_refused(parameter, values, said, tmp_path):
    with pytest.raises(kj.InvalidInputError, match=said):
        loop(values, parameter, out=tmp_path / "loop.nc")
    assert list(tmp_path.iterdir()) == []


def test_every_fault_is_told_at_once(tmp_path):
    (tmp_path / "loop.nc").touch()
    with pytest.raises(kj.InvalidInputError) as refused:
        kj.hysteresis(
            SCHOOL,
            "noise",
            [0.2, 0.1],
            replicates=0,
            n_steps=0,
            measure_every=0,
            convention="own",
            group_distance=-1,
            out=tmp_path / "loop.nc",
        )
    told = {fault.field for fault in refused.value.faults}
    assert told == {
        "parameter noise",
        "replicates",
        "n_steps",
        "measure_every",
        "convention",
        "group_distance",
        "out",
    }


def test_a_loop_has_a_course_of_its_own():
    led = SCHOOL.replaced(schedule={"noise": [[0, 0.1]]})
    with pytest.raises(kj.InvalidInputError, match="schedule: must be empty"):
        kj.hysteresis(led, "orientation_width", WIDTHS)


def kadita(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_the_command_leaves_the_loop_its_picture_and_a_table(whole, tmp_path):
    (tmp_path / "few.toml").write_text(SCHOOL.to_toml())
    words = ["hysteresis", tmp_path / "few.toml", "--parameter", "orientation_width"]
    words += ["--from", 0, "--to", 2.5, "--steps", 2, "--replicates", 2, "--n-steps", 6]
    words += ["--measure-every", 2, "--seed", 5, "--dtype", "float64"]
    done = kadita(*words, "--out", tmp_path / "loop.nc")
    assert done.exit_code == 0, done.output
    with xr.open_dataset(tmp_path / "loop.nc") as found:
        assert found["orientation_width"].values.tolist() == [0.0, 1.25, 2.5]
        # The first stage is that of the loop above.
        of = {"branch": 0, "orientation_width": 0}
        np.testing.assert_array_equal(found["rotation_mean"][of], whole["rotation_mean"][of])
        last = found["polarization_mean"].isel(branch=1, orientation_width=2)
        assert f"{float(last.mean()):.3f} ± " in done.output
    assert "with loop.png" in done.output
    picture = tmp_path / "loop.png"
    assert picture.stat().st_size > 10_000
    again = kadita(*words, "--out", tmp_path / "loop.nc")
    assert again.exit_code == 2
    assert "out: must not exist yet" in again.output
    drawn = tmp_path / "again"
    assert kadita("plot", tmp_path / "loop.nc", "--out", drawn).exit_code == 0
    assert (drawn / "loop.png").read_bytes() == picture.read_bytes()


def test_wrong_words_are_refused_together(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["--from", "low", "--steps", 0, "--replicates", 0, "--set", "n_steps=5"]
    refused = kadita("hysteresis", "couzin2002_tours", *words, "--dtype", "float64")
    assert refused.exit_code == 2
    told = " ".join(refused.output.split())
    said = [
        "from: must be a finite number, got 'low'",
        "to: must be a finite number, got None",
        "steps: must be a whole number >= 1, got 0",
        "parameter: must be given",
        "did you mean 'couzin2002_torus'?",
        "replicates: must be a whole number >= 1",
        "n_steps: an option of its own sets it",
    ]
    assert [rule for rule in said if rule not in told] == []
    assert list(tmp_path.iterdir()) == []
