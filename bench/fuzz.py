"""Damaged files, random command lines and random scenario files: what `kadita` answers to them.

Every case is run in a process that is watched: it must end within ten seconds, without a traceback,
and be accepted or refused as wrong input, never as a failure of the system. What is known to be
wrong must be refused, and what is refused must leave the folder as it was. A process that dies is a
crash of the case that it was at. A case is made of its number and the seed alone.
"""

import argparse
import json
import os
import random
import selectors
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from report import machine, print_table, write_json

LONGEST = 10.0
EXIT_CODES = (0, 2)
VERDICTS = (
    "refused",
    "accepted",
    "traceback",
    "wrongly accepted",
    "refused too late",
    "slow",
    "crash or hang",
)
TINY = 'name = "tiny"\nn_fish = 5\nn_steps = 2\nsave_every = 1\nbox_size = 6.0\n'

NUMBERS = ("-1", "0", "1", "2", "2.5", "1e400", "nan", "inf", "-0", "\u0661", "1_0", "0x1", "1e3")
WORDS = (
    "",
    " ",
    "x",
    "None",
    "true",
    "'",
    '"',
    "\\",
    "é",
    "\x07",
    "a" * 300,
    "[",
    "1,2",
    "..",
    "--",
    "-h=",
)
AXES = (
    "1:2:2",
    "1:2",
    "::",
    "1:2:0",
    "1:2:1e9",
    "0:1:3:log",
    "1:2:3:lin",
    "1,,2",
    ",",
    "nan:1:2",
    "2,1",
    "1",
)


@dataclass(frozen=True)
class Case:
    """Words for `kadita`, the files to make for them, and whether they are known to be wrong."""

    words: list[str]
    files: dict[str, bytes]
    is_wrong: bool


def damaged_file(draw: random.Random, samples: dict[str, bytes]) -> Case:
    """A NetCDF file that was cut, overwritten in places, or never was one, and a command for it."""
    name = draw.choice(sorted(samples))
    content = samples[name]
    kind = draw.choice(("cut", "bits", "block", "text"))
    if kind == "cut":
        content = content[: draw.randrange(len(content))]
    elif kind == "text":
        content = draw.randbytes(draw.randrange(2000))
    elif kind == "bits":
        content = _with_bits_flipped(draw, content)
    else:
        first = draw.randrange(len(content))
        content = content[:first] + draw.randbytes(512) + content[first + 512 :]
    words = [word.format(name) for word in draw.choice(USES[name])]
    return Case(words, {name: content}, kind in ("cut", "text"))


# What one does with each sample.
USES: dict[str, tuple[list[str], ...]] = {
    "run.nc": (
        ["metrics", "{}"],
        ["plot", "{}", "--out", "pictures"],
        # All 101 frames are six seconds of drawing, ten where others compute, too.
        ["plot", "{}", "--animate", "film.gif", "--frames", "::5"],
        ["view", "{}", "--no-browser", "--out", "page.html"],
        ["run", "--resume", "{}", "--n-steps", "102"],
    ),
    "half.nc.partial": (["run", "--resume", "half.nc"],),
    "sweep.nc": (["plot", "{}"], ["view", "{}", "--no-browser"]),
}


