"""Three-dimensional fish schooling in JAX: simulate, measure, save and show.

Names are loaded when first used: `import kadita_jax` alone brings in neither jax nor the
libraries for files and pictures, and the simulator needs only jax and numpy.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kadita_jax import metrics as metrics
    from kadita_jax import plot as plot
    from kadita_jax.calibration import Calibration as Calibration
    from kadita_jax.calibration import calibrate as calibrate
    from kadita_jax.capacity import CellLayout as CellLayout
    from kadita_jax.devices import use_all_cores as use_all_cores
    from kadita_jax.errors import InvalidInputError as InvalidInputError
    from kadita_jax.growth import tangent_growth as tangent_growth
    from kadita_jax.hysteresis_loop import hysteresis as hysteresis
    from kadita_jax.initial import ring as ring
    from kadita_jax.initial import uniform_ball as uniform_ball
    from kadita_jax.initial import uniform_gas as uniform_gas
    from kadita_jax.model import Params as Params
    from kadita_jax.model import State as State
    from kadita_jax.model import make_params as make_params
    from kadita_jax.model import make_state as make_state
    from kadita_jax.neighbours import cell_layout as cell_layout
    from kadita_jax.scenario import Scenario as Scenario
    from kadita_jax.scenario import load_scenario as load_scenario
    from kadita_jax.scenario import scenario_names as scenario_names
    from kadita_jax.sensitivities import sensitivity as sensitivity
    from kadita_jax.simulation import Trajectory as Trajectory
    from kadita_jax.simulation import simulate as simulate
    from kadita_jax.stepping import step as step
    from kadita_jax.study import resume as resume
    from kadita_jax.study import run as run
    from kadita_jax.sweeping import sweep_members as sweep_members
    from kadita_jax.sweeps import sweep as sweep
    from kadita_jax.window import Window as Window

__version__ = "0.1.0"

_HOMES = {
    "Calibration": "calibration",
    "CellLayout": "capacity",
    "InvalidInputError": "errors",
    "Params": "model",
    "Scenario": "scenario",
    "State": "model",
    "Trajectory": "simulation",
    "Window": "window",
    "calibrate": "calibration",
    "cell_layout": "neighbours",
    "hysteresis": "hysteresis_loop",
    "load_scenario": "scenario",
    "make_params": "model",
    "make_state": "model",
    "metrics": "metrics",
    "plot": "plot",
    "resume": "study",
    "ring": "initial",
    "run": "study",
    "scenario_names": "scenario",
    "sensitivity": "sensitivities",
    "simulate": "simulation",
    "step": "stepping",
    "sweep": "sweeps",
    "sweep_members": "sweeping",
    "tangent_growth": "growth",
    "uniform_ball": "initial",
    "uniform_gas": "initial",
    "use_all_cores": "devices",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'kadita_jax' has no attribute {name!r}")
    home = importlib.import_module(f"kadita_jax.{_HOMES[name]}")
    return home if _HOMES[name] == name else getattr(home, name)


def __dir__() -> list[str]:
    return sorted([*_HOMES, "__version__"])
