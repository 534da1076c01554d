"""How far the parameters of a study of derivatives are moved to either side."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from kadita_jax.differences import REACH
from kadita_jax.errors import Fault, Unchecked
from kadita_jax.parameters import PARAMETERS, RADII, as_numbers
from kadita_jax.scenario import Scenario

# Half-steps of differences: this share of a value, or so much where the value is small. What moves
# a school as much as this does of every other parameter bends the response for those that are
# moved together with it.
SHARE = 0.03
LEAST = {
    "speed": 0.03,
    "r_repulsion": 0.03,
    "r_orientation": 0.03,
    "r_attraction": 0.03,
    "max_turn": 0.01,
    "noise": 0.003,
    "blind_angle": 1.0,
    "orientation_weight": 0.03,
    "dt": 0.003,
    "box_size": 0.5,
}


def reach_of(method: str) -> float:
    """How many half-steps a parameter is moved at most."""
    return REACH if method == "smoothing" else 1.0


def inward(name: str, value: np.ndarray, distance: float) -> float:
    """How far a value must be moved for a distance to either side to stay inside its range."""
    rule = PARAMETERS[name]
    up = max(0.0, rule.low + distance - float(np.min(value)))
    return up - max(0.0, float(np.max(value)) + distance - rule.high)


def half_steps(
    scenario: Scenario, wrt: Sequence[str], given: Unchecked, method: str
) -> tuple[dict[str, float], list[Fault]]:
    """How far each parameter is moved to either side, and why one cannot be.

    Steps that are not given are cut where the range leaves no room for them, and those of radii
    where they would put the radii out of order. What is no positive number is taken as not given.
    """
    given = given if isinstance(given, Mapping) else {}
    values = {name: np.asarray(getattr(scenario, name), float) for name in (*wrt, *RADII)}
    steps, faults = {}, []
    for name in wrt:
        widest = _widest(name, values[name], reach_of(method))
        default = max(SHARE * float(np.min(values[name])), LEAST[name])
        asked = as_numbers(given.get(name))
        is_given = asked is not None and asked.ndim == 0 and asked > 0
        steps[name] = float(given[name]) if is_given else min(default, widest)
        if widest <= 0 or steps[name] > widest:
            rule = f"must be <= {widest:g}: {name} {PARAMETERS[name].rule}"
            faults.append(Fault(f"half_step {name}", rule, steps[name]))
    return _in_order(values, steps, reach_of(method), faults), faults


def _widest(name: str, value: np.ndarray, reach: float) -> float:
    """The largest step that leaves all fish inside the range, if need be moved inward."""
    rule, room = PARAMETERS[name], float(np.min(value)) - PARAMETERS[name].low
    widest = (rule.high - rule.low - float(np.ptp(value))) / (2 * reach)
    # A bound that is itself forbidden is left alone: half the way to it.
    return widest if rule.low_is_allowed else min(widest, room / (2 * reach))


def _in_order(
    values: Mapping[str, np.ndarray], steps: dict[str, float], reach: float, faults: list[Fault]
) -> dict[str, float]:
    """The steps, those of neighbouring radii cut to the gap between them."""
    for inner, outer in pairwise(RADII):
        gap = float(np.min(values[outer] - values[inner]))
        moved = [name for name in (inner, outer) if name in steps]
        need = sum(reach * steps[name] for name in moved)
        need += inward(inner, values[inner], reach * steps[inner]) if inner in steps else 0.0
        if moved and gap <= 0:
            rule = f"must exceed {inner} for either to be moved both ways"
            faults.append(Fault(outer, rule, float(np.min(values[outer]))))
        elif need > gap:
            steps |= {name: steps[name] * gap / need for name in moved}
    return steps
