"""What is wrong with the words and numbers that a study of derivatives is asked with."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from kadita_jax.errors import Fault, Unchecked, count_faults, unknown
from kadita_jax.metrics.convention import (
    CORRECTED,
    REFERENCE,
    bandwidth_faults,
    chosen_convention,
    convention_faults,
)
from kadita_jax.model import State, blur_faults, leaves_faults
from kadita_jax.names import NAMES
from kadita_jax.parameters import PARAMETERS, as_numbers
from kadita_jax.pathwise import STATE_NAMES
from kadita_jax.scenario import Scenario
from kadita_jax.window import settings_faults

METHODS = ("auto", "differences", "smoothing", "pathwise")
# A replicate takes no more runs than that: beyond six parameters they are moved in groups.
MOST_RUNS = 12


def name_faults(of: Unchecked, wrt: Unchecked, each: Unchecked, method: Unchecked) -> list[Fault]:
    """What is wrong with the names that a study is asked about."""
    faults = list(_list_faults("of", of, NAMES))
    faults += _list_faults("wrt", wrt, PARAMETERS, may_be_empty=True)
    per_fish = [name for name, parameter in PARAMETERS.items() if parameter.per_fish]
    faults += _list_faults("each", each, (*per_fish, *STATE_NAMES), may_be_empty=True)
    if not faults and not wrt and not each:
        faults.append(Fault("wrt", "must name at least one parameter", wrt))
    if not isinstance(method, str) or method not in METHODS:
        faults.append(Fault("method", f"must be one of {', '.join(METHODS)}", method))
    elif each and method not in ("auto", "pathwise"):
        rule = "must be pathwise where each fish's own derivatives are asked for"
        faults.append(Fault("method", rule, method))
    return faults


def _list_faults(
    field: str, names: Any, known: Iterable[str], *, may_be_empty: bool = False
) -> Iterable[Fault]:
    if isinstance(names, str) or not isinstance(names, Sequence):
        yield Fault(field, "must be a list of names", names)
        return
    if not names and not may_be_empty:
        yield Fault(field, "must name at least one", names)
    for name in names:
        if not isinstance(name, str):
            yield Fault(field, "must be a list of names", names)
        elif name not in known:
            yield unknown(f"{field} {name}", known, name)
    if len(set(map(str, names))) < len(names):
        yield Fault(field, "must not repeat a name", names)


def known_names(wrt: Unchecked) -> tuple[str, ...]:
    """Those of a list of parameters that exist."""
    names = wrt if isinstance(wrt, Sequence) and not isinstance(wrt, str) else ()
    return tuple(name for name in names if isinstance(name, str) and name in PARAMETERS)


def chosen_method(method: str, each: Sequence[str]) -> str:
    """The better way: differences of numbers, the path where every fish is asked after.

    Measured (bench/sensitivity.py): for numbers that all fish share, differences of the plain
    model have the smaller error at equal time from 6 steps to 80, and no bias of smooth edges;
    of every fish's own values there are too many to move one after another.
    """
    if method != "auto":
        return method
    return "pathwise" if each else "differences"


def number_faults(
    found: Scenario | None,
    replicates: Unchecked,
    measure_every: Unchecked,
    burn_in: Unchecked,
    convention: Unchecked,
) -> list[Fault]:
    """What is wrong with the size and the window of an ensemble."""
    faults = count_faults({"replicates": replicates}, low=2) + convention_faults(convention)
    if found is not None and found.schedule:
        rule = "must be empty: a study is of parameters that stay as they are"
        faults.append(Fault("schedule", rule, found.schedule))
    n_steps = None if found is None else found.n_steps
    return faults + settings_faults(n_steps, measure_every, burn_in)


def mixing_faults(method: str, wrt: Sequence[str], replicates: Unchecked) -> list[Fault]:
    """Why so many parameters cannot be moved together in so few replicates."""
    is_mixed = method == "smoothing" or (method == "differences" and 2 * len(wrt) > MOST_RUNS)
    if not is_mixed or count_faults({"replicates": replicates}) or replicates >= 2 * len(wrt):
        return []
    rule = f"must be >= {2 * len(wrt)} where {len(wrt)} parameters are moved together"
    return [Fault("replicates", rule, replicates)]


def smooth_faults(
    scenario: Scenario | None,
    method: str,
    edge_width: Unchecked,
    bandwidth: Unchecked,
    exact: Unchecked,
    convention: Unchecked,
) -> list[Fault]:
    """What is wrong with smooth edges and metrics, and with a path through them if one is asked."""
    is_path = method == "pathwise" and scenario is not None
    values = {name: getattr(scenario, name) for name in PARAMETERS} if is_path else {}
    faults = blur_faults(edge_width, exact, values) + bandwidth_faults(bandwidth, CORRECTED)
    if method != "pathwise":
        return faults
    if edge_width is None:
        faults.append(Fault("edge_width", "must be a number: plain steps have no slope", None))
    if chosen_convention(convention, values.get("box_size")) == REFERENCE:
        rule = "must be corrected: the paper's centroid jumps at the faces of the box"
        faults.append(Fault("convention", rule, convention))
    return faults


def step_faults(given: Unchecked, wrt: Sequence[str], method: str) -> list[Fault]:
    """What is wrong with half-steps that a person gives."""
    if given is None:
        return []
    if method == "pathwise":
        return [Fault("half_step", "must be None with method 'pathwise': nothing is moved", given)]
    if not isinstance(given, Mapping):
        return [Fault("half_step", "must map names of wrt to numbers", given)]
    faults = [unknown(f"half_step {name}", wrt, x) for name, x in given.items() if name not in wrt]
    for name, value in given.items():
        number = as_numbers(value)
        if number is None or number.ndim or not (np.isfinite(number) and number > 0):
            faults.append(Fault(f"half_step {name}", "must be one finite number > 0", value))
    return faults


def state_faults(state: Unchecked, scenario: Scenario | None, method: str) -> list[Fault]:
    """Why replicates cannot start from a state."""
    if state is None:
        return []
    if method != "pathwise":
        rule = f"must be None with method {method!r}: each replicate draws its own"
        return [Fault("state", rule, "a state")]
    if not isinstance(state, State):
        return [Fault("state", "must be a State", state)]
    faults = [] if scenario is None else leaves_faults(state, scenario.params)
    if scenario is not None and state.n_fish != scenario.n_fish:
        faults.append(Fault("state", f"must hold {scenario.n_fish} fish", state.n_fish))
    return faults
