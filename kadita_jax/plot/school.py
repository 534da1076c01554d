"""The school in space: every fish a small silhouette, coloured by the compass, in a light box."""

import itertools
from typing import NamedTuple

import numpy as np
import xarray
from matplotlib.axes import Axes
from mpl_toolkits.mplot3d import Axes3D
from mpl_toolkits.mplot3d.art3d import Line3DCollection, Poly3DCollection

from kadita_jax.errors import Fault, refuse
from kadita_jax.plot.fish import (
    AZIMUTH,
    ELEVATION,
    draw_keys,
    fish_length,
    hazy,
    heading_colours,
    selection,
    silhouettes,
    towards_viewer,
)
from kadita_jax.plot.panels import own_panel
from kadita_jax.plot.reading import missing, number, school_at
from kadita_jax.plot.style import FAINT, MUTED, PAPER, SHADOW, SMALL, style

# Beside the panel: what names the upright edge, the key to the colours.
MARGINS = (0.7, 0.0, 0.75, 0.0)


class Cube(NamedTuple):
    """What is shown of space: a cube of one corner and side, dashed where it is no box."""

    low: np.ndarray
    side: float
    dashed: bool = False


class Scene(NamedTuple):
    """A school that can be drawn again and again in one panel."""

    axes: Axes3D
    cube: Cube
    shadows: Poly3DCollection
    fish: Poly3DCollection


def school(
    dataset: xarray.Dataset, axes: Axes | None = None, *, frame: int = -1, size: str = "page"
) -> Axes:
    """The school of one frame in space, in its box or, in open water, in the least cube about it.

    **Arguments:**

    - `dataset`: one run, as `kadita_jax.run` returns it or xarray opens its file. Of more than
        2,000 fish an even selection is drawn.
    - `axes`: three-dimensional ones to draw in (`projection="3d"`); None makes a figure of its own,
        with the key to the colours.
    - `frame`: which one, as Python counts.
    - `size`: of a figure of its own: "column", "page" or "slide".

    **Returns:** the axes; `axes.figure` is the figure, which `save` writes.

    **Raises:** `InvalidInputError` for a frame that there is not, or axes that are flat.
    """
    refuse("cannot draw", _faults(dataset, axes, frame))
    position, heading = school_at(dataset, frame)
    with style():
        drawn = own_panel(axes, size, MARGINS, projection="3d", computed_zorder=False)
        draw_school(drawn, position, heading, number(dataset, "box_size"))  # type: ignore[arg-type]
        if axes is None:
            draw_keys(drawn)
    return drawn


def _faults(dataset: xarray.Dataset, axes: Axes | None, frame: int) -> list[Fault]:
    faults = list(missing(dataset, ("position", "heading")))
    n_frames = dataset.sizes.get("time", 0)
    if not faults and not -n_frames <= frame < n_frames:
        faults.append(Fault("frame", f"must be from {-n_frames} to {n_frames - 1}", frame))
    if axes is not None and axes.name != "3d":
        rule = 'must be three-dimensional, made with projection="3d"'
        faults.append(Fault("axes", rule, axes.name))
    return faults


def draw_school(
    axes: Axes3D, position: np.ndarray, heading: np.ndarray, box_size: float | None
) -> None:
    """The school in a panel.

    **Arguments:**

    - `position`, `heading`: (N, 3).
    - `box_size`: side of the periodic box, drawn as it is; None draws the least cube about the
        school.
    """
    place_fish(make_scene(axes, cube_about(position, box_size)), position, heading)


def cube_about(position: np.ndarray, box_size: float | None) -> Cube:
    """The box, or in open water the least cube of whole sides about all places (..., 3)."""
    if box_size is not None:
        return Cube(np.zeros(3), box_size)
    places = position.reshape(-1, 3)
    if not len(places):
        return Cube(np.zeros(3), 1.0, dashed=True)
    low, high = places.min(axis=0), places.max(axis=0)
    side = max(1.0, np.ceil(1.1 * float((high - low).max())))
    return Cube((low + high - side) / 2, side, dashed=True)


def make_scene(axes: Axes3D, cube: Cube) -> Scene:
    """An empty cube, ready for its fish."""
    _set_camera(axes, cube)
    _draw_box(axes, cube)
    nobody = np.empty((0, 3, 3))
    shadows = Poly3DCollection(nobody, facecolors=SHADOW, linewidths=0, zorder=2)
    fish = Poly3DCollection(nobody, edgecolors=PAPER, linewidths=0.35, zorder=3)
    for collection in (shadows, fish):
        axes.add_collection3d(collection, autolim=False)
    return Scene(axes, cube, shadows, fish)


def place_fish(scene: Scene, position: np.ndarray, heading: np.ndarray) -> None:
    """Show this school (N, 3), in place of the one before."""
    drawn = selection(len(position))
    position, heading, (low, side, _) = position[drawn], heading[drawn], scene.cube
    length = fish_length(side, len(drawn))
    grounded = np.column_stack([position[:, :2], np.full(len(position), low[2])])
    shadows = silhouettes(grounded, heading, length, np.array([0.0, 0.0, 1.0]))
    scene.shadows.set_verts(list(shadows))
    scene.fish.set_verts(list(silhouettes(position, heading, length, towards_viewer())))
    nearness = (position - low - side / 2) @ towards_viewer() / side
    scene.fish.set_facecolor(hazy(heading_colours(heading), nearness))


def _set_camera(axes: Axes3D, cube: Cube) -> None:
    axes.set_axis_off()
    axes.patch.set_alpha(0)
    axes.set_proj_type("persp", focal_length=1.4)
    axes.view_init(elev=ELEVATION, azim=AZIMUTH)
    axes.set_box_aspect((1, 1, 1), zoom=1.09)  # type: ignore[arg-type]
    limits = axes.set_xlim, axes.set_ylim, axes.set_zlim
    for set_limits, start in zip(limits, cube.low, strict=True):
        set_limits(start, start + cube.side)


def _draw_box(axes: Axes3D, cube: Cube) -> None:
    corners = cube.low + cube.side * np.array(list(itertools.product((0, 1), repeat=3)))
    pairs = itertools.combinations(corners, 2)
    edges = [pair for pair in pairs if np.count_nonzero(pair[0] != pair[1]) == 1]
    nearest = max(corners, key=lambda corner: float(corner @ towards_viewer()))
    front = [edge for edge in edges if any(np.array_equal(end, nearest) for end in edge)]
    back = [edge for edge in edges if not any(edge is other for other in front)]
    linestyle = (0, (4, 3)) if cube.dashed else "solid"
    for lines, zorder, width in ((back, 1, 0.9), (front, 4, 0.5)):
        axes.add_collection3d(
            Line3DCollection(
                lines, colors=FAINT, linewidths=width, linestyles=linestyle, zorder=zorder
            )
        )
    _label_edges(axes, cube)


def _label_edges(axes: Axes3D, cube: Cube) -> None:
    side, (x, y, z) = cube.side, cube.low
    out = 0.06 * side
    far = cube.low + side
    font = {"color": MUTED, "fontsize": SMALL}
    # Each word turns its corner to its edge, so that it stands clear in small figures too.
    below, beside = {"va": "top", **font}, {"va": "center", "ha": "right", **font}
    axes.text(x + side / 2, y - out, z, f"x   {side:g} bl", ha="right", **below)
    axes.text(far[0] + out, y + side / 2, z, f"y   {side:g} bl", ha="left", **below)
    axes.text(x - out, y - out, z + side / 2, f"z\n{side:g} bl", **beside)
