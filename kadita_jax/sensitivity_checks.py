"""What is wrong with the words and numbers that a study of derivatives is asked with."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from kadita_jax.errors import Fault, Unchecked, count_faults, unknown
from kadita_jax.metrics.convention import REFERENCE, bandwidth_faults, convention_faults
from kadita_jax.model import blur_faults
from kadita_jax.names import NAMES
from kadita_jax.parameters import PARAMETERS, as_numbers
from kadita_jax.pathwise import STATE_NAMES
from kadita_jax.scenario import Scenario
from kadita_jax.window import window_faults

METHODS = ("auto", "differences", "smoothing", "pathwise")


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
        if name not in known:
            yield unknown(f"{field} {name}", known, name)
    if len(set(map(str, names))) < len(names):
        yield Fault(field, "must not repeat a name", names)


def number_faults(
    found: Scenario | None,
    replicates: Unchecked,
    measure_every: Unchecked,
    burn_in: Unchecked,
    convention: Unchecked,
) -> list[Fault]:
    """What is wrong with the size and the window of an ensemble."""
    faults = count_faults({"replicates": replicates}, low=2) + convention_faults(convention)
    if found is None:
        return faults + count_faults({"measure_every": measure_every})
    until = found.n_steps // 2 if burn_in is None else burn_in
    return faults + window_faults(found.n_steps, measure_every, until)


def path_faults(
    scenario: Scenario,
    edge_width: Unchecked,
    bandwidth: Unchecked,
    exact: Unchecked,
    convention: Unchecked,
) -> list[Fault]:
    """Why no path of this scenario can be differentiated."""
    values = {name: getattr(scenario, name) for name in PARAMETERS}
    faults = blur_faults(edge_width, exact, values)
    if edge_width is None:
        faults.append(Fault("edge_width", "must be a number: plain steps have no slope", None))
    if convention == REFERENCE:
        rule = "must be corrected: the paper's centroid jumps at the faces of the box"
        return [*faults, Fault("convention", rule, convention)]
    return faults + bandwidth_faults(bandwidth, convention)


def step_faults(given: Unchecked, wrt: Sequence[str]) -> list[Fault]:
    """What is wrong with half-steps that a person gives."""
    if given is None:
        return []
    if not isinstance(given, Mapping):
        return [Fault("half_step", "must map names of wrt to numbers", given)]
    faults = [unknown(f"half_step {name}", wrt, x) for name, x in given.items() if name not in wrt]
    for name, value in given.items():
        number = as_numbers(value)
        if number is None or number.ndim or not (np.isfinite(number) and number > 0):
            faults.append(Fault(f"half_step {name}", "must be one finite number > 0", value))
    return faults
