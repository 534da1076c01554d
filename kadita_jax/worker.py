"""One part of a sweep, computed wherever there is jax: what goes there and what comes back."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from kadita_jax.errors import refuse
from kadita_jax.machine import Machine, computed_with, this_machine, unlike_faults
from kadita_jax.member import Draw, Outcome, Varied
from kadita_jax.model import Params
from kadita_jax.names import NAMES
from kadita_jax.observed import GroupDistance
from kadita_jax.sweeping import sweep_members
from kadita_jax.window import Window

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Work:
    """A part of a sweep that is to be computed; numpy throughout, so that it can travel.

    **Attributes:**

    - `machine`: what the sweep's other parts are computed with.
    - `dtype`: of all arrays.
    - `seed`: of the whole sweep's key.
    - `part_size`: how many members a part has at most; fixes the compiled shape.
    - the others: arguments of `sweep_members`.
    """

    machine: Machine
    dtype: str
    seed: int
    member: np.ndarray
    params: Params
    varied: Varied
    start: Draw
    window: Window
    schedule: Mapping[str, Any]
    group_distance: GroupDistance
    convention: str
    keep_final: bool
    part_size: int
    batch: int


def computed(work: Work) -> Arrays:
    """The arrays that a part has in the journal.

    **Raises:** `InvalidInputError` where this machine would give other bits.
    """
    with _in_precision(work.dtype):
        unlike = unlike_faults(this_machine(), work.machine, "the sweep's")
        refuse("cannot compute a part of the sweep here", unlike)
        return stored(
            sweep_members(
                jax.random.key(work.seed),
                work.member,
                work.params,
                work.varied,
                work.start,
                work.window,
                schedule=work.schedule,
                group_distance=work.group_distance,
                convention=work.convention,
                keep_final=work.keep_final,
                capacity=-(-work.part_size // jax.local_device_count()),
                batch=work.batch,
            )
        )


def stored(outcome: Outcome) -> Arrays:
    """The arrays of some members under the names that they have in the file."""
    kinds = {"mean": outcome.mean, "std": outcome.std, "final": outcome.final}
    arrays = {
        f"{name}_{kind}": getattr(metrics, name)
        for kind, metrics in kinds.items()
        for name in NAMES
    }
    if outcome.school is not None:
        arrays["final_position"] = outcome.school.position
        arrays["final_heading"] = outcome.school.heading
    told = {"computed_with": np.array(computed_with())}
    arrays |= outcome.more
    return arrays | {"state": outcome.label.astype(np.int8)} | told


def _in_precision(dtype: str) -> Any:
    """Let jax compute in this float; the worker of a cluster may be set to another."""
    is_double = dtype == "float64"
    as_it_is = is_double == jax.config.jax_enable_x64  # pyright: ignore[reportAttributeAccessIssue]
    return nullcontext() if as_it_is else jax.enable_x64(is_double)
