"""Wrong sweeps: one message with every field, rule and value, and nothing begun or lost.

The command line answers 2 to wrong input, 1 where the system fails and 130 when interrupted.
"""

import re
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
import xarray as xr
from refusals import (
    Case,
    api,
    assert_refused,
    command,
    complaint,
    contents,
    copied,
    on_full_disk,
)
from typer.testing import CliRunner

import kadita_jax as kj
from kadita_jax.cli import app
from kadita_jax.initial import Start

TINY = 'name = "tiny"\nn_fish = 5\nn_steps = 4\nsave_every = 1\n'
UNLIKE = TINY.replace("tiny", "unlike") + "speed = [1, 1, 1, 2, 2]\n"
AXES = {"noise": "0.1,0.2"}
# Four members in two parts: whatever runs here runs with the one program of these shapes.
SETTINGS = {"replicates": 2, "part_size": 2, "measure_every": 2}
LINE = (
    "sweep tiny.toml --axis noise=0.1,0.2 --replicates 2 --part-size 2 --measure-every 2 "
    "--dtype float64"
)


def stop_at(n_done: int) -> Callable[[int], None]:
    """A progress that interrupts a sweep once so many members are done."""

    def progress(done: int) -> None:
        if done >= n_done:
            raise KeyboardInterrupt

    return progress


def leave_parts(out: Path, n_done: int) -> None:
    """A sweep that was interrupted with so many of its four members in OUT.parts."""
    with pytest.raises(KeyboardInterrupt):
        kj.sweep(out.parent / "tiny.toml", AXES, out=out, progress=stop_at(n_done), **SETTINGS)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of scenarios, a finished sweep, unfinished and damaged ones."""
    folder = tmp_path_factory.mktemp("samples")
    (folder / "tiny.toml").write_text(TINY)
    (folder / "unlike.toml").write_text(UNLIKE)
    (folder / "folder").mkdir()
    for name in ("file", "taken.nc.parts"):
        (folder / name).write_text("not a folder")
    kj.sweep(folder / "tiny.toml", AXES, out=folder / "sweep.nc", **SETTINGS).close()
    leave_parts(folder / "half.nc", 2)
    leave_parts(folder / "all.nc", 4)
    for name, settings in {
        "broken": '{"axes": ',
        "listed": "[1, 2]",
        "sizeless": "{}",
        "unsized": '{"part_size":{"5":0}}',
    }.items():
        parts = folder / f"{name}.nc.parts"
        parts.mkdir()
        (parts / "sweep.json").write_text(settings)
        (parts / "part-000000.npz").touch()
    xr.Dataset({"noise": ("replicate", [0.1])}).to_netcdf(folder / "metricless.nc")
    return folder


@pytest.fixture
def folder(samples: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the samples to work in."""
    with copied(samples, tmp_path) as folder:
        yield folder


def axis(values: str, *told: str, name: str = "noise") -> Case:
    """A command line whose only fault is the values of one axis."""
    return command(f"sweep swarm --axis {name}={values}", (f"axis {name}: ", *told, repr(values)))


def right(options: str, *told: tuple[str, ...]) -> Case:
    """A command line that is right but for these options."""
    return command(f"sweep tiny.toml --axis noise=0.1,0.2 --measure-every 1 {options}", *told)


FORMAT = "must be FIRST:LAST:N with N from 2 to 1000000, FIRST:LAST:N:log with both > 0, numbers"
NUMBER = "every value must be finite and >= 0 (rad)"
COUNT = "must be a whole number >= 1"
ZIP = "must name two or more of the axes, with commas between"
PLACE = "must be auto or HOST:PORT,K/N with 0 <= K < N"

