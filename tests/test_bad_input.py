"""Wrong input of every kind: one message with field, rule and value, and nothing left behind.

The command line answers 2 to wrong input and 1 where the system fails, never with a traceback.
"""

import re
import sysconfig
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import jax
import netCDF4
import numpy as np
import pytest
from refusals import (
    Case,
    api,
    assert_refused,
    command,
    complaint,
    contents,
    copied,
    on_full_disk,
    process,
)

import kadita_jax as kj

FRAME = (2, 5, 3)
TINY = 'name = "tiny"\nn_fish = 5\nn_steps = 2\nsave_every = 1\n'
SCHOOL = np.random.default_rng(0).normal(size=FRAME)
KEY = jax.random.key(0)


def toml(text: str | bytes, *told: tuple[str, ...]) -> Case:
    """A scenario file that `kadita run` refuses with exit code 2."""

    def refusal() -> str:
        mine = Path("mine.toml")
        mine.write_bytes(text.encode() if isinstance(text, str) else text)
        message = complaint("run mine.toml", 2)
        mine.unlink()
        return message

    return Case(refusal, told)


def write_tracks(
    path: Path,
    names: tuple[str, ...] = ("position", "heading"),
    dims: tuple[str, ...] = ("time", "fish", "space"),
    sizes: tuple[int, ...] = FRAME,
    **attributes: object,
) -> None:
    """Another program's tracks."""
    values = np.resize(SCHOOL, sizes)
    with netCDF4.Dataset(path, "w") as file:
        for dim, size in zip(dims, sizes, strict=True):
            file.createDimension(dim, size)
        for name in names:
            file.createVariable(name, "f8", dims, fletcher32=True)[:] = values
        file.setncatts(attributes)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files, right and wrong ones."""
    folder = tmp_path_factory.mktemp("samples")
    tiny = kj.Scenario(name="tiny", n_fish=5, n_steps=2, save_every=1)
    kj.run(tiny, out=folder / "good.nc").close()
    whole = (folder / "good.nc").read_bytes()
    (folder / "half.nc").write_bytes(whole[: len(whole) // 2])
    (folder / "text.nc").write_text("not NetCDF")
    (folder / "file").write_text("not a folder")
    (folder / "tiny.toml").write_text(TINY)
    for name in ("folder", "finished", "halted"):
        (folder / name).mkdir()
    (folder / "finished" / "tiny.nc").touch()
    (folder / "halted" / "tiny.nc.partial").touch()
    write_tracks(folder / "boxed.nc", box_size=25.0)
    write_tracks(folder / "open.nc")
    write_tracks(folder / "headless.nc", names=("position",), box_size=25.0)
    write_tracks(folder / "flat.nc", sizes=(2, 5, 2), box_size=25.0)
    write_tracks(folder / "unnamed.nc", dims=("a", "b", "c"), box_size=25.0)
    write_tracks(folder / "frameless.nc", sizes=(0, 5, 3), box_size=25.0)
    write_tracks(folder / "worded.nc", box_size="wide")
    damaged = (folder / "boxed.nc").read_bytes().replace(SCHOOL.tobytes(), SCHOOL.tobytes()[::-1])
    (folder / "damaged.nc").write_bytes(damaged)
    write_tracks(folder / "undated.nc", box_size=25.0)
    with netCDF4.Dataset(folder / "undated.nc", "a") as file:
        file.createVariable("time", "f8", ("time",)).units = "seconds since forever"
    write_tracks(folder / "endless.nc", sizes=(3, 5, 3), box_size=25.0)
    with netCDF4.Dataset(folder / "endless.nc", "a") as file:
        time = file.createVariable("time", "f8", ("time",))
        time.units, time[:] = "seconds since 2000-01-01", [0.0, 1e300, 1.0]
    return folder


@pytest.fixture
def folder(samples: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the samples to work in."""
    with copied(samples, tmp_path) as folder:
        yield folder


