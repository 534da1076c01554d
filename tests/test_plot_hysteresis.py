"""Pictures of loops up and down a parameter: both branches are drawn as the Dataset holds them."""

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import PolyCollection

import kadita_jax as kj
from kadita_jax.plot.effects import NORMAL_95
from kadita_jax.plot.hysteresis import LOOKS
from kadita_jax.plot.timeline import chance_level

METRICS = ("polarization", "rotation")
WIDTHS = np.linspace(0, 4, 9)
ATTRIBUTES = {
    "scenario_name": "couzin2002_torus",
    "parameter": "orientation_width",
    "n_fish": 100,
    "replicates": 16,
    "n_steps": 2000,
    "measure_every": 10,
    "burn_in": 1000,
}


def loop(values=WIDTHS, *, replicates=16, seed=0):
    """A loop's Dataset: schools turn parallel near 3 on the way up, and stay so down to 0.5."""
    random = np.random.default_rng(seed)
    dims = ("branch", "orientation_width", "replicate")
    turns = np.array([3.0, 0.5])[:, None, None] + 0.2 * random.normal(size=(2, 1, replicates))
    parallel = 1 / (1 + np.exp(-8 * (np.asarray(values)[:, None] - turns)))
    data = {"polarization_mean": (dims, 0.1 + 0.8 * parallel)}
    data["rotation_mean"] = (dims, 0.85 - 0.8 * parallel)
    coords = {"branch": ["up", "down"], "orientation_width": values}
    return xr.Dataset(data, coords, ATTRIBUTES)


def texts(figure):
    panels = [text.get_text() for axes in figure.axes for text in axes.texts]
    return [text.get_text() for text in figure.texts] + panels


def mean_lines(axes):
    """The lines of the means by the marker of their branch."""
    names = {marker: name for name, (_, marker, _) in LOOKS.items()}
    return {names[m]: line for line in axes.get_lines() if (m := line.get_marker()) in names}


def test_the_lines_of_both_branches_are_the_means():
    dataset = loop()
    figure = kj.plot.hysteresis(dataset)
    for axes, metric in zip(figure.axes, METRICS, strict=True):
        lines = mean_lines(axes)
        assert set(lines) == {"up", "down"}
        for name, line in lines.items():
            mean = dataset[f"{metric}_mean"].sel(branch=name).mean("replicate")
            assert line.get_ydata() == pytest.approx(mean.values)
            assert np.array_equal(line.get_xdata(), WIDTHS)
        assert axes.get_ylim() == (0, 1)
    assert [axes.get_xlabel() for axes in figure.axes] == ["", "orientation width (bl)"]


def test_branches_are_told_apart_by_colour_marker_and_name():
    figure = kj.plot.hysteresis(loop())
    for axes in figure.axes:
        lines = mean_lines(axes)
        assert lines["up"].get_color() != lines["down"].get_color()
        named = {text.get_text(): text.get_color() for text in axes.texts}
        assert {named[text] == colour for colour, _, text in LOOKS.values()} == {True}


@pytest.mark.parametrize("remembers", [True, False])
def test_names_of_branches_stand_apart(remembers):
    dataset = loop()
    if not remembers:
        dataset = xr.concat([dataset.sel(branch="up")] * 2, dim="branch")
        dataset = dataset.assign_coords(branch=["up", "down"])
    figure = kj.plot.hysteresis(dataset)
    figure.canvas.draw()
    names = [text for _, _, text in LOOKS.values()]
    for axes in figure.axes:
        one, other = (t.get_window_extent() for t in axes.texts if t.get_text() in names)
        assert not one.overlaps(other)


def test_the_band_holds_95_percent_of_the_mean():
    dataset = loop()
    axes = kj.plot.hysteresis(dataset).axes[0]
    bands = [artist for artist in axes.get_children() if isinstance(artist, PolyCollection)]
    for band, name in zip(bands, ("up", "down"), strict=True):
        values = dataset["polarization_mean"].sel(branch=name).values
        mean, half = values.mean(axis=1), NORMAL_95 * values.std(axis=1, ddof=1) / 4
        corners = band.get_paths()[0].vertices
        for place, middle, room in zip(WIDTHS, mean, half, strict=True):
            heights = corners[corners[:, 0] == place, 1]
            ends = (heights.min(), heights.max())
            assert ends == pytest.approx((middle - room, middle + room))


