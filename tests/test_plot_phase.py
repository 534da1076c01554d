"""Pictures of sweeps: what is drawn is what the Dataset holds."""

import itertools

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import LineCollection, PolyCollection, QuadMesh
from matplotlib.colors import to_rgb
from matplotlib.patches import PathPatch, Rectangle

import kadita_jax as kj
from kadita_jax.metrics import NAMES, STATES
from kadita_jax.names import MORE_NAMES
from kadita_jax.plot.grid import WHOLE, leading_state, read_grid
from kadita_jax.plot.hatches import FELL_APART, falling_lines
from kadita_jax.plot.maps import border_segments, colour_range
from kadita_jax.plot.panels import SIZES
from kadita_jax.plot.regions import connected
from kadita_jax.plot.style import STATE_COLOURS, STATE_MARKERS

pytestmark = pytest.mark.usefixtures("compiled_quickly")

PICTURES = ("phase_diagram", "state_map", "phase_sheet", "sweep_summary")
ATTRIBUTES = {
    "scenario_name": "torus",
    "n_fish": 200,
    "n_steps": 1000,
    "burn_in": 500,
    "measure_every": 10,
    "replicates": 3,
    "seed": 42,
    "convention": "corrected",
    "speed": 1.5,
    "box_size": 25.0,
}


def sweep(axes, *, replicates=3, valid=None, seed=0, zipped=None):
    """A sweep's Dataset of random values: `axes` are values by dimension, `zipped` coordinates."""
    random = np.random.default_rng(seed)
    dims, shape = (*axes, "replicate"), (*map(len, axes.values()), replicates)
    valid = np.ones(shape[:-1], bool) if valid is None else valid
    data = {}
    for name in NAMES:
        values = np.where(valid[..., None], random.uniform(0, 1, shape), np.nan)
        data[f"{name}_mean"] = (dims, 20 * values if name == "spread" else values)
    state = random.integers(0, len(STATES), shape)
    data["state"] = (dims, np.where(valid[..., None], state, -1).astype("i1"))
    data["valid"] = (dims, np.broadcast_to(valid[..., None], shape).astype("i1"))
    coords = {dim: values for dim, values in axes.items() if "_and_" not in dim}
    return xr.Dataset(data, {**coords, **(zipped or {})}, ATTRIBUTES)


def smooth(n=24):
    """A sweep whose states fill large regions, as real ones do."""
    x, y = np.meshgrid(np.linspace(0, 1, n), np.linspace(0, 1, n), indexing="ij")
    state = np.clip(np.floor(5 * x + y), 0, 4)[..., None].astype("i1")
    made = sweep({"r_orientation": np.arange(1.0, n + 1), "noise": np.arange(n)}, replicates=1)
    return made.assign(state=(made["state"].dims, state))


def radii(n=6):
    return np.linspace(1, 6, n), np.linspace(2, 8, n + 1)


def ordered():
    """A sweep over two radii, those out of order left out."""
    inner, outer = radii()
    valid = inner[:, None] <= outer
    return sweep({"r_orientation": inner, "r_attraction": outer}, valid=valid), valid


def open_water(axes, largest):
    """A sweep of schools in open water, `largest` (axes...) the mean part in the largest group."""
    dataset = sweep(axes)
    dims, shape = dataset["state"].dims, dataset["state"].shape
    # Replicates on both sides of the limit: it is their mean that counts.
    largest = np.asarray(largest)[..., None] + np.array([-0.05, 0.0, 0.05])
    more = {f"{name}_mean": (dims, np.full(shape, 0.5)) for name in MORE_NAMES}
    more["n_groups_mean"] = (dims, 1 + 10 * (1 - largest))
    more["largest_group_mean"] = (dims, largest)
    return dataset.assign(more)


def fallen(n=5):
    """A sweep in open water whose schools fell apart in one corner."""
    x, y = np.arange(float(n)), np.arange(n + 1.0)
    apart = x[:, None] + y < 3
    axes = {"orientation_width": x, "attraction_width": y}
    return open_water(axes, np.where(apart, WHOLE - 0.01, WHOLE + 0.01)), apart


