"""Sweeps on a Dask cluster: the bits of one process, whatever is killed on the way."""

import logging
import os
import signal
import subprocess
import sys
import warnings
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
    before = logging.getLogger("distributed.core").level
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
    assert logging.getLogger("distributed.core").level == before
    with pytest.raises(ValueError, match="No client"):
        default_client()


def test_a_lost_scheduler_is_told_and_the_same_call_goes_on(whole, tmp_path):
    path, computed = tmp_path / "phase.nc", []
    with running(2, ENVIRONMENT) as dask:

        def kill(done: int) -> None:
            if done == 8:
                dask.scheduler.send_signal(signal.SIGKILL)

        with pytest.raises(OSError, match=r"gave up part .*: the scheduler is lost"):
            sweep(dask.address, out=path, progress=kill)
    kept = {part.name for part in journal_path(path).glob("part-*")}
    assert 8 <= len(kept) < N_PARTS
    # What is finished here, without the cluster, is what the cluster would have computed.
    with kj.sweep(SCHOOL, AXES, out=path, progress=computed.append, **OPTIONS) as found:
        xr.testing.assert_equal(found.load(), whole)
    assert computed == list(range(len(kept) + 1, N_PARTS + 1))


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
