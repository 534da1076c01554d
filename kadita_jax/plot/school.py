"""The school in space: every fish a small silhouette, coloured by the compass, in a light box."""

import itertools

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from mpl_toolkits.mplot3d import Axes3D
from mpl_toolkits.mplot3d.art3d import Line3DCollection, Poly3DCollection

from kadita_jax.plot.style import (
    COMPASS,
    DOWN,
    FAINT,
    MUTED,
    PAPER,
    SMALL,
    TINY,
    UP,
    Box,
    panel,
)

MAX_DRAWN = 2000
AZIMUTH, ELEVATION = -62.0, 20.0
SHADOW = "#e9ebee"
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


def draw_school(
    figure: Figure,
    box: Box,
    position: np.ndarray,
    heading: np.ndarray,
    box_size: float | None,
) -> Axes3D:
    """The school in a panel at (left, bottom, width, height) inches.

    **Arguments:**

    - `position`, `heading`: (N, 3); of more than `MAX_DRAWN` fish an even selection is drawn.
    - `box_size`: side of the periodic box, drawn as it is; None draws the least cube about the
        school.
    """
    axes: Axes3D = panel(figure, box, projection="3d", computed_zorder=False)  # type: ignore
    low, side = cube(position, box_size)
    drawn = selection(len(position))
    length = fish_length(side, len(drawn))
    _set_camera(axes, low, side)
    _draw_box(axes, low, side, dashed=box_size is None)
    _draw_fish(axes, position[drawn], heading[drawn], length, low, side)
    return axes


def selection(n_fish: int) -> np.ndarray:
    """Indices of the fish that are drawn: all, or `MAX_DRAWN` evenly spaced ones."""
    return np.unique(np.linspace(0, n_fish - 1, min(n_fish, MAX_DRAWN)).astype(int))


def fish_length(side: float, n_drawn: int) -> float:
    """How long to draw a fish, bl: readable in the cube, and smaller in a crowd."""
    return side / 19 * min(1.0, (400 / max(n_drawn, 1)) ** (1 / 3))


def fish_note(n_fish: int) -> str:
    """What the picture shows, in a line: who is drawn and what the colours are."""
    drawn = len(selection(n_fish))
    who = "" if drawn == n_fish else f"{drawn:,} of {n_fish:,} fish drawn; "
    return f"{who}colour: heading; grey: shadows on the floor"


def cube(position: np.ndarray, box_size: float | None) -> tuple[np.ndarray, float]:
    """Low corner and side of the box; in open water of the least cube about places (N, 3)."""
    if box_size is not None:
        return np.zeros(3), box_size
    if not len(position):
        return np.zeros(3), 1.0
    extent = float(np.ptp(position, axis=0).max())
    side = max(1.0, np.ceil(1.1 * extent))
    return (position.min(axis=0) + position.max(axis=0) - side) / 2, side


def _set_camera(axes: Axes3D, low: np.ndarray, side: float) -> None:
    axes.set_axis_off()
    axes.patch.set_alpha(0)
    axes.set_proj_type("persp", focal_length=1.4)
    axes.view_init(elev=ELEVATION, azim=AZIMUTH)
    axes.set_box_aspect((1, 1, 1), zoom=1.09)  # type: ignore[arg-type]
    for set_limits, start in zip((axes.set_xlim, axes.set_ylim, axes.set_zlim), low, strict=True):
        set_limits(start, start + side)


def _towards_viewer() -> np.ndarray:
    azimuth, elevation = np.radians([AZIMUTH, ELEVATION])
    flat = np.cos(elevation)
    return np.array([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)])


def _draw_box(axes: Axes3D, low: np.ndarray, side: float, *, dashed: bool) -> None:
    corners = low + side * np.array(list(itertools.product((0, 1), repeat=3)))
    pairs = itertools.combinations(corners, 2)
    edges = [pair for pair in pairs if np.count_nonzero(pair[0] != pair[1]) == 1]
    nearest = max(corners, key=lambda corner: float(corner @ _towards_viewer()))
    front = [edge for edge in edges if any(np.array_equal(end, nearest) for end in edge)]
    back = [edge for edge in edges if not any(edge is other for other in front)]
    linestyle = (0, (4, 3)) if dashed else "solid"
    for lines, zorder, width in ((back, 1, 0.9), (front, 4, 0.5)):
        axes.add_collection3d(
            Line3DCollection(
                lines, colors=FAINT, linewidths=width, linestyles=linestyle, zorder=zorder
            )
        )
    _label_edges(axes, low, side)


def _label_edges(axes: Axes3D, low: np.ndarray, side: float) -> None:
    out = 0.06 * side
    x, y, z = low
    far = low + side
    font = {"color": MUTED, "fontsize": SMALL, "ha": "center", "va": "center"}
    axes.text(x + side / 2, y - 1.5 * out, z, f"x   {side:g} bl", **font)
    axes.text(far[0] + 1.5 * out, y + side / 2, z, f"y   {side:g} bl", **font)
    axes.text(x - 2 * out, y - 2 * out, z + side / 2, f"z   {side:g} bl", **font)


def _draw_fish(
    axes: Axes3D,
    position: np.ndarray,
    heading: np.ndarray,
    length: float,
    low: np.ndarray,
    side: float,
) -> None:
    floor = np.array([0.0, 0.0, 1.0])
    grounded = np.column_stack([position[:, :2], np.full(len(position), low[2])])
    shadows = silhouettes(grounded, heading, length, floor)
    fish = silhouettes(position, heading, length, _towards_viewer())
    nearness = (position - low - side / 2) @ _towards_viewer() / side
    colours = _hazy(heading_colours(heading), nearness)
    outline = {"edgecolors": PAPER, "linewidths": 0.35}
    axes.add_collection3d(Poly3DCollection(shadows, facecolors=SHADOW, linewidths=0, zorder=2))
    axes.add_collection3d(Poly3DCollection(fish, facecolors=colours, **outline, zorder=3))


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


def _hazy(colour: np.ndarray, nearness: np.ndarray) -> np.ndarray:
    # What is further away is paler, as in water.
    middle, further, most = HAZE
    haze = np.clip(middle - further * nearness, 0, most)[:, None]
    return colour * (1 - haze) + haze


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
