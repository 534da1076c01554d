"""What each command does once its words are parsed: check all, then work, write and show."""

import shlex
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import xarray as xr

import kadita_jax
from kadita_jax import study
from kadita_jax.dataset import holds_float64, kind_of, open_run, reading, unreadable
from kadita_jax.earlier import best_source
from kadita_jax.errors import Fault, refuse
from kadita_jax.files import final_path, partial_path
from kadita_jax.job_checks import folder_faults, of_each, repeat_faults, use_dtype
from kadita_jax.locks import in_use_faults
from kadita_jax.pictures import draw_run
from kadita_jax.plan import Plan
from kadita_jax.scenario import Scenario
from kadita_jax.tables import write_tables
from kadita_jax.terminal import metrics_table, paper_table, progress_bar, show
from kadita_jax.tracks import measure_file, measured_or_measure

TOLD = "{}  with {}.png and CSV tables"
UNDRAWN = "{}  with CSV tables; its picture: kadita plot {}"

# When a file was last written, in nanoseconds; None where there is none.
Written = int | None


@dataclass(frozen=True)
class _Finished:
    """A school that is saved, and whose picture is on its way."""

    path: Path
    dataset: xr.Dataset
    drawn: Future[bool]

    def tell(self) -> None:
        """Tell of it once its picture is there."""
        if not self.drawn.result():
            draw_run(self.dataset, self.path)
        print(TOLD.format(self.path, self.path.stem))

    def tell_now(self) -> None:
        """Tell of it as it is."""
        is_drawn = self.drawn.done() and self.drawn.result()
        if is_drawn:
            print(TOLD.format(self.path, self.path.stem))
        else:
            print(UNDRAWN.format(self.path, shlex.quote(str(self.path))))


def run_each(
    plans: Mapping[Path, Plan],
    wait_for: Callable[[Path], None],
    draw: Callable[[Path], Future[bool]],
    run: Callable[..., xr.Dataset],
) -> None:
    """Run one school after the other, while a process draws, and show the paper's table.

    **Arguments:**

    - `wait_for`: returns once what was begun ahead for a path is done.
    - `draw`: begins the picture of a run's file (`kadita_jax.artist.drawing_aside`).
    - `run`: `study.run` with what holds for all schools.
    """
    datasets: dict[str, xr.Dataset] = {}
    untold: list[_Finished] = []
    with ExitStack() as opened:
        with _told_at_last(untold):
            for path, plan in plans.items():
                # Nobody shall wait for a long run to be told of the one before it.
                if not plan.is_quick:
                    _tell(untold)
                dataset = opened.enter_context(_run_one(plan.scenario, path, run, wait_for))
                untold.append(_Finished(path, dataset, draw(path)))
                datasets[path.stem] = dataset
        show(paper_table(datasets))


def _run_one(
    scenario: Scenario,
    path: Path,
    run: Callable[..., xr.Dataset],
    wait_for: Callable[[Path], None],
) -> xr.Dataset:
    def work() -> xr.Dataset:
        wait_for(path)
        dataset = run(scenario, out=path, progress=progress)
        write_tables(dataset, path.parent, path.stem)
        return dataset

    # With --overwrite there may be files of an earlier run until this one starts its own.
    earlier = _written(partial_path(path)), _written(path)
    with progress_bar(scenario.name, scenario.n_steps) as progress:
        return _or_how_to_go_on(path, earlier, work)


@contextmanager
def _told_at_last(untold: list[_Finished]) -> Iterator[None]:
    """Tell of what is finished, also where a later school fails: that is then still raised."""
    try:
        yield
        _tell(untold)
    except BaseException as error:
        # Nobody waits for pictures after Ctrl-C.
        tell = _Finished.tell if isinstance(error, Exception) else _Finished.tell_now
        for school in untold:
            with suppress(Exception):
                tell(school)
        raise


def _tell(untold: list[_Finished]) -> None:
    while untold:
        untold[0].tell()
        untold.pop(0)


def continue_run(path: Path, n_steps: Any, others: dict[str, Any]) -> None:
    """Continue the run of a file, and write its tables and picture anew.

    Any of the `others`, options that only a new run can have, is refused.
    """
    rule = "must not be given with --resume: the file says it"
    given = {name: value for name, value in others.items() if value is not None}
    refuse("cannot resume", [Fault(n, rule, _shown(value)) for n, value in given.items()])
    path = final_path(path)
    # Its unfinished file cannot even be looked into by then.
    refuse("cannot resume", in_use_faults(path))
    use_dtype(_widest_dtype([best_source(path)]))
    with progress_bar(path.stem, study.steps_planned(path, n_steps)) as progress:
        resume = partial(study.resume, path, n_steps=n_steps, progress=progress)
        dataset = _or_how_to_go_on(path, (None, _written(path)), resume)
    with dataset:
        write_tables(dataset, path.parent, path.stem)
        draw_run(dataset, path)
        print(TOLD.format(path, path.stem))
        show(paper_table({path.stem: dataset}))


