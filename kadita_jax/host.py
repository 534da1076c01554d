"""The computer under jax, as its system tells of it."""

import os
import platform
import re
from contextlib import suppress
from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
# How wide XLA can be told to compile, from the narrowest on, and what Linux calls the steps that
# were seen to change bits: those among AVX512 and beyond were not.
ISAS = ("SSE4_2", "AVX", "AVX2", "AVX512", "AVX512_VNNI", "AVX512_BF16", "AMX", "AMX_FP16")
FLAGS = {"AVX512": "avx512f", "AVX2": "avx2", "AVX": "avx"}
MAX_ISA = re.compile(r"--xla_cpu_max_isa=(\w+)")


def cpu_kind() -> str:
    """The kind of processor that XLA compiles for, as far as bits rest upon it.

    That is its architecture and the widest of its vector instructions, "x86_64 AVX2" say, or the
    widest that XLA_FLAGS allows.
    """
    allowed = ISAS[: ISAS.index(_most()) + 1]
    widest = (name for name, flag in FLAGS.items() if name in allowed and flag in _flags())
    return f"{platform.machine()} {next(widest, '')}".strip()


def machine_memory() -> int:
    """Bytes of the machine's own memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _most() -> str:
    """How wide XLA may compile."""
    told = [isa.upper() for isa in MAX_ISA.findall(os.environ.get("XLA_FLAGS", ""))]
    return next((isa for isa in reversed(told) if isa in ISAS), ISAS[-1])


@cache
def _flags() -> frozenset[str]:
    """What the first core can do; nothing where the system does not say so."""
    with suppress(OSError), CPUINFO.open("rb") as stream:
        lines = (line for line in stream if line.startswith(b"flags"))
        return frozenset(next(lines, b"").decode("ascii", "replace").split())
    return frozenset()