AXIS_WORDS = {
    "misspelt": axis("1,2", "not a known field (did you mean 'max_turn'?)", name="max_trun"),
    "unknown": axis("1,2", "not a known field; known are speed, r_repulsion", name="colour"),
    "without values": command(
        "sweep swarm --axis noise", ("axis: must be NAME=VALUES", "got 'noise'")
    ),
    "without name": command("sweep swarm --axis =1,2", ("axis: must be NAME=VALUES", "got '=1,2'")),
    "none": command("sweep swarm", ("axes", "at least one name to values (--axis", "got {}")),
    "empty": axis("", FORMAT),
    "gap": axis("0.1,,0.2", FORMAT),
    "words": axis("low,high", FORMAT),
    "no number of points": axis("0.1:1", FORMAT),
    "one point": axis("0.1:1:1", FORMAT),
    "half a point": axis("0.1:1:2.5", FORMAT),
    "points that fill the memory": axis("0:1:99999999999999", FORMAT),
    "log from 0": axis("0:1:5:log", FORMAT),
    "log of negatives": axis("-1:1:5:log", FORMAT),
    "log misspelt": axis("0.1:1:5:lgo", FORMAT),
    "word behind log": axis("0.1:1:5:log:log", FORMAT),
    "below the range": axis("-0.1,0.1", NUMBER),
    "beyond the range": axis("0.1:4:3", "every value must be > 0 and <= pi", name="max_turn"),
    "at an open end": axis("0,25", "every value must be finite and > 0", name="box_size"),
    "nan": axis("nan,0.1", NUMBER),
    "inf": axis("0.1:inf:3", NUMBER),
    "overflow between the ends": axis("-1e308:1e308:3", NUMBER),
    "too large for any float": axis("1e400,1", NUMBER),
    "value twice": axis("0.1,0.2,0.1", "must not repeat a value"),
    "no step": axis("0.1:0.1:2", "must not repeat a value"),
    "half a fish": axis("2.5,3", "every value must be a whole number", name="n_fish"),
    "no fish": axis("0,5", "every value must be >= 1", name="n_fish"),
    "twice": command(
        "sweep swarm --axis noise=1,2 --axis noise=3",
        ("axis", "must not name a field twice", "got 'noise=3'"),
    ),
    "radius beside its width": command(
        "sweep swarm --axis orientation_width=1,2 --axis r_orientation=4,5",
        ("axes", "must not name both orientation_width and r_orientation", "'r_orientation'"),
    ),
    "outer radius beside its width": command(
        "sweep swarm --axis attraction_width=1,2 --axis r_attraction=14,15",
        ("axes", "must not name both attraction_width and r_attraction", "'r_attraction'"),
    ),
    "several": command(
        "sweep swarm --axis nois=1 --axis speed=fast --axis dt=0 --axis dt --axis n_fish=1.5",
        ("axis: must be NAME=VALUES", "got 'dt'"),
        ("axis nois", "did you mean 'noise'", "got '1'"),
        ("axis speed", FORMAT, "got 'fast'"),
        ("axis dt", "every value must be finite and > 0 (s)", "got '0'"),
        ("axis n_fish", "must be a whole number", "got '1.5'"),
    ),
}

GRID = "--axis noise=0.1,0.2 --axis speed=1,2"

