"""What a person calls to sweep: a scenario and axes in, a Dataset out; resumable, never half."""

import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import xarray as xr

from kadita_jax.cluster import Workers, workers_of
from kadita_jax.connection import cluster_faults
from kadita_jax.dataset import open_own
from kadita_jax.devices import meet, meet_at_last
from kadita_jax.errors import Fault, Unchecked, refuse
from kadita_jax.heartbeats import heartbeats
from kadita_jax.interruptible import interruptibly
from kadita_jax.journal import Journal, differences, journal_path, part_sizes, read_settings
from kadita_jax.machine import this_machine
from kadita_jax.prepare import Prepared, out_of_order, prepare, work_of
from kadita_jax.scenario import Scenario
from kadita_jax.sweep_plan import Part
from kadita_jax.sweepfile import write_sweep
from kadita_jax.worker import Arrays, Work, computed

# How long to wait before looking again whether other processes have written their parts.
POLL_SECONDS = 0.2

Progress = Callable[[int], None]


def sweep(
    scenario: Scenario | str | Path,
    axes: Mapping | Unchecked,
    *,
    replicates: int | Unchecked = 1,
    seed: int | Unchecked | None = None,
    n_steps: int | Unchecked | None = None,
    measure_every: int | Unchecked = 10,
    burn_in: int | Unchecked | None = None,
    part_size: int | Unchecked | None = None,
    out: str | Path | None = None,
    keep_final: bool = False,
    convention: str | Unchecked | None = None,
    group_distance: float | Unchecked | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    cluster: Any = None,
) -> xr.Dataset:
    """Run a scenario at every point of a grid, and keep the metrics' means, spreads and states.

    Members are computed on all devices that jax shows: every GPU, or every CPU device, of which
    there is one unless `kadita_jax.use_all_cores()` came first. Under `jax.distributed` each
    process computes its own parts; they share the folder of `out`.

    **Arguments:**

    - `scenario`: a Scenario, the name of a shipped one, or the path of a TOML file.
    - `axes`: from the name of a field to its values (a product), or from a tuple of names to a
        tuple of equally long lists (zipped: explicit members, point by point). Any field of
        `Params`, `n_fish` (one compilation a value), `orientation_width` (r_attraction moves
        along, so that the attraction width stays) or `attraction_width`. Values are a list, an
        array, "FIRST:LAST:N" or "FIRST:LAST:N:log".
    - `replicates`: schools at each point, with keys of their own.
    - `seed`, `n_steps`: replace the scenario's own.
    - `measure_every`, `burn_in`: measured are the multiples of measure_every with
        burn_in < step <= n_steps; burn_in None is half of n_steps.
    - `part_size`: members computed, and saved, together; None chooses a few seconds' worth.
    - `out`: path of a NetCDF file. Parts are saved in OUT.parts on the way: the same call
        resumes a killed sweep. Without it the result is held in memory.
    - `keep_final`: whether the schools after the last step are kept.
    - `convention`: of the metrics, "reference" or "corrected"; None is the first in a box and the
        second in open water.
    - `group_distance`: fish nearer than that are of one group, bl: the number of groups and the
        order of the largest are then told too. None is each member's largest r_attraction in open
        water (of the moment, where it changes with time), and tells no groups in a box.
    - `overwrite`: whether an existing OUT, or the parts of an unfinished sweep, may be replaced.
    - `progress`: called with the number of members done, now and then.
    - `cluster`: a `distributed.Client`, the address of a Dask scheduler, or "local:N" for N worker
        processes here (in a script below `if __name__ == "__main__":`, as for any process that
        Python starts): its workers compute the parts, this process keeps them. Workers need
        jax, numpy and kadita_jax alone. On CPU the bits are those of one process.

    **Returns:** an `xarray.Dataset` with a dimension for each axis and `replicate`, laid out as
    `kadita_jax.sweep_layout` says. Points whose radii are out of order are nan; a warning tells
    how many. Member m can be repeated by `simulate` with the key
    `keys.member_key(jax.random.key(seed), m)`.

    **Raises:** `InvalidInputError` with every fault before anything runs, also when the parts in
    OUT.parts belong to another sweep; OSError when the disk or its permissions fail, or the
        cluster is lost.
    """
    known = cluster_faults(cluster) + _alone_faults(cluster)
    with workers_of(None if known else cluster) as workers:
        prepared = prepare(
            scenario,
            axes,
            changes={"seed": seed, "n_steps": n_steps},
            replicates=replicates,
            measure_every=measure_every,
            burn_in=burn_in,
            part_size=part_size,
            out=out,
            keep_final=keep_final,
            convention=convention,
            group_distance=group_distance,
            overwrite=overwrite,
            known=known,
            find_machine=workers.machine if workers else this_machine,
        )
        if not prepared.plan.in_order.all():
            warnings.warn(out_of_order(prepared.plan), stacklevel=2)
        return compute(prepared, progress, workers)


