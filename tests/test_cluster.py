"""Sweeps on a Dask cluster: the bits of one process, whatever is killed on the way."""

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


def test_workers_killed_on_the_way_cost_their_own_parts_alone(whole, tmp_path):
    path = tmp_path / "phase.nc"
    with running(2, ENVIRONMENT) as dask:

        def kill(done: int) -> None:
            if done in (5, 12):
                dask.start_worker()
                dask.workers[(5, 12).index(done)].send_signal(signal.SIGKILL)

        with sweep(dask.address, out=path, progress=kill) as found:
            xr.testing.assert_equal(found.load(), whole)
    assert not journal_path(path).exists()


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


def test_single_precision_on_workers_that_know_nothing_of_it():
    with jax.enable_x64(False):
        plain = kj.sweep(SCHOOL, {"noise": [0.1, 0.2]}, n_steps=20)
        there = kj.sweep(SCHOOL, {"noise": [0.1, 0.2]}, n_steps=20, cluster="local:1")
    assert plain["polarization_mean"].dtype == np.float32
    xr.testing.assert_equal(plain, there)


def test_a_worker_needs_jax_and_numpy_alone():
    told = "import sys, kadita_jax.cluster; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert "jax" in modules
    assert modules.isdisjoint({"xarray", "netCDF4", "pydantic", "matplotlib", "typer", "dask"})
