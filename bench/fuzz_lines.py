"""Random command lines: every command with right words, and with words that are known to be wrong.

A line has no fault, one or two. Alone a fault is what must be refused: nothing else in the line
would be.
"""

import random
from collections.abc import Callable
from typing import NamedTuple

from fuzz_cases import Case
from fuzz_words import FLAG, LONG, POOL, Values, none, number, one_of, unlike, whole


class Line(NamedTuple):
    """Words that are right as they stand, what may be added, and whether computing takes long."""

    words: str
    options: dict[str, Values]
    is_costly: bool = False


SEED, COUNT = whole(0, "3"), whole(1, "1")
DTYPE, CONVENTION = one_of("float32", "float64"), one_of("reference", "corrected")
SET = unlike(
    ("max_turn=0.2", "initial=uniform_gas"),
    "speed=-1",
    "n_fish=2.5",
    "nois=1",
    "max_turn",
    "save_every=1",
    "blind_angle=[1,2]",
)
# All that a folder for results cannot be, and a result.
FOLDER = ("tiny.toml", "tiny.toml/in", LONG)
RESULT = ("folder", "nowhere/new.nc", "tiny.toml", "tiny.toml/new.nc", "new.png", "", LONG)
IN_STEPS = {"--n-steps": whole(1, "2"), "--seed": SEED, "--dtype": DTYPE}
MEASURED = {"--convention": CONVENTION, "--measure-every": COUNT, "--burn-in": whole(0, "1")}
STUDIED = IN_STEPS | MEASURED | {"--set": SET, "--out": Values(("new.nc",), RESULT)}
FRAMES = tuple(word for word in POOL if word not in ("::", "1:2", "1:2:2"))
DRAWN = {"--box-size": number("6", "7.5"), "--convention": CONVENTION}
GROUPED = {"--group-distance": number("2")}

LINES = (
    Line("scenarios", {}),
    Line("scenarios tiny.toml", {}),
    Line(
        "run tiny.toml --out out",
        IN_STEPS
        | GROUPED
        | {
            "--save-every": whole(1, "1", wrong=("3",)),
            "--convention": CONVENTION,
            "--overwrite": FLAG,
            "--out": Values(("out",), FOLDER),
        },
    ),
    Line(
        "run --resume run.nc --n-steps 102",
        {
            "--n-steps": whole(1, "103", wrong=("100", "50")),
            "--resume": Values(("run.nc",), ("folder", "missing.nc", "tiny.toml", "", LONG)),
            "--seed": none("3"),
            "--save-every": none("1"),
            "--out": none("out"),
            "--dtype": none("float32"),
            "--convention": none("reference"),
            "--group-distance": none("2"),
            "--overwrite": none(None),
        },
    ),
    Line("run --resume half.nc", {}),
    Line(
        "sweep tiny.toml --out new.nc --axis noise=0.1,0.2 --measure-every 1",
        STUDIED
        | GROUPED
        | {
            "--axis": unlike(
                ("speed=1,2", "speed=1:2:2"),
                "noise=0.1,0.2",
                "speed=1:2:0",
                "speed=",
                "speed=nan:1:2",
                "dt=0,1",
                "n_fish=2.5",
                "=1",
            ),
            "--zip": unlike((), "noise", "noise,noise", "noise,max_turn"),
            "--replicates": COUNT,
            "--part-size": whole(1, "3"),
            "--keep-final": FLAG,
            "--cores": whole(1, "1"),
            "--distributed": unlike((), "here:1,1/1", "here:99999,0/2"),
            "--dask": unlike((), "local:0", "tcp://"),
        },
    ),
    Line("metrics run.nc", DRAWN | {"--dtype": DTYPE, "--out": Values(("tables",), FOLDER)}),
    Line(
        "plot run.nc --out out",
        DRAWN
        | {
            "--out": Values(("out",), FOLDER),
            "--frames": none("0:4"),
            "--trail": none("2"),
            "--fps": none("10"),
            "--follow": none(None),
        },
    ),
    Line("plot sweep.nc", {"--box-size": none("6"), "--convention": none("corrected")}),
    Line(
        "plot run.nc --animate film.gif --frames 0:4:2",
        DRAWN
        | {
            "--animate": Values(
                ("new/film.gif",),
                ("film", "film.txt", "folder", "", "tiny.toml/film.gif", f"{LONG}.gif"),
            ),
            "--frames": Values((":3", "-2:", "1:9:4"), (*FRAMES, "1:2", "1:2:2", "200:300")),
            "--trail": whole(0, "0", "2"),
            "--fps": number("10", "0.5", most=50, wrong=("50.1",)),
            "--follow": FLAG,
            "--out": none("out"),
        },
    ),
    Line(
        "view run.nc --no-browser",
        {
            "--frames": Values(("0:3", "::50", "-2:"), (*FRAMES, "200:300", "3:3")),
            "--out": Values(
                ("page.html", "new/page.htm"),
                ("folder", "page.txt", "run.nc", "", "tiny.toml/page.html", f"{LONG}.html"),
            ),
        },
    ),
    Line("view sweep.nc --no-browser", {"--frames": none("0:1", "x")}),
    Line(
        "hysteresis tiny.toml --out new.nc --parameter noise --from 0.1 --to 0.2 --steps 1"
        " --replicates 2 --n-steps 2 --measure-every 1",
        STUDIED
        | GROUPED
        | {
            "--parameter": unlike(("speed",), "nois", "box_size", "n_fish", "dt"),
            "--from": Values(("0.05",), ("0.2", "5", "-1", "x", "nan", "inf", "", "1e400")),
            "--to": Values(("0.15",), ("0", "0.05", "x", "nan", "inf", "", "1e400")),
            "--steps": whole(1, "2"),
            "--replicates": COUNT,
        },
    ),
    Line(
        "sensitivity tiny.toml --out new.nc --wrt noise --of polarization --replicates 2"
        " --n-steps 2 --measure-every 1",
        STUDIED
        | {
            "--of": unlike(("spread",), "polarization", "polarisation", "state"),
            "--wrt": unlike(("speed",), "noise", "nois", "n_fish", "noise=0.1:0.2"),
            "--method": one_of("auto", "differences"),
            "--replicates": whole(2, "3"),
            "--edge-width": number("0.4"),
            "--bandwidth": number("0.4"),
        },
    ),
    Line(
        "calibrate run.nc tiny.toml --out new.toml --wrt noise=0.05:0.5 --set n_fish=6"
        " --replicates 32 --n-steps 2 --measure-every 1",
        STUDIED
        | {
            "--convention": Values(("reference",), POOL),
            "--wrt": unlike((), "noise", "noise=0.1:0.2", "speed=2:1", "speed=1", "nois=0:1"),
            "--set": unlike((), "n_fish=7", "speed=-1", "nois=1", "n_fish"),
            "--replicates": whole(32, "33"),
            "--target-schools": COUNT,
            "--out": Values(("new.toml",), RESULT),
        },
        is_costly=True,
    ),
)


