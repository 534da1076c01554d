"""The original model's schools in open water: its map and its four states.

100 fish by the rules of Couzin et al. (2002), from random headings in a ball. The map of P and M
over both zone widths, 5,000 steps a school of which the last 1,000 are measured; the torus region
point by point; eight schools at each of several widths beside an independent program's (C++, the
same rules, eight seeds); and the torus region by field of perception.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import jax.numpy as jnp
import numpy as np
import xarray as xr
from report import machine, print_table, save_figure, write_json

import kadita_jax as kj
from kadita_jax.names import STATES
from kadita_jax.plot.grid import WHOLE

Found: TypeAlias = dict[str, np.ndarray]

SCENARIO = "couzin2002_torus"
WIDE = 14.0
TORUS_M, TORUS_P = 0.85, 0.2
# P and M of the independent program at attraction width 14, eight seeds each.
KNOWN = {
    0.0: (0.18, 0.18),
    0.2: (0.13, 0.80),
    0.5: (0.08, 0.89),
    1.0: (0.11, 0.90),
    1.5: (0.13, 0.90),
    2.0: "5 of 8 mill",
    2.5: "7 of 8 parallel",
    3.0: (0.913, 0.034),
    4.0: (0.907, 0.032),
    5.0: (0.907, 0.033),
    5.5: (0.999, "0.01 to 0.04"),
    8.0: (0.999, "0.01 to 0.04"),
    14.0: (0.999, "0.01 to 0.04"),
}
# Blind angle by field of perception, degrees.
PERCEPTION = {360: 0.0, 300: 30.0, 270: 45.0, 230: 65.0, 200: 80.0}


def swept(
    orientation: np.ndarray, attraction: np.ndarray, replicates: int, n_steps: int, **changes: Any
) -> xr.Dataset:
    """Schools at every pair of widths, the last fifth of their steps measured."""
    scenario = kj.load_scenario(SCENARIO).replaced(**changes)
    axes = {"orientation_width": orientation, "attraction_width": attraction}
    burn_in = n_steps - max(10, n_steps // 5)
    return kj.sweep(scenario, axes, replicates=replicates, n_steps=n_steps, burn_in=burn_in)


def typical(dataset: xr.Dataset) -> dict[str, np.ndarray]:
    """P, M and the largest group's share at every point, median over the replicates.

    Near the border of two states schools of one point end in either: a mean is of neither.
    """
    names = {"P": "polarization", "M": "rotation", "largest": "largest_group"}
    return {k: dataset[f"{name}_mean"].median("replicate").values for k, name in names.items()}


def mills(p: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Whether a school is a torus as the paper's figure shows it."""
    return (m > TORUS_M) & (p < TORUS_P)


def region(found: dict[str, np.ndarray]) -> tuple[int, int]:
    """How many points mill, and how many of them hang together with their neighbours."""
    torus = np.argwhere(mills(found["P"], found["M"]))
    if not len(torus):
        return 0, 0
    places = jnp.asarray(np.pad(torus, ((0, 0), (0, 1))), float)
    labels = np.asarray(kj.metrics.group_labels(places, None, 1.1))
    return len(torus), int(np.bincount(labels).max())


def the_map(side: int, replicates: int, n_steps: int) -> tuple[dict[str, Any], xr.Dataset]:
    """The map over both widths from 0 to 15, and what it takes."""
    widths = np.linspace(0, 15, side)
    begin = time.perf_counter()
    dataset = swept(widths, widths, replicates, n_steps)
    seconds = time.perf_counter() - begin
    found = typical(dataset)
    milling, together = region(found)
    pairs = dataset["member"].size * n_steps * dataset.attrs["n_fish"] ** 2
    figures = {name: values.tolist() for name, values in found.items()}
    figures |= {"widths": widths.tolist(), "replicates": replicates, "n_steps": n_steps}
    figures |= {"seconds": seconds, "ns_per_pair": 1e9 * seconds / pairs}
    return figures | {"torus_points": milling, "torus_together": together}, dataset


def checks(dataset: xr.Dataset, strip: xr.Dataset) -> list[tuple[str, ...]]:
    """What the paper's figure shows where, what is found there, and at how many points it holds."""
    wide = dataset.sel(attraction_width=slice(10, None))
    narrow = dataset.sel(orientation_width=slice(0, 3), attraction_width=slice(0, 9))
    places: dict[str, tuple[xr.Dataset, str, Callable[[Found], np.ndarray]]] = {
        "torus, 0.5 to 1.5 x 12 to 15": (
            strip,
            "P < 0.2, M > 0.85",
            lambda f: mills(f["P"], f["M"]),
        ),
        "dynamic parallel, 3 to 5 x 10 to 15": (
            wide.sel(orientation_width=slice(3, 5)),
            "P .88 to .94, M < 0.1",
            lambda f: (f["P"] >= 0.88) & (f["P"] <= 0.94) & (f["M"] < 0.1),
        ),
        "highly parallel, from 6 x 10 to 15": (
            wide.sel(orientation_width=slice(6, None)),
            "P > 0.99",
            lambda f: f["P"] > 0.99,
        ),
        "swarm, 0 x 10 to 15": (
            wide.sel(orientation_width=slice(0, 0)),
            "P < 0.35, M < 0.4",
            lambda f: (f["P"] < 0.35) & (f["M"] < 0.4),
        ),
        "fragments, 0 to 3 x 0 to 5": (
            narrow.sel(attraction_width=slice(0, 5)),
            "largest group < 0.9",
            lambda f: f["largest"] < WHOLE,
        ),
        "fragments, 0 to 3 x 6 to 9": (
            narrow.sel(attraction_width=slice(6, 9)),
            "largest group < 0.9",
            lambda f: f["largest"] < WHOLE,
        ),
    }
    return [
        (place, wanted, *_found(part, holds)) for place, (part, wanted, holds) in places.items()
    ]


