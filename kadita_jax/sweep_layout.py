"""What stands in the file of a sweep: every variable, its dimensions and attributes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kadita_jax.axes import SWEPT
from kadita_jax.layout import SPACE, Variable, state_attributes
from kadita_jax.names import ALL_LONG_NAMES, NAMES, STATES
from kadita_jax.sweep_plan import SweepPlan

MEANINGS: Mapping[str, str] = {
    "mean": "mean over the measuring window of",
    "std": "standard deviation (ddof 0) over the measuring window of",
    "final": "value after the last step of",
}
STANDARD_ERROR = (
    "standard deviation (ddof 1) of the replicates' means, divided by the square root of their "
    "number; undefined for one replicate. Replicates are independent; frames of one run are not, "
    "so its standard deviation in time says nothing about the error of its mean"
)
UNITS = {"bl": "1", "bl/s": "s-1", "rad": "radian", "rad/step": "radian"}


def sweep_variables(plan: SweepPlan) -> dict[str, Variable]:
    """Every variable of a sweep's file but its coordinates, in file order."""
    members = plan.grid.dims
    points = members[:-1]
    found = {}
    for name in (*NAMES, *plan.more_names):
        for kind, meaning in MEANINGS.items():
            found[f"{name}_{kind}"] = Variable(members, _metric(name, f"{meaning} {name}"))
        about = _metric(name, f"standard error of the mean over replicates of {name}")
        found[f"{name}_standard_error"] = Variable(points, about | {"comment": STANDARD_ERROR})
    found |= _labels(members) | (_schools(members) if plan.keep_final else {})
    return {name: _with_coordinates(variable, plan) for name, variable in found.items()}


def _with_coordinates(variable: Variable, plan: SweepPlan) -> Variable:
    """The variable told of the coordinates that are not called after their dimension."""
    zipped = [name for axis in plan.grid.axes if len(axis.names) > 1 for name in axis.names]
    names = [*zipped, *(["space_label"] if "space" in variable.dims else [])]
    told = {"coordinates": " ".join(names)} if names else {}
    return replace(variable, attributes={**variable.attributes, **told})


def coordinates(plan: SweepPlan) -> dict[str, Variable]:
    """The coordinate of every swept name, and of replicates and space."""
    found = {
        name: Variable((axis.dim,), _axis(name), "i4" if name == "n_fish" else "f8")
        for axis in plan.grid.axes
        for name in axis.names
    }
    found["replicate"] = Variable(("replicate",), {"long_name": "number of the replicate"}, "i4")
    if plan.keep_final:
        found["space_label"] = Variable(("space",), {"long_name": "axis of space"}, "str")
    return found


def _metric(name: str, meaning: str) -> dict[str, Any]:
    return {"long_name": meaning, "units": "1", "definition": ALL_LONG_NAMES[name]}


def _axis(name: str) -> dict[str, Any]:
    unit = SWEPT[name].unit
    in_lengths = " in body lengths" if unit == "bl" else ""
    in_lengths = " in body lengths per second" if unit == "bl/s" else in_lengths
    return {"long_name": f"{SWEPT[name].meaning}{in_lengths}", "units": UNITS.get(unit, unit)}


def _labels(members: tuple[str, ...]) -> dict[str, Variable]:
    label = state_attributes("state that the window's means of polarization and rotation name")
    shares = {
        f"{name}_fraction": Variable(
            members[:-1], {"long_name": f"fraction of replicates in state {name}", "units": "1"}
        )
        for name in STATES
    }
    valid = {
        "long_name": "whether r_repulsion <= r_orientation <= r_attraction, and so was computed",
        "flag_values": (0, 1),
        "flag_meanings": "radii_out_of_order valid",
    }
    number = {"long_name": "number of the member, which its random key is made from"}
    return {
        "state": Variable(members, label, "i1"),
        **shares,
        "valid": Variable(members, valid, "i1"),
        "member": Variable(members, number, "i4"),
    }


def _schools(members: tuple[str, ...]) -> dict[str, Variable]:
    dims = (*members, "fish", "space")
    position = {"long_name": "position after the last step in body lengths", "units": "1"}
    heading = {"long_name": "heading after the last step, a unit vector", "units": "1"}
    return {"final_position": Variable(dims, position), "final_heading": Variable(dims, heading)}


def coordinate_values(plan: SweepPlan) -> dict[str, Any]:
    """What stands in the coordinates, by name."""
    swept = {
        name: values
        for axis in plan.grid.axes
        for name, values in zip(axis.names, axis.values, strict=True)
    }
    return swept | {
        "replicate": range(plan.grid.replicates),
        "space_label": SPACE,
    }
