"""Compiled programs kept on disk, so that only the first command of a kind compiles."""

import glob
import os
import re
import stat
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import jax

# Thousands of programs: one for four schools is 1 MiB.
MOST_BYTES = 2**28

UNREADABLE = "Error reading persistent compilation cache"
# What jax says of an entry that it cannot read; entries are called by the program's name.
DAMAGED = re.compile(rf"{UNREADABLE} entry for '(.+?)':")


def use_compile_cache() -> None:
    """Let jax keep what it compiles in the user's cache folder, and find it there again.

    jax tells programs apart by their text, its release, the backend and the kind of processor,
    so what is found is what would be compiled. Whatever the user has set of jax's own cache
    (JAX_COMPILATION_CACHE_DIR, JAX_ENABLE_COMPILATION_CACHE, ...) stays. Where nothing can be
    written nothing is kept, nor where others could write; only the latter is told.
    """
    if not _setting("jax_enable_compilation_cache"):
        return
    # A cache that cannot be read or written is slow, not wrong.
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    if _setting("jax_compilation_cache_dir") is None:
        folder = _usable_folder()
        jax.config.update("jax_compilation_cache_dir", None if folder is None else str(folder))
        if folder is not None:
            _remove_what_is_damaged(folder)


def shared_cache() -> dict[str, str]:
    """Environment variables with which a process shares what this one keeps."""
    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    found = {name.upper(): _setting(name) for name in names}
    found["TF_CPP_MIN_LOG_LEVEL"] = os.environ.get("TF_CPP_MIN_LOG_LEVEL")
    return {name: str(value) for name, value in found.items() if value is not None}


def cache_folder() -> Path:
    """Where this platform keeps what may be deleted at any time."""
    if sys.platform == "darwin":
        return Path("~/Library/Caches/kadita_jax").expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", "~/AppData/Local")).expanduser() / "kadita_jax"
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The convention says that a relative path is to be ignored.
    return Path(base if os.path.isabs(base) else "~/.cache").expanduser() / "kadita_jax"


def _usable_folder() -> Path | None:
    """The cache folder with room in it; None where nothing can be written, or others could."""
    try:
        folder = cache_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours_alone(folder):
            told = "must belong to you, and nobody else may write to it (chmod go-w)"
            print(f"kadita: keeps no compiled programs: {folder} {told}", file=sys.stderr)
            return None
        TemporaryFile(dir=folder).close()
        _forget_oldest(folder)
    # A RuntimeError is a user without a home.
    except (OSError, RuntimeError):
        return None
    return folder


def _is_ours_alone(folder: Path) -> bool:
    """Whether nobody else can have put a program there: what is found is run as it is."""
    if not hasattr(os, "geteuid"):  # Windows, where the folder lies in the user's own
        return True
    found = folder.stat()
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _remove_what_is_damaged(folder: Path) -> None:
    """Remove entries as jax finds that it cannot read them, and say nothing.

    jax compiles such a program and then keeps the damaged entry, which it never overwrites. All
    of the program's name are removed, for no more is known; they come back as they are used.
    """
    show = warnings.showwarning

    def remove_or_show(message: Warning | str, *others: Any, **named: Any) -> None:
        found = DAMAGED.match(str(message))
        if found is None:
            return show(message, *others, **named)
        for path in folder.glob(f"{glob.escape(found[1])}-*-cache"):
            with suppress(OSError):
                path.unlink()
        return None

    warnings.showwarning = remove_or_show
    warnings.filterwarnings("always", UNREADABLE)


def _forget_oldest(folder: Path) -> None:
    found = [(path.stat(), path) for path in folder.glob("*-cache")]
    excess = sum(about.st_size for about, _ in found) - MOST_BYTES
    for about, path in sorted(found, key=lambda each: each[0].st_mtime):
        if excess <= 0:
            return
        path.unlink(missing_ok=True)
        excess -= about.st_size


def _setting(name: str) -> Any:
    # By name: jax declares no attributes of its configuration to type checkers.
    return getattr(jax.config, name)
