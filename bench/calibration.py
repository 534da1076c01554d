"""Whether calibration finds parameters that are known, from ten scans at random.

A school of 60 fish with known r_orientation, r_attraction and noise. Each start is another seed:
other points of the scan, other noise, other initial states, and a target of its own, the mean
metrics of another ensemble. How far each ends from the truth, how often its 95 % intervals hold
it, what it says of itself, and the time.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
from drawing import BLUE, MUTED, new_figure, style
from matplotlib.figure import Figure
from report import machine, print_table, save_figure, write_json

import kadita_jax as kj
from kadita_jax.calibration_target import DERIVED
from kadita_jax.plot.effects import NORMAL_95
from kadita_jax.window import Window

TRUTH = {"r_orientation": 5.0, "r_attraction": 7.0, "noise": 0.3}
BOUNDS = {"r_orientation": (1.0, 10.0), "r_attraction": (2.0, 12.0), "noise": (0.01, 0.6)}
# A start has found the truth within so much of every parameter.
NEAR = 0.05
FIRST_TARGET_SEED = 1_000


def target_of(scenario: kj.Scenario, replicates: int, seed: int) -> dict[str, float]:
    """The mean metrics of the school with the known parameters."""
    window = Window(scenario.n_steps, 10, scenario.n_steps // 2)
    params = scenario.replaced(**TRUTH).params
    key, numbers = jax.random.key(seed), np.arange(replicates)
    found = kj.sweep_members(
        key, numbers, params, {}, scenario.start, window, convention="corrected"
    )
    names = [name for name in kj.metrics.NAMES if name not in DERIVED]
    return {name: float(np.mean(getattr(found.mean, name))) for name in names}


def started(
    scenario: kj.Scenario, target: dict[str, float], schools: int, seed: int
) -> dict[str, Any]:
    """One calibration."""
    begin = time.perf_counter()
    found = kj.calibrate(
        scenario,
        target,
        wrt=BOUNDS,
        target_schools=schools,
        replicates=schools,
        seed=seed,
        convention="corrected",
    )
    off = max(abs(found.parameters[name] / value - 1) for name, value in TRUTH.items())
    return {
        "seed": seed,
        "parameters": dict(found.parameters),
        "standard_errors": dict(found.standard_errors),
        "off": off,
        "misfit": found.misfit,
        "identifiable": found.identifiable,
        "verdict": found.verdict,
        "n_runs": found.n_runs,
        "wall_s": time.perf_counter() - begin,
    }


def covered(rows: list[dict[str, Any]]) -> dict[str, int]:
    """In how many starts the 95 % interval of each parameter holds the truth."""
    return {
        name: sum(
            abs(row["parameters"][name] - value) <= NORMAL_95 * row["standard_errors"][name]
            for row in rows
        )
        for name, value in TRUTH.items()
    }


def main() -> None:
    """Print the table, write it and draw it."""
    chosen = _parser().parse_args()
    kj.use_all_cores()
    scenario = kj.Scenario(
        name="known", n_fish=chosen.n_fish, n_steps=chosen.n_steps, save_every=1, r_attraction=9.0
    )
    rows = []
    for seed in range(chosen.starts):
        target = target_of(scenario, chosen.schools, FIRST_TARGET_SEED + seed)
        rows.append(started(scenario, target, chosen.schools, seed))
        print(f"start {seed}: {rows[-1]['off']:.1%} off", file=sys.stderr)
    figures = {"truth": TRUTH, "covered": covered(rows), "starts": rows}
    _print(rows, figures["covered"])
    write_json("calibration", figures, chosen.out)
    save_figure("calibration", draw(figures), chosen.out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-fish", type=int, default=60)
    parser.add_argument("--n-steps", type=int, default=400)
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--schools", type=int, default=256, help="of the target and the last fit")
    parser.add_argument("--out", type=Path)
    return parser


def _print(rows: list[dict[str, Any]], held: dict[str, int]) -> None:
    print_table(
        ["start", *TRUTH, "farthest off", "misfit", "identified", "schools", "s"],
        [
            [
                row["seed"],
                *(f"{row['parameters'][n]:.4g} ± {row['standard_errors'][n]:.2g}" for n in TRUTH),
                f"{row['off']:.1%}",
                f"{row['misfit']:.2f}",
                "yes" if row["identifiable"] else row["verdict"],
                f"{row['n_runs']:,}",
                f"{row['wall_s']:.0f}",
            ]
            for row in rows
        ],
    )
    near = sum(row["off"] <= NEAR for row in rows)
    print(f"{near} of {len(rows)} starts within {NEAR:.0%} of the truth")
    words = ", ".join(f"{name} {number}" for name, number in held.items())
    print(f"95 % intervals that hold the truth: {words}\n")
    print(machine())


@style()
def draw(figures: dict[str, Any]) -> Figure:
    """Where each start ended, with two standard errors, relative to the truth."""
    figure = new_figure(7.2, 2.6)
    panels = figure.subplots(1, len(TRUTH), sharey=True)
    for axes, (name, value) in zip(panels, figures["truth"].items(), strict=True):
        ends = [row["parameters"][name] / value for row in figures["starts"]]
        errors = [2 * row["standard_errors"][name] / value for row in figures["starts"]]
        place = range(len(ends))
        finite = np.where(np.isfinite(errors), errors, 0)
        axes.axhspan(1 - NEAR, 1 + NEAR, color=MUTED, alpha=0.2, linewidth=0)
        axes.errorbar(place, ends, finite, fmt="o", color=BLUE, markersize=3)
        axes.set_title(name)
        axes.set_xlabel("start")
    panels[0].set_ylabel("fitted / true")
    return figure


if __name__ == "__main__":
    sys.exit(main())
