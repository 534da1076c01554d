"""Where in a map to write the name of each region, found on a raster of the panel."""

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from numpy.lib.stride_tricks import sliding_window_view

from kadita_jax.names import STATES
from kadita_jax.plot.style import INK, PAPER, SMALL, STATE_MARKERS, size_of

# Of a pixel of the raster, of a letter, of a line of text and of a mark with room about it, inches.
PIXEL, LETTER, LINE, MARK = 0.04, 0.072, 0.15, 0.13
MARK_STYLE = {"color": INK, "markersize": 4.6, "markerfacecolor": PAPER, "markeredgewidth": 0.9}


def n_pixels(axes: Axes) -> tuple[int, int]:
    """Size of the raster of a panel, across and up."""
    width, height = size_of(axes)
    return max(1, round(width / PIXEL)), max(1, round(height / PIXEL))


def draw_names(axes: Axes, states: np.ndarray) -> np.ndarray:
    """Name every region that has room for it; give a mark to one that has room for that only.

    **Arguments:**

    - `states`: index into `STATES` of every pixel of the panel, (across, up); -1 is no state.

    **Returns:** the states of which a region has a mark.
    """
    marked = set()
    region = connected(states)
    for number, name in enumerate(STATES):
        inside = states == number
        depth = _depth(inside)
        rooms = [(text, _room(inside, *size)) for text, size in _forms(name)]
        for here in (region == one for one in np.unique(region[inside])):
            # The first form that has room is the best.
            for text, room in rooms:
                if (here & room).any():
                    _write(axes, name, text, *_roomiest(here, room, depth))
                    marked |= set() if text else {number}
                    break
    return np.array(sorted(marked), int)


def _write(axes: Axes, name: str, text: str, x: float, y: float) -> None:
    if text:
        halo = [withStroke(linewidth=2.4, foreground=PAPER)]
        font = {"ha": "center", "va": "center", "fontsize": SMALL, "color": INK}
        font |= {"path_effects": halo, "linespacing": 1.0, "zorder": 6}
        axes.text(x, y, text, transform=axes.transAxes, **font)
    else:
        mark = {"marker": STATE_MARKERS[name], "zorder": 6, **MARK_STYLE}
        axes.plot(x, y, transform=axes.transAxes, scalex=False, scaley=False, **mark)


def _forms(name: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Ways to show a name, best first, with the pixels they need; "" is the mark."""
    for text in dict.fromkeys((name.replace("_", " "), name.replace("_", "\n"))):
        lines = text.split("\n")
        width, height = LETTER * max(map(len, lines)) + 0.08, LINE * len(lines) + 0.05
        yield text, (round(width / PIXEL), round(height / PIXEL))
    yield "", (round(MARK / PIXEL), round(MARK / PIXEL))


def connected(states: np.ndarray) -> np.ndarray:
    """A number for every pixel, the same for pixels that neighbours of one state join."""
    label = np.arange(states.size).reshape(states.shape)
    while True:
        least = label.copy()
        for before, after in _neighbours():
            same = states[before] == states[after]
            for here, there in ((before, after), (after, before)):
                least[here] = np.where(same, np.minimum(least[here], least[there]), least[here])
        # A pixel named by another takes that one's name: long regions settle in few rounds.
        least = least.ravel()[least]
        if np.array_equal(least, label):
            return label
        label = least


def _neighbours() -> Iterator[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    every, head, tail = slice(None), slice(None, -1), slice(1, None)
    yield (head, every), (tail, every)
    yield (every, head), (every, tail)


def _room(inside: np.ndarray, width: int, height: int) -> np.ndarray:
    """Whether a box of so many pixels about each pixel lies inside."""
    for axis, size in enumerate((width, height)):
        margins = np.zeros((2, 2), int)
        margins[axis] = (size - 1) // 2, size // 2
        windows = sliding_window_view(np.pad(inside, margins), size, axis=axis)
        inside = np.asarray(windows.all(axis=-1))
    return inside


def _depth(inside: np.ndarray) -> np.ndarray:
    """Steps to the outside."""
    depth = np.zeros(inside.shape, int)
    while inside.any():
        depth += inside
        inside = _room(inside, 3, 3)
    return depth


def _roomiest(here: np.ndarray, room: np.ndarray, depth: np.ndarray) -> tuple[float, float]:
    """The pixel with room that lies deepest and most central, as a part of the panel."""
    candidates = np.argwhere(here & room)
    aside = np.linalg.norm(candidates - np.argwhere(here).mean(axis=0), axis=1)
    across, up = candidates[np.argmax(depth[tuple(candidates.T)] - 0.2 * aside)]
    return (across + 0.5) / here.shape[0], (up + 0.5) / here.shape[1]