def simulate(n_steps: object = 1, **arguments: object) -> kj.Trajectory:
    """`kj.simulate` of five fish with `speed`, `dtype` or run arguments that are wrong."""
    fields = {name: arguments.pop(name) for name in ("speed", "dtype") if name in arguments}
    state = kj.make_state(SCHOOL[0], SCHOOL[1])
    key = arguments.pop("key", KEY)
    return kj.simulate(state, kj.make_params(**fields), key, n_steps=n_steps, **arguments)


def measure(**wrong: object) -> object:
    """`kj.metrics.measure` of a good snapshot but for one argument."""
    good = {"position": SCHOOL[0], "heading": SCHOOL[1], "box_size": 25.0}
    return kj.metrics.measure(**good | wrong)


def resume_in_float32() -> None:
    """Go on with a run of float64 in another precision."""
    with jax.enable_x64(False):
        kj.resume("good.nc", n_steps=4)


WHOLE = "must be a whole number >= 1"
NO_LENGTH = ("must be a number", "got None")

API = {
    "negative radius": api(
        partial(kj.make_params, r_repulsion=-1.0), ("r_repulsion", "finite and >= 0", "got -1.0")
    ),
    "radii out of order": api(
        lambda: kj.make_params(r_repulsion=3.0, r_orientation=2.0),
        ("r_orientation", "must be >= r_repulsion = 3.0", "got 2.0"),
    ),
    "nan": api(lambda: kj.make_params(speed=np.nan), ("speed", "must be finite", "got nan")),
    "infinite": api(lambda: kj.make_params(box_size=np.inf), ("box_size", "finite", "got inf")),
    "too large for float32": api(
        lambda: kj.make_params(speed=1e300), ("speed", "must be finite", "got 1e+300")
    ),
    "degrees for radians": api(
        lambda: kj.make_params(max_turn=30), ("max_turn", "<= pi (rad/step)", "got 30")
    ),
    "more than half a circle": api(
        lambda: kj.make_params(blind_angle=200.0), ("blind_angle", "<= 180 (degree)", "got 200.0")
    ),
    "weight above 1": api(
        lambda: kj.make_params(orientation_weight=1.5), ("orientation_weight", "<= 1", "got 1.5")
    ),
    "no time": api(lambda: kj.make_params(dt=0), ("dt", "finite and > 0 (s)", "got 0")),
    "misspelt field": api(
        lambda: kj.make_params(r_atraction=3.0),
        ("r_atraction", "not a known field (did you mean 'r_attraction'?)", "got 3.0"),
    ),
    "text for a number": api(
        lambda: kj.make_params(speed="fast"), ("speed", "must be a number", "got 'fast'")
    ),
    "bool for a number": api(
        lambda: kj.make_params(speed=True), ("speed", "must be a number", "got True")
    ),
    "nothing for a number": api(lambda: kj.make_params(noise=None), ("noise", *NO_LENGTH)),
    "complex number": api(
        lambda: kj.make_params(speed=np.array([1j])), ("speed", "must be a number", "1.j")
    ),
    "parameter with two axes": api(
        lambda: kj.make_params(speed=np.ones((2, 2))),
        ("speed", "one number or one per fish", "shape (2, 2)"),
    ),
    "per fish where one is due": api(
        lambda: kj.make_params(dt=[0.1, 0.2]), ("dt", "must be one number", "shape (2,)")
    ),
    "parameters of unlike length": api(
        lambda: kj.make_params(speed=[1.0, 1.0], noise=[0.1, 0.1, 0.1]),
        ("speed and noise", "must hold equally many values", "'speed': 2, 'noise': 3"),
    ),
    "parameters for other fish": api(
        lambda: simulate(speed=[1.0, 2.0, 3.0]), ("speed", "one for each of 5 fish", "shape (3,)")
    ),
    "unknown rules": api(
        lambda: kj.make_params(rules="couzin"), ("rules", "must be one of", "got 'couzin'")
    ),
    "dtype without fractions": api(
        lambda: kj.make_params(dtype="int32"), ("dtype", "must be float32", "got 'int32'")
    ),
    "state in the plane": api(
        lambda: kj.make_state(SCHOOL[0, :, :2], SCHOOL[1]),
        ("position", "must have shape (N, 3)", "got (5, 2)"),
    ),
    "state of unlike shapes": api(
        lambda: kj.make_state(SCHOOL[0], SCHOOL[1, :4]),
        ("position and heading", "must have the same shape", "[(4, 3), (5, 3)]"),
    ),
    "state with nan": api(
        lambda: kj.make_state(SCHOOL[0], SCHOOL[1] * np.nan), ("heading", "finite", "nan")
    ),
    "ragged state": api(
        lambda: kj.make_state([[1, 2, 3], [1, 2]], SCHOOL[1]),
        ("position", "must have shape (N, 3)", "got [[1, 2, 3], [1, 2]]"),
    ),
    "half a fish": api(lambda: kj.uniform_gas(KEY, 2.5, 25.0), ("n_fish", WHOLE, "got 2.5")),
    "gas in open water": api(lambda: kj.uniform_gas(KEY, 5, None), ("box_size", *NO_LENGTH)),
    "several of a ring": api(
        lambda: kj.ring(KEY, 0, -2.0, np.nan),
        ("n_fish", WHOLE, "got 0"),
        ("box_size", "> 0", "got -2.0"),
        ("radius", "must be finite", "got nan"),
    ),
    "seed for a key": api(lambda: simulate(key=42), ("key", "must be a random key", "got 42")),
    "several of a run": api(
        lambda: simulate("5", save_every=0, first_step=-1, neighbours="densee"),
        ("n_steps", WHOLE, "got '5'"),
        ("save_every", WHOLE, "got 0"),
        ("first_step", "must be a whole number >= 0", "got -1"),
        ("neighbours", "must be one of auto", "got 'densee'"),
    ),
    "beyond the last step": api(
        lambda: simulate(first_step=2**31), ("first_step + n_steps", "<= 2147483647", "2147483649")
    ),
    "mixed precision": api(
        lambda: simulate(dtype="float32"), ("speed", "state's dtype float64", "got 'float32'")
    ),
    "several of a measurement": api(
        lambda: measure(position="here", convention="refrence", box_size="wide"),
        ("position", "must have shape (N, 3)", "got 'here'"),
        ("convention", "must be one of reference, corrected", "got 'refrence'"),
        ("box_size", "must be a number", "got 'wide'"),
    ),
    "snapshot for a trajectory": api(
        lambda: kj.metrics.measure_trajectory(SCHOOL[0], SCHOOL[1], 25.0),
        ("heading", "must have shape (T, N, 3)", "got (5, 3)"),
    ),
    "parameters for other fish in a scenario": api(
        lambda: kj.Scenario(n_fish=5, noise=np.zeros(4)),
        ("noise", "one value for each of 5 fish", "4 values"),
    ),
    "run larger than the memory": api(
        lambda: kj.run("swarm", n_steps=10**7, save_every=1),
        ("out", "must be given: 10000001 frames are", "GiB, above 2 GiB", "got None"),
    ),
    "result that is a directory": api(
        lambda: kj.run("tiny.toml", out="folder"), ("out", "not a directory", "got 'folder'")
    ),
    "result in no folder": api(
        lambda: kj.run("tiny.toml", out="none/tiny.nc"),
        ("out", "in an existing folder", "got 'none/tiny.nc'"),
    ),
    "resumed in another precision": api(
        resume_in_float32, ("dtype", "must equal the file's 'float64'", "got 'float32'")
    ),
}

