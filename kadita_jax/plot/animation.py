"""A run as a film: fish that swim where they point, and the order of the school below."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import xarray
from matplotlib.animation import FuncAnimation
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from mpl_toolkits.mplot3d.art3d import Line3DCollection

from kadita_jax.dataset import clock, kind_faults
from kadita_jax.errors import Fault, Unchecked, count_faults, refuse
from kadita_jax.plot.fish import draw_keys
from kadita_jax.plot.reading import missing, seen_fish
from kadita_jax.plot.school import Cube, Scene, make_scene, place_fish
from kadita_jax.plot.style import INK, MUTED, PATHS, SUBTITLE, panel, style, write
from kadita_jax.plot.summary import title_of
from kadita_jax.plot.swimmers import cube_of, swimmers, unseen_faults
from kadita_jax.plot.timeline import LINES, draw_order

SIZE = (8.0, 9.0)
SCHOOL_BOX, ORDER_BOX = (0.15, 2.05, 7.7, 6.35), (0.6, 0.6, 6.0, 1.15)
RATE = 25
# Browsers show a frame of a GIF that is to last 10 ms for 100.
MOST_RATE, MOST_GIF_RATE = 100, 50
NEEDED = ("position", "heading", *(name for name, *_ in LINES))


class Film(FuncAnimation):
    """matplotlib's animation of a figure, the rate it has, and what shows one of its frames."""

    def __init__(
        self,
        figure: Figure,
        show: Callable[[int], Any],
        *,
        n_frames: int,
        frames_per_second: float,
    ):
        self.figure, self.show, self.frames_per_second = figure, show, frames_per_second
        interval = 1000 / frames_per_second
        options: dict[str, Any] = {"interval": interval, "cache_frame_data": False}
        super().__init__(figure, show, frames=n_frames, **options)

    def __del__(self) -> None:
        # matplotlib would warn of a film never played: single frames may be all that is wanted.
        return


class _Shown(NamedTuple):
    """What changes from frame to frame."""

    scene: Scene
    trails: Line3DCollection
    cursor: Line2D
    clock: Text


def animate(
    dataset: xarray.Dataset,
    *,
    trail: int | Unchecked = 0,
    follow: bool = False,
    frames_per_second: float | Unchecked = RATE,
) -> Film:
    """The run as a film: the school in space, and P, M and OSI below with the moment marked.

    Other frames are chosen beforehand: `animate(dataset.isel(time=slice(100, 500, 2)))`.

    **Arguments:**

    - `dataset`: one run of at least two frames, as `kadita_jax.run` returns it or xarray opens its
        file. Of more than 2,000 fish an even selection is drawn.
    - `trail`: over how many frames back each fish's path is drawn.
    - `follow`: whether the camera moves with the school's centre; in a box each fish is then shown
        at its periodic image nearest to the centre, so that the school is whole.
    - `frames_per_second`: of the film; at most 100, and at most 50 to be saved as GIF.

    **Returns:** a matplotlib animation, which `save` writes as MP4 or GIF and
    `IPython.display.HTML(film.to_jshtml())` shows in a notebook. `film.show(k)` shows the k-th
    frame in `film.figure`.

    **Raises:** `InvalidInputError` for a sweep, a single frame, no fish, what is no run, or frames
        in which no fish has a finite position and heading.
    """
    faults = run_faults(dataset) + moving_faults(trail, frames_per_second)
    refuse("cannot animate", faults)
    swim = swimmers(dataset, follow=follow)
    with style():
        figure = Figure(figsize=SIZE)
        shown = _stage(figure, dataset, cube_of(swim))

    def show(frame: int) -> None:
        place, past = swim.place(frame), swim.steps(max(0, frame - trail), frame)
        place_fish(shown.scene, *seen_fish(place, swim.heading[frame]))
        shown.trails.set_segments(list(trails(place, past, shown.scene.cube)))
        shown.cursor.set_xdata([times[frame], times[frame]])
        shown.clock.set_text(when.moment.format(f"{round(times[frame], 1):,}"))

    when = clock(dataset)
    times = when.values
    return Film(figure, show, n_frames=len(times), frames_per_second=float(frames_per_second))


def run_faults(dataset: xarray.Dataset) -> list[Fault]:
    """Why a Dataset is no run of which a film can be made."""
    if faults := kind_faults(dataset, "run"):
        return faults
    faults = [*missing(dataset, NEEDED), *length_faults(dataset)]
    return faults or unseen_faults(dataset)


def length_faults(dataset: xarray.Dataset) -> list[Fault]:
    """Why frames (time, fish) are too few for a film, or show nobody."""
    least = {"time": (2, "frames"), "fish": (1, "fish")}
    return [
        Fault("dataset", f"must have at least {number} {name}", dataset.sizes[dim])
        for dim, (number, name) in least.items()
        if dataset.sizes.get(dim, number) < number
    ]


def moving_faults(
    trail: Unchecked = 0, frames_per_second: Unchecked = RATE, *, is_gif: bool = False
) -> list[Fault]:
    """What is wrong with these options of a film, where it is known what it is written as."""
    faults, rate = count_faults({"trail": trail}, low=0), frames_per_second
    most, why = (
        (MOST_GIF_RATE, ", as browsers slow faster GIFs down") if is_gif else (MOST_RATE, "")
    )
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate <= most:
        faults.append(Fault("frames_per_second", f"must be > 0 and <= {most}{why}", rate))
    return faults


def _stage(figure: Figure, dataset: xarray.Dataset, cube: Cube) -> _Shown:
    """All that the frames share, and what changes in them."""
    title = f"{title_of(dataset)[0]}, {dataset.sizes['fish']:,} fish"
    write(figure, 0.4, SIZE[1] - 0.5, title, fontsize=SUBTITLE, fontweight="bold")
    clock = figure.text(0.4 / SIZE[0], (SIZE[1] - 0.75) / SIZE[1], "", color=MUTED)
    axes: Any = panel(figure, SCHOOL_BOX, projection="3d", computed_zorder=False)
    scene = make_scene(axes, cube)
    draw_keys(axes)
    paths = Line3DCollection([], colors=PATHS, linewidths=0.9, zorder=2.5)
    axes.add_collection3d(paths, autolim=False)
    below = panel(figure, ORDER_BOX)
    draw_order(below, dataset)
    return _Shown(scene, paths, below.axvline(0.0, color=INK, linewidth=1.1), clock)


def trails(place: np.ndarray, past: np.ndarray, cube: Cube) -> np.ndarray:
    """Segments (n, 2, 3) of the paths that led to these places, as far as they lie in the cube.

    **Arguments:**

    - `place`: (N, 3), where the fish are shown.
    - `past`: (K, N, 3), the steps that led there, oldest first.
    """
    path = np.concatenate([place[None], place - np.cumsum(past[::-1], axis=0)])
    ends = np.stack([path[:-1], path[1:]], axis=-2).reshape(-1, 2, 3)
    inside = (ends >= cube.low) & (ends <= cube.low + cube.side)
    return ends[inside.all(axis=(1, 2))]
