"""A sweep's Dataset as its pictures need it: each axis in rising order, at most two of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import xarray

from kadita_jax.axes import SWEPT
from kadita_jax.dataset import kind_faults
from kadita_jax.errors import Fault, Unchecked, did_you_mean, refuse
from kadita_jax.names import MORE_NAMES, NAMES, STATES
from kadita_jax.parameters import as_numbers
from kadita_jax.plot.reading import amount, plain_name, plain_unit

MOST_AXES = 2
REPLICATE = "replicate"
# Joins the names of axes that move together into the name of their one dimension.
AND = "_and_"
# A school whose largest group has less than this part of its fish fell apart: single stragglers,
# which any school loses now and then, do not count.
WHOLE = 0.9


class Axis(NamedTuple):
    """One axis of the picture: where its points stand, rising, and what that is."""

    dim: str
    name: str
    unit: str
    place: np.ndarray
    is_log: bool

    @property
    def label(self) -> str:
        """The name with its unit."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    @property
    def edges(self) -> np.ndarray:
        """Edges of the points' cells: midway between neighbours, in the scale that is drawn."""
        if len(self.place) == 1:
            return self.place[0] + np.array([-0.5, 0.5]) * (abs(self.place[0]) or 1)
        place = np.log(self.place) if self.is_log else self.place
        middle = (place[1:] + place[:-1]) / 2
        edges = np.array([2 * place[0] - middle[0], *middle, 2 * place[-1] - middle[-1]])
        return np.exp(edges) if self.is_log else edges

    def cells(self, n_pixels: int) -> np.ndarray:
        """Index of the cell that each of so many equal steps along the drawn axis lies in."""
        edges = np.log(self.edges) if self.is_log else self.edges
        steps = edges[0] + (np.arange(n_pixels) + 0.5) / n_pixels * (edges[-1] - edges[0])
        return np.clip(np.searchsorted(edges, steps) - 1, 0, len(self.place) - 1)


@dataclass(frozen=True)
class Grid:
    """A sweep cut down to its first axes; `where` says at which values it was cut."""

    dataset: xarray.Dataset
    axes: tuple[Axis, ...]
    where: str

    def array(self, name: str) -> xarray.DataArray:
        """A variable, its dimensions in the order of the axes, its points in rising order."""
        return self.dataset[name].transpose(*(axis.dim for axis in self.axes), ...)


def metric_faults(metric: str | Unchecked, dataset: xarray.Dataset) -> Iterator[Fault]:
    """The fault of a metric that does not exist, or that only other sweeps tell of."""
    known = (*NAMES, *(name for name in MORE_NAMES if f"{name}_mean" in dataset))
    if not isinstance(metric, str) or metric not in known:
        hint = did_you_mean(str(metric), known)
        yield Fault("metric", f"must be one of {', '.join(known)}{hint}", metric)