def test_every_replicate_is_seen():
    dataset = loop()
    axes = kj.plot.hysteresis(dataset).axes[0]
    drawn = [line.get_ydata() for line in axes.get_lines() if line.get_marker() == "."]
    for name in ("up", "down"):
        for values in dataset["polarization_mean"].sel(branch=name).values.T:
            assert sum(np.array_equal(values, line) for line in drawn) == 1


def test_chance_is_dashed_in_the_panel_of_p_alone():
    figure = kj.plot.hysteresis(loop())
    dashed = [[line for line in axes.get_lines() if line.is_dashed()] for axes in figure.axes]
    assert [len(lines) for lines in dashed] == [1, 0]
    assert np.all(dashed[0][0].get_ydata() == chance_level(100))
    assert "P by chance" in texts(figure)
    assert "P by chance" not in texts(kj.plot.hysteresis(loop().drop_attrs()))


def test_the_page_says_what_it_shows():
    page = texts(kj.plot.hysteresis(loop()))
    assert "Hysteresis: orientation width up and down" in page
    about = next(line for line in page if "fish" in line)
    for part in ("couzin2002 torus", "100 fish", "16 replicates", "2,000 steps at each value"):
        assert part in about
    assert any("95 % interval" in line for line in page)


@pytest.mark.parametrize("values", [WIDTHS, [2.0]])
@pytest.mark.parametrize("replicates", [1, 3])
def test_one_value_and_one_replicate_are_drawn(values, replicates, tmp_path):
    dataset = loop(values, replicates=replicates)
    figure = kj.plot.hysteresis(dataset)
    assert kj.plot.save(figure, tmp_path / "loop.png").stat().st_size > 10_000
    says_so = "no band: that takes two replicates" in texts(figure)
    assert says_so == (replicates == 1)
    assert all(set(mean_lines(axes)) == {"up", "down"} for axes in figure.axes)


def test_undefined_values_are_gaps():
    dataset = loop()
    nothing = xr.full_like(dataset["rotation_mean"], np.nan)
    gap = dataset["polarization_mean"].where(dataset["orientation_width"] > 1)
    figure = kj.plot.hysteresis(dataset.assign(rotation_mean=nothing, polarization_mean=gap))
    assert not figure.axes[1].texts
    drawn = mean_lines(figure.axes[0])["up"].get_ydata()
    assert np.array_equal(np.isfinite(drawn), WIDTHS > 1)


def test_a_loop_from_its_file_is_drawn_alike(tmp_path):
    dataset = loop()
    dataset["branch"].encoding["dtype"] = "S1"
    dataset.to_netcdf(tmp_path / "loop.nc")
    with xr.open_dataset(tmp_path / "loop.nc") as stored:
        figures = [kj.plot.hysteresis(source) for source in (dataset, stored)]
    assert texts(figures[0]) == texts(figures[1])


def test_no_setting_is_changed():
    before = {name: mpl.rcParams[name] for name in mpl.rcParams if name != "backend"}
    kj.plot.hysteresis(loop())
    assert {name: mpl.rcParams[name] for name in before} == before


@pytest.mark.parametrize(
    "broken",
    [
        xr.Dataset({"polarization": ("time", [0.5])}),
        loop().sel(branch="up"),
        loop().sel(branch=["down"]),
        loop().drop_vars("branch"),
        loop().drop_vars("rotation_mean"),
        loop().isel(orientation_width=0),
        loop().expand_dims(noise=[0.1, 0.2]),
    ],
    ids=["a run", "one branch", "down alone", "no names", "no M", "a point", "two parameters"],
)
def test_what_is_no_loop_is_refused(broken):
    with pytest.raises(kj.InvalidInputError, match="dataset: must hold P and M up and down"):
        kj.plot.hysteresis(broken)


def test_a_loop_is_no_phase_diagram():
    with pytest.raises(kj.InvalidInputError, match="must be a sweep: a loop is drawn by"):
        kj.plot.phase_diagram(loop())
