"""Milliseconds a snapshot of all twelve metrics against the number of fish, and where they go.

Small schools as frames of a trajectory, in both precisions; large ones a snapshot at a time, in
float32. The parts of one school: the distances to the nearest fish, the histogram over pairs, the
map of headings, each compiled alone, and the rest as what all takes beyond them.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from clock import clock, frames, gas
from drawing import BLUE, SKY, new_figure, set_logarithmic, style
from jax import Array
from matplotlib.figure import Figure
from report import machine, print_table, save_figure, write_json

import kadita_jax as kj
from kadita_jax.blocks import map_frames
from kadita_jax.metrics.pairs import pair_counts

SMALL, LARGE = [100, 250, 1000], [3000, 10_000, 30_000, 100_000]
PART_FISH = 250
# As dense as 250 fish in a box of 35.
DENSITY = 250 / 35**3
# A call measures as many frames as hold so many pairs.
PAIRS, MOST_FRAMES = 5e6, 200
Rows = list[dict[str, Any]]


def time_frames(n_fish: int, repeats: int) -> dict[str, Any]:
    """Of a trajectory, in jax's present float."""
    position, heading, box_size = _frames(n_fish)

    def call() -> kj.metrics.Metrics:
        return kj.metrics.measure_trajectory(position, heading, box_size)

    return _row(n_fish, len(position), call, repeats)


def time_snapshot(n_fish: int, repeats: int) -> dict[str, Any]:
    """Of one snapshot."""
    state, params = gas(n_fish, DENSITY)

    def call() -> kj.metrics.Metrics:
        return kj.metrics.measure(state.position, state.heading, params.box_size)

    return _row(n_fish, 1, call, repeats)


def time_parts(n_fish: int, repeats: int) -> dict[str, float]:
    """Milliseconds a snapshot of each part, compiled alone, and of all."""
    position, heading, box_size = _frames(n_fish)
    parts = {
        "nearest distances": (partial(kj.metrics.nearest_distances, box_size=box_size), position),
        "histogram over pairs": (partial(pair_counts, n_bins=20), heading),
        "map of headings": (kj.metrics.polarization_entropy, heading),
    }
    found = {name: _part_ms(of, values, repeats) for name, (of, values) in parts.items()}
    whole = time_frames(n_fish, repeats)["snapshot_ms"]
    return found | {"the rest": whole - sum(found.values()), "all": whole}


def _part_ms(of: Callable[[Array], Array], values: Array, repeats: int) -> float:
    """Frame by frame, as `measure_trajectory` takes them."""
    compiled = jax.jit(lambda values: map_frames(of, values, values.shape[1] ** 2))
    return clock(lambda: compiled(values), repeats).warm_s / len(values) * 1e3


def _frames(n_fish: int) -> tuple[Array, Array, Array]:
    return frames(n_fish, int(np.clip(PAIRS / n_fish**2, 1, MOST_FRAMES)), DENSITY)


def _row(n_fish: int, n_frames: int, call: Callable[[], Any], repeats: int) -> dict[str, Any]:
    timing = clock(call, repeats)
    return {
        "n_fish": n_fish,
        "n_frames": n_frames,
        "snapshot_ms": timing.warm_s / n_frames * 1e3,
        "compile_s": timing.compile_s,
    }


def main() -> None:
    """Print the tables, write them and draw the first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, nargs="*", default=SMALL)
    parser.add_argument("--large", type=int, nargs="*", default=LARGE)
    parser.add_argument("--parts-of", type=int, default=PART_FISH)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    with jax.enable_x64(True):
        double = [time_frames(n_fish, chosen.repeats) for n_fish in chosen.small]
    single = [time_frames(n_fish, chosen.repeats) for n_fish in chosen.small]
    single += [time_snapshot(n_fish, chosen.repeats) for n_fish in chosen.large]
    parts = {"n_fish": chosen.parts_of, "ms": time_parts(chosen.parts_of, chosen.repeats)}
    figures = {"float32": single, "float64": double, "parts": parts}
    _print(figures)
    write_json("metrics", figures, chosen.out)
    save_figure("metrics", draw(figures), chosen.out)


@style()
def draw(figures: dict[str, Any]) -> Figure:
    """Both precisions on logarithmic axes, and the parts beside them."""
    figure = new_figure(8, 3.2)
    axes, beside = figure.subplots(1, 2, width_ratios=[3, 2])
    for dtype, colour in (("float32", BLUE), ("float64", SKY)):
        rows = figures[dtype]
        place = [row["n_fish"] for row in rows], [row["snapshot_ms"] for row in rows]
        axes.plot(*place, "o-", color=colour, markersize=4, label=dtype)
    set_logarithmic(axes)
    axes.set_xlabel("fish")
    axes.set_ylabel("milliseconds a snapshot")
    axes.legend(frameon=False)
    parts = {name: ms for name, ms in figures["parts"]["ms"].items() if name != "all"}
    beside.barh(list(parts), list(parts.values()), color=BLUE)
    beside.invert_yaxis()
    beside.set_xlabel(f"milliseconds of {figures['parts']['n_fish']} fish, float32")
    return figure


def _print(figures: dict[str, Any]) -> None:
    double = {row["n_fish"]: row["snapshot_ms"] for row in figures["float64"]}
    print_table(
        ["fish", "frames", "float32, ms a snapshot", "float64", "compile s"],
        [
            [
                f"{row['n_fish']:,}",
                row["n_frames"],
                f"{row['snapshot_ms']:.3f}",
                f"{double[row['n_fish']]:.3f}" if row["n_fish"] in double else "-",
                f"{row['compile_s']:.1f}",
            ]
            for row in figures["float32"]
        ],
    )
    parts = figures["parts"]
    print_table(
        [f"{parts['n_fish']} fish, float32", "ms a snapshot"],
        [(name, f"{ms:.3f}") for name, ms in parts["ms"].items()],
    )
    print(machine())


if __name__ == "__main__":
    sys.exit(main())
