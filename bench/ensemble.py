"""24 runs of each canonical school against 24 of the peer's: two-sample Kolmogorov-Smirnov.

The mean of the second half of each run is one sample. 10 metrics x 4 schools are 40 tests, so
p-values are Holm-corrected; a difference is claimed at 1 %.
"""

import argparse
import csv
import json
import tomllib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import jax
import numpy as np
from report import machine, print_table, write_json
from scipy.stats import ks_2samp

import kadita_jax as kj
from kadita_jax.scenario import CANONICAL

PEER = Path(__file__).parent / "data" / "peer_ensemble.csv"
DATA = Path(kj.__file__).parent / "data"
FIRST_SEED = 1000
LEVEL = 0.01
JUDGED = [name for name in kj.metrics.NAMES if name not in ("spread", "order_index")]
Samples = dict[str, dict[str, np.ndarray]]


def ours(names: Sequence[str], n_seeds: int, convention: str, shorten: int = 1) -> Samples:
    """Second-half means of every metric, one array over seeds for each scenario."""
    samples = {}
    for name in names:
        scenario = kj.load_scenario(name)
        scenario = scenario.replaced(n_steps=scenario.n_steps // shorten)
        runs = [_second_half(scenario, FIRST_SEED + k, convention) for k in range(n_seeds)]
        samples[name] = {m: np.array([run[m] for run in runs]) for m in kj.metrics.NAMES}
    return samples


def _second_half(scenario: kj.Scenario, seed: int, convention: str) -> dict[str, float]:
    key = jax.random.key(seed)
    start = scenario.initial_state(key)
    run = partial(kj.simulate, n_steps=scenario.n_steps, save_every=scenario.save_every)
    trajectory = run(start, scenario.params, key)
    half = slice(len(trajectory.time) // 2, None)
    measured = kj.metrics.measure_trajectory(
        trajectory.position[half],
        trajectory.heading[half],
        scenario.box_size,
        convention=convention,
    )
    return {m: float(np.mean(np.asarray(getattr(measured, m), float))) for m in kj.metrics.NAMES}


def peers() -> Samples:
    """The same from the peer's runs, kept in `data/`."""
    with PEER.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    samples = {}
    for name in CANONICAL:
        mine = [row for row in rows if row["case"].split("_", 1)[1] == name]
        samples[name] = {
            m: np.array([float(row[f"{m}_mean"]) for row in mine]) for m in kj.metrics.NAMES
        }
    return samples


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's step-down correction: adjusted p-values in the given order."""
    order = np.argsort(p_values)
    factors = len(p_values) - np.arange(len(p_values))
    adjusted = np.minimum(1, np.maximum.accumulate(p_values[order] * factors))
    return adjusted[np.argsort(order)]


def compare(mine: Samples, theirs: Samples) -> list[dict[str, float | str]]:
    """One row a scenario and metric, with its corrected p-value."""
    rows = [
        {
            "scenario": name,
            "metric": metric,
            "ours_mean": float(mine[name][metric].mean()),
            "ours_std": float(mine[name][metric].std()),
            "peer_mean": float(theirs[name][metric].mean()),
            "peer_std": float(theirs[name][metric].std()),
            "p": float(ks_2samp(mine[name][metric], theirs[name][metric]).pvalue),
        }
        for name in mine
        for metric in JUDGED
    ]
    for row, adjusted in zip(rows, holm(np.array([row["p"] for row in rows])), strict=True):
        row["p_holm"] = float(adjusted)
    return rows


def _paper_cell(paper: dict, row: dict) -> str:
    values = paper.get(row["scenario"], {}).get(row["metric"], [])
    if len(values) == 3:
        return f"{values[1]:.3f} ± {values[2]:.3f}"
    return f"{values[0]:.2f} (final)" if values else "-"


def _spans(mine: Samples, theirs: Samples) -> list[list[str]]:
    """Smallest and largest P and M over the runs: where a school has several outcomes."""
    return [
        [name, metric, *(f"{s[name][metric].min():.2f} {s[name][metric].max():.2f}" for s in both)]
        for both in [(mine, theirs)]
        for name in mine
        for metric in ("polarization", "rotation")
    ]


def main() -> None:
    """Print the table, write it, and say whether anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = CANONICAL
    parser.add_argument("--schools", nargs="+", choices=names, default=names)
    parser.add_argument("--seeds", type=int, default=24)
    parser.add_argument("--shorten", type=int, default=1, help="divide the steps, for a trial")
    parser.add_argument("--float64", action="store_true")
    parser.add_argument("--write-profiles", action="store_true")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    jax.config.update("jax_enable_x64", chosen.float64)
    mine, theirs = ours(chosen.schools, chosen.seeds, "reference", chosen.shorten), peers()
    rows = compare(mine, theirs)
    paper = tomllib.loads((DATA / "paper.toml").read_text())
    print_table(
        ["school", "metric", "ours", "peer", "paper, one run", "p", "p (Holm)"],
        [
            [
                row["scenario"],
                row["metric"],
                f"{row['ours_mean']:.3f} ± {row['ours_std']:.3f}",
                f"{row['peer_mean']:.3f} ± {row['peer_std']:.3f}",
                _paper_cell(paper, row),
                f"{row['p']:.2g}",
                f"{row['p_holm']:.2g}",
            ]
            for row in rows
        ],
    )
    print_table(["school", "metric", "ours, from to", "peer, from to"], _spans(mine, theirs))
    rejected = sum(row["p_holm"] < LEVEL for row in rows)
    print(f"{rejected} of {len(rows)} differ at {LEVEL:.0%} (Holm-corrected)")
    print(machine())
    write_json("ensemble_float64" if chosen.float64 else "ensemble", rows, chosen.out)
    if chosen.write_profiles:
        write_profiles(
            {"reference": mine, "corrected": ours(chosen.schools, chosen.seeds, "corrected")}
        )


def write_profiles(samples: dict[str, Samples]) -> None:
    """Mean and standard deviation over seeds of every metric, for the pictures."""
    profiles = {
        convention: {
            name: {m: [round(float(x), 6) for x in (v.mean(), v.std())] for m, v in found.items()}
            for name, found in by_name.items()
        }
        for convention, by_name in samples.items()
    }
    (DATA / "profiles.json").write_text(json.dumps(profiles, indent=1) + "\n")


if __name__ == "__main__":
    main()
