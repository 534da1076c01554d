"""The groups that a school falls into: fish joined by chains of near neighbours."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from kadita_jax.arrays import vector_faults
from kadita_jax.blocks import map_frames, map_rows
from kadita_jax.errors import Fault, Unchecked, refuse
from kadita_jax.geometry import (
    BoxSize,
    Components,
    circular_centre,
    components,
    pair_offsets,
    unwrap,
    wrap,
)
from kadita_jax.metrics.order import Heading, Position
from kadita_jax.numerics import direction, norm
from kadita_jax.parameters import as_numbers, parameter_faults
from kadita_jax.pytree import pytree

Label = Int[Array, " fish"]
Member = Bool[Array, " fish"]


@pytree()
class Groups:
    """How a school is divided, and how its largest group swims; scalars, or (T,).

    Of equally large groups the largest is the one with the least label.

    **Attributes:**

    - `n_groups`: in 1 .. N; a fish with no neighbour is a group. 0 when any coordinate is not
        finite: all others are then nan.
    - `largest_group`: fraction of the fish that are in the largest group, in [1 / N, 1].
    - `largest_group_polarization`: P of that group alone, in [0, 1].
    - `largest_group_rotation`: M of that group alone about its own centroid, in [0, 1], under the
        corrected convention: a group that straddles a face of the box is made whole first.
    """

    n_groups: Int[Array, "*time"]
    largest_group: Float[Array, "*time"]
    largest_group_polarization: Float[Array, "*time"]
    largest_group_rotation: Float[Array, "*time"]


def measure_groups(
    position: ArrayLike | Unchecked,
    heading: ArrayLike | Unchecked,
    box_size: float | Float[Array, ""] | Unchecked | None,
    distance: float | Float[Array, ""] | Unchecked,
) -> Groups:
    """The groups of one snapshot.

    **Arguments:**

    - `position`: shape (N, 3), bl; wrapped into the box first.
    - `heading`: shape (N, 3); normalised first, so velocities will do. A fish whose heading is
        shorter than the tiny length counts in its group with a zero heading.
    - `box_size`: side of the periodic box, bl; None for open water.
    - `distance`: bl, > 0. Two fish nearer than that are of one group, and so are two that a chain
        of such pairs joins.

    **Returns:** scalars. Derivatives are those of the largest group's P and M with the groups as
    they are; by `distance` they are 0.

    **Raises:** `InvalidInputError` naming every faulty argument.
    """
    box_size, distance = _checked(position, heading, box_size, distance, ndim=2)
    return _measure(jnp.asarray(position, float), jnp.asarray(heading, float), box_size, distance)


def measure_groups_trajectory(
    position: ArrayLike | Unchecked,
    heading: ArrayLike | Unchecked,
    box_size: float | Float[Array, ""] | Unchecked | None,
    distance: float | Float[Array, ""] | Unchecked,
) -> Groups:
    """`measure_groups` of every frame: positions and headings (T, N, 3), every field (T,)."""
    box_size, distance = _checked(position, heading, box_size, distance, ndim=3)
    frames = jnp.asarray(position, float), jnp.asarray(heading, float)
    return _measure_frames(*frames, box_size, distance)


def find_groups(
    position: Position, heading: Heading, box_size: BoxSize, distance: float | Float[Array, ""]
) -> Groups:
    """`measure_groups` of positions inside the box and headings of unit length, unchecked."""
    label = group_labels(position, box_size, distance)
    size = jnp.zeros_like(label).at[label].add(1)
    member = label == jnp.argmax(size)
    found = (
        jnp.max(size) / jnp.asarray(len(label), position.dtype),
        norm(_mean(heading, member)),
        _rotation(position, heading, member, box_size),
    )
    is_finite = jnp.all(jnp.isfinite(position) & jnp.isfinite(heading))
    n_groups = jnp.where(is_finite, jnp.sum(size > 0), 0)
    return Groups(n_groups, *(jnp.where(is_finite, value, jnp.nan) for value in found))


@jax.jit
def group_labels(
    position: Position, box_size: BoxSize, distance: float | Float[Array, ""]
) -> Label:
    """Which group each fish is in: the least number of its fish, from 0.

    Groups are the connected components of the graph that links two fish whose shortest offset is
    shorter than `distance`. Found in few rounds over all pairs, about 4 for a school and 10 for a
    chain of 1,000 fish, block by block of rows in bounded memory. A fish without a finite place is
    alone.

    **Arguments:**

    - `position`: bl; in a box offsets are periodic, so they need not be wrapped.
    - `box_size`: bl; None for open water.
    - `distance`: bl, > 0.
    """
    # Reverse mode cannot pass a loop of unknown length, and labels have no derivative.
    places = components(lax.stop_gradient(position))
    box_size, square = lax.stop_gradient((box_size, jnp.square(distance)))

    def refine(labels: tuple[Label, Label]) -> tuple[Label, Label]:
        label = labels[1]
        return label, _joined(label, _least_linked(label, places, box_size, square))

    alone = jnp.arange(len(position), dtype=jnp.int32)
    # Any other labels than those at the start let the first round begin.
    labels = lax.while_loop(lambda two: jnp.any(two[0] != two[1]), refine, (alone - 1, alone))
    return labels[1]


def _least_linked(
    label: Label,
    places: Components,
    box_size: BoxSize,
    square: float | Float[Array, ""],
) -> Label:
    """The least label among the fish linked to each."""
    most = jnp.iinfo(label.dtype).max

    # The fish of a block along the last axis: XLA's CPU backend then vectorises the minimum.
    # Measuring all pairs again in each round takes no longer than reading an N x N mask.
    def of(block: Components) -> Int[Array, " rows"]:
        x, y, z = pair_offsets(places, block, box_size)
        is_linked = x * x + y * y + z * z < square
        return jnp.min(jnp.where(is_linked, label[:, None], most), axis=0)

    return map_rows(of, places, len(label))


def _joined(label: Label, linked: Label) -> Label:
    """Labels lowered by what each fish met, also those of the fish that they name.

    Two jumps from fish to the fish they name follow: what is known then spreads the faster the
    further it has come, so that rounds grow with the logarithm of a chain's length.
    """
    joined = jnp.minimum(label.at[label].min(linked), linked)
    for _ in range(2):
        joined = joined[joined]
    return joined


def _mean(vectors: Float[Array, "fish 3"], member: Member) -> Float[Array, "3"]:
    return jnp.mean(vectors, axis=0, where=member[:, None])


def _rotation(
    position: Position, heading: Heading, member: Member, box_size: BoxSize
) -> Float[Array, ""]:
    """`order.rotation` of the members alone, under the corrected convention."""
    whole = unwrap(position, circular_centre(position, box_size, member), box_size)
    offset = whole - _mean(whole, member)[None, :]
    return norm(_mean(jnp.cross(direction(offset), heading), member))


def _checked(
    position: Unchecked, heading: Unchecked, box_size: Unchecked, distance: Unchecked, ndim: int
) -> tuple[BoxSize, Float[Array, ""]]:
    faults = vector_faults({"position": position, "heading": heading}, ndim, finite=False)
    if not isinstance(box_size, Tracer):
        faults += parameter_faults({"box_size": box_size})
    refuse("cannot find groups", faults + distance_faults(distance))
    box_size = None if box_size is None else jnp.asarray(box_size, float)
    return box_size, jnp.asarray(distance, float)


def distance_faults(distance: Unchecked) -> list[Fault]:
    if isinstance(distance, Tracer):
        return []
    number = as_numbers(distance)
    if number is None or number.ndim or not (np.isfinite(number) and number > 0):
        return [Fault("distance", "must be one finite number > 0 (bl)", distance)]
    return []


@jax.jit
def _measure(
    position: Position, heading: Heading, box_size: BoxSize, distance: Float[Array, ""]
) -> Groups:
    # A heading of nan stays one, where it would else count as none.
    heading = direction(heading, 0.0 * heading)
    return find_groups(wrap(position, box_size), heading, box_size, distance)


@jax.jit
def _measure_frames(
    position: Float[Array, "time fish 3"],
    heading: Float[Array, "time fish 3"],
    box_size: BoxSize,
    distance: Float[Array, ""],
) -> Groups:
    def one(frame: tuple[Array, Array]) -> Groups:
        return _measure(*frame, box_size, distance)

    return map_frames(one, (position, heading), position.shape[1] ** 2)