def compute(
    prepared: Prepared, progress: Progress | None = None, workers: Workers | None = None
) -> xr.Dataset:
    """Compute what a prepared sweep still lacks, here or by workers, and return its Dataset."""
    if prepared.path is not None:
        _complete(prepared, prepared.path, progress, workers)
        return open_own(prepared.path)
    with TemporaryDirectory() as folder:
        whole = Path(folder) / "sweep.nc"
        _complete(prepared, whole, progress, workers)
        with open_own(whole) as dataset:
            return dataset.load().drop_encoding()


def _alone_faults(cluster: Any) -> list[Fault]:
    """The fault of a cluster where every process would hand it the same parts."""
    if cluster is None or jax.process_count() == 1:
        return []
    rule = (
        "must not be given under jax.distributed: the processes compute, or the cluster's workers"
    )
    return [Fault("cluster", rule, f"{jax.process_count()} processes")]


def _complete(
    prepared: Prepared, path: Path, progress: Progress | None, workers: Workers | None
) -> None:
    """Bring a sweep to its file: process 0 keeps the journal, every process computes parts."""
    if not is_first_process():
        prepared = _joined(prepared, path)
        journal = Journal(journal_path(path), prepared.settings)
        with heartbeats(journal.folder, jax.process_index(), [0]) as refuse_lost:
            _compute_parts(prepared, journal, _also(refuse_lost, progress), None)
            return _wait_until(path.exists, refuse_lost)
    journal = Journal(journal_path(path), prepared.settings)
    with journal.held(), _removing_what_holds_no_part(journal):
        if prepared.overwrite:
            journal.remove()
            path.unlink(missing_ok=True)
        journal.begin()
        meet()
        _refuse_unlike([])
        with heartbeats(journal.folder, 0, range(1, jax.process_count())) as refuse_lost:
            progress = _also(refuse_lost, progress)
            _compute_parts(prepared, journal, progress, workers)
            _wait_for_parts(prepared, journal, progress)
            write_sweep(path, prepared.plan, prepared.parts, journal)
        journal.remove()
    return None


def _joined(prepared: Prepared, path: Path) -> Prepared:
    """The sweep cut as process 0, whose machine may be another, has cut it."""
    meet()
    folder = journal_path(path)
    found = read_settings(folder)
    joined = replace(prepared, part_sizes=part_sizes(found))
    _refuse_unlike(differences(found, joined.settings))
    return joined


def _refuse_unlike(faults: list[Fault]) -> None:
    """Raise in every process when any was given another sweep than process 0: none may wait."""
    told = meet("unlike" if faults else "")
    refuse("cannot share the sweep of process 0", faults)
    unlike = [number for number, word in enumerate(told) if word]
    rule = "every process must be given the same sweep"
    refuse("cannot sweep", [Fault("distributed", rule, f"others in {unlike}")] if unlike else [])


@contextmanager
def _removing_what_holds_no_part(journal: Journal) -> Iterator[None]:
    try:
        yield
    except BaseException:
        # Other processes may have a part under way.
        if jax.process_count() == 1 and not journal.present():
            journal.remove()
        raise


def is_first_process() -> bool:
    """Whether this process, alone or the first of several, does what is done once."""
    return jax.process_index() == 0


def _compute_parts(
    prepared: Prepared, journal: Journal, progress: Progress, workers: Workers | None
) -> None:
    """Compute this process's share of the parts that are not there yet."""
    parts, present = prepared.parts, journal.present()
    # From here on the folder changes under the other processes' hands.
    meet_at_last()
    ours = range(jax.process_index(), len(parts), jax.process_count())
    works = ((k, work_of(prepared, parts[k])) for k in ours if k not in present)
    for number, arrays in workers.computed(works) if workers else _computed(works):
        journal.write(number, arrays)
        present = journal.present() if jax.process_count() > 1 else present | {number}
        _tell(progress, parts, present)


def _computed(works: Iterable[tuple[int, Work]]) -> Iterator[tuple[int, Arrays]]:
    """Parts computed by this process, one after another."""
    return ((number, interruptibly(computed, work)) for number, work in works)


def _wait_for_parts(prepared: Prepared, journal: Journal, progress: Progress) -> None:
    """Wait until the other processes have written theirs."""
    parts = prepared.parts
    while len(journal.present()) < len(parts):
        time.sleep(POLL_SECONDS)
        _tell(progress, parts, journal.present())


def _tell(progress: Progress, parts: list[Part], present: set[int]) -> None:
    progress(sum(len(parts[number].member) for number in present))


def _wait_until(is_done: Callable[[], bool], refuse_lost: Callable[[], None]) -> None:
    while not is_done():
        time.sleep(POLL_SECONDS)
        refuse_lost()


def _also(refuse_lost: Callable[[], None], progress: Progress | None) -> Progress:
    """Where progress is told, a lost process is, too."""

    def told(n_done: int) -> None:
        refuse_lost()
        if progress is not None:
            progress(n_done)

    return told
