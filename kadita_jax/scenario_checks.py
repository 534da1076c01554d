"""What is wrong with a scenario's fields taken together, each of the right type or not."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kadita_jax.courses import written_faults
from kadita_jax.distributions import distribution_faults, drawn
from kadita_jax.errors import Fault, count_faults, did_you_mean, unknown
from kadita_jax.files import name_faults
from kadita_jax.parameters import PARAMETERS, parameter_faults, preference_faults

# Beyond it a typing error would fill the memory.
MOST_DRAWN = 10**7
# The field that says how large a start of each kind is.
SIZES = {"ring": "ring_radius", "uniform_ball": "ball_radius"}


def file_faults(path: Path, shipped: Sequence[str]) -> list[Fault]:
    """Why there is no scenario to read of this path, which is none of the shipped names."""
    faults = name_faults("scenario", path)
    if faults or path.is_file():
        return faults
    if path.is_dir():
        return [Fault("scenario", "must be a file, not a directory", str(path))]
    hint = did_you_mean(str(path), shipped) or f"; shipped are {', '.join(shipped)}"
    rule = f"must be a shipped name or an existing file{hint}"
    return [Fault("scenario", rule, str(path))]


def drawn_values(
    given: Mapping[str, Any], n_fish: Any, faults: list[Fault]
) -> dict[str, float | tuple[float, ...]]:
    """The values of so many fish drawn from distributions; what is wrong joins `faults`."""
    found: dict[str, float | tuple[float, ...]] = {}
    is_counted = not count_faults({"n_fish": n_fish})
    if given and is_counted and n_fish > MOST_DRAWN:
        faults.append(Fault("n_fish", f"must be <= {MOST_DRAWN} with a distribution", n_fish))
        is_counted = False
    for name, distribution in given.items():
        wrong = distribution_faults(name, distribution)
        if not PARAMETERS[name].per_fish:
            wrong = [Fault(name, "must be one number", distribution)]
        faults += wrong
        # Only the first of its faults need be told of a field.
        is_right = not wrong and is_counted
        found[name] = drawn(distribution, n_fish) if is_right else PARAMETERS[name].default
    return found


def scenario_faults(values: Mapping[str, Any]) -> Iterator[Fault]:
    """Every rule that these fields, all of them given, break."""
    n_fish, n_steps, save_every = (values[name] for name in ("n_fish", "n_steps", "save_every"))
    parameters = {name: values[name] for name in PARAMETERS}
    n_fish = None if count_faults({"n_fish": n_fish}) else n_fish
    wrong = list(parameter_faults(parameters, n_fish))
    yield from wrong
    scheduled = values["schedule"] if isinstance(values["schedule"], Mapping) else {}
    weights = {"informed_weight": 1.0} if "informed_weight" in scheduled else parameters
    yield from preference_faults(values["preferred_direction"], weights, n_fish)
    if not wrong:
        yield from written_faults(values["schedule"], parameters)
    counted = not count_faults({"n_steps": n_steps, "save_every": save_every})
    if counted and n_steps % save_every:
        yield Fault("n_steps", f"must be a multiple of save_every = {save_every}", n_steps)
    yield from _start_faults(values)


def _start_faults(values: Mapping[str, Any]) -> Iterator[Fault]:
    initial = values["initial"]
    for kind, size in SIZES.items():
        if initial == kind and values[size] is None:
            yield Fault(size, f"must be given with initial = {kind!r}", None)
        if initial != kind and values[size] is not None:
            yield Fault(size, f"must not be given without initial = {kind!r}", initial)
    if initial == "uniform_gas" and values["box_size"] is None:
        yield Fault(
            "initial", "must be uniform_ball or ring in open water: a gas fills a box", initial
        )


def type_faults(error: ValidationError, known: Iterable[str]) -> Iterator[Fault]:
    """The first fault of each field that is of a wrong type, or unknown."""
    told = set()
    for details in error.errors():
        field = str(details["loc"][0])
        if field in told:
            continue
        told.add(field)
        if details["type"] == "extra_forbidden":
            yield unknown(field, known, details["input"])
        else:
            rule = details["msg"].replace("Input should", "must").replace("String should", "must")
            yield Fault(field, rule, details["input"])
