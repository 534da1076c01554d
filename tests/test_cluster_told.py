"""What is told of a cluster that cannot be, or does not, what it should; no process is started."""

import pickle
import threading
import time
import warnings
from asyncio import CancelledError
from contextlib import ExitStack
from dataclasses import replace
from multiprocessing import current_process, popen_spawn_posix
from threading import Event
from types import SimpleNamespace
from typing import Any

import distributed
import jax
import pytest
from distributed import Client
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker

import kadita_jax as kj
from kadita_jax import cluster, connection
from kadita_jax.errors import Fault
from kadita_jax.machine import Machine, this_machine
from kadita_jax.worker import Work

SCHOOL = kj.Scenario(name="few", n_fish=7, n_steps=20, box_size=9.0)


def failing(error: BaseException) -> SimpleNamespace:
    """The future of a part that came to this."""

    def fail() -> None:
        raise error

    return SimpleNamespace(result=fail)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError("9 GiB"), r"MemoryError: 9 GiB$"),
        (
            KilledWorker("a-1", SimpleNamespace(address="tcp://a:1"), 3),
            r"memory runs out: .*part_s",
        ),
        (CommClosedError("in <TCP (closed)>"), r"the scheduler is lost$"),
        (CancelledError("a-1"), r"the scheduler is lost$"),
    ],
)
def test_what_became_of_a_part_is_told(error, told):
    with pytest.raises(OSError, match=f"^the cluster gave up part 3: .*{told}"):
        cluster._result(failing(error), 3)


def test_nobody_goes_on_with_a_sweep_that_ended_early():
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    # A port of its own: others may be testing with clusters beside.
    options: dict[str, Any] = {"dashboard_address": None, "set_as_default": False}
    options |= {"scheduler_kwargs": {"dashboard_address": ":0"}}
    with Client(processes=False, n_workers=1, threads_per_worker=1, **options) as ours:
        with pytest.raises(KeyboardInterrupt):
            kj.sweep(SCHOOL, {"noise": "0.1:1:9"}, part_size=1, cluster=ours, progress=stop)
        begin = time.monotonic()
        while ours.cluster.scheduler.tasks:
            assert time.monotonic() - begin < 30
            time.sleep(0.01)


def test_wrong_input_that_a_worker_finds_is_told_as_it_is():
    wrong = kj.InvalidInputError("cannot compute", [Fault("backend", "must equal cpu", "gpu")])
    with pytest.raises(kj.InvalidInputError) as caught:
        cluster._result(failing(wrong), 3)
    assert caught.value is wrong


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
    found["tcp://d:4"] = RuntimeError("no such backend")
    with pytest.raises(kj.InvalidInputError) as caught:
        cluster._agreed(found)
    assert [(fault.field, fault.rule) for fault in caught.value.faults] == [
        ("worker tcp://c:3", "must have kadita_jax and jax"),
        ("worker tcp://d:4", "must be able to start jax"),
    ]


def test_an_unlike_worker_that_comes_late_is_named(monkeypatch):
    def refuse(_: object) -> None:
        faults = [Fault("jax_version", "must equal the sweep's 2", "1")]
        raise kj.InvalidInputError("cannot compute", faults)

    monkeypatch.setattr(cluster, "computed", refuse)
    monkeypatch.setattr(distributed, "get_worker", lambda: SimpleNamespace(address="tcp://late:1"))
    with pytest.raises(kj.InvalidInputError, match="cannot compute:\n  worker tcp://late:1: jax_v"):
        cluster.computed_there(object.__new__(Work))


class Asked:
    """A client whose workers answer as they are told, time after time."""

    def __init__(self, *answers: dict[str, object]):
        self.answers = list(answers)
        self.run = lambda *_, **__: self.answers.pop(0)

    def scheduler_info(self, **_: int) -> dict[str, object]:
        return {"workers": {"tcp://a:1": {}}}

    def wait_for_workers(self, n_workers: int) -> None: ...


def asked(*answers: dict[str, object]) -> Machine:
    workers = cluster.Workers("local:1", ExitStack())
    vars(workers)["_client"] = Asked(*answers)
    return workers.machine()


