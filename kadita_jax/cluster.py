"""A sweep on a Dask cluster: the same parts, computed by its workers, kept by this process."""

import warnings
from asyncio import CancelledError
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, cast

from kadita_jax.connection import connected
from kadita_jax.errors import Fault, InvalidInputError, refuse
from kadita_jax.machine import Machine, this_machine, unlike_faults
from kadita_jax.worker import Arrays, Work, computed

if TYPE_CHECKING:
    from distributed import Client

# How often a part that fails, as for want of memory, is tried again.
RETRIES = 2
# How often workers that are lost as they are asked what they are give way to others.
ASKED = 3
# How long the end waits for a look at the workers: a scheduler may not answer it.
END_SECONDS = 1
# How often it is looked whether there are workers, and how often in vain until that is told.
LOOK_SECONDS, ALONE_LOOKS = 5, 4
ALONE = (
    "the cluster has had no worker for {} s: all are lost, or paused for want of memory; start "
    "one, and the sweep goes on, or end it here (Ctrl-C): parts that are saved stay"
)
KILLED = (
    "each worker that tried it was lost, as happens where memory runs out: give workers more "
    "memory, or begin anew with a smaller part_size"
)
GONE = "the scheduler is lost"
WHY = {
    "KilledWorker": KILLED,
    "CommClosedError": GONE,
    # Nobody but Dask's own client cancels a part.
    "CancelledError": GONE,
    "FutureCancelledError": GONE,
}


class Workers:
    """The workers of a Dask cluster, contacted when first asked.

    **Arguments:**

    - `cluster`: what `cluster_faults` finds nothing wrong with.
    - `opened`: closes in the end what was opened here.
    """

    def __init__(self, cluster: "Client | str", opened: ExitStack):
        self._cluster = cluster
        self._opened = opened

    def machine(self) -> Machine:
        """What the workers compute with: the least of their memory and devices.

        **Raises:** `InvalidInputError` when no scheduler answers, or workers would give other bits
        than the rest; OSError when workers cannot be started, or are lost again and again.
        """
        found: Mapping[str, Any] = {}
        for _ in range(ASKED):
            if not self._present():
                warnings.warn("the cluster has no worker yet: waiting for the first", stacklevel=2)
            self._client.wait_for_workers(1)
            found = cast(Mapping, self._client.run(machine_there, on_error="return"))
            # Of those that are lost while they are asked nothing is known.
            answers = {w: told for w, told in found.items() if not isinstance(told, OSError)}
            if answers:
                return _agreed(answers)
        raise ConnectionError(f"no worker of the cluster answers: {list(found.values())}")

    def computed(self, works: Iterable[tuple[int, Work]]) -> Iterator[tuple[int, Arrays]]:
        """Parts as they are done, each with its number.

        A part whose worker is lost is computed by another; `distributed.scheduler.allowed-failures`
        says how often.

        **Raises:** `InvalidInputError`, which names it, where a worker would give other bits;
        OSError when the scheduler, or too many workers of one part, are lost.
        """
        from distributed import as_completed

        submit, loop = self._client.submit, self._client.loop
        futures = {submit(computed_there, w, pure=False, retries=RETRIES): k for k, w in works}
        try:
            with watched(self._present):
                # With their results it passes over those that cannot be fetched, and waits on.
                for future in as_completed(futures, loop=loop):
                    number = futures.pop(future)
                    yield number, _result(future, number)
        finally:
            # Nobody wants them any longer. To cancel them would wait for the scheduler.
            for future in futures:
                future.release()

    def _present(self) -> int:
        """How many workers compute: Dask pauses those that are short of memory."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        return sum(worker.get("status", "running") == "running" for worker in workers)

    @cached_property
    def _client(self) -> "Client":
        return self._opened.enter_context(connected(self._cluster))


@contextmanager
def workers_of(cluster: "Client | str | None") -> Iterator[Workers | None]:
    """The workers of what `cluster_faults` finds nothing wrong with; None where none is wanted."""
    with ExitStack() as opened:
        yield None if cluster is None else Workers(cluster, opened)


@contextmanager
def watched(n_workers: Callable[[], int]) -> Iterator[None]:
    """Wait for what workers compute; a warning tells when none has been left for some time."""
    ended = Event()

    def watch() -> None:
        looks = 0
        # Whatever is wrong with the scheduler, whoever waits is told.
        with suppress(Exception):
            while not ended.wait(LOOK_SECONDS):
                looks = 0 if n_workers() else looks + 1
                if looks == ALONE_LOOKS:
                    warnings.warn(ALONE.format(LOOK_SECONDS * ALONE_LOOKS), stacklevel=2)

    watching = Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join(END_SECONDS)


def machine_there(dask_worker: Any) -> Machine:
    """What a worker's thread computes with; all of them share what Dask grants the worker."""
    found, granted = this_machine(), dask_worker.memory_manager.memory_limit
    is_granted = found.backend == "cpu" and granted
    memory = min(found.memory, granted) if is_granted else found.memory
    return replace(found, memory=memory // dask_worker.state.nthreads)


def computed_there(work: Work) -> Arrays:
    """A part on a worker, whose name the fault of another kind of machine bears."""
    from distributed import get_worker

    try:
        return computed(work)
    except InvalidInputError as error:
        raise InvalidInputError(error.subject, _named(get_worker().address, error.faults)) from None


def _named(worker: str, faults: Iterable[Fault]) -> list[Fault]:
    return [replace(fault, field=f"worker {worker}: {fault.field}") for fault in faults]


def _agreed(found: Mapping[str, Any]) -> Machine:
    """The one machine that all workers are like."""
    failed = {where: told for where, told in found.items() if isinstance(told, BaseException)}
    refuse("cannot sweep", [Fault(f"worker {w}", _need(e), e) for w, e in failed.items()])
    first, *others = machines = list(found.values())
    whose = f"that of {next(iter(found))}:"
    unlike = [
        fault
        for where, machine in zip(list(found)[1:], others, strict=True)
        for fault in _named(where, unlike_faults(machine, first, whose))
    ]
    refuse("cannot sweep", unlike)
    return replace(
        first,
        n_devices=min(machine.n_devices for machine in machines),
        memory=min(machine.memory for machine in machines),
        n_processes=len(machines),
        is_cluster=True,
    )


def _need(error: BaseException) -> str:
    """What a worker lacks that cannot tell what it computes with."""
    is_import = isinstance(error, ImportError | AttributeError)
    return "must have kadita_jax and jax" if is_import else "must be able to start jax"


def _result(future: Any, number: int) -> Arrays:
    try:
        return future.result()
    except InvalidInputError:
        raise
    # That of asyncio is no Exception.
    except (Exception, CancelledError) as error:
        why = WHY.get(type(error).__name__, f"{type(error).__name__}: {error}")
        raise ConnectionError(f"the cluster gave up part {number}: {why}") from error
