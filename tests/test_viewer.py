"""Pages of `kadita view`, as far as Python can read them: data, limits, wrong input."""

import re
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from pages import BOX, run, sweep, unpacked

import kadita_jax as kj
from kadita_jax.geometry import circular_centre
from kadita_jax.metrics import group_labels, nearest_distances
from kadita_jax.names import NAMES
from kadita_jax.plot.fish import heading_colours
from kadita_jax.plot.grid import average, read_grid, standard_error, state_shares
from kadita_jax.plot.reading import wrapped
from kadita_jax.plot.timeline import LINES
from kadita_jax.viewer.body import fish_body
from kadita_jax.viewer.checks import (
    BYTES_PER_FISH,
    BYTES_PER_FRAME,
    MOST_FISH,
    chosen_frames,
    content_faults,
)
from kadita_jax.viewer.packing import (
    ABSENT,
    HEADING_SCALE,
    LEVELS,
    MOST_BYTES,
    STEPS,
    UNDEFINED,
    quantised_heading,
)
from kadita_jax.viewer.page import SCRIPTS, WEB
from kadita_jax.viewer.palette import AROUND, GROUP_COLOURS, UPWARDS, heading_table
from kadita_jax.viewer.swimming import shown_tracks

pytestmark = pytest.mark.usefixtures("compiled_quickly")
DATA = Path(__file__).parent / "data"


def places(about, arrays):
    return np.array(about["low"]) + np.array(about["step"]) * arrays["position"]


@pytest.mark.parametrize("box_size", [BOX, None])
def test_positions_and_headings_come_back_within_half_a_step(box_size, tmp_path):
    dataset = run(box_size=box_size)
    about, arrays = unpacked(kj.plot.view(dataset, tmp_path / "run.html"))
    position = dataset["position"].values
    extent = np.full(3, BOX) if box_size else np.ptp(position, axis=(0, 1))
    assert (np.abs(places(about, arrays) - position) <= extent / LEVELS / 2 + 1e-12).all()
    stored = arrays["heading"].astype(float)
    cosine = np.sum(stored * dataset["heading"].values, axis=-1) / np.linalg.norm(stored, axis=-1)
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < 0.4
    assert about["box_size"] == box_size
    np.testing.assert_array_equal(arrays["time"], dataset["time"])
    for name, *_ in LINES:
        np.testing.assert_array_equal(arrays[name], dataset[name].values.astype("f4"))


def test_headings_of_every_direction_are_within_what_is_promised():
    random = np.random.default_rng(0)
    heading = random.normal(size=(20_000, 3))
    heading /= np.linalg.norm(heading, axis=1, keepdims=True)
    stored = quantised_heading(heading[None])[0].astype(float)
    assert np.abs(stored).max() <= HEADING_SCALE
    stored /= np.linalg.norm(stored, axis=1, keepdims=True)
    assert np.degrees(np.arccos(np.sum(stored * heading, axis=1).clip(-1, 1))).max() < 0.4


def test_the_frames_that_are_asked_for(tmp_path):
    dataset = run(n_frames=12)
    page = kj.plot.view(dataset, tmp_path / "run.html", first=2, last=9, stride=3)
    about, arrays = unpacked(page)
    assert about["frames"] == {"first": 2, "stride": 3, "n_in_file": 12}
    np.testing.assert_array_equal(arrays["time"], dataset["time"][[2, 5, 8]])


def test_the_centre_follows_the_school_across_the_faces(tmp_path):
    dataset = run(n_frames=30)
    _, arrays = unpacked(kj.plot.view(dataset, tmp_path / "run.html"))
    for centre, place in zip(arrays["centre"], dataset["position"].values, strict=True):
        off = np.asarray(circular_centre(jnp.asarray(place), jnp.asarray(BOX))) - centre
        np.testing.assert_allclose(off - BOX * np.round(off / BOX), 0, atol=1e-5)
    assert np.abs(np.diff(arrays["centre"], axis=0)).max() < BOX / 2
    assert arrays["centre"][-1, 0] > BOX


