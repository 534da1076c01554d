"""A phase diagram by us and by the peer, and the memory of sweeps of growing size.

Speed: one grid of r_orientation x r_attraction (its corner of radii out of order included) times
replicates, timed as a whole, compiling included. The peer runs some of the same members, evenly
chosen, in the same process layout it has by default; its time for all is the mean times their
number, its own compiling left out. Memory: the peak of processes that sweep more and more members.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from against_peer import peer_order, peer_python, run_peer
from report import machine, print_table, write_json

import kadita_jax as kj

AXES = {"r_orientation": (1.5, 15.0), "r_attraction": (2.0, 20.0)}
MEASURE_EVERY = 10


def grid_axes(side: int) -> dict[str, np.ndarray]:
    """The radii of a square grid."""
    return {name: np.linspace(*span, side) for name, span in AXES.items()}


def time_ours(scenario: kj.Scenario, side: int, replicates: int, out: Path) -> dict[str, Any]:
    """Wall time of the whole sweep, from nothing to the file."""
    begin = time.perf_counter()
    dataset = kj.sweep(
        scenario, grid_axes(side), replicates=replicates, measure_every=MEASURE_EVERY, out=out
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


def time_peer(scenario: kj.Scenario, side: int, n_members: int) -> dict[str, Any]:
    """Seconds a member, of some members spread evenly over the points that are in order."""
    axes = grid_axes(side)
    points = [(o, a) for o in axes["r_orientation"] for a in axes["r_attraction"] if o <= a]
    chosen = np.linspace(0, len(points) - 1, n_members).round().astype(int)
    orders = {}
    for place in chosen:
        radii = dict(zip(AXES, map(float, points[place]), strict=True))
        first = scenario.n_steps // 2 + MEASURE_EVERY
        orders[f"{place}"] = peer_order(scenario.replaced(**radii)) | {"measure_from": first}
    figures = run_peer(peer_python(), orders, repeats=1)
    steps = np.array([figures[name]["step_s"] * scenario.n_steps for name in orders])
    n_frames = scenario.n_steps // 2 // MEASURE_EVERY
    metrics = np.array([figures[name]["snapshot_s"] * n_frames for name in orders])
    each = steps + metrics
    return {"n_members": len(each), "mean_s": float(each.mean()), "std_s": float(each.std())}


def peak_memory(sizes: list[int]) -> dict[int, float]:
    """Peak resident memory, MiB, of a process that sweeps so many members."""
    found = {}
    for n_members in sizes:
        command = [sys.executable, __file__, "--sweep-alone", str(n_members)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found[n_members] = json.loads(done.stdout)
    return found


def _sweep_alone(n_members: int) -> None:
    kj.use_all_cores()
    scenario = kj.Scenario(n_fish=10, n_steps=10)
    with TemporaryDirectory() as folder:
        axes = {"noise": np.linspace(0.01, 1, n_members // 10)}
        kj.sweep(scenario, axes, replicates=10, measure_every=5, out=Path(folder) / "sweep.nc")
    print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def main() -> None:
    """Print the tables and write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=24)
    parser.add_argument("--replicates", type=int, default=4)
    parser.add_argument("--n-steps", type=int, default=1000)
    parser.add_argument("--peer-members", type=int, default=24)
    parser.add_argument("--without-peer", action="store_true", help="time ours alone")
    parser.add_argument("--memory-of", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--sweep-alone", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--keep", type=Path, help="where to keep the sweep's file")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    if chosen.sweep_alone is not None:
        _sweep_alone(chosen.sweep_alone)
        return
    kj.use_all_cores()
    scenario = kj.load_scenario("swarm").replaced(
        n_fish=100, r_repulsion=1.0, n_steps=chosen.n_steps, save_every=1
    )
    with TemporaryDirectory() as folder:
        kept = chosen.keep or Path(folder) / "phase.nc"
        figures = {"ours": time_ours(scenario, chosen.side, chosen.replicates, kept)}
    if not chosen.without_peer:
        figures["peer"] = time_peer(scenario, chosen.side, chosen.peer_members)
    figures["peak_mib"] = peak_memory(chosen.memory_of)
    _print(figures)
    write_json("sweep", figures, chosen.out)


def _print(figures: dict[str, Any]) -> None:
    ours, peer = figures["ours"], figures.get("peer")
    rows = [
        ("members computed", f"{ours['n_computed']} of {ours['n_members']}"),
        ("wall time, compiling included", f"{ours['wall_s']:.1f} s"),
        ("members a second", f"{ours['members_per_s']:.1f}"),
        ("pairs a second", f"{ours['pairs_per_s']:.2e}"),
    ]
    if peer is not None:
        total = peer["mean_s"] * ours["n_computed"]
        sample = f"{peer['mean_s']:.2f} ± {peer['std_s']:.2f} s, of {peer['n_members']}"
        rows += [
            ("the peer, a member", sample),
            ("the peer, all of them", f"{total / 60:.0f} min"),
            ("ratio", f"{total / ours['wall_s']:.0f}x"),
        ]
    print_table(["phase diagram", ""], rows)
    print_table(["members", "peak MiB"], [(n, f"{x:.0f}") for n, x in figures["peak_mib"].items()])
    print(machine())


if __name__ == "__main__":
    sys.exit(main())
