"""Sweeps in processes of their own: killed and resumed, and shared by two."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import kadita_jax as kj
from kadita_jax.journal import journal_path

CACHE = Path(__file__).parent.parent / ".cache" / "jax"
SCHOOL = "n_fish = 7\nn_steps = 3000\nbox_size = 9.0\nr_orientation = 2\nr_attraction = 4\n"
N_MEMBERS = 60
# Some 10 ms a part: long beside the milliseconds between looks, short beside the test.
CALL = """
import jax
import kadita_jax as kj

kj.use_all_cores()
jax.config.update("jax_enable_x64", True)
axes = {"noise": "0.01:1:30"}
kj.sweep("few.toml", axes, replicates=2, part_size=1, measure_every=300, out="phase.nc")
"""
COMMAND = """
from kadita_jax import heartbeats
from kadita_jax.cli import main

heartbeats.BEAT_SECONDS = 0.5
main()
"""
WORDS = (
    "sweep few.toml --axis noise=0.01:1:30 --replicates 2 --measure-every 300 --dtype float64 "
    "--distributed"
)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("few.toml").write_text(SCHOOL)
    return tmp_path


def start(code: str, *words: str) -> subprocess.Popen:
    settings = {"JAX_COMPILATION_CACHE_DIR": str(CACHE)}
    settings["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | settings,
    )


def expected(n_steps: int) -> xr.Dataset:
    """The same sweep in this process."""
    axes, options = {"noise": "0.01:1:30"}, {"replicates": 2, "measure_every": 300}
    return kj.sweep("few.toml", axes, n_steps=n_steps, part_size=1, **options)


def parts() -> dict[str, int]:
    """When each part in the journal was written."""
    folder = journal_path(Path("phase.nc"))
    return {part.name: part.stat().st_mtime_ns for part in folder.glob("part-*.npz")}


def check_result(n_steps: int = 3000) -> None:
    with xr.open_dataset("phase.nc") as found:
        whole = expected(n_steps)
        for name in whole.variables:
            np.testing.assert_array_equal(found[name], whole[name], err_msg=str(name))


@pytest.mark.usefixtures("folder")
def test_killed_three_times_at_any_moment():
    seed = int.from_bytes(os.urandom(2))
    print(f"moments drawn with seed {seed}")
    rng = np.random.default_rng(seed)
    kept: dict[str, int] = {}
    for _ in range(3):
        process = start(CALL)
        while len(parts()) == len(kept) and process.poll() is None:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.12))
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, process.communicate()
        process.communicate()
        now = parts()
        # What was there has not been computed again, and there is more of it.
        assert kept.items() < now.items()
        kept = now
        assert not Path("phase.nc").exists()
    assert len(kept) < N_MEMBERS
    process = start(CALL)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    check_result()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def together(*more: str) -> list[subprocess.Popen]:
    """Two processes that meet, each with options of its own beside the common ones."""
    port = free_port()
    places = [f"127.0.0.1:{port},{number}/2" for number in range(2)]
    return [
        start(COMMAND, *WORDS.split(), place, *own.split())
        for place, own in zip(places, more, strict=True)
    ]


@pytest.mark.usefixtures("folder")
def test_two_processes_on_unlike_machines_share_a_sweep():
    processes = together("--cores 1", "--cores 2")
    told = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], told
    # The first alone speaks, for both.
    assert "in each of 2 processes" in told[0][1]
    assert f"{N_MEMBERS} members" in told[0][0]
    assert "members" not in "".join(told[1])
    assert not journal_path(Path("phase.nc")).exists()
    check_result()


@pytest.mark.usefixtures("folder")
def test_a_process_that_waits_for_others_hears_that_it_shall_end():
    port = free_port()
    process = start(COMMAND, *WORDS.split(), f"127.0.0.1:{port},0/2")
    with socket.socket() as other:
        # Once it listens it waits for the second.
        while other.connect_ex(("127.0.0.1", port)) and process.poll() is None:
            time.sleep(0.01)
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "kadita: interrupted\n")


@pytest.mark.usefixtures("folder")
def test_a_process_of_another_sweep_is_refused():
    first, second = together("--cores 1 --seed 1", "--cores 1 --seed 2")
    _, errors = second.communicate()
    first.kill()
    first.communicate()
    assert second.returncode == 2, errors
    assert "seed: must equal the journal's 1, got 2" in errors
    assert not Path("phase.nc").exists()


@pytest.mark.usefixtures("folder")
def test_a_lost_process_is_told_and_the_same_commands_go_on():
    # Each part takes as long as ten looks.
    slow = "--cores 1 --part-size 1 --n-steps 12000"
    first, second = together(slow, slow)
    while len(parts()) < 6 and first.poll() is None:
        time.sleep(0.002)
    # As a queue does at a job's end.
    first.send_signal(signal.SIGTERM)
    _, errors = first.communicate()
    assert first.returncode == 130, errors
    assert "of 60 members are saved: the same command goes on (phase.nc.parts)" in errors
    _, errors = second.communicate()
    kept = parts()
    hint = f"{len(kept)} of 60 members are saved: the same command goes on (phase.nc.parts)"
    assert errors == f"kadita: process 0 of this sweep is lost; {hint}\n"
    assert second.returncode == 1
    assert 6 <= len(kept) < N_MEMBERS
    processes = together(slow, slow)
    told = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], told
    assert f"{len(kept)} of them are there already" in told[0][1]
    check_result(12000)
