"""Many members of a parameter grid, arrays in and arrays out: the loop behind every sweep.

A member is one school: its own key, its own parameters, one run, of which only the mean, the
standard deviation and the last value of each metric are kept.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Int

from kadita_jax.errors import Fault, Unchecked, count_faults, refuse, unknown
from kadita_jax.keys import RandomKey, key_faults
from kadita_jax.knots import LAST_STEP
from kadita_jax.member import Draw, Outcome, Task, Varied, run_member
from kadita_jax.metrics.convention import convention_faults
from kadita_jax.model import Params, State
from kadita_jax.observed import GroupDistance, group_distance_faults, make_watch
from kadita_jax.parameters import PARAMETERS, as_numbers
from kadita_jax.places import Places, over_devices, room_for
from kadita_jax.schedule import as_schedule, course_faults
from kadita_jax.window import Window, window_faults

# Numbers of members are folded into keys as 32 bits.
LAST_NUMBER = 2**32 - 1


def sweep_members(
    key: RandomKey | Unchecked,
    number: Int[Array | np.ndarray, " members"] | Unchecked,
    params: Params,
    varied: Varied | Unchecked,
    start: Draw | State,
    window: Window,
    *,
    schedule: Mapping[str, Any] | Unchecked | None = None,
    first_step: int | Unchecked = 0,
    group_distance: GroupDistance | Unchecked = None,
    convention: str | Unchecked | None = None,
    keep_final: bool = False,
    capacity: int | Unchecked | None = None,
    batch: int | Unchecked = 1,
    devices: Sequence[Any] | None = None,
) -> Outcome:
    """Run and measure members of a sweep.

    Member m starts from `start(member_key(key, m), its box_size)` and runs with that same key, so
    `simulate` with `member_key` and `neighbours="dense"` repeats it. On CPU its bits depend neither
    on the other members nor on how they are cut into parts; a batch of more than one rounds
    differently. One compilation serves all calls that share shapes, `start`, `convention` and the
    options, as long as their members take up the same room.

    **Arguments:**

    - `key`: of the whole sweep.
    - `number`: (M,) the members' numbers in the sweep.
    - `params`: what all members share; leaves of shape () or (N,). Radii are taken as they are,
        in order or not.
    - `varied`: fields of `Params` by name, (M,) or (M, N), in place of the shared ones.
    - `start`: draws a member's initial state from its key and its box; hashable, compiled in. Or
        the members' own states, leaves (M, N, 3).
    - `window`: how long a run is and when it is measured, counted from the first step.
    - `schedule`: parameters that change with time, as in `simulate`; none of them varied.
    - `first_step`: the absolute number of the states that members start from.
    - `group_distance`: fish nearer than that are of one group, bl; "r_attraction" is the largest
        of the moment, None tells no groups.
    - `convention`: of the metrics; None is the one that suits the water.
    - `keep_final`: whether the final schools are returned.
    - `capacity`: how many members a device has room for, at least; None is as many as it gets.
        Rounded up (`places.room_for`), it fixes the compiled shape.
    - `batch`: how many members a device computes at once.
    - `devices`: where to compute; this process's own when None.

    **Returns:** an `Outcome` of numpy arrays, in the order of `number`.

    **Raises:** `InvalidInputError` naming every argument that does not fit the others.
    """
    devices = jax.local_devices() if devices is None else devices
    numbers = as_numbers(number)
    n_members, n_devices = 0 if numbers is None else numbers.size, len(devices)
    share = -(-n_members // n_devices)
    faults = key_faults(key) + window_faults(*window) + convention_faults(convention)
    faults += _number_faults(numbers, number) + _varied_faults(varied, n_members)
    faults += _course_faults(schedule, varied, first_step, params) + group_distance_faults(
        group_distance
    )
    faults += _start_faults(start, n_members)
    refuse("invalid members", faults + _capacity_faults(capacity, batch, share))
    state = start if isinstance(start, State) else None
    places = Places(n_members, n_devices, room_for(int(capacity or share), batch))
    counted = Window(*map(np.int32, window))
    courses = as_schedule(schedule or {}, params)
    watch = make_watch(convention, group_distance, params)
    found = _sweep(
        Task(key, params, courses, np.int32(first_step), counted, watch),
        places.filled((np.asarray(number, np.uint32), _as_floats(varied, params), state)),
        places.counts,
        start=start if state is None else None,
        keep_final=keep_final,
        batch=batch,
        devices=tuple(devices),
    )
    return places.taken(found)


def _as_floats(varied: Varied, params: Params) -> dict[str, np.ndarray]:
    return {name: np.asarray(values, params.dt.dtype) for name, values in varied.items()}


def _number_faults(numbers: np.ndarray | None, number: Any) -> list[Fault]:
    if numbers is not None and numbers.ndim == 1 and numbers.size > 0:
        is_right = (numbers >= 0) & (numbers <= LAST_NUMBER) & (numbers % 1 == 0)
        if np.all(is_right):
            return []
    return [Fault("number", f"must be a list of whole numbers from 0 to {LAST_NUMBER}", number)]


def _capacity_faults(capacity: Any, batch: Any, share: int) -> list[Fault]:
    if capacity is None:
        return count_faults({"batch": batch})
    faults = count_faults({"batch": batch, "capacity": capacity})
    if not faults and capacity < share:
        rule = f"must leave room for {share} members on a device"
        faults.append(Fault("capacity", rule, capacity))
    return faults


def _varied_faults(varied: Any, n_members: int) -> list[Fault]:
    if not isinstance(varied, Mapping):
        return [Fault("varied", "must map names of fields to values", varied)]
    faults = []
    for name, values in varied.items():
        numbers = as_numbers(values)
        if name not in PARAMETERS:
            faults.append(unknown(str(name), PARAMETERS, values))
        elif numbers is None or numbers.ndim not in (1, 2) or len(numbers) != n_members:
            rule = f"must be numbers of shape ({n_members},) or ({n_members}, N)"
            faults.append(Fault(name, rule, values if numbers is None else numbers.shape))
        elif not PARAMETERS[name].admits(numbers):
            faults.append(Fault(name, f"every value {PARAMETERS[name].rule}", values))
    return faults


def _course_faults(schedule: Any, varied: Any, first_step: Any, params: Params) -> list[Fault]:
    faults = count_faults({"first_step": first_step}, low=0)
    if not faults and first_step > LAST_STEP:
        faults.append(Fault("first_step", f"must be <= {LAST_STEP}", first_step))
    if schedule is None:
        return faults
    both = sorted(set(schedule) & set(varied)) if isinstance(schedule, Mapping) else []
    rule = "must not be varied: the schedule sets it"
    return faults + course_faults(schedule, params) + [Fault(n, rule, varied[n]) for n in both]


def _start_faults(start: Any, n_members: int) -> list[Fault]:
    if not isinstance(start, State) or np.shape(start.position)[:1] == (n_members,):
        return []
    rule = f"must hold the states of {n_members} members, leaves (M, N, 3)"
    return [Fault("start", rule, np.shape(start.position))]


@partial(jax.jit, static_argnames=("start", "keep_final", "batch", "devices"))
def _sweep(
    task: Task,
    members: tuple[Array, Varied, State | None],
    counts: Int[Array, " devices"],
    *,
    start: Draw | None,
    keep_final: bool,
    batch: int,
    devices: tuple[Any, ...],
) -> Outcome:
    member = partial(run_member, start=start, keep_final=keep_final)
    return over_devices(member, batch, devices, (task,), members, counts)
