"""Kill `kadita run` and `kadita sweep` at random moments, resume them, and compare the bits.

Each command is killed by SIGKILL: one in four at any moment of its life, the others once it has
begun to write, when files are what it changes most of the time (a run is cut into parts of few
steps, a sweep into parts of one member). Then it is told to go on, until it has ended by itself.
Every result is compared with that of the same command left alone.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import xarray as xr
from report import machine, print_table, write_json

PROGRAM = (
    "from kadita_jax import plan; plan.PART_PAIRS = 2e5; from kadita_jax.cli import main; main()"
)
SCHOOL = """
name = "school"
n_fish = 20
n_steps = {n_steps}
save_every = 5
box_size = 9.0
r_orientation = 2.0
r_attraction = 4.0
"""
N_STEPS = {"run": 4000, "sweep": 400}
SWEEP = "sweep school.toml --axis noise=0.01:1:15 --replicates 2 --part-size 1 --out school.nc"
COMMANDS = {"run": "run school.toml --out .", "sweep": SWEEP}
# What a command shows once it has begun to write.
FIRST_SIGN = {"run": "school.nc.partial", "sweep": "school.nc.parts/sweep.json"}
LEFT = ("nothing", "unfinished", "finished")
# Who waits longer waits for what hangs.
LONGEST = 120.0


@dataclass(frozen=True)
class Left:
    """A command that nobody killed: its result, and how long it lived and wrote, seconds."""

    result: xr.Dataset
    alive: float
    writing: float


def start(kind: str, folder: Path, line: str | None = None) -> subprocess.Popen:
    """A command in a folder of its own."""
    folder.mkdir(exist_ok=True)
    (folder / "school.toml").write_text(SCHOOL.format(n_steps=N_STEPS[kind]))
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *(line or COMMANDS[kind]).split()],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"XDG_CACHE_HOME": str(folder.parent)},
    )


def finish(process: subprocess.Popen) -> tuple[int, str]:
    """Exit code and words of a command that must end by itself."""
    _, told = process.communicate(timeout=LONGEST)
    assert "Traceback" not in told, told
    return process.returncode, told


def wait_for(path: Path, process: subprocess.Popen) -> None:
    """Return once a file is there, or the process is gone."""
    begin = time.monotonic()
    while not path.exists() and process.poll() is None:
        assert time.monotonic() - begin < LONGEST
        time.sleep(0.001)


def undisturbed(kind: str, folder: Path) -> Left:
    """What the command does when it is left alone, compiled before."""
    finish(start(kind, folder / f"{kind}-first"))
    mine, begin = folder / f"{kind}-alone", time.monotonic()
    process = start(kind, mine)
    wait_for(mine / FIRST_SIGN[kind], process)
    first = time.monotonic()
    code, told = finish(process)
    assert code == 0, told
    end = time.monotonic()
    return Left(read(mine), end - begin, end - first)


def read(folder: Path) -> xr.Dataset:
    """The result, whose history alone may differ."""
    with xr.open_dataset(folder / "school.nc", decode_timedelta=False) as stored:
        return stored.load().drop_attrs()


def killed(kind: str, left: Left, folder: Path, draw: random.Random) -> str:
    """Start, kill, go on, compare; what the kill had left."""
    process = start(kind, folder)
    if draw.random() < 0.25:
        time.sleep(draw.uniform(0, left.alive))
    else:
        wait_for(folder / FIRST_SIGN[kind], process)
        time.sleep(draw.uniform(0, left.writing))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    found = what_is_there(kind, folder)
    go_on(kind, folder)
    assert read(folder).equals(left.result), (kind, found)
    return found


def what_is_there(kind: str, folder: Path) -> str:
    """What a command has left, in a word."""
    if (folder / FIRST_SIGN[kind]).exists():
        return "unfinished"
    return "finished" if (folder / "school.nc").exists() else "nothing"


def go_on(kind: str, folder: Path) -> None:
    """Do what the README says of a killed command, until its result is whole."""
    left = what_is_there(kind, folder)
    if kind == "sweep" and left == "finished":
        return
    resumes = kind == "run" and left != "nothing"
    code, told = finish(start(kind, folder, "run --resume school.nc" if resumes else None))
    assert code == 0, told


def main() -> None:
    """Print the table and write it."""
    chosen = _parser().parse_args()
    kinds = [list(COMMANDS)[number % len(COMMANDS)] for number in range(chosen.kills)]
    with TemporaryDirectory() as name, ThreadPoolExecutor(chosen.at_once) as several:
        folder = Path(name)
        alone = {kind: undisturbed(kind, folder) for kind in COMMANDS}

        def one(number: int, kind: str) -> str:
            draw = random.Random(f"{chosen.seed} {number}")
            return killed(kind, alone[kind], folder / str(number), draw)

        found = list(several.map(one, range(chosen.kills), kinds))
    counts = Counter(zip(kinds, found, strict=True))
    figures = {
        "seed": chosen.seed,
        "same_bits": len(found),
        "left": {kind: {word: counts[kind, word] for word in LEFT} for kind in COMMANDS},
        "seconds": {kind: [left.alive, left.writing] for kind, left in alone.items()},
    }
    rows = [(kind, *counts.values()) for kind, counts in figures["left"].items()]
    print_table(["killed", *(f"left {word}" for word in LEFT)], rows)
    print(f"{len(found)} of {chosen.kills} results with the bits of an undisturbed command")
    print(machine())
    write_json("chaos", figures, chosen.out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=2, help="commands side by side")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
