"""The parts of a sweep on disk, until all are there: what a killed sweep is resumed from."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kadita_jax.errors import Fault, refuse
from kadita_jax.files import replacing

SUFFIX = ".parts"
SETTINGS = "sweep.json"


def journal_path(path: Path) -> Path:
    """The folder, beside the result, that holds the parts of a sweep."""
    return path.with_name(path.name + SUFFIX)


class Journal:
    """A folder of numbered parts and of the settings that they were computed with.

    A part is written whole and moved into place, so each that is there can be used. Several
    processes may write parts of one sweep, each its own.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def settings(self) -> dict[str, Any] | None:
        """What the parts were computed with; None when there is no sweep here."""
        try:
            return json.loads((self.folder / SETTINGS).read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (ValueError, NotADirectoryError):
            fault = Fault(SETTINGS, "must be whole; remove the folder, or allow overwriting", None)
            refuse(f"cannot resume from {self.folder}", [fault])
        return None

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Make the folder and write down the settings of a new sweep."""
        self.folder.mkdir(exist_ok=True)
        with replacing(self.folder / SETTINGS) as partial:
            partial.write_text(json.dumps(settings, indent=1), "utf-8")

    def has(self, number: int) -> bool:
        """Whether a part has been computed."""
        return self._part(number).exists()

    def write(self, number: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Save one part whole, or not at all."""
        with replacing(self._part(number)) as partial, partial.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)

    def read(self, number: int, *names: str) -> dict[str, np.ndarray]:
        """The arrays of one part; all when none is named."""
        with np.load(self._part(number), allow_pickle=False) as stored:
            return {name: stored[name] for name in names or stored.files}

    def remove(self) -> None:
        """Delete the folder, its settings first: what is left of it is then no sweep."""
        (self.folder / SETTINGS).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _part(self, number: int) -> Path:
        return self.folder / f"part-{number:06d}.npz"


def setting_faults(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Fault]:
    """What differs between the settings of a journal and those of the command at hand."""
    # As they would be read back: tuples are lists there, and keys are text.
    wanted = json.loads(json.dumps(wanted))
    return [
        Fault(name, f"must equal the journal's {found.get(name)!r}", wanted.get(name))
        for name in {**found, **wanted}
        if found.get(name) != wanted.get(name)
    ]
