"""What several commands check of their words."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jax

from kadita_jax.errors import Fault, InvalidInputError
from kadita_jax.files import name_faults, unwritable_faults

DTYPES = ("float32", "float64")


def of_each(names: Iterable[Any], make: Callable, faults: list[Fault]) -> list[Any]:
    """What `make` makes of each name; the faults of those it refuses are added to `faults`."""
    made = []
    for name in names:
        try:
            made.append(make(name))
        except InvalidInputError as error:
            faults += [Fault(f"{name}: {f.field}", f.rule, f.value) for f in error.faults]
    return made


def folder_faults(folder: Path) -> list[Fault]:
    """Why results cannot be put into this folder."""
    if faults := name_faults("out", folder):
        return faults
    nearest = next((path for path in (folder, *folder.parents) if path.exists()), folder)
    if nearest.exists() and not nearest.is_dir():
        return [Fault("out", "must be a folder, not a file", str(nearest))]
    return unwritable_faults(nearest) if nearest.exists() else []


def picture_faults(out: Path) -> list[Fault]:
    """The fault of a result under the name of the picture that stands beside it."""
    if out.suffix.lower() != ".png":
        return []
    rule = "must not end in .png: the picture, which stands beside the result, does"
    return [Fault("out", rule, str(out))]


def repeat_faults(field: str, targets: list[Any]) -> list[Fault]:
    """The fault of two results that would have one name."""
    if len(set(targets)) == len(targets):
        return []
    return [Fault(field, "must not repeat: results would be overwritten", list(map(str, targets)))]


def use_dtype(dtype: str) -> list[Fault]:
    """Compute in this dtype from now on; the fault of one that does not exist."""
    if dtype not in DTYPES:
        return [Fault("dtype", f"must be {' or '.join(DTYPES)}", dtype)]
    jax.config.update("jax_enable_x64", dtype == "float64")
    return []
