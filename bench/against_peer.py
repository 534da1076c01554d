"""Ours and the peer's time for the four canonical schools, in one run on one machine.

Simulation: seconds a step of a whole run, initial state given, every step saved by both.
Metrics: seconds a snapshot for all twelve. Compile time (first call less a later one) apart.
Medians of repeats; ours in float32 and float64, the peer in float64 (all it has).
"""

import argparse
import sys
from pathlib import Path

import jax
import numpy as np
from clock import clock
from drawing import BLUE, SKY, label_bars, new_figure, style
from matplotlib.figure import Figure
from peers import python_with, run_worker
from report import machine, print_table, save_figure, write_json

import kadita_jax as kj
from kadita_jax.parameters import PARAMETERS
from kadita_jax.scenario import CANONICAL

PEER = "dewi-kadita==0.0.4"
MEASURE_EVERY = 10


def peer_python() -> Path:
    """The Python of an environment that holds the peer alone."""
    return python_with(PEER, "peer")


def peer_order(scenario: kj.Scenario) -> dict:
    """A scenario in the peer's words."""
    system = {name: getattr(scenario, name) for name in PARAMETERS if name != "dt"}
    return {
        "system": system | {"n_fish": scenario.n_fish},
        "ring_radius": scenario.ring_radius,
        "dt": scenario.dt,
        "n_steps": scenario.n_steps,
        "box_size": scenario.box_size,
        "measure_from": 0,
        "measure_every": MEASURE_EVERY,
    }


def time_peer(python: Path, scenarios: dict[str, kj.Scenario], repeats: int) -> dict[str, dict]:
    """The peer's figures by scenario."""
    return run_peer(python, {name: peer_order(s) for name, s in scenarios.items()}, repeats)


def run_peer(python: Path, orders: dict[str, dict], repeats: int) -> dict[str, dict]:
    """What the peer's own Python measures of each order."""
    return run_worker(python, "peer_worker.py", {"repeats": repeats, "scenarios": orders})


def time_ours(scenarios: dict[str, kj.Scenario], repeats: int) -> dict[str, dict]:
    """Our figures by scenario, in jax's present float."""
    return {name: _time_one(scenario, repeats) for name, scenario in scenarios.items()}


def _time_one(scenario: kj.Scenario, repeats: int) -> dict[str, float]:
    key = jax.random.key(scenario.seed)
    state, params = scenario.initial_state(key), scenario.params
    simulate_s, compile_s, trajectory = clock(
        lambda: kj.simulate(state, params, key, n_steps=scenario.n_steps), repeats
    )
    position, heading = (
        jax.block_until_ready(x[::MEASURE_EVERY]) for x in (trajectory.position, trajectory.heading)
    )
    measure_s, measure_compile_s, _ = clock(
        lambda: kj.metrics.measure_trajectory(position, heading, scenario.box_size), repeats
    )
    return {
        "step_s": simulate_s / scenario.n_steps,
        "snapshot_s": measure_s / len(position),
        "compile_simulate_s": compile_s,
        "compile_measure_s": measure_compile_s,
    }


def main() -> None:
    """Print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = CANONICAL
    parser.add_argument("--schools", nargs="+", choices=names, default=names)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--shorten", type=int, default=1, help="divide the steps, for a trial")
    parser.add_argument("--without-peer", action="store_true", help="time ours alone")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    loaded = {name: kj.load_scenario(name) for name in chosen.schools}
    scenarios = {n: s.replaced(n_steps=s.n_steps // chosen.shorten) for n, s in loaded.items()}
    figures: dict[str, dict] = {}
    for dtype in ("float32", "float64"):
        jax.config.update("jax_enable_x64", dtype == "float64")
        figures[dtype] = time_ours(scenarios, chosen.repeats)
    if not chosen.without_peer:
        figures["peer"] = time_peer(peer_python(), scenarios, max(1, chosen.repeats // 2))
        save_figure("against_peer", draw(figures), chosen.out)
    _print(figures)
    write_json("against_peer", figures, chosen.out)


@style()
def draw(figures: dict[str, dict]) -> Figure:
    """How many times as long the peer takes, by school, for a step and for a snapshot."""
    figure = new_figure(8, 3.2)
    kinds = {"step_s": "a step", "snapshot_s": "the metrics of a snapshot"}
    schools = list(figures["float32"])
    place = np.arange(len(schools))
    for number, (kind, words) in enumerate(kinds.items(), start=1):
        axes = figure.add_subplot(1, 2, number)
        for shift, dtype, colour in ((-0.2, "float32", BLUE), (0.2, "float64", SKY)):
            ratios = [figures["peer"][s][kind] / figures[dtype][s][kind] for s in schools]
            axes.bar(place + shift, ratios, 0.38, color=colour, label=dtype)
        axes.set_xticks(place, [name.replace("_", "\n") for name in schools])
        axes.set_title(f"The peer's time over ours: {words}", fontsize=9, loc="left")
        label_bars(axes, "%.0fx")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return figure


def _print(figures: dict[str, dict]) -> None:
    peer, rows = figures.get("peer", {}), []
    for dtype in ("float32", "float64"):
        for name, ours in figures[dtype].items():
            row = [name, dtype]
            for kind in ("step_s", "snapshot_s"):
                theirs = peer[name][kind] if peer else float("nan")
                row += [f"{theirs * 1e3:.2f}", f"{ours[kind] * 1e3:.3f}"]
                row += [f"{theirs / ours[kind]:.1f}x"]
            compiled = ours["compile_simulate_s"], ours["compile_measure_s"]
            rows.append([*row, " + ".join(f"{s:.1f}" for s in compiled)])
    times = ["peer ms/step", "ours", "ratio", "peer ms/snapshot", "ours", "ratio"]
    print_table(["school", "dtype", *times, "compile s"], rows)
    print(machine())


if __name__ == "__main__":
    sys.exit(main())