def hatched(axes):
    """Lower left corners of the cells under the hatch of schools that fell apart."""
    clips = [lines.get_clip_path() for lines in of_kind(axes, LineCollection)]
    paths = [clip.get_fully_transformed_path() for clip in clips if clip is not None]
    to_data = axes.transData.inverted()
    cells = [to_data.transform(path.vertices).reshape(-1, 5, 2).min(axis=1) for path in paths]
    return [{tuple(corner) for corner in drawn.round(9)} for drawn in cells]


def texts(figure):
    panels = [text.get_text() for axes in figure.axes for text in axes.texts]
    keys = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    return [text.get_text() for text in figure.texts] + panels + keys


def of_kind(axes, kind):
    return [artist for artist in axes.get_children() if isinstance(artist, kind)]


def drawn_mesh(dataset, metric="polarization"):
    (mesh,) = of_kind(kj.plot.phase_diagram(dataset, metric).axes[0], QuadMesh)
    return mesh


def drawn_edges(dataset):
    corners = drawn_mesh(dataset).get_coordinates()
    return corners[0, :, 0], corners[:, 0, 1]


def settings():
    # To look at the backend is to choose one.
    return {name: mpl.rcParams[name] for name in mpl.rcParams if name != "backend"}


def test_the_map_is_the_mean_over_replicates_first_axis_along_x():
    dataset, _ = ordered()
    axes = kj.plot.phase_diagram(dataset, "rotation").axes[0]
    drawn = of_kind(axes, QuadMesh)[0].get_array().filled(np.nan)
    expected = dataset["rotation_mean"].mean("replicate").transpose().values
    assert np.array_equal(drawn, expected, equal_nan=True)
    assert axes.get_xlabel() == "orientation radius (bl)"
    assert axes.get_ylabel() == "attraction radius (bl)"


@pytest.mark.parametrize("values", [[8.0, 4.0, 1.0, 0.5], [3.0, 0.0, 9.0, 2.0]])
def test_falling_and_unsorted_axes_are_drawn_rising(values):
    dataset = sweep({"noise": values, "speed": [1.0, 2.0]})
    across, _ = drawn_edges(dataset)
    assert np.all(np.diff(across) > 0)
    rising = dataset.sortby("noise")["polarization_mean"].mean("replicate").transpose()
    assert np.array_equal(drawn_mesh(dataset).get_array(), rising)


def test_cells_meet_midway_between_the_values():
    linear, log = np.array([0.0, 1.0, 4.0, 6.0]), np.geomspace(0.01, 10, 7)
    across, up = drawn_edges(sweep({"noise": linear, "speed": log}))
    assert np.array_equal(across, [-0.5, 0.5, 2.5, 5.0, 7.0])
    assert np.allclose(up[1:-1] ** 2, log[1:] * log[:-1])
    # The cells at the ends are as wide as their neighbours' halves.
    assert np.allclose(up[[0, -1]], log[[0, -1]] * [10**-0.25, 10**0.25])


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1, 2, 5, 10, 20, 50], "log"),
        ([10, 32, 100, 316, 1000], "log"),
        (np.geomspace(1, 3, 5), "log"),
        (np.linspace(1, 100, 5), "linear"),
        ([2, 3, 5, 8], "linear"),
        ([0, 1, 10, 100], "linear"),
        ([1, 10], "linear"),
        ([7], "linear"),
    ],
)
def test_the_scale_is_that_of_the_values(values, scale):
    axes = kj.plot.phase_diagram(sweep({"noise": np.asarray(values)})).axes[0]
    assert axes.get_xscale() == scale
    low, high = axes.get_xlim()
    assert low < min(values) <= max(values) < high


@pytest.mark.parametrize("top", [2.9, 3.0, 7.2, 14.0, 18.0, 24.0, 31.0, 360.0])
@pytest.mark.parametrize("size", ["column", "page", "slide"])
def test_ticks_stand_at_round_steps(top, size):
    axes = kj.plot.phase_diagram(
        sweep({"noise": np.linspace(0, top, 14), "speed": np.linspace(0, top, 15)}), size=size
    )
    for ticks in (axes.get_xticks(), axes.get_yticks()):
        step = ticks[1] - ticks[0]
        power = 10 ** np.floor(np.log10(step) + 1e-9)
        # Differences of ticks are off by some roundings.
        assert np.abs(np.array([1, 2, 2.5, 5]) - step / power).min() < 1e-9