OTHER_WORDS = {
    "zip of one": command(f"sweep swarm {GRID} --zip noise", ("zip", ZIP, "got 'noise'")),
    "zip of no axis": command(
        f"sweep swarm {GRID} --zip noise,dt", ("zip", f"{ZIP} (no axis of its own: dt)", "noise,dt")
    ),
    "zip of nothing": command(f"sweep swarm {GRID} --zip ,", ("zip", ZIP, "got ','")),
    "zip with itself": command(
        f"sweep swarm {GRID} --zip noise,noise", ("axes", "must not name a field twice", "'noise'")
    ),
    "zipped twice": command(
        f"sweep swarm {GRID} --zip noise,speed --zip speed,noise", ("zip", ZIP, "'speed,noise'")
    ),
    "zip of unlike lengths": command(
        f"sweep swarm {GRID},3 --zip noise,speed",
        ("noise_and_speed", "equally many values", "{'noise': 2, 'speed': 3}"),
    ),
    "set unknown": right("--set sped=3", ("sped", "did you mean 'speed'", "got 3")),
    "set as in Python": right("--set self=3", ("self", "not a known field", "got 3")),
    "set a word": right("--set speed=fast", ("speed", "must be a number", "got 'fast'")),
    "set nothing": right("--set speed=", ("speed", "must be a number", "got ''")),
    "set a list": right("--set dt=[1,2]", ("dt", "must be one number", "shape (2,)")),
    "set half a fish": right("--set n_fish=2.5", ("n_fish", "valid integer", "got 2.5")),
    "set beyond the range": right(
        "--set blind_angle=200 --set speed=-1",
        ("blind_angle", "must be >= 0 and <= 180", "got 200"),
        ("speed", "must be finite and >= 0", "got -1"),
    ),
    "set without value": right("--set speed", ("set", "must be FIELD=VALUE", "got 'speed'")),
    "set too long a number": right(f"--set seed={'9' * 5000}", ("seed", "must be", "'999")),
    "set twice": right(
        "--set dt=1 --set dt=2", ("set", "must not name a field twice", "got 'dt=2'")
    ),
    "set and swept": right("--set noise=1", ("set", "noise: an axis sets it", "got 'noise=1'")),
    "set and given": right(
        "--set seed=1 --seed 2", ("set", "seed: an option of its own sets it", "got 'seed=1'")
    ),
    "set what a sweep has not": right(
        "--set save_every=0", ("set", "save_every: a sweep saves no frames", "got 'save_every=0'")
    ),
    "radii set out of order": right(
        "--set r_orientation=0.5", ("r_orientation", "must be >= r_repulsion = 1.0", "got 0.5")
    ),
    "unknown scenario": command(
        "sweep swam --axis noise=1,2", ("scenario", "did you mean 'swarm'", "got 'swam'")
    ),
    "scenario that is a folder": command(
        "sweep folder --axis noise=1", ("scenario", "not a directory", "got 'folder'")
    ),
    "scenario that is no TOML": command("sweep file --axis noise=1", ("file", "must be TOML")),
    "two scenarios": command("sweep swarm torus --axis noise=1", ("extra argument", "torus")),
    "no scenario": command("sweep", ("Missing argument", "FILE.toml")),
    "unknown option": command("sweep swarm --axes noise=1", ("No such option: --axes", "--axis")),
}

