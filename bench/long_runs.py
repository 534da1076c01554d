"""Long runs: memory while a million steps go to disk, their continuation, and float32 far out.

Memory: the resident memory of the process at each part saved in the first fifth, against the most
that it holds, a hundred times a second, until the finished file is compressed and opened.
Continuation: the finished run is continued, and compared to the bit with one longer run. Far out:
in a box of 10,000 bl single precision tells places to 0.001 bl, a hundredth of a step; the ways and
the order of schools there are compared with double precision, from the same initial school but, as
the draws differ, as two samples: the difference is told in standard errors over the fish.
"""

import argparse
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import numpy as np
from report import machine, print_table, write_json

import kadita_jax as kj

FAR_BOX = 1e4


def resident_mib() -> float:
    """Memory that the process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def watched() -> Iterator[list[float]]:
    """The memory that the process holds, a hundred times a second as long as the context lasts."""
    seen, over = [resident_mib()], threading.Event()

    def look() -> None:
        while not over.wait(0.01):
            seen.append(resident_mib())

    watch = threading.Thread(target=look)
    watch.start()
    try:
        yield seen
    finally:
        over.set()
        watch.join()


def streamed(school: kj.Scenario, n_steps: int, more: int, folder: Path) -> dict[str, Any]:
    """A run to disk with its memory, and its continuation."""
    early: list[float] = []
    begin = time.perf_counter()
    whole = folder / "whole.nc"

    def look(done: int) -> None:
        # The first parts bring in what is compiled and read once.
        if done <= n_steps / 5 or not early:
            early.append(resident_mib())

    with watched() as seen:
        kj.run(school, n_steps=n_steps, out=whole, progress=look).close()
    seconds = time.perf_counter() - begin
    longer = kj.run(school, n_steps=n_steps + more, out=folder / "longer.nc")
    with kj.resume(whole, n_steps=n_steps + more) as resumed, longer:
        same = all(bool(resumed[name].equals(longer[name])) for name in resumed.variables)
        n_frames = resumed.sizes["time"]
    return {
        "n_steps": n_steps,
        "frames": n_frames,
        "file_mib": whole.stat().st_size / 2**20,
        "seconds": seconds,
        "resident_mib_in_the_first_fifth": max(early),
        "resident_mib_at_most": max(seen),
        "continued_to_the_bit": same,
    }


def far_out(n_fish: int, n_steps: int, stride: int) -> dict[str, dict[str, float]]:
    """What schools of each precision do in a large box, over the last nine tenths."""
    found = {}
    for dtype in ("float32", "float64"):
        with jax.enable_x64(dtype == "float64"):
            key = jax.random.key(3)
            params = kj.make_params(box_size=FAR_BOX, r_orientation=20.0, r_attraction=40.0)
            gas = kj.uniform_gas(key, n_fish, 30.0)
            # In the far corner, where numbers are largest.
            state = kj.State(gas.position + 0.97 * FAR_BOX, gas.heading)
            run = kj.simulate(state, params, key, n_steps=n_steps, save_every=stride)
            found[dtype] = statistics(run, params, stride)
    errors = {
        name: abs(found["float32"][name] - found["float64"][name])
        / float(np.hypot(found["float32"][f"{name} ±"], found["float64"][f"{name} ±"]))
        for name in ("speed", "polarization", "turn")
    }
    return found | {"apart in standard errors": errors}


def statistics(run: kj.Trajectory, params: kj.Params, stride: int) -> dict[str, float]:
    """Mean speed between frames along the mean heading's way, order and turn, with errors."""
    kept = slice(len(run.time) // 10, None)
    position, heading = (np.asarray(x, float)[kept] for x in (run.position, run.heading))
    way = np.diff(position, axis=0)
    way -= FAR_BOX * np.round(way / FAR_BOX)
    speed = np.linalg.norm(way, axis=-1) / (stride * float(params.dt))
    order = np.linalg.norm(heading.mean(axis=1), axis=-1)
    turn = 1 - (heading[1:] * heading[:-1]).sum(axis=-1)
    return {
        **_mean_and_error("speed", speed.mean(axis=1)),
        **_mean_and_error("polarization", order),
        **_mean_and_error("turn", turn.mean(axis=1)),
    }


def _mean_and_error(name: str, series: np.ndarray) -> dict[str, float]:
    """Mean of a series and its error by twenty blocks, longer than it remembers."""
    blocks = np.array([block.mean() for block in np.array_split(series, 20)])
    return {name: float(series.mean()), f"{name} ±": float(blocks.std(ddof=1) / np.sqrt(20))}


def main() -> None:
    """Print the tables and write them."""
    chosen = _parser().parse_args()
    school = kj.load_scenario("swarm").replaced(n_fish=50, save_every=chosen.save_every)
    with TemporaryDirectory() as folder:
        figures: dict[str, Any] = {
            "streamed": streamed(school, chosen.n_steps, 10 * chosen.save_every, Path(folder))
        }
    figures["far"] = far_out(50, chosen.n_steps, chosen.save_every)
    print_table(["streamed", ""], [(k, _told(v)) for k, v in figures["streamed"].items()])
    rows = [(dtype, *(f"{k} {v:.5g}" for k, v in x.items())) for dtype, x in figures["far"].items()]
    for row in rows:
        print(*row, sep="   ")
    print(machine())
    write_json("long_runs", figures, chosen.out)


def _told(value: Any) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else f"{value}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-steps", type=int, default=1_000_000)
    parser.add_argument("--save-every", type=int, default=10)
    parser.add_argument("--out", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
