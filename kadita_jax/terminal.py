"""What the command line shows: progress and tables."""

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any

import xarray as xr
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from kadita_jax.dataset import final_state
from kadita_jax.scenario import canonical_name, parse_scenario
from kadita_jax.tables import Summary, summarize

SHOWN = {"polarization": "P", "rotation": "M", "oceanic_schooling_index": "OSI"}
WIDTH_OF_A_FILE = 140


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f} steps/s" if task.speed else "compiling")


@contextmanager
def progress_bar(title: str, n_steps: int) -> Iterator[Callable[[int], None]]:
    """A bar with steps/s and time left on standard error; nothing when that is no terminal."""
    console = Console(stderr=True)
    columns = TextColumn("{task.description:18}"), BarColumn(), _Speed(), TimeRemainingColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=n_steps)
        yield lambda done: progress.update(task, completed=done)


def show(table: Table) -> None:
    """Print a table, at full width when the output is a file or a pipe."""
    console = Console()
    (console if console.is_terminal else Console(width=WIDTH_OF_A_FILE)).print(table)


def paper_table(runs: Mapping[str, xr.Dataset]) -> Table:
    """Ours beside the paper's headline values, narrow enough for any terminal."""
    table = Table(
        title="Mean ± standard deviation of the second half",
        caption="paper: arXiv 2602.07948, one run each; without ± its final value",
    )
    for heading in ("school", "", "ours", "paper"):
        justify = "right" if heading in ("ours", "paper") else "left"
        table.add_column(heading, justify=justify, no_wrap=True)
    for name, dataset in runs.items():
        for row in _paper_rows(name, dataset):
            table.add_row(*row)
        table.add_section()
    return table


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
