"""The file of a run on its way: nothing that stops a write costs the frames before it."""

import os
from dataclasses import replace
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import kadita_jax as kj
from kadita_jax import plan, study
from kadita_jax.earlier import history_of, whole_frames
from kadita_jax.files import partial_path
from kadita_jax.form import HISTORY_BYTES, Form
from kadita_jax.jobs import continue_run
from kadita_jax.layout import variables
from kadita_jax.locks import lock_path
from kadita_jax.runfile import RunFile

N_FISH, N_FRAMES = 7, 60
HELD = variables(25.0)
FORM = Form(N_FRAMES, N_FISH, HELD, "float32", {"title": "frames that tell their number"}, 4)
SMALL = kj.Scenario(name="small", n_fish=12, box_size=8.0, n_steps=40)
BLOCK = 512


def frames(first: int, n: int) -> dict[str, np.ndarray]:
    """Frames whose every value is their number, counted from 1."""
    number = np.arange(first, first + n) + 1
    shapes = {1: (n,), 3: (n, N_FISH, 3)}
    return {
        name: np.broadcast_to(
            number.reshape(n, *[1] * (len(HELD[name].dims) - 1)), shapes[len(HELD[name].dims)]
        ).astype(HELD[name].dtype or "float32")
        for name in FORM.series
        if name != "time"
    }


def append(file: RunFile, first: int, n: int) -> None:
    file.append(first, frames(first, n), np.arange(first, first + n, dtype=float))


def check(path: Path, n: int) -> None:
    """The file has at least so many whole frames, and they are those that were written."""
    assert whole_frames(path) >= n
    with xr.open_dataset(path) as found:
        for name in FORM.series:
            if name != "time":
                np.testing.assert_array_equal(found[name][:n], frames(0, n)[name])


@pytest.fixture(scope="module")
def writes(tmp_path_factory) -> list[tuple[int, bytes]]:
    """How many frames an unfinished file had, and its bytes, after each write."""
    path = tmp_path_factory.mktemp("run") / "run.nc"
    seen = []
    for first in range(0, N_FRAMES, 12):
        # Each by another process, as it were.
        with file_of(path, first) as file:
            append(file, first, 12)
            seen.append((first + 12, partial_path(path).read_bytes()))
    assert history_of(partial_path(path)) == "begun, 12, 24, 36, 48"
    return seen


def file_of(path: Path, done: int) -> RunFile:
    """The run's file, begun, or continued where so many frames are done."""
    if done == 0:
        return RunFile.create(path, with_history("begun"))
    source = partial_path(path)
    form = with_history(f"{history_of(source)}, {done}")
    place = source.stat().st_ino
    file = RunFile.go_on(path, form, (source, done))
    # Where it lies: nothing is copied.
    assert source.stat().st_ino == place
    return file


def with_history(text: str) -> Form:
    return replace(FORM, attributes=FORM.attributes | {"history": text})


@given(data=st.data())
def test_any_share_of_a_write_leaves_the_frames_before_it_as_they_are(
    data, writes, tmp_path_factory
):
    """As a kill or a power cut leaves them: some blocks are written, in any order."""
    number = data.draw(st.integers(1, len(writes) - 1))
    (n_before, before), (_, after) = writes[number - 1 : number + 1]
    assert len(before) == len(after)
    changed = [k for k in range(0, len(after), BLOCK) if before[k:][:BLOCK] != after[k:][:BLOCK]]
    torn = bytearray(before)
    for k in data.draw(st.sets(st.sampled_from(changed))):
        torn[k : k + BLOCK] = after[k : k + BLOCK]
    path = tmp_path_factory.getbasetemp() / "torn.nc.partial"
    path.write_bytes(torn)
    check(path, n_before)


def test_a_finished_file_has_all_frames_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "run.nc"
    with RunFile.create(path, FORM) as file:
        append(file, 0, 50)
        append(file, 50, 10)
        file.complete()
    check(path, N_FRAMES)
    assert [each.name for each in tmp_path.iterdir()] == ["run.nc"]
    with xr.open_dataset(path) as found:
        assert found.encoding["unlimited_dims"] == {"time"}
        assert found["position"].encoding["zlib"]
        assert found["position"].encoding["chunksizes"] == (4, N_FISH, 3)


def test_an_unfinished_file_can_be_looked_into(tmp_path):
    path = tmp_path / "run.nc"
    with RunFile.create(path, FORM) as file:
        append(file, 0, 5)
        with xr.open_dataset(partial_path(path)) as found:
            assert int(found["time"].notnull().sum()) == 5
            assert list(found["position"][:5, 0, 0].values) == [1, 2, 3, 4, 5]


def test_without_a_frame_nothing_is_left(tmp_path):
    with RunFile.create(tmp_path / "run.nc", FORM):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_longer", [False, True], ids=["a history too long", "more frames"])
