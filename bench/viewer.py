"""How many frames a second `kadita view` draws, how large its pages are, how long they take.

In a real Chromium without a screen, whose WebGL is drawn by the processor: what any machine without
a GPU does at worst. Frames are counted while the page plays, at 1280 x 800.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from chromium import browsing, missing, open_page, wait_until
from drawing import BLUE, VERMILLION, label_bars, new_figure, style
from matplotlib.figure import Figure
from report import machine, print_table, save_figure, write_json

import kadita_jax as kj

SIZES = [250, 1_000]
N_FRAMES = 500
# Frames of trails: none, and as many as are still read.
TRAILS = (0, 50)
SMOOTH = 30
# As many fish to a cubic body length in every school.
DENSITY = 0.01


def measure(sizes: list[int], n_frames: int, seconds: float, folder: Path) -> list[dict[str, Any]]:
    """Of schools of so many fish: writing, size, opening, frames a second."""
    with browsing() as context:
        return [_measure_one(n, n_frames, seconds, folder, context) for n in sizes]


def _measure_one(
    n_fish: int, n_frames: int, seconds: float, folder: Path, context: Any
) -> dict[str, Any]:
    path = folder / f"{n_fish}.html"
    dataset = _run(n_fish, n_frames)
    start = time.perf_counter()
    kj.plot.view(dataset, path)
    written = time.perf_counter()
    page = open_page(context.new_page(), path)
    wait_until(page, "window.kadita.state.drawn > 0")
    opened = time.perf_counter()
    rates = {f"fps_trails_{trail}": _rate(page, trail, seconds) for trail in TRAILS}
    page.close()
    return {
        "n_fish": n_fish,
        "n_frames": n_frames,
        "write_s": written - start,
        "open_s": opened - written,
        "megabytes": path.stat().st_size / 1e6,
        **rates,
    }


def _run(n_fish: int, n_frames: int) -> Any:
    box_size = (n_fish / DENSITY) ** (1 / 3)
    fields = {"n_fish": n_fish, "n_steps": n_frames - 1, "save_every": 1, "box_size": box_size}
    return kj.run(kj.load_scenario("torus").model_copy(update=fields))


def _rate(page: Any, trail: int, seconds: float) -> float:
    """Frames drawn a second while the page plays."""
    page.evaluate(
        """(trail) => {
            const slider = document.getElementById("trail");
            slider.value = trail;
            slider.dispatchEvent(new Event("input"));
        }""",
        trail,
    )
    page.click("#play")
    counted = page.evaluate(
        """async (seconds) => {
            const wait = (ms) => new Promise((done) => setTimeout(done, ms));
            // The first frames compile what draws.
            await wait(500);
            const [start, before] = [performance.now(), kadita.state.drawn];
            await wait(1000 * seconds);
            return (1000 * (kadita.state.drawn - before)) / (performance.now() - start);
        }""",
        seconds,
    )
    page.click("#play")
    return counted


@style()
def draw(rows: list[dict[str, Any]]) -> Figure:
    """Frames a second by the number of fish, without trails and with."""
    figure = new_figure()
    axes = figure.add_subplot()
    for shift, (trail, colour) in enumerate(zip(TRAILS, (BLUE, VERMILLION), strict=True)):
        places = [place + 0.36 * (shift - 0.5) for place in range(len(rows))]
        rates = [row[f"fps_trails_{trail}"] for row in rows]
        label = f"trails of {trail} frames" if trail else "without trails"
        axes.bar(places, rates, width=0.34, color=colour, label=label)
    label_bars(axes, "%.0f")
    axes.axhline(SMOOTH, linestyle=":", linewidth=0.8)
    axes.set_xticks(range(len(rows)), [f"{row['n_fish']:,} fish" for row in rows])
    axes.set_ylabel("frames a second")
    axes.legend(frameon=False)
    return figure


def _print(rows: list[dict[str, Any]]) -> None:
    headings = ["fish x frames", "written in s", "MB", "opened in s"]
    headings += [f"frames/s, trails {trail}" for trail in TRAILS]
    print_table(
        headings,
        [
            [
                f"{row['n_fish']:,} x {row['n_frames']:,}",
                f"{row['write_s']:.1f}",
                f"{row['megabytes']:.1f}",
                f"{row['open_s']:.1f}",
                *(f"{row[f'fps_trails_{trail}']:.0f}" for trail in TRAILS),
            ]
            for row in rows
        ],
    )
    print(machine())


def main() -> str | None:
    """Measure, print, write and draw; what is missing where there is no browser."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--frames", type=int, default=N_FRAMES)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--out", type=Path, default=None)
    given = parser.parse_args()
    if missing():
        return missing()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(given.sizes, given.frames, given.seconds, Path(folder))
    _print(rows)
    write_json("viewer", rows, given.out)
    save_figure("viewer", draw(rows), given.out)
    return None


if __name__ == "__main__":
    sys.exit(main())
