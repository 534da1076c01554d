"""Times the peer, run by the peer's own Python: prints one JSON object.

Needs only the peer and numpy; never imports kadita_jax.
"""

import json
import sys
import time

import numpy as np
from dewi_kadita.core.metrics import compute_metrics_timeseries
from dewi_kadita.core.solver import CouzinSolver
from dewi_kadita.core.systems import CouzinSystem


def main() -> None:
    """Read scenarios and repeats from standard input, write seconds to standard output."""
    order = json.load(sys.stdin)
    figures = {}
    for name, scenario in order["scenarios"].items():
        first = time.perf_counter()
        _simulate(scenario | {"n_steps": 2})
        compile_s = time.perf_counter() - first
        simulated, measured = [], []
        for _ in range(order["repeats"]):
            start = time.perf_counter()
            result = _simulate(scenario)
            simulated.append(time.perf_counter() - start)
            frames = slice(scenario["measure_from"], None, scenario["measure_every"])
            tracks = [result[k][frames] for k in ("positions", "velocities", "time")]
            start = time.perf_counter()
            compute_metrics_timeseries(*tracks, scenario["box_size"], verbose=False)
            measured.append((time.perf_counter() - start) / len(tracks[2]))
        figures[name] = {
            "first_call_s": compile_s,
            "step_s": float(np.median(simulated)) / scenario["n_steps"],
            "snapshot_s": float(np.median(measured)),
        }
    json.dump(figures, sys.stdout)


def _simulate(scenario: dict) -> dict:
    n_steps, ring_radius = scenario["n_steps"], scenario["ring_radius"]
    system = CouzinSystem(
        **scenario["system"],
        torus_init=ring_radius is not None,
        torus_radius=ring_radius,
    )
    return CouzinSolver(dt=scenario["dt"]).solve(system, n_steps=n_steps, verbose=False)


if __name__ == "__main__":
    main()
