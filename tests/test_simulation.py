"""The time loop: parity with the peer, bits, symmetries, derivatives."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kadita_jax as kj
from kadita_jax.geometry import shortest
from kadita_jax.parameters import PARAMETERS

KEY = jax.random.key(42)
BOX = 12.0
N = 30
PARAMS = kj.make_params(r_orientation=3.0, r_attraction=6.0, box_size=BOX)
STATE = kj.uniform_gas(KEY, N, BOX)
QUIET = kj.make_params(r_orientation=3.0, r_attraction=6.0, box_size=BOX, noise=0.0)


@pytest.fixture(scope="module")
def whole() -> kj.Trajectory:
    return kj.simulate(STATE, PARAMS, KEY, n_steps=40)


def assert_same_bits(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


@pytest.mark.parametrize("k", range(12))
def test_parity_with_the_peer(trajectories, k):
    """SPEC section 8: 1e-12 after one step, 1e-7 after ten (chaos magnifies rounding)."""
    fields = dict(zip(trajectories["fields"], map(float, trajectories["params"][k]), strict=True))
    del fields["n_fish"]
    position, velocity = trajectories[f"positions_{k}"], trajectories[f"velocities_{k}"]
    state = kj.make_state(position[0], velocity[0])
    run = kj.simulate(state, kj.make_params(**fields, noise=0.0), KEY, n_steps=10)
    for frame, number, tolerance in ((1, 1, 1e-12), (3, 10, 1e-7)):
        assert trajectories["steps"][frame] == number
        offset = shortest(run.position[number] - position[frame], jnp.asarray(fields["box_size"]))
        assert np.abs(offset).max() <= tolerance
        found = run.heading[number] * fields["speed"]
        assert np.abs(found - velocity[frame]).max() <= tolerance


def test_same_seed_same_bits(whole):
    assert_same_bits(kj.simulate(STATE, PARAMS, KEY, n_steps=40), whole)


def test_another_key_another_run(whole):
    other = kj.simulate(STATE, PARAMS, jax.random.key(43), n_steps=40)
    assert np.abs(other.heading[1] - whole.heading[1]).max() > 0.01


@pytest.mark.parametrize(
    ("first_step", "n_steps", "save_every"),
    [(0, 40, 10), (0, 37, 10), (3, 5, 10), (7, 20, 10), (19, 1, 10), (33, 1, 1), (10, 10, 10)],
)
def test_any_chunk_and_any_save_every_give_the_same_frames(whole, first_step, n_steps, save_every):
    start = kj.State(whole.position[first_step], whole.heading[first_step])
    chunk = kj.simulate(
        start, PARAMS, KEY, n_steps=n_steps, save_every=save_every, first_step=first_step
    )
    last = first_step + n_steps
    saved = [first_step] + [i for i in range(first_step + 1, last + 1) if i % save_every == 0]
    np.testing.assert_array_equal(chunk.position, whole.position[np.array(saved)])
    np.testing.assert_array_equal(chunk.heading, whole.heading[np.array(saved)])
    np.testing.assert_array_equal(chunk.final.position, whole.position[last])
    np.testing.assert_allclose(chunk.time, 0.1 * np.array(saved), rtol=1e-15)


@pytest.mark.usefixtures("float32")
def test_the_same_bits_in_float32():
    state, params = kj.uniform_gas(KEY, N, BOX), kj.make_params(box_size=BOX)
    whole = kj.simulate(state, params, KEY, n_steps=40)
    assert whole.position.dtype == jnp.float32
    half = kj.simulate(state, params, KEY, n_steps=20, save_every=10)
    rest = kj.simulate(half.final, params, KEY, n_steps=20, save_every=10, first_step=20)
    assert_same_bits(rest.final, whole.final)
    np.testing.assert_array_equal(half.position, whole.position[:21:10])


def test_one_key_for_start_and_noise_is_two_streams():
    """The noise of a step is not the numbers that drew the initial headings."""
    kick = jax.random.normal(kj.keys.noise_key(KEY, 0), (N, 3))
    drawn = jax.random.normal(jax.random.split(kj.keys.initial_key(KEY))[1], (N, 3))
    np.testing.assert_allclose(STATE.heading, drawn / np.linalg.norm(drawn, axis=1)[:, None])
    correlation = np.corrcoef(np.ravel(kick), np.ravel(drawn))[0, 1]
    # 90 independent pairs: |r| < 0.41 at four standard errors; the same numbers would give 1.
    assert abs(correlation) < 0.41


def test_vmap_over_schools_is_a_loop_to_the_bit():
    keys = jax.random.split(KEY, 2)

    def final(key):
        return kj.simulate(kj.uniform_gas(key, N, BOX), PARAMS, key, n_steps=10).final

    mapped = jax.vmap(final)(keys)
    assert_same_bits(mapped, jax.tree.map(lambda *leaves: jnp.stack(leaves), *map(final, keys)))


def test_vmap_over_parameters_is_a_loop():
    noises = jnp.array([0.0, 0.1, 0.2])

    def final(noise):
        params = kj.make_params(noise=noise, r_orientation=3, r_attraction=6, box_size=BOX)
        return kj.simulate(STATE, params, KEY, n_steps=10).final

    mapped, looped = jax.vmap(final)(noises), [final(noise) for noise in noises]
    # A mapped parameter is another program: jax 0.10 rounds it differently, chaos magnifies.
    expected = jnp.stack([state.position for state in looped])
    np.testing.assert_allclose(mapped.position, expected, atol=1e-10)


def test_one_value_per_fish_is_the_scalar_spread_out():
    per_fish = {
        name: jnp.full(N, getattr(PARAMS, name))
        for name, parameter in PARAMETERS.items()
        if parameter.per_fish
    }
    params = kj.make_params(**per_fish, box_size=BOX)
    plain = kj.simulate(STATE, PARAMS, KEY, n_steps=10).final
    # Two programs: XLA may contract products and sums differently, then chaos magnifies a little.
    spread = kj.simulate(STATE, params, KEY, n_steps=10).final
    np.testing.assert_allclose(spread.position, plain.position, atol=1e-9)


def test_the_focal_fish_own_value_applies():
    """Of two fish in sight of each other only the one with a wide zone reacts."""
    state = kj.make_state([[5.0, 5, 5], [5, 5, 8]], [[1.0, 0, 0], [0, 1, 0]])
    params = kj.make_params(
        r_repulsion=0.5,
        r_orientation=jnp.array([4.0, 0.5]),
        r_attraction=jnp.array([4.0, 0.5]),
        noise=0,
        max_turn=np.pi,
        box_size=BOX,
    )
    after = jax.jit(kj.step)(state, params, KEY)
    np.testing.assert_allclose(after.heading, [[0, 1, 0], [0, 1, 0]], atol=1e-15)


def shuffled(state: kj.State, order: np.ndarray) -> kj.State:
    return jax.tree.map(lambda leaf: leaf[order], state)


def test_permutation_of_the_fish():
    order = np.random.default_rng(0).permutation(N)
    plain = kj.simulate(STATE, QUIET, KEY, n_steps=5).final
    mixed = kj.simulate(shuffled(STATE, order), QUIET, KEY, n_steps=5).final
    # Sums over 30 neighbours in another order: 1e-15 a step, magnified by five chaotic steps.
    np.testing.assert_allclose(mixed.position, plain.position[order], atol=1e-11)


@given(shift=st.tuples(*[st.floats(-30, 30)] * 3))
@settings(max_examples=20)
def test_translation_through_the_faces(shift):
    shift = jnp.asarray(shift)
    moved = kj.State(STATE.position + shift[None, :], STATE.heading)
    plain = kj.simulate(STATE, QUIET, KEY, n_steps=5).final
    after = kj.simulate(moved, QUIET, KEY, n_steps=5).final
    difference = shortest(after.position - plain.position - shift[None, :], jnp.asarray(BOX))
    # Positions up to 42 round at 7e-15; five steps magnify that, unless a fish sits on an edge.
    np.testing.assert_allclose(difference, 0, atol=1e-10)


def rotation_matrix(seed: int) -> jnp.ndarray:
    matrix, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return jnp.asarray(matrix * np.sign(np.linalg.det(matrix)))


@pytest.mark.parametrize("seed", range(3))
def test_rotation_in_open_water(seed):
    turned, params = rotation_matrix(seed), kj.make_params(noise=0.0, box_size=None)
    rotated = kj.State(STATE.position @ turned.T, STATE.heading @ turned.T)
    plain = kj.simulate(STATE, params, KEY, n_steps=5).final
    after = kj.simulate(rotated, params, KEY, n_steps=5).final
    np.testing.assert_allclose(after.position, plain.position @ turned.T, atol=1e-10)
    np.testing.assert_allclose(after.heading, plain.heading @ turned.T, atol=1e-10)


def test_positions_stay_in_the_box_and_headings_of_unit_length(whole):
    assert np.all((whole.position >= 0) & (whole.position < BOX))
    np.testing.assert_allclose(np.linalg.norm(whole.heading, axis=-1), 1, rtol=1e-14)


def test_every_step_is_speed_times_dt_long(whole):
    moved = shortest(whole.position[1:] - whole.position[:-1], jnp.asarray(BOX))
    np.testing.assert_allclose(np.linalg.norm(moved, axis=-1), 0.1, rtol=1e-12)


@pytest.mark.parametrize("n_fish", [1, 2])
def test_very_small_schools(n_fish):
    run = kj.simulate(kj.uniform_gas(KEY, n_fish, BOX), PARAMS, KEY, n_steps=3)
    assert run.position.shape == (4, n_fish, 3)
    assert np.all(np.isfinite(run.heading))


def test_a_lone_quiet_fish_swims_straight():
    state = kj.make_state([[1.0, 2, 3]], [[0.0, 0, 2]])
    final = kj.simulate(state, kj.make_params(noise=0, speed=2), KEY, n_steps=10).final
    np.testing.assert_allclose(final.position, [[1, 2, 5]], rtol=1e-14)


@pytest.fixture(scope="module")
def slopes() -> kj.Params:
    """The derivative of `summed` with respect to every parameter."""
    return jax.jit(jax.grad(summed))(HALF_ALIGNED)


@pytest.mark.parametrize("name", ["speed", "noise", "max_turn", "orientation_weight", "dt"])
def test_derivatives_against_finite_differences(slopes, name):
    """Two steps of a school in which no fish is near a threshold, so that both exist."""
    value, width = getattr(HALF_ALIGNED, name), 1e-6
    above, below = (
        summed(replace(HALF_ALIGNED, **{name: value + shift})) for shift in (width, -width)
    )
    # Central differences: error width**2 times the third derivative plus 1e-16 / width.
    central = (above - below) / (2 * width)
    np.testing.assert_allclose(getattr(slopes, name), central, rtol=1e-6, atol=1e-8)


HALF_ALIGNED = kj.make_params(
    r_orientation=3.0, r_attraction=6.0, box_size=BOX, orientation_weight=0.5
)


def summed(params: kj.Params) -> jax.Array:
    final = kj.simulate(STATE, params, KEY, n_steps=2).final
    return jnp.sum(jnp.sin(final.position) * final.heading)


FIXED = st.sampled_from(["gas", "coincident", "line", "parallel", "edge"])


def special_state(kind: str, n_fish: int, seed: int) -> kj.State:
    """Schools in which some length, angle or zone distance is exactly degenerate."""
    random = np.random.default_rng(seed)
    position, heading = random.uniform(0, BOX, (n_fish, 3)), random.normal(size=(n_fish, 3))
    if kind == "coincident":
        position[:] = position[0]
    if kind == "line":
        position[:, 1:] = 6.0
    if kind == "parallel":
        heading[:] = [0.0, 0.0, 1.0]
    if kind == "edge":
        position[:] = 6.0
        position[:, 0] = np.arange(n_fish) * 3.0
    return kj.make_state(position, heading)


@given(kind=FIXED, n_fish=st.sampled_from([1, 6]), seed=st.integers(0, 100))
@settings(max_examples=60)
def test_no_derivative_is_nan(kind, n_fish, seed):
    state = special_state(kind, n_fish, seed)
    slopes = finite_slopes(state, PARAMS)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(slopes))


@jax.jit
def finite_slopes(state: kj.State, params: kj.Params):
    def total(state, params):
        final = kj.simulate(state, params, KEY, n_steps=2).final
        return jnp.sum(final.position) + jnp.sum(final.heading**3)

    return jax.grad(total, argnums=(0, 1))(state, params)


def test_new_numbers_and_new_chunks_compile_nothing(caplog):
    def run(noise: float, first_step: int) -> None:
        params = kj.make_params(noise=noise, box_size=BOX)
        jax.block_until_ready(kj.simulate(STATE, params, KEY, n_steps=4, first_step=first_step))

    run(0.1, 0)
    with jax.log_compiles(), caplog.at_level("WARNING"):
        run(0.2, 0)
        run(0.3, 8)
    assert [r.message for r in caplog.records if "_simulate" in r.message] == []
    with jax.log_compiles(), caplog.at_level("WARNING"):
        jax.block_until_ready(kj.simulate(STATE, PARAMS, KEY, n_steps=6))
    assert [r.message for r in caplog.records if "_simulate" in r.message] != []
