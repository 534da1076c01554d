"""Ctrl-C and failures on the way: prompt, with what there is to say, and nothing half left."""

import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from concurrent.futures import Future
from pathlib import Path

import pytest
import typer
import xarray as xr

import kadita_jax as kj
from kadita_jax import artist, exits, interrupts, jobs
from kadita_jax.earlier import whole_frames
from kadita_jax.exits import INTERRUPTED, errors_as_exit_codes
from kadita_jax.files import partial_path
from kadita_jax.interrupts import held_back
from kadita_jax.plan import settle

SCHOOL = kj.Scenario(name="few", n_fish=9, n_steps=4, save_every=2)

THREAD_GOES_ON = """
import threading, time
from kadita_jax.exits import INTERRUPTED, leaving
threading.Thread(target=time.sleep, args=(60,)).start()
print("told")
with leaving():
    raise SystemExit(INTERRUPTED)
"""


def test_a_process_leaves_while_threads_go_on():
    command = [sys.executable, "-c", THREAD_GOES_ON]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (130, "told\n", "")


def artist_that(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a shell script be the process that draws."""
    program = tmp_path / "artist"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    monkeypatch.setattr(artist.sys, "executable", str(program))


def test_nobody_waits_for_a_picture_and_half_of_it_goes(tmp_path, monkeypatch):
    half = tmp_path / "few.png.partial"
    artist_that(f"read path; echo $$ > {half}; exec sleep 60", tmp_path, monkeypatch)
    begin = time.monotonic()
    with artist.drawing_aside() as draw:
        drawn, next_one = draw(tmp_path / "few.nc"), draw(tmp_path / "next.nc")
        while not half.exists() or not half.read_text():
            assert time.monotonic() - begin < 30
            time.sleep(0.01)
        number = int(half.read_text())
    assert time.monotonic() - begin < 30
    assert not drawn.result()
    assert next_one.cancelled()
    assert not half.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def finished(path: Path, *, drawn: bool) -> jobs._Finished:
    future: Future[bool] = Future()
    if drawn:
        future.set_result(True)
    return jobs._Finished(path, xr.Dataset(), future)


def test_interrupted_it_tells_of_the_schools_that_are_there(capsys):
    schools = [finished(Path("a.nc"), drawn=True), finished(Path("b.nc"), drawn=False)]
    with pytest.raises(KeyboardInterrupt, match="hint"), jobs._told_at_last(schools):
        raise KeyboardInterrupt("hint")
    assert capsys.readouterr().out.splitlines() == [
        "a.nc  with a.png and CSV tables",
        "b.nc  with CSV tables; its picture: kadita plot b.nc",
    ]


@pytest.mark.parametrize("why", [KeyboardInterrupt("hint"), OSError("disk full")])
def test_what_cannot_be_told_does_not_hide_why_the_run_ended(why, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError("nobody reads")

    monkeypatch.setattr("builtins.print", fail)
    with (
        pytest.raises(type(why), match=str(why)),
        jobs._told_at_last([finished(Path("a.nc"), drawn=True)]),
    ):
        raise why


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (None, " before any frame"),
        ("few.nc.partial", "; continue with: kadita run --resume {}"),
        ("few.nc", "; {0} is whole; its tables and picture: kadita run --resume {0}"),
    ],
)
def test_files_of_an_earlier_run_are_not_taken_for_this_ones(written, told, tmp_path):
    path = tmp_path / "few.nc"
    for earlier in (path, partial_path(path)):
        earlier.touch()
        os.utime(earlier, (1e9, 1e9))

    def run(*_: object, **__: object) -> xr.Dataset:
        if written is not None:
            (tmp_path / written).touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as interrupted:
        jobs.run_each({path: settle(SCHOOL, "reference")}, lambda _: None, lambda _: Future(), run)
    assert str(interrupted.value) == told.format(path)


def test_a_run_that_is_resumed_can_be_resumed_again(tmp_path, monkeypatch):
    path = tmp_path / "few.nc"
    partial_path(path).touch()

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs.study, "steps_planned", lambda *_: 4)
    monkeypatch.setattr(jobs.study, "resume", interrupt)
    monkeypatch.setattr(jobs, "_widest_dtype", lambda _: "float64")
    with pytest.raises(KeyboardInterrupt, match=f"continue with: kadita run --resume {path}"):
        jobs.continue_run(path, None, {})


LONG = kj.Scenario(name="long", n_fish=50, n_steps=2_000_000, save_every=100, box_size=20.0)
# Tests that a shell runs in the background are deaf to Ctrl-C, and so are their children.
CALL = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from kadita_jax import cli, plan
plan.PART_PAIRS = 1e6
cli.main()
"""


def frames_in(path: Path, copy: Path) -> int:
    """How many are whole in a file that another process has locked for itself."""
    shutil.copy(path, copy)
    try:
        return whole_frames(copy)
    finally:
        copy.unlink()


def again(line: str, folder: Path) -> None:
    """Ask for the same while the command is at it."""
    if line.startswith("run"):
        kj.run(LONG, out=folder / "long.nc")
    else:
        options = {"n_steps": 4000, "part_size": 1, "overwrite": True}
        kj.sweep(LONG, {"noise": "0.1:1:99"}, out=folder / "long.nc", **options)


@pytest.mark.parametrize(
    ("line", "sign", "number", "told"),
    [
        (
            "run long.toml --out .",
            "long.nc.partial",
            signal.SIGTERM,
            "interrupted; continue with: kadita run --resume long.nc",
        ),
        (
            "sweep long.toml --axis noise=0.1:1:99 --n-steps 4000 --part-size 1 --out long.nc",
            "long.nc.parts/part-000003-*.npz",
            signal.SIGINT,
            "members are saved: the same command goes on (long.nc.parts)",
        ),
    ],
    ids=["a run", "a sweep"],
)
def test_a_signal_ends_a_command_that_says_how_to_go_on(line, sign, number, told, tmp_path):
    (tmp_path / "long.toml").write_text(LONG.to_toml())
    words = [sys.executable, "-c", CALL, *line.split()]
    with subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        while not any(tmp_path.glob(sign)):
            assert process.poll() is None
            time.sleep(0.01)
        while line.startswith("run") and frames_in(tmp_path / sign, tmp_path / "copy") == 0:
            time.sleep(0.01)
        with pytest.raises(kj.InvalidInputError, match="another process is writing it"):
            again(line, tmp_path)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert told in errors
    assert "Traceback" not in errors
    left = {path.name for path in tmp_path.iterdir()} - {"long.toml"}
    assert left == {sign.split("/")[0]}


def test_a_second_signal_in_haste_is_passed_over_and_a_third_is_not(monkeypatch):
    monkeypatch.setattr(interrupts, "_heard", heard := [])
    with pytest.raises(KeyboardInterrupt):
        interrupts._interrupt(signal.SIGTERM, None)
    interrupts._interrupt(signal.SIGTERM, None)
    with pytest.raises(KeyboardInterrupt):
        interrupts._interrupt(signal.SIGTERM, None)
    heard[:] = [(time.monotonic() - interrupts.HASTE_SECONDS - 1, signal.SIGTERM)]
    with pytest.raises(KeyboardInterrupt):
        interrupts._interrupt(signal.SIGTERM, None)


def interrupted_again() -> None:
    try:
        raise KeyboardInterrupt("; the same command goes on")
    finally:
        raise KeyboardInterrupt


def test_how_to_go_on_is_told_though_interrupted_again(capsys):
    with pytest.raises(typer.Exit) as left, errors_as_exit_codes():
        interrupted_again()
    assert left.value.exit_code == INTERRUPTED
    assert capsys.readouterr().err == "kadita: interrupted; the same command goes on\n"


@pytest.mark.usefixtures("hearing")
def test_an_interrupt_that_is_held_back_comes_in_the_end():
    done = []

    def press() -> None:
        signal.raise_signal(signal.SIGINT)
        done.append("whole")

    with pytest.raises(KeyboardInterrupt), held_back():
        press()
    assert done == ["whole"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


@pytest.mark.usefixtures("hearing")
def test_a_third_interrupt_is_not_held_back():
    presses = []

    def press() -> None:
        presses.append("Ctrl-C")
        signal.getsignal(signal.SIGINT)(signal.SIGINT, None)

    with pytest.raises(KeyboardInterrupt), held_back():
        _ = [press() for _ in range(9)]
    assert len(presses) == 3


DROPPED = """
import gc, os, signal, threading
from kadita_jax.interrupts import hear_signals
hear_signals()
gc.callbacks.append(lambda phase, _: phase == "stop" or os.kill(os.getpid(), signal.SIGTERM))
try:
    gc.collect()
    gc.callbacks.clear()
    # As it waits for another thread that computes.
    threading.Event().wait()
except KeyboardInterrupt:
    print("heard")
"""


def test_a_signal_that_python_drops_is_heard_at_once():
    command = [sys.executable, "-c", DROPPED]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (done.stdout, done.stderr) == ("heard\n", "")


def test_a_warning_for_people_is_one_line_without_source(monkeypatch, capsys):
    others = []
    monkeypatch.setattr(warnings, "showwarning", lambda *told, **_: others.append(told))
    exits._warn_in_a_line()
    warnings.showwarning("the cluster has\nno worker", UserWarning, "cluster.py", 57)
    warnings.showwarning("overflow", RuntimeWarning, "numpy.py", 1)
    assert capsys.readouterr().err == "kadita: warning: the cluster has no worker\n"
    assert others == [("overflow", RuntimeWarning, "numpy.py", 1)]


SWALLOWED = """
import os, signal, sys
from kadita_jax.interrupts import hear_signals
from kadita_jax.terminal import progress_bar
hear_signals()
try:
    os.kill(os.getpid(), signal.SIGTERM)
except KeyboardInterrupt:
    pass
with progress_bar("school", 10) as progress:
    try:
        progress(1)
    except KeyboardInterrupt:
        print("heard")
"""


def test_a_signal_that_a_library_swallows_is_heard_at_the_next_progress():
    told = subprocess.check_output([sys.executable, "-c", SWALLOWED], text=True)
    assert told == "heard\n"
