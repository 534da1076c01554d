"""What a GPU makes of it: pairs, fish-steps, members and snapshots a second, all in one call.

Even schools in float32. Of every pair also the share of the card's rate, by 45 operations a pair,
and of its bandwidth, by the state read and written once a step, the least that must move. The
rates of a card come from a table, or from --peak-tflops and --bandwidth; where they are unknown
the shares are left out. Needs the simulator alone: without matplotlib nothing is drawn.
"""

import argparse
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np
from clock import clock, frames, gas, run_of
from report import machine, print_table, save_figure, write_json

import kadita_jax as kj
from kadita_jax.initial import Start
from kadita_jax.neighbours import cell_layout

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# TFLOP/s in float32 without tensor cores, and TB/s, by words of the card's name, special first.
CARDS = {
    "H200": (66.9, 4.8),
    "H100 PCIe": (51.2, 2.0),
    "H100": (66.9, 3.35),
    "A100 80GB": (19.5, 2.0),
    "A100": (19.5, 1.555),
    "V100": (15.7, 0.9),
    "L40": (90.5, 0.864),
    "4090": (82.6, 1.01),
}
# Of the dense pass, counted in the rule: shortest offset, squares, root, bearing, zones, sums.
FLOPS_PER_PAIR = 45
# Position and heading, three numbers of 4 bytes each, read and written.
BYTES_PER_FISH = 48
DENSITY = 1.0
RADII = {"r_repulsion": 0.5, "r_orientation": 1.0, "r_attraction": 2.0}
# What a run or a trajectory is as long as, to last a fraction of a second on a large card.
WORK = {"dense": 2e11, "cells": 1e8, "metrics": 4e8}
MOST_STEPS, MOST_FRAMES = 2000, 2000
MEASURE_EVERY = 10
# As many members at once as `kadita_jax.sweep_plan` gives a card; that needs more libraries.
BATCH_PAIRS = 2**26
WORDS = {
    "dense": "pairs",
    "cells": "fish-steps",
    "sweep": "members x steps",
    "metrics": "snapshots",
}


class Job(NamedTuple):
    """A call, and how much of its kind of work it does: in how many turns, and in all."""

    kind: str
    n_fish: int
    turns: int
    work: float
    call: Callable[[], Any]


def run_job(way: str, n_fish: int, shorten: int) -> Job:
    """A run over every pair or a cell list."""
    state, params = gas(n_fish, DENSITY, **RADII)
    pairs_or_fish = n_fish**2 if way == "dense" else n_fish
    n_steps = int(np.clip(WORK[way] / pairs_or_fish, 2, MOST_STEPS)) // shorten
    layout = cell_layout(state, params) if way == "cells" else way
    call = run_of(state, params, layout, max(2, n_steps))
    return Job(way, n_fish, max(2, n_steps), pairs_or_fish * max(2, n_steps), call)