OPTIONS = {
    "no replicate": right("--replicates 0", ("replicates", COUNT, "got 0")),
    "half a replicate": right("--replicates 1.5", ("replicates", COUNT, "got '1.5'")),
    "replicates in words": right("--replicates many", ("replicates", COUNT, "got 'many'")),
    "more members than memory": right(
        "--replicates 100000000000", ("axes and replicates", "must make at most", "planning takes")
    ),
    "no steps": right("--n-steps 0", ("n_steps", "greater than or equal to 1", "got 0")),
    "steps in words": right("--n-steps few", ("n_steps", "valid integer", "got 'few'")),
    "seed of 33 bits": right("--seed 4294967296", ("seed", "less than", "got 4294967296")),
    "burn-in to the end": right(
        "--burn-in 4", ("burn_in", "a multiple of measure_every = 1 up to n_steps = 4", "got 4")
    ),
    "negative burn-in": right("--burn-in -1", ("burn_in", "whole number >= 0", "got -1")),
    "never measured": right("--measure-every 0", ("measure_every", COUNT, "got 0")),
    "measured after the end": right(
        "--measure-every 5", ("measure_every", "must be <= n_steps = 4", "got 5")
    ),
    "empty parts": right("--part-size 0", ("part_size", COUNT, "got 0")),
    "convention": right(
        "--convention corected", ("convention", "must be one of reference", "got 'corected'")
    ),
    "dtype": right("--dtype half", ("dtype", "must be float32 or float64", "got 'half'")),
    "no core": right("--cores 0", ("cores: ", COUNT, "got 0")),
    "cores in words": right("--cores all", ("cores: ", COUNT, "got 'all'")),
    "a place without number": right("--distributed host:80", ("distributed", PLACE, "'host:80'")),
    "a place beyond the last": right("--distributed h:80,2/2", ("distributed", PLACE, "2/2")),
    "a place without host": right("--distributed :80,0/2", ("distributed", PLACE, "':80,0/2'")),
    "a port that is none": right("--distributed h:65536,0/2", ("distributed", PLACE, ":65536")),
    "too many fish": command(
        "sweep swarm --axis n_fish=5,500000000", ("n_fish", "must fit in memory", "got 500000000")
    ),
    "other fish than the scenario's": command(
        "sweep unlike.toml --axis n_fish=4,5 --measure-every 1",
        ("n_fish = 4: speed", "one value for each of 4 fish", "got '5 values'"),
    ),
    "no point in order": command(
        "sweep swarm --axis r_repulsion=20,30",
        ("axes", "a point with r_repulsion <= r_orientation", "got 'none of 2 points'"),
    ),
    "result that is a folder": right(
        "--out folder", ("out", "must be a file, not a directory", "got 'folder'")
    ),
    "result in no folder": right(
        "--out none/a.nc", ("out", "must be in an existing folder", "got 'none/a.nc'")
    ),
    "result below a file": right("--out file/a.nc", ("out", "existing folder", "got 'file/a.nc'")),
    "result that exists": right(
        "--out sweep.nc", ("out", "must not exist yet: choose another, or allow", "got 'sweep.nc'")
    ),
    "result where the picture goes": right("--out a.png", ("out", "not end in .png", "'a.png'")),
    "result without room for its parts": right(
        "--out taken.nc --overwrite", ("out", "must leave room", "got 'taken.nc.parts'")
    ),
    "everything at once": command(
        "sweep swam --axis nois=1,2 --zip a --set speed --replicates 0 --measure-every 0 "
        "--burn-in x --part-size -1 --convention c --dtype half --cores 0 --distributed x "
        "--out folder",
        ("dtype", "'half'"),
        ("cores", "got 0"),
        ("distributed", "'x'"),
        ("zip", "'a'"),
        ("set", "'speed'"),
        ("scenario", "'swam'"),
        ("axis nois", "'1,2'"),
        ("replicates", "got 0"),
        ("convention", "'c'"),
        ("part_size", "got -1"),
        ("measure_every", "got 0"),
        ("burn_in", "'x'"),
        ("out", "'folder'"),
    ),
    "place and memory at once": command(
        "sweep swarm --axis n_fish=500000000 --out folder",
        ("out", "not a directory", "'folder'"),
        ("n_fish", "must fit in memory", "got 500000000"),
    ),
}

HALF = "--replicates 2 --part-size 2 --measure-every 2 --dtype float64 --out half.nc"
ANOTHER = ("half.nc.parts holds the parts of another sweep", "remove it, or allow overwriting")
WHOLE = "must be whole; remove the folder, or allow overwriting"

