"""A sweep on a Dask cluster: the same parts, computed by its workers, kept by this process."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from kadita_jax.connection import connected
from kadita_jax.errors import Fault, InvalidInputError, refuse
from kadita_jax.machine import Machine, this_machine, unlike_faults
from kadita_jax.worker import Arrays, Work, computed

if TYPE_CHECKING:
    from distributed import Client

# How often a part that fails, as for want of memory, is tried again.
RETRIES = 2


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
        than the rest.
        """
        if not self._client.scheduler_info(n_workers=-1)["workers"]:
            warnings.warn("the cluster has no worker yet: waiting for the first", stacklevel=2)
        self._client.wait_for_workers(1)
        found = self._client.run(this_machine, on_error="return")
        return _agreed(cast(Mapping, found))

    def computed(self, works: Iterable[tuple[int, Work]]) -> Iterator[tuple[int, Arrays]]:
        """Parts as they are done, each with its number.

        A part whose worker is lost is computed by another; `distributed.scheduler.allowed-failures`
        says how often.

        **Raises:** `InvalidInputError` where a worker would give other bits; OSError when the
        scheduler, or too many workers of one part, are lost.
        """
        from distributed import as_completed

        submit, loop = self._client.submit, self._client.loop
        futures = {submit(computed, w, pure=False, retries=RETRIES): k for k, w in works}
        try:
            done = as_completed(futures, loop=loop, with_results=True, raise_errors=False)
            for future, found in done:
                number = futures.pop(future)
                # Not by the future's status: that is of now, when the worker may be gone.
                if not isinstance(found, dict):
                    raise _lost(found, number)
                yield number, found
        finally:
            self._client.cancel(list(futures))

    @cached_property
    def _client(self) -> "Client":
        return self._opened.enter_context(connected(self._cluster))


@contextmanager
def workers_of(cluster: "Client | str | None") -> Iterator[Workers | None]:
    """The workers of what `cluster_faults` finds nothing wrong with; None where none is wanted."""
    with ExitStack() as opened:
        yield None if cluster is None else Workers(cluster, opened)


def _agreed(found: Mapping[str, Any]) -> Machine:
    """The one machine that all workers are like."""
    failed = {where: told for where, told in found.items() if isinstance(told, BaseException)}
    rule = "must have kadita_jax and jax"
    refuse("cannot sweep", [Fault(f"worker {w}", rule, told) for w, told in failed.items()])
    first, *others = machines = list(found.values())
    whose = f"that of {next(iter(found))}:"
    unlike = [
        replace(fault, field=f"worker {where}: {fault.field}")
        for where, machine in zip(list(found)[1:], others, strict=True)
        for fault in unlike_faults(machine, first, whose)
    ]
    refuse("cannot sweep", unlike)
    return replace(
        first,
        n_devices=min(machine.n_devices for machine in machines),
        memory=min(machine.memory for machine in machines),
        n_processes=len(machines),
        is_cluster=True,
    )


def _lost(found: Any, number: int) -> Exception:
    """What kept a part from being computed: an error with its traceback, or a loss."""
    error = found[1] if isinstance(found, tuple) else None
    if isinstance(error, InvalidInputError):
        return error
    why = "the scheduler is lost" if error is None else f"{type(error).__name__}: {error}"
    return ConnectionError(f"the cluster gave up part {number}: {why}")
