"""How far our metrics and noise-free steps are from the peer's, in float64 and float32.

The peer's values are the tests' own data: 19 snapshots with all twelve metrics, and 10 steps of 12
parameter sets.
"""

import argparse
from pathlib import Path

import jax
import numpy as np
from report import machine, print_table, write_json

import kadita_jax as kj

DATA = Path(__file__).parent.parent / "tests" / "data"


def metric_differences(first: int | None) -> dict[str, float]:
    """Largest difference over the first snapshots, by metric, in jax's present float."""
    with np.load(DATA / "metrics.npz") as peer:
        found = [
            kj.metrics.measure(peer[f"positions_{k}"], peer[f"velocities_{k}"], float(box))
            for k, box in enumerate(peer["box_size"][:first])
        ]
        return {
            name: max(
                abs(float(getattr(metrics, name)) - peer[name][k])
                for k, metrics in enumerate(found)
            )
            for name in kj.metrics.NAMES
        }


def step_differences(first: int | None) -> dict[str, list[float]]:
    """Largest difference in position or velocity after 1 and 10 steps, by parameter set."""
    with np.load(DATA / "steps.npz") as peer:
        return {
            str(name): _set_differences(peer, k) for k, name in enumerate(peer["names"][:first])
        }


def _set_differences(peer: np.lib.npyio.NpzFile, k: int) -> list[float]:
    fields = dict(zip(peer["fields"], map(float, peer["params"][k]), strict=True))
    del fields["n_fish"]
    position, velocity = peer[f"positions_{k}"], peer[f"velocities_{k}"]
    state, params = kj.make_state(position[0], velocity[0]), kj.make_params(**fields, noise=0)
    run = kj.simulate(state, params, jax.random.key(0), n_steps=10)
    worst = []
    for step in (1, 10):
        frame = int(np.flatnonzero(peer["steps"] == step)[0])
        apart = np.abs(np.asarray(run.position[step], float) - position[frame])
        apart = np.minimum(apart, fields["box_size"] - apart)
        turned = np.abs(np.asarray(run.heading[step], float) * fields["speed"] - velocity[frame])
        worst.append(float(max(apart.max(), turned.max())))
    return worst


def main() -> None:
    """Print the tables and write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, help="of the snapshots and sets only so many")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    figures = {}
    for dtype in ("float64", "float32"):
        jax.config.update("jax_enable_x64", dtype == "float64")
        figures[dtype] = {
            "metrics": metric_differences(chosen.first),
            "steps": step_differences(chosen.first),
        }
    double, single = figures["float64"], figures["float32"]
    print_table(
        ["metric", "float64", "float32"],
        [[m, f"{x:.1e}", f"{single['metrics'][m]:.1e}"] for m, x in double["metrics"].items()],
    )
    print_table(
        ["parameter set", "float64: 1 step", "10 steps", "float32: 1 step", "10 steps"],
        [[s, *(f"{x:.1e}" for x in d + single["steps"][s])] for s, d in double["steps"].items()],
    )
    print(machine())
    write_json("parity", figures, chosen.out)


if __name__ == "__main__":
    main()