def command_line(draw: random.Random, samples: dict[str, bytes]) -> Case:
    """A command with right options, and with no fault or few."""
    line = draw.choice(LINES)
    words, n_wrong = line.words.split(), draw.choice((0, 1, 1, 2))
    if line.is_costly and draw.random() < 0.9:
        n_wrong = max(1, n_wrong)
    rights = [option for option, values in line.options.items() if values.right]
    for option in draw.sample(rights, draw.randint(0, min(3, len(rights)))):
        words += _option(option, draw.choice(line.options[option].right))
    if n_wrong and (draw.random() < 0.3 or not line.options):
        return Case(draw.choice(SLIPS)(draw, words), samples, True)
    wrongs = [option for option, values in line.options.items() if values.wrong]
    # Of an option given twice the last word counts, and that is a wrong one.
    for option in draw.sample(wrongs, min(n_wrong, len(wrongs))):
        words += _option(option, draw.choice(line.options[option].wrong))
    return Case(words, samples, n_wrong > 0)


def _option(name: str, value: str | None) -> list[str]:
    return [name] if value is None else [name, value]


def _unknown_option(draw: random.Random, words: list[str]) -> list[str]:
    return [words[0], draw.choice(("--no-such", "--seeed=3", "-q", "--n_steps=2")), *words[1:]]


def _unknown_command(draw: random.Random, words: list[str]) -> list[str]:
    return [draw.choice(("rum", "", "Run", "run ", "--out", "run.nc", "\udcff")), *words[1:]]


def _no_value(_draw: random.Random, words: list[str]) -> list[str]:
    return [*words, "--out"]


def _one_too_many(draw: random.Random, words: list[str]) -> list[str]:
    words = [*words, "tiny.toml"] if words[-1] == "scenarios" else words
    return [*words, draw.choice(("missing.nc", "folder", "", LONG, "\udcff"))]


def _another_file(draw: random.Random, words: list[str]) -> list[str]:
    """A file that does not exist, is a folder or is of another kind; of a costly line none."""
    others = {"tiny.toml": "run.nc"} | dict.fromkeys(("run.nc", "sweep.nc", "half.nc"), "tiny.toml")
    # Of an option given twice the first word says nothing.
    counts = [place for place in range(1, len(words)) if words[place - 1] not in words[place:]]
    found = [place for place in counts if words[place] in others]
    if not found:
        return [*words, "missing.nc"]
    place = draw.choice(found)
    other = draw.choice(("missing.nc", "missing.toml", "folder", "", LONG, others[words[place]]))
    return [*words[:place], other, *words[place + 1 :]]


def _no_file(_draw: random.Random, words: list[str]) -> list[str]:
    # Without a name `run` takes four large schools.
    if words[0] in ("run", "scenarios"):
        return [*words, "--out"]
    return [words[0], *words[2:]]


SLIPS: tuple[Callable[[random.Random, list[str]], list[str]], ...] = (
    _unknown_option,
    _unknown_command,
    _no_value,
    _one_too_many,
    _another_file,
    _no_file,
)