def test_what_has_no_room_for_the_rest_is_copied(is_longer, tmp_path):
    path, source = tmp_path / "run.nc", tmp_path / "run.nc.partial"
    with RunFile.create(path, FORM) as file:
        append(file, 0, 5)
    place = source.stat().st_ino
    longer = replace(FORM, n_frames=N_FRAMES + 4)
    form = longer if is_longer else with_history("x" * (HISTORY_BYTES + 1))
    with RunFile.go_on(path, form, (source, 5)) as file:
        append(file, 5, form.n_frames - 5)
        assert source.stat().st_ino != place
        file.complete()
    check(path, form.n_frames)


def test_a_run_that_was_stopped_twice_tells_its_three_stretches(stopped):
    def stop(done: int) -> None:
        if done == 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kj.resume(stopped, progress=stop)
    with kj.resume(stopped) as found:
        stretches = [line.split(" by ")[0].split(" ", 1)[1] for line in found.history.splitlines()]
    assert stretches == ["steps 0 to 40", "steps 20 to 40", "steps 30 to 40"]


@pytest.fixture
def stopped(tmp_path, monkeypatch) -> Path:
    """The name of a run that was interrupted at step 20 of 40, ten steps a part."""
    monkeypatch.setattr(plan, "PART_PAIRS", 10 * SMALL.n_fish**2)
    path = tmp_path / "small.nc"

    def stop(done: int) -> None:
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kj.run(SMALL, out=path, progress=stop)
    return path


def spoil(path: Path, number: int) -> None:
    """Change a bit of a frame of an unfinished run."""
    with netCDF4.Dataset(path) as stored:
        values = stored["position"][number].tobytes()
    content = bytearray(path.read_bytes())
    content[content.index(values) + 5] ^= 16
    path.write_bytes(content)


def test_a_run_goes_on_from_its_last_frame_that_is_as_it_was_written(stopped):
    last = whole_frames(partial_path(stopped)) - 1
    for number in (last - 1, last):
        spoil(partial_path(stopped), number)
    with kj.resume(stopped) as found:
        xr.testing.assert_equal(found.load(), kj.run(SMALL))


def test_a_frame_that_has_changed_is_told_and_computed_anew(stopped):
    spoil(partial_path(stopped), 1)
    with pytest.raises(OSError, match="frame 1 has changed since it was written; resumed, the run"):
        kj.resume(stopped)
    assert not stopped.exists()
    with kj.resume(stopped) as found:
        xr.testing.assert_equal(found.load(), kj.run(SMALL))


def test_what_may_not_be_written_is_refused_before_anything_runs(stopped, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(kj.InvalidInputError, match="out: must be in a folder that you may write"):
        kj.run(SMALL, out=stopped.with_name("new.nc"))
    with pytest.raises(kj.InvalidInputError, match="file: must be in a folder that you may write"):
        kj.resume(stopped)


def test_an_unfinished_file_that_may_only_be_read_is_copied(stopped, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, _: Path(path).is_dir())
    place = partial_path(stopped).stat().st_ino
    copied = []

    def look(_: int) -> None:
        copied.append(partial_path(stopped).stat().st_ino != place)

    kj.resume(stopped, progress=look).close()
    assert copied[0]


def test_a_second_process_is_told_that_the_run_is_under_way(tmp_path):
    path = tmp_path / "small.nc"

    def another(_done: int) -> None:
        for call in (
            lambda: kj.run(SMALL, out=path),
            lambda: kj.run(SMALL, out=path, overwrite=True),
            lambda: kj.resume(path),
            lambda: continue_run(path, None, {}),
        ):
            with pytest.raises(kj.InvalidInputError, match="another process is writing it"):
                call()

    kj.run(SMALL, out=path, progress=another).close()
    assert [each.name for each in tmp_path.iterdir()] == ["small.nc"]


def test_a_result_that_came_since_it_was_looked_for_stays(tmp_path, monkeypatch):
    kj.run(SMALL, out=tmp_path / "small.nc").close()
    before = (tmp_path / "small.nc").read_bytes()
    monkeypatch.setattr(study, "path_faults", lambda *_, **__: [])
    with pytest.raises(kj.InvalidInputError, match="must not exist yet"):
        kj.run(SMALL, out=tmp_path / "small.nc")
    assert (tmp_path / "small.nc").read_bytes() == before


def test_the_unfinished_run_of_no_folder_is_told(tmp_path):
    with pytest.raises(kj.InvalidInputError, match="file: must exist"):
        kj.resume(tmp_path / "none" / "small.nc")


def test_a_lock_that_a_killed_process_left_means_nothing(tmp_path):
    lock_path(tmp_path / "small.nc").touch()
    kj.run(SMALL, out=tmp_path / "small.nc").close()
    assert [each.name for each in tmp_path.iterdir()] == ["small.nc"]
