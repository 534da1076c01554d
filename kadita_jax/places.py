"""Members spread over devices: a share on each, computed there in batches, one by one on CPU."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Int

Tree = TypeVar("Tree")

# Rows that a device has at least: sweeps of fewer members share one program.
LEAST_ROOM = 16


def room_for(n_members: int, batch: int = 1) -> int:
    """A capacity for so many members on a device: whole batches, else a power of two.

    Compiling takes seconds and idle rows nothing, so sweeps of most sizes shall share a program.
    """
    if batch > 1:
        return -(-n_members // batch) * batch
    return max(LEAST_ROOM, 1 << (n_members - 1).bit_length())


@dataclass(frozen=True)
class Places:
    """Rows of one capacity on each device, and which of them hold members.

    **Attributes:**

    - `n_members`: how many there are.
    - `n_devices`: over how many devices they are spread, as evenly as can be.
    - `capacity`: how many a device has room for; fixes the compiled shape.
    """

    n_members: int
    n_devices: int
    capacity: int

    @property
    def counts(self) -> np.ndarray:
        """How many members each device has."""
        share = -(-self.n_members // self.n_devices)
        counts = np.clip(self.n_members - share * np.arange(self.n_devices), 0, share)
        return counts.astype(np.int32)

    @property
    def slots(self) -> np.ndarray:
        """The place of each member."""
        return np.flatnonzero((np.arange(self.capacity) < self.counts[:, None]).ravel())

    def filled(self, members: Tree) -> Tree:
        """Arrays with a row for each member, put into their places; zeros in the idle ones."""

        def spread(values: Any) -> np.ndarray:
            values = np.asarray(values)
            room = np.zeros((self.n_devices * self.capacity, *values.shape[1:]), values.dtype)
            room[self.slots] = values
            return room

        return jax.tree.map(spread, members)

    def taken(self, found: Tree) -> Tree:
        """What was found for each member, out of its place."""
        return jax.tree.map(lambda leaf: np.asarray(leaf)[self.slots], found)


def over_devices(
    member: Callable,
    batch: int,
    devices: tuple[Any, ...],
    shared: tuple,
    members: tuple,
    counts: Int[Array, " devices"],
) -> Any:
    """`member(*shared, *one)` of every member, spread with `shard_map`.

    **Arguments:**

    - `member`: computes one, from what all share and its own.
    - `batch`: how many a device computes at once; divides the capacity.
    - `devices`: where to compute.
    - `shared`: what all members share.
    - `members`: what each has of its own, as `Places.filled` laid it out.
    - `counts`: how many members each device has.
    """
    each, all_alike = PartitionSpec("device"), PartitionSpec()

    def share(shared: tuple, members: tuple, count: Int[Array, "1"]) -> Any:
        return _share(member, batch, shared, members, count)

    return jax.shard_map(
        share,
        mesh=Mesh(np.array(devices), ("device",)),
        in_specs=(all_alike, each, each),
        out_specs=each,
        check_vma=False,
    )(shared, members, counts)


def _share(
    member: Callable, batch: int, shared: tuple, members: tuple, count: Int[Array, "1"]
) -> Any:
    """One device's members, batch after batch; the last batch may hold idle places.

    The number of trips is no constant of the program: parts of any size share it, and XLA cannot
    unroll a loop of one trip, which would round differently.
    """

    def one(*own: Any) -> Any:
        return member(*shared, *own)

    if batch > 1:
        members = jax.tree.map(lambda x: x.reshape(-1, batch, *x.shape[1:]), members)
    at_once = jax.vmap(one) if batch > 1 else one

    def compute(trip: int | Int[Array, ""]) -> Any:
        return at_once(*jax.tree.map(lambda leaf: leaf[trip], members))

    def fill(trip: Int[Array, ""], found: Any) -> Any:
        return jax.tree.map(lambda room, new: room.at[trip].set(new), found, compute(trip))

    n_trips = len(jax.tree.leaves(members)[0])
    shapes = jax.eval_shape(compute, 0)
    room = jax.tree.map(lambda leaf: jnp.zeros((n_trips, *leaf.shape), leaf.dtype), shapes)
    found = lax.fori_loop(0, -(-count[0] // batch), fill, room)
    return found if batch == 1 else jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), found)