def test_colours_are_by_what_they_say(tmp_path):
    dataset = run(n_frames=4, group_distance=0.7)
    about, arrays = unpacked(kj.plot.view(dataset, tmp_path / "run.html"))
    frames, box_size = jnp.asarray(dataset["position"].values), jnp.asarray(BOX)
    nearest = np.array([nearest_distances(place, box_size, 1)[:, 0] for place in frames])
    scale = np.percentile(nearest, 95)
    shown = arrays["nearest"] / STEPS * scale
    np.testing.assert_allclose(shown, np.minimum(nearest, scale), atol=scale / 500)
    label = np.asarray(group_labels(frames[2], box_size, 0.7))
    sizes = np.bincount(label)[label]
    rank = arrays["group"][2]
    assert {"group (within 0.7 bl)"} <= {mode["label"] for mode in about["modes"]}
    assert (sizes[rank == 0] == sizes.max()).all()
    for one in range(len(label)):
        alike = label == label[one]
        assert (rank[alike] == rank[one]).all()
        assert (sizes[rank < rank[one]] >= sizes[one]).all()
    assert rank.max() < len(GROUP_COLOURS)


def test_speed_is_the_files_or_what_was_moved(tmp_path):
    dataset = run(n_frames=4)
    about, arrays = unpacked(kj.plot.view(dataset, tmp_path / "run.html"))
    speed = next(mode for mode in about["modes"] if mode["name"] == "speed")
    assert speed["label"] == "speed between frames"
    assert speed["high"] == "1.6 bl/s"
    assert (arrays["speed"] == STEPS).all()
    fast = dataset.assign(heading=3 * dataset["heading"])
    about, _ = unpacked(kj.plot.view(fast, tmp_path / "run.html"))
    speed = next(mode for mode in about["modes"] if mode["name"] == "speed")
    assert (speed["label"], speed["high"]) == ("speed", "3 bl/s")


@pytest.mark.parametrize(
    "frames", [{}, {"first": 1, "last": 1}, {"first": 0, "stride": 4}, {"first": 5, "stride": 3}]
)
def test_speed_between_frames_is_the_same_whichever_frames_are_shown(frames):
    dataset = run(n_frames=12)
    # Faster from frame to frame: each frame has its own speed.
    place = dataset["position"].values + 0.01 * np.arange(12)[:, None, None] ** 2
    dataset["position"] = (dataset["position"].dims, place % BOX)
    chosen = chosen_frames(12, frames.get("first"), frames.get("last"), frames.get("stride", 1))
    every = shown_tracks(dataset, range(12), BOX)
    some = shown_tracks(dataset, chosen, BOX)
    assert some.speed is not None
    assert every.speed is not None
    assert not some.is_speed_told
    np.testing.assert_array_equal(some.speed, every.speed[chosen])
    np.testing.assert_array_equal(every.speed[0], every.speed[1])
    assert (np.ptp(every.speed[1:], axis=0) > 0.1).all()


def test_the_colours_are_the_pictures():
    height, azimuth = np.linspace(-1, 1, UPWARDS)[40], 2 * np.pi * 17 / AROUND
    level = np.sqrt(1 - height**2)
    heading = np.array([level * np.cos(azimuth), level * np.sin(azimuth), height])
    expected = np.rint(255 * heading_colours(heading[None]))
    np.testing.assert_array_equal(heading_table()[40, 17:18], expected)


def test_a_body_swims_along_x_and_its_skin_looks_outwards():
    body = fish_body()
    assert body.corner[:, 0].max() == 0.5
    assert body.corner[0].tolist() == [0.5, 0, 0]
    np.testing.assert_allclose(np.linalg.norm(body.normal, axis=1), 1)
    ring = body.corner[1:5]
    assert (np.sum(ring[:, 1:] * body.normal[1:5, 1:], axis=1) > 0).all()
    assert body.face.max() < len(body.corner)


def test_fish_that_are_not_seen_and_schools_without_anybody(tmp_path):
    dataset = run(n_frames=3)
    position = dataset["position"].values.copy()
    position[1, 4] = np.nan
    position[2] = np.nan
    told = dataset.assign(position=(dataset["position"].dims, position))
    _, arrays = unpacked(kj.plot.view(told, tmp_path / "run.html"))
    is_absent = (arrays["position"] == ABSENT).all(axis=-1)
    np.testing.assert_array_equal(is_absent, np.isnan(position).any(axis=-1))
    assert np.isfinite(arrays["centre"]).all()
    np.testing.assert_array_equal(arrays["centre"][2], arrays["centre"][1])


