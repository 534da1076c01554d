"""The peer's own animation of a run that a file holds, timed in the peer's environment."""

import contextlib
import json
import sys
import time
from types import SimpleNamespace

import numpy as np
from dewi_kadita.visualization.animator import Animator


def main() -> None:
    order = json.load(sys.stdin)
    with np.load(order["run"]) as stored:
        result = dict(stored)
    result["system"] = SimpleNamespace(**order["system"])
    begin = time.perf_counter()
    # What it says of its progress would hide the answer.
    with contextlib.redirect_stdout(sys.stderr):
        Animator().create_animation(result, order["film"], skip=1)
    json.dump({"seconds": time.perf_counter() - begin}, sys.stdout)


if __name__ == "__main__":
    main()
