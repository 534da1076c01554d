"""Sweeps on a Dask cluster: the bits of one process, whatever is killed on the way."""

import pickle
import signal
import subprocess
import sys
import warnings
from dataclasses import replace
from multiprocessing import current_process, popen_spawn_posix
from pathlib import Path

import jax
import numpy as np
import pytest
import xarray as xr
from dask_processes import running
from distributed import Client

import kadita_jax as kj
from kadita_jax import cluster, connection
from kadita_jax.errors import Fault
from kadita_jax.journal import journal_path
from kadita_jax.machine import this_machine

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


def test_what_a_worker_says_of_its_part_is_told():
    told = cluster._lost((MemoryError, MemoryError("9 GiB"), None), 3)
    assert isinstance(told, OSError)
    assert str(told) == "the cluster gave up part 3: MemoryError: 9 GiB"
    wrong = kj.InvalidInputError("cannot compute", [Fault("backend", "must equal cpu", "gpu")])
    assert cluster._lost((type(wrong), wrong, None), 3) is wrong


def test_single_precision_on_workers_that_know_nothing_of_it():
    with jax.enable_x64(False):
        plain = kj.sweep(SCHOOL, {"noise": [0.1, 0.2]}, n_steps=20)
        there = kj.sweep(SCHOOL, {"noise": [0.1, 0.2]}, n_steps=20, cluster="local:1")
    assert plain["polarization_mean"].dtype == np.float32
    xr.testing.assert_equal(plain, there)


def test_workers_of_other_releases_are_named_before_anything_runs():
    here = this_machine()
    found = {"tcp://a:1": here, "tcp://b:2": replace(here, jax_version="0.0.1", backend="gpu")}
    with pytest.raises(kj.InvalidInputError) as caught:
        cluster._agreed(found)
    assert [fault.field for fault in caught.value.faults] == [
        "worker tcp://b:2: backend",
        "worker tcp://b:2: jax_version",
    ]
    found["tcp://c:3"] = ModuleNotFoundError("No module named 'kadita_jax'")
    with pytest.raises(kj.InvalidInputError, match="worker tcp://c:3: must have kadita_jax"):
        cluster._agreed(found)


def test_the_cluster_is_as_large_as_its_smallest_worker():
    here = this_machine()
    small = replace(here, memory=2**20, n_devices=1)
    agreed = cluster._agreed({"tcp://a:1": here, "tcp://b:2": small})
    assert (agreed.memory, agreed.n_devices) == (2**20, 1)
    assert (agreed.n_processes, agreed.is_cluster) == (2, True)


def test_an_error_travels_whole():
    with pytest.raises(kj.InvalidInputError) as caught:
        kj.make_params(speed=-1, noise="x")
    there = pickle.loads(pickle.dumps(caught.value))
    assert (str(there), there.faults) == (str(caught.value), caught.value.faults)


def test_a_worker_needs_jax_and_numpy_alone():
    told = "import sys, kadita_jax.worker; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert "jax" in modules
    assert modules.isdisjoint({"xarray", "netCDF4", "pydantic", "matplotlib", "typer", "dask"})


@pytest.mark.parametrize(
    "wrong",
    [
        "local:0",
        "local:",
        "local:-1",
        "tcp//x:1",
        "x",
        "http://a:80",
        "inproc://a:1",
        "ucx://a:1",
        "tcp://a:0",
        "tcp://a:65536",
        "tcp://a b:1",
        " tcp://a:1",
        "tcp://a:1\n",
        "tcp://:1",
    ],
)
def test_what_is_no_cluster_is_refused_with_the_rest(wrong):
    with pytest.raises(kj.InvalidInputError) as caught:
        kj.sweep(SCHOOL, {"noise": [-1]}, cluster=wrong)
    assert {fault.field for fault in caught.value.faults} == {"cluster", "axis noise"}


@pytest.mark.parametrize("right", ["local:1", "tcp://a:1", "tcp://10.0.0.1:65535", "tcp://[::1]:1"])
def test_what_may_be_a_cluster(right):
    assert connection.cluster_faults(right) == []


class Handed(Client):
    """A client that is connected to nothing."""

    def __init__(self, status: str, is_asynchronous: bool):
        self.status, self.is_asynchronous = status, is_asynchronous

    asynchronous = property(lambda self: self.is_asynchronous)

    def __del__(self): ...

    def __repr__(self) -> str:
        return "half a page" * 100


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (3, "got 'int'"),
        (Handed("running", True), "got 'an asynchronous Client'"),
        (Handed("closed", False), "got 'a closed Client'"),
        (Handed("connecting", False), "got 'a connecting Client'"),
        ("tls://a:1", "must be given as a Client of Dask"),
    ],
)
def test_what_was_handed_over_is_told_in_words(wrong, told):
    (fault,) = connection.cluster_faults(wrong)
    assert told in str(fault)
    assert connection.cluster_faults(Handed("running", False)) == []


def test_processes_of_jax_share_no_cluster(monkeypatch, tmp_path):
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    with pytest.raises(kj.InvalidInputError) as caught:
        kj.sweep(SCHOOL, {"noise": [0.1]}, out=tmp_path / "x.nc", cluster="local:2")
    assert [fault.field for fault in caught.value.faults] == ["cluster"]


def test_workers_that_cannot_start_are_told_in_one_line(monkeypatch):
    def spawn(*_: object) -> None:
        raise BlockingIOError(11, "no more processes")

    monkeypatch.setattr(popen_spawn_posix.Popen, "_launch", spawn)
    with pytest.raises(OSError, match=r"^cannot start 2 workers here: .*no more processes$"):
        kj.sweep(SCHOOL, {"noise": [0.1]}, cluster="local:2")


def test_a_script_that_would_start_itself_again_is_told_how(monkeypatch):
    monkeypatch.setattr(current_process(), "_inheriting", True, raising=False)
    with pytest.raises(SystemExit, match="must start workers below: if __name__"):
        kj.sweep(SCHOOL, {"noise": [0.1]}, cluster="local:2")


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch):
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.5)
    with pytest.raises(kj.InvalidInputError, match=r"scheduler answers within 0\.5 s"):
        kj.sweep(SCHOOL, {"noise": [0.1]}, cluster="tcp://127.0.0.1:9")


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(connection, "find_spec", lambda _: None)
    with pytest.raises(kj.InvalidInputError, match=r"pip install 'kadita_jax\[cluster\]'"):
        kj.sweep(SCHOOL, {"noise": [0.1]}, cluster="local:2")


def test_nobody_waits_for_a_cluster_when_the_result_has_no_place(tmp_path, monkeypatch):
    def contact(_: object) -> None:
        raise AssertionError("contacted")

    monkeypatch.setattr(cluster.Workers, "machine", contact)
    with pytest.raises(kj.InvalidInputError, match="must be in an existing folder"):
        kj.sweep(SCHOOL, {"noise": [0.1]}, out=tmp_path / "none" / "x.nc", cluster="local:2")