def sweep_job(n_fish: int, n_members: int, n_steps: int) -> Job:
    """Members that differ in noise, measured in the second half."""
    params = kj.make_params(box_size=(n_fish / DENSITY) ** (1 / 3), **RADII)
    share = -(-n_members // jax.local_device_count())
    most = 1 if jax.default_backend() == "cpu" else max(2, BATCH_PAIRS // n_fish**2)
    arguments = (
        jax.random.key(0),
        np.arange(n_members),
        params,
        {"noise": np.linspace(0.01, 0.5, n_members)},
        Start("uniform_gas", n_fish),
        kj.Window(n_steps, MEASURE_EVERY, n_steps // 2),
    )
    batch = -(-share // -(-share // most))
    work = n_members * n_steps
    return Job("sweep", n_fish, work, work, lambda: kj.sweep_members(*arguments, batch=batch))


def metrics_job(n_fish: int, shorten: int) -> Job:
    """All twelve metrics of some frames."""
    n_frames = max(1, int(np.clip(WORK["metrics"] / n_fish**2, 1, MOST_FRAMES)) // shorten)
    tracks = frames(n_fish, n_frames, DENSITY)
    call = kj.metrics.measure_trajectory
    return Job("metrics", n_fish, n_frames, n_frames, lambda: call(*tracks))


def figures_of(job: Job, repeats: int, peak: tuple[float | None, float | None]) -> dict[str, Any]:
    """Work a second, compiled and with compiling, and the shares of the card's rates."""
    timing = clock(job.call, repeats)
    rate, (tflops, bandwidth) = job.work / timing.warm_s, peak
    found = {
        "kind": job.kind,
        "n_fish": job.n_fish,
        "rate": rate,
        "rate_with_compiling": job.work / (timing.warm_s + timing.compile_s),
        "turn_ms": timing.warm_s / job.turns * 1e3,
        "wall_s": timing.warm_s,
        "compile_s": timing.compile_s,
    }
    if job.kind == "dense" and tflops is not None:
        found["of_peak"] = FLOPS_PER_PAIR * rate / (tflops * 1e12)
    if job.kind in ("dense", "cells") and bandwidth is not None:
        bytes_per_s = BYTES_PER_FISH * job.n_fish * job.turns / timing.warm_s
        found["of_bandwidth"] = bytes_per_s / (bandwidth * 1e12)
    return found


def peak_of(kind: str) -> tuple[float | None, float | None]:
    """TFLOP/s and TB/s of a card, by its name; None where it is not in the table."""
    known = (rates for words, rates in CARDS.items() if all(w in kind for w in words.split()))
    return next(known, (None, None))


def main() -> None:
    """Print the table, write it and draw it."""
    chosen = _parser().parse_args()
    tflops, bandwidth = peak_of(jax.local_devices()[0].device_kind)
    peak = chosen.peak_tflops or tflops, chosen.bandwidth or bandwidth
    jobs = [
        *(run_job("dense", n_fish, chosen.shorten) for n_fish in chosen.dense),
        *(run_job("cells", n_fish, chosen.shorten) for n_fish in chosen.cells),
        sweep_job(chosen.member_fish, chosen.members, chosen.member_steps),
        *(metrics_job(n_fish, chosen.shorten) for n_fish in chosen.metrics),
    ]
    rows = [figures_of(job, chosen.repeats, peak) for job in jobs]
    _print(rows)
    write_json("gpu", {"peak_tflops_and_tb_per_s": peak, "jobs": rows}, chosen.out)
    if find_spec("matplotlib") is not None:
        save_figure("gpu", draw(rows), chosen.out)
    if chosen.profile is not None:
        slowest = max(range(len(jobs)), key=lambda k: rows[k]["wall_s"])
        with jax.profiler.trace(str(chosen.profile)):
            jax.block_until_ready(jobs[slowest].call())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    counts = {"type": int, "nargs": "*"}
    parser.add_argument("--dense", **counts, default=[1000, 2000, 5000, 10_000, 20_000])
    parser.add_argument("--cells", **counts, default=[10_000, 30_000, 100_000, 300_000, 10**6])
    parser.add_argument("--metrics", **counts, default=[100, 250, 10_000])
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--member-fish", type=int, default=100)
    parser.add_argument("--member-steps", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--shorten", type=int, default=1, help="divide the steps, for a trial")
    parser.add_argument("--peak-tflops", type=float, help="the card's rate in float32")
    parser.add_argument("--bandwidth", type=float, help="of the card's memory, TB/s")
    parser.add_argument("--profile", type=Path, help="folder for a trace of the longest call")
    parser.add_argument("--out", type=Path)
    return parser


def draw(rows: list[dict[str, Any]]) -> "Figure":
    """Work a second by number of fish, a panel for each kind."""
    from drawing import BLUE, new_figure, set_logarithmic, style

    with style():
        figure = new_figure(8, 5)
        panels = figure.subplots(2, 2).ravel()
        for axes, (kind, words) in zip(panels, WORDS.items(), strict=True):
            found = [row for row in rows if row["kind"] == kind]
            place = [row["n_fish"] for row in found], [row["rate"] for row in found]
            axes.plot(*place, "o-", color=BLUE, markersize=4)
            set_logarithmic(axes)
            axes.set_title(f"{kind}: {words} a second", fontsize=9, loc="left")
            axes.set_xlabel("fish")
    return figure


def _print(rows: list[dict[str, Any]]) -> None:
    shares = ("of_peak", "of_bandwidth")
    print_table(
        ["what", "fish", "a second", "with compiling", "ms each", "compile s", "peak", "bandwidth"],
        [
            [
                f"{row['kind']}, {WORDS[row['kind']]}",
                f"{row['n_fish']:,}",
                f"{row['rate']:.3g}",
                f"{row['rate_with_compiling']:.3g}",
                f"{row['turn_ms']:.4g}",
                f"{row['compile_s']:.1f}",
                *(f"{row[share]:.2%}" if share in row else "-" for share in shares),
            ]
            for row in rows
        ],
    )
    print(machine())


if __name__ == "__main__":
    sys.exit(main())
