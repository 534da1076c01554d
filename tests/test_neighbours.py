"""The fused pass over pairs against a plain numpy twin that loops over them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kadita_jax as kj
from kadita_jax.neighbours import sum_over_all

BOX = 9.0


def twin(position, heading, p) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """SPEC section 2, word by word."""
    n_fish = len(position)
    repulsion, social, crowd = np.zeros((n_fish, 3)), np.zeros((n_fish, 3)), np.zeros(n_fish)
    for i in range(n_fish):
        for j in range(n_fish):
            d = position[j] - position[i]
            d -= BOX * np.round(d / BOX)
            r = np.linalg.norm(d)
            if r < 1e-10:
                continue
            sees_all = p["blind_angle"] <= 0
            if not (sees_all or heading[i] @ d / r > -np.cos(np.deg2rad(p["blind_angle"]))):
                continue
            if r < p["r_repulsion"]:
                repulsion[i] -= d / r
                crowd[i] += 1
            elif r < p["r_orientation"]:
                social[i] += p["orientation_weight"] * heading[j]
            elif r < p["r_attraction"]:
                social[i] += d / r
    return repulsion, social, crowd


@pytest.mark.parametrize("blind_angle", [0.0, 30.0, 120.0])
@pytest.mark.parametrize("n_fish", [1, 2, 40])
def test_sums_equal_the_twin(n_fish, blind_angle):
    state = kj.uniform_gas(jax.random.key(n_fish), n_fish, BOX)
    fields = {
        "r_repulsion": 1.5,
        "r_orientation": 3.0,
        "r_attraction": 6.0,
        "orientation_weight": 0.7,
        "blind_angle": blind_angle,
    }
    total = sum_over_all(state, kj.make_params(**fields, box_size=BOX))
    expected = twin(np.asarray(state.position), np.asarray(state.heading), fields)
    # Up to 40 unit vectors summed in two orders.
    np.testing.assert_allclose(jnp.stack(total.repulsion, -1), expected[0], atol=1e-13)
    np.testing.assert_allclose(jnp.stack(total.social, -1), expected[1], atol=1e-13)
    np.testing.assert_array_equal(total.n_repulsion, expected[2])
