"""How a command speaks and ends: warnings in a line, exit codes, one message, without delay."""

import gc
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import typer

from kadita_jax.errors import InvalidInputError
from kadita_jax.interrupts import hear_signals
from kadita_jax.probe import probe

SYSTEM_FAILED = 1
WRONG_INPUT = 2
INTERRUPTED = 130
# What the text of jax's own error, a RuntimeError, then begins with.
NO_MEMORY = "RESOURCE_EXHAUSTED"

# Objects made between two searches for garbage: of those that importing and tracing make, nearly
# all stay, and at Python's usual 700 or 2,000 a first `kadita run` searched for half a second.
MANY = 100_000


@contextmanager
def computing(*, opens_files: bool = False) -> Iterator[None]:
    """Around a command that uses jax: exit codes, and compiled programs kept on disk.

    **Arguments:**

    - `opens_files`: whether it reads files that others may have written: the process that reads
        them first starts while jax loads.
    """
    with errors_as_exit_codes():
        if opens_files:
            probe().start()
        load_jax()
        yield


def load_jax() -> None:
    """Import jax, which takes a second, and have it keep compiled programs on disk."""
    # On some Intel processors XLA logs an error for each program that it finds in the cache
    # (openxla/xla issue 44565); what matters is raised, too.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from kadita_jax.compile_cache import use_compile_cache

    use_compile_cache()


@contextmanager
def errors_as_exit_codes() -> Iterator[None]:
    """2 for wrong input, 1 where the system failed, 130 when interrupted; never a traceback."""
    try:
        yield
    except InvalidInputError as error:
        _leave(error, WRONG_INPUT)
    except KeyboardInterrupt as error:
        _leave(f"interrupted{_hint(error)}", INTERRUPTED)
    except OSError as error:
        _leave(error, SYSTEM_FAILED)
    except RuntimeError as error:
        if not str(error).startswith(NO_MEMORY):
            raise
        _leave(f"out of memory: {error}".splitlines()[0], SYSTEM_FAILED)


def _hint(error: BaseException | None) -> str:
    """How to go on; interrupted again as it was on its way, the earlier interrupt knows."""
    while error is not None and not (isinstance(error, KeyboardInterrupt) and error.args):
        error = error.__context__
    return "" if error is None else str(error)


def _leave(message: object, code: int) -> None:
    print(f"kadita: {message}", file=sys.stderr)
    raise typer.Exit(code)


@contextmanager
def leaving() -> Iterator[None]:
    """Around a whole process: warn in a line, search seldom for garbage, and end at once."""
    gc.set_threshold(MANY)
    hear_signals()
    _warn_in_a_line()
    try:
        yield
    except SystemExit as left:
        if left.code == INTERRUPTED:
            _leave_threads_behind()
        raise
    finally:
        # All that is alive leaves with the process; to search it for garbage takes a second.
        gc.freeze()


def _warn_in_a_line() -> None:
    """Show a warning that is meant for people without the line of the program that gave it."""
    show = warnings.showwarning

    def tell(message: Warning | str, category: type[Warning], *others: Any, **named: Any) -> None:
        if not issubclass(category, UserWarning):
            return show(message, category, *others, **named)
        print(f"kadita: warning: {' '.join(str(message).split())}", file=sys.stderr)
        return None

    warnings.showwarning = tell


def _leave_threads_behind() -> None:
    """End the process, though threads may compile: Python would wait, and they cannot be stopped.

    Files are closed by now, by the `with` that each was opened in.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(INTERRUPTED)