def test_what_cannot_be_said_of_a_fish_is_undefined_and_not_nothing(tmp_path):
    dataset = run(n_frames=4)
    position = dataset["position"].values.copy()
    # One fish appears late; in the last frame another is alone.
    position[0, 4] = np.nan
    position[3, 1:] = np.nan
    told = dataset.assign(position=(dataset["position"].dims, position))
    about, arrays = unpacked(kj.plot.view(told, tmp_path / "run.html"))
    has_undefined = {mode["name"]: mode["has_undefined"] for mode in about["modes"]}
    assert has_undefined == {"heading": False, "speed": True, "nearest": True, "group": False}
    assert arrays["speed"][1, 4] == arrays["nearest"][3, 0] == UNDEFINED
    assert (arrays["speed"][2] == STEPS).all()
    assert (arrays["nearest"][1] <= STEPS).all()
    assert len(arrays["scale_colours"]) == UNDEFINED + 1
    about, _ = unpacked(kj.plot.view(dataset, tmp_path / "run.html"))
    assert not any(mode["has_undefined"] for mode in about["modes"])


@pytest.mark.parametrize(("n_frames", "n_fish"), [(1, 5), (4, 1), (1, 1)])
def test_one_frame_and_one_fish(n_frames, n_fish, tmp_path):
    page = kj.plot.view(run(n_frames, n_fish), tmp_path / "run.html")
    about, arrays = unpacked(page)
    missing = {mode["name"] for mode in about["modes"] if mode["missing"]}
    assert missing == ({"speed"} if n_frames == 1 else set()) | (
        {"nearest"} if n_fish == 1 else set()
    )
    assert arrays["position"].shape == (n_frames, n_fish, 3)


def test_tracks_of_other_programs(tmp_path):
    random = np.random.default_rng(0)
    dims = ("frame", "xyz", "individuals")
    dataset = xr.Dataset(
        {n: (dims, random.normal(size=(3, 3, 7))) for n in ("position", "velocity")}
    )
    about, arrays = unpacked(kj.plot.view(dataset, tmp_path / "tracks.html"))
    assert arrays["position"].shape == (3, 7, 3)
    assert about["box_size"] is None
    assert "polarization" not in arrays
    assert {mode["name"] for mode in about["modes"] if mode["missing"]} == {"group"}
    assert kj.plot.view(xr.open_dataset(DATA / "peer.nc"), tmp_path / "peer.html").exists()


def test_without_times_frames_are_numbered_and_no_speed_is_made_up(tmp_path):
    dataset = run(n_frames=12).drop_vars("time")
    page = kj.plot.view(dataset, tmp_path / "run.html", first=2, stride=4)
    about, arrays = unpacked(page)
    assert about["subtitle"] == "20 fish, 3 frames"
    assert (about["has_times"], about["moment"]) == (False, "frame {}")
    assert arrays["time"].tolist() == [2, 6, 10]
    missing = {mode["name"]: mode["missing"] for mode in about["modes"] if mode["missing"]}
    assert missing == {"speed": "needs two frames, and their times"}
    # Numbers of frames are no times, whatever the file calls them.
    frames = dataset.rename(time="frame").assign_coords(frame=np.arange(12))
    about, _ = unpacked(kj.plot.view(frames, tmp_path / "run.html", last=0))
    assert about["subtitle"] == "20 fish, one frame"
    about, _ = unpacked(kj.plot.view(run(), tmp_path / "run.html"))
    assert (about["subtitle"], about["moment"]) == ("20 fish, 5.5 s", "{} s")


@pytest.mark.parametrize("box_size", [BOX, None])
def test_an_infinite_position_is_a_fish_that_is_not_seen(box_size, tmp_path):
    dataset = run(n_frames=3, box_size=box_size)
    # In two frames: the difference of two infinities would be a warning, which is an error here.
    dataset["position"][1:, 4, 0] = np.inf
    dataset["position"][1:, 5] = -np.inf
    _, arrays = unpacked(kj.plot.view(dataset, tmp_path / "run.html"))
    is_absent = (arrays["position"] == ABSENT).all(axis=-1)
    assert is_absent.sum() == 4
    assert is_absent[1:, 4:6].all()