def test_colours_span_0_to_1_but_the_spreads():
    dataset, _ = ordered()
    grid = read_grid(dataset, "state")
    assert {colour_range(grid, name) for name in NAMES if name != "spread"} == {(0.0, 1.0)}
    assert drawn_mesh(dataset, "rotation").get_clim() == (0.0, 1.0)
    spread = dataset["spread_mean"].mean("replicate")
    assert drawn_mesh(dataset, "spread").get_clim() == (spread.min(), spread.max())


def test_borders_part_exactly_the_neighbours_in_different_states():
    state = np.random.default_rng(0).integers(-1, 3, (7, 5))
    x, y = np.arange(8.0), 10 * np.arange(6.0)
    drawn = {frozenset(map(tuple, ends)) for ends in border_segments(state, x, y).tolist()}
    expected = set()
    for i, j in itertools.product(range(7), range(5)):
        if i < 6 and -1 not in state[i : i + 2, j] and state[i, j] != state[i + 1, j]:
            expected.add(frozenset([(x[i + 1], y[j]), (x[i + 1], y[j + 1])]))
        if j < 4 and -1 not in state[i, j : j + 2] and state[i, j] != state[i, j + 1]:
            expected.add(frozenset([(x[i], y[j + 1]), (x[i + 1], y[j + 1])]))
    assert drawn == expected
    assert len(border_segments(np.zeros((7, 5), int), x, y)) == 0


def test_borders_are_drawn_dark_on_a_white_halo():
    axes = kj.plot.phase_diagram(smooth(8)).axes[0]
    halo, line = of_kind(axes, LineCollection)
    assert halo.get_zorder() < line.get_zorder()
    assert halo.get_linewidth() > line.get_linewidth()
    assert np.array_equal(halo.get_segments(), line.get_segments())


def test_points_out_of_order_are_hatched_and_explained():
    dataset, valid = ordered()
    figure = kj.plot.phase_diagram(dataset)
    (patch,) = of_kind(figure.axes[0], PathPatch)
    cells = patch.get_path().vertices.reshape(-1, 5, 2)
    x, y = drawn_edges(dataset)
    corners = {(x[i], y[j]) for i, j in np.argwhere(~valid)}
    assert {tuple(cell.min(axis=0)) for cell in cells} == corners
    assert patch.get_hatch()
    assert "radii out of order" in texts(figure)
    assert "undefined" not in texts(figure)


@pytest.mark.parametrize("picture", PICTURES)
def test_an_undefined_metric_is_not_taken_for_radii_out_of_order(picture):
    dataset, _ = ordered()
    nothing = xr.full_like(dataset["polarization_mean"], np.nan)
    dataset = dataset.assign(polarization_mean=nothing, oceanic_schooling_index_mean=nothing)
    drawn = texts(getattr(kj.plot, picture)(dataset))
    assert "radii out of order" in drawn
    assert ("undefined" in drawn) == (picture != "state_map")


def test_an_undefined_part_of_a_line_is_not_taken_for_radii_out_of_order():
    dataset = ordered()[0].isel(r_attraction=3)
    gap = dataset["spread_mean"].where(dataset["r_orientation"] > 2)
    figure = kj.plot.phase_diagram(dataset.assign(spread_mean=gap), "spread")
    assert {"radii out of order", "undefined"} <= set(texts(figure))
    assert len(of_kind(figure.axes[0], PathPatch)) == 2


def test_the_band_is_the_standard_error_of_the_mean():
    dataset = sweep({"noise": np.linspace(0, 1, 9)}, replicates=5)
    axes = kj.plot.phase_diagram(dataset, "rotation").axes[0]
    (band,) = of_kind(axes, PolyCollection)
    values = dataset["rotation_mean"].values
    error = values.std(axis=1, ddof=1) / 5**0.5
    corners = band.get_paths()[0].vertices
    for place, mean, half in zip(dataset["noise"].values, values.mean(axis=1), error, strict=True):
        heights = corners[corners[:, 0] == place, 1]
        assert (heights.min(), heights.max()) == pytest.approx((mean - half, mean + half))


def test_one_replicate_has_no_band_and_the_picture_says_so():
    dataset = sweep({"noise": np.linspace(0, 1, 9)})
    for lone in (dataset.isel(replicate=[0]), dataset.isel(replicate=0)):
        figure = kj.plot.phase_diagram(lone)
        assert not any(band.get_paths() for band in of_kind(figure.axes[0], PolyCollection))
        assert "one replicate: no band" in texts(figure)


