"""What the tests of the pages share: runs, sweeps, and a page read as a browser reads it."""

import base64
import json
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from kadita_jax.names import NAMES, STATES

BOX = 10.0


def run(
    n_frames: int = 12, n_fish: int = 20, *, box_size: float | None = BOX, **attributes: Any
) -> xr.Dataset:
    """A school that crosses the faces of its box, with metrics of its own making."""
    random = np.random.default_rng(0)
    heading = random.normal(size=(n_fish, 3)) / 3 + (1, 0.4, 0.2)
    heading = heading / np.linalg.norm(heading, axis=1, keepdims=True)
    heading = np.broadcast_to(heading, (n_frames, n_fish, 3))
    start = BOX / 2 + random.normal(size=(n_fish, 3))
    position = start + 0.8 * np.arange(n_frames)[:, None, None] * heading
    series = {name: ("time", random.uniform(0, 1, n_frames)) for name in NAMES}
    dims = ("time", "fish", "space")
    tracks = {
        "position": (dims, position if box_size is None else position % box_size),
        "heading": (dims, heading),
    }
    given = {"r_attraction": 2.0, "convention": "corrected"} | attributes
    given |= {} if box_size is None else {"box_size": box_size}
    return xr.Dataset(tracks | series, {"time": 0.5 * np.arange(n_frames)}, given)


def sweep(axes: dict[str, Any], replicates: int = 3) -> xr.Dataset:
    """A sweep of random values; the first point of all is left out, the last has no value."""
    random = np.random.default_rng(0)
    dims, shape = (*axes, "replicate"), (*map(len, axes.values()), replicates)
    valid = np.ones(shape)
    valid.reshape(-1, replicates)[0] = 0
    data = {f"{name}_mean": (dims, random.uniform(0, 1, shape)) for name in NAMES}
    for _, values in data.values():
        values.reshape(-1, replicates)[[0, -1]] = np.nan
    state = np.where(valid == 1, random.integers(0, len(STATES), shape), -1)
    more = {"state": (dims, state.astype("i1")), "valid": (dims, valid.astype("i1"))}
    return xr.Dataset(data | more, axes, {"scenario_name": "torus"})


def unpacked(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What a page tells of, and its arrays."""
    text = path.read_text(encoding="utf-8")
    about = json.loads(_script(text, "about"))
    data = zlib.decompress(base64.b64decode(_script(text, "data")))
    arrays = {}
    for name, place in about["arrays"].items():
        count = int(np.prod(place["shape"]))
        array = np.frombuffer(data, place["dtype"], count, place["start"]).reshape(place["shape"])
        arrays[name] = np.cumsum(array, axis=0, dtype=array.dtype) if place["moving"] else array
    return about, arrays


def _script(text: str, name: str) -> str:
    found = re.search(rf'<script type="[^"]*" id="{name}">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return found[1]