def measure_all(
    paths: list[Path],
    *,
    box_size: Any,
    convention: str | None,
    dtype: str | None,
    out: Path | None,
) -> None:
    """Show the summary of each file's metrics; write their tables into a folder if given."""
    faults = use_dtype(_widest_dtype(paths) if dtype is None else dtype)
    if out is not None:
        faults += folder_faults(out) + repeat_faults("FILE.nc", [path.stem for path in paths])
    measure = partial(measure_file, box_size=box_size, convention=convention)
    datasets = of_each(paths, measure, faults)
    refuse("cannot measure", faults)
    for path, dataset in zip(paths, datasets, strict=True):
        measured_by = dataset.attrs["convention"]
        show(metrics_table(f"{path} ({measured_by})", dataset))
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            write_tables(dataset, out, f"{path.stem}_{measured_by}")


def plot_all(paths: list[Path], *, box_size: Any, convention: str | None, out: Path | None) -> None:
    """Draw the summary picture of each file, beside it or in a folder."""
    targets = [(path.parent if out is None else out) / f"{path.stem}.png" for path in paths]
    faults = use_dtype(_widest_dtype(paths)) + repeat_faults("FILE.nc", targets)
    faults += [] if out is None else folder_faults(out)
    draw = partial(_picture, box_size=box_size, convention=convention)
    pictures = of_each(paths, draw, faults)
    refuse("cannot plot", faults)
    for path, target, picture in zip(paths, targets, pictures, strict=True):
        with reading(path):
            figure = picture()
            target.parent.mkdir(parents=True, exist_ok=True)
            kadita_jax.plot.save(figure, target)
        print(target)


def _picture(path: Path, *, box_size: Any, convention: str | None) -> Callable[[], Any]:
    """How to draw the one picture that says what a file holds: a run, tracks, or a study."""
    if not unreadable(path) and (draw := _drawer(dataset := open_run(path))):
        given = {"box_size": box_size, "convention": convention}
        rule = "must not be given for a sweep or a study of derivatives: the file says it"
        wrong = [Fault(n, rule, value) for n, value in given.items() if value is not None]
        refuse("cannot plot", wrong)
        # Drawn at once: only drawing tells whether a file has all that it should.
        with reading(path):
            figure = draw(dataset)
        return lambda: figure
    dataset = measured_or_measure(path, box_size=box_size, convention=convention)
    return partial(kadita_jax.plot.summary, dataset)


def _drawer(dataset: xr.Dataset) -> Callable[[xr.Dataset], Any] | None:
    """What draws the members of a sweep, a loop or derivatives; None for frames."""
    plot, kind = kadita_jax.plot, kind_of(dataset)
    drawers = {"loop": plot.hysteresis, "derivatives": plot.sensitivities}
    return (drawers | {"sweep": plot.sweep_summary}).get(kind)


def _shown(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def _or_how_to_go_on(
    path: Path, earlier: tuple[Written, Written], work: Callable[[], xr.Dataset]
) -> xr.Dataset:
    """The run that `work` makes; interrupted, it says what is there.

    **Arguments:**

    - `earlier`: when the unfinished and the finished file that are none of this run's were
        written.
    """
    try:
        return work()
    except KeyboardInterrupt:
        unfinished, finished = _written(partial_path(path)), _written(path)
        again = f"kadita run --resume {shlex.quote(str(path))}"
        hint = " before any frame"
        if unfinished not in (None, earlier[0]):
            hint = f"; continue with: {again}"
        elif finished not in (None, earlier[1]):
            hint = f"; {path} is whole; its tables and picture: {again}"
        raise KeyboardInterrupt(hint) from None


def _written(path: Path) -> Written:
    """When a file was last written, in nanoseconds; None where there is none."""
    return path.stat().st_mtime_ns if path.exists() else None


def _widest_dtype(paths: list[Path]) -> str:
    """float64 if any of the files holds it: nothing a file says is rounded."""
    readable = [path for path in paths if not unreadable(path)]
    return "float64" if any(map(holds_float64, readable)) else "float32"
