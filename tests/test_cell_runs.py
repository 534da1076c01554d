"""Whole runs over cell lists: in single precision, from files, in parts, in open water."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kadita_jax as kj
from kadita_jax import plan
from kadita_jax.neighbours import pairs_of_step, radii_in_box, sum_over_all, sum_over_near

N_FISH, BOX_SIZE = 300, 20.0
SHORT_SIGHT = {"r_repulsion": 0.5, "r_orientation": 1.5, "r_attraction": 2.5}
SCHOOL = kj.Scenario(
    name="short", n_fish=N_FISH, box_size=BOX_SIZE, n_steps=8, save_every=2, **SHORT_SIGHT
)


@pytest.mark.usefixtures("float32")
def test_single_precision_runs_over_cells_follow_those_over_every_pair():
    state = kj.uniform_gas(jax.random.key(0), 2000, 40.0)
    params = kj.make_params(**SHORT_SIGHT, box_size=40.0)
    dense, cells = (
        kj.simulate(state, params, jax.random.key(1), n_steps=2, neighbours=way)
        for way in ("dense", "cells")
    )
    apart = np.max(np.abs(dense.heading - cells.heading), axis=(0, 2))
    # Headings are 1e-7 apart. A pair within rounding of a zone's edge may be told apart
    # otherwise, of which such a school has a few in a million.
    assert np.mean(apart < 1e-5) > 0.99


def test_any_capacity_gives_the_same_bits():
    key = jax.random.key(SCHOOL.seed)
    start = state = SCHOOL.initial_state(key)
    whole = kj.simulate(start, SCHOOL.params, key, n_steps=8, save_every=2, neighbours="cells")
    layout = kj.cell_layout(start, SCHOOL.params)
    larger = layout._replace(n_candidates=2 * layout.n_candidates, n_blocks=3 * layout.n_blocks)
    for first, neighbours in ((0, "cells"), (4, larger)):
        options = {"first_step": first, "save_every": 2, "neighbours": neighbours}
        state = kj.simulate(state, SCHOOL.params, key, n_steps=4, **options).final
    for one, other in zip(jax.tree.leaves(state), jax.tree.leaves(whole.final), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_run_over_cells_in_parts_and_resumed_is_one_run(tmp_path, monkeypatch):
    key = jax.random.key(SCHOOL.seed)
    state, options = SCHOOL.initial_state(key), {"save_every": 2, "neighbours": "cells"}
    whole = kj.simulate(state, SCHOOL.params, key, n_steps=8, **options)
    monkeypatch.setattr(plan, "PART_PAIRS", 1)
    kj.run(SCHOOL.replaced(neighbours="cells"), n_steps=4, out=tmp_path / "short.nc").close()
    resumed = kj.resume(tmp_path / "short.nc", n_steps=8)
    np.testing.assert_array_equal(resumed.position, whole.position)
    resumed.close()


def test_neighbours_are_read_from_a_scenario_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('n_fish = 20\nneighbours = "cells"\n')
    assert kj.load_scenario(path).neighbours == "cells"
    path.write_text('n_fish = 20\nneighbours = "grid"\n')
    with pytest.raises(kj.InvalidInputError, match=r"neighbours: .*'grid'"):
        kj.load_scenario(path)


def test_sweeps_refuse_what_they_cannot_enlarge():
    with pytest.raises(kj.InvalidInputError, match="neighbours"):
        kj.sweep(SCHOOL.replaced(neighbours="cells"), {"noise": [0.1, 0.2]}, measure_every=2)


def test_open_water_in_chunks_is_one_run():
    state = kj.uniform_gas(jax.random.key(0), N_FISH, BOX_SIZE)
    params = kj.make_params(**SHORT_SIGHT, box_size=None)
    key, options = jax.random.key(1), {"save_every": 4, "neighbours": "cells"}
    whole = kj.simulate(state, params, key, n_steps=8, **options)
    half = kj.simulate(state, params, key, n_steps=4, **options)
    rest = kj.simulate(half.final, params, key, n_steps=4, first_step=4, **options)
    np.testing.assert_array_equal(rest.final.position, whole.final.position)


@pytest.mark.parametrize("box_size", [None, BOX_SIZE])
def test_a_lost_fish_is_noticed_and_never_misleads(box_size):
    state = kj.uniform_gas(jax.random.key(0), N_FISH, BOX_SIZE)
    params = kj.make_params(**SHORT_SIGHT, box_size=box_size)
    layout = kj.cell_layout(state, params)
    others = np.arange(N_FISH) != 7
    lost = kj.State(state.position.at[7].set(jnp.nan), state.heading)
    found, demand = jax.jit(sum_over_near, static_argnames="layout")(lost, params, layout)
    assert not demand.exceeds(layout)
    without = kj.State(state.position[others], state.heading[others])
    expected = np.asarray(jax.jit(sum_over_all)(without, params).social)
    social = np.asarray(found.social)
    assert np.isnan(social[:, 7]).all()
    # Whoever has it among its candidates is lost as well; nobody else is told anything else.
    told = np.isfinite(social[:, others])
    np.testing.assert_allclose(social[:, others][told], expected[told], atol=1e-12)


def test_parts_are_planned_by_what_a_step_costs():
    radii = radii_in_box(200.0, (1.0, SHORT_SIGHT["r_attraction"]))
    assert radii == 200 / SHORT_SIGHT["r_attraction"]
    assert pairs_of_step("dense", 20_000, radii) == 20_000**2
    assert pairs_of_step("auto", 20_000, radii) < 20_000**2 / 10
    assert pairs_of_step("auto", 20_000, radii_in_box(None, 4.0)) == 20_000**2
    assert radii_in_box(200.0, 0.0) > 1e30