def _found(part: xr.Dataset, holds: Callable[[Found], np.ndarray]) -> tuple[str, str]:
    found = typical(part)
    if not found["P"].size:
        return "not in this map", "-"
    words = [f"{name} {v.min():.3f} to {v.max():.3f}" for name, v in found.items()]
    right = holds(found)
    return ", ".join(words), f"{right.sum()} of {right.size}"


def by_width(replicates: int, n_steps: int) -> dict[str, Any]:
    """Each school's P and M at the known widths."""
    widths = np.array(list(KNOWN))
    dataset = swept(widths, np.array([WIDE]), replicates, n_steps).isel(attraction_width=0)
    return {
        "widths": widths.tolist(),
        "P": dataset["polarization_mean"].values.tolist(),
        "M": dataset["rotation_mean"].values.tolist(),
    }


def print_by_width(found: dict[str, Any]) -> None:
    rows = []
    for width, p, m in zip(found["widths"], found["P"], found["M"], strict=True):
        known = KNOWN[width]
        theirs = known if isinstance(known, str) else " / ".join(map(str, known))
        counts = np.bincount(np.asarray(kj.metrics.state_label(np.array(p), np.array(m))))
        states = ", ".join(f"{n} {STATES[k]}" for k, n in enumerate(counts) if n)
        ours = " / ".join(f"{np.mean(x):.3f}±{np.std(x):.3f}" for x in (p, m))
        rows.append([width, ours, theirs, states])
    print_table(["orientation width", "P / M", "C++", "schools"], rows)


def by_perception(points: int, replicates: int, n_steps: int) -> dict[str, dict[str, Any]]:
    """The torus region and how whole the schools are, by field of perception in degrees."""
    found, across = {}, np.linspace(0, 3, points)
    for field, blind_angle in PERCEPTION.items():
        dataset = swept(across, np.arange(12.0, 16), replicates, n_steps, blind_angle=blind_angle)
        part = typical(dataset)
        milling, together = region(part)
        found[str(field)] = {
            "points": part["M"].size,
            "torus_points": milling,
            "torus_together": together,
            "torus_schools": float((dataset["state"] == STATES.index("torus")).mean()),
            "largest_M": float(part["M"].max()),
            "whole_schools": float((dataset["largest_group_mean"] > WHOLE).mean()),
        }
    return found


def print_perception(found: dict[str, dict[str, Any]]) -> None:
    headings = [
        "field (degrees)",
        "points",
        "torus",
        "together",
        "torus schools",
        "largest M",
        "whole",
    ]
    rows = []
    for field, told in found.items():
        points, torus, together, schools, largest, whole = told.values()
        rows.append(
            [field, points, torus, together, f"{schools:.0%}", f"{largest:.2f}", f"{whole:.0%}"]
        )
    print_table(headings, rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=16)
    parser.add_argument("--replicates", type=int, default=4)
    parser.add_argument("--n-steps", type=int, default=5000)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--points", type=int, default=13)
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args()
    kj.use_all_cores()
    print(machine(), "\n")
    figures: dict[str, Any] = {}
    figures["map"], dataset = the_map(asked.side, asked.replicates, asked.n_steps)
    members = dataset["member"].size
    print(f"map of {members} schools: {figures['map']['seconds']:.1f} s,", end=" ")
    print(f"{figures['map']['ns_per_pair']:.2f} ns a pair\n")
    widths, several = np.linspace(0.5, 1.5, 5), 4 * asked.replicates
    strip = swept(widths, np.arange(12.0, 16), several, asked.n_steps)
    milling = mills(strip["polarization_mean"].values, strip["rotation_mean"].values)
    shares = milling.mean(axis=-1)
    figures["strip"] = {"schools": several, "milling": shares.tolist()}
    figures["checks"] = checks(dataset, strip)
    print_table(
        ["widths: orientation x attraction", "wanted", "found", "points"], figures["checks"]
    )
    told = figures["map"]
    print(f"mills in the map: {told['torus_points']}, {told['torus_together']} of them together\n")
    print(f"of {several} schools at a point of the torus region {shares.min():.0%}", end=" ")
    print(f"to {shares.max():.0%} mill, {shares.mean():.0%} of all\n")
    figures["by_width"] = by_width(asked.seeds, asked.n_steps)
    print_by_width(figures["by_width"])
    figures["perception"] = by_perception(asked.points, asked.replicates, asked.n_steps)
    print_perception(figures["perception"])
    write_json("couzin2002", figures, asked.out)
    # The states' names are the seed paper's, by other thresholds than this model's plateaus.
    plain = dataset.drop_vars(["state", *(f"{name}_fraction" for name in STATES)])
    save_figure("couzin2002", kj.plot.phase_diagram(plain, "rotation"), asked.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
