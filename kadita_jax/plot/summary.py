"""One picture per run that says what the school did."""

import xarray
from matplotlib.figure import Figure

from kadita_jax.dataset import Clock, clock, final_state
from kadita_jax.plot.fish import draw_key, fish_note
from kadita_jax.plot.profile import entropies, has_bands
from kadita_jax.plot.reading import amount, cut, footer, joined, school_at
from kadita_jax.plot.school import school
from kadita_jax.plot.style import MUTED, SUBTITLE, TINY, TITLE, headline, panel, style, write
from kadita_jax.plot.table import draw_table, parameter_rows
from kadita_jax.plot.timeline import order
from kadita_jax.plot.zones import has_zones, zones

SIZE = (13.0, 9.0)
# Left edges of the two columns and heights of their headlines, in inches.
LEFT, RIGHT = 0.5, 7.95
UPPER, LOWER_LEFT, LOWER_RIGHT = 7.5, 2.1, 4.4

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
        add_parameters(figure, dataset)
        _add_order(figure, dataset)
        _add_profile(figure, dataset)
        _write_footer(figure, dataset)
    return figure


def title_of(dataset: xarray.Dataset) -> tuple[str, str]:
    """What a run is called, and a line that says how large and long it is and what it shows."""
    name = str(dataset.attrs.get("scenario_name", "school")).replace("_", " ")
    about = str(dataset.attrs.get("title", "")).removeprefix(f"{name.capitalize()}: ")
    size = f"{dataset.sizes['fish']:,} fish, {_duration(clock(dataset))}"
    return cut(name[:1].upper() + name[1:], 45), joined([size, cut(about, 100)])


def _duration(when: Clock) -> str:
    time = when.values
    if when.has_times:
        return when.moment.format(amount(time[-1] - time[0]))
    return "one frame" if len(time) == 1 else f"{len(time):,} frames"


def _write_title(figure: Figure, dataset: xarray.Dataset) -> None:
    title, line = title_of(dataset)
    write(figure, LEFT, 8.36, title, fontsize=TITLE, fontweight="bold")
    write(figure, LEFT, 8.02, line, fontsize=SUBTITLE, color=MUTED)


def _add_school(figure: Figure, dataset: xarray.Dataset) -> None:
    position, _ = school_at(dataset, -1)
    when = clock(dataset)
    title = f"The school at {when.moment.format(amount(when.values[-1]))}"
    headline(figure, LEFT, UPPER, title, fish_note(len(position)))
    box = (0.1, 2.1, 7.4, 5.4)
    school(dataset, panel(figure, box, projection="3d", computed_zorder=False))
    draw_key(figure, (6.0, 7.05, 0.6, 0.6), "climbing", 1)
    draw_key(figure, (6.85, 7.05, 0.6, 0.6), "diving", -1)


def add_parameters(figure: Figure, dataset: xarray.Dataset) -> None:
    """The table of parameters with the zones, in the lower left of a page of this size."""
    rows = parameter_rows(dataset)
    headline(figure, LEFT, LOWER_LEFT, "Parameters", "" if rows else "not given in the file")
    draw_table(figure, (LEFT, 0.55, 5.1, 1.4), rows)
    if has_zones(dataset):
        zones(dataset, panel(figure, (5.75, 0.5, 1.6, 1.45)))
        headline(figure, 5.85, LOWER_LEFT, "Zones of one fish")


def _add_order(figure: Figure, dataset: xarray.Dataset) -> None:
    note = f"final state: {final_state(dataset).replace('_', ' ')} (P polarization, M rotation)"
    if "n_groups" in dataset and (n_groups := int(dataset["n_groups"][-1])) > 1:
        note = f"{note} of {n_groups} groups"
    headline(figure, RIGHT, UPPER, "Order against time", note)
    order(dataset, panel(figure, (RIGHT + 0.3, 5.15, 3.1, 1.7)))


def _add_profile(figure: Figure, dataset: xarray.Dataset) -> None:
    bands = "; pale bands: std over seeds" if has_bands(dataset) else ""
    note = f"mean ± std of the summary window{bands}"
    headline(figure, RIGHT, LOWER_RIGHT, "Seven entropies and their index", note)
    entropies(dataset, panel(figure, (RIGHT + 1.5, 0.85, 2.3, 2.9)))


def _write_footer(figure: Figure, dataset: xarray.Dataset) -> None:
    write(figure, LEFT, 0.2, footer(dataset.attrs, FOOTER), fontsize=TINY, color=MUTED)
