"""The hysteresis of the original model: up in the orientation width, and down again.

100 fish by the rules of Couzin et al. (2002) in open water at attraction width 14; each value is
held for 2,000 steps of which the second half is measured. P and M of both branches with 95 %
intervals over the schools, beside an independent program's (C++, the same rules, 15 seeds).
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import xarray as xr
from report import machine, print_table, save_figure, write_json

import kadita_jax as kj
from kadita_jax.plot.effects import NORMAL_95

SCENARIO = "couzin2002_torus"
PARALLEL = (0.91, "0.03 to 0.09")
# The other program's P and M on the way up and on the way down.
KNOWN_LOOP = {
    0.0: ((0.16, 0.18), (0.17, 0.18)),
    0.25: ((0.16, 0.79), (0.85, 0.16)),
    0.5: ((0.09, 0.89), (0.90, 0.14)),
    1.0: ((0.10, 0.90), PARALLEL),
    2.0: ((0.16, 0.84), PARALLEL),
    2.5: ((0.32, 0.71), PARALLEL),
    2.75: ((0.69, 0.30), PARALLEL),
    3.0: ((0.91, 0.03), (0.91, 0.03)),
}


def loop(values: str, replicates: int, n_steps: int) -> tuple[dict[str, Any], xr.Dataset]:
    """The loop over the orientation width, with 95 % intervals of the means."""
    begin = time.perf_counter()
    dataset = kj.hysteresis(
        SCENARIO, "orientation_width", values, replicates=replicates, n_steps=n_steps
    )
    figures: dict[str, Any] = {"widths": dataset["orientation_width"].values.tolist()}
    for branch in ("up", "down"):
        part = dataset.sel(branch=branch)
        for symbol, name in (("P", "polarization"), ("M", "rotation")):
            error = NORMAL_95 * part[f"{name}_standard_error"]
            mean = part[f"{name}_mean"].mean("replicate")
            figures[f"{symbol}_{branch}"] = mean.values.tolist()
            figures[f"{symbol}_{branch}_band"] = error.values.tolist()
    return figures | {"seconds": time.perf_counter() - begin}, dataset


def print_loop(found: dict[str, Any]) -> None:
    rows = []
    for k, width in enumerate(found["widths"]):
        known = KNOWN_LOOP.get(width, (None, None))
        row: list[Any] = [width]
        for branch, theirs in zip(("up", "down"), known, strict=True):
            values = (
                found[f"{symbol}_{branch}{end}"][k] for symbol in "PM" for end in ("", "_band")
            )
            row.append("{:.2f}±{:.2f} / {:.2f}±{:.2f}".format(*values))
            row.append("-" if theirs is None else f"{theirs[0]} / {theirs[1]}")
        rows.append(row)
    print_table(["orientation width", "up: P / M", "C++", "down: P / M", "C++"], rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--values", default="0:4:17")
    parser.add_argument("--replicates", type=int, default=16)
    parser.add_argument("--n-steps", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args()
    kj.use_all_cores()
    print(machine(), "\n")
    figures, dataset = loop(asked.values, asked.replicates, asked.n_steps)
    print_loop(figures)
    print(f"the loop of {asked.replicates} schools took {figures['seconds']:.1f} s\n")
    write_json("hysteresis", figures, asked.out)
    save_figure("hysteresis", kj.plot.hysteresis(dataset), asked.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