TOML = {
    "several fields": toml(
        'name = ""\nn_fish = 0\nseed = -1\nspeeed = 1\nmax_turn = nan\ninitial = "rign"\n',
        ("mine.toml: name", "must match pattern", "got ''"),
        ("n_fish", "greater than or equal to 1", "got 0"),
        ("seed", "greater than or equal to 0", "got -1"),
        ("speeed", "not a known field (did you mean 'speed'?)", "got 1"),
        ("max_turn", "must be > 0 and <= pi", "got nan"),
        ("initial", "must be 'uniform_gas', 'uniform_ball' or 'ring'", "got 'rign'"),
    ),
    "field that is a word of Python": toml("self = 1", ("self", "not a known field", "got 1")),
    "text for a number": toml("speed = 'fast'", ("speed", "must be a number", "got 'fast'")),
    "bool for a number": toml("n_steps = true", ("n_steps", "valid integer", "got True")),
    "table for a number": toml("[dt]\na = 1", ("dt", "must be one number", "got {'a': 1}")),
    "table that is no distribution": toml(
        "[speed]\na = 1", ("speed", "must have distribution = normal or", "got {'a': 1}")
    ),
    "three box sizes": toml("box_size = [9, 9, 9]", ("box_size", "one number", "shape (3,)")),
    "parameters for other fish": toml(
        "n_fish = 5\nspeed = [1.0, 2.0]", ("speed", "each of 5 fish", "2 values")
    ),
    "seed of 33 bits": toml("seed = 4294967296", ("seed", "less than", "got 4294967296")),
    "steps between frames": toml(
        "n_steps = 7\nsave_every = 2", ("n_steps", "multiple of save_every = 2", "got 7")
    ),
    "ring without radius": toml(
        'initial = "ring"', ("ring_radius", "must be given with initial", "got None")
    ),
    "name that is a path": toml('name = "../mine"', ("name", "pattern", "got '../mine'")),
    "name too long for a file": toml(f'name = "{"a" * 300}"', ("name", "200 characters", "aaa")),
    "school too large for the memory": toml(
        "n_fish = 500_000_000", ("n_fish", "must fit in memory", "GiB, of", "got 500000000")
    ),
    "more fish than can be drawn": toml(
        'n_fish = 10_000_000_000\nspeed = {distribution = "normal", mean = 3, std = 0, seed = 1}',
        ("n_fish", "must be <= 10000000 with a distribution", "got 10000000000"),
    ),
    "step without end": toml(
        "schedule = {noise = [[inf, 0.1]]}", ("schedule noise", "whole, ascending", "got [inf]")
    ),
    "syntax": toml("n_fish = = 5", ("mine.toml: file", "must be TOML", "got 'n_fish = = 5'")),
    "number too long": toml(f"n_fish = {'9' * 5000}", ("file", "must be TOML", "got 'n_fish = 9")),
    "nesting too deep": toml("a = " + "[" * 9999, ("file", "must be TOML", "got 'a = [")),
    "not UTF-8": toml(b'title = "\xe9"', ("mine.toml: file", "must be UTF-8", "other bytes")),
}

