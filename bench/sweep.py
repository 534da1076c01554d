"""Sweeps by us and by the peer, and the memory of sweeps of growing size.

Phase diagram: one grid of r_orientation x r_attraction (its corner of radii out of order included)
times replicates, timed as a whole, compiling included. Small members: a grid of noise x max_turn
of the swarm as it is, timed compiling included, and once more from another seed without. The peer
runs some of the same members, evenly chosen, in the same process layout it has by default; its
time for all is the mean times their number, its own compiling left out. Memory: the peak of
processes that sweep more and more members.
"""

import argparse
import json
import sys
import time
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from against_peer import peer_order, peer_python, run_peer
from drawing import BLUE, SKY, VERMILLION, label_bars, new_figure, set_logarithmic, style
from matplotlib.figure import Figure
from memory import peak_mib, run_alone
from report import machine, print_table, save_figure, write_json

import kadita_jax as kj

PHASE_AXES = {"r_orientation": (1.5, 15.0), "r_attraction": (2.0, 20.0)}
SMALL_AXES = {"noise": (0.05, 0.5), "max_turn": (0.1, 0.6)}
MEASURE_EVERY = 10
# What the table and the figure call each sweep.
TITLES = {"phase": "phase diagram", "small": "small members"}
Axes = dict[str, np.ndarray]


def grid_axes(spans: dict[str, tuple[float, float]], side: int) -> Axes:
    """The axes of a square grid."""
    return {name: np.linspace(*span, side) for name, span in spans.items()}


def time_ours(
    scenario: kj.Scenario, axes: Axes, replicates: int, out: Path, seed: int | None = None
) -> dict[str, Any]:
    """Wall time of the whole sweep, from nothing to the file."""
    begin = time.perf_counter()
    dataset = kj.sweep(
        scenario, axes, replicates=replicates, seed=seed, measure_every=MEASURE_EVERY, out=out
    )
    wall_s = time.perf_counter() - begin
    n_computed = int(dataset["valid"].sum())
    pairs = n_computed * scenario.n_fish**2 * scenario.n_steps
    return {
        "n_members": int(dataset["valid"].size),
        "n_computed": n_computed,
        "wall_s": wall_s,
        "members_per_s": n_computed / wall_s,
        "pairs_per_s": pairs / wall_s,
    }


def time_peer(scenario: kj.Scenario, axes: Axes, n_members: int) -> dict[str, Any]:
    """Seconds a member, of some members spread evenly over the points that are in order."""
    points = [dict(zip(axes, map(float, point), strict=True)) for point in product(*axes.values())]
    points = [point for point in points if _is_in_order(point)]
    chosen = np.linspace(0, len(points) - 1, n_members).round().astype(int)
    first = scenario.n_steps // 2 + MEASURE_EVERY
    orders = {
        f"{place}": peer_order(scenario.replaced(**points[place])) | {"measure_from": first}
        for place in chosen
    }
    figures = run_peer(peer_python(), orders, repeats=1)
    steps = np.array([figures[name]["step_s"] * scenario.n_steps for name in orders])
    n_frames = scenario.n_steps // 2 // MEASURE_EVERY
    metrics = np.array([figures[name]["snapshot_s"] * n_frames for name in orders])
    each = steps + metrics
    return {"n_members": len(each), "mean_s": float(each.mean()), "std_s": float(each.std())}


def _is_in_order(point: dict[str, float]) -> bool:
    return point.get("r_orientation", 0.0) <= point.get("r_attraction", np.inf)