def test_the_line_has_gaps_where_points_are_out_of_order():
    valid = np.array([True, True, False, True])
    dataset = sweep({"r_orientation": [1.0, 2.0, 3.0, 4.0]}, valid=valid)
    axes = kj.plot.phase_diagram(dataset, "rotation").axes[0]
    drawn = [line.get_ydata() for line in axes.get_lines()]
    mean = dataset["rotation_mean"].mean("replicate").values
    assert any(np.array_equal(values, mean, equal_nan=True) for values in drawn)
    assert np.array_equal(np.isfinite(mean), valid)


def test_the_chance_level_follows_the_number_of_fish():
    n_fish = np.array([50, 200, 800])
    for dataset in (sweep({"n_fish": n_fish}), sweep({"noise": [0.0, 1.0, 3.0]})):
        figure = kj.plot.phase_diagram(dataset)
        levels = figure.axes[0].get_lines()[0].get_ydata()[1:-1]
        fish = n_fish if "n_fish" in dataset.coords else np.full(3, ATTRIBUTES["n_fish"])
        assert levels == pytest.approx(0.92 / fish**0.5, rel=2e-3)
        assert "P by chance" in texts(figure)
    unknown = sweep({"noise": [0.0, 1.0, 3.0]}).drop_attrs()
    assert "P by chance" not in texts(kj.plot.phase_diagram(unknown))


def test_the_map_of_states_is_paler_where_replicates_disagree():
    dataset = sweep({"noise": [0.0, 1.0], "speed": [1.0, 2.0]}, replicates=4)
    state = np.array([[[0, 0, 0, 0], [1, 1, 1, 2]], [[3, 3, 4, 4], [-1, -1, -1, -1]]], "i1")
    dataset = dataset.assign(state=(dataset["state"].dims, state))
    (mesh,) = of_kind(kj.plot.state_map(dataset).axes[0], QuadMesh)
    drawn = np.asarray(mesh.get_array()).swapaxes(0, 1)
    white = np.ones(3)
    for place, name, share in (((0, 0), 0, 1), ((0, 1), 1, 0.75), ((1, 0), 3, 0.5)):
        full = np.array(to_rgb(STATE_COLOURS[STATES[name]]))
        assert drawn[place] == pytest.approx(share * full + (1 - share) * white)


def test_bars_are_the_shares_of_the_states():
    dataset = sweep({"noise": np.linspace(0, 1, 6)}, replicates=8)
    bars = [b for b in of_kind(kj.plot.state_map(dataset).axes[0], Rectangle) if b.get_width() < 1]
    heights = np.reshape([bar.get_height() for bar in bars], (len(STATES), 6))
    shares = [(dataset["state"] == k).mean("replicate").values for k in range(len(STATES))]
    assert np.array_equal(heights, shares)
    assert [bar.get_facecolor()[:3] for bar in bars[::6]] == [
        to_rgb(STATE_COLOURS[name]) for name in STATES
    ]


def test_every_state_has_a_look():
    assert tuple(STATE_COLOURS) == tuple(STATE_MARKERS) == STATES
    assert len(set(STATE_COLOURS.values())) == len(set(STATE_MARKERS.values())) == len(STATES)


def test_pixels_are_joined_by_neighbours_of_their_state():
    picture = np.array([[0, 0, 1, 0], [1, 0, 1, 0], [1, 0, 0, 0], [1, 1, 1, 2]])
    region = connected(picture)
    assert len(np.unique(region)) == 4
    # The ones at the left and at the top right touch only by way of zeros.
    assert len(np.unique(region[picture == 0])) == 1
    assert len(np.unique(region[picture == 1])) == 2


def test_names_and_marks_lie_in_their_own_region():
    dataset = smooth()
    axes = kj.plot.state_map(dataset).axes[0]
    to_data = axes.transAxes + axes.transData.inverted()
    named = {text.get_position(): text.get_text() for text in axes.texts}
    marked = {
        (line.get_xdata()[0], line.get_ydata()[0]): line.get_marker() for line in axes.get_lines()
    }
    assert set(named.values()) >= {"swarm", "torus"}
    states = dataset["state"].isel(replicate=0)
    for place, shown in (named | marked).items():
        x, y = to_data.transform(place)
        name = STATES[int(states.sel(r_orientation=x, noise=y, method="nearest"))]
        assert shown in (STATE_MARKERS[name], *(name.replace("_", gap) for gap in (" ", "\n")))