OPEN_WATER = "the file does not say (open water needs convention 'corrected')"
EXISTS = "resume it, or allow overwriting"
MISSING = "must be a shipped name or an existing file"
# Without its ending it would do, but not for what is written beside it.
LONG, TOO_LONG = "a" * 250, "must be short enough to be the name of a file"
TOUR = "--axis noise=0.1,0.2 --measure-every 1"
STUDY = "--measure-every 1 --replicates 32 --n-steps 2"

COMMANDS = (
    {
        "misspelt scenario": command(
            "run swam", (MISSING, "(did you mean 'swarm'?)", "got 'swam'")
        ),
        "missing file": command("run none.toml", ("scenario", MISSING, "got 'none.toml'")),
        "directory for a file": command(
            "run folder", ("scenario", "not a directory", "got 'folder'")
        ),
        "no steps": command("run swarm --n-steps 0", ("n_steps", "equal to 1", "got 0")),
        "several options": command(
            "run swarm swam --n-steps many --seed -1 --dtype half --convention refrence --out file",
            ("swarm: n_steps", "must be a valid integer", "got 'many'"),
            ("swarm: seed", "greater than or equal to 0", "got -1"),
            ("swam: scenario", MISSING, "got 'swam'"),
            ("dtype", "must be float32 or float64", "got 'half'"),
            ("convention", "must be one of reference, corrected", "got 'refrence'"),
            ("out", "must be a folder, not a file", "got 'file'"),
        ),
        "folder below a file": command(
            "run tiny.toml --out file/a", ("out", "folder", "got 'file'")
        ),
        "scenario twice": command(
            "run tiny.toml tiny.toml", ("NAME", "must not repeat", "got ['tiny', 'tiny']")
        ),
        "result that exists": command(
            "run tiny.toml --out finished",
            ("out", "must not exist yet", EXISTS, "finished/tiny.nc"),
        ),
        "result half made": command(
            "run tiny.toml --out halted",
            ("out", "unfinished run", EXISTS, "halted/tiny.nc.partial"),
        ),
        "unknown option": command("run swarm --sede 1", ("No such option: --sede", "--seed")),
        "unknown command": command("rum", ("No such command 'rum'", "Did you mean 'run'")),
        "missing argument": command("metrics", ("Missing argument", "FILE.nc")),
        "option without value": command("run --out", ("'--out' requires an argument",)),
        "resume with what the file says": command(
            "run swarm --resume good.nc --seed 3 --out a",
            ("NAME", "must not be given with --resume", "got ['swarm']"),
            ("seed", "must not be given with --resume", "got 3"),
            ("out", "must not be given with --resume", "got 'a'"),
        ),
        "resume to fewer steps": command(
            "run --resume good.nc --n-steps 1", ("n_steps", "must exceed the 2 steps", "got 1")
        ),
        "resume nothing": command("run --resume a.nc", ("file", "must exist", "got 'a.nc'")),
        "resume what is not ours": command(
            "run --resume open.nc", ("file", "must be a run of kadita_jax", "scenario, convention")
        ),
        "resume half a file": command(
            "run --resume half.nc", ("file", "must be a whole NetCDF file", "got 'half.nc'")
        ),
        "resume what is left of a run": command(
            "run --resume halted/tiny.nc",
            ("file", "must be a whole NetCDF file", "run it anew", "halted/tiny.nc.partial"),
        ),
        "measure several files": command(
            "metrics a.nc folder half.nc text.nc --out file",
            ("a.nc: file", "must exist", "got 'a.nc'"),
            ("folder: file", "must be a file, not a directory", "got 'folder'"),
            ("half.nc: file", "must be a whole NetCDF file", "got 'half.nc'"),
            ("text.nc: file", "must be a whole NetCDF file", "got 'text.nc'"),
            ("out", "must be a folder, not a file", "got 'file'"),
        ),
        "tracks without headings": command(
            "metrics headless.nc", ("heading", "must be a variable named", "got 'position'")
        ),
        "tracks in the plane": command(
            "metrics flat.nc", ("position", "one of 3 named space", "'space': 2")
        ),
        "dimensions without meaning": command(
            "metrics unnamed.nc", ("heading", "must have a dim named time", "'a': 2, 'b': 5")
        ),
        "tracks without frames": command(
            "metrics frameless.nc", ("position", "at least one frame", "got (0, 5, 3)")
        ),
        "damaged tracks": command("metrics damaged.nc", ("file", "undamaged data", "damaged.nc")),
        "time without a date": command("metrics undated.nc", ("file", "conventions", "forever")),
        "time beyond any date": command("metrics endless.nc", ("file", "conventions", "64 bit")),
        "box size in words": command("metrics worded.nc", ("box_size", "a number", "got 'wide'")),
        "negative box": command(
            "metrics open.nc --box-size -1", ("box_size", "finite and > 0", "got -1.0")
        ),
        "plot open water": command("plot open.nc", ("open.nc: box_size", OPEN_WATER, "got None")),
        "measure open water by fractions of a box": command(
            "metrics open.nc --convention reference", ("open.nc: box_size", OPEN_WATER, "got None")
        ),
        "plot with a misspelt convention": command(
            "plot good.nc --convention corected", ("convention", "must be one of", "got 'corected'")
        ),
        "two pictures of one name": command(
            "plot open.nc folder/open.nc --out a", ("FILE.nc", "must not repeat", "a/open.png")
        ),
        "resume no name": command("run --resume /", ("file", "must have a name", "got '/'")),
        "resume an ending": command(
            "run --resume .partial", ("file", "must have a name", ".partial")
        ),
        "view no name": command("view /", ("file", "must be a file, not a directory", "got '/'")),
        "sweep to no name": command(
            f"sweep tiny.toml {TOUR} --out /", ("out", "must be a file, not a directory", "got '/'")
        ),
    }
    | {
        f"too long a name: {words}": command(words.format(2 * LONG), (field, TOO_LONG))
        for words, field in {
            "run {}": "scenario",
            "scenarios {}": "scenario",
            "metrics {}": "file",
            "metrics good.nc --out {}": "out",
            "plot good.nc --out {}": "out",
            "view good.nc --no-browser --out {}.html": "out",
            "calibrate {} tiny.toml": "target file",
        }.items()
    }
    | {
        f"no room beside it: {words}": command(words.format(LONG), (field, TOO_LONG))
        for words, field in {
            "run --resume {}.nc": "file",
            "plot good.nc --animate {}.gif": "film",
            f"sweep tiny.toml {TOUR} --out {{}}": "out",
            f"sensitivity tiny.toml {STUDY} --out {{}}": "out",
            f"calibrate good.nc tiny.toml {STUDY} --out {{}}": "out",
            "hysteresis tiny.toml --parameter noise --from 0 --to 1 --out {}": "out",
        }.items()
    }
)

