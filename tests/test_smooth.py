"""Smooth zones and smooth metrics: their derivatives, and how they become the plain ones."""

import json
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kadita_jax as kj
from kadita_jax.metrics import measure
from kadita_jax.numerics import Blur, eigenvalues, exceeds

pytestmark = pytest.mark.usefixtures("compiled_quickly")

BENCH = Path(__file__).parent.parent / "bench"
KEY = jax.random.key(3)
N_FISH, BOX = 30, 13.0
POINT = {
    "speed": 1.0,
    "r_repulsion": 1.5,
    "r_orientation": 3.0,
    "r_attraction": 6.0,
    "max_turn": 0.3,
    "noise": 0.1,
    "blind_angle": 30.0,
    "orientation_weight": 0.8,
}


def smooth_params(width: float = 0.5, exact: bool = False, **changes: float) -> kj.Params:
    return kj.make_params(**(POINT | changes), box_size=BOX, edge_width=width, exact=exact)


def test_derivatives_are_those_of_central_differences(tmp_path, monkeypatch, capsys):
    """The table of `bench/derivatives.py` itself: 10 metrics by 8 parameters, 1 step and 20."""
    monkeypatch.syspath_prepend(BENCH)
    script = import_module("derivatives")
    words = f"--n-fish {N_FISH} --n-steps 20 --schools 4 --out {tmp_path}"
    monkeypatch.setattr("sys.argv", ["derivatives.py", *words.split()])
    script.main()
    assert "largest relative error" in capsys.readouterr().out
    figures = json.loads((tmp_path / "derivatives.json").read_text())["figures"]
    for errors in figures["errors"].values():
        table = np.array(list(errors.values()))
        assert table.shape == (8, 10)
        # Rounding of the differences: 1e-15 over a step of 1e-3, of slopes from 3e-7 on.
        assert np.max(table) <= 1e-6
    # The share of pairs within the width of an edge, and so the difference, falls with it.
    for name in ("heading", "osi"):
        assert np.all(np.diff(figures["convergence"][name]) < 0)
    assert (tmp_path / "derivatives.png").stat().st_size > 5_000


def hard_and_blurred(width: float, exact: bool = False) -> tuple[kj.State, kj.State, float]:
    """A step both ways, and how near any distance is to a radius."""
    state = kj.uniform_gas(KEY, N_FISH, BOX)
    offset = state.position[None] - state.position[:, None]
    distance = np.linalg.norm(offset - BOX * np.round(offset / BOX), axis=-1)
    gap = min(np.abs(distance - POINT[r]).min() for r in POINT if r.startswith("r_"))
    hard = kj.step(state, replace(smooth_params(), blur=None), KEY)
    return hard, kj.step(state, smooth_params(width, exact), KEY), float(gap)


def test_narrower_than_any_gap_the_step_is_the_plain_step():
    *_, gap = hard_and_blurred(0.5)
    # The cosine of a bearing lies within 1e-5 of the cone's in a few pairs of millions.
    for width in (min(1e-5, gap / 2), 0.0):
        hard, blurred, _ = hard_and_blurred(width)
        np.testing.assert_allclose(blurred.heading, hard.heading, atol=1e-14)


def test_exact_edges_step_plainly_and_have_slopes():
    hard, exact, _ = hard_and_blurred(0.5, exact=True)
    np.testing.assert_allclose(exact.heading, hard.heading, atol=1e-14)

    @jax.jit
    def aligned(r_orientation, exact):
        params = replace(smooth_params(0.5, True), r_orientation=r_orientation)
        params = params if exact is None else replace(params, blur=None)
        heading = kj.step(kj.uniform_gas(KEY, N_FISH, BOX), params, KEY).heading
        return jnp.sum(heading**3)

    radius = jnp.asarray(POINT["r_orientation"])
    assert abs(jax.grad(aligned)(radius, None)) > 1e-4
    assert jax.grad(aligned)(radius, True) == 0


def test_entropies_become_the_plain_ones_with_their_bandwidth():
    state = kj.uniform_gas(KEY, N_FISH, BOX)
    found = partial(measure, state.position, state.heading, BOX, convention="corrected")
    plain = found()
    for name in kj.metrics.NAMES:
        apart = [abs(getattr(found(bandwidth=b), name) - getattr(plain, name)) for b in (0.5, 1e-2)]
        assert apart[1] <= max(1e-2, apart[0] / 3), name
        # Narrower than the gap of any value, in bins, to an edge.
        narrow = getattr(found(bandwidth=1e-6), name)
        assert float(narrow) == pytest.approx(float(getattr(plain, name)), abs=1e-12), name


@given(st.floats(-3, 3), st.floats(0.01, 2))
def test_the_threshold_rises_from_0_to_1_over_twice_its_width(value, width):
    blur = Blur(jnp.asarray(width))
    rise = float(exceeds(jnp.asarray(value), 0.5, blur))
    if abs(value - 0.5) >= width:
        assert rise == float(value > 0.5)
    # Antisymmetric about the edge.
    mirrored = float(exceeds(jnp.asarray(1.0 - value), 0.5, blur))
    assert rise + mirrored == pytest.approx(1, abs=1e-12)


def test_eigenvalues_that_coincide_have_derivatives():
    def spread(matrix):
        return jnp.sum(eigenvalues(matrix) ** 2)

    # Of the sum of squares, the squared Frobenius norm: twice the matrix.
    for matrix in (jnp.eye(3), jnp.diag(jnp.array([2.0, 2.0, 5.0])), jnp.zeros((3, 3))):
        np.testing.assert_allclose(jax.grad(spread)(matrix), 2 * matrix, atol=1e-14)


