"""The cell list against every pair: no neighbour lost, none met twice."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kadita_jax as kj
from kadita_jax import CellLayout, capacity, cell_layout
from kadita_jax.capacity import (
    MOST_COLUMNS,
    ROOM_FOR_BLOCKS,
    ROOM_FOR_CANDIDATES,
    CellDemand,
    roomy,
)
from kadita_jax.neighbours import chosen_layout, sum_over_all, sum_over_near

pytestmark = pytest.mark.usefixtures("compiled_quickly")

N_FISH = 150
# Room for everybody: one program for all cases.
EVERYBODY = CellLayout(16, N_FISH, N_FISH * 3)


def school(kind: str, size: float, seed: int) -> np.ndarray:
    """Positions: spread evenly, in clumps across the faces, or on the faces of the cells."""
    random = np.random.default_rng(seed)
    if kind == "even":
        return random.uniform(0, size, (N_FISH, 3))
    if kind == "clumps":
        centres = random.uniform(0, size, (4, 3))
        width = size * 10 ** random.uniform(-3, -0.7)
        return centres[random.integers(0, 4, N_FISH)] + random.normal(0, width, (N_FISH, 3))
    return size / random.integers(3, 12) * random.integers(0, 12, (N_FISH, 3))


near_sums = jax.jit(sum_over_near, static_argnames="layout")


@jax.jit
def both_sums(state, params):
    # While tracing: few fish would otherwise all need the smallest size.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(capacity, "SIZES", (0.02, 0.1, 1.0))
        near, demand = sum_over_near(state, params, EVERYBODY)
    return sum_over_all(state, params), near, demand


def assert_same_sums(state: kj.State, params: kj.Params) -> None:
    every, near, demand = both_sums(state, params)
    if demand.n_columns < 3:
        assert demand.exceeds(EVERYBODY)
        return
    assert not demand.exceeds(EVERYBODY)
    for one, other in zip(jax.tree.leaves(near), jax.tree.leaves(every), strict=True):
        # Up to 150 unit vectors, differences of places as far as 1e3 apart rounded once more.
        np.testing.assert_allclose(one, other, atol=1e-9)


# 2 x 500 random cases, two programs. r from half the box down; L / r is hardly ever an integer.
@pytest.mark.parametrize("is_open", [False, True])
@given(
    kind=st.sampled_from(["even", "clumps", "faces"]),
    size=st.floats(0.1, 1000.0),
    ratio=st.floats(2.0, 40.0),
    inner=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    blind_angle=st.sampled_from([0.0, 30.0, 120.0]),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=500)
def test_sums_are_those_of_every_pair(is_open, kind, size, ratio, inner, blind_angle, seed):
    reach = size / ratio
    heading = np.random.default_rng(seed).normal(size=(N_FISH, 3))
    state = kj.make_state(school(kind, size, seed), heading)
    params = kj.make_params(
        # Off the grid of the "faces" schools, whose pairs would lie on the zones' edges.
        r_attraction=reach * 1.0123,
        r_orientation=reach * max(inner) * 1.0123,
        r_repulsion=reach * min(inner) * 1.0123,
        blind_angle=blind_angle,
        box_size=None if is_open else size,
    )
    assert_same_sums(state, params)


@pytest.mark.parametrize("ratio", [3.0, 4.0, 10.0, 16.0, 50.0])
def test_the_box_may_be_a_whole_number_of_radii(ratio):
    state = kj.uniform_gas(jax.random.key(3), N_FISH, 20.0)
    radii = {"r_repulsion": 0.0, "r_orientation": 0.0, "r_attraction": 20.0 / ratio}
    assert_same_sums(state, kj.make_params(**radii, box_size=20.0))


def test_one_radius_per_fish():
    state = kj.uniform_gas(jax.random.key(3), N_FISH, 20.0)
    radius = jnp.linspace(0.1, 5.0, N_FISH)
    own = {"r_repulsion": radius / 3, "r_orientation": radius / 2, "r_attraction": radius}
    params = kj.make_params(**own, speed=jnp.ones(N_FISH), box_size=20.0)
    assert_same_sums(state, params)


@pytest.mark.parametrize(("n_fish", "box_size"), [(1, 20.0), (2, None), (17, 20.0)])
def test_few_fish(n_fish, box_size):
    state = kj.uniform_gas(jax.random.key(n_fish), n_fish, 20.0)
    params = kj.make_params(r_attraction=6.0, box_size=box_size)
    near, _ = near_sums(state, params, CellLayout(4, 20, 32))
    every = jax.jit(sum_over_all)(state, params)
    np.testing.assert_allclose(jax.tree.leaves(near), jax.tree.leaves(every), atol=1e-13)


KEY = jax.random.key(1)
SPREAD = kj.make_params(r_repulsion=0.5, r_orientation=1.5, r_attraction=2.5, box_size=20.0)
run = partial(kj.simulate, key=KEY, n_steps=12, save_every=4)


def even_school(n_fish: int = 300) -> kj.State:
    return kj.uniform_gas(jax.random.key(0), n_fish, 20.0)


def test_a_run_with_cells_is_the_run_over_every_pair():
    dense, cells = (run(even_school(), SPREAD, neighbours=name) for name in ("dense", "cells"))
    # Twelve steps of rounding; a neighbour lost turns fish by up to 0.3 rad, 1e-2 bl in a step.
    np.testing.assert_allclose(cells.position, dense.position, atol=1e-9)
    assert dense.overflow is None
    assert not cells.overflow


def gathering(n_fish: int = 300) -> tuple[kj.State, kj.Params]:
    """Fish that all swim to where four times as many are near."""
    state = even_school(n_fish)
    inwards = jnp.array([10.0, 10.0, 10.0])[None, :] - state.position
    far_seeing = kj.make_params(
        speed=6.0, r_repulsion=0.1, r_orientation=0.2, r_attraction=2.5, noise=0.0, box_size=20.0
    )
    return kj.make_state(state.position, inwards), far_seeing


def test_overflow_on_the_way_is_computed_again():
    state, params = gathering()
    tight = cell_layout(state, params)
    traced = jax.jit(lambda s: run(s, params, neighbours=tight))(state)
    assert traced.overflow
    assert traced.demand.n_candidates > tight.n_candidates
    found = run(state, params, neighbours="cells")
    assert not found.overflow
    assert found.demand.n_candidates > tight.n_candidates
    expected = run(state, params, neighbours="dense")
    np.testing.assert_allclose(found.position, expected.position, atol=1e-8)


SMALL = CellLayout(8, 30, 50)


def test_a_given_layout_that_overflows_is_refused_by_name_and_size():
    with pytest.raises(kj.InvalidInputError, match="overflowed") as refusal:
        run(even_school(), SPREAD, neighbours=SMALL)
    assert [fault.field for fault in refusal.value.faults] == ["n_blocks", "n_candidates"]
    for fault, size in zip(refusal.value.faults, SMALL[1:], strict=True):
        assert fault.value == size
        assert int(fault.rule.split()[-1]) > size


def test_a_layout_for_a_box_too_small_is_refused():
    params = kj.make_params(r_attraction=8.0, box_size=20.0)
    assert cell_layout(even_school(), params) is None
    with pytest.raises(kj.InvalidInputError, match="3 cells a side"):
        run(even_school(), params, neighbours=SMALL)
    dense, cells = (run(even_school(), params, neighbours=name) for name in ("dense", "cells"))
    np.testing.assert_array_equal(cells.position, dense.position)


def test_auto_takes_the_list_for_large_schools_of_short_sight():
    assert chosen_layout("auto", even_school(), SPREAD) is None
    far_apart = kj.make_params(r_repulsion=0.2, r_orientation=0.5, r_attraction=1.0, box_size=20.0)
    layout = chosen_layout("auto", even_school(4000), far_apart)
    assert layout == cell_layout(even_school(4000), far_apart) is not None
    in_sight = kj.make_params(r_attraction=10.0, box_size=20.0)
    assert chosen_layout("auto", even_school(4000), in_sight) is None


def test_cells_inside_jit_need_a_layout():
    with pytest.raises(kj.InvalidInputError, match="must be a CellLayout inside jit"):
        jax.jit(lambda s: run(s, SPREAD, neighbours="cells"))(even_school())
    assert jax.jit(lambda s: run(s, SPREAD))(even_school()).overflow is None


def test_where_a_list_cannot_be_enlarged_auto_is_every_pair():
    """Nothing but the key is traced; the layout fits the start, and is overflowed on the way."""
    state, params = gathering(n_fish=2000)
    assert chosen_layout("auto", state, params) is not None
    keys = jax.random.split(KEY, 2)
    one_step = partial(kj.simulate, state, params, n_steps=1)
    assert jax.vmap(one_step)(keys).overflow is None
    with pytest.raises(kj.InvalidInputError, match="must be a CellLayout inside jit"):
        jax.vmap(partial(one_step, neighbours="cells"))(keys)


@pytest.mark.parametrize(
    ("layout", "field"),
    [
        (CellLayout(2, 40, 300), "n_columns"),
        (CellLayout(600, 40, 300), "n_columns"),
        (CellLayout(8, 0, 300), "n_blocks"),
        (CellLayout(8, 40, 0), "n_candidates"),
    ],
)
def test_an_impossible_layout_is_refused_by_name(layout, field):
    with pytest.raises(kj.InvalidInputError) as refusal:
        run(even_school(), SPREAD, neighbours=layout)
    assert [fault.field for fault in refusal.value.faults] == [field]


def test_no_layout_is_every_pair():
    assert run(even_school(), SPREAD, neighbours=None).overflow is None


@pytest.mark.usefixtures("float32")
def test_no_sight_in_single_precision():
    blind = kj.make_params(r_repulsion=0.0, r_orientation=0.0, r_attraction=0.0, box_size=20.0)
    layout = cell_layout(even_school(), blind)
    assert layout is not None
    total, demand = near_sums(even_school(), blind, layout)
    assert not demand.exceeds(layout)
    assert not any(jnp.any(leaf != 0) for leaf in jax.tree.leaves(total))


def test_cells_map_over_schools():
    layout = cell_layout(even_school(), SPREAD)
    schools = jax.vmap(lambda key: kj.uniform_gas(key, 300, 20.0))(jax.random.split(KEY, 2))
    mapped = jax.vmap(lambda state: run(state, SPREAD, neighbours=layout))(schools)
    np.testing.assert_array_equal(mapped.overflow, [False, False])
    for number in range(2):
        school = jax.tree.map(lambda leaf, n=number: leaf[n], schools)
        alone = run(school, SPREAD, neighbours=layout)
        # A program of its own rounds differently.
        np.testing.assert_allclose(mapped.position[number], alone.position, atol=1e-9)


def test_cells_differentiate():
    state, layout = even_school(100), cell_layout(even_school(100), SPREAD)

    def pull(position: jax.Array, layout: CellLayout | None) -> jax.Array:
        state_there = kj.State(position, state.heading)
        if layout is None:
            total = sum_over_all(state_there, SPREAD)
        else:
            total, _ = sum_over_near(state_there, SPREAD, layout)
        return sum(jnp.sum(component**2) for component in total.social)

    by_cells, by_pairs = (
        jax.jit(jax.grad(pull), static_argnums=1)(state.position, which) for which in (layout, None)
    )
    assert jnp.any(by_pairs != 0)
    np.testing.assert_allclose(by_cells, by_pairs, rtol=1e-9, atol=1e-12)


@given(blocks=st.integers(0, 10**6), candidates=st.integers(0, 10**6))
def test_roomy_serves_with_little_waste(blocks, candidates):
    demand = CellDemand(*jnp.array([MOST_COLUMNS, blocks, candidates], jnp.int32))
    layout = roomy(demand, 4)
    assert not demand.exceeds(layout)
    rooms = ROOM_FOR_BLOCKS, ROOM_FOR_CANDIDATES
    for size, needed, room in zip(layout[1:], (blocks, candidates), rooms, strict=True):
        # The coarse sizes are an eighth apart.
        assert room * needed <= size <= 1.125 * room * needed + 1
