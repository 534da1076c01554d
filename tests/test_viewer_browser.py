"""Pages of `kadita view` in a real Chromium, from the file system, cut off from the network."""

import io
from collections.abc import Iterator
from typing import Any

import chromium
import numpy as np
import pytest
from pages import run, sweep
from PIL import Image

import kadita_jax as kj
from kadita_jax.names import NAMES
from kadita_jax.plot.grid import average, read_grid
from kadita_jax.plot.labels import metric_label
from kadita_jax.plot.maps import colour_range
from kadita_jax.plot.style import PAPER
from kadita_jax.plot.timeline import LINES

if chromium.missing() and not chromium.is_required():
    pytest.skip(f"the browser's tests: {chromium.missing()}", allow_module_level=True)

# Where pictures are compared: nothing else moves there.
STAGE = "#stage canvas"
NOT_DRAWN = 3
SETTLED_MS = 250


def as_rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)])


class Window:
    """A page in the browser, with all that it asked for and complained of."""

    def __init__(self, context: Any, path: Any):
        self.asked: list[str] = []
        self.faults: list[str] = []
        self.uri = path.absolute().as_uri()
        self.page = context.new_page()
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.faults.append(message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        chromium.open_page(self.page, path)
        self.page.wait_for_timeout(SETTLED_MS)

    @property
    def state(self) -> dict[str, Any]:
        return self.page.evaluate("window.kadita.state")

    def picture(self) -> np.ndarray:
        """What the stage shows, (height, width, 3)."""
        self.page.wait_for_timeout(SETTLED_MS)
        image = Image.open(io.BytesIO(self.page.locator(STAGE).first.screenshot()))
        return np.asarray(image.convert("RGB")).astype(int)

    def press(self, *keys: str) -> dict[str, Any]:
        for key in keys:
            self.page.keyboard.press(key)
        return self.state

    def choose(self, element: str, value: str) -> None:
        self.page.select_option(element, value)

    def check(self) -> None:
        assert self.faults == [], self.faults
        assert set(self.asked) == {self.uri}


@pytest.fixture(scope="module")
def context() -> Iterator[Any]:
    assert not chromium.missing(), chromium.missing()
    with chromium.browsing(900, 600) as context:
        yield context


@pytest.fixture(scope="module")
def school(context, tmp_path_factory):
    path = tmp_path_factory.mktemp("pages") / "school.html"
    dataset = run(n_frames=40, n_fish=30)
    window = Window(context, kj.plot.view(dataset, path))
    yield window, dataset
    window.check()


@pytest.fixture(scope="module")
def phase(context, tmp_path_factory):
    path = tmp_path_factory.mktemp("pages") / "phase.html"
    dataset = sweep({"noise": [0.1, 0.2, 0.4], "speed": [1.0, 3.0], "max_turn": [0.5, 0.7]})
    window = Window(context, kj.plot.view(dataset, path))
    yield window, dataset
    window.check()


@pytest.fixture(autouse=True)
def at_first(request):
    """Every test finds the school as it was at first."""
    if "school" in request.fixturenames:
        window, _ = request.getfixturevalue("school")
        if window.state["isPlaying"]:
            window.press(" ")
        window.page.mouse.click(10, 10)
        window.press("Home", "r")
        window.choose("#colour", "heading")
        window.page.evaluate("document.activeElement.blur()")


def n_changed(one: np.ndarray, other: np.ndarray) -> int:
    return int((np.abs(one - other).max(axis=-1) > 30).sum())


def n_coloured(picture: np.ndarray) -> int:
    """Pixels of fish that have a colour: box, shadows and what is undefined are grey."""
    return int((np.ptp(picture, axis=-1) > 40).sum())


def test_it_draws(school):
    window, _ = school
    picture = window.picture()
    is_paper = (np.abs(picture - as_rgb(PAPER)).max(axis=-1) <= NOT_DRAWN).mean()
    assert 0.5 < is_paper < 0.995
    assert n_coloured(picture) > 100
    window.check()


def test_play_moves_the_fish_and_pause_stops_them(school):
    window, _ = school
    before = window.picture()
    window.page.click("#play")
    chromium.wait_until(window.page, "window.kadita.state.frame > 3")
    window.page.click("#play")
    state = window.state
    assert not state["isPlaying"]
    after = window.picture()
    assert n_changed(before, after) > 100
    assert n_changed(after, window.picture()) == 0
    assert window.state["moment"] == state["moment"]


def test_dragging_turns_the_school(school):
    window, _ = school
    before = window.picture()
    window.page.mouse.move(250, 300)
    window.page.mouse.down()
    window.page.mouse.move(350, 250, steps=3)
    window.page.mouse.up()
    turned = window.picture()
    assert n_changed(before, turned) > 100
    window.page.mouse.wheel(0, -300)
    assert n_changed(turned, window.picture()) > 100
    window.press("r")
    assert n_changed(before, window.picture()) == 0


def test_scrubber_clock_cursor_and_data_agree(school):
    window, dataset = school
    for frame in (13, 39):
        window.page.evaluate(
            """(frame) => {
                const scrub = document.getElementById("scrub");
                scrub.value = frame;
                scrub.dispatchEvent(new Event("input"));
            }""",
            frame,
        )
        assert window.state["frame"] == frame
        assert window.page.inner_text("#clock") == f"{frame / 2:g} s · frame {frame} / 39"
        values = window.page.inner_text("#values").split()
        shown = dict(zip(values[::2], values[1::2], strict=True))
        for name, symbol, *_ in LINES:
            assert float(shown[symbol]) == pytest.approx(float(dataset[name][frame]), abs=0.0051)
        chart, cursor = (window.page.locator(f"#{n}").bounding_box() for n in ("chart", "cursor"))
        # Between the margins that the chart leaves for its numbers.
        share = (cursor["x"] - chart["x"] - 26) / (chart["width"] - 26 - 6)
        assert share == pytest.approx(frame / 39, abs=0.01)
        place = window.page.evaluate(f"window.kadita.place({frame}, 7)")
        np.testing.assert_allclose(place, dataset["position"][frame, 7], atol=1e-3)


def test_a_click_on_the_chart_goes_there(school):
    window, _ = school
    box = window.page.locator("#chart").bounding_box()
    window.page.mouse.click(box["x"] + 26 + (box["width"] - 32) / 2, box["y"] + 30)
    assert window.state["frame"] in (19, 20)


def test_colours_change_with_what_they_mean(school):
    window, _ = school
    pictures, legends = {}, set()
    for mode in ("heading", "speed", "nearest", "group"):
        window.choose("#colour", mode)
        assert window.state["colour"] == mode
        pictures[mode] = window.picture()
        legends.add(window.page.inner_text("#legend"))
    assert len(legends) == 4
    for mode in ("speed", "nearest", "group"):
        assert n_changed(pictures["heading"], pictures[mode]) > 50


def test_a_fish_of_which_nothing_can_be_said_is_grey(context, tmp_path):
    dataset = run(n_frames=3, n_fish=5)
    position = dataset["position"].values.copy()
    # In the last frame one is alone, and so has no nearest neighbour.
    position[2, 1:] = np.nan
    dataset["position"] = (dataset["position"].dims, position)
    del dataset.attrs["convention"]
    window = Window(context, kj.plot.view(dataset, tmp_path / "run.html"))
    window.choose("#colour", "nearest")
    assert "undefined" in window.page.inner_text("#legend")
    assert n_coloured(window.picture()) > 50
    window.press("End")
    assert n_coloured(window.picture()) == 0
    window.choose("#colour", "speed")
    assert "undefined" not in window.page.inner_text("#legend")
    assert n_coloured(window.picture()) > 0
    # A file that does not say how its metrics were measured has no word for it.
    assert window.page.inner_text("#order-note") == ""
    window.check()
    window.page.close()


def test_nothing_moves_where_a_metric_is_undefined(context, tmp_path):
    dataset = run(n_frames=3)
    for name, *_ in LINES:
        dataset[name][1] = np.nan
    window = Window(context, kj.plot.view(dataset, tmp_path / "run.html"))
    numbers, places = [], []
    for _ in range(2):
        numbers.append(window.page.inner_text("#values").split()[1::2])
        elements = window.page.locator("aside section, #chart, #values > span").all()
        places.append([element.bounding_box() for element in elements])
        window.press("ArrowRight")
    assert numbers[0] != numbers[1] == ["–"] * len(LINES)
    assert places[0] == places[1]
    window.check()
    window.page.close()


def test_a_file_without_times_counts_its_frames(context, tmp_path):
    page = kj.plot.view(run(n_frames=12).drop_vars("time"), tmp_path / "run.html", first=3)
    window = Window(context, page)
    assert window.page.inner_text("#clock") == "frame 3 / 11"
    # What the chart writes is only told by the canvas itself.
    window.page.evaluate(
        """() => {
            window.written = [];
            const { fillText } = CanvasRenderingContext2D.prototype;
            CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
                window.written.push(String(text));
                return fillText.call(this, text, ...place);
            };
        }"""
    )
    window.page.set_viewport_size({"width": 910, "height": 600})
    chromium.wait_until(window.page, "window.written.length >= 5")
    assert {"frame 3", "frame 11"} <= set(window.page.evaluate("window.written"))
    window.check()
    window.page.close()


def test_every_key_does_what_the_list_says(school):
    window, _ = school
    assert window.press("ArrowRight", "ArrowRight")["frame"] == 2
    assert window.press("ArrowLeft")["frame"] == 1
    assert window.press("Shift+ArrowRight")["frame"] == 11
    assert window.press("End")["frame"] == 39
    assert window.press("Home")["frame"] == 0
    assert window.press("c")["colour"] == "speed"
    assert window.press("+")["rate"] == 30
    assert window.press("-")["rate"] == 20
    assert window.press(" ")["isPlaying"]
    assert not window.press(" ")["isPlaying"]
    assert not window.press("b")["hasBox"]
    assert window.press("b")["hasBox"]
    window.press("?")
    assert window.page.locator("#shortcuts").is_visible()
    assert window.page.locator("#keys tr").count() == 10
    window.press("Escape")
    assert not window.page.locator("#shortcuts").is_visible()


def test_trails_and_following_show(school):
    window, _ = school
    window.press("End")
    plain = window.picture()
    assert window.press("t")["trail"] == 10
    assert n_changed(plain, window.picture()) > 50
    window.press("t", "t", "t", "t")
    assert window.state["trail"] == 0
    assert window.press("f")["isFollowing"]
    followed = window.picture()
    assert n_changed(plain, followed) > 50
    # The school straddles a face of the box at the end, and is whole in the middle now.
    coloured = np.argwhere(np.ptp(followed, axis=-1) > 40)
    height, width = followed.shape[:2]
    assert np.abs(coloured.mean(axis=0) - (height / 2, width / 2)).max() < 0.12 * width
    window.press("f")


def test_nothing_overlaps_or_is_cut_off(school):
    window, _ = school
    boxes = window.page.evaluate(
        """() => [...document.querySelectorAll("header > *, aside section, footer > *")]
            .map((element) => element.getBoundingClientRect())
            .map(({left, top, right, bottom}) => [left, top, right, bottom])"""
    )
    boxes = np.array(boxes)
    assert (boxes >= 0).all()
    assert (boxes <= (900, 600, 900, 600)).all()
    for k, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[k + 1 :]:
            apart = right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
            assert apart, (boxes[k], other)


def test_every_control_has_a_name(school):
    window, _ = school
    unnamed = window.page.evaluate(
        """() => [...document.querySelectorAll("button, select, input")]
            .filter((control) => !control.ariaLabel && !control.labels?.length
                && !control.textContent.trim()).length"""
    )
    assert unnamed == 0


def test_a_browser_without_webgl_says_so(context, tmp_path):
    page = context.new_page()
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page.goto(kj.plot.view(run(n_frames=2), tmp_path / "school.html").as_uri())
    page.wait_for_selector("#failure", state="visible")
    assert "This browser cannot show the page: " in page.inner_text("#failure")
    assert "WebGL" in page.inner_text("#failure")
    page.close()


def test_the_tooltip_shows_the_datasets_value(phase):
    window, dataset = phase
    grid = read_grid(dataset, "state", most_axes=3)
    window.choose("#metric", "rotation")
    window.page.mouse.move(*window.page.evaluate("window.kadita.middle(1, 0)"))
    point = window.state["hovered"]
    assert point == [1, 0, 1]
    told = window.page.inner_text("#tip")
    assert "noise 0.2 rad" in told
    assert f"{metric_label('rotation')}: {average(grid, 'rotation')[1, 0, 1]:.3g}" in told


def test_the_pointer_draws_no_map_anew(phase):
    window, _ = phase
    window.page.evaluate(
        """() => {
            window.nFilled = 0;
            const { fillRect } = CanvasRenderingContext2D.prototype;
            CanvasRenderingContext2D.prototype.fillRect = function (...box) {
                window.nFilled++;
                return fillRect.apply(this, box);
            };
        }"""
    )
    for i, j in ((0, 1), (1, 1), (1, 0)):
        x, y = window.page.evaluate(f"window.kadita.middle({i}, {j})")
        window.page.mouse.move(x, y)
        assert window.state["hovered"] == [i, j, window.state["cut"][2]]
        box = window.page.locator("#hovered").bounding_box()
        assert box["x"] < x < box["x"] + box["width"]
        assert box["y"] < y < box["y"] + box["height"]
    assert window.page.evaluate("window.nFilled") == 0
    window.press("m")
    assert window.page.evaluate("window.nFilled") > 0


def test_a_point_without_values_says_why(phase):
    window, _ = phase
    slider = window.page.locator("#others input")
    slider.fill("0")
    window.page.mouse.move(*window.page.evaluate("window.kadita.middle(0, 0)"))
    assert "radii out of order" in window.page.inner_text("#tip")
    slider.fill("1")
    window.page.mouse.move(*window.page.evaluate("window.kadita.middle(2, 1)"))
    assert "undefined" in window.page.inner_text("#tip")


def test_a_click_shows_all_metrics(phase):
    window, dataset = phase
    grid = read_grid(dataset, "state", most_axes=3)
    window.page.mouse.click(*window.page.evaluate("window.kadita.middle(1, 1)"))
    assert window.state["chosen"] == [1, 1, 1]
    table = window.page.inner_text("#all")
    for name in NAMES:
        assert f"{metric_label(name)}\t{average(grid, name)[1, 1, 1]:.3g}" in table
    assert "%" in window.page.inner_text("#states")
    window.press("ArrowLeft")
    assert window.state["chosen"] == [0, 1, 1]


def test_the_ends_of_the_colours_have_three_digits(phase):
    window, dataset = phase
    window.choose("#metric", "spread")
    low, high = colour_range(read_grid(dataset, "spread_mean", most_axes=3), "spread")
    assert window.page.inner_text("#legend").split() == [f"{low:.3g}", f"{high:.3g}"]


def test_the_table_of_a_point_is_not_cut_off(phase):
    window, _ = phase
    window.page.mouse.click(*window.page.evaluate("window.kadita.middle(1, 1)"))
    # The longest that a mean, and what is told to two digits, can be.
    found = window.page.evaluate(
        """() => {
            for (const row of document.querySelectorAll("#all tr"))
                [...row.querySelectorAll("td.number")].forEach((cell, k) => {
                    cell.textContent = k ? "0.0012" : "0.00123";
                });
            const aside = document.querySelector("aside");
            return [aside.scrollWidth, aside.clientWidth];
        }"""
    )
    assert found[0] <= found[1]


def test_axes_and_metrics_can_be_changed(phase):
    window, _ = phase
    before = window.picture()
    window.press("s")
    assert window.state["metric"] == "state"
    assert n_changed(before, window.picture()) > 1000
    window.choose("#across", "2")
    assert (window.state["across"], window.state["up"]) == (2, 1)
    window.press("x")
    assert (window.state["across"], window.state["up"]) == (1, 2)
    assert window.page.locator("#others input").get_attribute("aria-label") == "noise"
