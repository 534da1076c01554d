"""Files for others: the CF conventions, other programs' tracks, pictures."""

import subprocess
import sys
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

import kadita_jax as kj
from kadita_jax.files import replacing
from kadita_jax.metrics import NAMES
from kadita_jax.parameters import PARAMETERS
from kadita_jax.scenario import Scenario
from kadita_jax.tracks import measure_file, measured_or_measure

pytestmark = pytest.mark.usefixtures("compiled_quickly")

DATA = Path(__file__).parent / "data"
SMALL = Scenario(
    name="small", n_fish=8, box_size=8.0, r_orientation=2.0, r_attraction=4.0, n_steps=20
)


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("runs") / "small.nc"
    kj.run(SMALL, out=target).close()
    return target


def test_the_cf_checker_has_nothing_to_say(path):
    done = subprocess.run(
        [Path(sys.executable).parent / "compliance-checker", "--test=cf:1.11", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "All tests passed!" in done.stdout, done.stdout


def test_plain_xarray_decodes_it(path):
    with xr.open_dataset(path) as stored:
        assert stored["position"].dims == ("time", "fish", "space")
        assert stored["time"].dtype.kind == "M"
        assert list(stored["space_label"].values) == ["x", "y", "z"]
        assert all(stored[name].dims == ("time",) for name in NAMES)
        assert "state" in stored


def test_every_setting_is_an_attribute(path):
    with netCDF4.Dataset(path) as handle:
        for name in PARAMETERS:
            assert handle.getncattr(name) == getattr(SMALL, name)
        for name in ("seed", "n_steps", "save_every", "n_fish"):
            assert handle.getncattr(name) == getattr(SMALL, name)
        told = ("jax_version", "kadita_jax_version", "device", "dtype", "prng_implementation")
        assert all(handle.getncattr(name) for name in told)
        assert Scenario(**_toml(handle.scenario)) == SMALL


def _toml(text: str) -> dict:
    import tomllib

    return tomllib.loads(text)


def test_the_peers_file_as_it_is_gives_the_peers_numbers():
    measured = measure_file(DATA / "peer.nc")
    with xr.open_dataset(DATA / "peer.nc", decode_timedelta=False) as theirs:
        for name in NAMES:
            np.testing.assert_allclose(measured[name], theirs[name], atol=1e-12)


def test_our_file_measured_again_is_itself(path):
    with xr.open_dataset(path) as stored:
        measured = measure_file(path)
        for name in NAMES:
            np.testing.assert_allclose(measured[name], stored[name], atol=1e-13)
        corrected = measure_file(path, convention="corrected")
        assert not np.allclose(corrected["rotation"], stored["rotation"])


def test_tracks_of_other_programs(tmp_path):
    """Dims in another order under other names; velocities of any length; no box."""
    random = np.random.default_rng(0)
    position, velocity = random.normal(size=(2, 3, 3, 9))
    tracks = xr.Dataset(
        {
            "position": (("time", "space", "individuals"), position),
            "velocity": (("time", "space", "individuals"), velocity),
        }
    )
    tracks.to_netcdf(tmp_path / "tracks.nc")
    measured = measure_file(tmp_path / "tracks.nc", convention="corrected")
    assert measured["position"].dims == ("time", "fish", "space")
    first = kj.metrics.measure(position[0].T, velocity[0].T, None, convention="corrected")
    assert float(measured["spread"][0]) == pytest.approx(float(first.spread), abs=1e-13)


@pytest.mark.parametrize("convention", kj.metrics.CONVENTIONS)
def test_a_picture_of_every_kind_of_file(path, tmp_path, convention):
    for number, source in enumerate((path, DATA / "peer.nc")):
        dataset = measured_or_measure(source, convention=convention)
        target = kj.plot.save(kj.plot.summary(dataset), tmp_path / f"{number}.png")
        assert target.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert len(list(tmp_path.iterdir())) == 2


def test_the_picture_shows_the_datasets_numbers(path):
    with xr.open_dataset(path) as stored:
        axes = kj.plot.summary(stored).axes
        drawn = [line.get_ydata() for panel in axes for line in panel.get_lines()]
        for name in ("polarization", "rotation", "oceanic_schooling_index"):
            assert any(np.array_equal(values, stored[name]) for values in drawn), name
        half = stored["school_shape_entropy"].values[1:]
        expected = f"{half.mean():.2f} ± {half.std():.2f}"
        assert expected in [text.get_text() for panel in axes for text in panel.texts]


def test_a_single_keypoint_and_an_equal_sided_box(tmp_path):
    random = np.random.default_rng(0)
    position, heading = random.uniform(0, 8, (2, 2, 3, 1, 7))
    dims = ("t", "space", "keypoints", "individuals")
    tracks = xr.Dataset({"position": (dims, position), "heading": (dims, heading)})
    tracks.assign_attrs(box_size=[8.0, 8.0, 8.0]).to_netcdf(tmp_path / "tracks.nc")
    measured = measure_file(tmp_path / "tracks.nc")
    expected = kj.metrics.measure(position[1, :, 0].T, heading[1, :, 0].T, 8.0)
    assert float(measured["spread"][1]) == pytest.approx(float(expected.spread), abs=1e-13)


def test_pictures_of_one_fish_and_one_frame():
    lone = kj.run(Scenario(name="lone", n_fish=1, n_steps=1, save_every=1), convention="corrected")
    assert kj.plot.summary(lone).axes
    assert kj.plot.summary(lone.isel(time=[0])).axes


def test_a_file_is_whole_or_absent(tmp_path):
    target = tmp_path / "table.csv"

    def fail_halfway() -> None:
        with replacing(target) as partial:
            partial.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert list(tmp_path.iterdir()) == []
    with replacing(target) as partial:
        partial.write_text("whole")
    assert target.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [target]
