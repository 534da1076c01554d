"""A sweep on a Dask cluster of two worker processes against the same sweep in one process.

Speed: both on two cores, compiled before, in turns; medians, on a LocalCluster. Kills: its workers
are killed by SIGKILL at three moments. A LocalCluster's scheduler is this very process, so again
with a scheduler and workers started by hand: three workers, then the scheduler, and the sweep is
called again on a new one. Every part that a worker begins is counted. All results are compared to
the bit.
"""

import argparse
import os
import signal
import statistics
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import numpy as np
import xarray as xr
from dask_processes import running
from report import machine, print_table, write_json

import kadita_jax as kj
from kadita_jax.journal import journal_path

MEASURE_EVERY = 10
PRELOAD = Path(__file__).with_name("counted_parts.py")


class Study:
    """One sweep, called in several ways."""

    def __init__(self, chosen: argparse.Namespace):
        self.scenario = kj.load_scenario("swarm").replaced(
            n_fish=chosen.n_fish, n_steps=chosen.n_steps, r_attraction=20.0
        )
        self.side = chosen.side
        self.axes = {"r_orientation": f"2:15:{chosen.side}", "noise": "0.05:0.5:20"}
        self.options = {"replicates": chosen.replicates, "part_size": chosen.part_size}

    @property
    def n_members(self) -> int:
        """How many schools it has: 20 values of noise for each radius."""
        return 20 * self.side * self.options["replicates"]

    def sweep(self, seed: int = 1, **options: Any) -> xr.Dataset:
        """Sweep, in memory."""
        options = self.options | {"measure_every": MEASURE_EVERY} | options
        return kj.sweep(self.scenario, self.axes, seed=seed, **options)

    def timed(self, repeats: int, client: Any) -> dict[str, list[float]]:
        """Seconds of the plain sweep and of the cluster's, in turns; seeds of their own."""
        seconds: dict[str, list[float]] = {"plain": [], "cluster": []}
        for seed in range(2, 2 + repeats):
            for name, cluster in (("plain", None), ("cluster", client)):
                begin = time.perf_counter()
                self.sweep(seed, cluster=cluster)
                seconds[name].append(time.perf_counter() - begin)
        return seconds


def on_a_local_cluster(
    study: Study, repeats: int, environment: dict[str, str], folder: Path
) -> dict[str, Any]:
    """Two workers of one thread: how fast they are, and what kills cost."""
    from distributed import Client, LocalCluster

    counted = folder / "begun here"
    told = environment | {"COUNTED_PARTS": str(counted)}
    settings: dict[str, Any] = {"n_workers": 2, "threads_per_worker": 1, "env": told}
    settings |= {"dashboard_address": None, "preload": str(PRELOAD)}
    settings |= {"scheduler_kwargs": {"dashboard_address": ":0"}}
    with LocalCluster(**settings) as cluster, Client(cluster) as client:
        found = {"speed": speed(study, repeats, client)}
        counted.unlink()

        def kill() -> None:
            os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)

        with study.sweep(
            cluster=client, out=folder / "here.nc", progress=_at(study, [kill] * 3)
        ) as swept:
            return found | {"kills": {"workers_killed": 3} | _counts(study, counted, swept)}


def speed(study: Study, repeats: int, client: Any) -> dict[str, Any]:
    """Both ways timed, and whether they agree to the bit."""
    # Two parts a worker: each has compiled by then.
    same = study.sweep().equals(study.sweep(cluster=client))
    seconds = study.timed(repeats, client)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    overhead = medians["cluster"] / medians["plain"] - 1
    return {"seconds": seconds, "overhead": overhead, "same_bits": bool(same)}


