"""What of a school each device computes: all of it, or its share of the sums over neighbours.

The sums are nearly all of a step. Every device of a mesh makes those of its own rows, hears those
of the others, and moves the whole school: what follows the sums is then the same program, to the
bit, as on one device. The functions of a step ask a `Share` for the rows they have to do, and so
know no mesh themselves.
"""

import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Int

from kadita_jax.errors import Fault, refuse

Tree = TypeVar("Tree")

AXIS = "fish"
ALIKE, BY_TIME_AND_FISH = PartitionSpec(), PartitionSpec(None, AXIS)


@dataclass(frozen=True)
class Share:
    """All of a school, on one device."""

    def within(self) -> AbstractContextManager[None]:
        """Around all that is computed."""
        return nullcontext()

    def refuse_unlike(self, given: dict[str, Any]) -> None:
        """Refuse what is not the same in every process that computes."""

    def everywhere(self, tree: Tree) -> Tree:
        """The same arrays, where this share is computed."""
        return tree

    def spread(self, function: Callable[..., tuple[Any, Any]], *inputs: Any) -> tuple[Any, Any]:
        """`function(*inputs)` on every device, its results those of the whole school.

        **Arguments:**

        - `function`: returns what every device knows alike, and frames of the own fish, leaves
            (T, rows, 3).
        - `inputs`: the whole, on every device.
        """
        return function(*inputs)

    def own(self, tree: Tree) -> Tree:
        """The own rows of arrays of all fish."""
        return tree

    def gathered(self, tree: Tree) -> Tree:
        """All fish, from every device's own rows."""
        return tree

    def dealt(self, n_blocks: int) -> Int[Array, " own"]:
        """The numbers of the own blocks of a cell list."""
        return jnp.arange(n_blocks, dtype=jnp.int32)

    def collected(self, tree: Tree) -> Tree:
        """Arrays of all blocks in the order that they were dealt from, from those of the own."""
        return tree

    def places(self, rank: Int[Array, " own"]) -> Int[Array, " blocks"]:
        """Where each block stands among the collected, told where the own stand on each device."""
        return rank

    def most(self, number: Int[Array, ""]) -> Int[Array, ""]:
        """The highest that any device has."""
        return number


WHOLE = Share()


