"""The machine that schools are computed on, as far as plans and bits rest upon it."""

import platform
from dataclasses import dataclass

import jax
import numpy as np

import kadita_jax
from kadita_jax.errors import Fault
from kadita_jax.host import cpu_kind, machine_memory

# What all members of one sweep must be computed with to be to the bit what one process computes.
SAME_PROGRAM = (
    "prng_implementation",
    "prng_partitionable",
    "backend",
    "processor",
    "jax_version",
    "kadita_jax_version",
)


@dataclass(frozen=True)
class Machine:
    """What a process computes with.

    **Attributes:**

    - `device`, `backend`: the kind of its devices, and what drives them.
    - `processor`: what programs are compiled for, as far as bits rest upon it: the kind of a GPU,
        or a CPU's widest vector instructions.
    - `n_devices`, `memory`: how many they are; bytes of memory that the first one
        may take.
    - `n_processes`: how many such share the work.
    - `is_cluster`: whether these are the workers of a cluster.
    - the others: settings and releases, as files tell them.
    """

    device: str
    backend: str
    processor: str
    n_devices: int
    memory: int
    n_processes: int
    prng_implementation: str
    prng_partitionable: str
    kadita_jax_version: str
    jax_version: str
    numpy_version: str
    python_version: str
    is_cluster: bool = False


def this_machine() -> Machine:
    """What this process computes with."""
    return Machine(
        device=jax.local_devices()[0].device_kind,
        backend=jax.default_backend(),
        processor=processor(),
        n_devices=jax.local_device_count(),
        memory=device_memory(),
        n_processes=jax.process_count(),
        prng_implementation=_setting("jax_default_prng_impl"),
        prng_partitionable=_setting("jax_threefry_partitionable"),
        kadita_jax_version=kadita_jax.__version__,
        jax_version=jax.__version__,
        numpy_version=np.__version__,
        python_version=platform.python_version(),
    )


def computed_with() -> str:
    """The program, its release and the processor, in one line."""
    versions = f"kadita_jax {kadita_jax.__version__}, jax {jax.__version__}"
    return f"{versions} on {jax.default_backend()} ({processor()})"


def processor() -> str:
    """What this process compiles for, as far as bits rest upon it."""
    return cpu_kind() if jax.default_backend() == "cpu" else jax.local_devices()[0].device_kind


def unlike_faults(machine: Machine, wanted: Machine, whose: str) -> list[Fault]:
    """What would give a machine's members other bits than those of the rest of a sweep."""
    return [
        Fault(name, f"must equal {whose} {getattr(wanted, name)}", getattr(machine, name))
        for name in SAME_PROGRAM
        if getattr(machine, name) != getattr(wanted, name)
    ]


def device_memory() -> int:
    """Bytes of the first device's memory; the machine's where the device does not say."""
    stats = jax.local_devices()[0].memory_stats() or {}
    return stats.get("bytes_limit", machine_memory())


def _setting(name: str) -> str:
    # By name: jax 0.10 and 0.12 declare different attributes of its configuration.
    return str(getattr(jax.config, name))