def kills(study: Study, environment: dict[str, str], folder: Path) -> dict[str, Any]:
    """What was computed, and how often, while processes were killed."""
    counted, out = folder / "begun", folder / "phase.nc"
    counted.touch()
    told = environment | {"COUNTED_PARTS": str(counted)}
    with running(2, told, PRELOAD) as processes:

        def kill_worker() -> None:
            processes.workers[-2].send_signal(signal.SIGKILL)
            processes.start_worker()

        def kill_scheduler() -> None:
            assert processes.scheduler is not None
            processes.scheduler.send_signal(signal.SIGKILL)

        kills = _at(study, [kill_worker] * 3 + [kill_scheduler])
        try:
            study.sweep(cluster=processes.address, out=out, progress=kills)
            raise AssertionError("the scheduler was to be killed")
        except OSError as error:
            lost = str(error)
    kept = len(list(journal_path(out).glob("part-*")))
    with running(2, told, PRELOAD) as processes:
        found = study.sweep(cluster=processes.address, out=out).load()
    about = {"workers_killed": 3, "schedulers_killed": 1, "told": lost}
    about["kept_when_the_scheduler_was_lost"] = kept
    return about | _counts(study, counted, found)


def _counts(study: Study, counted: Path, found: xr.Dataset) -> dict[str, Any]:
    """How often parts were begun, and whether all are there, to the bit."""
    begun = Counter(counted.read_text().split())
    return {
        "n_parts": -(-study.n_members // study.options["part_size"]),
        "parts_present": int(found["valid"].sum()) // study.options["part_size"],
        "begun": begun.total(),
        "begun_more_than_once": sum(count > 1 for count in begun.values()),
        "most_often": max(begun.values()),
        "members": int(found["valid"].size),
        "members_computed": int(found["valid"].sum()),
        "same_bits": bool(found.equals(study.sweep())),
    }


def _at(study: Study, kills: list[Callable[[], None]]) -> Callable[[int], None]:
    """Does the first at 1/5 of the members, the next at 2/5, and so on."""
    due = [(study.n_members * (k + 1) // 5, kill) for k, kill in enumerate(kills)]

    def look(done: int) -> None:
        while due and done >= due[0][0]:
            due.pop(0)[1]()

    return look


def main() -> str | None:
    """Print the tables and write them; a sweep that is not the plain one's is told."""
    chosen = _parser().parse_args()
    # The workers come after the scheduler.
    warnings.filterwarnings("ignore", "the cluster has no worker yet")
    kj.use_all_cores(2)
    study = Study(chosen)
    with TemporaryDirectory() as folder:
        environment = {"JAX_COMPILATION_CACHE_DIR": str(Path(folder) / "programs")}
        os.environ.update(environment)
        jax.config.update("jax_compilation_cache_dir", environment["JAX_COMPILATION_CACHE_DIR"])
        here = on_a_local_cluster(study, chosen.repeats, environment, Path(folder))
        by_hand = kills(study, environment, Path(folder))
    figures = {"speed": here["speed"], "kills_here": here["kills"], "kills": by_hand}
    figures["settings"] = study.options | {"n_fish": chosen.n_fish, "n_steps": chosen.n_steps}
    _print(figures)
    write_json("cluster", figures, chosen.out)
    wrong = unlike_plain(figures)
    return f"members lost, or other bits than the plain sweep's: {wrong}" if wrong else None


def unlike_plain(figures: dict[str, Any]) -> list[str]:
    """Of which figures the sweep lost members, or has other bits than the plain one."""
    found = {name: figures[name] for name in ("speed", "kills_here", "kills")}
    return [
        name
        for name, about in found.items()
        if not about["same_bits"] or about.get("members_computed") != about.get("members")
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-fish", type=int, default=100)
    parser.add_argument("--n-steps", type=int, default=500)
    parser.add_argument("--side", type=int, default=25, help="radii; times 20 values of noise")
    parser.add_argument("--replicates", type=int, default=4)
    parser.add_argument("--part-size", type=int, default=25)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path)
    return parser


def _print(figures: dict[str, Any]) -> None:
    speed = figures["speed"]
    rows = [(name, *(f"{s:.1f}" for s in times)) for name, times in speed["seconds"].items()]
    print_table(["seconds", *map(str, range(1, len(rows[0])))], rows)
    medians = {name: np.median(times) for name, times in speed["seconds"].items()}
    print(
        f"overhead of {medians['cluster']:.1f} s over {medians['plain']:.1f} s: "
        f"{speed['overhead']:+.1%}; same bits: {speed['same_bits']}\n"
    )
    for kills in ("kills_here", "kills"):
        print_table([kills.replace("_", " "), ""], list(figures[kills].items()))
    print(machine())


if __name__ == "__main__":
    sys.exit(main())
