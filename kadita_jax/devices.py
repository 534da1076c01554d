"""Which devices a process computes on."""

import itertools
import os
import re
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from threading import Event, Thread
from typing import Any, TypeVar

import jax

# The only way to the service's keys; jax's own multihost utilities take it too.
from jax._src import distributed

from kadita_jax.errors import Fault, Unchecked, count_faults, refuse

Found = TypeVar("Found")

LAST_PORT = 2**16 - 1
PLACE = re.compile(r"([^,]+:(\d{1,5})),(\d{1,9})/(\d{1,9})", re.ASCII)

# How long the first process to come waits for the last one: a queue may start them hours apart.
MEETING_MS = 24 * 3600 * 1000
# Seconds that a lost process goes unnoticed.
NOTICED_AFTER = 30
# Every process counts the same meetings.
_MEETINGS = itertools.count()
_joined = Event()


def use_all_cores(n_cores: int | Unchecked | None = None) -> None:
    """Let sweeps compute on all CPU cores, one jax device a core; call it before jax is used.

    **Arguments:**

    - `n_cores`: how many; all that this process may use when None.

    **Raises:** `InvalidInputError` when jax has already started with fewer.
    """
    wanted = available_cores() if n_cores is None else n_cores
    refuse("cannot use the cores", count_faults({"n_cores": wanted}))
    try:
        jax.config.update("jax_num_cpu_devices", wanted)
    except RuntimeError:
        found = len(jax.local_devices(backend="cpu"))
        if found < wanted:
            rule = f"must be set before jax is first used; it has started with {found}"
            refuse("cannot use the cores", [Fault("n_cores", rule, wanted)])


def available_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS


def join_processes(where: Any) -> None:
    """Make this process one of several that share a sweep, by `jax.distributed`.

    **Arguments:**

    - `where`: "auto", where jax recognises the cluster (SLURM, Open MPI, Kubernetes); else
        "HOST:PORT,K/N": the address of process 0, and this one's number of how many.

    **Raises:** `InvalidInputError` when it is neither, or jax recognises no cluster.
    """
    refuse("cannot join the processes", process_faults(where))
    # jax takes SIGTERM, that a queue sends at a job's end, for itself otherwise.
    with suppress(AttributeError):
        jax.config.update("jax_enable_preemption_service", False)
    place = PLACE.fullmatch(where)
    if place is not None:
        _join(place[1], int(place[4]), int(place[3]))
        return
    try:
        _join()
    except ValueError as error:
        rule = f"must be HOST:PORT,K/N where jax recognises no cluster ({error})"
        refuse("cannot join the processes", [Fault("distributed", rule, where)])


def _join(*place: Any) -> None:
    _waited(lambda: jax.distributed.initialize(*place, heartbeat_timeout_seconds=NOTICED_AFTER))
    _joined.set()


def _waited(wait: Callable[[], Found]) -> Found:
    """What a function returns that waits in C++: in a thread, as no signal is heard there."""
    found: Future[Found] = Future()

    def run() -> None:
        try:
            found.set_result(wait())
        except Exception as error:
            found.set_exception(error)

    Thread(target=run, daemon=True).start()
    return found.result()


def process_faults(where: Any) -> list[Fault]:
    """The fault of what names no place among processes."""
    place = PLACE.fullmatch(str(where))
    port, number, count = map(int, place.groups()[1:]) if place else (0, 0, 0)
    if where == "auto" or (0 < port <= LAST_PORT and number < count):
        return []
    return [Fault("distributed", "must be auto or HOST:PORT,K/N with 0 <= K < N", where)]


def meet(told: str = "") -> list[str]:
    """Wait until every process is here, and hear what each has to tell, in their order.

    By the service that `jax.distributed` starts rather than by arrays, whose exchange wants
    equally many devices in every process and gives up on those that come late.
    """
    if jax.process_count() == 1:
        return [told]
    client, number = distributed.global_state.client, next(_MEETINGS)
    assert client is not None
    client.key_value_set(f"kadita_jax/{number}/{jax.process_index()}", told or "-")
    keys = [f"kadita_jax/{number}/{k}" for k in range(jax.process_count())]
    words = _waited(lambda: [client.blocking_key_value_get(key, MEETING_MS) for key in keys])
    return ["" if word == "-" else word for word in words]


def meet_at_last() -> None:
    """Meet, and leave the service if `join_processes` joined it: it ends who loses another."""
    meet()
    if _joined.is_set():
        _joined.clear()
        jax.distributed.shutdown()
