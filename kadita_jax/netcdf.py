"""Writing NetCDF variables as a layout describes them, with failures told as what they are."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from kadita_jax.layout import Variable


def create_variable(
    handle: netCDF4.Dataset,
    name: str,
    variable: Variable,
    dtype: str,
    *,
    chunks: Sequence[int] | None = None,
    fill_value: Any = False,
) -> None:
    """Add one variable with its attributes; compressed when it has chunks.

    **Arguments:**

    - `dtype`: of a variable whose layout leaves it open.
    - `fill_value`: of what is not written; False leaves it undefined, since nan is a value here.
    """
    dtype = variable.dtype or dtype
    created = handle.createVariable(
        name,
        str if dtype == "str" else dtype,
        variable.dims,
        zlib=chunks is not None,
        shuffle=chunks is not None,
        complevel=1,
        fletcher32=chunks is not None,
        chunksizes=chunks,
        fill_value=fill_value,
    )
    if chunks is not None:
        # Each is written once; HDF5 would keep tens of MiB of every variable.
        created.set_var_chunk_cache(size=2 * math.prod(chunks) * np.dtype(dtype).itemsize)
    created.setncatts({k: typed(v, dtype) for k, v in variable.attributes.items()})


def typed(value: Any, dtype: str) -> Any:
    """An attribute's value: CF wants ranges and flags in the dtype of what they speak of."""
    return np.array(value, dtype) if isinstance(value, (tuple, float)) else value


@contextmanager
def telling_of_a_full_disk(path: Path) -> Iterator[None]:
    """Raise the library's own errors as OSError, with the likely cause."""
    try:
        yield
    except RuntimeError as error:
        raise OSError(f"could not write {path}: {error}; disk full?") from error