def _with_bits_flipped(draw: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(draw.randint(1, 3)):
        place = draw.randrange(8 * len(changed))
        changed[place // 8] ^= 1 << place % 8
    return bytes(changed)


def command_line(draw: random.Random, samples: dict[str, bytes]) -> Case:
    """A command with options that are right but for some, or none."""
    name, right, options = draw.choice(LINES)
    chosen = draw.sample(options, draw.randint(0, len(options)))
    values = {option: (good, draw.random() < 0.5) for option, good in chosen}
    words = [name, *right]
    for option, (good, is_good) in values.items():
        bad = [word for word in (*NUMBERS, *WORDS, *AXES) if _is_wrong(option, word)]
        words += [option, good if is_good else draw.choice(bad)]
    return Case(words, samples, not all(is_good for _, is_good in values.values()))


def _is_wrong(option: str, word: str) -> bool:
    """Whether no reading of an option's value could take this word."""
    if option in ("--n-steps", "--replicates", "--save-every", "--part-size", "--measure-every"):
        return not (word.replace("_", "").isdecimal() and int(word) > 0)
    if option in ("--seed", "--burn-in"):
        return not (word.lstrip("-").replace("_", "").isdecimal() and int(word) >= 0)
    if option == "--axis":
        return True
    return word not in ("float32", "float64", "reference", "corrected")


LINES: tuple[tuple[str, list[str], list[tuple[str, str]]], ...] = (
    (
        "run",
        ["tiny.toml", "--out", "out"],
        [("--seed", "3"), ("--n-steps", "2"), ("--save-every", "1"), ("--dtype", "float64")],
    ),
    (
        "sweep",
        ["tiny.toml", "--out", "new.nc", "--axis", "noise=0.1,0.2", "--measure-every", "1"],
        [
            ("--axis", "speed=1,2"),
            ("--replicates", "1"),
            ("--seed", "1"),
            ("--measure-every", "1"),
            ("--burn-in", "1"),
            ("--part-size", "3"),
            ("--dtype", "float64"),
            ("--convention", "corrected"),
        ],
    ),
    ("metrics", ["run.nc"], [("--convention", "corrected"), ("--dtype", "float64")]),
)


def scenario_file(draw: random.Random, _samples: dict[str, bytes]) -> Case:
    """A scenario file with letters changed, or with a field that is known to be wrong."""
    if draw.random() < 0.5:
        wrong = draw.choice(WRONG_FIELDS)
        kept = [line for line in TINY.splitlines() if line.split()[0] != wrong.split()[0]]
        return Case(["run", "mine.toml"], {"mine.toml": "\n".join([*kept, wrong]).encode()}, True)
    text = bytearray(TINY.encode())
    for _ in range(draw.randint(1, 4)):
        place = draw.randrange(len(text))
        text[place : place + draw.randint(0, 2)] = draw.randbytes(draw.randint(0, 2))
    # Whatever it has become is read and told, not run: it may be a school of a day's work.
    return Case(["scenarios", "mine.toml"], {"mine.toml": bytes(text)}, False)


WRONG_FIELDS = (
    "n_fish = 0",
    "n_fish = 2.5",
    "n_fish = true",
    "n_fish = 10_000_000_000",
    "n_steps = -1",
    "n_steps = 1e400",
    'box_size = "wide"',
    "box_size = 0",
    "box_size = nan",
    "speed = inf",
    "speed = [1, 2]",
    "noise = -0.1",
    "max_turn = []",
    "blind_angle = 400",
    "r_orientation = 1e9",
    "seed = 1979-05-27",
    "spede = 1",
    "rules = 3",
    "initial = { a = 1 }",
    "schedule = [1]",
    "n_steps = 3\nn_steps = 3",
)

MAKERS: dict[str, Callable[[random.Random, dict[str, bytes]], Case]] = {
    "damaged files": damaged_file,
    "command lines": command_line,
    "scenario files": scenario_file,
}


def make_samples(folder: Path) -> dict[str, bytes]:
    """A finished and an unfinished run, a sweep, and the scenario of all."""
    import kadita_jax as kj
    from kadita_jax.files import partial_path

    def stop(done: int) -> None:
        # What is unfinished is copied as a kill would leave it.
        if partial_path(folder / "half.nc").exists() and done == 2:
            shutil.copy(partial_path(folder / "half.nc"), folder / "kept")

    with chdir(folder):
        Path("tiny.toml").write_text(TINY)
        kj.run("tiny.toml", n_steps=100, out="run.nc").close()
        kj.sweep(
            "tiny.toml", {"noise": [0.1, 0.2]}, n_steps=2, measure_every=1, out="sweep.nc"
        ).close()
        kj.run("tiny.toml", n_steps=2, out="half.nc", progress=stop).close()
        Path("half.nc").unlink()
        Path("kept").rename("half.nc.partial")
        return {path.name: path.read_bytes() for path in Path().iterdir()}


def judged(case: Case, folder: Path) -> str:
    """What became of a case."""
    from typer.testing import CliRunner

    from kadita_jax.cli import app

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with chdir(folder):
        for name, content in case.files.items():
            Path(name).write_bytes(content)
        begin = time.monotonic()
        result = CliRunner().invoke(app, case.words)
        found = {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    if time.monotonic() - begin > LONGEST:
        return "slow"
    if not isinstance(result.exception, SystemExit | None) or "Traceback" in result.output:
        return "traceback"
    if result.exit_code not in EXIT_CODES:
        return "traceback"
    if result.exit_code:
        return "refused" if found == case.files else "refused too late"
    return "wrongly accepted" if case.is_wrong else "accepted"


def run_cases(kind: str, numbers: range, seed: int) -> None:
    """Announce and judge one case after another, a line each: what a watched process does."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "samples").mkdir()
        samples = make_samples(folder / "samples")
        files = {n: samples[n] for n in USES} if kind == "damaged files" else samples
        for number in numbers:
            case = MAKERS[kind](random.Random(f"{kind} {seed} {number}"), files)
            print(json.dumps([number, None, case.words]), flush=True)
            print(json.dumps([number, judged(case, folder / "case"), case.words]), flush=True)


def watched(kind: str, n_cases: int, seed: int) -> dict[int, tuple[str, list[str]]]:
    """The verdict of each case, and its words."""
    found: dict[int, tuple[str, list[str]]] = {}
    while len(found) < n_cases:
        words = [
            sys.executable,
            __file__,
            "--child",
            kind,
            str(len(found)),
            str(n_cases),
            str(seed),
        ]
        # It compares no bits: compiled quickly.
        environment = os.environ | {"JAX_DISABLE_MOST_OPTIMIZATIONS": "true"}
        process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
        at: tuple[int, list[str]] | None = None
        while line := _next_line(process):
            number, verdict, told = json.loads(line)
            at = number, told
            if verdict is not None:
                found[number] = verdict, told
        process.kill()
        process.communicate()
        if len(found) < n_cases:
            assert at is not None, "no case was begun"
            found[at[0]] = "crash or hang", at[1]
    return found


def _next_line(process: subprocess.Popen) -> bytes:
    """What the process says next; nothing when it has ended or says nothing for a minute."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as waiting:
        waiting.register(process.stdout, selectors.EVENT_READ)
        return process.stdout.readline() if waiting.select(60) else b""


def main() -> None:
    """Print the tables and write them."""
    chosen = _parser().parse_args()
    if chosen.child:
        kind, first, last, seed = chosen.child
        run_cases(kind, range(int(first), int(last)), int(seed))
        return
    figures: dict[str, Any] = {"seed": chosen.seed, "verdicts": {}, "bad": []}
    for kind in MAKERS:
        found = watched(kind, chosen.cases, chosen.seed)
        counts = Counter(verdict for verdict, _ in found.values())
        figures["verdicts"][kind] = {verdict: counts[verdict] for verdict in VERDICTS}
        figures["bad"] += [
            [kind, number, *each] for number, each in found.items() if each[0] in VERDICTS[2:]
        ]
    rows = [(kind, *counts.values()) for kind, counts in figures["verdicts"].items()]
    print_table(["cases", *VERDICTS], rows)
    for bad in figures["bad"]:
        print(*bad)
    print(f"{len(figures['bad'])} of {len(MAKERS) * chosen.cases} cases went wrong")
    print(machine())
    write_json("fuzz", figures, chosen.out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