JOURNALS = {
    "of another sweep": command(
        f"sweep tiny.toml --axis noise=0.1,0.3 {HALF} --seed 1 --set speed=2 --burn-in 1",
        ANOTHER,
        ("axis noise", "must equal the journal's [0.1, 0.2]", "got [0.1, 0.3]"),
        ("seed", "must equal the journal's 0", "got 1"),
        ("speed", "must equal the journal's 1.0", "got 2"),
        ("burn_in", "must equal the journal's 2", "got 1"),
    ),
    "of other axes": command(
        f"sweep tiny.toml --axis speed=1,2 {HALF}",
        ANOTHER,
        ("axes", "must equal the journal's ['noise']", "got ['speed']"),
        ("axis noise", "must equal the journal's [0.1, 0.2]", "got None"),
    ),
    "in another precision": command(
        f"sweep tiny.toml --axis noise=0.1,0.2 {HALF} --dtype float32",
        ANOTHER,
        ("dtype", "must equal the journal's 'float64'", "got 'float32'"),
    ),
    "in other parts": command(
        f"sweep tiny.toml --axis noise=0.1,0.2 {HALF} --part-size 4",
        ANOTHER,
        ("part_size", "must equal the journal's {'5': 2}", "got {'5': 4}"),
    ),
    "of many values": command(
        f"sweep tiny.toml --axis noise=0:1:999 {HALF}",
        ("axis noise", "must equal the journal's [0.1, 0.2]", "got [0.0, 0.001002"),
    ),
    "with broken settings": right("--out broken.nc", ("sweep.json", WHOLE, "got '{\"axes\":'")),
    "with a list of settings": right("--out listed.nc", ("sweep.json", WHOLE, "got '[1, 2]'")),
    "without its sizes": right("--out sizeless.nc", ("sweep.json", WHOLE, "got '{}'")),
    "with a size of 0": right("--out unsized.nc", ("sweep.json", WHOLE, '{"5":0}')),
}

FILES = {
    "measure a sweep": command(
        "metrics sweep.nc", ("sweep.nc: position", "must be a variable named", "polarization_mean")
    ),
    "resume a sweep as a run": command(
        "run --resume sweep.nc", ("file", "must be a run of kadita_jax", "got 'save_every'")
    ),
    "plot a sweep as what it is not": command(
        "plot sweep.nc --box-size 3 --convention corrected",
        ("sweep.nc: box_size", "must not be given for a sweep", "got 3.0"),
        ("sweep.nc: convention", "must not be given for a sweep", "got 'corrected'"),
    ),
    "plot an unfinished sweep": command("plot half.nc", ("half.nc: file", "must exist")),
    "plot half a sweep beside a whole one": command(
        "plot sweep.nc metricless.nc", ("metricless.nc: state", "must be a variable", "['noise']")
    ),
}


def sweep(axes: Any = AXES, **wrong: Any) -> xr.Dataset:
    """`kj.sweep` of five fish with arguments that are wrong."""
    return kj.sweep("tiny.toml", axes, **SETTINGS | wrong)


def members(number: Any = (0, 1), **wrong: Any) -> object:
    """`kj.sweep_members` of two schools with arguments that are wrong."""
    good = {"varied": {"noise": np.array([0.1, 0.2])}, "window": kj.Window(4, 2, 0)}
    given = {"key": jax.random.key(0), "params": kj.make_params()} | good | wrong
    return kj.sweep_members(number=number, start=Start("uniform_gas", 5), **given)


def bad_axis(values: Any, *told: str) -> Case:
    """`kj.sweep` over noise with values that are wrong."""
    return api(lambda: sweep({"noise": values}), ("axis noise", *(told or (FORMAT,))))


MAPPING = "must map at least one name to values"
ONE_EACH = "must hold one list of values for each of its names"
ZIPPED = ("noise", "speed")

