"""Compiling and drawing ahead: faster, and otherwise as if nobody had."""

import threading

import jax
import pytest
from jax import monitoring
from typer.testing import CliRunner

import kadita_jax as kj
from kadita_jax import artist, parts, run_job, study
from kadita_jax.ahead import begun_ahead
from kadita_jax.cli import app
from kadita_jax.plan import Plan, settle

SCHOOL = kj.Scenario(name="few", n_fish=9, n_steps=4, save_every=2, box_size=9.0, seed=1)
OTHER = SCHOOL.replaced(name="other", seed=2, noise=0.3, speed=2.0, blind_angle=90.0, dt=0.2)
LOWERED = "/jax/core/compile/jaxpr_to_mlir_module_duration"


@pytest.fixture
def lowered():
    """One entry for each program that jax prepares to compile."""
    found = []

    def count(event: str, duration: float, **_: object) -> None:
        if event == LOWERED:
            found.append(duration)

    monitoring.register_event_duration_secs_listener(count)
    yield found
    monitoring.unregister_event_duration_listener(count)


def test_numbers_compile_nothing_anew(lowered, tmp_path):
    kj.run(SCHOOL, out=tmp_path / "few.nc").close()
    lowered.clear()
    kj.run(OTHER, out=tmp_path / "other.nc").close()
    assert lowered == []


def test_a_run_finds_all_that_was_compiled_ahead(lowered, tmp_path):
    jax.clear_caches()
    with begun_ahead({"few": parts.programs(settle(SCHOOL, "corrected"))}) as wait_for:
        wait_for("few")
    assert lowered
    lowered.clear()
    kj.run(SCHOOL, convention="corrected", out=tmp_path / "few.nc").close()
    assert lowered == []


@pytest.mark.parametrize("changes", [{"n_steps": 10**7}, {"n_fish": 10_000}])
def test_nothing_long_or_large_is_computed_ahead(changes):
    assert parts.programs(settle(SCHOOL.replaced(**changes), "reference")) == []


def test_how_a_large_school_is_measured_is_not_compiled_ahead():
    """Its list depends on where the fish are; fish in one place would make it every pair."""
    sparse = {"box_size": 151.0, "r_repulsion": 1.0, "r_orientation": 3.0, "r_attraction": 5.0}
    large = settle(SCHOOL.replaced(n_fish=20_000, n_steps=4, save_every=1, **sparse), "reference")
    assert large.is_quick
    assert len(parts.programs(large)) == 1


def test_what_fails_ahead_is_dropped_and_what_is_not_begun_never_is(monkeypatch):
    monkeypatch.setattr("kadita_jax.ahead.available_cores", lambda: 1)
    begun, go_on, done = threading.Event(), threading.Event(), []
    works = {
        "first": [lambda: 1 / 0],
        "second": [lambda: begun.set() or go_on.wait()],
        "third": [lambda: done.append("third")],
    }
    with begun_ahead(works) as wait_for:
        wait_for("first")
        begun.wait()
    go_on.set()
    assert done == []


def test_schools_of_one_shape_share_what_is_begun(monkeypatch):
    began, plans = [], [settle(school, "reference") for school in (SCHOOL, OTHER)]
    larger = settle(SCHOOL.replaced(n_fish=10), "reference")
    monkeypatch.setattr(parts, "simulated", lambda plan, *_: began.append(plan.scenario.n_fish))
    monkeypatch.setattr(parts, "measured", lambda *_: None)
    works = dict(enumerate(run_job._programs([*plans, larger])))
    with begun_ahead(works) as wait_for:
        for name in works:
            wait_for(name)
    assert sorted(began) == [9, 10]


def files(tmp_path, *names):
    """Scenario files of one shape."""
    for name in names:
        text = SCHOOL.replaced(seed=len(name)).to_toml(with_name=False)
        (tmp_path / f"{name}.toml").write_text(text)
    return [str(tmp_path / f"{name}.toml") for name in names]


def run(tmp_path, *names):
    words = ["run", *files(tmp_path, *names), "--out", str(tmp_path / "out")]
    return CliRunner().invoke(app, [*words, "--dtype", "float64"])


def test_pictures_drawn_aside_are_those_drawn_here(tmp_path, monkeypatch):
    told = run(tmp_path, "a", "bb").stdout
    aside = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.png")}
    assert set(aside) == {"a.png", "bb.png"}
    for path in (tmp_path / "out").iterdir():
        path.unlink()
    # A process that leaves at once, drawing nothing.
    monkeypatch.setattr(artist.sys, "executable", "/bin/true")
    assert run(tmp_path, "a", "bb").stdout == told
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").glob("*.png")} == aside


def test_each_school_is_told_in_order_and_kept_when_a_later_one_fails(tmp_path, monkeypatch):
    whole = study.run

    def failing(scenario, **options):
        if scenario.name == "ccc":
            raise OSError("no more")
        return whole(scenario, **options)

    monkeypatch.setattr(study, "run", failing)
    result = run(tmp_path, "a", "bb", "ccc")
    assert result.exit_code == 1
    assert [line.split()[0].split("/")[-1] for line in result.stdout.splitlines()] == [
        "a.nc",
        "bb.nc",
    ]
    assert result.stderr == "kadita: no more\n"
    assert (tmp_path / "out" / "bb.png").exists()


def test_before_a_long_run_the_one_before_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Plan, "is_quick", False)
    whole, told = study.run, []

    def listening(scenario, **options):
        told.append(capsys.readouterr().out)
        return whole(scenario, **options)

    monkeypatch.setattr(study, "run", listening)
    options = {"dtype": "float64", "convention": "reference", "group_distance": None}
    options |= {"overwrite": False}
    with artist.drawing_aside() as draw:
        run_job.run_all(files(tmp_path, "a", "bb"), {}, draw, out=tmp_path / "out", **options)
    assert [out.count("a.png") for out in told] == [0, 1]
