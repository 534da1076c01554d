"""Where a run came from: settings, seed, versions and device, as attributes of its file."""

import platform
from datetime import UTC, datetime
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import kadita_jax
from kadita_jax.errors import Fault
from kadita_jax.parameters import PARAMETERS
from kadita_jax.scenario import Scenario

REFERENCES = (
    "Herho et al., dewi-kadita, arXiv:2602.07948; "
    "Couzin et al. (2002), J. theor. Biol. 218, 1-11, doi:10.1006/jtbi.2002.3065"
)


def attributes(
    scenario: Scenario, convention: str, dtype: str, *, first_step: int = 0, history: str = ""
) -> dict[str, Any]:
    """Every global attribute of a run's file.

    The history gains a line: which steps, from `first_step` on, are computed with what.
    """
    machine = _machine(dtype)
    stretch = (
        f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} steps {first_step} to {scenario.n_steps} by "
        f"kadita_jax {machine['kadita_jax_version']}, jax {machine['jax_version']} "
        f"on {machine['device']}"
    )
    told = {"history": f"{history}\n{stretch}".strip()}
    return _about(scenario) | told | _settings(scenario, convention) | machine


def faults(found: dict[str, Any]) -> list[Fault]:
    """Why a file's run cannot be continued here with the same bits."""
    needed = ("scenario", "convention", "dtype", "prng_implementation", "prng_partitionable")
    missing = [name for name in needed if name not in found]
    if missing:
        rule = "must be a run of kadita_jax; these attributes are missing"
        return [Fault("file", rule, ", ".join(missing))]
    now = _machine(jnp.result_type(float).name)
    return [
        Fault(name, f"must equal the file's {found[name]!r} for the same bits", now[name])
        for name in ("dtype", "prng_implementation", "prng_partitionable")
        if str(found[name]) != str(now[name])
    ]


def _about(scenario: Scenario) -> dict[str, Any]:
    return {
        "Conventions": "CF-1.11",
        "title": scenario.title or f"A school of {scenario.n_fish} fish: {scenario.name}",
        "institution": "not stated",
        "source": f"kadita_jax {kadita_jax.__version__}, Couzin zone model of fish schooling",
        "references": REFERENCES,
        "comment": "lengths in body lengths (bl), angles in radians except blind_angle in degrees",
    }


def _settings(scenario: Scenario, convention: str) -> dict[str, Any]:
    counts = {name: getattr(scenario, name) for name in ("n_fish", "n_steps", "save_every")}
    parameters = {name: getattr(scenario, name) for name in PARAMETERS}
    return {
        "scenario_name": scenario.name,
        "scenario": scenario.to_toml(),
        "seed": scenario.seed,
        **counts,
        **parameters,
        "rules": scenario.params.rules,
        "convention": convention,
    }


def _machine(dtype: str) -> dict[str, Any]:
    return {
        "dtype": dtype,
        "device": jax.local_devices()[0].device_kind,
        "backend": jax.default_backend(),
        "prng_implementation": _setting("jax_default_prng_impl"),
        "prng_partitionable": _setting("jax_threefry_partitionable"),
        "kadita_jax_version": kadita_jax.__version__,
        "jax_version": jax.__version__,
        "numpy_version": np.__version__,
        "python_version": platform.python_version(),
    }


def _setting(name: str) -> str:
    # By name: jax 0.10 and 0.12 declare different attributes of its configuration.
    return str(getattr(jax.config, name))