API = {
    "axes in a list": api(lambda: sweep([1, 2]), ("axes", MAPPING, "got [1, 2]")),
    "axes in words": api(lambda: sweep("noise=1,2"), ("axes", MAPPING, "got 'noise=1,2'")),
    "no axes": api(lambda: sweep({}), ("axes", MAPPING, "got {}")),
    "name that is a number": api(lambda: sweep({3: [1]}), ("axis 3", "not a known field", "[1]")),
    "one value": bad_axis(0.1, FORMAT, "got 0.1"),
    "table of values": bad_axis([[0.1, 0.2]], FORMAT, "got [[0.1, 0.2]]"),
    "no values": bad_axis([], FORMAT, "got []"),
    "values in words": bad_axis(["0.1", "0.2"]),
    "objects": bad_axis([object()]),
    "booleans": bad_axis([True, False], FORMAT, "got [True, False]"),
    "complex values": bad_axis([1j], FORMAT, "got [1j]"),
    "a missing value": bad_axis([0.1, None], FORMAT, "got [0.1, None]"),
    "bytes": bad_axis(b"0.1,0.2"),
    "a generator": bad_axis(x for x in (0.1, 0.2)),
    "nan in an array": bad_axis(np.array([0.1, np.nan]), NUMBER, "nan"),
    "zipped lists of unlike length": api(
        lambda: sweep({ZIPPED: ([0.1, 0.2], [1.0])}),
        ("noise_and_speed", "equally many values", "{'noise': 2, 'speed': 1}"),
    ),
    "zipped without a list each": api(
        lambda: sweep({ZIPPED: ([0.1, 0.2],)}), ("axis ('noise', 'speed')", ONE_EACH)
    ),
    "zipped text": api(lambda: sweep({ZIPPED: "12"}), ("axis ('noise', 'speed')", ONE_EACH, "12")),
    "zip of nothing": api(lambda: sweep({(): []}), ("axis ()", ONE_EACH, "got []")),
    "zipped and alone": api(
        lambda: sweep({ZIPPED: ([1, 2], [1, 2]), "noise": [1]}),
        ("axes", "must not name a field twice", "got 'noise'"),
    ),
    "several arguments": api(
        lambda: sweep(replicates=True, measure_every="2", burn_in=0.5, convention=3, seed=-1),
        ("seed", "greater than or equal to 0", "got -1"),
        ("replicates", COUNT, "got True"),
        ("measure_every", COUNT, "got '2'"),
        ("burn_in", "whole number >= 0", "got 0.5"),
        ("convention", "must be one of", "got 3"),
    ),
    "result larger than the memory": api(
        lambda: sweep({"noise": "0:1:10000"}, replicates=1000, keep_final=True),
        ("out", "must be given: the result is", "above 2 GiB", "got None"),
    ),
    "cores before jax": api(
        lambda: kj.use_all_cores("two"), ("n_cores", "must be a whole number >= 1", "got 'two'")
    ),
    "map of one run": api(
        lambda: kj.plot.phase_diagram(xr.Dataset({"polarization": ("time", [0.5])})),
        ("dataset", "must be a sweep", "kadita_jax.plot.summary", "got 'dimensions time'"),
    ),
    "sweep's page of one run": api(
        lambda: kj.plot.sweep_summary(xr.Dataset({"polarization": ("time", [0.5])})),
        ("dataset", "must be a sweep", "kadita_jax.plot.summary", "got 'dimensions time'"),
    ),
    "members with a seed for a key": api(
        lambda: members(key=3), ("key", "must be a random key", "got 3")
    ),
    "members that do not fit": api(
        lambda: members(varied={"noise": np.ones(3), "speed": np.ones((2, 2, 2)), "sped": 1}),
        ("noise", "must be numbers of shape (2,) or (2, N)", "got (3,)"),
        ("speed", "must be numbers of shape (2,) or (2, N)", "got (2, 2, 2)"),
        ("sped", "did you mean 'speed'", "got 1"),
    ),
    "members of other fish": api(
        lambda: members(varied={"noise": np.ones((2, 3))}),
        ("noise", "must be one number or one for each of 5 fish", "shape (3,)"),
    ),
    "members beyond the range": api(
        lambda: members(varied={"noise": np.array([-1.0, 0.0])}),
        ("noise", "every value must be finite and >= 0", "-1."),
    ),
    "members in words": api(
        lambda: members("two", varied="noise"),
        ("number", "a list of whole numbers", "got 'two'"),
        ("varied", "must map names", "got 'noise'"),
    ),
    "halves of members": api(
        lambda: members([0.5, 1]), ("number", "a list of whole numbers", "got [0.5, 1]")
    ),
    "no members": api(
        lambda: members([], varied={}), ("number", "a list of whole numbers", "got []")
    ),
    "no room for the members": api(
        lambda: members(np.arange(9), varied={}, capacity=4),
        ("capacity", "room for 5 members on a device", "got 4"),
    ),
    "several of the members": api(
        lambda: members(batch=0, capacity=2.5, window=kj.Window(4, 5, -1), convention="c"),
        ("batch", COUNT, "got 0"),
        ("capacity", COUNT, "got 2.5"),
        ("burn_in", "whole number >= 0", "got -1"),
        ("convention", "must be one of", "got 'c'"),
    ),
}