@jax.jit
def every_slope(state, params, bandwidth):
    """The gradient of the sum of all metrics after a step, by all that is a number."""

    def total(state, params):
        after = kj.step(state, params, KEY)
        place = after.position, after.heading, params.box_size
        found = measure(*place, convention="corrected", bandwidth=bandwidth)
        return sum(jax.tree.leaves(found))

    return jax.grad(total, argnums=(0, 1))(state, params)


@jax.jit
def slope_of_step(state, params):
    """The gradient of a sum over all headings after a step, by all that is a number."""

    def total(state, params):
        return jnp.sum(kj.step(state, params, KEY).heading ** 3)

    return jax.grad(total, argnums=(0, 1))(state, params)


PLACES = ("anywhere", "coincident", "collinear", "on an edge", "two spots")
WAYS = ("any way", "parallel", "opposed", "nowhere", "to the pole")


def awkward_school(n_fish: int, place: str, way: str, radius: str, seed: int) -> kj.State:
    """Coincident, collinear, parallel or on the edge of a zone."""
    # Not inside a strategy, which may draw nothing at random by itself.
    random = np.random.default_rng(seed)
    position, number = random.uniform(0, BOX, (n_fish, 3)), np.arange(n_fish)
    position = {
        "anywhere": position,
        "coincident": np.tile(position[:1], (n_fish, 1)),
        "collinear": position[:1] + number[:, None] * np.array([[0.7, 0.0, 0.0]]),
        "on an edge": position[:1] + POINT[radius] * np.eye(4, 3)[(number - 1) % 4],
        "two spots": position[np.minimum(number, 1)],
    }[place]
    heading = random.normal(size=(n_fish, 3))
    heading = {
        "any way": heading,
        "parallel": np.tile(heading[:1], (n_fish, 1)),
        "opposed": heading[:1] * (-1.0) ** number[:, None],
        "nowhere": np.zeros((n_fish, 3)),
        "to the pole": np.tile([[0.0, 0.0, 1.0]], (n_fish, 1)),
    }[way]
    return kj.make_state(position % BOX, heading)


@settings(max_examples=500)
@given(
    st.tuples(
        st.sampled_from((2, 6)),
        st.sampled_from(PLACES),
        st.sampled_from(WAYS),
        st.sampled_from(("r_repulsion", "r_orientation", "r_attraction")),
        st.integers(0, 2**32 - 1),
    ),
    st.sampled_from((0.0, 0.1)),
    st.sampled_from((0.0, 0.5)),
    st.sampled_from((0.0, 30.0, 180.0)),
    st.sampled_from((0.0, 0.5)),
)
def test_no_gradient_is_nan_or_infinite(school, noise, width, blind_angle, bandwidth):
    state = awkward_school(*school)
    params = smooth_params(width, noise=noise, blind_angle=blind_angle)
    for leaf in jax.tree.leaves(every_slope(state, params, jnp.asarray(bandwidth))):
        assert np.all(np.isfinite(leaf))


@settings(max_examples=200)
@given(
    st.tuples(
        st.just(6),
        st.sampled_from(PLACES),
        st.sampled_from(WAYS),
        st.sampled_from(("r_repulsion", "r_orientation", "r_attraction")),
        st.integers(0, 2**32 - 1),
    ),
    st.sampled_from((0.0, 0.5)),
    st.sampled_from((0.0, 30.0, 180.0)),
)
def test_no_gradient_of_exact_edges_is_nan_or_infinite(school, width, blind_angle):
    params = smooth_params(width, exact=True, blind_angle=blind_angle)
    for leaf in jax.tree.leaves(slope_of_step(awkward_school(*school), params)):
        assert np.all(np.isfinite(leaf))


def test_sight_goes_to_its_ends_without_a_jump():
    state = kj.uniform_gas(KEY, N_FISH, BOX)
    for near, end in ((1e-4, 0.0), (179.9999, 180.0)):
        before, there = (
            kj.step(state, smooth_params(blind_angle=angle), KEY).heading for angle in (near, end)
        )
        np.testing.assert_allclose(before, there, atol=1e-4)
    hard = kj.step(state, replace(smooth_params(blind_angle=0.0), blur=None), KEY)
    blurred = kj.step(state, smooth_params(0.0, blind_angle=0.0), KEY)
    np.testing.assert_allclose(blurred.heading, hard.heading, atol=1e-14)


def test_what_is_not_smooth_is_refused():
    with pytest.raises(kj.InvalidInputError, match=r"r_attraction \+ edge_width: must be <= box"):
        kj.make_params(r_attraction=10, box_size=20.5, edge_width=0.5)
    with pytest.raises(kj.InvalidInputError) as refused:
        kj.make_params(edge_width=-1, exact=1, noise=-1)
    assert {fault.field for fault in refused.value.faults} == {"edge_width", "exact", "noise"}
    state = kj.uniform_gas(KEY, 10, BOX)
    with pytest.raises(kj.InvalidInputError, match="bandwidth: must be None under the reference"):
        measure(state.position, state.heading, BOX, bandwidth=0.5)
    kj.make_params(r_attraction=10, box_size=None, edge_width=0.5)


def test_a_cell_list_reaches_to_the_blurred_edge():
    box = 40.0
    state = kj.uniform_gas(KEY, 200, box)
    params = kj.make_params(
        r_repulsion=2, r_orientation=4, r_attraction=7, noise=0, box_size=box, edge_width=1.5
    )
    dense, cells = (
        kj.simulate(state, params, KEY, n_steps=1, neighbours=way).final.heading
        for way in ("dense", "cells")
    )
    # Sums in another order.
    np.testing.assert_allclose(cells, dense, atol=1e-12)