CASES = {
    f"{kind}: {name}": case
    for kind, cases in {"api": API, "toml": TOML, "kadita": COMMANDS}.items()
    for name, case in cases.items()
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_wrong_input_is_refused(case: Case, folder: Path) -> None:
    assert_refused(case, folder)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("run swam torsu", ["did you mean 'swarm'?", "did you mean 'torus'?"]),
        ("metrics half.nc", ["half.nc: file: must be a whole NetCDF file, got 'half.nc'"]),
        ("scenarios --frobnicate", ["No such option: --frobnicate"]),
    ],
)
def test_the_installed_command_refuses_too(line: str, told: list[str], folder: Path) -> None:
    before = contents(folder)
    code, message = process(Path(sysconfig.get_path("scripts")) / "kadita", *line.split())
    assert code == 2
    assert all(piece in message for piece in told)
    assert contents(folder) == before


def test_full_disk_at_the_start_leaves_no_file(folder: Path) -> None:
    message = on_full_disk("run tiny.toml --out out", room=4096)
    assert re.search(r"could not write out/tiny.nc.partial.partial: .*; disk full\?", message)
    assert contents(folder / "out") == {}


@pytest.mark.skipif(not Path("/sys").is_dir(), reason="no folder that even root may not write to")
def test_folder_without_permission(folder: Path) -> None:
    before = contents(folder)
    message = complaint("run tiny.toml --out /sys/kadita_jax_test", 1)
    assert re.search("not permitted|denied", message)
    assert "/sys/kadita_jax_test" in message
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("line", "door"),
    [
        ("run tiny.toml --out folder", "netCDF4.Dataset"),
        ("run tiny.toml", "pathlib.Path.read_text"),
        ("metrics good.nc", "netCDF4.Dataset"),
        ("run --resume good.nc --n-steps 4", "netCDF4.Dataset"),
    ],
)
def test_file_without_permission(
    line: str, door: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(folder)
    refused = PermissionError(13, "Permission denied", "that file")

    def deny(*_: object, **__: object) -> None:
        raise refused

    with monkeypatch.context() as patch:
        patch.setattr(door, deny)
        assert complaint(line, 1) == f"kadita: {refused}\n"
    assert contents(folder) == before