TABLES = {
    "axis": AXIS_WORDS,
    "word": OTHER_WORDS,
    "option": OPTIONS,
    "journal": JOURNALS,
    "file": FILES,
    "api": API,
}
CASES = {f"{kind}: {name}": case for kind, cases in TABLES.items() for name, case in cases.items()}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_wrong_sweep_is_refused(case: Case, folder: Path) -> None:
    assert_refused(case, folder)


def parts_of(out: str) -> dict[str, int]:
    """The files in OUT.parts without the digest in their names, and when each was written."""
    files = (path for path in Path(f"{out}.parts").iterdir() if path.name != "in-use")
    return {re.sub("-[0-9a-f]{12}", "", path.name): path.stat().st_mtime_ns for path in files}


def assert_finishes(out: str) -> str:
    """The command goes on to the result that it would have had, and clears away its parts."""
    result = CliRunner().invoke(app, f"{LINE} --out {out}".split())
    assert result.exit_code == 0, result.output
    assert not Path(f"{out}.parts").exists()
    with xr.open_dataset(out) as found, xr.open_dataset("sweep.nc") as whole:
        xr.testing.assert_equal(found, whole)
    return result.stderr


@contextmanager
def room_for(n_bytes: int) -> Iterator[None]:
    """No file can exceed so many bytes; as on a full disk the write fails, not the opening."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        # Python would leave half of a module's bytecode where later processes read it.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "dont_write_bytecode", True)
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def report_to(progress: Callable[[int], object], patch: pytest.MonkeyPatch) -> None:
    """Have the command tell how many members are done to this function, in place of its bar."""

    @contextmanager
    def bar(*_words: object, **_options: object) -> Iterator[Callable[[int], object]]:
        yield progress

    patch.setattr("kadita_jax.sweep_job.progress_bar", bar)


@pytest.mark.parametrize("room", [512, 4096], ids=["settings", "part"])
def test_full_disk_before_any_part_leaves_nothing(room: int, folder: Path) -> None:
    before = contents(folder)
    with room_for(room):
        assert "File too large" in complaint(f"{LINE} --out new.nc", 1)
    assert contents(folder) == before


@pytest.mark.usefixtures("folder")
def test_full_disk_on_the_way_keeps_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as full, monkeypatch.context() as patch:
        report_to(lambda _: full.enter_context(room_for(4096)), patch)
        message = complaint(f"{LINE} --out new.nc", 1)
    assert "File too large" in message
    assert "; 2 of 4 members are saved: the same command goes on (new.nc.parts)" in message
    kept, untouched = parts_of("new.nc"), []
    assert kept.keys() == {"sweep.json", "part-000000.npz"}
    report_to(lambda _: untouched.append(kept.items() <= parts_of("new.nc").items()), monkeypatch)
    assert_finishes("new.nc")
    assert untouched == [True]


def test_full_disk_at_the_result_keeps_every_part(folder: Path) -> None:
    before = contents(folder)
    message = on_full_disk(f"{LINE} --out all.nc", room=2**14)
    assert "all.nc.partial" in message
    assert contents(folder) == before
    assert_finishes("all.nc")


@pytest.mark.skipif(not Path("/sys").is_dir(), reason="no folder that even root may not write to")
def test_folder_without_permission(folder: Path) -> None:
    before = contents(folder)
    message = complaint(f"{LINE} --out /sys/kadita_jax_test.nc", 1)
    assert "'/sys/kadita_jax_test.nc'" in message
    assert contents(folder) == before


@pytest.mark.parametrize("door", ["pathlib.Path.read_text", "pathlib.Path.mkdir", "numpy.savez"])
def test_file_without_permission(door: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(folder)
    refused = PermissionError(13, "Permission denied", "that file")

    def deny(*_: object, **__: object) -> None:
        raise refused

    with monkeypatch.context() as patch:
        patch.setattr(door, deny)
        assert f"kadita: {refused}" in complaint(f"{LINE} --out new.nc", 1)
    assert contents(folder) == before


@pytest.mark.usefixtures("folder")
def test_an_interrupted_command_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        report_to(stop_at(2), patch)
        message = complaint(f"{LINE} --out new.nc", 130)
        again = complaint(f"{LINE} --out half.nc --overwrite", 130)
    assert "interrupted; 2 of 4 members are saved: the same command goes on (new.nc.p" in message
    assert "are saved: the same command without --overwrite goes on (half.nc.parts)" in again
    assert parts_of("new.nc").keys() == {"sweep.json", "part-000000.npz"}


def test_interrupted_before_any_part_nothing_is_left(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(folder)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("kadita_jax.sweeps._computed", interrupt)
        message = complaint(f"{LINE} --out new.nc", 130)
    assert "interrupted before any part was saved" in message
    assert contents(folder) == before


def cut(whole: bytes) -> bytes:
    return whole[:1000]


def flipped(whole: bytes) -> bytes:
    """One bit of the first array is another; numpy's header takes 128 bytes."""
    place = whole.index(b"\x93NUMPY") + 128
    return whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]


