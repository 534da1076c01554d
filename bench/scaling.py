"""Milliseconds a step against the number of fish: every pair, and a cell list.

The table: schools spread evenly at the density of the canonical highly parallel school, 250 fish
in a box of 35, with radii of 1, 3 and 5. Whole steps, of fish that turn but stay where they are,
so that all the runs are of even schools; medians of warm runs, compiling apart. Beside it: the
largest school that was summed both ways, and how far its next headings are apart; a school that
only aligns, beside pyvicsek; and a million fish in a process of their own, with its memory.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from aligning import time_aligning
from clock import clock, gas, run_of, time_steps
from drawing import BLUE, VERMILLION, new_figure, set_logarithmic, style
from matplotlib.figure import Figure
from memory import peak_mib, run_alone
from report import machine, print_table, save_figure, write_json

SIZES = [*(first * 10**power for power in range(2, 6) for first in (1, 2, 5)), 10**6]
DENSITY = 250 / 35**3
RADII = {"r_repulsion": 1.0, "r_orientation": 3.0, "r_attraction": 5.0}
# A denser school of a million that swims, and how far it is followed.
BIG_DENSITY, BIG_STEPS = 1.0, 10
BIG_FIELDS = {"speed": 1.0, "r_repulsion": 0.5, "r_orientation": 1.0, "r_attraction": 2.0}
# A run is as long as this much work lasts, about a second or two.
WORK = {"dense": 1e9, "cells": 1e6}
FEWEST_STEPS, MOST_STEPS = 3, 300
Rows = list[dict[str, float]]


def scale(neighbours: str, sizes: list[int], repeats: int) -> Rows:
    """The figures of one way to sum, by number of fish."""
    return [_time_one(neighbours, n_fish, repeats) for n_fish in sizes]


def _time_one(neighbours: str, n_fish: int, repeats: int) -> dict[str, float]:
    work = n_fish**2 if neighbours == "dense" else n_fish
    n_steps = int(np.clip(WORK[neighbours] / work, FEWEST_STEPS, MOST_STEPS))
    found = time_steps(*gas(n_fish, DENSITY, **RADII), neighbours, n_steps, repeats)
    if neighbours == "dense":
        found["pair_ns"] = found["step_ms"] * 1e6 / n_fish**2
    return found


def slope(rows: Rows, first: int) -> float:
    """Of log time over log N by least squares, from so many fish on: 1 is proportional to N."""
    points = [(row["n_fish"], row["step_ms"]) for row in rows if row["n_fish"] >= first]
    n_fish, step_ms = np.log(points).T
    return float(np.polyfit(n_fish, step_ms, 1)[0])


def compare(dense: Rows, cells: Rows) -> dict[str, float]:
    """Both ways at the largest school that has both: times, and headings a step later."""
    fast = {row["n_fish"]: row["step_ms"] for row in cells}
    row = max((row for row in dense if row["n_fish"] in fast), key=lambda row: row["n_fish"])
    n_fish = int(row["n_fish"])
    state, params = gas(n_fish, DENSITY, **RADII)
    one, other = (run_of(state, params, way, 1)().final.heading for way in ("dense", "cells"))
    return {
        "n_fish": n_fish,
        "dense_ms": row["step_ms"],
        "cells_ms": fast[n_fish],
        "ratio": row["step_ms"] / fast[n_fish],
        "heading_difference": float(np.max(np.abs(one - other))),
    }


def _alone(n_fish: int) -> None:
    state, params = gas(n_fish, BIG_DENSITY, **BIG_FIELDS)
    timing = clock(run_of(state, params, "cells", BIG_STEPS), 1)
    found = {
        "n_fish": n_fish,
        "n_steps": BIG_STEPS,
        "wall_s": timing.warm_s,
        "compile_s": timing.compile_s,
        "step_ms": timing.warm_s / BIG_STEPS * 1e3,
        "peak_mib": peak_mib(),
    }
    print(json.dumps(found))


def main() -> None:
    """Print the tables, write them and draw the first."""
    chosen = _parser().parse_args()
    if chosen.alone is not None:
        _alone(chosen.alone)
        return
    sizes = [n_fish for n_fish in SIZES if n_fish <= chosen.most]
    few = [n_fish for n_fish in sizes if n_fish <= chosen.most_dense]
    figures: dict[str, Any] = {
        "dense": scale("dense", few, chosen.repeats),
        "cells": scale("cells", sizes, chosen.repeats),
    }
    figures["slope"] = slope(figures["cells"], chosen.slope_from)
    figures["slope_from"] = chosen.slope_from
    figures["compared"] = compare(figures["dense"], figures["cells"])
    figures["aligning"] = time_aligning(chosen.aligning, chosen.repeats, with_peer=chosen.with_peer)
    figures["million"] = run_alone(__file__, "--alone", str(chosen.million))
    _print(figures)
    write_json("scaling", figures, chosen.out)
    save_figure("scaling", draw(figures), chosen.out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=10**6, help="fish of the largest school")
    parser.add_argument("--most-dense", type=int, default=20_000, help="the same for every pair")
    parser.add_argument("--slope-from", type=int, default=10_000, help="fish of the first school")
    parser.add_argument("--aligning", type=int, default=100_000, help="fish that only align")
    parser.add_argument("--million", type=int, default=10**6, help="fish of the dense school")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--without-peer", dest="with_peer", action="store_false")
    parser.add_argument("--alone", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path)
    return parser


@style()
def draw(figures: dict[str, Any]) -> Figure:
    """Both ways on logarithmic axes."""
    figure = new_figure()
    axes = figure.add_subplot()
    for way, colour, words in (
        ("dense", VERMILLION, "every pair"),
        ("cells", BLUE, f"cell list, slope {figures['slope']:.2f}"),
    ):
        rows = figures[way]
        place = [row["n_fish"] for row in rows], [row["step_ms"] for row in rows]
        axes.plot(*place, "o-", color=colour, label=words, markersize=4)
    set_logarithmic(axes)
    axes.set_xlabel("fish")
    axes.set_ylabel("milliseconds a step")
    axes.legend(frameon=False)
    return figure


def _print(figures: dict[str, Any]) -> None:
    dense = {row["n_fish"]: row for row in figures["dense"]}
    print_table(
        ["fish", "every pair, ms a step", "ns a pair", "cells, ms a step", "compile s"],
        [_row(dense.get(row["n_fish"]), row) for row in figures["cells"]],
    )
    print(f"slope of cells from {figures['slope_from']:,} fish: {figures['slope']:.3f}\n")
    compared, million = figures["compared"], figures["million"]
    times = f"{compared['dense_ms']:.1f} and {compared['cells_ms']:.1f} ms"
    difference = f"headings {compared['heading_difference']:.1e} apart"
    rows = [
        (f"{compared['n_fish']:,} fish", f"{times}: {compared['ratio']:.1f}x, {difference}"),
        *((f"aligning, {name}", _speed(found)) for name, found in figures["aligning"].items()),
        (
            f"{million['n_fish']:,} fish, {million['n_steps']} steps",
            f"{million['wall_s']:.1f} s and {million['compile_s']:.1f} s of compiling, "
            f"{million['step_ms']:.0f} ms a step, {million['peak_mib']:.0f} MiB",
        ),
    ]
    print_table(["beside it", ""], rows)
    print(machine())


def _row(dense: dict[str, float] | None, cells: dict[str, float]) -> list[str]:
    all_pairs = [f"{dense['step_ms']:.3f}", f"{dense['pair_ns']:.2f}"] if dense else ["-", "-"]
    compiled = [f"{row['compile_s']:.1f}" for row in (dense, cells) if row]
    return [f"{cells['n_fish']:,}", *all_pairs, f"{cells['step_ms']:.3f}", " + ".join(compiled)]


def _speed(found: dict[str, float]) -> str:
    return f"{found['step_ms']:.1f} ms a step, {found['fish_steps_per_s']:.2e} fish-steps/s"


if __name__ == "__main__":
    sys.exit(main())
