"""What every benchmark shares: the machine, a printed table, a JSON file, a figure."""

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

import kadita_jax as kj

if TYPE_CHECKING:
    # A machine that is lent for its GPU may have no library for pictures.
    from matplotlib.figure import Figure

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        model = next((x.split(": ")[1] for x in lines if x.startswith("model name")), model)
    return {
        "cpu": f"{model}, {os.cpu_count()} cores",
        "device": jax.local_devices()[0].device_kind,
        "python": platform.python_version(),
        "jax": jax.__version__,
        "numpy": np.__version__,
    }


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A Markdown table, ready for the README."""
    print("| " + " | ".join(headings) + " |")
    print("|" + "---|" * len(headings))
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
    print()


def write_json(name: str, figures: Any, folder: Path | None = None) -> Path:
    """The figures with the machine they were measured on."""
    folder = RESULTS if folder is None else folder
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=1) + "\n")
    return path


def save_figure(name: str, figure: "Figure", folder: Path | None = None) -> Path:
    """The figure, beside the figures that it shows."""
    folder = RESULTS if folder is None else folder
    folder.mkdir(parents=True, exist_ok=True)
    return kj.plot.save(figure, folder / f"{name}.png")
