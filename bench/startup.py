"""What a user waits for: imports, the first result, and `kadita run` of whole schools.

Every time is of a process of its own, from start to end. `kadita run` simulates, measures, saves
and draws; cold is without any compiled program on disk, warm is the second time. The peer's own
command line does the same, school by school, without its animation and with numba's cache warm.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from against_peer import peer_python
from drawing import BLUE, VERMILLION, label_bars, new_figure, set_logarithmic, style
from matplotlib.figure import Figure
from report import machine, print_table, save_figure, write_json

import kadita_jax as kj
from kadita_jax.parameters import PARAMETERS
from kadita_jax.scenario import CANONICAL

KADITA = ("-c", "from kadita_jax.cli import main; main()")
FIRST = """
import jax, kadita_jax as kj
key = jax.random.key(42)
school = kj.uniform_gas(key, n_fish=150, box_size=25)
run = kj.simulate(school, kj.make_params(box_size=25), key, n_steps=100)
run.position.block_until_ready()
"""
SMALL = {
    "import kadita_jax": ("-c", "import kadita_jax"),
    "kadita --help": (*KADITA, "--help"),
    "kadita scenarios": (*KADITA, "scenarios"),
    "first simulate, from Python": ("-c", FIRST),
}
COLD, WARM, PEER = "kadita run, cold", "kadita run, warm", "the peer"


def time_small(repeats: int) -> dict[str, list[float]]:
    """Seconds of each repeat of what ends within seconds, nothing compiled beforehand."""
    none = {"JAX_ENABLE_COMPILATION_CACHE": "false"}
    return {
        name: [_seconds([sys.executable, *words], none) for _ in range(repeats)]
        for name, words in SMALL.items()
    }


def time_runs(scenarios: Sequence[kj.Scenario], repeats: int, folder: Path) -> dict[str, list]:
    """Seconds of `kadita run` of all scenarios, with an empty and then with a full cache."""
    files = [folder / f"{scenario.name}.toml" for scenario in scenarios]
    for scenario, file in zip(scenarios, files, strict=True):
        file.write_text(scenario.to_toml(), "utf-8")
    command = [sys.executable, *KADITA, "run", *files, "--out", folder / "ours", "--overwrite"]
    caches = [{"JAX_COMPILATION_CACHE_DIR": str(folder / f"cache_{k}")} for k in range(repeats)]
    return {kind: [_seconds(command, cache) for cache in caches] for kind in (COLD, WARM)}


def time_peer(scenarios: Sequence[kj.Scenario], repeats: int, folder: Path) -> list[float]:
    """Seconds of the peer's command, summed over scenarios, in each repeat after a first run."""
    command = peer_python().parent / "dewi-kadita"
    files = [folder / f"{scenario.name}.txt" for scenario in scenarios]
    for scenario, file in zip(scenarios, files, strict=True):
        file.write_text(peer_config(scenario), "utf-8")
    words = [[command, "--config", file, "--output-dir", folder / "peer"] for file in files]
    _seconds(words[0], {"PYTHONPATH": ""}, folder)
    return [sum(_seconds(w, {"PYTHONPATH": ""}, folder) for w in words) for _ in range(repeats)]


def peer_config(scenario: kj.Scenario) -> str:
    """A scenario as the peer's configuration file."""
    system = {name: getattr(scenario, name) for name in PARAMETERS}
    counts = {name: getattr(scenario, name) for name in ("n_fish", "n_steps", "seed")}
    ring = {"torus_init": scenario.initial == "ring", "torus_radius": scenario.ring_radius}
    values = {"scenario_name": scenario.name, **system, **counts, **ring, "save_gif": False}
    return "".join(f"{name} = {value}\n" for name, value in values.items())


def _seconds(
    command: Sequence[str | Path], environment: Mapping[str, str], folder: Path | None = None
) -> float:
    begin = time.perf_counter()
    subprocess.run(
        command, check=True, capture_output=True, env=os.environ | environment, cwd=folder
    )
    return time.perf_counter() - begin


@style()
def draw(medians: Mapping[str, float]) -> Figure:
    """One bar a command; seconds on a logarithmic axis."""
    figure = new_figure(6.4, 0.4 * len(medians) + 0.7)
    axes = figure.add_subplot()
    colours = [VERMILLION if name == PEER else BLUE for name in medians]
    axes.barh(list(medians), list(medians.values()), color=colours)
    axes.invert_yaxis()
    set_logarithmic(axes, "x")
    axes.set_xlabel("seconds, median")
    axes.margins(x=0.12)
    label_bars(axes, "%.2g")
    return figure


def main() -> None:
    """Print the table, write it and draw it."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = CANONICAL
    parser.add_argument("--schools", nargs="+", choices=names, default=names)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--shorten", type=int, default=1, help="divide the steps, for a trial")
    parser.add_argument("--without-peer", action="store_true", help="time ours alone")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    loaded = [kj.load_scenario(name) for name in chosen.schools]
    scenarios = [s.replaced(n_steps=s.n_steps // chosen.shorten) for s in loaded]
    seconds = time_small(chosen.repeats)
    with TemporaryDirectory() as folder:
        seconds |= time_runs(scenarios, chosen.repeats, Path(folder))
        if not chosen.without_peer:
            seconds[PEER] = time_peer(scenarios, chosen.repeats, Path(folder))
    medians = {name: float(np.median(each)) for name, each in seconds.items()}
    _print(seconds, medians)
    write_json("startup", {"schools": chosen.schools, "seconds": seconds}, chosen.out)
    save_figure("startup", draw(medians), chosen.out)


def _print(seconds: Mapping[str, Sequence[float]], medians: Mapping[str, float]) -> None:
    rows = []
    for name, each in seconds.items():
        ratio = f"{medians[PEER] / medians[name]:.1f}x" if PEER in medians else "-"
        is_run = name in (COLD, WARM)
        spread = f"{min(each):.2f} to {max(each):.2f}"
        rows.append([name, f"{medians[name]:.2f}", spread, ratio if is_run else ""])
    print_table(["what", "seconds, median", "from to", "the peer takes"], rows)
    print(machine())


if __name__ == "__main__":
    sys.exit(main())
