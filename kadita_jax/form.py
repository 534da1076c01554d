"""What the file of one run has room for, on its way and in the end."""

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kadita_jax import layout

# What an unfinished file tells of how it came about may grow to so many bytes in place.
HISTORY, HISTORY_BYTES = "history_so_far", 4096
# And of each frame, so that none that has changed since is taken for whole.
CHECKSUM = "frame_checksum"


@dataclass(frozen=True)
class Form:
    """What a run's file has room for.

    **Attributes:**

    - `n_frames`, `n_fish`: its sizes.
    - `variables`: by name, in file order.
    - `dtype`: of the variables that leave theirs open.
    - `attributes`: of the whole file.
    - `chunk`: how many frames lie together, compressed, in the finished file.
    """

    n_frames: int
    n_fish: int
    variables: Mapping[str, layout.Variable]
    dtype: str
    attributes: Mapping[str, Any]
    chunk: int

    @property
    def series(self) -> list[str]:
        """The variables that each frame has a value of, its time last."""
        names = [name for name, variable in self.variables.items() if "time" in variable.dims]
        return sorted(names, key="time".__eq__)

    def frame_shape(self, name: str) -> tuple[int, ...]:
        """The shape of one frame of a series."""
        sizes = {"fish": self.n_fish, "space": len(layout.SPACE)}
        return tuple(sizes[dim] for dim in self.variables[name].dims[1:])

    @property
    def n_bytes(self) -> int:
        """Size of all frames before they are compressed."""
        return self.n_frames * sum(
            np.dtype(self.variables[name].dtype or self.dtype).itemsize
            * math.prod(self.frame_shape(name))
            for name in self.series
        )

    def checksums(self, frames: Mapping[str, np.ndarray]) -> np.ndarray:
        """A CRC of each frame's values, in the file's dtypes."""
        columns = [
            np.ascontiguousarray(frames[name], self.variables[name].dtype or self.dtype)
            for name in self.series
            if name != "time"
        ]
        rows = np.hstack([column.reshape(len(column), -1).view(np.uint8) for column in columns])
        return np.array([zlib.crc32(row) for row in rows], np.uint32)
