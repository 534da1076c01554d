"""`kadita view`: what it writes, opens and measures, and what it refuses before that."""

import webbrowser

import numpy as np
import pytest
from pages import run, sweep, unpacked
from typer.testing import CliRunner

from kadita_jax import tracks
from kadita_jax.cli import app
from kadita_jax.metrics import measure_trajectory
from kadita_jax.viewer import checks
from kadita_jax.viewer.checks import BYTES_PER_FISH, BYTES_PER_FRAME

pytestmark = pytest.mark.usefixtures("compiled_quickly")


def test_the_command_writes_beside_the_file_and_opens_it(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    run().to_netcdf(tmp_path / "run.nc")
    done = CliRunner().invoke(app, ["view", str(tmp_path / "run.nc"), "--frames", "2::4"])
    page = tmp_path / "run.html"
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(page)
    assert opened == [page.as_uri()]
    assert unpacked(page)[0]["frames"] == {"first": 2, "stride": 4, "n_in_file": 12}
    sweep({"noise": [1.0, 2.0]}).to_netcdf(tmp_path / "phase.nc")
    words = ["view", str(tmp_path / "phase.nc"), "--no-browser", "--out", str(tmp_path / "p.html")]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert len(opened) == 1
    assert (tmp_path / "p.html").exists()


def test_the_command_measures_tracks_in_water_that_nobody_knows_of(tmp_path):
    dataset = run(box_size=None)[["position", "heading"]]
    dataset.attrs = {}
    dataset.to_netcdf(tmp_path / "tracks.nc")
    done = CliRunner().invoke(app, ["view", str(tmp_path / "tracks.nc"), "--no-browser"])
    assert done.exit_code == 0, done.output
    about, arrays = unpacked(tmp_path / "tracks.html")
    assert about["convention"] == "corrected"
    assert np.isfinite(arrays["polarization"]).all()


@pytest.mark.parametrize("box_size", [10.0, None])
def test_an_infinite_position_is_shown_without_a_warning(box_size, tmp_path):
    dataset = run(box_size=box_size)[["position", "heading"]]
    dataset["position"][3:, 4] = np.inf
    dataset.to_netcdf(tmp_path / "tracks.nc")
    done = CliRunner().invoke(app, ["view", str(tmp_path / "tracks.nc"), "--no-browser"])
    # A warning is an error here.
    assert done.exit_code == 0, done.output
    dataset["heading"] = dataset["heading"] * np.nan
    dataset.to_netcdf(tmp_path / "tracks.nc")
    done = CliRunner().invoke(app, ["view", str(tmp_path / "tracks.nc"), "--no-browser"])
    assert done.exit_code == 2
    assert "dataset: must have a fish with a finite position and heading" in done.output


def test_only_the_frames_that_are_shown_are_measured(tmp_path, monkeypatch):
    run(n_frames=30)[["position", "heading"]].to_netcdf(tmp_path / "tracks.nc")
    measured = []

    def count(position, *others, **more):
        measured.append(len(position))
        return measure_trajectory(position, *others, **more)

    monkeypatch.setattr(tracks, "measure_trajectory", count)
    words = ["view", str(tmp_path / "tracks.nc"), "--no-browser", "--frames", "10:20:4"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert measured == [3]
    about, arrays = unpacked(tmp_path / "tracks.html")
    assert about["frames"] == {"first": 10, "stride": 4, "n_in_file": 30}
    every = tracks.measure_file(tmp_path / "tracks.nc")
    np.testing.assert_array_equal(arrays["rotation"], every["rotation"][10:20:4].astype("f4"))


def test_all_that_is_wrong_is_told_at_once_and_before_anything_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(tracks, "measure_trajectory", None)
    run()[["position", "heading"]].to_netcdf(tmp_path / "tracks.nc")
    sweep({"noise": [1.0, 2.0]}).to_netcdf(tmp_path / "phase.nc")
    run().drop_vars("heading").to_netcdf(tmp_path / "places.nc")
    told = {
        "tracks.nc": "frames: must take at least 1 of the 12 frames, got '20:'",
        "phase.nc": "frames: must not be given for a sweep, which has no frames, got '20:'",
        "places.nc": "heading: must be a variable named heading or headings",
        "none.nc": "file: must exist",
    }
    for name, words in told.items():
        given = ["view", str(tmp_path / name), "--frames", "20:", "--out", str(tmp_path / "p.nc")]
        done = CliRunner().invoke(app, given)
        assert done.exit_code == 2
        assert words in done.output
        assert "out: must end in .html or .htm" in done.output
    assert not list(tmp_path.glob("*.html"))


def test_a_file_that_is_too_large_is_blamed_on_the_frames(tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "MOST_BYTES", 6 * (20 * BYTES_PER_FISH + BYTES_PER_FRAME))
    run(n_frames=12).to_netcdf(tmp_path / "run.nc")
    for words, told in (([], "'all'"), (["--frames", "1:"], "'1:'")):
        done = CliRunner().invoke(app, ["view", str(tmp_path / "run.nc"), *words])
        assert done.exit_code == 2
        assert "frames: stride must be at least 2 here: 20 fish in" in done.output
        assert f"got {told}" in done.output


def test_the_folder_of_a_page_is_made(tmp_path):
    run().to_netcdf(tmp_path / "run.nc")
    page = tmp_path / "new" / "pages" / "run.html"
    words = ["view", str(tmp_path / "run.nc"), "--no-browser", "--out", str(page)]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert page.exists()
    beneath = ["view", str(tmp_path / "run.nc"), "--out", str(page / "run.html")]
    assert "out: must be a folder, not a file" in CliRunner().invoke(app, beneath).output


@pytest.mark.parametrize("text", ["5", "a:b", "1:2:3:4", "1:2:x", "5:5", "99:"])
def test_frames_that_cannot_be_read(text, tmp_path):
    run().to_netcdf(tmp_path / "run.nc")
    done = CliRunner().invoke(app, ["view", str(tmp_path / "run.nc"), "--frames", text])
    assert done.exit_code == 2
    assert "frames: must " in done.output
    assert not (tmp_path / "run.html").exists()
