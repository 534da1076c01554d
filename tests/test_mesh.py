"""One school over several devices: the run of one device."""

import json
import socket
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AbstractMesh, AxisType, Mesh, PartitionSpec

import kadita_jax as kj
from kadita_jax.shares import share_of

KEY = jax.random.key(1)
BOX = 20.0
RADII = {"r_repulsion": 0.5, "r_orientation": 1.5, "r_attraction": 2.5}
SPREAD = kj.make_params(**RADII, box_size=BOX)
SCHOOL = kj.uniform_gas(KEY, 300, BOX)


def mesh_of(n_devices: int) -> Mesh:
    return Mesh(np.array(jax.devices()[:n_devices]), ("anything",))


TWO = mesh_of(2)


# What several devices are compared with over cells, and over every pair.
SCHOOLS = {"cells": (300, BOX), "dense": (1504, 2 * BOX)}
LONG = {"n_steps": 8, "save_every": 2}


@pytest.fixture(scope="module")
def alone() -> dict[str, kj.Trajectory]:
    """The runs of one device."""
    found = {}
    for neighbours, (n_fish, box_size) in SCHOOLS.items():
        state = kj.uniform_gas(KEY, n_fish, box_size)
        params = kj.make_params(**RADII, box_size=box_size)
        found[neighbours] = kj.simulate(state, params, KEY, neighbours=neighbours, **LONG)
    return found


def assert_same_bits(found, expected):
    jax.tree.map(np.testing.assert_array_equal, found, expected)


