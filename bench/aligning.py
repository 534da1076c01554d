"""A school that only aligns, the Vicsek model, by us and by pyvicsek.

Density 4, radius 1, noise 0.1: 17 neighbours. Ours has the gaussian noise of the zone model and
sees all round; pyvicsek adds a random vector of fixed length. Ours is timed in both precisions,
pyvicsek in float64 (all it has), as it comes and on all cores.
"""

import math
import os

import jax
from clock import gas, time_steps
from peers import python_with, run_worker

PEER = "pyvicsek==0.3.0"
DENSITY, SPEED, RADIUS, NOISE = 4.0, 0.03, 1.0, 0.1
FIELDS = {
    "r_repulsion": 0.0,
    "r_orientation": RADIUS,
    "r_attraction": RADIUS,
    "blind_angle": 0.0,
    "max_turn": math.pi,
    "speed": SPEED,
    "noise": NOISE,
    "dt": 1.0,
}
N_STEPS = 5
Figures = dict[str, dict[str, float]]


def time_aligning(n_fish: int, repeats: int, *, with_peer: bool) -> Figures:
    """Milliseconds a step and fish-steps a second, by whose they are."""
    found = {f"ours, {dtype}": _ours(n_fish, repeats, dtype) for dtype in ("float32", "float64")}
    if with_peer:
        found |= _peers(n_fish, repeats)
    for figures in found.values():
        figures["fish_steps_per_s"] = n_fish / figures["step_ms"] * 1e3
    return found


def _ours(n_fish: int, repeats: int, dtype: str) -> dict[str, float]:
    with jax.enable_x64(dtype == "float64"):
        return time_steps(*gas(n_fish, DENSITY, **FIELDS), "cells", N_STEPS, repeats)


def _peers(n_fish: int, repeats: int) -> Figures:
    order = {
        "n_fish": n_fish,
        "box_size": (n_fish / DENSITY) ** (1 / 3),
        "speed": SPEED,
        "radius": RADIUS,
        "noise": NOISE,
        "n_steps": N_STEPS,
        "repeats": repeats,
        "threads": {"pyvicsek": None, "pyvicsek, all cores": os.cpu_count()},
    }
    return run_worker(python_with(PEER, "pyvicsek"), "vicsek_worker.py", order)
