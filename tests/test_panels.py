"""Panels alone: in axes that are given or figures of their own, in every size."""

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import kadita_jax as kj
from kadita_jax.metrics import NAMES
from kadita_jax.plot.panels import SIZES

PANELS = ("school", "order", "entropies", "zones")


@pytest.fixture
def run() -> xr.Dataset:
    """Five fish over four frames, with numbers for all metrics."""
    random = np.random.default_rng(0)
    dims = ("time", "fish", "space")
    variables = {name: (dims, random.normal(size=(4, 5, 3))) for name in ("position", "heading")}
    variables |= {name: ("time", random.uniform(size=4)) for name in NAMES}
    radii = {"r_repulsion": 1.0, "r_orientation": 4.0, "r_attraction": 8.0, "box_size": 20.0}
    return xr.Dataset(variables, {"time": np.arange(4.0)}, attrs=radii | {"blind_angle": 30.0})


@pytest.fixture
def sweep() -> xr.Dataset:
    dims = ("noise", "speed", "replicate")
    values = np.random.default_rng(0).uniform(size=(3, 2, 2))
    variables = {"polarization_mean": (dims, values), "state": (dims, (3 * values).astype(int))}
    return xr.Dataset(variables, {"noise": [0.0, 0.1, 0.2], "speed": [1.0, 2.0]})


def is_inside(figure: Figure) -> bool:
    """Whether nothing that is drawn reaches the edge of the page, where it would be cut."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    edges = pixels[[0, -1]].reshape(-1, 3), pixels[:, [0, -1]].reshape(-1, 3)
    assert (pixels < 200).any()
    return bool((np.concatenate(edges) == 255).all())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PANELS)
def test_a_figure_of_its_own_has_the_size_and_holds_all(run, name, size):
    axes = getattr(kj.plot, name)(run, size=size)
    assert tuple(axes.figure.get_size_inches()) == SIZES[size]
    assert is_inside(axes.figure)


@pytest.mark.parametrize("name", PANELS)
def test_given_axes_are_drawn_in_and_returned(run, name):
    before = dict(matplotlib.rcParams)
    figure = Figure()
    options = {"projection": "3d"} if name == "school" else {}
    axes = figure.add_subplot(1, 2, 2, **options)
    assert getattr(kj.plot, name)(run, axes) is axes
    assert figure.axes == [axes]
    assert len(axes.get_children()) > len(Figure().add_subplot(**options).get_children())
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("is_line", [False, True])
def test_a_sweep_is_drawn_in_given_axes(sweep, is_line, tmp_path):
    shown = sweep.isel(speed=0) if is_line else sweep
    figure = Figure(layout="constrained")
    one, other = figure.subplots(1, 2)
    assert kj.plot.phase_diagram(shown, "polarization", one) is one
    assert kj.plot.state_map(shown, other) is other
    assert len(figure.axes) == (2 if is_line else 3)
    assert kj.plot.save(one, tmp_path / "both.png").stat().st_size > 5_000


def test_axes_in_a_part_of_a_figure_have_their_own_size(sweep):
    left, _ = Figure(figsize=(8, 4)).subfigures(1, 2)
    axes = left.add_axes((0, 0, 0.5, 1))
    kj.plot.state_map(sweep, axes)
    assert kj.plot.style.size_of(axes) == pytest.approx((2.0, 4.0))


def test_any_frame_is_shown(run):
    position = run["position"].values.copy()
    position[1, 3] = np.nan
    run["position"] = run["position"].dims, position
    for frame, n_fish in ((0, 5), (1, 4), (-1, 5)):
        axes = kj.plot.school(run, frame=frame)
        assert len(axes.collections[-1].get_facecolor()) == n_fish


@pytest.mark.parametrize(
    ("draw", "fault"),
    [
        (lambda run: kj.plot.order(run, size="a4"), "size: must be one of column, page, slide"),
        (lambda run: kj.plot.school(run, Figure().add_subplot()), "axes: must be three-dim"),
        (lambda run: kj.plot.order(run.drop_vars("rotation")), "rotation: must be a variable"),
        (lambda run: kj.plot.entropies(run.mean("time")), "school_shape_entropy: must be a var"),
        (lambda run: kj.plot.zones(run.drop_attrs()), "r_attraction: must be an attribute"),
        (lambda run: kj.plot.school(run, frame=4), "frame: must be from -4 to 3, got 4"),
        (lambda run: kj.plot.school(run.drop_vars("heading")), "heading: must be a variable"),
    ],
)
def test_what_cannot_be_drawn_is_refused(run, draw, fault):
    with pytest.raises(kj.InvalidInputError, match=fault):
        draw(run)