@pytest.mark.parametrize("damage", [cut, flipped, lambda _: b""], ids=["cut", "flipped", "empty"])
def test_a_damaged_part_is_told_and_computed_anew(damage: Callable, folder: Path) -> None:
    (part,) = (folder / "all.nc.parts").glob("part-000001-*.npz")
    part.write_bytes(damage(part.read_bytes()))
    told = assert_finishes("all.nc")
    assert "2 of them are there already" in told
    assert "1 part of it is damaged, and computed anew" in told


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '{"part_size": {"5": 0}}'])
def test_damaged_settings_cost_no_part(text: str, folder: Path) -> None:
    (folder / "half.nc.parts" / "sweep.json").write_text(text)
    assert "2 of them are there already" in assert_finishes("half.nc")


def test_parts_without_their_settings_are_not_taken_for_this_sweep(folder: Path) -> None:
    (folder / "all.nc.parts" / "sweep.json").unlink()
    mine = folder / "all.nc.parts" / "notes.txt"
    mine.write_text("not the sweep's")
    with sweep({"noise": [0.5, 0.6]}, out="all.nc") as found:
        xr.testing.assert_equal(found.load(), sweep({"noise": [0.5, 0.6]}))
    # What else is in the folder stays.
    assert list(mine.parent.iterdir()) == [mine]


def test_settings_without_any_part_hold_no_one_up(folder: Path) -> None:
    (part,) = (folder / "half.nc.parts").glob("part-*.npz")
    part.unlink()
    with sweep(out="half.nc", seed=1) as found:
        assert found.attrs["seed"] == 1


@pytest.mark.usefixtures("folder")
def test_whole_numbers_of_numpy_are_whole_numbers() -> None:
    counts = {name: np.int64(count) for name, count in SETTINGS.items()}
    with kj.sweep("tiny.toml", AXES, burn_in=np.uint8(2), out="half.nc", **counts) as found:
        assert found.equals(xr.load_dataset("sweep.nc"))


@pytest.mark.usefixtures("folder")
def test_fields_are_set_and_a_result_is_overwritten_when_allowed() -> None:
    line = f"{LINE} --out sweep.nc --overwrite --set seed=7 --set n_steps=6"
    result = CliRunner().invoke(app, line.split())
    assert result.exit_code == 0, result.output
    attributes = xr.load_dataset("sweep.nc").attrs
    assert (attributes["seed"], attributes["n_steps"]) == (7, 6)
