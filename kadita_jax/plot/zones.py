"""What one fish feels: its zones and its blind cone, drawn to the scale of the box."""

from collections.abc import Mapping
from types import MappingProxyType

import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle, Wedge

from kadita_jax.parameters import RADII
from kadita_jax.plot.reading import number
from kadita_jax.plot.school import SILHOUETTE
from kadita_jax.plot.style import FAINT, INK, PAPER, Box, panel

ZONES: Mapping[str, str] = MappingProxyType(
    dict(zip(RADII, ("#2f6690", "#86b3d1", "#d9e7f0"), strict=True))
)


def draw_zones(figure: Figure, box: Box, dataset: xarray.Dataset) -> Axes | None:
    """The zones in a panel at (left, bottom, width, height) inches; None when a radius is absent.

    Of unlike fish the median one is drawn. Its own size is not to scale.
    """
    radii = {name: number(dataset, name) for name in RADII}
    side = number(dataset, "box_size")
    known = {name: radius for name, radius in radii.items() if radius is not None}
    if len(known) < len(radii):
        return None
    axes = panel(figure, box, aspect="equal")
    axes.set_axis_off()
    reach = 1.04 * max(*known.values(), (side or 0) / 2, 1e-9)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    if side is not None:
        axes.add_patch(Rectangle((-side / 2, -side / 2), side, side, fill=False, edgecolor=FAINT))
    _draw_shells(axes, known, _blind_angles(dataset))
    axes.add_patch(Polygon(SILHOUETTE * 0.3 * reach, facecolor=INK, edgecolor=PAPER, linewidth=0.6))
    return axes


def _blind_angles(dataset: xarray.Dataset) -> dict[str, float]:
    angles = dict.fromkeys(RADII, number(dataset, "blind_angle") or 0.0)
    # Couzin's fish feel a neighbour in the repulsion zone from any side.
    free = {"r_repulsion": 0.0} if dataset.attrs.get("rules") == "couzin2002" else {}
    return angles | free


def _draw_shells(axes: Axes, radii: Mapping[str, float], blind: Mapping[str, float]) -> None:
    for name in reversed(RADII):
        seen = 180 - blind[name]
        shell = Wedge((0, 0), radii[name], -seen, seen, facecolor=ZONES[name], linewidth=0)
        axes.add_patch(shell)
