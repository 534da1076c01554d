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
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fuzz_cases import USES, Case, contents, damaged_file, make_samples, scenario_file
from fuzz_lines import command_line
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

MAKERS: dict[str, Callable[[random.Random, dict[str, bytes]], Case]] = {
    "damaged files": damaged_file,
    "command lines": command_line,
    "scenario files": scenario_file,
}


def judged(case: Case, folder: Path) -> str:
    """What became of a case."""
    from typer.testing import CliRunner

    from kadita_jax.cli import app

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with chdir(folder):
        for name, content in case.files.items():
            Path(name).parent.mkdir(exist_ok=True)
            Path(name).write_bytes(content)
        begin = time.monotonic()
        result = CliRunner().invoke(app, case.words)
    if time.monotonic() - begin > LONGEST:
        return "slow"
    if not isinstance(result.exception, SystemExit | None) or "Traceback" in result.output:
        return "traceback"
    if result.exit_code not in EXIT_CODES:
        return "traceback"
    if result.exit_code:
        return "refused" if _is_as_it_was(folder, case.files) else "refused too late"
    return "wrongly accepted" if case.is_wrong else "accepted"


def _is_as_it_was(folder: Path, files: dict[str, bytes]) -> bool:
    """Whether a folder holds these files, in folders of their own, and nothing else."""
    names = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    folders = {str(Path(name).parent) for name in files} - {"."}
    return names == files.keys() | folders and contents(folder) == files


def run_cases(kind: str, numbers: range, seed: int, kept: Path) -> None:
    """Announce and judge one case after another, a line each: what a watched process does.

    **Arguments:**

    - `kept`: a folder for the samples, which whoever comes first makes for all.
    """
    samples = kept_samples(kept)
    files = {name: samples[name] for name in USES} if kind == "damaged files" else samples
    with TemporaryDirectory() as name:
        for number in numbers:
            case = MAKERS[kind](random.Random(f"{kind} {seed} {number}"), files)
            print(json.dumps([number, None, case.words]), flush=True)
            print(json.dumps([number, judged(case, Path(name) / "case"), case.words]), flush=True)


def kept_samples(kept: Path) -> dict[str, bytes]:
    """The samples of a folder, made anew where no process has finished them."""
    samples = kept / "samples"
    if not samples.exists():
        with TemporaryDirectory(dir=kept) as name:
            (Path(name) / "samples").mkdir()
            make_samples(Path(name) / "samples")
            (Path(name) / "samples").rename(samples)
    return contents(samples)


def watched(kind: str, n_cases: int, seed: int, kept: Path) -> dict[int, tuple[str, list[str]]]:
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
            str(kept),
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
        kind, first, last, seed, kept = chosen.child
        run_cases(kind, range(int(first), int(last)), int(seed), Path(kept))
        return
    figures: dict[str, Any] = {"seed": chosen.seed, "verdicts": {}, "bad": []}
    with TemporaryDirectory() as kept:
        for kind in MAKERS:
            found = watched(kind, chosen.cases, chosen.seed, Path(kept))
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
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
