"""One school over two devices against one: milliseconds a step, and whether the bits are the same.

Schools of the density and the radii of `scaling.py`, that turn but stay where they are. The
devices are CPU devices of one machine, a core each: what is measured is the code's own loss, by
what every device does alike and by what they tell each other, not that of a network.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
from clock import clock, gas
from drawing import BLUE, VERMILLION, new_figure, set_logarithmic, style
from jax.sharding import Mesh
from matplotlib.figure import Figure
from report import machine, print_table, save_figure, write_json
from scaling import DENSITY, FEWEST_STEPS, MOST_STEPS, RADII, WORK

import kadita_jax as kj
from kadita_jax.neighbours import Neighbours

SIZES = {"dense": [200, 2_000, 20_000], "cells": [20_000, 100_000, 500_000]}
DEVICES = 2
Rows = list[dict[str, Any]]


def measure(sizes: dict[str, list[int]], repeats: int) -> Rows:
    """Each school on one device and on all, compile time apart."""
    return [_time_both(way, n_fish, repeats) for way in sizes for n_fish in sizes[way]]


def _time_both(way: str, n_fish: int, repeats: int) -> dict[str, Any]:
    state, params = gas(n_fish, DENSITY, **RADII)
    chosen: Neighbours = kj.cell_layout(state, params) if way == "cells" else way
    work = n_fish**2 if way == "dense" else n_fish
    n_steps = int(np.clip(WORK[way] / work, FEWEST_STEPS, MOST_STEPS))
    options = {"n_steps": n_steps, "save_every": n_steps, "neighbours": chosen}
    key, mesh = jax.random.key(1), Mesh(np.array(jax.devices()), ("fish",))
    one, many = (
        clock(lambda mesh=mesh: kj.simulate(state, params, key, mesh=mesh, **options), repeats)
        for mesh in (None, mesh)
    )
    apart = np.asarray(one.result.final.heading) - np.asarray(many.result.final.heading)
    return {
        "way": way,
        "n_fish": n_fish,
        "n_steps": n_steps,
        "n_devices": mesh.size,
        "one_ms": one.warm_s / n_steps * 1e3,
        "many_ms": many.warm_s / n_steps * 1e3,
        "gain": one.warm_s / many.warm_s,
        "compile_s": [one.compile_s, many.compile_s],
        "headings_apart": float(np.max(np.abs(apart))),
    }


def main() -> None:
    """Print the table, write it and draw it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dense", type=int, nargs="+", default=SIZES["dense"])
    parser.add_argument("--cells", type=int, nargs="+", default=SIZES["cells"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    kj.use_all_cores(DEVICES)
    rows = measure({"dense": chosen.dense, "cells": chosen.cells}, chosen.repeats)
    _print(rows)
    write_json("mesh", rows, chosen.out)
    save_figure("mesh", draw(rows), chosen.out)


@style()
def draw(rows: Rows) -> Figure:
    """How many times as fast all devices are as one."""
    figure = new_figure()
    axes = figure.add_subplot()
    for way, colour in (("dense", VERMILLION), ("cells", BLUE)):
        found = [row for row in rows if row["way"] == way]
        place = [row["n_fish"] for row in found], [row["gain"] for row in found]
        axes.plot(*place, "o-", color=colour, label=way, markersize=4)
    set_logarithmic(axes, "x")
    axes.set_xlabel("fish")
    axes.set_ylabel("times as fast as one device")
    axes.legend(frameon=False)
    return figure


def _print(rows: Rows) -> None:
    print_table(
        ["sums", "fish", "one device, ms", "all, ms", "times as fast", "compile s", "apart"],
        [
            [
                row["way"],
                f"{row['n_fish']:,}",
                f"{row['one_ms']:.3f}",
                f"{row['many_ms']:.3f}",
                f"{row['gain']:.2f}",
                " and ".join(f"{s:.1f}" for s in row["compile_s"]),
                f"{row['headings_apart']:.0e}",
            ]
            for row in rows
        ],
    )
    print(machine())


if __name__ == "__main__":
    sys.exit(main())
