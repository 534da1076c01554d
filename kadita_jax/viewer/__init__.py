"""Pages to look at runs and sweeps with: each one HTML file that needs no network.

Apart from `kadita_jax.plot`, which must not load jax: groups are told by the one rule there is.
"""

import os
from pathlib import Path

import xarray as xr

from kadita_jax.errors import Unchecked, refuse
from kadita_jax.viewer.checks import content_faults, frame_faults, holds_points
from kadita_jax.viewer.page import out_faults, parent_faults, write_page
from kadita_jax.viewer.phase import phase_page
from kadita_jax.viewer.school import school_page


def view(
    dataset: xr.Dataset,
    path: str | os.PathLike[str],
    *,
    first: int | Unchecked | None = None,
    last: int | Unchecked | None = None,
    stride: int | Unchecked = 1,
) -> Path:
    """Write one HTML file that shows a run in motion, or a sweep to hover over, in any browser.

    It holds all it needs, and asks for nothing from elsewhere. Positions are stored in steps of
    1 / 65,534 of their extent along each axis (of `box_size` in a periodic box), so each is shown
    within half of that of where it is: 0.0002 bl in a box of 25. Headings are within 0.4 degrees.

    **Arguments:**

    - `dataset`: a run, as `kadita_jax.run` returns it; tracks of another program, as `kadita
        metrics` reads them; or a sweep with any number of axes. What a file does not say is left
        out: metrics, groups without a distance; no box_size means open water. A fish is not drawn
        in frames where its position or heading is not finite.
    - `path`: where to.
    - `first`, `last`: the first and the last frame that is shown, both included; all by default.
    - `stride`: every so many frames.

    **Returns:** the path written.

    **Raises:** `InvalidInputError` where the Dataset is no run or sweep, has not these frames, has
    in none of them a fish with a finite position and heading, or holds more than the page can
    (`kadita_jax.viewer.packing.MOST_BYTES`) or more fish than a browser plays
    (`kadita_jax.viewer.checks.MOST_FISH`), telling what would fit.
    """
    path = Path(path)
    faults = content_faults(dataset) or frame_faults(dataset, first, last, stride)
    refuse("cannot view", [*faults, *out_faults(path), *parent_faults(path)])
    if holds_points(dataset):
        return write_page(path, phase_page(dataset))
    return write_page(path, school_page(dataset, first, last, stride))
