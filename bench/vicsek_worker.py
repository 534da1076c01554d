"""Times pyvicsek, run by its own Python: prints one JSON object.

Needs only pyvicsek and numpy; never imports kadita_jax.
"""

import json
import sys
import time

import numpy as np
import vicsek


def main() -> None:
    """Read a school from standard input, write milliseconds a step to standard output."""
    order = json.load(sys.stdin)
    particles = vicsek.initialize_random_particles(
        order["n_fish"], order["box_size"], order["speed"], n_dimensions=3, seed=0
    )
    model = vicsek.Vicsek(
        particles=particles,
        length=order["box_size"],
        interaction_range=order["radius"],
        speed=order["speed"],
        noise_factor=order["noise"],
        seed=0,
    )
    if not vicsek.kernel_available():
        sys.exit("pyvicsek has no C++ kernel here: its numpy code is no measure")
    found = {}
    for name, threads in order["threads"].items():
        with vicsek.use_kernel(True, threads=threads):
            found[name] = {"step_ms": _step_ms(model, order["n_steps"], order["repeats"])}
    json.dump(found, sys.stdout)


def _step_ms(model: vicsek.Vicsek, n_steps: int, repeats: int) -> float:
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        for _ in range(n_steps):
            model.step()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds[1:])) / n_steps * 1e3


if __name__ == "__main__":
    main()
