"""The environment of processes that compile quickly: in tests of what is told, not of bits."""

import os

import jax

# XLA's older way to make loops takes a third less, as long as a release knows it.
KNOWS_OLDER = jax.__version_info__ < (0, 11)
OLDER = "--xla_cpu_use_fusion_emitters=false"

QUICKLY = {
    "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    # All that they compile is kept for the next time, as by conftest in this process.
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "XLA_FLAGS": " ".join([os.environ.get("XLA_FLAGS", ""), OLDER * KNOWS_OLDER]).strip(),
}
