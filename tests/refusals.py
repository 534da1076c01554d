"""What the tests of wrong input share: one message, the right exit code, nothing left behind."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

import jax
import pytest
from typer.testing import CliRunner

import kadita_jax as kj
from kadita_jax.cli import app


@dataclass(frozen=True)
class Case:
    """Something wrong: how to do it, and per fault the pieces that one line must tell."""

    refusal: Callable[[], str]
    told: tuple[tuple[str, ...], ...]


def api(call: Callable[[], object], *told: tuple[str, ...]) -> Case:
    """A call that raises InvalidInputError."""

    def refusal() -> str:
        with pytest.raises(kj.InvalidInputError) as caught:
            call()
        return str(caught.value)

    return Case(refusal, told)


def command(line: str, *told: tuple[str, ...]) -> Case:
    """A command line that leaves with exit code 2."""
    return Case(lambda: complaint(line, 2), told)


def complaint(line: str, code: int) -> str:
    """What `kadita LINE` says on standard error, in one message, leaving with this code."""
    result = CliRunner().invoke(app, line.split())
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code
    assert result.stdout == ""
    return one_message(result.stderr)


def one_message(stderr: str) -> str:
    """The text if it is a single message without traceback; typer's frame comes off it."""
    assert "Traceback" not in stderr
    assert len(re.findall("kadita: |Error", stderr)) == 1
    if stderr.startswith("kadita: "):
        return stderr
    return " ".join(re.sub("[╭╮╰╯│─]", " ", stderr).split())


def contents(folder: Path) -> dict[Path, bytes | None]:
    """Everything below a folder."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@contextmanager
def copied(samples: Path, folder: Path) -> Iterator[Path]:
    """Work in a folder with a copy of the samples; jax's precision is put back afterwards."""
    copytree(samples, folder, dirs_exist_ok=True)
    precision = jax.config.jax_enable_x64  # a command sets it
    with chdir(folder):
        yield folder
    jax.config.update("jax_enable_x64", precision)


def assert_refused(case: Case, folder: Path) -> None:
    """Each fault is told in one line of the one message, and the folder stays as it was."""
    before = contents(folder)
    lines = case.refusal().splitlines()
    for fault in case.told:
        assert any(all(piece in line for piece in fault) for line in lines), (fault, lines)
    assert contents(folder) == before


def process(*argv: str | Path) -> tuple[int, str]:
    """Exit code and message of a command in a process of its own."""
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.stdout == ""
    return done.returncode, one_message(done.stderr)


def on_full_disk(line: str, room: int, change: str = "") -> str:
    """What `kadita LINE` says, leaving with code 1, where no file can exceed so many bytes.

    The limit holds for root too, and as on a full disk the write fails, not the opening.
    """
    # Python would leave half of a module's bytecode where later processes read it.
    program = f"""
import os, resource, sys
sys.dont_write_bytecode = True
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))
from kadita_jax import cli, plan, runfile
{change}
cli.main()
"""
    code, message = process(sys.executable, "-c", program, *line.split())
    assert code == 1
    return message