def read_grid(dataset: xarray.Dataset, *variables: str, most_axes: int = MOST_AXES) -> Grid:
    """The sweep that these variables tell of; its axes are the first one's dimensions.

    Axes beyond so many are cut at their middle value. Points are put in rising order.
    """
    refuse("cannot draw", grid_faults(dataset, *variables))
    # What moves together is a plain variable in a file that lost its CF "coordinates".
    dataset = dataset.set_coords([name for name in dataset.data_vars if name in SWEPT])
    dims = [dim for dim in dataset[variables[0]].dims if dim != REPLICATE]
    found = {str(dim): _axis(dataset, str(dim)) for dim in dims}
    order = {dim: rising for dim, (_, rising) in found.items()}
    middle = {dim: order[dim][len(order[dim]) // 2] for dim in list(found)[most_axes:]}
    cut = dataset.isel(order | middle)
    hint = "; choose others with dataset.sel" if middle else ""
    where = _where(cut)
    return Grid(
        dataset=cut,
        axes=tuple(axis for axis, _ in found.values())[:most_axes],
        where=f"at {where}{hint}" if where else "",
    )


def grid_faults(dataset: xarray.Dataset, *variables: str) -> list[Fault]:
    """Why a Dataset is no sweep with these variables, if any, over at least one axis."""
    faults = [*_kind_faults(dataset)] or [*_missing(dataset, variables)]
    return faults or [fault for name in variables[:1] for fault in _size_faults(dataset, name)]


def _kind_faults(dataset: xarray.Dataset) -> Iterator[Fault]:
    if "time" in dataset.dims:
        rule = "must be a sweep: one run is drawn by kadita_jax.plot.summary"
        yield Fault("dataset", rule, f"dimensions {', '.join(map(str, dataset.dims))}")
    yield from kind_faults(dataset, "sweep")


def _missing(dataset: xarray.Dataset, variables: Sequence[str]) -> Iterator[Fault]:
    for name in variables:
        if name not in dataset:
            rule = "must be a variable of the Dataset, as in a sweep's"
            yield Fault(name, rule, sorted(map(str, dataset.data_vars)))


def _size_faults(dataset: xarray.Dataset, name: str) -> Iterator[Fault]:
    if set(dataset[name].dims) <= {REPLICATE}:
        rule = "must have at least one axis to be drawn against"
        yield Fault(name, rule, f"a single point, dims {dataset[name].dims}")
    for dim, size in dataset[name].sizes.items():
        if not size:
            yield Fault(str(dim), "must hold at least one value", f"{size} values")


def _axis(dataset: xarray.Dataset, dim: str) -> tuple[Axis, np.ndarray]:
    """The axis of a dimension, and the order that makes it rise."""
    names = [name for name in (dim, *dim.split(AND)) if name in dataset.coords]
    names = [name for name in dict.fromkeys(names) if dataset[name].dims == (dim,)]
    values = as_numbers(dataset[names[0]].values) if names else None
    name = " with ".join(names) if len(names) > 1 else plain_name(names[0] if names else dim)
    if values is None or not _can_be_places(values, zipped=AND in dim):
        points = np.arange(dataset.sizes[dim])
        return Axis(dim, f"point number of {name}", "", points.astype(float), is_log=False), points
    order = np.argsort(values, kind="stable")
    unit = plain_unit(names[0], dataset[names[0]].attrs.get("units", "1"))
    return Axis(dim, name, unit, values[order], _is_log(values[order])), order


def _can_be_places(values: np.ndarray, *, zipped: bool) -> bool:
    if zipped:
        steps = np.diff(values)
        return bool(np.isfinite(values).all() and (np.all(steps > 0) or np.all(steps < 0)))
    return bool(np.isfinite(values).all() and len(np.unique(values)) == len(values))


def _is_log(place: np.ndarray) -> bool:
    """Whether neighbours have like ratios and unlike differences: within 5 %, 30 % over a decade.

    So 1, 2, 5, 10 is logarithmic and 2, 3, 5, 8 is not.
    """
    if len(place) < 3 or place[0] <= 0:
        return False
    steps, ratios = np.diff(place), np.diff(np.log(place))
    unlike = ratios.std() / ratios.mean()
    allowed = 0.3 if place[-1] >= 10 * place[0] else 0.05
    return bool(unlike < allowed and unlike < 0.5 * steps.std() / steps.mean())


def _where(dataset: xarray.Dataset) -> str:
    """The axes that have one value left, by the names that `dataset.sel` knows."""
    scalars = {str(n): c for n, c in dataset.coords.items() if not c.dims and n != REPLICATE}
    numbers = {n: c for n, c in scalars.items() if as_numbers(c.values) is not None}
    parts = (
        f"{name} = {amount(c.values)} {plain_unit(name, c.attrs.get('units', '1'))}".strip()
        for name, c in numbers.items()
    )
    return ", ".join(parts)


def n_replicates(grid: Grid, name: str) -> int:
    """How many replicates a variable holds; 1 when one was chosen."""
    return grid.dataset[name].sizes.get(REPLICATE, 1)


def _over_replicates(array: xarray.DataArray) -> xarray.DataArray:
    return array.mean(REPLICATE) if REPLICATE in array.dims else array


def average(grid: Grid, metric: str) -> np.ndarray:
    """A metric's mean over the replicates in which it is defined; nan where in none."""
    return _over_replicates(grid.array(f"{metric}_mean").astype(float)).values


def standard_error(grid: Grid, metric: str) -> np.ndarray:
    """Of `average`, from the replicates' spread (ddof 1); nan where fewer than two are defined.

    Worked out anew, so that it is right for a choice of replicates too.
    """
    array = grid.array(f"{metric}_mean").astype(float)
    if REPLICATE not in array.dims:
        return np.full(array.shape, np.nan)
    count = array.notnull().sum(REPLICATE)
    squares = ((array - array.mean(REPLICATE)) ** 2).sum(REPLICATE)
    return np.sqrt((squares / (count * (count - 1)).where(count > 1)).values)


def state_shares(grid: Grid) -> np.ndarray:
    """Share of the replicates that are in each of `STATES`, (axes..., states)."""
    state = grid.array("state")
    share = [_over_replicates((state == k).astype(float)).values for k in range(len(STATES))]
    return np.stack(share, axis=-1)


def leading_state(grid: Grid) -> np.ndarray:
    """Index of the most frequent state, the first in `STATES` of equals; -1 where there is none."""
    if "state" not in grid.dataset:
        return np.full([len(axis.place) for axis in grid.axes], -1)
    share = state_shares(grid)
    return np.where(share.max(axis=-1) > 0, share.argmax(axis=-1), -1)


def states_of(grid: Grid) -> np.ndarray:
    """Indices of the states that any replicate is in."""
    if "state" not in grid.dataset:
        return np.array([], int)
    return np.nonzero((state_shares(grid) > 0).reshape(-1, len(STATES)).any(axis=0))[0]


def is_invalid(grid: Grid) -> np.ndarray:
    """Whether a point was left out because its radii are out of order."""
    if "valid" not in grid.dataset:
        return np.zeros([len(axis.place) for axis in grid.axes], bool)
    return _over_replicates((grid.array("valid") == 0).astype(float)).values == 1


def fell_apart(grid: Grid) -> np.ndarray:
    """Whether the schools of a point fell apart, in the mean; nowhere when the sweep has no groups.

    A school in a box has none, and a point that was left out did not fall apart.
    """
    if "largest_group_mean" not in grid.dataset:
        return np.zeros([len(axis.place) for axis in grid.axes], bool)
    return average(grid, "largest_group") < WHOLE
