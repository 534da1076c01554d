"""The parts of a sweep on disk, until all are there: what a killed sweep is resumed from."""

import hashlib
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile

import numpy as np

from kadita_jax.errors import Fault, InvalidInputError, count_faults, refuse, shown
from kadita_jax.files import PARTIAL, partial_path, replacing

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

SUFFIX = ".parts"
SETTINGS = "sweep.json"
LOCK = "in-use"
PARTS = "part-*.npz"
# What numpy and zipfile raise where a part is not as it was written.
DAMAGE = (ValueError, KeyError, EOFError, BadZipFile, zlib.error)


def journal_path(path: Path) -> Path:
    """The folder, beside the result, that holds the parts of a sweep."""
    return path.with_name(path.name + SUFFIX)


def journal_faults(folder: Path) -> list[Fault]:
    """Why there can be no journal of this name."""
    if folder.is_file():
        return [Fault("out", "must leave room for the folder of its parts", str(folder))]
    return []


class Journal:
    """A folder of numbered parts and of the settings that they were computed with.

    A part is written whole and moved into place, under a name that holds a digest of the
    settings, so each that is there can be used, and none of another sweep is taken for one's own.
    Several processes may write parts of one sweep, each its own.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]):
        self.folder = folder
        self._settings = _as_read(settings)
        text = json.dumps(self._settings, sort_keys=True)
        self._digest = hashlib.sha256(text.encode()).hexdigest()[:12]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from computing into this folder, until this one ends."""
        self.folder.mkdir(exist_ok=True)
        path = self.folder / LOCK
        with path.open("a") as lock:
            is_ours = _locked(lock) and _is_file(lock, path)
            rule = "must not be in use: another process is computing a sweep there"
            refuse("cannot sweep", [] if is_ours else [Fault("out", rule, str(self.folder))])
            try:
                yield
            finally:
                if not (self.folder / SETTINGS).exists():
                    path.unlink(missing_ok=True)
                    with suppress(OSError):
                        self.folder.rmdir()

    def begin(self) -> None:
        """Write down the settings of a new sweep, or refuse what differs from an unfinished one."""
        found = stored_settings(self.folder)
        if found is None:
            # What a removal that was cut short has left is of another sweep.
            self.remove()
            with replacing(self.folder / SETTINGS) as partial:
                partial.write_text(json.dumps(self._settings, indent=1), "utf-8")
        else:
            refuse_another(self.folder, found, self._settings)

    def present(self) -> set[int]:
        """The numbers of the parts that have been computed."""
        names = (path.name for path in self.folder.glob(f"part-*-{self._digest}.npz"))
        return {int(name.split("-")[1]) for name in names}

    def write(self, number: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Save one part whole, or not at all."""
        with replacing(self._part(number)) as partial, partial.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)

    def read(self, number: int, *names: str) -> dict[str, np.ndarray]:
        """The arrays of one part; all when none is named."""
        path = self._part(number)
        try:
            # Opened here: of a damaged file numpy would leave the handle open.
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                return {name: stored[name] for name in names or stored.files}
        except DAMAGE as error:
            rule = f"must be undamaged; remove it, and the same command computes it anew ({error})"
            fault = Fault("file", rule, str(path))
            raise InvalidInputError("cannot read a part of the sweep", [fault]) from error

    def remove(self) -> None:
        """Delete the sweep, its settings first: what is left is then no sweep.

        Files that are not a sweep's stay.
        """
        (self.folder / SETTINGS).unlink(missing_ok=True)
        for part in list(self._files()):
            part.unlink(missing_ok=True)

    def _files(self) -> Iterator[Path]:
        """The parts, and what a killed process had begun to write."""
        yield from self.folder.glob(PARTS)
        yield from self.folder.glob(f"{PARTS}{PARTIAL}")
        yield partial_path(self.folder / SETTINGS)

    def _part(self, number: int) -> Path:
        return self.folder / f"part-{number:06d}-{self._digest}.npz"


def stored_settings(folder: Path) -> dict[str, Any] | None:
    """What the parts in a folder were computed with; None when there is no part."""
    if not any(folder.glob(PARTS)) or not (folder / SETTINGS).exists():
        return None
    return read_settings(folder)


def read_settings(folder: Path) -> dict[str, Any]:
    """The settings in a folder, which are there."""
    text = (folder / SETTINGS).read_text("utf-8", errors="replace")
    refuse(f"cannot resume from {folder}", _settings_faults(text))
    return json.loads(text)


def part_sizes(settings: Mapping[str, Any]) -> dict[int, int]:
    """How many members make a part, by their number of fish, as settings that were read say."""
    return {int(n_fish): size for n_fish, size in settings["part_size"].items()}


def refuse_another(folder: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raise InvalidInputError with what differs, where a folder holds another sweep's parts."""
    remedy = "remove it, or allow overwriting"
    refuse(f"{folder} holds the parts of another sweep; {remedy}", differences(found, wanted))


def differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Fault]:
    """What differs between the settings of a journal and those of the command at hand."""
    wanted = _as_read(wanted)
    return [
        Fault(name, f"must equal the journal's {shown(found.get(name))}", wanted.get(name))
        for name in {**found, **wanted}
        if found.get(name) != wanted.get(name)
    ]


def _as_read(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as they are read back: tuples are lists then, and keys are text."""
    return json.loads(json.dumps(settings))


def _locked(lock: IO[str]) -> bool:
    """Whether this process now holds the file; always where the system cannot tell."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # Some file systems of clusters have no locks.
        return True
    return True


def _is_file(lock: IO[str], path: Path) -> bool:
    """Whether an open file still is the one of this name, not one removed meanwhile."""
    return path.exists() and path.stat().st_ino == os.fstat(lock.fileno()).st_ino


def _settings_faults(text: str) -> list[Fault]:
    """The fault of settings that do not hold what the parts are read by: their sizes."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    sizes = found.get("part_size") if isinstance(found, dict) else None
    if isinstance(sizes, dict) and all(map(str.isdecimal, sizes)) and not count_faults(sizes):
        return []
    rule = "must be whole; remove the folder, or allow overwriting"
    return [Fault(SETTINGS, rule, text.strip())]