def test_places_on_the_other_side_of_the_box_are_at_its_beginning():
    place = np.array([[-1e-30, BOX, np.inf], [BOX + 1, -1.0, 3.0]])
    np.testing.assert_array_equal(wrapped(place, BOX), [[0, 0, np.nan], [1, 9, 3]])
    assert np.isnan(wrapped(place, None)[0, 2])


@pytest.mark.parametrize("name", ["position", "heading"])
def test_frames_without_any_fish_are_refused(name, tmp_path):
    dataset = run(n_frames=12)
    dataset[name] = dataset[name].where(dataset["time"] < dataset["time"][4])
    told = "dataset: must have a fish with a finite position and heading in a frame, got"
    for frames in ({"first": 4}, {"first": 5, "stride": 3}):
        with pytest.raises(kj.InvalidInputError, match=told):
            kj.plot.view(dataset, tmp_path / "run.html", **frames)
    assert list(tmp_path.iterdir()) == []
    assert kj.plot.view(dataset, tmp_path / "run.html", first=3).exists()


def test_no_title_ends_a_script_or_is_taken_for_markup(tmp_path):
    name = "</script><b>{{about}} ü 魚 \u2028"
    page = kj.plot.view(run(scenario_name=name), tmp_path / "run.html")
    assert unpacked(page)[0]["title"] == " ".join(name.split())
    text = page.read_text(encoding="utf-8")
    assert "</script><b>" not in text
    assert text.count("</script>") == 2 + len(SCRIPTS["school"])


def test_a_page_asks_for_nothing_from_elsewhere(tmp_path):
    for dataset in (run(), sweep({"noise": [1.0, 2.0]})):
        text = kj.plot.view(dataset, tmp_path / "page.html").read_text(encoding="utf-8")
        assert not re.search(r'(src|href)="(?!data:)', text)
        assert "default-src 'none'" in text
    for scripts in SCRIPTS.values():
        assert all("</script" not in (WEB / name).read_text() for name in scripts)


def test_too_many_frames_are_refused_with_a_stride_that_fits(tmp_path):
    n_fish = MOST_BYTES // BYTES_PER_FISH // 100
    most = MOST_BYTES // (BYTES_PER_FISH * n_fish + BYTES_PER_FRAME)
    frames = np.broadcast_to(np.float32(1.0), (most + 1, n_fish, 3))
    dims = ("time", "fish", "space")
    dataset = xr.Dataset({"position": (dims, frames), "heading": (dims, frames)})
    with pytest.raises(kj.InvalidInputError, match="stride: must be at least 2 here"):
        kj.plot.view(dataset, tmp_path / "large.html")
    assert list(tmp_path.iterdir()) == []


def test_more_fish_than_a_browser_plays_are_refused(tmp_path):
    place = np.broadcast_to(np.float32(1.0), (1, MOST_FISH + 1, 3))
    dims = ("time", "fish", "space")
    dataset = xr.Dataset({"position": (dims, place), "heading": (dims, place)})
    with pytest.raises(kj.InvalidInputError, match=r"dataset: must have at most 50,000 fish for"):
        kj.plot.view(dataset, tmp_path / "crowd.html")
    assert content_faults(dataset.isel(fish=slice(MOST_FISH))) == []


@pytest.mark.parametrize(
    ("frames", "told"),
    [
        ({"first": 3, "last": 2}, "first: must not be beyond the last, frame 2, got 3"),
        ({"last": 12}, "last: must be less than the 12 frames there are, got 12"),
        ({"first": -1}, "first: must be a whole number >= 0, got -1"),
        ({"stride": 0}, "stride: must be a whole number >= 1, got 0"),
        ({"stride": 1.5}, "stride: must be a whole number >= 1, got 1.5"),
    ],
)
def test_wrong_frames(frames, told, tmp_path):
    with pytest.raises(kj.InvalidInputError, match=re.escape(told)):
        kj.plot.view(run(), tmp_path / "run.html", **frames)
    assert list(tmp_path.iterdir()) == []


