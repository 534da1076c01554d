"""A run as a film: whose fish are where they were, in a file of the asked kind, or a clear word."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from mpl_toolkits.mplot3d import proj3d
from PIL import Image
from typer.testing import CliRunner

import kadita_jax as kj
from kadita_jax import tracks
from kadita_jax.cli import app
from kadita_jax.frame_words import parse_frames
from kadita_jax.metrics import measure_trajectory
from kadita_jax.motion import centres
from kadita_jax.plot import animation
from kadita_jax.plot.animation import moving_faults
from kadita_jax.plot.fish import MAX_DRAWN, fish_length, silhouettes, towards_viewer
from kadita_jax.plot.reading import school_at
from kadita_jax.plot.school import Cube
from kadita_jax.plot.swimmers import cube_of, swimmers

pytestmark = pytest.mark.usefixtures("compiled_quickly")

SIDE = 10.0
NAMES = ("polarization", "rotation", "oceanic_schooling_index")
WITH_FFMPEG = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def run_of(position: np.ndarray, box_size: float | None) -> xr.Dataset:
    """A run of fish at these places (T, N, 3) that all swim along x."""
    n_frames = len(position)
    dims = ("time", "fish", "space")
    heading = np.broadcast_to([1.0, 0, 0], position.shape)
    metrics = {name: ("time", np.linspace(0, 1, n_frames)) for name in NAMES}
    return xr.Dataset(
        {"position": (dims, position), "heading": (dims, heading), **metrics},
        {"time": np.arange(float(n_frames))},
        attrs={} if box_size is None else {"box_size": box_size},
    )


@pytest.fixture
def crossing() -> xr.Dataset:
    """Three fish in a row that swim out of the box at one face and in at the other."""
    start = np.array([[8.0, 5, 5], [9.0, 5, 5], [9.9, 5, 5]])
    steps = np.arange(4.0)[:, None, None] * np.array([0.5, 0, 0])
    return run_of((start + steps) % SIDE, SIDE)


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    school = kj.Scenario(name="few", n_fish=5, n_steps=6, save_every=1, box_size=SIDE)
    target = tmp_path_factory.mktemp("film") / "few.nc"
    kj.run(school, out=target).close()
    return target


@pytest.fixture(scope="module")
def files(path, tmp_path_factory) -> Path:
    """A folder with a run of seven frames, and what is no film or not at once."""
    folder = tmp_path_factory.mktemp("files")
    with xr.open_dataset(path, decode_timedelta=False) as run:
        tracks = run[["position", "heading"]].drop_attrs()
        made = {
            "few": run,
            "one": run.isel(time=[0]),
            "tracks": tracks,
            "one_track": tracks.isel(time=[0]),
            "places": tracks.drop_vars("heading"),
            "phase": xr.Dataset({"state": (("noise", "replicate"), np.zeros((2, 1), int))}),
        }
        for name, dataset in made.items():
            dataset.to_netcdf(folder / f"{name}.nc")
    return folder


def projected(points: np.ndarray, axes: Any) -> np.ndarray:
    """Where points (n, k, 3) are in the picture, (n, k, 2)."""
    x, y, _ = proj3d.proj_transform(*points.reshape(-1, 3).T, axes.get_proj())
    return np.stack([x, y], axis=-1).reshape(*points.shape[:2], 2)


def assert_same_in_any_order(one: np.ndarray, other: np.ndarray) -> None:
    """The same lines (n, k, 2); both are projected, in double precision."""
    assert one.shape == other.shape
    apart = np.abs(one[:, None] - other).max(axis=(2, 3))
    assert max(apart.min(axis=0).max(), apart.min(axis=1).max()) < 1e-9


def test_every_frame_and_its_moment_are_shown(crossing):
    film = kj.plot.animate(crossing)
    cursor = film.figure.axes[-1].get_lines()[-1]
    for frame in range(4):
        film.show(frame)
        assert list(cursor.get_xdata()) == [frame, frame]
    assert len(list(film.new_frame_seq())) == 4


def test_the_fish_are_where_they_were_and_point_where_they_swam(crossing):
    # Velocities will do: fish are as long at any speed.
    crossing["heading"] = 3 * crossing["heading"]
    film = kj.plot.animate(crossing, trail=1)
    axes: Any = film.figure.axes[0]
    fish, paths = (c for c in axes.collections[-3:] if c.get_zorder() in (3, 2.5))
    canvas = FigureCanvasAgg(film.figure)
    # The first time, matplotlib begins the film.
    canvas.draw()
    for frame in (1, 3):
        film.show(frame)
        canvas.draw()
        place = crossing["position"].values[frame]
        length = fish_length(SIDE, 3)
        along_x = np.broadcast_to([1.0, 0, 0], place.shape)
        outline = silhouettes(place, along_x, length, towards_viewer())
        assert ((outline[:, 0] - place)[:, 0] > 0.2 * length).all()
        drawn = np.array([path.vertices[: outline.shape[1]] for path in fish.get_paths()])
        assert_same_in_any_order(drawn, projected(outline, axes))
        came = place[place[:, 0] >= 0.5]
        steps = np.stack([came, came - [0.5, 0, 0]], axis=1)
        assert_same_in_any_order(np.array(paths.get_segments()), projected(steps, axes))


def test_the_clock_tells_times_or_frames(crossing):
    timed, numbered = crossing, crossing.drop_vars("time")
    for dataset, label, moment in (
        (timed, "time (s)", "2.0 s"),
        (numbered, "frame", "frame 2"),
        (timed.assign_coords(time=1234.56 + np.arange(4)), "time (s)", "1,236.6 s"),
    ):
        film = kj.plot.animate(dataset)
        film.show(2)
        assert moment in [text.get_text() for text in film.figure.texts]
        below = film.figure.axes[-1]
        assert below.get_xlabel() == label
        if label == "frame":
            assert all(tick == int(tick) for tick in below.get_xticks())


@pytest.mark.parametrize("name", ["position", "heading"])
def test_a_film_of_nobody_is_refused(crossing, name):
    crossing[name] = crossing[name].where(crossing["time"] < 2)
    told = "dataset: must have a fish with a finite position and heading in a frame, got 'none in 2"
    with pytest.raises(kj.InvalidInputError, match=told):
        kj.plot.animate(crossing.isel(time=slice(2, 4)))
    assert kj.plot.animate(crossing.isel(time=slice(1, 3)))


@pytest.mark.parametrize("side", [SIDE, None])
def test_infinite_positions_are_not_drawn(crossing, side):
    position = crossing["position"].values.copy()
    position[1:, 2] = np.inf
    kj.plot.animate(run_of(position, side), trail=2, follow=True).show(3)


def test_an_odd_number_of_pixels_is_a_film_too(crossing, tmp_path):
    for suffix in ["gif"] + ["mp4"] * (shutil.which("ffmpeg") is not None):
        assert kj.plot.save(kj.plot.animate(crossing), tmp_path / f"f.{suffix}", dpi=31).exists()


@pytest.mark.parametrize("suffix", ["gif", pytest.param("mp4", marks=WITH_FFMPEG)])
def test_ctrl_c_leaves_nothing_and_is_told_as_such(crossing, tmp_path, suffix):
    film = kj.plot.animate(crossing)

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kj.plot.save(film, tmp_path / f"f.{suffix}", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_draws_a_loop(tmp_path):
    dims = ("branch", "noise", "replicate")
    xr.Dataset({"rotation_mean": (dims, np.zeros((2, 3, 2)))}).to_netcdf(tmp_path / "loop.nc")
    words = ["plot", str(tmp_path / "loop.nc"), "--animate", str(tmp_path / "loop.gif")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert "a loop is drawn by kadita_jax.plot.hysteresis" in done.stderr


def test_what_only_a_film_has_needs_one(path):
    words = "--frames 1:2 --trail 3 --follow --fps 9"
    done = CliRunner().invoke(app, ["plot", str(path), *words.split()])
    assert done.exit_code == 2
    for name in ("frames", "trail", "follow", "fps"):
        assert f"{name}: must be given with --animate" in done.stderr


def test_a_school_across_a_face_is_whole_when_followed(crossing):
    swim = swimmers(crossing, follow=True)
    offsets = np.stack([swim.place(frame) for frame in range(4)])
    expected = np.array([8.0, 9.0, 9.9]) - np.mean([8.0, 9.0, 9.9])
    # The mean angle of three near places is their mean to third order of their distance.
    np.testing.assert_allclose(offsets[..., 0], np.tile(expected, (4, 1)), atol=0.02)
    np.testing.assert_allclose(offsets[..., 1:], 0, atol=1e-6)


def test_a_fish_that_is_not_seen_moves_no_centre(crossing):
    position = crossing["position"].values
    alone = centres(position[:, :2], SIDE)
    position[:, 2] = np.nan
    np.testing.assert_allclose(centres(position, SIDE), alone, atol=1e-12)
    # Where nobody is seen the centre stays; it goes on across the face.
    position[2] = np.nan
    found = centres(position, SIDE)[:, 0]
    assert found[0] % SIDE == pytest.approx(8.5)
    np.testing.assert_allclose(np.diff(found), [0.5, 0, 1], atol=1e-9)
    swim = swimmers(crossing, follow=True)
    assert all(np.isnan(swim.place(frame)[2]).all() for frame in range(4))
    kj.plot.animate(crossing, trail=2, follow=True).show(3)


def test_a_trail_leads_to_its_fish_and_stays_in_the_box(crossing):
    cube, places = Cube(np.zeros(3), SIDE), crossing["position"].values
    steps = swimmers(crossing, follow=False).steps(0, 3)
    # Places up to 10 are held in single precision, to 5e-7 each.
    np.testing.assert_allclose(steps, np.broadcast_to([0.5, 0, 0], steps.shape), atol=1e-6)
    segments = animation.trails(places[3], steps[1:3], cube)
    # The second fish is at 10.5, or 0.5, and was at 10, or 0; the step before crossed the face.
    ours = segments[np.isclose(segments[:, 0, 0], 0.5)]
    np.testing.assert_allclose(ours, [[[0.5, 5, 5], [0.0, 5, 5]]], atol=1e-6)
    assert ((segments >= 0) & (segments <= SIDE)).all()
    assert animation.trails(places[0], steps[:0], cube).shape == (0, 2, 3)


def test_places_outside_the_box_are_shown_inside(crossing):
    outside = crossing.assign(position=crossing["position"] + SIDE * np.array([1, -2, 0]))
    for follow in (False, True):
        one, other = (swimmers(run, follow=follow) for run in (crossing, outside))
        # Single precision of places up to 20.
        np.testing.assert_allclose(one.place(2), other.place(2), atol=4e-6)
    inside, moved = (school_at(run, 2)[0] for run in (crossing, outside))
    np.testing.assert_allclose(inside, moved, atol=1e-12)


def test_no_more_is_held_than_is_drawn(monkeypatch):
    random = np.random.default_rng(0)
    dataset = run_of(random.uniform(0, SIDE, (3, 2 * MAX_DRAWN, 3)), SIDE)
    whole = swimmers(dataset, follow=True)
    assert whole.position.shape == whole.heading.shape == (3, MAX_DRAWN, 3)
    assert whole.position.dtype == whole.heading.dtype == np.float32
    monkeypatch.setattr("kadita_jax.plot.swimmers.READ_AT_ONCE", 1)
    for one, other in zip(whole[:3], swimmers(dataset, follow=True)[:3], strict=True):
        np.testing.assert_array_equal(one, other)


def test_of_many_tracks_with_few_at_once_all_are_drawn():
    position = np.full((4, 4 * MAX_DRAWN, 3), np.nan)
    for frame, there in enumerate(np.split(np.arange(4 * MAX_DRAWN), 4)):
        position[frame, there] = 5.0
    swim = swimmers(run_of(position, SIDE), follow=False)
    assert [np.isfinite(place).all(axis=1).sum() for place in swim.position] == 4 * [MAX_DRAWN]


@pytest.mark.parametrize("follow", [False, True])
def test_in_open_water_the_cube_holds_every_frame(follow):
    position = np.array([[8.0, 5, 5], [9.0, 6, 5]]) + np.arange(30.0)[:, None, None]
    dataset = run_of(position, None)
    swim = swimmers(dataset, follow=follow)
    places = np.stack([swim.place(frame) for frame in range(30)])
    low, side, dashed = cube_of(swim)
    assert dashed
    assert ((places >= low) & (places <= low + side)).all()
    assert side == (2 if follow else np.ceil(1.1 * 30))


def test_a_film_leaves_matplotlibs_settings_alone(crossing, tmp_path):
    before = dict(matplotlib.rcParams)
    kj.plot.save(kj.plot.animate(crossing), tmp_path / "film.gif")
    assert dict(matplotlib.rcParams) == before


def test_the_command_writes_a_gif_of_the_chosen_frames(path, tmp_path):
    target = tmp_path / "films" / "few.gif"
    words = ["--frames", "1:6:2", "--trail", 2, "--follow", "--fps", 10]
    done = CliRunner().invoke(app, ["plot", str(path), "--animate", str(target), *map(str, words)])
    assert (done.exit_code, done.stdout) == (0, f"{target}\n"), done.stderr
    with Image.open(target) as film:
        assert (film.size, film.n_frames, film.info["duration"]) == ((480, 540), 3, 100)
        first = np.asarray(film.convert("RGB"), int)
        film.seek(2)
        assert np.abs(np.asarray(film.convert("RGB")) - first).max() > 50
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("rate", [7, 24, 25, 30, 45, 50])
def test_a_gif_plays_at_its_rate(crossing, tmp_path, rate):
    film = kj.plot.animate(crossing.isel(time=np.arange(13) % 4), frames_per_second=rate)
    with Image.open(kj.plot.save(film, tmp_path / "film.gif", dpi=20)) as gif:
        lengths = []
        for frame in range(gif.n_frames):
            gif.seek(frame)
            lengths.append(gif.info["duration"])
    assert len(lengths) == 13
    # Whole hundredths of a second, of which each moment falls on the nearest.
    assert np.abs(np.cumsum(lengths) - 1000 * np.arange(1, 14) / rate).max() <= 5
    # What is to last less is shown for 100 ms by common browsers.
    assert min(lengths) >= 20


def test_a_gif_that_browsers_would_slow_down_is_refused_and_an_mp4_is_not(crossing, tmp_path):
    film = kj.plot.animate(crossing, frames_per_second=51)
    with pytest.raises(kj.InvalidInputError, match="frames_per_second: must be > 0 and <= 50, as"):
        kj.plot.save(film, tmp_path / "film.GIF")
    assert list(tmp_path.iterdir()) == []
    assert moving_faults(frames_per_second=51) == []


@WITH_FFMPEG
def test_an_mp4_has_every_frame(crossing, tmp_path):
    told: list[int] = []
    target = kj.plot.save(kj.plot.animate(crossing), tmp_path / "f.mp4", progress=told.append)
    words = "-v error -count_frames -show_entries stream=width,height,nb_read_frames,pix_fmt"
    found = subprocess.run(
        ["ffprobe", *words.split(), "-of", "csv=p=0", target], capture_output=True, text=True
    )
    assert found.stdout.strip() == "960,1080,yuv420p,4"
    assert told == [1, 2, 3, 4]
    assert list(tmp_path.iterdir()) == [target]


def test_without_ffmpeg_a_gif_is_offered(path, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    target = tmp_path / "few.mp4"
    done = CliRunner().invoke(app, ["plot", str(path), "--animate", str(target)])
    assert done.exit_code == 2
    assert "must end in .gif: ffmpeg, which makes MP4, is not found" in done.stderr
    assert not target.exists()


def test_every_wrong_word_is_told(path):
    words = [
        "--animate",
        "film.avi",
        "--frames",
        "one:2",
        "--out",
        "x",
        "--trail",
        "-1",
        "--fps",
        "many",
    ]
    done = CliRunner().invoke(app, ["plot", str(path), str(path), *words])
    assert done.exit_code == 2
    for fault in (
        "film: must end in .gif or .mp4, got 'film.avi'",
        "frames: must be A:B or A:B:STRIDE",
        "FILE.nc: must be one file for one film",
        "out: must not be given with --animate",
        "trail: must be a whole number >= 0, got -1",
        "fps: must be > 0 and <= 100, got 'many'",
    ):
        assert fault in done.stderr


FEW = "must take at least 2 of the 7 frames"
OWN = "must be given: the file does not say"
TRAIL, AVI = "trail: must be a whole number >= 0, got -1", "film: must end in .gif or .mp4"


@pytest.mark.parametrize(
    ("name", "words", "faults"),
    [
        ("few.nc", "--frames 5:5", [f"frames: {FEW}, got '5:5'"]),
        ("few.nc", "--frames 5:6 --fps 0", [f"frames: {FEW}", "fps: must be > 0 and"]),
        ("few.nc", "--convention none --frames x", ["convention: must be", "frames: must be A:B"]),
        ("tracks.nc", "--frames 9:", [f"box_size: {OWN}", f"frames: {FEW}"]),
        ("tracks.nc", "--frames 9: --box-size 10", [f"frames: {FEW}, got '9:'"]),
        ("one.nc", "--frames 0:1", ["dataset: must have at least 2 frames, got 1"]),
        ("one_track.nc", "--box-size 9", ["dataset: must have at least 2 frames, got 1"]),
        ("none.nc", "--frames x", ["file: must exist", "frames: must be A:B"]),
        (
            "places.nc",
            "--frames x",
            ["heading: must be a var", "box_size: must", "frames: must be"],
        ),
        ("phase.nc", "--fps -1", ["dataset: must be a run: a sweep", "fps: must be > 0 and"]),
    ],
)
def test_words_and_file_are_told_at_once_before_anything_is_measured(
    files, tmp_path, monkeypatch, name, words, faults
):
    monkeypatch.setattr(tracks, "measure_trajectory", None)
    for target, more in (("film.gif", []), ("film.avi", [TRAIL, AVI])):
        given = [*words.split(), *(["--trail", "-1"] if more else [])]
        target = str(tmp_path / target)
        done = CliRunner().invoke(app, ["plot", str(files / name), "--animate", target, *given])
        assert done.exit_code == 2, done.output
        told = done.stderr.strip().splitlines()[1:]
        assert len(told) == len(faults + more), told
        assert all(any(fault in line for line in told) for fault in faults + more), told
    assert list(tmp_path.iterdir()) == []


def test_the_command_refuses_a_gif_that_browsers_would_slow_down(path, tmp_path):
    words = ["--animate", str(tmp_path / "film.gif"), "--fps", "51"]
    done = CliRunner().invoke(app, ["plot", str(path), *words])
    assert done.exit_code == 2
    assert "fps: must be > 0 and <= 50, as browsers slow faster GIFs down, got 51" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_folder_is_blamed_on_the_film(path):
    done = CliRunner().invoke(app, ["plot", str(path), "--animate", str(path / "film.gif")])
    assert "film: must be a folder, not a file" in done.stderr


def test_only_the_frames_of_the_film_are_measured(files, tmp_path, monkeypatch):
    measured = []

    def count(position, *others, **more):
        measured.append(len(position))
        return measure_trajectory(position, *others, **more)

    monkeypatch.setattr(tracks, "measure_trajectory", count)
    words = ["--animate", str(tmp_path / "f.gif"), "--frames", "1:6:2", "--box-size", "10"]
    done = CliRunner().invoke(app, ["plot", str(files / "tracks.nc"), *words])
    assert done.exit_code == 0, done.output
    assert measured == [3]
    with Image.open(tmp_path / "f.gif") as film:
        assert film.n_frames == 3


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"trail": -1}, "trail: must be a whole number >= 0, got -1"),
        ({"trail": 1.5}, "trail: must be a whole number >= 0, got 1.5"),
        ({"frames_per_second": 0}, "frames_per_second: must be > 0 and <= 100, got 0"),
        ({"frames_per_second": "x"}, "frames_per_second: must be > 0 and <= 100, got 'x'"),
    ],
)
def test_wrong_options_are_refused(crossing, options, fault):
    with pytest.raises(kj.InvalidInputError, match=fault):
        kj.plot.animate(crossing, **options)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda run: run.isel(time=[0]), "dataset: must have at least 2 frames, got 1"),
        (lambda run: run.isel(fish=[]), "dataset: must have at least 1 fish, got 0"),
        (lambda run: run.drop_vars("rotation"), "rotation: must be a variable of a run's Dataset"),
        (lambda run: run.rename(time="replicate"), "dataset: must be a run: a sweep keeps no"),
        (
            lambda run: run.rename(time="replicate", fish="branch"),
            r"must be a run: a loop is drawn by kadita_jax\.plot\.hysteresis",
        ),
        (
            lambda run: run.rename(rotation="derivative"),
            r"must be a run: derivatives are drawn by kadita_jax\.plot\.sensitivities",
        ),
    ],
)
def test_what_is_no_film_is_refused(crossing, change, fault):
    with pytest.raises(kj.InvalidInputError, match=fault) as refused:
        kj.plot.animate(change(crossing))
    assert len(refused.value.faults) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, slice(None, None)),
        ("3:", slice(3, None)),
        (":-1:2", slice(None, -1, 2)),
        ("1:9:3", slice(1, 9, 3)),
        ("", None),
        ("5", None),
        ("1:2:0", None),
        ("1:2:-1", None),
        ("1:2:3:4", None),
        ("a:b", None),
    ],
)
def test_frames_are_python_slices(text, expected):
    assert parse_frames(text) == expected
