"""Whether `neighbours="auto"` takes the faster way, and the constants that it decides by.

Even schools of some sizes in boxes of some attraction radii, a step of each timed both ways. The
constants of `kadita_jax.neighbours.choice` are fitted to the times anew, by least squares of
relative errors: nanoseconds a pair of the dense pass, and of a cell list a candidate of a fish,
what a fish costs besides, and what a column that holds any does.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from clock import gas, time_steps
from drawing import BLUE, MUTED, new_figure, set_logarithmic, style
from matplotlib.figure import Figure
from report import machine, print_table, save_figure, write_json

from kadita_jax.neighbours import choice, chosen_layout

SIZES = [500, 1_000, 2_000, 5_000, 20_000]
RATIOS = [3.5, 5.5, 10.5, 20.5, 40.5]
RADII = {"r_repulsion": 1.0, "r_orientation": 3.0, "r_attraction": 5.0}
# A run is as long as this many pairs last, about a third of a second.
WORK = 3e8
Rows = list[dict[str, Any]]


def measure(sizes: list[int], ratios: list[float], repeats: int) -> Rows:
    """Milliseconds a step both ways, and which way is taken, by fish and radii a side."""
    return [_time_both(n_fish, ratio, repeats) for n_fish in sizes for ratio in ratios]


def _time_both(n_fish: int, ratio: float, repeats: int) -> dict[str, Any]:
    density = n_fish / (ratio * RADII["r_attraction"]) ** 3
    state, params = gas(n_fish, density, **RADII)
    n_steps = int(np.clip(WORK / n_fish**2, 2, 200))
    ms = {
        way: time_steps(state, params, way, n_steps, repeats)["step_ms"]
        for way in ("dense", "cells")
    }
    return {
        "n_fish": n_fish,
        "ratio": ratio,
        "density": density,
        "dense_ms": ms["dense"],
        "cells_ms": ms["cells"],
        "chosen": "dense" if chosen_layout("auto", state, params) is None else "cells",
    }


def fit(rows: Rows) -> dict[str, float]:
    """The constants by these times, in nanoseconds."""
    dense = [(row["n_fish"] ** 2,) for row in rows]
    cells = [choice.cells_work(row["n_fish"], choice.columns_in(row["ratio"])) for row in rows]
    (pair,) = _constants(dense, [row["dense_ms"] for row in rows])
    candidate, fish, column = _constants(cells, [row["cells_ms"] for row in rows])
    return {"DENSE_PAIR": pair, "CANDIDATE": candidate, "LISTED_FISH": fish, "COLUMN": column}


def _constants(counts: list[tuple[float, ...]], ms: list[float]) -> list[float]:
    relative = np.array(counts) / (np.array(ms)[:, None] * 1e6)
    return np.linalg.lstsq(relative, np.ones(len(ms)))[0].tolist()


def expected(row: dict[str, Any]) -> float:
    """How many times as fast the cell list should be, by the constants in use."""
    return row["n_fish"] ** 2 * choice.DENSE_PAIR / choice.cells_ns(row["n_fish"], row["ratio"])


def main() -> None:
    """Print the tables, write them and draw expected against measured gains."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--ratios", type=float, nargs="+", default=RATIOS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    rows = measure(chosen.sizes, chosen.ratios, chosen.repeats)
    fitted = fit(rows)
    used = {name: getattr(choice, name) for name in fitted}
    figures = {"schools": rows, "fitted_ns": fitted, "used_ns": used}
    _print(figures)
    write_json("cost_model", figures, chosen.out)
    save_figure("cost_model", draw(rows), chosen.out)


@style()
def draw(rows: Rows) -> Figure:
    """How many times as fast the cell list is, against what is expected of it."""
    figure = new_figure(5, 4)
    axes = figure.add_subplot()
    gains = np.array([(expected(row), row["dense_ms"] / row["cells_ms"]) for row in rows])
    ends = gains.min(), gains.max()
    axes.plot(ends, ends, color=MUTED, linewidth=0.8)
    for gain in (axes.axvline, axes.axhline):
        gain(choice.WORTHWHILE, color=MUTED, linewidth=0.8, linestyle=":")
    for way, face in (("cells", BLUE), ("dense", "none")):
        x, y = gains[[row["chosen"] == way for row in rows]].T
        axes.plot(x, y, "o", markeredgecolor=BLUE, markerfacecolor=face, label=f"{way} is taken")
    set_logarithmic(axes)
    axes.set_xlabel("gain of the cell list, expected")
    axes.set_ylabel("measured")
    axes.legend(frameon=False)
    return figure


def _print(figures: dict[str, Any]) -> None:
    print_table(
        ["fish", "box / r_attraction", "dense ms", "cells ms", "gain", "expected", "taken"],
        [
            [
                f"{row['n_fish']:,}",
                f"{row['ratio']:g}",
                f"{row['dense_ms']:.3f}",
                f"{row['cells_ms']:.3f}",
                f"{row['dense_ms'] / row['cells_ms']:.2f}",
                f"{expected(row):.2f}",
                row["chosen"],
            ]
            for row in figures["schools"]
        ],
    )
    print_table(
        ["nanoseconds", "fitted", "in use"],
        [
            (name, f"{ns:.3g}", f"{figures['used_ns'][name]:g}")
            for name, ns in figures["fitted_ns"].items()
        ],
    )
    print(machine())


if __name__ == "__main__":
    sys.exit(main())
