"""The parts of a sweep on disk, until all are there: what a killed sweep is resumed from."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from kadita_jax.errors import Fault, refuse, shown
from kadita_jax.files import PARTIAL, partial_path, replacing
from kadita_jax.heartbeats import BEATS
from kadita_jax.locks import alone_with

SUFFIX = ".parts"
SETTINGS = "sweep.json"
PARTS = "part-*.npz"
# Hexadecimal digits of SHA-256.
N_SEAL = 64


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
    settings, so none of another sweep is taken for one's own. It ends on a digest of its number
    and of all before, so none that has changed since, or is a copy of another, is taken for
    whole. Several processes may write parts of one sweep, each its own.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]):
        self.folder = folder
        self._settings = _as_read(settings)
        self._digest = _digest(self._settings)
        self._whole: set[int] = set()

    def held(self) -> AbstractContextManager[None]:
        """Keep other processes from computing this result, until this one ends."""
        return alone_with(self.folder.with_name(self.folder.name.removesuffix(SUFFIX)))

    def begin(self) -> None:
        """Write down the settings of a new sweep, or refuse what differs from an unfinished one."""
        self.folder.mkdir(exist_ok=True)
        found = self.found()
        if found is None:
            # What a removal that was cut short has left is of another sweep.
            self._empty()
        else:
            refuse_another(self.folder, found, self._settings)
        path, text = self.folder / SETTINGS, json.dumps(self._settings, indent=1)
        if not path.exists() or path.read_text("utf-8", errors="replace") != text:
            with replacing(path) as partial:
                partial.write_text(text, "utf-8")

    def found(self) -> dict[str, Any] | None:
        """What the parts in the folder were computed with; None when there is no part.

        Settings that no part bears the digest of are damaged, and parts without any are nobody's;
        those of one's own digest go on all the same.
        """
        path = self.folder / SETTINGS
        digests = {part.stem.split("-")[-1] for part in self.folder.glob(PARTS)}
        text = path.read_text("utf-8", errors="replace") if path.exists() else ""
        faults = _settings_faults(text, digests)
        if faults and self._digest in digests:
            return self._settings
        if not digests or not path.exists():
            return None
        refuse(f"cannot resume from {self.folder}", faults)
        return json.loads(text)

    def present(self) -> set[int]:
        """The numbers of the parts that have been computed and are whole."""
        named = self._named()
        self._whole |= {number for number in named - self._whole if self._is_whole(number)}
        return self._whole & named

    def damaged(self) -> set[int]:
        """The numbers of the parts that are there but not as they were written."""
        return self._named() - self.present()

    def _named(self) -> set[int]:
        names = (path.name.split("-")[1] for path in self.folder.glob(self._name("*")))
        return {int(number) for number in names if number.isdecimal()}

    def _is_whole(self, number: int) -> bool:
        """Whether a part is to the bit what was written as this number."""
        try:
            content = self._part(number).read_bytes()
        except OSError:
            return False
        arrays, seal = content[:-N_SEAL], content[-N_SEAL:]
        return seal == self._seal(number, arrays)

    def _seal(self, number: int, arrays: bytes) -> bytes:
        """What a part ends on, in letters that no reader of its arrays takes for theirs."""
        told = hashlib.sha256(f"{number} {self._digest} ".encode())
        told.update(arrays)
        return told.hexdigest().encode()

    def write(self, number: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Save one part whole, or not at all."""
        with replacing(self._part(number)) as partial, partial.open("w+b") as stream:
            np.savez(stream, allow_pickle=False, **arrays)
            stream.seek(0)
            stream.write(self._seal(number, stream.read()))

    def read(self, number: int, *names: str) -> dict[str, np.ndarray]:
        """The arrays of one part; all when none is named."""
        path = self._part(number)
        rule = "must be undamaged; the same command computes it anew"
        is_whole = number in self._whole or self._is_whole(number)
        faults = [] if is_whole else [Fault("file", rule, str(path))]
        refuse("cannot read a part of the sweep", faults)
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in names or stored.files}

    def remove(self) -> None:
        """Delete the sweep, its settings first: what is left is then no sweep.

        Files that are not a sweep's stay.
        """
        self._empty()
        # Only an empty one goes.
        with suppress(OSError):
            self.folder.rmdir()

    def _empty(self) -> None:
        (self.folder / SETTINGS).unlink(missing_ok=True)
        for part in list(self._files()):
            part.unlink(missing_ok=True)

    def _files(self) -> Iterator[Path]:
        """The parts, what a killed process had begun to write, and who computes."""
        yield from self.folder.glob(PARTS)
        yield from self.folder.glob(BEATS)
        yield from self.folder.glob(f"{PARTS}{PARTIAL}")
        yield partial_path(self.folder / SETTINGS)

    def _part(self, number: int) -> Path:
        return self.folder / self._name(f"{number:06d}")

    def _name(self, number: str) -> str:
        return f"part-{number}-{self._digest}.npz"


def read_settings(folder: Path) -> dict[str, Any]:
    """The settings in a folder, which are there and whole."""
    return json.loads((folder / SETTINGS).read_text("utf-8"))


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
        Fault(name, _rule(name, found), wanted.get(name))
        for name in {**found, **wanted}
        if found.get(name) != wanted.get(name)
    ]


def _rule(name: str, found: Mapping[str, Any]) -> str:
    if name in found:
        return f"must equal the journal's {shown(found[name])}"
    return "must be told by the journal, which another release wrote (which can finish it)"


def _as_read(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as they are read back: tuples are lists then, and keys are text."""
    return json.loads(json.dumps(settings))


def _digest(settings: Mapping[str, Any]) -> str:
    """What the names of a sweep's parts end on."""
    text = json.dumps(settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _settings_faults(text: str, digests: set[str]) -> list[Fault]:
    """The fault of settings that are none of the parts'."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and _digest(found) in digests:
        return []
    rule = "must be whole; remove the folder, or allow overwriting"
    return [Fault(SETTINGS, rule, text.strip())]
