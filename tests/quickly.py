"""Compiling quickly: in tests of what is computed or told, not in those that compare bits."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import pytest

# Without it XLA's older way to make loops takes a third less, as long as a release knows that.
NEWER_LOOPS = "xla_cpu_use_fusion_emitters"
KNOWS_OLDER = jax.__version_info__ < (0, 11)

# For processes of their own.
QUICKLY = {
    "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    # All that they compile is kept for the next time, as by conftest in this process.
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {f'--{NEWER_LOOPS}=false' * KNOWS_OLDER}",
}


@contextmanager
def compiling_quickly() -> Iterator[None]:
    """Compile so in this process, as long as the context lasts."""
    jax.config.update("jax_disable_most_optimizations", True)
    with pytest.MonkeyPatch.context() as patch:
        if KNOWS_OLDER:
            _use_older_loops(patch)
        yield
    jax.config.update("jax_disable_most_optimizations", False)
    jax.clear_caches()


def _use_older_loops(patch: pytest.MonkeyPatch) -> None:
    # jax takes options for one function, or XLA_FLAGS for a process's life, and nothing between;
    # the releases that know the older loops are out, so what is private in them stays.
    from jax._src import compiler

    options = compiler.get_compile_options

    def with_older(*words: Any, env_options_overrides: Any = None, **named: Any) -> Any:
        overrides = {NEWER_LOOPS: False} | (env_options_overrides or {})
        return options(*words, env_options_overrides=overrides, **named)

    patch.setattr(compiler, "get_compile_options", with_older)