def test_workers_lost_while_they_are_asked_give_way_to_others():
    lost, here = CommClosedError("in <TCP (closed)>"), this_machine()
    assert asked({"tcp://a:1": lost, "tcp://b:2": here}).n_processes == 1
    assert asked({}, {"tcp://a:1": lost}, {"tcp://a:1": here}).n_processes == 1
    with pytest.raises(OSError, match=r"no worker of the cluster answers: .*TCP"):
        asked({}, {}, {"tcp://a:1": lost})


def test_a_worker_that_is_paused_computes_nothing():
    workers = cluster.Workers("local:1", ExitStack())
    client = Asked()
    vars(workers)["_client"] = client
    found = {"a": {"status": "paused"}, "b": {"status": "running"}, "c": {}}
    client.scheduler_info = lambda **_: {"workers": found}
    assert workers._present() == 2


@pytest.mark.parametrize(("n_workers", "n_told"), [(0, 1), (1, 0)])
def test_a_cluster_without_workers_is_told_once(monkeypatch, n_workers, n_told):
    monkeypatch.setattr(cluster, "LOOK_SECONDS", 0.001)
    looks = []

    def look() -> int:
        looks.append(n_workers)
        return n_workers

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with cluster.watched(look):
            while len(looks) < 3 * cluster.ALONE_LOOKS:
                time.sleep(0.001)
    assert len(told) == n_told
    assert all("no worker for 0.004 s: all are lost" in str(each.message) for each in told)


@pytest.mark.parametrize("error", [CommClosedError("in <TCP (closed)>"), KeyError("workers")])
def test_a_scheduler_that_is_lost_meanwhile_ends_the_watch(monkeypatch, error):
    monkeypatch.setattr(cluster, "LOOK_SECONDS", 0.001)
    tracebacks = []
    monkeypatch.setattr(threading, "excepthook", tracebacks.append)
    looks = []

    def fail() -> int:
        looks.append(error)
        raise error

    with cluster.watched(fail):
        time.sleep(0.05)
    assert (looks, tracebacks) == ([error], [])


def test_nobody_waits_for_a_scheduler_that_does_not_answer_the_watch(monkeypatch):
    monkeypatch.setattr(cluster, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(cluster, "END_SECONDS", 0.01)
    asked, answer = Event(), Event()

    def look() -> int:
        asked.set()
        return answer.wait(60)

    begin = time.monotonic()
    with cluster.watched(look):
        assert asked.wait(60)
    assert not answer.is_set()
    answer.set()
    assert time.monotonic() - begin < 30


class Deaf(Client):
    """A client that cannot be closed, as its scheduler does not answer."""

    def __init__(self, *_: object, **__: object): ...

    def __del__(self): ...

    def close(self, timeout: float) -> None:
        raise TimeoutError(f"timed out after {timeout} s.")


def test_a_client_that_cannot_be_closed_hides_no_interrupt(monkeypatch):
    monkeypatch.setattr(distributed, "Client", Deaf)
    with pytest.raises(KeyboardInterrupt), connection.connected("tcp://a:1"):
        raise KeyboardInterrupt


def test_the_cluster_is_as_large_as_its_smallest_worker():
    here = this_machine()
    small = replace(here, memory=2**20, n_devices=1)
    agreed = cluster._agreed({"tcp://a:1": here, "tcp://b:2": small})
    assert (agreed.memory, agreed.n_devices) == (2**20, 1)
    assert (agreed.n_processes, agreed.is_cluster) == (2, True)


@pytest.mark.parametrize("limit", [None, 0, 2**20, 2**60])
@pytest.mark.parametrize("n_threads", [1, 3])
def test_the_threads_of_a_worker_share_what_dask_grants_it(limit, n_threads):
    worker = SimpleNamespace(
        memory_manager=SimpleNamespace(memory_limit=limit),
        state=SimpleNamespace(nthreads=n_threads),
    )
    whole = 2**20 if limit == 2**20 else this_machine().memory
    assert cluster.machine_there(worker).memory == whole // n_threads


def test_an_error_travels_whole():
    with pytest.raises(kj.InvalidInputError) as caught:
        kj.make_params(speed=-1, noise="x")
    there = pickle.loads(pickle.dumps(caught.value))
    assert (str(there), there.faults) == (str(caught.value), caught.value.faults)


@pytest.mark.parametrize(
    "wrong",
    [
        "local:0",
        "local:-1",
        "tcp//x:1",
        "http://a:80",
        "inproc://a:1",
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
