"""Colours stay apart for eyes that lack a cone, and on a grey print beside other marks."""

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from kadita_jax.plot.hysteresis import LOOKS
from kadita_jax.plot.style import STATE_COLOURS
from kadita_jax.plot.timeline import LINES
from kadita_jax.viewer.palette import GROUP_COLOURS, scale_table

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB: what a dichromat sees.
EYES = {
    "all cones": np.eye(3),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
PALETTES = {
    "states": dict(STATE_COLOURS),
    "metrics": {name: colour for name, _, colour, _ in LINES},
    "groups": dict(zip(GROUP_COLOURS, GROUP_COLOURS, strict=True)),
    "branches": {name: colour for name, (colour, _, _) in LOOKS.items()},
}
# CIE 1976 distance. Two large fields side by side are told apart at 2.3 (Mahy et al. 1994); small
# marks that lie apart need some nine times that.
APART = 20.0


def seen_as(colour: object, eye: np.ndarray) -> np.ndarray:
    """CIE L*a*b* (3,) of an sRGB colour as this eye sees it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    x, y, z = TO_XYZ @ np.clip(eye @ linear, 0, 1) / TO_XYZ.sum(axis=1)
    x, y, z = (np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("palette", PALETTES)
def test_no_two_colours_merge(palette, eye):
    lab = {name: seen_as(colour, EYES[eye]) for name, colour in PALETTES[palette].items()}
    apart = {
        (one, other): np.linalg.norm(lab[one] - lab[other])
        for one, other in itertools.combinations(lab, 2)
    }
    assert {pair: distance for pair, distance in apart.items() if distance < APART} == {}


@pytest.mark.parametrize("eye", EYES)
def test_a_fish_without_a_value_has_no_colour_of_the_scale(eye):
    *scale, undefined = (seen_as(tuple(colour / 255), EYES[eye]) for colour in scale_table())
    assert np.linalg.norm(np.array(scale) - undefined, axis=1).min() > APART
    # Lighter from step to step, up to the rounding of bytes.
    assert np.diff(np.array(scale)[:, 0]).min() > -0.3


def test_the_matrix_merges_what_dichromats_confuse():
    # The complementary red and green that only the eye with all cones tells apart.
    red, green = "#b36b50", "#7f8a4c"
    full, lacking = (
        np.linalg.norm(seen_as(red, EYES[eye]) - seen_as(green, EYES[eye]))
        for eye in ("all cones", "deuteranopia")
    )
    assert lacking < APART < full