def _sweep_alone(n_members: int) -> None:
    kj.use_all_cores()
    scenario = kj.Scenario(n_fish=10, n_steps=10)
    with TemporaryDirectory() as folder:
        axes = {"noise": np.linspace(0.01, 1, n_members // 10)}
        kj.sweep(scenario, axes, replicates=10, measure_every=5, out=Path(folder) / "sweep.nc")
    print(json.dumps(peak_mib()))


def main() -> None:
    """Print the tables, write them and draw them."""
    chosen = _parser().parse_args()
    if chosen.sweep_alone is not None:
        _sweep_alone(chosen.sweep_alone)
        return
    kj.use_all_cores()
    with TemporaryDirectory() as folder:
        figures = _phase(chosen, chosen.keep or Path(folder) / "phase.nc")
        figures["small"] = _small(chosen, Path(folder))
    sizes = chosen.memory_of
    figures["peak_mib"] = {n: run_alone(__file__, "--sweep-alone", str(n)) for n in sizes}
    _print(figures)
    write_json("sweep", figures, chosen.out)
    save_figure("sweep", draw(figures), chosen.out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=24)
    parser.add_argument("--replicates", type=int, default=4)
    parser.add_argument("--n-steps", type=int, default=1000)
    parser.add_argument("--small-side", type=int, default=10)
    parser.add_argument("--small-replicates", type=int, default=10)
    parser.add_argument("--small-steps", type=int, default=300)
    parser.add_argument("--peer-members", type=int, default=24)
    parser.add_argument("--without-peer", action="store_true", help="time ours alone")
    parser.add_argument("--memory-of", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--sweep-alone", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--keep", type=Path, help="where to keep the phase diagram's file")
    parser.add_argument("--out", type=Path)
    return parser


def _phase(chosen: argparse.Namespace, out: Path) -> dict[str, Any]:
    scenario = kj.load_scenario("swarm").replaced(
        n_fish=100, r_repulsion=1.0, n_steps=chosen.n_steps, save_every=1
    )
    axes = grid_axes(PHASE_AXES, chosen.side)
    figures = {"ours": time_ours(scenario, axes, chosen.replicates, out)}
    if not chosen.without_peer:
        figures["peer"] = time_peer(scenario, axes, chosen.peer_members)
    return figures


def _small(chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    scenario = kj.load_scenario("swarm").replaced(n_steps=chosen.small_steps)
    axes, replicates = grid_axes(SMALL_AXES, chosen.small_side), chosen.small_replicates
    figures = {
        "ours": time_ours(scenario, axes, replicates, folder / "cold.nc"),
        "warm": time_ours(scenario, axes, replicates, folder / "warm.nc", scenario.seed + 1),
    }
    if not chosen.without_peer:
        figures["peer"] = time_peer(scenario, axes, chosen.peer_members)
    return figures


@style()
def draw(figures: dict[str, Any]) -> Figure:
    """Members a second of each sweep, the peer's one after another."""
    figure = new_figure(6.4, 2.6)
    axes = figure.add_subplot()
    rows = [row for name in TITLES for row in _speeds(name, figures)]
    names, colours, speeds = zip(*rows, strict=True)
    axes.barh(names, speeds, color=colours)
    axes.invert_yaxis()
    set_logarithmic(axes, "x")
    axes.set_xlabel("members a second")
    axes.margins(x=0.12)
    label_bars(axes, "%.3g")
    return figure


def _speeds(name: str, figures: dict[str, Any]) -> list[tuple[str, str, float]]:
    found = figures if name == "phase" else figures[name]
    rows = [(f"{TITLES[name]}, with compiling", BLUE, found["ours"]["members_per_s"])]
    if "warm" in found:
        rows.append((f"{TITLES[name]}, compiled", SKY, found["warm"]["members_per_s"]))
    if "peer" in found:
        rows.append((f"{TITLES[name]}, the peer", VERMILLION, 1 / found["peer"]["mean_s"]))
    return rows


def _print(figures: dict[str, Any]) -> None:
    for name, title in TITLES.items():
        print_table([title, ""], _rows(figures if name == "phase" else figures[name]))
    print_table(["members", "peak MiB"], [(n, f"{x:.0f}") for n, x in figures["peak_mib"].items()])
    print(machine())


def _rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    ours, warm, peer = figures["ours"], figures.get("warm"), figures.get("peer")
    rows = [
        ("members computed", f"{ours['n_computed']} of {ours['n_members']}"),
        ("wall time, compiling included", f"{ours['wall_s']:.1f} s"),
        ("members a second", f"{ours['members_per_s']:.1f}"),
        ("pairs a second", f"{ours['pairs_per_s']:.2e}"),
    ]
    if warm is not None:
        rows.append(("wall time, compiled before", f"{warm['wall_s']:.1f} s"))
    if peer is None:
        return rows
    total = peer["mean_s"] * ours["n_computed"]
    sample = f"{peer['mean_s']:.2f} ± {peer['std_s']:.2f} s, of {peer['n_members']}"
    rows += [
        ("the peer, a member", sample),
        ("the peer, all of them", f"{total / 60:.0f} min"),
        ("ratio", f"{total / ours['wall_s']:.0f}x"),
    ]
    if warm is not None:
        rows.append(("ratio, compiled before", f"{total / warm['wall_s']:.0f}x"))
    return rows


if __name__ == "__main__":
    sys.exit(main())
