"""The process of `kadita_jax.probe`: it reads the files that standard input names, one a line.

It is run by its path, and imports nothing of ours: it is to be ready soon.
"""

import json
import math
import os
import sys
import time
from contextlib import suppress
from typing import Any

import netCDF4

if sys.platform != "win32":
    import resource

# Elements of a variable that are read one and all; of more, only the first and the last.
FEW = 2**20
# It holds very few.
MOST_HANDLES = 64


def read_each() -> None:
    """Read one file after the other, and answer whether it could be opened and is closed again."""
    _leave_no_core()
    for line in sys.stdin:
        path, seconds = json.loads(line)
        print(json.dumps([_is_opened(path, seconds), not _is_held(path)]), flush=True)


def _is_opened(path: str, seconds: int) -> bool:
    """Read a file; False where the library refuses to open it."""
    try:
        _allow(seconds)
        _read(netCDF4.Dataset(path), seconds)
    except PermissionError:
        # It says nothing about the file.
        return True
    except Exception:
        return False
    return True


def _is_held(path: str) -> bool:
    """Whether the library has left a file open, as it does with some that it refuses.

    It would then take what is written there later for what it already knows.
    """
    with suppress(OSError):
        about = os.stat(path)
        return any(_is_of(handle, about) for handle in range(3, MOST_HANDLES))
    return False


def _is_of(handle: int, about: os.stat_result) -> bool:
    with suppress(OSError):
        return os.path.samestat(os.fstat(handle), about)
    return False


def _read(handle: netCDF4.Dataset, seconds: int) -> None:
    """Read what a file says of itself, and of every variable enough to search all its trees.

    An error is no danger: whoever reads there next is told it, too.
    """
    with suppress(Exception), handle:
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
