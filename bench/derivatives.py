"""Derivatives of the smooth model against central differences, and its way to the plain model.

30 fish in double precision; P, spread, the seven smooth entropies and the OSI after 1 step and
after 20, by eight parameters: the relative error of automatic differentiation, the smallest over
differences of sixth order with several steps. Then the step as its width goes to 0 and the
entropies as their bandwidth does: the mean difference from the plain ones.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from drawing import BLUE, VERMILLION, new_figure, set_logarithmic, style
from matplotlib.figure import Figure
from report import machine, print_table, save_figure, write_json

import kadita_jax as kj
from kadita_jax.metrics import measure, measure_trajectory

BOX = 13.0
POINT = {
    "r_repulsion": 1.5,
    "r_orientation": 3.0,
    "r_attraction": 6.0,
    "max_turn": 0.3,
    "noise": 0.1,
    "blind_angle": 30.0,
    "orientation_weight": 0.8,
    "speed": 1.0,
}
OF = [name for name in kj.metrics.NAMES if name not in ("rotation", "order_index")]
WIDTH = BANDWIDTH = 0.5
# Central differences over so much of a parameter: rounding against kinks and curvature.
STEPS = (1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6)
WIDTHS = (0.5, 0.1, 0.02, 4e-3, 8e-4)


def relative_errors(n_fish: int, n_steps: int, seed: int) -> dict[str, dict[str, list[float]]]:
    """By number of steps and parameter, the error of each metric's derivative."""
    key = jax.random.key(seed)
    state = kj.uniform_gas(key, n_fish, BOX)
    smooth = kj.make_params(**POINT, box_size=BOX, edge_width=WIDTH)
    kept = jnp.array([1, n_steps])

    @jax.jit
    def found(point: dict[str, jax.Array]) -> jax.Array:
        run = kj.simulate(state, replace(smooth, **point), key, n_steps=n_steps)
        frames = run.position[kept], run.heading[kept]
        metrics = measure_trajectory(*frames, BOX, convention="corrected", bandwidth=BANDWIDTH)
        return jnp.stack([getattr(metrics, name) for name in OF], axis=-1)

    point = {name: jnp.asarray(value) for name, value in POINT.items()}
    slopes = jax.jit(jax.jacfwd(found))(point)

    def errors(name: str, step: float) -> np.ndarray:
        def at(n: int) -> np.ndarray:
            return np.asarray(found(point | {name: point[name] + n * step}))

        near, further, furthest = (at(n) - at(-n) for n in (1, 2, 3))
        central = (45 * near - 9 * further + furthest) / (60 * step)
        off = np.abs(central - slopes[name])
        return np.where(off == 0, 0, off / np.maximum(np.abs(central), 1e-300))

    least = {
        name: np.min([errors(name, step * max(1.0, value)) for step in STEPS], axis=0)
        for name, value in POINT.items()
    }
    return {
        str(n): {name: error[row].tolist() for name, error in least.items()}
        for row, n in enumerate((1, n_steps))
    }


def convergence(n_fish: int, n_schools: int) -> dict[str, list[float]]:
    """The mean difference from the plain step and the plain OSI, by width and by bandwidth."""

    @jax.jit
    def apart(seed: jax.Array, width: jax.Array) -> tuple[jax.Array, jax.Array]:
        key = jax.random.key(seed)
        state = kj.uniform_gas(key, n_fish, BOX)
        blurred = kj.make_params(**POINT, box_size=BOX, edge_width=width)
        hard, smooth = (
            kj.step(state, params, key) for params in (replace(blurred, blur=None), blurred)
        )
        place = state.position, state.heading, BOX
        plain, spread = (
            measure(*place, convention="corrected", bandwidth=b).oceanic_schooling_index
            for b in (None, width)
        )
        return jnp.mean(jnp.abs(hard.heading - smooth.heading)), jnp.abs(plain - spread)

    each = [[apart(seed, width) for seed in range(n_schools)] for width in WIDTHS]
    headings, indices = np.mean(np.array(each, float), axis=1).T
    return {"width": list(WIDTHS), "heading": headings.tolist(), "osi": indices.tolist()}


def main() -> None:
    """Print the tables, write them and draw the second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-fish", type=int, default=30)
    parser.add_argument("--n-steps", type=int, default=20)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--schools", type=int, default=50, help="of the convergence")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    figures = {
        "errors": relative_errors(chosen.n_fish, chosen.n_steps, chosen.seed),
        "convergence": convergence(chosen.n_fish, chosen.schools),
    }
    for n_steps, errors in figures["errors"].items():
        rows = [[name, *(f"{x:.0e}" for x in row)] for name, row in errors.items()]
        print_table([f"after {n_steps} steps, by", *OF], rows)
        print(f"largest relative error {max(map(max, errors.values())):.1e}\n")
    way = figures["convergence"]
    rows = zip(*(map("{:.1e}".format, way[name]) for name in way), strict=True)
    print_table(["width, bandwidth", "headings apart", "OSI apart"], list(rows))
    print(machine())
    write_json("derivatives", figures, chosen.out)
    save_figure("derivatives", draw(way), chosen.out)


@style()
def draw(way: dict[str, Any]) -> Figure:
    """Differences from the plain model on logarithmic axes."""
    figure = new_figure(4.6, 3.2)
    axes = figure.add_subplot()
    for name, colour, words in (
        ("heading", BLUE, "headings after a step, by width"),
        ("osi", VERMILLION, "OSI, by bandwidth"),
    ):
        axes.plot(way["width"], way[name], "o-", color=colour, label=words, markersize=4)
    set_logarithmic(axes)
    axes.set_xlabel("width (bl), bandwidth (bins)")
    axes.set_ylabel("mean difference from the plain")
    axes.legend(frameon=False)
    return figure


if __name__ == "__main__":
    sys.exit(main())
