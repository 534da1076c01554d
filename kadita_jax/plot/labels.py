"""What the pictures of a sweep say in words."""

from types import MappingProxyType

from kadita_jax.plot.grid import Axis, Grid, n_replicates
from kadita_jax.plot.profile import ROWS
from kadita_jax.plot.reading import amount, cut, joined
from kadita_jax.plot.timeline import LINES

SYMBOLS = MappingProxyType({name: symbol for name, symbol, _, _ in LINES})
# What neither its name nor its place among the entropies puts into words.
OTHER_LABELS = MappingProxyType(
    {
        "oceanic_schooling_index": "Oceanic Schooling Index OSI",
        "spread": "spread (bl)",
        "n_groups": "number of groups",
        "largest_group": "fraction in the largest group",
        "largest_group_polarization": "P of the largest group",
        "largest_group_rotation": "M of the largest group",
        "accuracy": "accuracy of the heading",
    }
)


def metric_label(metric: str) -> str:
    """A metric in plain words, with its symbol or unit."""
    if metric in OTHER_LABELS:
        return OTHER_LABELS[metric]
    if metric in ROWS:
        return f"{ROWS[metric]} entropy"
    return f"{metric.replace('_', ' ')} {SYMBOLS.get(metric, '')}".strip()


def capital(text: str) -> str:
    """The text with its first letter large, the others as they are."""
    return text[:1].upper() + text[1:]


def scenario_name(grid: Grid) -> str:
    """The scenario that was swept, "" when the file does not say."""
    return cut(str(grid.dataset.attrs.get("scenario_name", "")).replace("_", " "), 40)


def fish(grid: Grid) -> str:
    """How many fish, "" when that is an axis or unknown."""
    number = grid.dataset.attrs.get("n_fish")
    in_axes = "n_fish" in grid.dataset.coords
    return "" if number is None or in_axes else f"{int(number):,} fish"


def window(grid: Grid) -> str:
    """The steps that a mean in time is taken over, as far as the file says."""
    given = grid.dataset.attrs
    if "burn_in" not in given or "n_steps" not in given:
        return ""
    every = f" every {given['measure_every']}" if "measure_every" in given else ""
    return f"{given['burn_in']} to {given['n_steps']}{every}"


def replicates(grid: Grid, variable: str) -> str:
    """How many replicates there are, in words."""
    number = n_replicates(grid, variable)
    return "one replicate" if number == 1 else f"{number} replicates"


def mean_note(grid: Grid, variable: str) -> str:
    """What a value is the mean of."""
    return "mean over the replicates" if n_replicates(grid, variable) > 1 else "one replicate"


def about(grid: Grid, variable: str) -> str:
    """A line that says of what a picture is: scenario, fish, replicates and window."""
    steps = f"steps {window(grid)}" if window(grid) else ""
    return joined([scenario_name(grid), fish(grid), replicates(grid, variable), steps])


def reach(axis: Axis) -> str:
    """An axis and the values it was swept over, in words."""
    low, high = amount(axis.place[0]), amount(axis.place[-1])
    values = low if low == high else f"{low} to {high}"
    return f"{axis.name} {values} {axis.unit}".strip()