def test_all_faults_are_told_at_once(tmp_path):
    with pytest.raises(kj.InvalidInputError) as told:
        kj.plot.view(run(), tmp_path / "none" / "run.nc", first=5, last=12)
    assert [fault.field for fault in told.value.faults] == ["last", "out", "out"]


def test_what_is_no_run_and_no_sweep(tmp_path):
    out = tmp_path / "page.html"
    with pytest.raises(kj.InvalidInputError, match="must be a variable named position"):
        kj.plot.view(xr.Dataset({"depth": ("x", [1.0])}), out)
    with pytest.raises(kj.InvalidInputError, match=r"kadita_jax\.plot\.hysteresis"):
        kj.plot.view(sweep({"branch": [0, 1], "noise": [1.0, 2.0]}), out)
    with pytest.raises(kj.InvalidInputError, match=r"kadita_jax\.plot\.sensitivities"):
        kj.plot.view(xr.Dataset({"derivative": ("of", [1.0])}), out)
    with pytest.raises(kj.InvalidInputError, match="stride: must not be given for a sweep"):
        kj.plot.view(sweep({"noise": [1.0, 2.0]}), out, stride=2)
    with pytest.raises(kj.InvalidInputError, match="out: must be a file, not a folder"):
        kj.plot.view(run(), tmp_path)
    with pytest.raises(kj.InvalidInputError, match=r"out: must end in \.html or \.htm"):
        kj.plot.view(run(n_frames=2), tmp_path / "run.nc")
    with pytest.raises(kj.InvalidInputError, match="out: must be in a folder that exists"):
        kj.plot.view(run(), tmp_path / "none" / "page.html")
    assert list(tmp_path.iterdir()) == []


AXES = {"noise": [0.1, 0.2, 0.4], "speed": [3.0, 1.0], "max_turn": [0.5, 0.7, 0.8, 0.9]}


@pytest.mark.parametrize("n_axes", [1, 2, 3])
def test_a_sweep_over_any_number_of_axes(n_axes, tmp_path):
    dataset = sweep(dict(list(AXES.items())[:n_axes]))
    about, arrays = unpacked(kj.plot.view(dataset, tmp_path / "phase.html"))
    grid = read_grid(dataset, "state", most_axes=n_axes)
    assert [axis["name"] for axis in about["axes"]] == ["noise", "speed", "max turn"][:n_axes]
    assert [metric["name"] for metric in about["metrics"]] == list(NAMES)
    for name in NAMES:
        np.testing.assert_allclose(arrays[name], average(grid, name), rtol=1e-6)
        np.testing.assert_allclose(
            arrays[f"{name}_error"], standard_error(grid, name), rtol=1e-6, equal_nan=True
        )
        deviation = grid.array(f"{name}_mean").std("replicate", ddof=1)
        np.testing.assert_allclose(arrays[f"{name}_deviation"], deviation, rtol=1e-5)
    np.testing.assert_allclose(arrays["shares"], state_shares(grid), rtol=1e-6)
    assert arrays["is_invalid"].sum() == 1
    # Points are in rising order, whatever the order of the file.
    if n_axes > 1:
        assert about["axes"][1]["values"] == ["1", "3"]


def test_one_replicate_of_a_sweep(tmp_path):
    dataset = sweep({"noise": [0.1, 0.2, 0.4]}).isel(replicate=1)
    about, arrays = unpacked(kj.plot.view(dataset, tmp_path / "phase.html"))
    assert about["n_replicates"] == 1
    np.testing.assert_allclose(arrays["spread"], dataset["spread_mean"], rtol=1e-6)
    assert np.isnan(arrays["spread_error"]).all()


def test_too_many_points_are_refused(tmp_path):
    side = np.arange(1_000.0)
    mean = np.broadcast_to(np.float32(0), (1_000, 1_000, 1))
    dims = ("noise", "speed", "replicate")
    large = xr.Dataset({f"{n}_mean": (dims, mean) for n in NAMES}, {"noise": side, "speed": side})
    with pytest.raises(kj.InvalidInputError, match=r"must have at most 250,000 points"):
        kj.plot.view(large, tmp_path / "phase.html")
