"""Ours and the peer's time for the four canonical schools, in one run on one machine.

Simulation: seconds a step of a whole run, initial state given, every step saved by both.
Metrics: seconds a snapshot for all twelve. Compile time (first call less a later one) apart.
Medians of repeats; ours in float32 and float64, the peer in float64 (all it has).
"""

import argparse
import json
import os
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from report import machine, print_table, write_json

import kadita_jax as kj
from kadita_jax.parameters import PARAMETERS

PEER = "dewi-kadita==0.0.4"
HERE = Path(__file__).parent
ENVIRONMENT = HERE.parent / ".cache" / "peer"
MEASURE_EVERY = 10


def peer_python() -> Path:
    """The Python of an environment that holds the peer alone, made on first use."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", PEER], check=True)
    return python


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
    order = {"repeats": repeats, "scenarios": orders}
    done = subprocess.run(
        [python, HERE / "peer_worker.py"],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": ""},
    )
    return json.loads(done.stdout)


def time_ours(scenarios: dict[str, kj.Scenario], repeats: int) -> dict[str, dict]:
    """Our figures by scenario, in jax's present float."""
    return {name: _time_one(scenario, repeats) for name, scenario in scenarios.items()}


def _time_one(scenario: kj.Scenario, repeats: int) -> dict[str, float]:
    key = jax.random.key(scenario.seed)
    state, params = scenario.initial_state(key), scenario.params
    simulate_s, compile_s, trajectory = _clock(
        lambda: kj.simulate(state, params, key, n_steps=scenario.n_steps), repeats
    )
    position, heading = (
        jax.block_until_ready(x[::MEASURE_EVERY]) for x in (trajectory.position, trajectory.heading)
    )
    measure_s, measure_compile_s, _ = _clock(
        lambda: kj.metrics.measure_trajectory(position, heading, scenario.box_size), repeats
    )
    return {
        "step_s": simulate_s / scenario.n_steps,
        "snapshot_s": measure_s / len(position),
        "compile_simulate_s": compile_s,
        "compile_measure_s": measure_compile_s,
    }


def _clock(call: Callable[[], Any], repeats: int) -> tuple[float, float, Any]:
    """Median seconds of a warm call, what the first took beyond that, and its result."""
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        result = jax.block_until_ready(call())
        seconds.append(time.perf_counter() - start)
    warm = float(np.median(seconds[1:]))
    return warm, seconds[0] - warm, result


def main() -> None:
    """Print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = kj.scenario_names()
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
    _print(figures)
    write_json("against_peer", figures, chosen.out)


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
