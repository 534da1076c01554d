"""One picture per run that says what the school did."""

import textwrap

import xarray
from matplotlib.figure import Figure

from kadita_jax.plot.profile import draw_profile
from kadita_jax.plot.reading import amount, final_school, final_state, joined, number, seconds
from kadita_jax.plot.school import draw_compass, draw_school, fish_note
from kadita_jax.plot.style import MUTED, SUBTITLE, TINY, TITLE, headline, style, write
from kadita_jax.plot.table import draw_table
from kadita_jax.plot.timeline import draw_order
from kadita_jax.plot.zones import draw_zones

SIZE = (13.0, 9.0)
# Left edges of the two columns and heights of their headlines, in inches.
LEFT, RIGHT = 0.5, 7.95
UPPER, LOWER_LEFT, LOWER_RIGHT = 7.45, 2.1, 4.4

FOOTER = {
    "kadita_jax_version": "kadita_jax",
    "seed": "seed",
    "n_steps": "steps",
    "save_every": "saved every",
    "convention": "convention",
    "dtype": "",
    "device": "",
}


def summary(dataset: xarray.Dataset) -> Figure:
    """The school in space, its order against time, its entropies and its parameters.

    Works without a display and leaves matplotlib's global state alone; `save` writes the figure.

    **Arguments:**

    - `dataset`: one run, as `kadita_jax.run` returns it or xarray opens its file. Time may be
        decoded or not. Attributes that are absent (files of other programs) are left out; no
        box_size means open water.

    **Returns:** a figure of 13 x 9 inches.
    """
    with style():
        figure = Figure(figsize=SIZE)
        _write_title(figure, dataset)
        _add_school(figure, dataset)
        _add_parameters(figure, dataset)
        _add_order(figure, dataset)
        _add_profile(figure, dataset)
        _write_footer(figure, dataset)
    return figure


def _write_title(figure: Figure, dataset: xarray.Dataset) -> None:
    name = str(dataset.attrs.get("scenario_name", "school")).replace("_", " ")
    about = str(dataset.attrs.get("title", ""))
    time = seconds(dataset)
    size = f"{dataset.sizes['fish']:,} fish, {amount(time[-1] - time[0])} s"
    title = textwrap.shorten(name[:1].upper() + name[1:], 60, placeholder=" …")
    note = joined([size, textwrap.shorten(about, 100, placeholder=" …")])
    write(figure, LEFT, 8.36, title, fontsize=TITLE, fontweight="bold")
    write(figure, LEFT, 8.02, note, fontsize=SUBTITLE, color=MUTED)


def _add_school(figure: Figure, dataset: xarray.Dataset) -> None:
    position, heading = final_school(dataset)
    title = f"The school at {amount(seconds(dataset)[-1])} s"
    headline(figure, LEFT, UPPER, title, fish_note(len(position)))
    draw_school(figure, (0.2, 2.2, 7.2, 5.3), position, heading, number(dataset, "box_size"))
    draw_compass(figure, (6.2, 6.5, 0.95, 0.95))


def _add_parameters(figure: Figure, dataset: xarray.Dataset) -> None:
    headline(figure, LEFT, LOWER_LEFT, "Parameters")
    draw_table(figure, (LEFT, 0.55, 5.1, 1.4), dataset)
    if draw_zones(figure, (5.75, 0.5, 1.6, 1.45), dataset):
        headline(figure, 5.85, LOWER_LEFT, "Zones of one fish")


def _add_order(figure: Figure, dataset: xarray.Dataset) -> None:
    note = f"final state {final_state(dataset)}; P polarization, M rotation"
    headline(figure, RIGHT, UPPER, "Order against time", note)
    draw_order(figure, (RIGHT + 0.3, 5.15, 3.3, 1.7), dataset)


def _add_profile(figure: Figure, dataset: xarray.Dataset) -> None:
    note = "mean ± std of the summary window, beside the canonical schools"
    headline(figure, RIGHT, LOWER_RIGHT, "Seven entropies and their index", note)
    draw_profile(figure, (RIGHT + 1.5, 0.85, 2.3, 2.9), dataset)


def _write_footer(figure: Figure, dataset: xarray.Dataset) -> None:
    known = {name: label for name, label in FOOTER.items() if name in dataset.attrs}
    parts = [f"{label} {amount(dataset.attrs[name])}".strip() for name, label in known.items()]
    write(figure, LEFT, 0.2, joined(parts), fontsize=TINY, color=MUTED)
