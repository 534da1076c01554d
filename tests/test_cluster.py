"""Sweeps on a Dask cluster: the bits of one process, whatever is killed on the way."""

import logging
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import jax
import numpy as np
import pytest
import xarray as xr
from dask_processes import running
from distributed import default_client

import kadita_jax as kj
from kadita_jax.journal import journal_path

CACHE = Path(__file__).parent.parent / ".cache" / "jax"
SCHOOL = kj.Scenario(name="few", n_fish=7, n_steps=3000, box_size=9.0)
AXES = {"noise": "0.01:1:15"}
OPTIONS = {"replicates": 2, "part_size": 1, "measure_every": 300}
N_PARTS = 30


# Dask's processes share the tests' compiled programs.
ENVIRONMENT = {
    "JAX_COMPILATION_CACHE_DIR": str(CACHE),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    # On some processors XLA warns of each program that it finds there.
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


@pytest.fixture(scope="module")
def whole() -> xr.Dataset:
    return kj.sweep(SCHOOL, AXES, **OPTIONS)


def sweep(address: str, **options: object) -> xr.Dataset:
    with warnings.catch_warnings():
        # The workers may come after the scheduler.
        warnings.filterwarnings("ignore", "the cluster has no worker yet")
        return kj.sweep(SCHOOL, AXES, cluster=address, **OPTIONS | options)


# Preloaded, it tells of each part that a worker begins, and has the first two to begin certain
# ones killed over them.
KILLING = """
import os, pathlib, signal
from kadita_jax import worker

BEGUN = pathlib.Path(os.environ["BEGUN"])

def killing(work, computed=worker.computed):
    number = work.member[0]
    (BEGUN / f"{number}-{os.getpid()}").touch()
    if number in (5, 12) and len(list(BEGUN.glob(f"{number}-*"))) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return computed(work)

# It may be loaded twice.
if worker.computed.__module__ == worker.__name__:
    worker.computed = killing
"""


def test_workers_killed_at_their_parts_cost_these_alone(whole, tmp_path):
    path, preload, begun = tmp_path / "phase.nc", tmp_path / "killing.py", tmp_path / "begun"
    begun.mkdir()
    preload.write_text(KILLING)
    before = logging.getLogger("distributed").level
    with running(3, ENVIRONMENT | {"BEGUN": str(begun)}, preload) as dask:
        with sweep(dask.address, out=path) as found:
            xr.testing.assert_equal(found.load(), whole)
        ended = {worker.pid: worker.poll() for worker in dask.workers}
    killed = {pid for pid, code in ended.items() if code == -signal.SIGKILL}
    assert len(killed) == 2
    tried = [{int(each.name.split("-")[1]) for each in begun.glob(f"{k}-*")} for k in (5, 12)]
    assert [len(pids & killed) for pids in tried] == [1, 1]
    assert [len(pids) for pids in tried] == [2, 2]
    assert not journal_path(path).exists()
    # What was silenced for the lost scheduler's sake speaks again, and no client stays behind.
    assert logging.getLogger("distributed").level == before
    with pytest.raises(ValueError, match="No client"):
        default_client()


# Tests that a shell runs in the background are deaf to Ctrl-C, and so are their children.
CALL = """
import pathlib, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from kadita_jax import cli, cluster, connection
cluster.LOOK_SECONDS = 0.05

def telling(shared_cache=connection.shared_cache):
    pathlib.Path("starting").touch()
    return shared_cache()

connection.shared_cache = telling
cli.main()
"""
SWEEP = (
    "sweep few.toml --axis noise=0.01:1:15 --replicates 2 --part-size 1 --measure-every 300"
    " --dtype float64 --out phase.nc --dask"
)

# What a sweep says before it begins.
HEADINGS = (
    r"\d+ (\w+ x|members in|of them are there already)"
    r"|kadita: warning: the cluster has no worker yet: waiting for the first$"
)


@contextmanager
def command(address: str, folder: Path) -> Iterator[subprocess.Popen]:
    """The sweep as a command, in a group of processes of its own as in a terminal."""
    (folder / "few.toml").write_text(SCHOOL.to_toml())
    with subprocess.Popen(
        [sys.executable, "-c", CALL, *SWEEP.split(), address],
        cwd=folder,
        # Set by the command itself, it would come after jax here.
        env=os.environ | ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def parts_in(folder: Path) -> int:
    return len(list(folder.glob("phase.nc.parts/part-*.npz")))


def wait_for(process: subprocess.Popen, is_there: Callable[[], bool]) -> None:
    while not is_there():
        assert process.poll() is None
        time.sleep(0.01)


def said(process: subprocess.Popen) -> list[str]:
    """What a command says of its end; to close waits a few seconds at most."""
    _, errors = process.communicate(timeout=30)
    return [line for line in errors.splitlines() if not re.match(HEADINGS, line)]


def hint(kept: int) -> str:
    return f"{kept} of {N_PARTS} members are saved: the same command goes on (phase.nc.parts)"


# Preloaded, it has each part take so long that a command is at it when the scheduler ends.
SLOWING = """
import time
from kadita_jax import worker

def slow(work, computed=worker.computed):
    time.sleep(0.2)
    return computed(work)

if worker.computed.__module__ == worker.__name__:
    worker.computed = slow
"""


def test_a_scheduler_that_is_deaf_or_lost_is_told_and_the_same_command_goes_on(whole, tmp_path):
    (tmp_path / "slowing.py").write_text(SLOWING)
    with running(2, ENVIRONMENT, tmp_path / "slowing.py") as dask:
        with command(dask.address, tmp_path) as process:
            wait_for(process, lambda: parts_in(tmp_path) >= 3)
            dask.scheduler.send_signal(signal.SIGSTOP)
            # By then it is asked for its workers, and does not answer.
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            told, kept = said(process), parts_in(tmp_path)
        dask.scheduler.send_signal(signal.SIGCONT)
        assert (process.returncode, told) == (130, [f"kadita: interrupted; {hint(kept)}"])
        with command(dask.address, tmp_path) as process:
            wait_for(process, lambda: parts_in(tmp_path) >= kept + 3)
            dask.scheduler.send_signal(signal.SIGKILL)
            told, kept = said(process), parts_in(tmp_path)
    assert (process.returncode, len(told)) == (1, 1), told
    assert re.match(r"kadita: the cluster gave up part \d+: the scheduler is lost; ", told[0])
    assert told[0].endswith(hint(kept))
    assert kept < N_PARTS
    # What is finished here, without the cluster, is what the cluster would have computed.
    computed, path = [], tmp_path / "phase.nc"
    with kj.sweep(SCHOOL, AXES, out=path, progress=computed.append, **OPTIONS) as found:
        xr.testing.assert_equal(found.load(), whole)
    assert computed == list(range(kept + 1, N_PARTS + 1))


@pytest.mark.parametrize("when", ["workers start", "they compute"])
def test_ctrl_c_in_a_terminal_is_answered_by_the_command_alone(when, tmp_path):
    with command("local:1", tmp_path) as process:
        if when == "workers start":
            wait_for(process, (tmp_path / "starting").exists)
            time.sleep(0.5)
        else:
            wait_for(process, lambda: parts_in(tmp_path) >= 2)
        os.killpg(process.pid, signal.SIGINT)
        # In haste once more, as it may be closing.
        time.sleep(0.1)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        told = said(process)
    kept = parts_in(tmp_path)
    how = f"; {hint(kept)}" if when == "they compute" else ""
    assert (process.returncode, told) == (130, [f"kadita: interrupted{how}"])


def test_a_command_in_single_precision_whose_workers_are_set_to_double(tmp_path):
    (tmp_path / "few.toml").write_text(SCHOOL.to_toml())
    words = "sweep few.toml --axis noise=0.1,0.2 --n-steps 20 --out x.nc --dask local:1"
    done = subprocess.run(
        [sys.executable, "-c", "from kadita_jax.cli import main; main()", *words.split()],
        cwd=tmp_path,
        env=os.environ | ENVIRONMENT | {"JAX_ENABLE_X64": "1"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr.count("\n")) == (0, 2), done.stderr
    with jax.enable_x64(False):
        plain = kj.sweep(SCHOOL, {"noise": [0.1, 0.2]}, n_steps=20)
    assert plain["polarization_mean"].dtype == np.float32
    with xr.open_dataset(tmp_path / "x.nc") as found:
        xr.testing.assert_equal(plain, found)


def test_a_worker_needs_jax_and_numpy_alone():
    told = "import sys, kadita_jax.cluster; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert "jax" in modules
    assert modules.isdisjoint({"xarray", "netCDF4", "pydantic", "matplotlib", "typer", "dask"})
