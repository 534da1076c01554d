"""Panels alone: in axes that are given or figures of their own, in every size."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import kadita_jax as kj
from kadita_jax.metrics import NAMES
from kadita_jax.plot.panels import SIZES
from kadita_jax.plot.table import parameter_rows

PANELS = ("school", "order", "entropies", "zones")
MEANS = [f"{name}_mean" for name in (*NAMES, "largest_group")]


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


@pytest.fixture
def open_sweep() -> xr.Dataset:
    """A sweep in open water in all five states, whose schools fell apart; one row out of order."""
    axes = {"orientation_width": np.arange(5.0), "attraction_width": np.arange(6.0)}
    dims, random = (*axes, "replicate"), np.random.default_rng(0)
    shape = (5, 6, 2)
    variables = {name: (dims, random.uniform(size=shape)) for name in MEANS}
    variables["state"] = (dims, np.broadcast_to(np.arange(5)[:, None, None], shape))
    valid = np.broadcast_to(np.arange(6)[:, None] < 5, shape)
    return xr.Dataset(variables | {"valid": (dims, valid.astype(int))}, axes, {"n_fish": 50})


@pytest.fixture
def loop() -> xr.Dataset:
    dims = ("branch", "orientation_width", "replicate")
    values = np.random.default_rng(0).uniform(size=(2, 5, 3))
    means = dict.fromkeys(MEANS, (dims, values))
    coords = {"branch": ["up", "down"], "orientation_width": np.linspace(0, 4, 5)}
    return xr.Dataset(means, coords, {"n_fish": 50})


@pytest.fixture
def slopes() -> xr.Dataset:
    dims, shape = ("metric", "parameter"), (2, 3)
    values = np.random.default_rng(0).normal(size=shape)
    variables = {"derivative": (dims, values), "standard_error": (dims, 0.5 * np.abs(values))}
    variables["parameter_value"] = ("parameter", np.array([4.0, 0.1, 30.0]))
    coords = {"metric": ["polarization", "oceanic_schooling_index"]}
    return xr.Dataset(variables, coords | {"parameter": ["r_orientation", "noise", "blind_angle"]})


@pytest.fixture
def found() -> Any:
    """What a picture needs of a calibration."""
    names = ["polarization", "oceanic_schooling_index"]
    return SimpleNamespace(
        scenario=kj.Scenario(name="few", n_fish=5),
        parameters={"r_orientation": 4.56789, "noise": 0.1},
        standard_errors={"r_orientation": 0.1, "noise": 0.2},
        metrics=xr.Dataset({"deviation": ("metric", [1.0, -2.5])}, {"metric": names}),
        misfit=1.0,
        verdict="identified together",
        n_runs=100,
    )


# Pictures of studies: the fixture that each draws, and what is chosen of it.
STUDIES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("phase_diagram", "open_sweep", {}),
    ("phase_diagram", "open_sweep", {"metric": "school_shape_entropy"}),
    ("phase_diagram", "open_sweep", {"metric": "spread"}),
    ("state_map", "open_sweep", {}),
    ("phase_diagram", "line", {}),
    ("phase_diagram", "line", {"metric": "spread"}),
    ("state_map", "line", {}),
    ("hysteresis", "loop", {}),
    ("hysteresis", "loop", {"metric": "spread"}),
    ("sensitivities", "slopes", {}),
    ("sensitivities", "slopes", {"metric": "oceanic_schooling_index"}),
    ("calibration", "found", {}),
    ("calibration", "found", {"part": "parameters"}),
)


@pytest.fixture
def draw_study(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Draws a study of `STUDIES`; a line is the sweep's at one attraction width."""
    name, fixture, options = request.param
    source = request.getfixturevalue("open_sweep" if fixture == "line" else fixture)
    source = source.isel(attraction_width=5) if fixture == "line" else source
    return lambda **more: getattr(kj.plot, name)(source, **options, **more)


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


@pytest.mark.parametrize("size", SIZES)
def test_the_sides_of_a_large_box_are_told_in_full(run, size):
    assert is_inside(kj.plot.school(run.assign_attrs(box_size=1250.5), size=size).figure)


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


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("draw_study", STUDIES, indirect=True)
def test_a_study_alone_has_the_size_and_holds_all(draw_study, size):
    axes = draw_study(size=size)
    assert tuple(axes.figure.get_size_inches()) == SIZES[size]
    assert is_inside(axes.figure)


@pytest.mark.parametrize("draw_study", STUDIES, indirect=True)
def test_a_study_is_drawn_in_given_axes(draw_study):
    before = dict(matplotlib.rcParams)
    figure = Figure()
    axes = figure.add_subplot(1, 2, 2)
    assert draw_study(axes=axes) is axes
    assert figure.axes[0] is axes
    # A colour bar is the one panel more there may be.
    assert len(figure.axes) <= 2
    assert axes.lines or axes.collections or axes.patches
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize(
    ("name", "choice"),
    [
        ("hysteresis", {"metric": "rotation"}),
        ("sensitivities", {"metric": "polarization"}),
        ("calibration", {"part": "parameters"}),
    ],
)
def test_a_study_alone_is_a_page_and_a_choice_of_it_a_panel(name, choice, loop, slopes, found):
    drawn = {"hysteresis": loop, "sensitivities": slopes, "calibration": found}[name]
    page = getattr(kj.plot, name)(drawn)
    assert isinstance(page, Figure)
    assert len(page.axes) == 2
    axes = getattr(kj.plot, name)(drawn, **choice)
    assert axes.figure.axes == [axes]
    assert tuple(axes.figure.get_size_inches()) == SIZES["page"]