@pytest.mark.parametrize("size", [None, *SIZES])
@pytest.mark.parametrize(
    "dataset",
    [
        smooth(),
        smooth().where(smooth()["noise"] < 12, 0),
        sweep({"noise": range(9), "speed": range(9)}),
    ],
    ids=["large regions", "two states", "small regions"],
)
def test_the_key_explains_the_marks_that_are_on_the_map(dataset, size):
    drawn = kj.plot.phase_diagram(dataset, size=size)
    (axes, keys) = (drawn.axes[0], drawn.legends) if size is None else (drawn, [drawn.get_legend()])
    told = {text.get_text().replace(" ", "_") for key in keys if key for text in key.get_texts()}
    on_map = {line.get_marker() for line in axes.get_lines()}
    assert {STATE_MARKERS[name] for name in told} == on_map


def test_a_key_that_says_nothing_takes_no_room():
    scattered = sweep({"noise": range(9), "speed": range(9)})
    named, marked = (kj.plot.phase_diagram(d, size="slide") for d in (smooth(), scattered))
    assert named.get_legend() is None
    assert marked.get_legend() is not None
    assert named.get_position().y1 > marked.get_position().y1


def test_axes_beyond_the_second_are_cut_at_their_middle():
    dataset = sweep(
        {"r_orientation": [1.0, 2.0], "speed": [1.0, 2.0, 4.0], "noise": [0.3, 0.1, 0.2]}
    )
    figure = kj.plot.phase_diagram(dataset)
    assert "at noise = 0.2 rad; choose others with dataset.sel" in texts(figure)
    middle = dataset.sel(noise=0.2)
    expected = middle["polarization_mean"].mean("replicate").transpose()
    assert np.array_equal(drawn_mesh(dataset).get_array(), expected)
    assert "at noise = 0.2 rad" in texts(kj.plot.phase_diagram(middle))


def test_axes_that_move_together():
    dim = "r_orientation_and_r_attraction"
    outer = (dim, [11.0, 12.0, 14.0])
    for inner, label, edges in (
        ([5.0, 3.0, 1.0], "r_orientation with r_attraction (bl)", [0, 2, 4, 6]),
        ([5.0, 1.0, 3.0], "point number of r_orientation with r_attraction", [-0.5, 0.5, 1.5, 2.5]),
    ):
        zipped = {"r_orientation": (dim, inner), "r_attraction": outer}
        dataset = sweep({dim: np.zeros(3), "noise": [0.0, 1.0]}, zipped=zipped)
        for source in (dataset, dataset.reset_coords(list(zipped))):
            assert kj.plot.phase_diagram(source).axes[0].get_xlabel() == label
        assert np.array_equal(drawn_edges(dataset)[0], edges)
        assert "at r_orientation = 5 bl, r_attraction = 11 bl" in texts(
            kj.plot.phase_diagram(dataset.isel({dim: 0}))
        )


def test_a_sweep_from_its_file_is_drawn_alike(tmp_path):
    dataset, _ = ordered()
    dataset.to_netcdf(tmp_path / "phase.nc")
    with xr.open_dataset(tmp_path / "phase.nc") as stored:
        drawn, again = (drawn_mesh(source).get_array() for source in (dataset, stored))
        assert np.array_equal(drawn.filled(np.nan), again.filled(np.nan), equal_nan=True)
        pages = [texts(kj.plot.sweep_summary(source)) for source in (dataset, stored)]
    assert pages[0] == pages[1]


def test_the_sheet_shows_every_metric_on_one_range():
    dataset, _ = ordered()
    axes = kj.plot.phase_sheet(dataset).axes
    shown = [mesh.get_array() for panel in axes for mesh in of_kind(panel, QuadMesh)]
    for name in NAMES:
        mean = dataset[f"{name}_mean"].mean("replicate").transpose().values
        same = [np.array_equal(np.ma.filled(a, np.nan), mean, equal_nan=True) for a in shown]
        assert sum(same) == 1, name
    # The states, twelve metrics and two colour bars.
    assert len(axes) == 15
    assert len(kj.plot.phase_sheet(dataset.isel(r_attraction=3)).axes) == 13
    assert len(kj.plot.phase_sheet(dataset[["rotation_mean"]]).axes) == 2


