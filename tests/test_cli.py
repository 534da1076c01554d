"""The command line as a person types it."""

import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import kadita_jax as kj
from kadita_jax import __version__
from kadita_jax.cli import app
from kadita_jax.scenario import CANONICAL, load_scenario, parse_scenario, scenario_names

pytestmark = pytest.mark.usefixtures("compiled_quickly")
TINY = ("--n-steps", "4", "--save-every", "2", "--dtype", "float64")


def kadita(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_version():
    assert kadita("--version") == f"kadita_jax {__version__}\n"


COMMANDS = [str(command.name) for command in app.registered_commands]


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_has_examples(command):
    text, examples = kadita(*command.split(), "--help").split("Example")
    assert f"kadita {command}".strip() in examples
    # What stands between two colons may be the name of an emoji, which Rich draws.
    assert not re.search("[\U0001f000-\U0001ffff]", text + examples)


def test_scenarios_lists_and_prints():
    assert [line.split()[0] for line in kadita("scenarios").splitlines()] == list(scenario_names())
    assert parse_scenario(kadita("scenarios", "torus"), "torus") == load_scenario("torus")


def test_an_edited_copy_runs(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text(kadita("scenarios", "swarm").replace("n_fish = 150", "n_fish = 9"))
    output = kadita("run", mine, "--out", tmp_path / "out", *TINY)
    assert "mine" in output
    # The paper's numbers are not of this school.
    assert "0.080" not in output
    written = {path.name for path in (tmp_path / "out").iterdir()}
    tables = {f"mine_{kind}.csv" for kind in ("metrics", "summary", "final_state")}
    assert written == {"mine.nc", "mine.png"} | tables


def test_a_run_continued_measured_and_drawn(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text("n_fish = 9\n")
    kadita("run", mine, "--out", tmp_path, *TINY)
    run = tmp_path / "mine.nc"
    assert "8" in kadita("run", "--resume", run, "--n-steps", "8")
    assert "5 frames" in kadita("metrics", run, "--convention", "corrected")
    kadita("metrics", run, "--out", tmp_path / "tables")
    assert (tmp_path / "tables" / "mine_reference_summary.csv").exists()
    kadita("plot", run, "--out", tmp_path / "pictures")
    assert (tmp_path / "pictures" / "mine.png").exists()


def test_what_a_killed_command_left_undone_beside_a_whole_run_is_made(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text("n_fish = 9\n")
    kadita("run", mine, "--out", tmp_path, *TINY)
    beside = {path: path.read_bytes() for path in tmp_path.glob("mine*.csv")}
    for path in (*beside, tmp_path / "mine.png"):
        path.unlink()
    kadita("run", "--resume", tmp_path / "mine.nc")
    assert {path: path.read_bytes() for path in tmp_path.glob("mine*.csv")} == beside
    assert (tmp_path / "mine.png").exists()


def test_no_argument_runs_all_four_and_shows_the_papers_values(tmp_path):
    output = kadita("run", "--out", tmp_path, *TINY)
    assert {path.stem for path in tmp_path.glob("*.nc")} == set(CANONICAL)
    assert all(name in output for name in CANONICAL)
    assert "0.743±0.022" in output
    # Whole on the narrowest terminal in use.
    assert max(map(len, output.split("second half")[1].splitlines())) <= 80


def test_nothing_but_results_when_not_a_terminal(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text("n_fish = 9\n")
    result = CliRunner().invoke(app, ["run", str(mine), "--out", str(tmp_path), *TINY])
    assert result.stderr == ""


HEAVY = ("netCDF4", "xarray", "matplotlib", "pydantic", "typer")


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import kadita_jax as kj; kj.make_params; kj.simulate; kj.metrics.measure", HEAVY),
        ("import kadita_jax", (*HEAVY, "jax")),
        (
            "import sys; from kadita_jax.cli import app; app(['scenarios'], standalone_mode=False)",
            ("jax", "netCDF4", "xarray", "matplotlib"),
        ),
    ],
)
def test_heavy_imports_wait_until_needed(code, absent):
    check = f"{code}\nimport sys\nprint('found:', sorted(set({absent!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("found: []\n")


def test_what_cannot_be_drawn_leaves_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kj.run(kj.Scenario(name="tiny", n_fish=5, n_steps=2, save_every=1), out="tiny.nc").close()

    def fail(_: object) -> None:
        raise kj.InvalidInputError("cannot read", [])

    monkeypatch.setattr(kj.plot, "summary", fail)
    assert CliRunner().invoke(app, ["plot", "tiny.nc", "--out", "pictures"]).exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.nc"]
