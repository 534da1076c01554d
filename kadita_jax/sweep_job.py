"""What `kadita sweep` does once its words are parsed."""

import sys
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import xarray as xr

from kadita_jax import plot, sweeps
from kadita_jax.cluster import Workers, workers_of
from kadita_jax.connection import cluster_faults
from kadita_jax.devices import join_processes, process_faults, use_all_cores
from kadita_jax.errors import Fault, InvalidInputError, count_faults
from kadita_jax.job_checks import picture_faults, use_dtype
from kadita_jax.journal import journal_path
from kadita_jax.last_word import last_word
from kadita_jax.machine import this_machine
from kadita_jax.prepare import Prepared, described, prepare
from kadita_jax.sweep_words import read_axis_words, read_set_words
from kadita_jax.terminal import progress_bar

# Until all have met, XLA ends every process within seconds of losing one, in words of its own.
LOST = (
    "kadita: ended, as another process of this sweep is lost or this one was killed; what is saved "
    "stays: the same command in every process goes on ({})"
)


def sweep_grid(
    name: str,
    axis_words: list[str],
    zip_words: list[str],
    set_words: list[str],
    *,
    changes: dict[str, Any],
    dtype: str,
    cores: Any,
    distributed: str | None,
    dask: str | None,
    out: Path,
    **options: Any,
) -> None:
    """Sweep a scenario over a grid into a file, with its picture."""
    faults = use_dtype(dtype) + _place_faults(cores, distributed, dask) + picture_faults(out)
    axes = read_axis_words(axis_words, zip_words, faults)
    given = {field: value for field, value in changes.items() if value is not None}
    changes = read_set_words(set_words, _said_elsewhere(axes, given), faults) | given
    if not faults:
        _use_devices(cores, distributed)
    with workers_of(None if faults else dask) as workers:
        machine = workers.machine if workers else this_machine
        prepared = prepare(
            name, axes, changes=changes, out=out, known=faults, find_machine=machine, **options
        )
        begin = time.monotonic()
        n_before, n_members = prepared.n_done, prepared.plan.n_computed
        if sweeps.is_first_process():
            print(*described(prepared), sep="\n", file=sys.stderr)
        alone = nullcontext() if distributed is None else last_word(LOST.format(journal_path(out)))
        with alone:
            dataset = _swept(prepared, name, out, workers)
    if sweeps.is_first_process():
        plot.save(plot.sweep_summary(dataset), out.with_suffix(".png"))
        print(f"{out}  with {out.stem}.png: {_sweep_line(prepared, n_members - n_before, begin)}")


def _swept(prepared: Prepared, name: str, out: Path, workers: Workers | None) -> xr.Dataset:
    try:
        with _told(name, prepared.plan.n_computed, prepared.n_done) as progress:
            return sweeps.compute(prepared, progress, workers)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_how_to_go_on(prepared, out)) from None
    except OSError as error:
        raise OSError(f"{error}{_how_to_go_on(prepared, out)}") from error


def _how_to_go_on(prepared: Prepared, out: Path) -> str:
    saved = replace(prepared, overwrite=False).n_done
    again = "the same command without --overwrite" if prepared.overwrite else "the same command"
    hint = f"; {saved:,} of {prepared.plan.n_computed:,} members are saved: {again} goes on"
    return f"{hint} ({journal_path(out)})" if saved else " before any part was saved"


def _told(name: str, n_members: int, done: int) -> AbstractContextManager:
    """A progress bar, of the first process alone: it speaks for all."""
    if not sweeps.is_first_process():
        return nullcontext()
    return progress_bar(name, n_members, "members", done=done)


def _sweep_line(prepared: Prepared, n_computed: int, begin: float) -> str:
    seconds = time.monotonic() - begin
    rate = f"{n_computed:,} computed in {seconds:,.1f} s, {n_computed / seconds:,.1f} members/s"
    return f"{prepared.plan.grid.n_members:,} members, {rate} with compiling and drawing"


def _said_elsewhere(axes: Iterable[Any], given: Iterable[str]) -> dict[str, str]:
    """The fields that `--set` may not name, and why."""
    swept = chain.from_iterable(name if isinstance(name, tuple) else (name,) for name in axes)
    return {
        **dict.fromkeys(swept, "an axis sets it"),
        **dict.fromkeys(given, "an option of its own sets it"),
        "save_every": "a sweep saves no frames",
    }


def _place_faults(cores: Any, distributed: str | None, dask: str | None) -> list[Fault]:
    faults = [] if cores is None else count_faults({"cores": cores})
    faults += [] if distributed is None else process_faults(distributed)
    faults += [replace(fault, field="dask") for fault in cluster_faults(dask)]
    rule = "must not be given with --dask: the cluster's workers compute"
    others = {"cores": cores, "distributed": distributed} if dask is not None else {}
    return faults + [Fault(n, rule, value) for n, value in others.items() if value is not None]


def _use_devices(cores: Any, distributed: str | None) -> None:
    if cores is not None:
        use_all_cores(cores)
    else:
        # In a program where jax has already started, its devices stay as they are.
        with suppress(InvalidInputError):
            use_all_cores()
    if distributed is not None:
        join_processes(distributed)
