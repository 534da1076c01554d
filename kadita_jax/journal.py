"""The parts of a sweep on disk, until all are there: what a killed sweep is resumed from."""

import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from kadita_jax.errors import Fault, InvalidInputError, count_faults, refuse, shown
from kadita_jax.files import PARTIAL, partial_path, replacing

SUFFIX = ".parts"
SETTINGS = "sweep.json"
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

    A part is written whole and moved into place, so each that is there can be used. Several
    processes may write parts of one sweep, each its own.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def settings(self) -> dict[str, Any] | None:
        """What the parts were computed with; None when there is no part."""
        if not any(self.folder.glob(PARTS)):
            return None
        try:
            text = (self.folder / SETTINGS).read_text("utf-8", errors="replace")
        except FileNotFoundError:
            return None
        refuse(f"cannot resume from {self.folder}", _settings_faults(text))
        return json.loads(text)

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Make the folder and write down the settings of a new sweep."""
        self.folder.mkdir(exist_ok=True)
        try:
            # What a removal that was cut short has left is of another sweep.
            self._remove_parts()
            with replacing(self.folder / SETTINGS) as partial:
                partial.write_text(json.dumps(settings, indent=1), "utf-8")
        except OSError:
            self._remove_folder()
            raise

    def has(self, number: int) -> bool:
        """Whether a part has been computed."""
        return self._part(number).exists()

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

        Files that are not the sweep's stay, and the folder with them.
        """
        (self.folder / SETTINGS).unlink(missing_ok=True)
        self._remove_parts()
        self._remove_folder()

    def _remove_parts(self) -> None:
        for part in list(self._files()):
            part.unlink(missing_ok=True)

    def _files(self) -> Iterator[Path]:
        """The parts, and what a killed process had begun to write."""
        yield from self.folder.glob(PARTS)
        yield from self.folder.glob(f"{PARTS}{PARTIAL}")
        yield partial_path(self.folder / SETTINGS)

    def _remove_folder(self) -> None:
        with suppress(OSError):
            self.folder.rmdir()

    def _part(self, number: int) -> Path:
        return self.folder / f"part-{number:06d}.npz"


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


def setting_faults(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Fault]:
    """What differs between the settings of a journal and those of the command at hand."""
    # As they would be read back: tuples are lists there, and keys are text.
    wanted = json.loads(json.dumps(wanted))
    return [
        Fault(name, f"must equal the journal's {shown(found.get(name))}", wanted.get(name))
        for name in {**found, **wanted}
        if found.get(name) != wanted.get(name)
    ]
