"""The process of `kadita_jax.probe`: it reads the files that standard input names, one a line.

It is run by its path, and imports nothing of ours: it is to be ready soon.
"""

import json
import math
import sys
import time
from contextlib import suppress
from typing import Any

import netCDF4

if sys.platform != "win32":
    import resource

# Elements of a variable that are read one and all; of more, only the first and the last.
FEW = 2**20


def read_each() -> None:
    """Read one file after the other, and answer each with an empty line."""
    _leave_no_core()
    for line in sys.stdin:
        path, seconds = json.loads(line)
        # An error of the library is no danger: whoever reads the file next is told it, too.
        with suppress(Exception):
            _read(path, seconds)
        print(flush=True)


def _read(path: str, seconds: int) -> None:
    """Read what a file says of itself, and of every variable enough to search all its trees."""
    _allow(seconds)
    with netCDF4.Dataset(path) as handle:
        handle.set_auto_maskandscale(False)
        _read_attributes(handle)
        for variable in handle.variables.values():
            with suppress(Exception):
                _allow(seconds)
                _read_attributes(variable)
                _read_values(variable)


def _read_attributes(held: Any) -> None:
    for name in held.ncattrs():
        with suppress(Exception):
            held.getncattr(name)


def _read_values(variable: netCDF4.Variable) -> None:
    if math.prod(variable.shape) <= FEW:
        variable[...]
    else:
        variable[(0,) * variable.ndim]
        variable[(-1,) * variable.ndim]


def _allow(seconds: int) -> None:
    """Have the kernel end this process if it computes for longer from now on.

    Waiting for a disk or a tape is no computing.
    """
    if sys.platform == "win32":
        return
    last = round(time.process_time()) + seconds
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    if hard == resource.RLIM_INFINITY or last < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (last, hard))


def _leave_no_core() -> None:
    """Its death is told; nobody wants the dump beside."""
    if sys.platform != "win32":
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


if __name__ == "__main__":
    read_each()
