"""Strict set-up: shapes and types of every call checked, float64, no silent broadcasting."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
import pytest
from hypothesis import settings
from jaxtyping import install_import_hook
from quickly import compiling_quickly

install_import_hook("kadita_jax", "beartype.beartype")

# Tracing makes many objects that stay: searching among them for garbage would only take time.
gc.set_threshold(100_000)

CACHE = Path(__file__).parent.parent / ".cache" / "jax"
DATA = Path(__file__).parent / "data"

# Compiling inside an example takes as long as it takes.
settings.register_profile("kadita", deadline=None)
settings.load_profile("kadita")

jax.config.update("jax_enable_x64", True)
# Two, wherever the tests run: sweeps must give the same bits on one and on both.
jax.config.update("jax_num_cpu_devices", 2)
jax.config.update("jax_numpy_rank_promotion", "raise")
# One compilation cache for the whole session and the next: compiling is most of the time.
jax.config.update("jax_compilation_cache_dir", str(CACHE))
# Commands in processes of their own share it, and leave the user's own cache alone.
os.environ["JAX_COMPILATION_CACHE_DIR"] = str(CACHE)
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)


@pytest.fixture(scope="module")
def compiled_quickly() -> Iterator[None]:
    """Compile without most optimizations, faster by a quarter to a half.

    For modules that test what is computed; those that compare bits compile as users do.
    """
    with compiling_quickly():
        yield


@pytest.fixture
def float32() -> Iterator[None]:
    """Run a test in jax's default, single precision."""
    with jax.enable_x64(False):
        yield


@pytest.fixture
def hearing() -> Iterator[None]:
    """Hear Ctrl-C in a test: those that a shell runs in the background are deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def snapshots() -> dict[str, np.ndarray]:
    """The peer's metrics of its own snapshots."""
    with np.load(DATA / "metrics.npz") as stored:
        return dict(stored)


@pytest.fixture(scope="session")
def trajectories() -> dict[str, np.ndarray]:
    """The peer's noise-free steps of 12 parameter sets."""
    with np.load(DATA / "steps.npz") as stored:
        return dict(stored)
