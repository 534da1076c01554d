"""What one fish feels: its zones and its blind cone, drawn to the scale of the box."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import xarray
from matplotlib.axes import Axes
from matplotlib.patches import Polygon, Rectangle, Wedge

from kadita_jax.errors import Fault, refuse
from kadita_jax.parameters import RADII
from kadita_jax.plot.fish import SILHOUETTE
from kadita_jax.plot.panels import own_panel
from kadita_jax.plot.reading import number
from kadita_jax.plot.style import FAINT, INK, PAPER, style

ZONES: Mapping[str, str] = MappingProxyType(
    dict(zip(RADII, ("#2f6690", "#86b3d1", "#d9e7f0"), strict=True))
)


def zones(dataset: xarray.Dataset, axes: Axes | None = None, *, size: str = "column") -> Axes:
    """The zones of one fish, seen from above, with its blind cone; the box around it to scale.

    Of unlike fish the median one is drawn. Its own size is not to scale.

    **Arguments:**

    - `dataset`: one run or sweep that has the three radii among its attributes.
    - `axes`: to draw in; None makes a figure of its own.
    - `size`: of a figure of its own: "column", "page" or "slide".

    **Returns:** the axes; `axes.figure` is the figure, which `save` writes.

    **Raises:** `InvalidInputError` naming every radius that the Dataset lacks.
    """
    refuse("cannot draw", list(_missing_radii(dataset)))
    with style():
        axes = own_panel(axes, size)
        _draw_zones(axes, dataset)
    return axes


def has_zones(dataset: xarray.Dataset) -> bool:
    """Whether the file tells all three radii."""
    return not list(_missing_radii(dataset))


def _missing_radii(dataset: xarray.Dataset) -> Iterator[Fault]:
    for name in RADII:
        if number(dataset, name) is None:
            yield Fault(name, "must be an attribute of the Dataset", sorted(dataset.attrs))


def _draw_zones(axes: Axes, dataset: xarray.Dataset) -> None:
    known = {name: float(number(dataset, name) or 0.0) for name in RADII}
    side = number(dataset, "box_size")
    axes.set_aspect("equal")
    axes.set_axis_off()
    reach = 1.04 * max(*known.values(), (side or 0) / 2, 1e-9)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    if side is not None:
        axes.add_patch(Rectangle((-side / 2, -side / 2), side, side, fill=False, edgecolor=FAINT))
    _draw_shells(axes, known, _blind_angles(dataset))
    axes.add_patch(Polygon(SILHOUETTE * 0.3 * reach, facecolor=INK, edgecolor=PAPER, linewidth=0.6))


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