def test_parameters_are_told_in_three_digits(found):
    axes = kj.plot.calibration(found, part="parameters")
    assert axes.get_yticklabels()[0].get_text() == "orientation radius\n4.57 bl"


def test_what_a_study_lacks_is_refused(loop, slopes, found, sweep):
    for draw, fault in (
        (lambda: kj.plot.hysteresis(loop, metric="speed"), "metric: must be one of"),
        (lambda: kj.plot.hysteresis(loop, metric="n_groups"), "metric: must be one of"),
        (lambda: kj.plot.sensitivities(slopes, metric="rotation"), "metric: must be one of the st"),
        (lambda: kj.plot.calibration(found, part="runs"), "part: must be one of metrics, param"),
        (lambda: kj.plot.state_map(sweep, size="a4"), "size: must be one of column, page, slide"),
        (lambda: kj.plot.phase_diagram(sweep, size="a4"), "size: must be one of column, page, sl"),
        (lambda: kj.plot.hysteresis(loop, size="a4"), "size: must be one of column, page, slide"),
    ):
        with pytest.raises(kj.InvalidInputError, match=fault):
            draw()


@pytest.mark.parametrize("metric", ["", "speed", 3, ["polarization"], np.array([1, 2])])
@pytest.mark.parametrize(
    ("name", "good"),
    [("hysteresis", "loop"), ("sensitivities", "slopes"), ("phase_diagram", "sweep")],
)
def test_a_wrong_metric_is_one_fault_beside_those_of_size_and_dataset(
    request, run, name, good, metric
):
    draw: Any = getattr(kj.plot, name)
    for dataset, dataset_faults in ((request.getfixturevalue(good), []), (run, ["dataset"])):
        for size in (None, "", "a4", 3):
            with pytest.raises(kj.InvalidInputError) as refused:
                draw(dataset, metric=metric, size=size)
            expected = ["metric", *dataset_faults, *([] if size is None else ["size"])]
            assert sorted(fault.field for fault in refused.value.faults) == sorted(expected)


@pytest.mark.parametrize("name", ["phase_diagram", "state_map", "sensitivities", "hysteresis"])
def test_a_wrong_size_is_told_beside_a_wrong_dataset(run, name):
    with pytest.raises(kj.InvalidInputError) as refused:
        getattr(kj.plot, name)(run, size="a4")
    assert [fault.field for fault in refused.value.faults] == ["dataset", "size"]


def test_a_loop_over_nothing_is_refused_beside_a_wrong_size(loop):
    with pytest.raises(kj.InvalidInputError) as refused:
        kj.plot.hysteresis(loop.isel(orientation_width=[]), size="a4")
    assert [fault.field for fault in refused.value.faults] == ["orientation_width", "size"]


@pytest.mark.parametrize("part", ["", "runs", 3, ["metrics"]])
def test_a_wrong_part_is_told_beside_a_wrong_size(found, part):
    draw: Any = kj.plot.calibration
    with pytest.raises(kj.InvalidInputError) as refused:
        draw(found, part=part, size="a4")
    assert [fault.field for fault in refused.value.faults] == ["part", "size"]


@pytest.mark.parametrize("size", SIZES)
def test_an_entropy_of_1_leaves_its_printed_value_free(run, size):
    highest = run.assign({name: xr.ones_like(run[name]) for name in NAMES})
    axes = kj.plot.entropies(highest, size=size)
    axes.figure.canvas.draw()
    # Half of the largest mark, eight points wide with its edge, and a letter's width of room.
    mark, room = 4.7 / 72, 0.07
    right = axes.transData.transform((1, 0))[0] + (mark + room) * axes.figure.dpi
    assert min(text.get_window_extent().x0 for text in axes.texts) > right


@pytest.mark.parametrize("weight", [0.0, 0.5, np.array([0.0, 0.0, 0.0, 0.0, 2.0])])
def test_the_table_tells_of_informed_fish_where_there_are_any(run, weight):
    rows = [row.name for row in parameter_rows(run.assign_attrs(informed_weight=weight))]
    assert ("informed weight" in rows) == bool(np.any(weight))
    assert "blind angle" in rows


def test_axes_in_a_part_of_a_figure_have_their_own_size(sweep):
    left, _ = Figure(figsize=(8, 4)).subfigures(1, 2)
    axes = left.add_axes((0, 0, 0.5, 1))
    kj.plot.state_map(sweep, axes)
    assert kj.plot.style.size_of(axes) == pytest.approx((2.0, 4.0))


def test_without_times_frames_are_counted(run):
    state = {"state": ("time", np.zeros(4, int))}
    for dataset, label, words in (
        (run, "time (s)", ("5 fish, 3 s", "The school at 3 s")),
        (run.drop_vars("time"), "frame", ("5 fish, 4 frames", "The school at frame 3")),
    ):
        assert kj.plot.order(dataset).get_xlabel() == label
        figure = kj.plot.summary(dataset.assign(state))
        assert set(words) <= {text.get_text() for text in figure.texts}


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
