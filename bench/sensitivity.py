"""Derivatives of an ensemble by each estimator, beside a finer one of the plain model.

The truth test: 100 fish, r_orientation across the transition from swarm to parallel, derivatives
of P and OSI (means over the second half) by r_orientation. The truth is central differences of so
small a step that its bias, which grows with the square, is less than half of the default's, over
many replicates; the others have seeds of their own. "pairs" is the default of eight
parameters, which moves them in pairs. The horizon: standard errors of pathwise derivatives and of
differences of a late P, each times the square root of its seconds, against the number of steps.
The cost: eight parameters against one forward ensemble, and the memory of 1,000 steps in reverse.
"""

import argparse
import json
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from clock import clock
from drawing import BLUE, GREEN, MUTED, SKY, VERMILLION, new_figure, set_logarithmic, style
from matplotlib.figure import Figure
from memory import peak_mib, run_alone
from report import machine, print_table, save_figure, write_json

import kadita_jax as kj
from kadita_jax.plot.effects import NORMAL_95
from kadita_jax.window import Window

POINTS = (2.5, 3.0, 3.5, 3.75, 4.0, 4.5, 5.0)
OF = ("polarization", "oceanic_schooling_index")
EIGHT = {
    "r_orientation": 3.75,
    "r_repulsion": 1.0,
    "r_attraction": 10.0,
    "max_turn": 0.3,
    "noise": 0.1,
    "blind_angle": 30.0,
    "orientation_weight": 0.9,
    "speed": 1.0,
}
TRUE_STEP = 0.05
HORIZONS = (6, 10, 20, 40, 80)
ESTIMATORS = {
    "truth": MUTED,
    "differences": BLUE,
    "pairs": GREEN,
    "smoothing": SKY,
    "pathwise": VERMILLION,
}


def school(n_fish: int, n_steps: int, **fields: float) -> kj.Scenario:
    """The school of all studies."""
    return kj.Scenario(name="default", n_fish=n_fish, n_steps=n_steps, save_every=1, **fields)


def study(scenario: kj.Scenario, **options: Any) -> dict[str, list[float]]:
    """Derivatives by r_orientation and their standard errors, of each metric.

    Whatever is moved beside it comes after it.
    """
    settings = {"of": OF, "wrt": ("r_orientation",), "convention": "corrected"} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = kj.sensitivity(scenario, **settings)
    return {
        "derivative": found["derivative"].values[:, 0].tolist(),
        "error": found["standard_error"].values[:, 0].tolist(),
        "horizon": found.attrs.get("horizon"),
        "lyapunov_exponent": found.attrs.get("lyapunov_exponent"),
    }


