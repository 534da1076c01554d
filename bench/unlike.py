"""Unlike fish of the original model: who swims where, and how few can lead how many.

Sorting: 100 fish that differ in one parameter (normal, a tenth or a fifth of its mean), in a
dynamic parallel and a highly parallel school; the rank correlation of the parameter with the place
in the largest group of each of many schools, and Student's test of its mean over them against 0.
Leading: schools of 10 and of 50 fish in strong noise of which some prefer a direction (as in
Couzin et al. 2005, by the social rules of 2002), by their fraction: how well the others, who know
nothing of it, keep to it, in narrow zones and in wide ones.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from drawing import BLUE, VERMILLION, new_figure, style
from matplotlib.figure import Figure
from report import machine, print_table, save_figure, write_json
from scipy import stats

import kadita_jax as kj
from kadita_jax.plot.effects import NORMAL_95

SCHOOLS = ("couzin2002_dynamic_parallel", "couzin2002_highly_parallel")
# Standard deviation, as a share of the mean, and the sign that the paper reports to the front and
# to the centre: 0 for no effect, None for nothing said.
VARIED: dict[str, tuple[float, int | None, int | None]] = {
    "speed": (0.1, 1, None),
    "max_turn": (0.2, -1, None),
    "noise": (0.2, -1, None),
    "r_repulsion": (0.1, -1, -1),
    "r_attraction": (0.1, 0, 0),
}
ENOUGH = 0.01
# The speed, turns, sight and reach of Couzin et al. 2005; the noise is ours, such that a school
# neither falls apart nor follows a single fish whatever its size.
LED = {
    "speed": 1.0,
    "dt": 0.2,
    "max_turn": 0.4,
    "noise": 0.5,
    "blind_angle": 0.0,
    "ball_radius": 2.5,
    "preferred_direction": [0.0, 0.0, 1.0],
}
ZONES = {
    "narrow": {"r_orientation": 2.0, "r_attraction": 6.0},
    "wide": {"r_orientation": 3.0, "r_attraction": 9.0},
}
WEIGHT = 0.5
INFORMED = {10: (0, 1, 2, 3, 4, 5), 50: (0, 1, 2, 5, 10, 15, 20, 25)}


def correlations(school: str, name: str, replicates: int, n_steps: int) -> dict[str, Any]:
    """The correlations in each school of fish that differ in one parameter, with their test."""
    base = kj.load_scenario(school)
    mean = getattr(base, name)
    drawn = {"distribution": "normal", "mean": mean, "std": VARIED[name][0] * mean, "seed": 5}
    scenario = base.replaced(**{name: drawn})
    # A sweep of one point: schools that differ in their start and their noise alone.
    found = kj.sweep(
        scenario, {"dt": [base.dt]}, replicates=replicates, n_steps=n_steps, keep_final=True
    ).isel(dt=0)
    value = np.array(getattr(scenario, name))
    ends = zip(found["final_position"].values, found["final_heading"].values, strict=True)
    sorted_by = [_in_largest_group(*school, base.r_attraction, value) for school in ends]
    places = {w: np.array([float(getattr(s, w)) for s in sorted_by]) for w in ("front", "centre")}
    told = {"groups": float(found["n_groups_final"].mean())}
    for where, values in places.items():
        test = stats.ttest_1samp(values, 0.0)
        told[where], told[f"{where}_p"] = float(values.mean()), float(test.pvalue)
    return told


def _in_largest_group(
    position: np.ndarray, heading: np.ndarray, distance: float, value: np.ndarray
) -> kj.metrics.Sorting:
    """Stragglers would be ranked at the end of a school that they are no longer in."""
    label = np.asarray(kj.metrics.group_labels(position, None, distance))
    member = label == np.bincount(label).argmax()
    return kj.metrics.sorting(position[member], heading[member], None, value[member])


def verdict(found: float, p: float, reported: int | None) -> str:
    """Whether a mean correlation is what the paper reports."""
    if reported is None:
        return ""
    if p >= ENOUGH:
        return "none, as reported" if reported == 0 else "none, not as reported"
    return "as reported" if np.sign(found) == reported else "not as reported"


def led(
    n_fish: int, n_informed: int, zones: str, replicates: int, n_steps: int
) -> tuple[float, float, float]:
    """The mean accuracy of the naive fish at the end, its standard error, the number of groups."""
    weight = [WEIGHT] * n_informed + [0.0] * (n_fish - n_informed)
    changes = LED | ZONES[zones] | {"n_fish": n_fish, "informed_weight": weight}
    scenario = kj.load_scenario(SCHOOLS[0]).replaced(**changes)
    # Otherwise all fractions would have the same starts and the same noise.
    options = {"replicates": replicates, "n_steps": n_steps, "seed": n_informed}
    found = kj.sweep(scenario, {"dt": [LED["dt"]]}, keep_final=True, **options).isel(dt=0)
    naive = found["final_heading"].values[:, n_informed:]
    each = np.array([kj.metrics.accuracy(x, LED["preferred_direction"]) for x in naive], float)
    error = float(each.std(ddof=1) / len(each) ** 0.5)
    return float(each.mean()), error, float(found["n_groups_final"].mean())


def needed(fractions: list[float], accuracies: list[float], enough: float = 0.5) -> float:
    """The least informed fraction, between those tried, that leads the school so well."""
    return float(np.interp(enough, np.maximum.accumulate(accuracies), fractions))


def lead(n_fish: int, zones: str, replicates: int, n_steps: int) -> dict[str, Any]:
    """A school of one size by its informed fraction."""
    told = [led(n_fish, n, zones, replicates, n_steps) for n in INFORMED[n_fish]]
    accuracy, error, groups = (list(column) for column in zip(*told, strict=True))
    fraction = [n / n_fish for n in INFORMED[n_fish]]
    about = {"fraction": fraction, "accuracy": accuracy, "error": error, "groups": groups}
    return about | {"n_fish": n_fish, "zones": zones, "for_half": needed(fraction, accuracy)}


def print_leading(found: list[dict[str, Any]]) -> None:
    rows = []
    for told in found:
        columns = (told[k] for k in ("fraction", "accuracy", "error", "groups"))
        for fraction, accuracy, error, groups in zip(*columns, strict=True):
            about = [told["zones"], told["n_fish"], f"{fraction:.2f}"]
            rows.append([*about, f"{accuracy:+.3f}±{error:.3f}", f"{groups:.1f}"])
    print_table(["zones", "fish", "informed fraction", "accuracy of the others", "groups"], rows)
    for told in found:
        school = f"{told['n_fish']} fish, {told['zones']} zones"
        print(f"{school}: accuracy 0.5 at an informed fraction of {told['for_half']:.2f}")
    print()


def print_sorting(found: dict[str, dict[str, Any]]) -> None:
    rows = []
    for school, by_name in found.items():
        for name, told in by_name.items():
            reported = dict(zip(("front", "centre"), VARIED[name][1:], strict=True))
            cells = []
            for where, sign in reported.items():
                cells += [f"{told[where]:+.3f} (p {told[f'{where}_p']:.0e})"]
                cells += [verdict(told[where], told[f"{where}_p"], sign)]
            rows.append([school, name, *cells, f"{told['groups']:.1f}"])
    print_table(["school", "larger", "to the front", "", "to the centre", "", "groups"], rows)


@style()
def draw(found: list[dict[str, Any]]) -> Figure:
    """Accuracy of the naive by the informed fraction, a line for each size, a panel for zones."""
    figure = new_figure(8.4)
    panels = dict(zip(ZONES, figure.subplots(1, len(ZONES), sharey=True), strict=True))
    colours = dict(zip(INFORMED, (BLUE, VERMILLION), strict=True))
    for told in found:
        band, n_fish = NORMAL_95 * np.array(told["error"]), told["n_fish"]
        mark = {"color": colours[n_fish], "marker": "o", "label": f"{n_fish} fish"}
        panels[told["zones"]].errorbar(told["fraction"], told["accuracy"], band, **mark)
    for zones, axes in panels.items():
        axes.set_title(f"{zones} zones")
        axes.set_xlabel("informed fraction")
    panels["narrow"].set_ylabel("accuracy of the others, 95 %")
    panels["narrow"].legend(frameon=False, loc="lower right")
    return figure


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schools", type=int, default=32)
    parser.add_argument("--n-steps", type=int, default=3000)
    parser.add_argument("--led", type=int, default=96)
    parser.add_argument("--varied", nargs="+", default=list(VARIED))
    parser.add_argument("--sizes", nargs="+", type=int, default=list(INFORMED))
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args()
    kj.use_all_cores()
    print(machine(), "\n")
    found = {
        school: {n: correlations(school, n, asked.schools, asked.n_steps) for n in asked.varied}
        for school in SCHOOLS
    }
    print_sorting(found)
    leading = [
        lead(n_fish, zones, asked.led, asked.n_steps) for zones in ZONES for n_fish in asked.sizes
    ]
    print_leading(leading)
    write_json("unlike", {"sorting": found, "leading": leading}, asked.out)
    save_figure("unlike", draw(leading), asked.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
