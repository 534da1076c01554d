"""A file that would kill who reads it, or keep him for ever, kills another process in his stead."""

import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from json import dumps
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from conftest import DATA
from refusals import complaint

import kadita_jax as kj
from kadita_jax import first_reader, pictures, probe
from kadita_jax.dataset import open_run, unreadable
from kadita_jax.files import partial_path, picture_path

TINY = kj.Scenario(name="tiny", n_fish=5, n_steps=2, save_every=1, box_size=6.0)
pytestmark = pytest.mark.usefixtures("compiled_quickly")
UNIX = pytest.mark.skipif(sys.platform == "win32", reason="no signals, no limits")


@pytest.fixture
def new() -> Iterator[probe.Probe]:
    """A process of this test alone."""
    made = probe.Probe()
    yield made
    made.stop()


@pytest.fixture
def tries(new: probe.Probe, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that are read first."""
    tried, really = [], new._tried

    def counted(state: probe.State) -> str:
        tried.append(state[0])
        return really(state)

    monkeypatch.setattr(new, "_tried", counted)
    monkeypatch.setattr("kadita_jax.dataset.probe", lambda: new)
    return tried


def write(path: Path, n_values: int = 3) -> Path:
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", n_values)
        file.createVariable("time", "f4", ("time",))[:] = np.zeros(n_values)
    return path


def program(path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Let another program read first."""
    path.write_text(f"import os, sys\n{body}\n")
    monkeypatch.setattr(probe, "PROGRAM", path)


@UNIX
def test_a_file_without_end_is_refused(
    tries: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An unfinished run with two bits turned: HDF5 2.2 goes round in it (bench/fuzz.py found it).
    monkeypatch.setattr(probe, "SECONDS", 1)
    path = tmp_path / "half.nc"
    endless = partial_path(path)
    endless.write_bytes(gzip.decompress((DATA / "endless.nc.gz").read_bytes()))
    begin = time.monotonic()
    with pytest.raises(kj.InvalidInputError, match="must be a whole NetCDF file"):
        kj.resume(path)
    # The precision of the tests, which a command sets.
    told = complaint(f"metrics {endless} --dtype float64", 2)
    assert time.monotonic() - begin < 10
    assert "file: must be a whole NetCDF file" in told
    # What was found stands, for files that are damaged too.
    assert tries == [str(endless)]


DEATHS = {
    "crash": ("os.kill(os.getpid(), 11)", "reading it crashed: Segmentation fault"),
    "no end": (
        f"os.kill(os.getpid(), {signal.SIGXCPU if sys.platform != 'win32' else 0})",
        "reading it did not end within 5 s of computing",
    ),
}


@UNIX
@pytest.mark.parametrize(("body", "told"), DEATHS.values(), ids=DEATHS.keys())
def test_a_death_is_told(
    body: str, told: str, tries: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write(tmp_path / "a.nc"), write(tmp_path / "b.nc")
    program(tmp_path / "dies.py", monkeypatch, f"sys.stdin.readline()\n{body}")
    for path in paths:
        (fault,) = unreadable(path)
        assert fault.rule.startswith("must be a whole NetCDF file (")
        assert told in fault.rule
    assert tries == [*map(str, paths)]


def test_what_cannot_start_blames_no_file(
    tries: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "none.py", monkeypatch, "import none_such")
    assert unreadable(write(tmp_path / "a.nc")) == []
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    assert unreadable(write(tmp_path / "b.nc")) == []
    assert len(tries) == 2


def test_a_sound_file_is_read_first_once(
    tries: list[str], new: probe.Probe, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.nc")
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(new.damage, 8 * [path])) == {None}
    open_run(path).close()
    assert tries == [str(path)]
    write(path, n_values=first_reader.FEW + 1)
    open_run(path).close()
    assert tries == 2 * [str(path)]


def test_a_file_that_is_being_written_is_not_damaged(new: probe.Probe, tmp_path: Path) -> None:
    path = write(tmp_path / "a.nc")
    with netCDF4.Dataset(path, "a"):
        assert new.damage(path) is None


def test_an_error_of_the_library_is_told_as_ever(tries: list[str], tmp_path: Path) -> None:
    path = tmp_path / "text.nc"
    path.write_text("not NetCDF")
    (fault,) = unreadable(path)
    assert (fault.rule, tries) == ("must be a whole NetCDF file", [str(path)])


def test_own_files_are_not_read_first(
    tries: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, swept = tmp_path / "run.nc", tmp_path / "swept.nc"
    kj.run(TINY, out=run).close()
    kj.sweep(TINY, {"noise": [0.1, 0.2]}, measure_every=1, out=swept).close()
    monkeypatch.setattr(sys, "stdin", StringIO(dumps(str(run))))
    pictures._draw_each()
    assert picture_path(run).exists()
    assert tries == []


def test_what_holds_on_to_a_file_reads_no_other(
    new: probe.Probe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.nc")
    with path.open():
        assert first_reader._is_held(str(path))
    assert not first_reader._is_held(str(path))
    monkeypatch.setattr(probe, "_answer", lambda *_: "[true, false]")
    assert new.damage(path) is None
    assert new._process is None


@UNIX
def test_ctrl_c_of_the_terminal_is_not_heard(new: probe.Probe) -> None:
    new.start()
    assert new._process is not None
    assert os.getsid(new._process.pid) != os.getsid(0)


def test_ctrl_c_ends_the_question(
    new: probe.Probe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    path = write(tmp_path / "a.nc")
    with monkeypatch.context() as patch:
        patch.setattr(probe, "_answer", interrupted)
        with pytest.raises(KeyboardInterrupt):
            new.damage(path)
    assert new._process is None
    assert new.damage(path) is None


def test_it_ends_with_who_asks() -> None:
    with probe._started() as process:
        assert process.communicate(timeout=60)[0] == ""
    assert process.returncode == 0


def test_it_is_left_without_a_word() -> None:
    words = "from kadita_jax.probe import probe; probe().start()"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", words], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")
