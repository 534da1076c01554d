"""All that is measured of a school at one moment: the twelve metrics, its groups, its accuracy."""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from kadita_jax.errors import Fault, Unchecked
from kadita_jax.geometry import wrap
from kadita_jax.metrics import accuracy, find_groups, measure
from kadita_jax.metrics.convention import chosen_convention
from kadita_jax.metrics.groups import distance_faults
from kadita_jax.model import Params, State, per_fish
from kadita_jax.names import ACCURACY_NAMES, GROUP_NAMES, NAMES, more_names
from kadita_jax.numerics import direction
from kadita_jax.pytree import pytree

# The distance that joins fish to a group where no number is given: as far as they feel each other.
OWN_REACH = "r_attraction"
GroupDistance = float | str | None


@pytree(static=("convention", "by_reach"))
class Watch:
    """What is measured.

    **Attributes:**

    - `convention`: of the metrics.
    - `group_distance`: two fish nearer than that are of one group, bl; None tells no groups.
    - `by_reach`: whether it is the largest r_attraction of the moment instead.
    """

    convention: str
    group_distance: Float[Array, ""] | None = None
    by_reach: bool = False

    @property
    def has_groups(self) -> bool:
        """Whether groups are told."""
        return self.by_reach or self.group_distance is not None


def make_watch(convention: str | None, group_distance: GroupDistance, params: Params) -> Watch:
    """What to measure of schools of these parameters; no convention is what suits the water."""
    convention = chosen_convention(convention, params.box_size)
    if group_distance is None or isinstance(group_distance, str):
        return Watch(convention, by_reach=group_distance == OWN_REACH)
    return Watch(convention, jnp.asarray(group_distance, params.dt.dtype))


def group_distance_faults(distance: Any) -> list[Fault]:
    """Why fish cannot be joined to groups by this distance."""
    if distance is None or (isinstance(distance, str) and distance == OWN_REACH):
        return []
    return [replace(fault, field="group_distance") for fault in distance_faults(distance)]


def chosen_distance(distance: Unchecked | None, box_size: object) -> GroupDistance:
    """The distance asked for; by default the fishes' reach in open water, and none in a box.

    There a school that falls apart is lost, where in a box it may meet again.
    """
    if distance is None:
        return OWN_REACH if box_size is None else None
    return distance if isinstance(distance, str) else float(distance)


def observed_names(params: Params, watch: Watch) -> tuple[str, ...]:
    """The names of what `observe` tells, in its order."""
    is_led = params.preferred_direction is not None
    return (*NAMES, *more_names(has_groups=watch.has_groups, is_led=is_led))


def observe(state: State, params: Params, watch: Watch) -> dict[str, Float[Array, ""]]:
    """Every number that is told of a school, by name; the twelve metrics first."""
    place = state.position, state.heading, params.box_size
    found = measure(*place, convention=watch.convention)
    series = {name: getattr(found, name) for name in NAMES}
    if watch.has_groups:
        series |= _groups(state, params, watch)
    if params.preferred_direction is not None:
        series[ACCURACY_NAMES[0]] = accuracy(state.heading, common_direction(params))
    return series


@jax.jit
def accuracies(heading: Float[ArrayLike, "time fish 3"], params: Params) -> Float[Array, " time"]:
    """The accuracy of every frame."""
    return jax.vmap(lambda frame: accuracy(frame, common_direction(params)))(heading)


def common_direction(params: Params) -> Float[Array, "3"]:
    """The mean of the preferred directions, each as often as it weighs; zero where they cancel.

    Where all fish are naive the plain mean: what nobody tells them is still a yardstick.
    """
    assert params.preferred_direction is not None
    assert params.informed_weight is not None
    weight = per_fish(params.informed_weight)
    weight = jnp.where(jnp.any(weight > 0), weight, 1.0)
    return direction(jnp.mean(weight * jnp.atleast_2d(params.preferred_direction), axis=0))


def _groups(state: State, params: Params, watch: Watch) -> dict[str, Float[Array, ""]]:
    distance = jnp.max(params.r_attraction) if watch.by_reach else watch.group_distance
    position = wrap(state.position, params.box_size)
    found = find_groups(position, direction(state.heading), params.box_size, distance)
    return {name: jnp.asarray(getattr(found, name), position.dtype) for name in GROUP_NAMES}
