"""Compiled programs kept on disk, so that only the first command of a kind compiles."""

import os
import sys
import warnings
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import jax

# Thousands of programs: one for four schools is 1 MiB.
MOST_BYTES = 2**28


def use_compile_cache() -> None:
    """Let jax keep what it compiles in the user's cache folder, and find it there again.

    jax tells programs apart by their text, its release, the backend and the kind of processor,
    so what is found is what would be compiled. Whatever the user has set of jax's own cache
    (JAX_COMPILATION_CACHE_DIR, JAX_ENABLE_COMPILATION_CACHE, ...) stays. Where nothing can be
    written nothing is kept.
    """
    if not _setting("jax_enable_compilation_cache"):
        return
    # A cache that cannot be read or written is slow, not wrong.
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    if _setting("jax_compilation_cache_dir") is None:
        jax.config.update("jax_compilation_cache_dir", _usable_folder())


def cache_folder() -> Path:
    """Where this platform keeps what may be deleted at any time."""
    if sys.platform == "darwin":
        return Path("~/Library/Caches/kadita_jax").expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", "~/AppData/Local")).expanduser() / "kadita_jax"
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The convention says that a relative path is to be ignored.
    return Path(base if os.path.isabs(base) else "~/.cache").expanduser() / "kadita_jax"


def _usable_folder() -> str | None:
    """The cache folder with room in it; None where nothing can be written."""
    try:
        folder = cache_folder()
        # Programs are run as they are found: nobody else may put one there.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
        _forget_oldest(folder)
    # A RuntimeError is a user without a home.
    except (OSError, RuntimeError):
        return None
    return str(folder)


def _forget_oldest(folder: Path) -> None:
    found = [(path.stat(), path) for path in folder.glob("*-cache")]
    excess = sum(stat.st_size for stat, _ in found) - MOST_BYTES
    for stat, path in sorted(found, key=lambda each: each[0].st_mtime):
        if excess <= 0:
            return
        path.unlink(missing_ok=True)
        excess -= stat.st_size


def _setting(name: str) -> Any:
    # By name: jax declares no attributes of its configuration to type checkers.
    return getattr(jax.config, name)
