"""The pictures' colours as the pages take them: one place says what means what."""

from typing import Any

import numpy as np
from jaxtyping import UInt8
from matplotlib import colormaps
from matplotlib.colors import to_rgb

from kadita_jax.plot.fish import heading_colours
from kadita_jax.plot.maps import COLOURS
from kadita_jax.plot.style import BLUE, FAINT, GREEN, GREY, ORANGE, PURPLE, SKY
from kadita_jax.viewer.packing import STEPS

# Groups from the largest on; the last colour is that of all that are smaller. No vermillion: in
# the light and haze of a page who is colour-blind takes it for orange.
GROUP_COLOURS = (BLUE, ORANGE, PURPLE, SKY, GREEN, GREY)
# How far up the scale a small fish does not yet vanish on paper.
LIGHTEST = 0.88
# Directions whose colours are told apart: about the vertical, and from straight down to up.
AROUND, UPWARDS = 128, 65

Colours = UInt8[np.ndarray, "*directions 3"]


def heading_table() -> Colours:
    """Colours by height of the heading (from -1 to 1) and azimuth (from 0 to a whole turn)."""
    height = np.linspace(-1, 1, UPWARDS)[:, None]
    azimuth = 2 * np.pi * np.arange(AROUND) / AROUND
    level = np.sqrt(1 - height**2)
    x, y = level * np.cos(azimuth), level * np.sin(azimuth)
    heading = np.stack([x, y, np.broadcast_to(height, x.shape)], axis=-1)
    return as_bytes(heading_colours(heading))


def scale_table() -> Colours:
    """Colours of a fish's speed and the like, from low to high; the last, of what has none."""
    scale = colormaps[COLOURS](np.linspace(0, LIGHTEST, STEPS + 1))[:, :3]
    return as_bytes([*scale, to_rgb(FAINT)])


def map_table(colours: str) -> Colours:
    """One of matplotlib's maps of colours, by its name."""
    return as_bytes(colormaps[colours](np.arange(256))[:, :3])


def group_table() -> Colours:
    """Colours of groups by their rank."""
    return as_bytes(np.array([to_rgb(colour) for colour in GROUP_COLOURS]))


def as_bytes(colours: Any) -> Colours:
    """Colours of 0 to 1 as bytes."""
    return np.rint(255 * np.asarray(colours)).astype(np.uint8)
