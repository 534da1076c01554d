"""Colours that mean something are told apart by people who lack green or red cones, too.

Nearly all colour blindness is of these two kinds; of the third there is one person in ten thousand.
"""

import itertools

import numpy as np
import pytest
from jaxtyping import Float
from matplotlib.colors import to_rgb

from kadita_jax.plot.style import STATE_COLOURS
from kadita_jax.viewer.palette import GROUP_COLOURS, scale_table

# Machado, Oliveira and Fernandes (2009), severity 1: what remains of linear red, green and blue.
SEEN_WITHOUT = {
    "green cones": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "red cones": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
}
# Of sRGB with its white, and of CIE 1976 L*a*b*.
TO_XYZ = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
WHITE = np.sum(TO_XYZ, axis=1)
# In L*a*b* 2.3 is just noticed side by side. Nine times that is still told across a page, and
# where a fish's light and distance move its colour.
APART = 20.0

Colours = Float[np.ndarray, "colours 3"]


def lab(rgb: Colours, cones: str) -> Colours:
    """Colours of 0 to 1 in L*a*b*, as seen without some cones."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.transpose(SEEN_WITHOUT[cones]), 0, 1)
    x, y, z = _lightness(seen @ np.transpose(TO_XYZ) / WHITE).T
    return np.column_stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def _lightness(share: Colours) -> Colours:
    edge = 6 / 29
    return np.where(share > edge**3, np.cbrt(share), share / (3 * edge**2) + 4 / 29)


def test_grey_has_no_hue_and_white_is_white():
    for cones in SEEN_WITHOUT:
        white, grey = lab(np.array([[1.0] * 3, [0.5] * 3]), cones)
        # The matrices' rows add up to 1 to six digits, sRGB's to four.
        np.testing.assert_allclose(white, [100, 0, 0], atol=0.01)
        np.testing.assert_allclose(grey[1:], 0, atol=0.01)


@pytest.mark.parametrize("cones", SEEN_WITHOUT)
@pytest.mark.parametrize("names", [tuple(STATE_COLOURS.values()), GROUP_COLOURS])
def test_states_and_groups_are_told_apart(names, cones):
    places = lab(np.array([to_rgb(name) for name in names]), cones)
    for one, other in itertools.combinations(range(len(names)), 2):
        distance = np.linalg.norm(places[one] - places[other])
        assert distance > APART, (names[one], names[other])


@pytest.mark.parametrize("cones", SEEN_WITHOUT)
def test_a_fish_without_a_value_has_no_colour_of_the_scale(cones):
    *scale, undefined = lab(scale_table() / 255, cones)
    assert np.linalg.norm(scale - undefined, axis=1).min() > APART
    # Lighter from step to step, up to the rounding of bytes.
    assert np.diff(np.array(scale)[:, 0]).min() > -0.3
