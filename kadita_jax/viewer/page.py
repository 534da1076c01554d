"""One HTML file from its parts: layout, scripts, colours, data; nothing is fetched."""

import html
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from kadita_jax.errors import Fault
from kadita_jax.files import PARTIAL, name_faults, replacing
from kadita_jax.plot.style import FAINT, INK, MUTED, PAPER, WASH

WEB = files("kadita_jax") / "viewer" / "web"
SCRIPTS = {
    "school": (
        "three.js",
        "shared.js",
        "school.js",
        "shoal.js",
        "trails.js",
        "stage.js",
        "chart.js",
        "legend.js",
        "player.js",
    ),
    "phase": ("shared.js", "sweep.js", "map.js", "phase.js"),
}
# A place of the frame that a part is put into.
_PLACE = re.compile(r"\{\{(\w+)\}\}")


class Page(NamedTuple):
    """What a page shows.

    **Attributes:**

    - `kind`: which files of `web/` make it, "school" or "phase".
    - `about`: all but the arrays, as the scripts find it.
    - `data`: the arrays, as `packing.packed` returns them.
    """

    kind: str
    about: Mapping[str, Any]
    data: str


PAGES = (".html", ".htm")


def out_faults(path: Path) -> list[Fault]:
    """Why a page cannot be of this name."""
    if faults := name_faults("out", path, PARTIAL):
        return faults
    if path.is_dir():
        return [Fault("out", "must be a file, not a folder", str(path))]
    if path.suffix.lower() not in PAGES:
        # Also so that no mistyped word writes over the data.
        return [Fault("out", f"must end in {' or '.join(PAGES)}", str(path))]
    return []


def parent_faults(path: Path) -> list[Fault]:
    """The fault of a page whose folder is not there."""
    if path.parent.is_dir():
        return []
    return [Fault("out", "must be in a folder that exists", str(path))]


def write_page(path: Path, page: Page) -> Path:
    """Write a page under its final name whole, or not at all; returns the path."""
    with replacing(path) as partial:
        partial.write_text(_filled(page), encoding="utf-8")
    return path


def embedded(about: Mapping[str, Any]) -> str:
    """JSON that ends no script, whatever names and titles hold: "<" is written as its number."""
    return json.dumps(about, allow_nan=False).replace("<", "\\u003c")


def _filled(page: Page) -> str:
    parts = {
        "title": html.escape(str(page.about["title"])),
        "colours": "".join(f"--{name}: {colour};" for name, colour in _inks().items()),
        "style": _read("page.css"),
        "body": _read(f"{page.kind}.html"),
        "about": embedded(page.about),
        "data": page.data,
        "scripts": "\n".join(f"<script>\n{_read(name)}</script>" for name in SCRIPTS[page.kind]),
    }
    # In one pass: what looks like a place inside a part stays as it is.
    return _PLACE.sub(lambda place: parts[place[1]], _read("page.html"))


def _inks() -> dict[str, str]:
    return {"ink": INK, "muted": MUTED, "faint": FAINT, "wash": WASH, "paper": PAPER}


def _read(name: str) -> str:
    return (WEB / name).read_text(encoding="utf-8")
