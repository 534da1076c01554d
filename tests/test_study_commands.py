"""`kadita sensitivity` and `kadita calibrate`: what they leave, draw and refuse."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner, Result

import kadita_jax as kj
from kadita_jax.calibration import Calibration
from kadita_jax.cli import app

pytestmark = pytest.mark.usefixtures("compiled_quickly")

FEW = ["--n-steps", 20, "--set", "n_fish=10", "--set", "box_size=10", "--set", "r_attraction=5"]
FEW += ["--convention", "corrected", "--dtype", "float64"]


def kadita(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("study") / "moves.nc"
    wrt = ["--wrt", "r_orientation", "--wrt", "noise", "--of", "polarization", "--of", "spread"]
    done = kadita("sensitivity", "swarm", *FEW, *wrt, "--replicates", 4, "--out", out)
    assert done.exit_code == 0, done.output
    return out, done.output


def test_derivatives_are_printed_saved_and_drawn(study):
    out, printed = study
    with xr.open_dataset(out) as found:
        slope, error = (
            float(found[name].sel(metric="spread", parameter="noise"))
            for name in ("derivative", "standard_error")
        )
    assert f"{slope:.3g} ± {error:.1g}" in printed
    assert "noise = 0.2 rad" in printed
    assert "with moves.png" in printed
    assert out.with_suffix(".png").stat().st_size > 10_000


def test_a_file_of_derivatives_keeps_the_cf_conventions(study):
    checker = Path(sys.executable).parent / "compliance-checker"
    command = [checker, "--test=cf:1.11", study[0]]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    assert "All tests passed!" in checked.stdout


def test_a_file_of_derivatives_is_drawn_again(study, tmp_path):
    assert kadita("plot", study[0], "--out", tmp_path).exit_code == 0
    picture = tmp_path / "moves.png"
    assert picture.read_bytes() == study[0].with_suffix(".png").read_bytes()
    refused = kadita("plot", study[0], "--convention", "corrected")
    assert refused.exit_code == 2
    assert "convention: must not be given" in refused.output


def test_a_school_is_calibrated_from_a_file_of_its_frames(tmp_path):
    school = kj.Scenario(name="film", n_fish=10, box_size=10.0, n_steps=20, save_every=10)
    # In the other convention: what is fitted is measured from its tracks.
    kj.run(school, out=tmp_path / "film.nc").close()
    out, wrt = tmp_path / "fitted.toml", ["--wrt", "noise=0.05:0.5"]
    words = ["calibrate", tmp_path / "film.nc", "swarm", *FEW, *wrt, "--out", out]
    done = kadita(*words, "--replicates", 32)
    assert done.exit_code == 0, done.output
    assert "identified together" in done.output
    assert 0.05 < kj.load_scenario(out).noise < 0.5
    assert out.with_suffix(".png").stat().st_size > 10_000
    again = kadita(*words)
    assert again.exit_code == 2
    assert "out: must not exist yet" in again.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["sensitivity", "swam", "--wrt", "nois", "--replicates", 1, "--method", "best"],
            ["did you mean 'swarm'?", "did you mean 'noise'?", ">= 2", "method: must be one of"],
        ),
        (
            ["calibrate", "nowhere.nc", "swarm", "--wrt", "noise=5", "--replicates", 3],
            ["target file: must exist", "must be NAME=LOW:HIGH", ">= 32"],
        ),
        (
            ["calibrate", "nowhere.nc", "swarm", "--wrt", "nois=1:2"],
            ["did you mean 'noise'?"],
        ),
        (
            ["calibrate", "nowhere.nc", "swarm", *["--wrt", "noise", "--wrt", "noise=0:1"]],
            ["wrt: must not name a field twice, got 'noise'"],
        ),
        (
            ["calibrate", "nowhere.nc", "swarm", *["--wrt", "noise", "--wrt", "noise"]],
            ["wrt: must not name a field twice, got 'noise'"],
        ),
    ],
)
def test_wrong_words_are_refused_together(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused = kadita(*words, "--dtype", "float64")
    assert refused.exit_code == 2
    told = " ".join(refused.output.split())
    assert [rule for rule in said if rule not in told] == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command", ["sensitivity swarm", "calibrate film.nc swarm --wrt noise=0:1"]
)
def test_a_result_that_its_picture_would_replace_is_refused(command):
    refused = kadita(*command.split(), "--out", "r.png", "--dtype", "float64")
    assert refused.exit_code == 2
    assert "out: must not end in .png" in refused.output


def derivatives(slope: list[list[float]], error: list[list[float]]) -> xr.Dataset:
    dims = ("metric", "parameter")
    coords = {
        "metric": ["polarization", "spread"][: len(slope)],
        "parameter": ["r_orientation", "blind_angle"],
        "parameter_value": ("parameter", np.array([4.0, 0.0])),
    }
    return xr.Dataset({"derivative": (dims, slope), "standard_error": (dims, error)}, coords)


def test_a_picture_of_derivatives_shows_the_change_by_a_tenth():
    found = derivatives([[0.5, -1.0], [np.nan, 2.0]], [[0.1, 1.0], [np.nan, 0.1]])
    left, right = kj.plot.sensitivities(found).axes
    dots = left.collections[-1]
    # A tenth of 4 bl; three degrees where the blind cone is closed.
    np.testing.assert_allclose(dots.get_offsets(), [[0.2, 0], [-3.0, 1]])
    filled = [tuple(colour[:3]) != (1, 1, 1) for colour in dots.get_facecolors()]
    assert filled == [True, False]
    rows = [label.get_text() for label in left.get_yticklabels()]
    assert rows == ["orientation radius\n4 + 0.4 bl", "blind angle\n0 + 3 deg"]
    assert right.get_xlim()[1] > 6


def test_a_study_of_single_fish_only_is_not_drawn():
    alone = derivatives([[0.5, -1.0]], [[0.1, 1.0]]).drop_vars("derivative")
    with pytest.raises(kj.InvalidInputError, match="must hold derivatives by parameters"):
        kj.plot.sensitivities(alone)


def test_a_picture_of_a_calibration_marks_what_is_far_off_and_what_is_unknown():
    target = {"polarization": 0.5, "spread": 4.0}
    fields = {"target": list(target.values()), "fitted": [0.5, 5.0], "deviation": [0.1, 4.0]}
    metrics = xr.Dataset({n: ("metric", v) for n, v in fields.items()}, {"metric": list(target)})
    found = Calibration(
        kj.Scenario(name="film"),
        {"noise": 0.2, "speed": 1.0},
        {"noise": 0.01, "speed": np.inf},
        np.eye(2),
        metrics,
        misfit=12.0,
        identifiable=False,
        weakest={"noise": 0.0, "speed": 1.0, "error": np.inf},
        at_bound=("noise",),
        n_runs=1000,
    )
    figure = kj.plot.calibration(found)
    deviations, intervals = figure.axes
    near, far = deviations.collections[-1].get_facecolors()
    assert not np.allclose(near, far)
    segments = intervals.collections[0].get_segments()
    np.testing.assert_allclose([segment[1][0] for segment in segments], [9.8, 100.0])
    words = " ".join(text.get_text() for text in figure.texts)
    assert "The model does not explain the target (misfit 12.0); noise ended at a bound" in words
    assert "tell relative changes along +1.00 speed not at all" in words
