"""Which devices a process computes on."""

import os
from typing import Any

import jax

from kadita_jax.errors import Fault, count_faults, refuse


def use_all_cores(n_cores: int | None = None) -> None:
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
    if where == "auto":
        try:
            jax.distributed.initialize()
        except ValueError as error:
            rule = f"must be HOST:PORT,K/N where jax recognises no cluster ({error})"
            refuse("cannot join the processes", [Fault("distributed", rule, where)])
        return
    address, number, count = _processes(where)
    jax.distributed.initialize(address, count, number)


def _processes(where: Any) -> tuple[str, int, int]:
    try:
        address, _, place = where.rpartition(",")
        number, count = map(int, place.split("/"))
        is_whole = 0 <= number < count and int(address.rpartition(":")[2]) > 0
    except (ValueError, AttributeError):
        address, number, count, is_whole = "", 0, 0, False
    if not is_whole:
        rule = "must be auto or HOST:PORT,K/N with 0 <= K < N"
        refuse("cannot join the processes", [Fault("distributed", rule, where)])
    return address, number, count
