"""Arrays as text that a page holds: quantised, as changes from frame to frame, compressed."""

import base64
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int8, UInt8, UInt16

# Of a page's arrays. What does not compress at all then makes 59 MB of text.
MOST_BYTES = 44_000_000
# Steps of a coordinate; the last of the 2**16 numbers marks a fish that is not there.
LEVELS, ABSENT = 65_534, 65_535
# Of what colours a fish; the last of the 2**8 numbers marks what has no value.
STEPS, UNDEFINED = 254, 255
# A side of the directions that are told apart: int8 of each component.
HEADING_SCALE = 127
# No array of the page starts at a place that JavaScript cannot read its type from.
ALIGNMENT = 8
COMPRESSION = 6


class Quantised(NamedTuple):
    """Positions in whole steps from `low`, axis by axis; `ABSENT` where there is none."""

    number: UInt16[np.ndarray, "time fish 3"]
    low: Float[np.ndarray, "3"]
    step: Float[np.ndarray, "3"]


def quantised(position: Float[np.ndarray, "time fish 3"], box_size: float | None) -> Quantised:
    """Positions in bl as 16 bits a coordinate, over the box or over their own extent.

    **Arguments:**

    - `position`: nan where a fish is not seen; within [0, box_size) where there is a box.

    **Returns:** numbers such that `low + step * number` is within half a step of the position.
    """
    seen = position[np.isfinite(position).all(axis=-1)]
    low, high = np.zeros(3), np.full(3, 1.0 if box_size is None else box_size)
    if box_size is None and len(seen):
        low, high = seen.min(axis=0), seen.max(axis=0)
    # Along an axis on which nothing moves any step will do.
    step = np.where(high > low, high - low, 1.0) / LEVELS
    number = np.rint((position - low) / step)
    number = np.where(np.isfinite(position).all(axis=-1, keepdims=True), number, ABSENT)
    return Quantised(number.astype(np.uint16), low, step)


def quantised_heading(heading: Float[np.ndarray, "time fish 3"]) -> Int8[np.ndarray, "time fish 3"]:
    """Unit vectors as 8 bits a component, at most 0.4 degrees off; 0 where they are nan."""
    return np.rint(HEADING_SCALE * np.nan_to_num(heading)).astype(np.int8)


def quantised_share(
    values: Float[np.ndarray, "time fish"], high: float
) -> UInt8[np.ndarray, "time fish"]:
    """Values of 0 to high, or beyond it, in steps, and `UNDEFINED` where they are nan."""
    share = np.rint(STEPS * np.clip(values / high, 0, 1))
    return np.where(np.isnan(values), UNDEFINED, share).astype(np.uint8)


def packed(
    arrays: Mapping[str, np.ndarray], moving: frozenset[str]
) -> tuple[dict[str, dict[str, Any]], str]:
    """Many arrays as one text of base64, and where in it each is.

    **Arguments:**

    - `moving`: names of those whose integers are kept as changes along the first axis. Fish hardly
        move from frame to frame: what remains are small numbers, which compress to half.

    **Returns:** dtype, shape and first byte of each by its name, and the text.
    """
    places, chunks, start = {}, [], 0
    for name, array in arrays.items():
        changes = np.diff(array, axis=0, prepend=np.zeros_like(array[:1]))
        data = np.ascontiguousarray(changes if name in moving else array).tobytes()
        is_moving = name in moving
        places[name] = {"dtype": array.dtype.name, "shape": array.shape, "start": start}
        places[name] |= {"moving": is_moving}
        chunks += [data, bytes(-len(data) % ALIGNMENT)]
        start += len(data) + -len(data) % ALIGNMENT
    compressed = zlib.compress(b"".join(chunks), COMPRESSION)
    return places, base64.b64encode(compressed).decode("ascii")
