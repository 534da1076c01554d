"""Fish as they are drawn: small silhouettes, coloured by where they swim."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from kadita_jax.plot.style import COMPASS, DOWN, MUTED, TINY, UP, Box, panel

MAX_DRAWN = 2000
# Where the camera stands, degrees.
AZIMUTH, ELEVATION = -62.0, 20.0
# How pale a fish is in the middle of the box, how much paler a box further away, and at most.
HAZE = (0.14, 0.28, 0.36)
# A side of the colours' key: somewhat more than it has on the page, which smooths its rim.
KEY_PIXELS = 129

# One side of a fish one unit long, from the nose at 0.5 to the notch of the tail: along, across.
SIDE = np.array(
    [
        (0.50, 0.000),
        (0.40, 0.062),
        (0.26, 0.108),
        (0.10, 0.120),
        (-0.08, 0.096),
        (-0.24, 0.050),
        (-0.32, 0.034),
        (-0.50, 0.140),
        (-0.42, 0.000),
    ]
)
SILHOUETTE = np.concatenate([SIDE, SIDE[-2:0:-1] * (1, -1)])


def selection(n_fish: int, most: int = MAX_DRAWN) -> np.ndarray:
    """Indices of the fish that are drawn: all, or so many evenly spaced ones."""
    return np.unique(np.linspace(0, n_fish - 1, min(n_fish, most)).astype(int))


def fish_length(side: float, n_drawn: int) -> float:
    """How long to draw a fish, bl: readable in the cube, and smaller in a crowd."""
    return side / 19 * min(1.0, (400 / max(n_drawn, 1)) ** (1 / 3))


def fish_note(n_fish: int) -> str:
    """What the picture shows, in a line: who is drawn and what the colours are."""
    drawn = len(selection(n_fish))
    who = "" if drawn == n_fish else f"{drawn:,} of {n_fish:,} fish drawn; "
    return f"{who}colour: heading; grey: shadows on the floor"


def towards_viewer() -> np.ndarray:
    """The direction (3,) from the school to the camera."""
    azimuth, elevation = np.radians([AZIMUTH, ELEVATION])
    flat = np.cos(elevation)
    return np.array([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)])


def silhouettes(
    position: np.ndarray, heading: np.ndarray, length: float, viewed_from: np.ndarray
) -> np.ndarray:
    """Outlines (N, points, 3) of fish, flat across the line of sight.

    A fish that swims along the line of sight keeps a third of its length, so it stays visible.
    """
    seen = heading - (heading @ viewed_from)[:, None] * viewed_from
    size = np.linalg.norm(seen, axis=1, keepdims=True)
    aside = np.cross(viewed_from, np.eye(3)[np.argmin(np.abs(viewed_from))])
    ahead = np.where(size > 1e-6, seen, aside)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    across = np.cross(viewed_from, ahead)
    along = ahead * np.maximum(size, 1 / 3)
    outline = SILHOUETTE[:, :1, None] * along.T + SILHOUETTE[:, 1:, None] * across.T
    return position[:, None] + length * np.moveaxis(outline, -1, 0)


def heading_colours(heading: np.ndarray) -> np.ndarray:
    """Colours (..., 3) of headings (..., 3): the compass's when level, `UP` or `DOWN` when steep.

    The square of the vertical part is the share of the steep colour.
    """
    x, y, z = np.moveaxis(heading, -1, 0)
    level = COMPASS(np.arctan2(y, x) / (2 * np.pi) % 1)[..., :3]
    steep = np.where(z[..., None] > 0, to_rgb(UP), to_rgb(DOWN))
    share = np.clip(z * z, 0, 1)[..., None]
    return level * (1 - share) + steep * share


def hazy(colour: np.ndarray, nearness: np.ndarray) -> np.ndarray:
    """What is further away is paler, as in water; nearness from -0.9 to 0.9 of the cube's side."""
    middle, further, most = HAZE
    haze = np.clip(middle - further * nearness, 0, most)[:, None]
    return colour * (1 - haze) + haze


def draw_keys(axes: Axes) -> None:
    """The key to the colours, one half above the other in the upper right corner of a figure."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    wide, high = figure.get_size_inches()
    for name, sign, bottom in (("climbing", 1, high - 0.8), ("diving", -1, high - 1.8)):
        draw_key(figure, (wide - 0.8, bottom, 0.6, 0.6), name, sign)


def draw_key(figure: Figure, box: Box, name: str, sign: int) -> None:
    """Half of the colours' key: the directions above (sign 1) or below (-1) the horizon.

    A disc turned as the camera sees the floor, level headings at its rim and steep ones inside.
    """
    axes = panel(figure, box)
    side = np.linspace(-1, 1, KEY_PIXELS)
    across, up = np.meshgrid(side, side)
    # On screen a fish swims to the right when its azimuth is the camera's plus a quarter turn.
    turned = np.radians(AZIMUTH + 90)
    angle, radius = np.arctan2(up, across) + turned, np.minimum(np.hypot(across, up), 1)
    height = sign * np.sqrt(1 - radius**2)
    heading = np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=-1)
    disc = axes.imshow(heading_colours(heading), extent=(-1, 1, -1, 1), origin="lower")
    disc.set_clip_path(Circle((0, 0), 1, transform=axes.transData))
    axes.set_axis_off()
    font = {"color": MUTED, "fontsize": TINY, "ha": "center", "va": "center"}
    for letter, azimuth in (("x", 0), ("y", np.pi / 2)):
        axes.text(1.28 * np.cos(azimuth - turned), 1.28 * np.sin(azimuth - turned), letter, **font)
    axes.text(0.5, -0.16, name, transform=axes.transAxes, **font)
