"""The computer under jax, as its system tells of it."""

import os
import platform
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
GROUPS_OF_OURS, GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
V1, V2 = "memory.limit_in_bytes", "memory.max"
# How wide XLA can be told to compile for x86, from the narrowest on, and what Linux calls the steps
# that were seen to change bits: those among AVX512 and beyond were not.
ISAS = ("SSE4_2", "AVX", "AVX2", "AVX512", "AVX512_VNNI", "AVX512_BF16", "AMX", "AMX_FP16")
X86_FLAGS = {"AVX512": "avx512f", "AVX2": "avx2", "AVX": "avx"}
ARM_FLAGS = {"SVE2": "sve2", "SVE": "sve", "ASIMD": "asimd"}
NAMES_FLAGS = ("flags", "Features")
MAX_ISA = re.compile(r"--xla_cpu_max_isa=(\w+)")


def cpu_kind() -> str:
    """The kind of processor that XLA compiles for, as far as bits rest upon it.

    That is its architecture and the widest of its vector instructions, "x86_64 AVX2" or "aarch64
    SVE" say; of x86 the widest that XLA_FLAGS allows.
    """
    allowed = ISAS[: ISAS.index(_most()) + 1]
    known = {name: flag for name, flag in X86_FLAGS.items() if name in allowed} | ARM_FLAGS
    widest = (name for name, flag in known.items() if flag in _flags())
    return f"{platform.machine()} {next(widest, '')}".strip()


def machine_memory() -> int:
    """Bytes of memory that this process may take: the machine's own, or what it is granted of it.

    A container or a job of a queue is granted less, by control groups of either version.
    """
    own = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([own, *_granted()])


def _granted() -> Iterator[int]:
    """What each control group that this process is in, or that is around one, grants."""
    told = _read(GROUPS_OF_OURS).splitlines()
    for _, controllers, path in (line.split(":", 2) for line in told if line.count(":") > 1):
        if controllers and "memory" not in controllers.split(","):
            continue
        folder, name = (GROUPS / "memory", V1) if controllers else (GROUPS, V2)
        inner = folder / path.lstrip("/")
        around = (group for group in inner.parents if group.is_relative_to(folder))
        limits = [_read(group / name).strip() for group in (inner, *around)]
        yield from (int(limit) for limit in limits if limit.isdecimal())


def _read(path: Path) -> str:
    """A file that the system may not have."""
    with suppress(OSError):
        return path.read_text("ascii", "replace")
    return ""


def _most() -> str:
    """How wide XLA may compile."""
    told = [isa.upper() for isa in MAX_ISA.findall(os.environ.get("XLA_FLAGS", ""))]
    return next((isa for isa in reversed(told) if isa in ISAS), ISAS[-1])


@cache
def _flags() -> frozenset[str]:
    """What the first core can do; nothing where the system does not say so."""
    lines = (line for line in _read(CPUINFO).splitlines() if line.startswith(NAMES_FLAGS))
    return frozenset(next(lines, "").split())