def test_blocks_are_dealt_once_each_and_come_back_in_order():
    share = share_of(TWO, 300)

    def deal():
        number = share.dealt(7)
        return (share.collected(number), share.places(number // 2)), (number[None],)

    (collected, places), (dealt,) = jax.jit(lambda: share.spread(deal))()
    # An eighth, that no list has, makes them even; each device has half.
    np.testing.assert_array_equal(dealt[0], [0, 2, 4, 6, 1, 3, 5, 7])
    np.testing.assert_array_equal(collected, np.arange(8))
    np.testing.assert_array_equal(places, np.arange(8))


def unlike(n_fish: int) -> dict:
    """Fish of different noise, that know more or less where to go."""
    return {
        "noise": jnp.linspace(0.05, 0.2, n_fish),
        "informed_weight": jnp.linspace(0.0, 1.0, n_fish),
        "preferred_direction": [0.0, 1.0, 1.0],
    }


TURNING = {"max_turn": [(0, 0.1), (6, 0.5)]}


def test_over_cells_the_bits_are_those_of_one_device(alone):
    two = kj.simulate(SCHOOL, SPREAD, KEY, mesh=TWO, neighbours="cells", **LONG)
    assert not two.overflow
    assert_same_bits(two, alone["cells"])


@pytest.mark.parametrize("kind", [AxisType.Auto, AxisType.Explicit])
def test_where_a_mesh_is_set_the_bits_are_the_same_and_mix_with_its_arrays(alone, kind):
    mesh = jax.make_mesh((2,), ("anything",), axis_types=(kind,), devices=jax.devices()[:2])
    options = {"n_steps": 4, "save_every": 2, "mesh": mesh, "neighbours": "cells"}
    with jax.set_mesh(mesh):
        half = kj.simulate(SCHOOL, SPREAD, KEY, **options)
        rest = kj.simulate(half.final, SPREAD, KEY, first_step=4, **options)
        assert half.position.sharding.spec == PartitionSpec(None, "anything")
        twice = 2 * rest.position[-1]
    np.testing.assert_array_equal(half.position, alone["cells"].position[:3])
    np.testing.assert_array_equal(twice, 2 * alone["cells"].position[-1])


def test_inside_jit_another_mesh_than_the_one_set_is_refused():
    def run(state):
        return kj.simulate(state, SPREAD, KEY, n_steps=4, mesh=TWO)

    rule = "mesh: must not be given inside jit, vmap or grad where jax.set_mesh has set another"
    with jax.set_mesh(TWO), pytest.raises(kj.InvalidInputError, match=rule):
        jax.jit(run)(SCHOOL)


def test_a_list_outgrown_on_the_way_is_enlarged_as_on_one_device():
    """Fish that spread in open water, unlike each other."""
    state = kj.uniform_gas(KEY, 301, BOX)
    params = kj.make_params(**RADII, **unlike(301), box_size=None)
    options = {"n_steps": 10, "neighbours": "cells", "schedule": TURNING, "first_step": 5}
    one, two = (kj.simulate(state, params, KEY, mesh=mesh, **options) for mesh in (None, TWO))
    tight = kj.cell_layout(state, params)
    assert two.demand.faults(tight)
    assert_same_bits(two, one)


def test_over_every_pair_the_bits_of_a_large_school_are_those_of_one_device():
    state = kj.uniform_gas(KEY, 1501, 2 * BOX)
    params = kj.make_params(**RADII, **unlike(1501), box_size=2 * BOX)
    options = {"n_steps": 4, "save_every": 2, "neighbours": "dense"}
    one, two = (kj.simulate(state, params, KEY, mesh=mesh, **options) for mesh in (None, TWO))
    assert_same_bits(two, one)


@pytest.mark.usefixtures("float32")
def test_the_same_bits_in_float32():
    state, params = kj.uniform_gas(KEY, 1501, BOX), kj.make_params(**RADII, box_size=BOX)
    one, two = (kj.simulate(state, params, KEY, n_steps=4, mesh=mesh) for mesh in (None, TWO))
    assert two.position.dtype == jnp.float32
    assert_same_bits(two, one)


@pytest.mark.parametrize(
    ("n_fish", "rules", "spec"),
    [(1, "couzin2002", PartitionSpec()), (40, "reference", PartitionSpec(None, "fish"))],
)
def test_small_schools_over_every_pair_agree_to_rounding(n_fish, rules, spec):
    state = kj.uniform_gas(KEY, n_fish, 9.0)
    params = kj.make_params(**RADII, rules=rules, box_size=9.0)
    one, two = (kj.simulate(state, params, KEY, n_steps=10, mesh=mesh) for mesh in (None, TWO))
    assert two.position.shape == (11, n_fish, 3)
    # Frames are spread where the devices divide the fish.
    assert two.position.sharding.spec == spec
    assert two.final.position.is_fully_replicated
    # One device's loop is so small that XLA compiles it as one function, which rounds otherwise:
    # 1e-16 a step, magnified by ten chaotic steps.
    np.testing.assert_allclose(two.position, one.position, atol=1e-12)
    np.testing.assert_allclose(two.final.heading, one.final.heading, atol=1e-12)


def test_chunks_are_one_run():
    whole = kj.simulate(SCHOOL, SPREAD, KEY, n_steps=3, mesh=TWO)
    state = SCHOOL
    for first_step, n_steps in ((0, 1), (1, 2)):
        chunk = kj.simulate(state, SPREAD, KEY, n_steps=n_steps, first_step=first_step, mesh=TWO)
        kept = slice(first_step, first_step + n_steps + 1)
        np.testing.assert_array_equal(chunk.position, whole.position[kept])
        state = chunk.final
    assert_same_bits(state, whole.final)


def test_a_given_layout_that_overflows_is_refused():
    small = kj.CellLayout(8, 30, 50)
    with pytest.raises(kj.InvalidInputError, match="n_blocks: must be >= "):
        kj.simulate(SCHOOL, SPREAD, KEY, n_steps=4, neighbours=small, mesh=TWO)


def test_derivatives_are_those_of_one_device():
    def summed(params: kj.Params, position: jax.Array, mesh: Mesh | None) -> jax.Array:
        state = kj.State(position, SCHOOL.heading)
        run = kj.simulate(state, params, KEY, n_steps=2, mesh=mesh)
        return jnp.sum(jnp.sin(run.final.position)) + jnp.sum(run.heading**3)

    slopes = jax.jit(jax.grad(summed, argnums=(0, 1)), static_argnums=2)
    one, two = (slopes(SPREAD, SCHOOL.position, mesh) for mesh in (None, TWO))
    assert jnp.any(one[1] != 1)
    assert one[0].noise != 0
    for found, expected in zip(jax.tree.leaves(two), jax.tree.leaves(one), strict=True):
        # Sums over fish of terms of order 1, in another order.
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_vmap_over_schools_is_a_loop():
    keys = jax.random.split(KEY, 2)

    def final(key):
        return kj.simulate(SCHOOL, SPREAD, key, n_steps=3, mesh=TWO).final.position

    # A program of its own rounds differently.
    np.testing.assert_allclose(jax.vmap(final)(keys), [final(key) for key in keys], atol=1e-12)


@pytest.mark.parametrize(
    ("mesh", "shown"),
    [
        (2, "got 2"),
        (jax.devices()[:2], "got ["),
        (AbstractMesh((2,), ("fish",)), "got AbstractMesh"),
        (Mesh(np.array(jax.devices()[:2]).reshape(2, 1), ("a", "b")), "got {'a': 2, 'b': 1}"),
        (Mesh(np.array([]), ("a",)), "got {'a': 0}"),
    ],
)
def test_what_is_no_mesh_of_one_axis_is_refused_with_the_other_faults(mesh, shown):
    with pytest.raises(kj.InvalidInputError) as refusal:
        kj.simulate(SCHOOL, SPREAD, KEY, n_steps=0, mesh=mesh)
    steps, fault = refusal.value.faults
    assert steps.field == "n_steps"
    told = f"mesh: must be a jax.sharding.Mesh of one axis, or None, {shown}"
    assert str(fault).startswith(told)


PRELUDE = """
import json, sys
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_num_cpu_devices", int(sys.argv[1]))
"""
# The largest distance from the runs on one device, and where the devices' fish are.
SAME = """
import kadita_jax as kj

schools, alone = json.loads(sys.argv[2]), np.load(sys.argv[3])
mesh = jax.make_mesh((jax.device_count(),), ("fish",))
key, radii = jax.random.key(1), {"r_repulsion": 0.5, "r_orientation": 1.5, "r_attraction": 2.5}
for neighbours, (n_fish, box) in schools.items():
    state, params = kj.uniform_gas(key, n_fish, box), kj.make_params(**radii, box_size=box)
    options = {"n_steps": 4, "save_every": 2, "neighbours": neighbours, "mesh": mesh}
    half = kj.simulate(state, params, key, **options)
    rest = kj.simulate(half.final, params, key, first_step=4, **options)
    one, shards = alone[neighbours], half.position.addressable_shards
    apart = [np.asarray(shard.data) - one[:3][shard.index] for shard in shards]
    apart.append(np.asarray(rest.final.position) - one[-1])
    print(json.dumps([max(float(np.max(np.abs(d))) for d in apart), len(shards)]))
"""
# Whole what is spread, and what every device has; and where a process has something else.
WHOLE = """
from jax.experimental.multihost_utils import process_allgather

for array in (half.position, half.final.position):
    print(json.dumps(process_allgather(array, tiled=True).shape))
given = {"state": state, "params": params, "key": key}
process = jax.process_index()
turned = kj.State(state.position.at[-1, 2].multiply(1 + process * 1e-15), state.heading)
for unlike in ({"state": turned}, {"key": jax.random.key(process)}, {"n_steps": 2 + process}):
    try:
        kj.simulate(**({**given, "n_steps": 2, "mesh": mesh} | unlike))
    except kj.InvalidInputError as error:
        print(json.dumps(str(error)))
"""


@pytest.fixture(scope="module")
def words(alone, tmp_path_factory) -> list[str]:
    """What another process is told: the schools, and where the runs of one device are."""
    path = tmp_path_factory.mktemp("alone") / "alone.npz"
    np.savez(path, **{name: run.position for name, run in alone.items()})
    return [json.dumps(SCHOOLS), str(path)]


def start(code: str, *words: object) -> subprocess.Popen:
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def told(process: subprocess.Popen) -> list:
    out, errors = process.communicate()
    assert process.returncode == 0, errors
    # Gloo speaks as well.
    return [json.loads(line) for line in out.splitlines() if not line.startswith("[Gloo]")]


def test_four_devices_give_the_bits_of_one(words):
    assert told(start(PRELUDE + SAME, 4, *words)) == [[0.0, 4], [0.0, 4]]


def test_two_processes_give_the_bits_of_one(words):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    meet = f'jax.distributed.initialize("127.0.0.1:{port}", 2, int(sys.argv[4]))\n'
    code = PRELUDE + meet + SAME + WHOLE
    processes = [start(code, 1, *words, number) for number in range(2)]
    first, second = (told(process) for process in processes)
    # Each looks at its own fish, and at the last state, which both have.
    assert first[:2] == second[:2] == [[0.0, 1], [0.0, 1]]
    assert first[2:4] == second[2:4] == [[3, 1504, 3], [1504, 3]]
    rule = "must be the same in every process, got 'another on device 1'"
    refused = [f"invalid run:\n  {name}: {rule}" for name in ("state", "key", "n_steps")]
    assert first[4:] == second[4:] == refused
