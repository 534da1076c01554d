"""The peak memory of work that is done in a process of its own."""

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any


def peak_mib() -> float:
    """Peak resident memory of this process so far.

    Linux tells it in /proc: `getrusage` there counts the process that started this one too, and
    would tell the memory of the benchmark.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        # macOS, where it is in bytes.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    lines = status.read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def run_alone(script: str, *words: str) -> Any:
    """What a script prints, as JSON, in a process of its own."""
    command = [sys.executable, script, *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)
