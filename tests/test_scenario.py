"""Scenarios: what ships, what a person writes, and the trip to TOML and back."""

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kadita_jax as kj
from kadita_jax.metrics import NAMES
from kadita_jax.parameters import PARAMETERS, RADII
from kadita_jax.scenario import CANONICAL, Scenario, canonical_name, parse_scenario

# SPEC section 7, columns swarm, torus, dynamic_parallel, highly_parallel.
OF_THE_PAPER = {
    "n_fish": (150, 200, 180, 250),
    "box_size": (25, 25, 28, 35),
    "speed": (1.0, 1.0, 1.2, 1.5),
    "r_repulsion": (2, 1, 1, 1),
    "r_orientation": (3, 3, 10, 12),
    "r_attraction": (15, 10, 18, 20),
    "max_turn": (0.4, 0.2, 0.35, 0.2),
    "noise": (0.2, 0.05, 0.12, 0.05),
    "blind_angle": (30, 150, 25, 20),
    "orientation_weight": (1, 0.1, 1, 1),
    "n_steps": (1000, 2000, 1500, 1000),
    "seed": (42, 42, 456, 789),
    "initial": ("uniform_gas", "ring", "uniform_gas", "uniform_gas"),
}


@pytest.mark.parametrize("field", OF_THE_PAPER)
def test_the_canonical_four_are_the_papers(field):
    found = tuple(getattr(kj.load_scenario(name), field) for name in CANONICAL)
    assert found == OF_THE_PAPER[field]


# Couzin et al. 2002, in the same columns: their units are r_r and s, turns 40 degrees a second,
# a field of perception of 270 degrees. The widths lie within their regions of each state.
OF_THE_ORIGINAL = {
    "n_fish": (100, 100, 100, 100),
    "speed": (3.0, 3.0, 3.0, 3.0),
    "r_repulsion": (1, 1, 1, 1),
    "orientation_width": (0, 1, 4, 10),
    "attraction_width": (14, 14, 14, 10),
    "max_turn": (np.deg2rad(4),) * 4,
    "noise": (0.05,) * 4,
    "blind_angle": (45,) * 4,
    "orientation_weight": (1,) * 4,
    "dt": (0.1,) * 4,
    "box_size": (None,) * 4,
    "rules": ("couzin2002",) * 4,
    "initial": ("uniform_ball",) * 4,
}


def test_the_original_models_four_are_those_of_2002():
    shipped = [kj.load_scenario(f"couzin2002_{name}") for name in CANONICAL]
    found = {n: tuple(getattr(s, n, None) for s in shipped) for n in OF_THE_ORIGINAL}
    radii = np.array([[getattr(s, name) for name in RADII] for s in shipped])
    found["orientation_width"], found["attraction_width"] = map(tuple, np.diff(radii).T)
    assert found == OF_THE_ORIGINAL


def test_eight_scenarios_ship():
    assert kj.scenario_names() == (*CANONICAL, *(f"couzin2002_{name}" for name in CANONICAL))


@pytest.mark.parametrize("name", kj.scenario_names())
def test_toml_there_and_back(name):
    scenario = kj.load_scenario(name)
    assert parse_scenario(scenario.to_toml(), "other") == scenario


def test_every_field_is_described_with_unit_and_range():
    for name, field in Scenario.model_fields.items():
        assert field.description
        if name in PARAMETERS:
            assert f"[{PARAMETERS[name].unit}]" in field.description
            assert PARAMETERS[name].rule in field.description


def test_a_file_of_ones_own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("n_fish = 7\nspeed = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0]\nnoise = 0\n")
    scenario = kj.load_scenario(path)
    assert scenario.name == "mine"
    assert scenario.params.speed.shape == (7,)
    assert parse_scenario(scenario.to_toml(), "x") == scenario


def test_params_and_state_are_ready_to_simulate():
    scenario = kj.load_scenario("torus")
    state = scenario.initial_state(jax.random.key(0))
    assert state.position.shape == (200, 3)
    assert float(kj.metrics.measure(state.position, state.heading, 25.0).rotation) > 0.9


@given(title=st.text())
def test_any_title_goes_to_toml_and_back(title):
    scenario = Scenario(title=title)
    assert parse_scenario(scenario.to_toml(), "x") == scenario


def test_a_canonical_school_is_known_by_its_physics():
    swarm = kj.load_scenario("swarm")
    assert canonical_name(swarm.replaced(name="mine", seed=1, n_steps=20)) == "swarm"
    assert canonical_name(swarm.replaced(n_fish=12)) is None


def test_replaced_checks_again():
    swarm = kj.load_scenario("swarm")
    assert swarm.replaced(seed=7, n_steps=None).seed == 7
    with pytest.raises(kj.InvalidInputError, match=r"n_steps: must be a multiple of save_every"):
        swarm.replaced(n_steps=15)


@pytest.mark.parametrize("convention", kj.metrics.CONVENTIONS)
def test_the_shipped_profiles_know_every_metric(convention):
    from kadita_jax.plot.profile import canonical_profiles

    profiles = canonical_profiles(convention)
    assert tuple(profiles) == CANONICAL
    for by_metric in profiles.values():
        assert set(by_metric) == set(NAMES)
        assert np.all(np.isfinite(list(by_metric.values())))
