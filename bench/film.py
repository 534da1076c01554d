"""What a film of a run takes: our MP4 and GIF, beside the peer's GIF of the same frames.

The paper's highly parallel school of 250 fish, 300 frames. Ours is 960 x 1080 pixels in MP4 and
480 x 540 in the GIF, with P, M and OSI below; the peer's GIF is 1680 x 1320 with P and M in words.
"""

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import xarray as xr
from against_peer import peer_python
from peers import run_worker
from report import machine, print_table, write_json

import kadita_jax as kj
from kadita_jax.dataset import seconds
from kadita_jax.plot.saving import film_faults

TRAIL = 10


def filmed(dataset: xr.Dataset, path: Path) -> dict[str, float]:
    """Seconds and MiB of our film of a run, its trails drawn."""
    begin = time.perf_counter()
    kj.plot.save(kj.plot.animate(dataset, trail=TRAIL), path)
    return {"seconds": time.perf_counter() - begin, "mib": path.stat().st_size / 2**20}


def filmed_by_peer(dataset: xr.Dataset, folder: Path) -> dict[str, float]:
    """Seconds and MiB of the peer's film of the same frames."""
    run, film = folder / "run.npz", folder / "peer.gif"
    np.savez(
        run,
        positions=dataset["position"].values,
        velocities=dataset["heading"].values,
        time=seconds(dataset),
        polarization=dataset["polarization"].values,
        rotation=dataset["rotation"].values,
    )
    names = ("box_size", "n_fish", "r_repulsion", "r_orientation", "r_attraction")
    system = {name: float(dataset.attrs[name]) for name in names}
    order = {"run": str(run), "film": str(film), "system": system}
    found = run_worker(peer_python(), "peer_film.py", order)
    return found | {"mib": film.stat().st_size / 2**20}


def main() -> int:
    """Film one run in every way, print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-fish", type=int, default=250)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--without-peer", action="store_true")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    scenario = kj.load_scenario("highly_parallel").replaced(
        n_fish=chosen.n_fish, n_steps=chosen.frames - 1, save_every=1
    )
    dataset = kj.run(scenario)
    figures: dict[str, Any] = {"n_fish": chosen.n_fish, "frames": chosen.frames}
    with TemporaryDirectory() as name:
        folder = Path(name)
        for suffix in ("mp4", "gif"):
            path = folder / f"ours.{suffix}"
            if not film_faults(path):
                figures[f"our {suffix.upper()}"] = filmed(dataset, path)
        if not chosen.without_peer:
            figures["the peer's GIF"] = filmed_by_peer(dataset, folder)
    rows = [
        [name, f"{found['seconds']:.1f}", f"{found['mib']:.1f}"]
        for name, found in figures.items()
        if isinstance(found, dict)
    ]
    size = f"{chosen.n_fish} fish, {chosen.frames} frames"
    print_table([size, "seconds", "MiB"], rows)
    print(machine())
    write_json("film", figures, chosen.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