def truth_test(chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """Every estimator at every point."""
    rows = []
    for point in POINTS[: chosen.points]:
        scenario = school(chosen.n_fish, chosen.n_steps, **EIGHT | {"r_orientation": point})
        fine = {"half_step": {"r_orientation": TRUE_STEP}, "method": "differences"}
        row = {
            "r_orientation": point,
            "truth": study(
                scenario, seed=1, replicates=chosen.true_replicates, of=chosen.of, **fine
            ),
            "differences": study(scenario, seed=2, replicates=chosen.replicates, of=chosen.of),
            "pairs": study(
                scenario, seed=5, replicates=chosen.replicates, of=chosen.of, wrt=tuple(EIGHT)
            ),
            "smoothing": study(
                scenario, seed=3, replicates=chosen.replicates, of=chosen.of, method="smoothing"
            ),
            "pathwise": study(
                scenario, seed=4, replicates=chosen.paths, of=chosen.of, method="pathwise"
            ),
        }
        rows.append(row)
        print(f"r_orientation {point} done", file=sys.stderr)
    return rows


def judged(rows: list[dict[str, Any]], way: str, metric: int) -> dict[str, Any]:
    """How often an estimator covers the truth, and how wide its intervals are."""
    truth = np.array([row["truth"]["derivative"][metric] for row in rows])
    found = np.array([row[way]["derivative"][metric] for row in rows])
    half = NORMAL_95 * np.array([row[way]["error"][metric] for row in rows])
    return {
        "covered": int(np.sum(np.abs(found - truth) <= half)),
        "points": len(rows),
        "widest": float(half.max() / np.abs(truth).max()),
        "bias": float(np.mean(found - truth)),
    }


def horizons(chosen: argparse.Namespace) -> list[dict[str, float]]:
    """Errors of both ways for runs of more and more steps."""
    rows = []
    for n_steps in chosen.horizons:
        scenario = school(chosen.n_fish, n_steps, r_orientation=3.5)
        final = {"measure_every": n_steps // 2, "burn_in": n_steps // 2, "of": OF[:1]}
        row: dict[str, Any] = {"n_steps": n_steps}
        for method in ("pathwise", "differences"):
            options = final | {"method": method, "replicates": chosen.horizon_replicates}
            timing = clock(partial(study, scenario, **options), 3)
            row[method] = timing.result
            row[f"{method}_s"] = timing.warm_s
            row[f"{method}_cost"] = timing.result["error"][0] * timing.warm_s**0.5
        rows.append(row)
    return rows


def cost(chosen: argparse.Namespace) -> dict[str, float]:
    """Seconds of one forward ensemble and of derivatives by eight parameters."""
    scenario = school(chosen.n_fish, chosen.n_steps, **EIGHT)
    numbers, window = np.arange(chosen.paths), Window(chosen.n_steps, 10, chosen.n_steps // 2)

    def forward() -> Any:
        key, params = jax.random.key(0), scenario.params
        options = {"convention": "corrected"}
        return kj.sweep_members(key, numbers, params, {}, scenario.start, window, **options)

    options = {"wrt": tuple(EIGHT), "replicates": chosen.paths}
    forward_s = clock(forward, 3).warm_s
    eight_s = clock(lambda: study(scenario, **options), 3).warm_s
    return {"forward_s": forward_s, "eight_s": eight_s, "ratio": eight_s / forward_s}


def _reverse_alone(n_fish: int, n_steps: int) -> None:
    scenario = school(n_fish, n_steps)
    options = {"each": ("position",), "wrt": (), "of": OF[:1], "replicates": 2}
    options |= {"method": "pathwise", "convention": "corrected", "burn_in": n_steps - 10}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kj.sensitivity(scenario, **options)
    print(json.dumps(peak_mib()))


def main() -> None:
    """Print the tables, write them and draw the first."""
    chosen = _parser().parse_args()
    if chosen.reverse_alone:
        _reverse_alone(*chosen.reverse_alone)
        return
    kj.use_all_cores()
    rows = truth_test(chosen)
    words = map(str, chosen.reverse)
    figures = {
        "truth": rows,
        "judged": {
            name: {way: judged(rows, way, metric) for way in ("differences", "pairs", "smoothing")}
            for metric, name in enumerate(chosen.of)
        },
        "horizon": horizons(chosen),
        "cost": cost(chosen),
        "reverse": {
            "n_fish": chosen.reverse[0],
            "n_steps": chosen.reverse[1],
            "peak_mib": run_alone(__file__, "--reverse-alone", *words),
        },
    }
    _print(figures)
    write_json("sensitivity", figures, chosen.out)
    save_figure("sensitivity", draw(figures), chosen.out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-fish", type=int, default=100)
    parser.add_argument("--n-steps", type=int, default=500)
    parser.add_argument("--of", nargs="+", default=OF, help="metrics, P first")
    parser.add_argument("--points", type=int, default=len(POINTS))
    parser.add_argument("--true-replicates", type=int, default=4096)
    parser.add_argument("--replicates", type=int, default=128, help="of the others")
    parser.add_argument("--paths", type=int, default=32, help="replicates of pathwise")
    parser.add_argument("--horizons", type=int, nargs="+", default=HORIZONS)
    parser.add_argument("--horizon-replicates", type=int, default=128)
    parser.add_argument("--reverse", type=int, nargs=2, default=[200, 1000], help="fish, steps")
    parser.add_argument("--reverse-alone", type=int, nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path)
    return parser


def _print(figures: dict[str, Any]) -> None:
    for metric, name in enumerate(figures["judged"]):
        rows = [
            [row["r_orientation"], *(_cell(row[way], metric) for way in ESTIMATORS)]
            for row in figures["truth"]
        ]
        print_table([f"d {name} / d r_orientation at", *ESTIMATORS], rows)
        for way, found in figures["judged"][name].items():
            print(
                f"{way}: covers {found['covered']} of {found['points']}, widest half-interval "
                f"{found['widest']:.0%} of the largest truth, mean difference {found['bias']:.3f}"
            )
        print()
    print_table(
        ["steps", "growth horizon", "pathwise", "differences", "error x sqrt(s), both"],
        [_horizon_row(row) for row in figures["horizon"]],
    )
    spent, reverse = figures["cost"], figures["reverse"]
    print_table(
        ["cost", ""],
        [
            ("one forward ensemble", f"{spent['forward_s']:.2f} s"),
            ("eight parameters", f"{spent['eight_s']:.2f} s: {spent['ratio']:.1f}x"),
            (
                f"{reverse['n_fish']} fish, {reverse['n_steps']:,} steps in reverse",
                f"{reverse['peak_mib']:.0f} MiB",
            ),
        ],
    )
    print(machine())


def _cell(found: dict[str, list[float]], metric: int) -> str:
    return f"{found['derivative'][metric]:.3g} ± {found['error'][metric]:.2g}"


def _horizon_row(row: dict[str, Any]) -> list[str]:
    ways = ("pathwise", "differences")
    costs = " and ".join(f"{row[f'{way}_cost']:.2g}" for way in ways)
    return [
        str(row["n_steps"]),
        str(row["pathwise"]["horizon"]),
        *(_cell(row[w], 0) for w in ways),
        costs,
    ]


@style()
def draw(figures: dict[str, Any]) -> Figure:
    """The truth test of each metric, and the errors against the steps."""
    figure = new_figure(4.0 * (len(figures["judged"]) + 1), 3.4)
    *tests, errors = figure.subplots(1, len(figures["judged"]) + 1)
    rows = figures["truth"]
    place = [row["r_orientation"] for row in rows]
    for metric, (axes, name) in enumerate(zip(tests, figures["judged"], strict=True)):
        # Pathwise is off every scale.
        for way in ("truth", "differences", "pairs", "smoothing"):
            slope = [row[way]["derivative"][metric] for row in rows]
            error = [NORMAL_95 * row[way]["error"][metric] for row in rows]
            axes.errorbar(place, slope, error, fmt="o-", color=ESTIMATORS[way], label=way, ms=3)
        axes.set_xlabel("r_orientation")
        axes.set_title(name)
    tests[0].set_ylabel("derivative by r_orientation, 95 %")
    tests[0].legend(frameon=False)
    steps = [row["n_steps"] for row in figures["horizon"]]
    for way in ("pathwise", "differences"):
        costs = [row[f"{way}_cost"] for row in figures["horizon"]]
        errors.plot(steps, costs, "o-", color=ESTIMATORS[way], label=way, markersize=3)
    set_logarithmic(errors)
    errors.set_xlabel("steps")
    errors.set_ylabel("standard error x sqrt(seconds)")
    errors.legend(frameon=False)
    return figure


if __name__ == "__main__":
    sys.exit(main())
