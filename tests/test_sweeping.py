"""Members of a sweep, arrays in and arrays out: each is the run that its key makes alone."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import monitoring

import kadita_jax as kj
from kadita_jax.initial import Start
from kadita_jax.keys import member_key
from kadita_jax.member import Outcome
from kadita_jax.metrics import NAMES
from kadita_jax.places import LEAST_ROOM
from kadita_jax.sweeping import sweep_members
from kadita_jax.window import Window

N_FISH, BOX = 12, 9.0
KEY = jax.random.key(3)
START = Start("uniform_gas", N_FISH)
# Steps that are no multiple of those between measurements: the final value stands alone.
WINDOW = Window(n_steps=23, every=5, burn_in=8)
NUMBER = np.arange(7)
WIDE = np.linspace(1.5, 4, 7)


PLAIN = {"r_repulsion": 0.5, "r_orientation": 2.0, "r_attraction": 4.0, "box_size": BOX}


def swept(number=NUMBER, *, window=WINDOW, **options) -> Outcome:
    params = kj.make_params(**PLAIN)
    varied = {"r_orientation": WIDE[number].astype(params.dt.dtype)}
    return sweep_members(KEY, number, params, varied, START, window, keep_final=True, **options)


def assert_same_bits(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


def joined(outcomes: list[Outcome]) -> Outcome:
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *outcomes)


def alone(number: int) -> tuple[kj.Trajectory, kj.metrics.Metrics]:
    """A member repeated by the public functions, every step of it saved and measured."""
    key = member_key(KEY, number)
    params = kj.make_params(**PLAIN | {"r_orientation": WIDE[number]})
    school = kj.uniform_gas(key, N_FISH, BOX)
    trajectory = kj.simulate(school, params, key, n_steps=WINDOW.n_steps)
    return trajectory, kj.metrics.measure_trajectory(trajectory.position, trajectory.heading, BOX)


def check_against_runs(tolerance: float) -> None:
    outcome = swept()
    for number in (0, 5):
        trajectory, metrics = alone(number)
        final = jax.tree.map(lambda leaf, number=number: leaf[number], outcome.school)
        assert_same_bits(final, jax.tree.map(np.asarray, trajectory.final))
        for name in NAMES:
            series = np.asarray(getattr(metrics, name), float)
            window = series[[10, 15, 20]]
            mean, std, last = (
                getattr(kind, name)[number] for kind in (outcome.mean, outcome.std, outcome.final)
            )
            np.testing.assert_allclose(mean, window.mean(), rtol=tolerance)
            # A spread that is nothing but rounding has no digits to agree on.
            np.testing.assert_allclose(std, window.std(), rtol=tolerance, atol=tolerance / 10)
            assert last == series[-1].astype(last.dtype)


@pytest.mark.usefixtures("float32")
def test_a_member_is_the_run_of_its_key_in_single_precision():
    check_against_runs(1e-6)


def test_a_member_is_the_run_of_its_key_in_double_precision():
    check_against_runs(1e-13)


def test_the_label_is_that_of_the_means():
    outcome = swept()
    expected = kj.metrics.state_label(
        jnp.asarray(outcome.mean.polarization), jnp.asarray(outcome.mean.rotation)
    )
    np.testing.assert_array_equal(outcome.label, expected)


@pytest.mark.parametrize(("size", "capacity"), [(1, None), (3, 17)])
def test_parts_of_any_size_give_the_same_bits(size, capacity):
    parts = [swept(NUMBER[k : k + size], capacity=capacity) for k in range(0, 7, size)]
    assert_same_bits(joined(parts), swept())


def test_members_in_another_order_are_the_same_members():
    order = np.array([4, 0, 6])
    whole = swept()
    assert_same_bits(swept(order), jax.tree.map(lambda leaf: leaf[order], whole))


def test_one_device_and_two_give_the_same_bits():
    assert jax.local_device_count() == 2
    assert_same_bits(swept(devices=jax.local_devices()[:1]), swept())


def test_a_device_without_a_member_idles():
    assert_same_bits(swept(NUMBER[:1]), jax.tree.map(lambda leaf: leaf[:1], swept()))


def test_a_batch_is_its_members():
    batched, one_by_one = swept(batch=2), swept()
    # A batch is another program and rounds differently; 23 steps magnify 1e-16 by less than 1e4.
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11), batched, one_by_one
    )


def test_the_window_may_be_the_last_step_alone():
    outcome = swept(window=Window(23, 23, 22))
    assert_same_bits(outcome.mean, outcome.final)
    np.testing.assert_array_equal(outcome.std.polarization, np.zeros(7))


def test_unlike_fish_in_one_member():
    speeds = np.linspace(0, 1, 2 * N_FISH).reshape(2, N_FISH)
    params = kj.make_params(**PLAIN)
    outcome = sweep_members(
        KEY, NUMBER[:2], params, {"speed": speeds}, START, WINDOW, keep_final=True
    )
    for number in range(2):
        key = member_key(KEY, number)
        unlike = replace(params, speed=jnp.asarray(speeds[number]))
        run = kj.simulate(kj.uniform_gas(key, N_FISH, BOX), unlike, key, n_steps=23, save_every=23)
        np.testing.assert_array_equal(outcome.school.position[number], run.final.position)


@pytest.fixture
def compilations():
    """The names of what XLA compiles while the test runs."""
    names = []

    def note(event: str, _seconds: float, **_about: object) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            names.append(event)

    monitoring.register_event_duration_secs_listener(note)
    yield names
    monitoring.clear_event_listeners()


def test_one_compilation_serves_a_whole_sweep(compilations):
    swept()
    compilations.clear()
    for number in (NUMBER[:4], NUMBER[4:], NUMBER[2:3], np.arange(2 * LEAST_ROOM) % 7):
        for window in (WINDOW, Window(11, 2, 0)):
            swept(number, window=window)
    assert compilations == []
    # Another shape does need another program, and is seen.
    swept(NUMBER[:2], capacity=2 * LEAST_ROOM + 1)
    assert len(compilations) == 1
