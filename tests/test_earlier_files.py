"""Files of earlier releases: continued to the bit, or refused with what to do."""

from collections.abc import Callable
from pathlib import Path

import netCDF4
import pytest
import xarray as xr

import kadita_jax as kj
from kadita_jax.files import partial_path

SCHOOL = kj.Scenario(name="few", n_fish=5, n_steps=4, save_every=1, box_size=6.0)
ANEW = "every variable of a run of this release .* or run it anew.*; these are missing, got "

Change = Callable[[netCDF4.Dataset], None]


def begun(path: Path, change: Change) -> Path:
    """The first half of a run in the layout of finished files: compressed, growing with time."""
    kj.run(SCHOOL, n_steps=2, out=path).close()
    with netCDF4.Dataset(path, "a") as file:
        assert file.dimensions["time"].isunlimited()
        file.scenario = SCHOOL.to_toml()
        change(file)
    return path.rename(partial_path(path))


def of_an_earlier_release(file: netCDF4.Dataset) -> None:
    """It says neither which it is nor how the run came about."""
    for name in ("kadita_jax_version", "history", "python_version"):
        file.delncattr(name)
    file.source = "kadita_jax 0.0.1"


def test_an_earlier_unfinished_run_is_continued_to_the_bit(tmp_path: Path) -> None:
    begun(tmp_path / "few.nc", of_an_earlier_release)
    with kj.resume(tmp_path / "few.nc") as resumed:
        xr.testing.assert_equal(resumed.load(), kj.run(SCHOOL))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda file: file.renameVariable("state", "school_state"), f"{ANEW}'state'"),
        (lambda file: file.delncattr("prng_implementation"), "are missing, got 'prng_impl"),
        (
            lambda file: file.setncattr("scenario", SCHOOL.replaced(n_fish=4).to_toml()),
            r"must hold frames of 4 fish, as its scenario says, got .*'position': \(5, 3\)",
        ),
        (
            lambda file: file.setncattr("scenario", SCHOOL.replaced(save_every=2).to_toml()),
            r"must hold frames at the times that its scenario says, got .*0.*0\.1.*0\.2",
        ),
    ],
    ids=["without a variable", "without an attribute", "of other fish", "of other times"],
)
def test_what_cannot_be_continued_is_told_and_kept(
    change: Change, told: str, tmp_path: Path
) -> None:
    path = begun(tmp_path / "few.nc", change)
    before = path.read_bytes()
    with pytest.raises(kj.InvalidInputError, match=told):
        kj.resume(tmp_path / "few.nc")
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == before