def test_the_summary_names_what_was_swept_and_what_was_fixed():
    dataset, _ = ordered()
    page = texts(kj.plot.sweep_summary(dataset))
    assert "Torus sweep" in page
    assert any(
        "orientation radius 1 to 6 bl × attraction radius 2 to 8 bl" in line for line in page
    )
    assert any("seed 42" in t and "window: steps 500 to 1000 every 10" in t for t in page)
    assert {"speed", "1.5 bl/s", "box size", "25 bl"} <= set(page)
    assert {"orientation radius", "attraction radius"}.isdisjoint(page)
    chosen = texts(kj.plot.sweep_summary(dataset.isel(r_orientation=0)))
    assert {"orientation radius", "1 bl"} <= set(chosen)


@pytest.mark.parametrize("picture", PICTURES)
def test_no_attribute_is_needed_and_no_setting_is_changed(picture):
    before = settings()
    draw = getattr(kj.plot, picture)
    for axes in ({"noise": [0.1]}, {"noise": [0.1], "n_fish": np.arange(1, 9)}):
        assert draw(sweep(axes, replicates=1).drop_attrs()).axes
    assert settings() == before


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_pictures_of_sweeps_are_saved(suffix, tmp_path):
    dataset = sweep({"noise": np.geomspace(0.01, 1, 5), "n_fish": [10, 20, 50, 100]})
    path = kj.plot.save(kj.plot.sweep_summary(dataset), tmp_path / f"phase.{suffix}")
    assert path.stat().st_size > 10_000


@pytest.mark.parametrize("picture", PICTURES)
def test_a_single_point_has_no_axis_to_draw_against(picture):
    point = sweep({"noise": [0.1]}).isel(noise=0)
    with pytest.raises(kj.InvalidInputError, match=r"at least one axis.*a single point"):
        getattr(kj.plot, picture)(point)
    with pytest.raises(kj.InvalidInputError, match="noise: must hold at least one value"):
        getattr(kj.plot, picture)(sweep({"noise": [0.1]}).isel(noise=[]))


@pytest.mark.parametrize("picture", PICTURES)
def test_what_is_no_sweep_is_refused_with_what_draws_it(picture):
    # A run has states too, against time.
    run = xr.Dataset({"polarization": ("time", [0.5, 0.6]), "state": ("time", [0, 1])})
    loop = sweep({"branch": [0, 1], "noise": [0.1, 0.2]})
    for other, drawer in ((run, "summary"), (loop, "hysteresis")):
        with pytest.raises(kj.InvalidInputError, match=rf"must be a sweep.*plot\.{drawer}") as told:
            getattr(kj.plot, picture)(other)
        assert [fault.field for fault in told.value.faults] == ["dataset"]


def test_every_missing_variable_is_named_at_once():
    dataset = sweep({"noise": [0.1, 0.2]}).drop_vars(["state", "rotation_mean"])
    with pytest.raises(kj.InvalidInputError) as refused:
        kj.plot.sweep_summary(dataset)
    assert [fault.field for fault in refused.value.faults] == ["state", "rotation_mean"]


@pytest.mark.parametrize(("metric", "hint"), [("polarisation", "'polarization'"), (3, "got 3")])
def test_an_unknown_metric_is_refused_with_the_known_ones(metric, hint):
    with pytest.raises(kj.InvalidInputError, match=f"metric: must be one of.*spread.*{hint}"):
        kj.plot.phase_diagram(sweep({"noise": [0.1, 0.2]}), metric)


def test_a_part_without_states_is_drawn_without_borders():
    dataset = ordered()[0][["polarization_mean"]]
    figure = kj.plot.phase_diagram(dataset)
    assert not any(lines.get_segments() for lines in of_kind(figure.axes[0], LineCollection))
    assert len(kj.plot.phase_diagram(dataset.isel(r_attraction=0)).axes) == 1


