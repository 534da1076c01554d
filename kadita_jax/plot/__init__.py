"""Pictures of runs and studies, drawn without a display and without any global state.

`view` alone is loaded when first used: it needs jax, which the process that draws does without.
"""

import importlib
from typing import TYPE_CHECKING, Any

from kadita_jax.plot.animation import animate as animate
from kadita_jax.plot.effects import sensitivities as sensitivities
from kadita_jax.plot.fit import calibration as calibration
from kadita_jax.plot.hysteresis import hysteresis as hysteresis
from kadita_jax.plot.phase import phase_diagram as phase_diagram
from kadita_jax.plot.profile import entropies as entropies
from kadita_jax.plot.saving import save as save
from kadita_jax.plot.school import school as school
from kadita_jax.plot.sheet import phase_sheet as phase_sheet
from kadita_jax.plot.states import state_map as state_map
from kadita_jax.plot.summary import summary as summary
from kadita_jax.plot.sweep import sweep_summary as sweep_summary
from kadita_jax.plot.timeline import order as order
from kadita_jax.plot.zones import zones as zones

if TYPE_CHECKING:
    from kadita_jax.viewer import view as view


def __getattr__(name: str) -> Any:
    if name != "view":
        raise AttributeError(f"module 'kadita_jax.plot' has no attribute {name!r}")
    return importlib.import_module("kadita_jax.viewer").view


def __dir__() -> list[str]:
    return sorted([*globals(), "view"])