@dataclass(frozen=True)
class MeshShare(Share):
    """The rows of one device of a mesh.

    The same number on each: those beyond the last fish are copies of it, and dropped. Blocks are
    dealt like cards, so that of those where fish gather every device has its part.
    """

    mesh: Mesh
    n_fish: int

    def within(self) -> AbstractContextManager[None]:
        if not is_another_set(self.mesh):
            return nullcontext()
        try:
            return jax.set_mesh(self.mesh)
        except ValueError:
            rule = "must not be given inside jit, vmap or grad where jax.set_mesh has set another"
            refuse("invalid run", [Fault("mesh", rule, dict(self.mesh.shape))])
            raise

    def refuse_unlike(self, given: dict[str, Any]) -> None:
        one_process = len({device.process_index for device in self.mesh.devices}) == 1
        if one_process or any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(given)):
            return
        digests = np.array([_digest(tree) for tree in given.values()], np.uint32)
        rows = NamedSharding(self.mesh, PartitionSpec(AXIS))
        shape = (self.mesh.size, len(given))
        found = jax.make_array_from_callback(shape, rows, lambda _: digests[None])
        unlike = np.asarray(_unlike(found, NamedSharding(self.mesh, ALIKE)))
        rule = "must be the same in every process"
        devices = {name: np.flatnonzero(row) for name, row in zip(given, unlike.T, strict=True)}
        faults = [Fault(n, rule, f"another on device {d[0]}") for n, d in devices.items() if d.size]
        refuse("invalid run", faults)

    def everywhere(self, tree: Tree) -> Tree:
        # Between processes jax puts no keys; there what each has is taken for that of all.
        if jax.process_count() > 1:
            return tree
        return jax.device_put(tree, NamedSharding(self.mesh, ALIKE))

    def spread(self, function: Callable[..., tuple[Any, Any]], *inputs: Any) -> tuple[Any, Any]:
        specs = ALIKE, BY_TIME_AND_FISH
        alike, frames = jax.shard_map(
            function, mesh=self.mesh, in_specs=ALIKE, out_specs=specs, check_vma=False
        )(*inputs)
        return alike, jax.tree.map(lambda leaf: leaf[:, : self.n_fish], frames)

    def own(self, tree: Tree) -> Tree:
        n_rows = -(-self.n_fish // self.mesh.size)
        number = lax.axis_index(AXIS) * n_rows + jnp.arange(n_rows)
        number = jnp.minimum(number, self.n_fish - 1)
        return jax.tree.map(lambda leaf: leaf[number], tree)

    def gathered(self, tree: Tree) -> Tree:
        found = lax.all_gather(tree, AXIS, tiled=True)
        return jax.tree.map(lambda leaf: leaf[: self.n_fish], found)

    def dealt(self, n_blocks: int) -> Int[Array, " own"]:
        n_own = -(-n_blocks // self.mesh.size)
        return self._number(jnp.arange(n_own, dtype=jnp.int32))

    def collected(self, tree: Tree) -> Tree:
        found = lax.all_gather(tree, AXIS, axis=1)
        return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), found)

    def places(self, rank: Int[Array, " own"]) -> Int[Array, " blocks"]:
        return self.collected(self._number(rank))

    def most(self, number: Int[Array, ""]) -> Int[Array, ""]:
        return lax.pmax(number, AXIS)

    def _number(self, own: Int[Array, " own"]) -> Int[Array, " own"]:
        """Of the own blocks, as they lie here, their numbers among all."""
        return own * self.mesh.size + lax.axis_index(AXIS)


def share_of(mesh: Mesh | None, n_fish: int) -> Share:
    """What a device of a mesh, whatever its axis is called, has of a school."""
    if mesh is None:
        return WHOLE
    return MeshShare(Mesh(mesh.devices, (AXIS,)), n_fish)


@partial(jax.jit, static_argnums=1)
def _unlike(found: Array, alike: NamedSharding) -> Array:
    return lax.with_sharding_constraint(found != found[0], alike)


def _digest(tree: Any) -> int:
    """A number that another tree, should it differ by one bit alone, is unlikely to have."""
    digest = 0
    for leaf in jax.tree.leaves(tree):
        own = leaf.addressable_data(0) if isinstance(leaf, jax.Array) else np.asarray(leaf)
        is_key = jnp.issubdtype(own.dtype, jax.dtypes.prng_key)
        words = np.asarray(jax.random.key_data(own) if is_key else own)
        digest = zlib.crc32(words.tobytes(), digest)
    return digest


def is_another_set(mesh: Mesh) -> bool:
    """Whether jax takes another mesh for set, with which arrays over this one do not mix."""
    around = jax.sharding.get_abstract_mesh()
    return not around.empty and around != mesh.abstract_mesh


def handed_back(tree: Tree, mesh: Mesh | None) -> Tree:
    """The same arrays, over the mesh that was given where one is set: it may be that one."""
    if mesh is None or not is_another_set(Mesh(mesh.devices, (AXIS,))):
        return tree

    def put(leaf: Array) -> Array:
        spec = getattr(leaf.sharding, "spec", ALIKE)
        named = PartitionSpec(*(mesh.axis_names[0] if name == AXIS else None for name in spec))
        return jax.device_put(leaf, NamedSharding(mesh, named))

    return jax.tree.map(put, tree)


def mesh_faults(mesh: Any) -> list[Fault]:
    """Why a school cannot be spread over this mesh."""
    if mesh is None or (isinstance(mesh, Mesh) and mesh.devices.ndim == 1 and mesh.size):
        return []
    rule = "must be a jax.sharding.Mesh of one axis, or None"
    return [Fault("mesh", rule, dict(mesh.shape) if isinstance(mesh, Mesh) else mesh)]
