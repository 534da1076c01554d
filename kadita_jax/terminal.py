"""What the command line shows: progress and tables."""

import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any

import xarray as xr
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from kadita_jax.dataset import final_state
from kadita_jax.interrupts import raise_if_asked
from kadita_jax.metrics.convention import CORRECTED
from kadita_jax.scenario import canonical_name, parse_scenario
from kadita_jax.tables import Summary, summarize

SHOWN = {"polarization": "P", "rotation": "M", "oceanic_schooling_index": "OSI"}
WIDTH_OF_A_FILE = 140
PAPER_CAPTION = "paper: arXiv 2602.07948, one run each; without ± its final value"


# Where there is no terminal to draw a bar on, a line now and then.
SECONDS_BETWEEN_LINES = 20


class _Speed(ProgressColumn):
    def __init__(self, unit: str):
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f} {self._unit}/s" if task.speed else "compiling")


@contextmanager
def progress_bar(
    title: str, total: int, unit: str = "steps", *, done: int = 0
) -> Iterator[Callable[[int], None]]:
    """What is done, how fast and the time left, on standard error: a bar, or lines in a log.

    Telling it raises KeyboardInterrupt where a signal has asked to end and was not heard.
    """
    with _shown(title, total, unit, done) as show_now:

        def tell(now: int) -> None:
            raise_if_asked()
            show_now(now)

        yield tell


@contextmanager
def _shown(title: str, total: int, unit: str, done: int) -> Iterator[Callable[[int], None]]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _line_writer(title, total, unit, done)
        return
    columns = TextColumn("{task.description:18}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, _Speed(unit), TimeRemainingColumn(), console=console) as progress:
        task = progress.add_task(title, total=total, completed=done)
        yield lambda now: progress.update(task, completed=now)


def _line_writer(title: str, total: int, unit: str, done: int) -> Callable[[int], None]:
    begin = last = time.monotonic()

    def write(now: int) -> None:
        nonlocal last
        passed = time.monotonic() - begin
        if passed + begin < last + SECONDS_BETWEEN_LINES or now <= done:
            return
        last, rate = passed + begin, (now - done) / passed
        text = f"{title}: {now:,} of {total:,} {unit}, {rate:,.1f} {unit}/s"
        print(f"{text}, {(total - now) / rate:,.0f} s left", file=sys.stderr, flush=True)

    return write


def show(table: Table) -> None:
    """Print a table, at full width when the output is a file or a pipe."""
    console = Console()
    (console if console.is_terminal else Console(width=WIDTH_OF_A_FILE)).print(table)


def paper_table(runs: Mapping[str, xr.Dataset]) -> Table:
    """Ours beside the paper's headline values, narrow enough for any terminal."""
    table = Table(
        title="Mean ± standard deviation of the second half",
        caption=f"{PAPER_CAPTION}{_corrected(runs)}",
    )
    for heading in ("school", "", "ours", "paper"):
        justify = "right" if heading in ("ours", "paper") else "left"
        table.add_column(heading, justify=justify, no_wrap=True)
    for name, dataset in runs.items():
        for row in _paper_rows(name, dataset):
            table.add_row(*row)
        table.add_section()
    return table


def _corrected(runs: Mapping[str, xr.Dataset]) -> str:
    """Which of the schools are measured otherwise than the paper's."""
    names = [name for name, run in runs.items() if run.attrs.get("convention") == CORRECTED]
    return f"; corrected convention: {', '.join(names)}" if names else ""


def _paper_rows(name: str, dataset: xr.Dataset) -> Iterator[tuple[str, ...]]:
    canonical = canonical_name(parse_scenario(dataset.attrs["scenario"], name))
    # The paper's numbers are of its own schools: an edited copy stands alone.
    summary, paper = summarize(dataset), _paper().get(canonical or "", {})
    size = f"{dataset.attrs['n_fish']} fish, {dataset.attrs['n_steps']} steps"
    about = name, size, f"ends as {final_state(dataset)}"
    for text, (metric, label) in zip(about, SHOWN.items(), strict=True):
        ours = _spread(summary[metric].mean, summary[metric].std)
        yield text, label, ours, _paper_cell(paper.get(metric, ()))


def metrics_table(title: str, dataset: xr.Dataset) -> Table:
    """The summary of all twelve metrics of one file."""
    table = Table(title=title, caption=_frames(dataset))
    table.add_column("metric")
    for heading in Summary.__dataclass_fields__:
        table.add_column(heading, justify="right")
    for name, summary in summarize(dataset).items():
        table.add_row(name, *(f"{value:.6g}" for value in vars(summary).values()))
    return table


def _frames(dataset: xr.Dataset) -> str:
    n_undefined = int(dataset["polarization"].isnull().sum())
    gaps = f", {n_undefined} undefined and left out" if n_undefined else ""
    return f"{dataset.sizes['time']} frames{gaps}; ends as {final_state(dataset)}"


@cache
def _paper() -> dict[str, Any]:
    return tomllib.loads((files("kadita_jax") / "data" / "paper.toml").read_text("utf-8"))


def _paper_cell(values: Sequence[float]) -> str:
    if len(values) == 3:
        return _spread(values[1], values[2])
    return f"{values[0]:.2f}" if values else "-"


def _spread(mean: float, std: float) -> str:
    return f"{mean:.3f}±{std:.3f}"