def test_the_most_frequent_state_counts_the_replicates_that_are_left():
    dataset = sweep({"noise": [0.1, 0.2]})
    dataset = dataset.assign(state=(dataset["state"].dims, np.array([[2, 2, 4], [1, 0, 0]], "i1")))
    assert leading_state(read_grid(dataset, "state")).tolist() == [2, 0]
    assert leading_state(read_grid(dataset.isel(replicate=[2]), "state")).tolist() == [4, 0]
    assert leading_state(read_grid(dataset.isel(replicate=0), "state")).tolist() == [2, 1]


def test_only_points_whose_schools_fell_apart_are_hatched():
    dataset, apart = fallen()
    for picture in (kj.plot.phase_diagram, kj.plot.state_map):
        axes = picture(dataset).axes[0]
        x, y = drawn_edges(dataset)
        corners = {(x[i], y[j]) for i, j in np.argwhere(apart)}
        halo, line = hatched(axes)
        assert halo == line == corners
        assert not of_kind(axes, PathPatch)


def test_values_under_the_hatch_are_drawn_as_without_it():
    dataset, _ = fallen()
    plain = drawn_mesh(dataset.drop_vars("largest_group_mean"))
    assert np.array_equal(drawn_mesh(dataset).get_array(), plain.get_array())


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("cut", [{}, {"attraction_width": 0}], ids=["maps", "lines"])
def test_the_key_tells_of_schools_that_fell_apart(picture, cut):
    dataset, _ = fallen()
    draw = getattr(kj.plot, picture)
    assert FELL_APART in texts(draw(dataset.isel(cut)))
    whole = dataset.assign(largest_group_mean=xr.ones_like(dataset["largest_group_mean"]))
    in_a_box = dataset.drop_vars([f"{name}_mean" for name in MORE_NAMES])
    for without in (whole, in_a_box):
        figure = draw(without.isel(cut))
        assert FELL_APART not in texts(figure)
        assert not any(hatched(axes) for axes in figure.axes)


def test_over_one_axis_the_hatch_goes_from_bottom_to_top():
    dataset = open_water({"noise": [0.0, 1.0, 2.0, 3.0]}, [1.0, 0.5, 0.5, 1.0])
    for axes in kj.plot.phase_diagram(dataset).axes:
        for corners in hatched(axes):
            assert corners == {(0.5, 0.0), (1.5, 0.0)}
    assert [len(hatched(axes)) for axes in kj.plot.phase_diagram(dataset).axes] == [1, 2]


def test_a_point_out_of_order_did_not_fall_apart():
    dataset, valid = ordered()
    largest = xr.where(dataset["valid"] == 1, 1.0, np.nan)
    figure = kj.plot.phase_diagram(dataset.assign(largest_group_mean=largest))
    assert not valid.all()
    assert FELL_APART not in texts(figure)


def test_the_lines_of_the_hatch_stay_in_their_box_at_one_distance():
    ends = falling_lines(3.0, 2.0, 0.1)
    assert np.all((ends >= 0) & (ends <= np.array([3.0, 2.0]) + 1e-12))
    totals = ends.sum(axis=2)
    assert totals[:, 0] == pytest.approx(totals[:, 1])
    assert np.diff(totals[:, 0]) == pytest.approx(0.1 * 2**0.5)


@pytest.mark.parametrize("metric", MORE_NAMES)
@pytest.mark.parametrize("cut", [{}, {"attraction_width": 0}], ids=["map", "line"])
def test_what_only_some_sweeps_tell_of_is_drawn_from_those(metric, cut):
    dataset = fallen()[0].isel(cut)
    assert kj.plot.phase_diagram(dataset, metric).axes
    box = dataset.drop_vars(f"{metric}_mean")
    with pytest.raises(kj.InvalidInputError, match=f"metric: must be one of.*got '{metric}'"):
        kj.plot.phase_diagram(box, metric)


def test_colours_of_groups_span_what_groups_can_be():
    dataset, _ = fallen()
    grid = read_grid(dataset, "state")
    most = dataset["n_groups_mean"].mean("replicate").max()
    assert colour_range(grid, "n_groups") == (1.0, most)
    assert colour_range(grid, "accuracy") == (-1.0, 1.0)
    others = set(MORE_NAMES) - {"n_groups", "accuracy"}
    assert {colour_range(grid, name) for name in others} == {(0.0, 1.0)}
