"""A scenario: everything that defines one run, as a person writes it down."""

import json
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from kadita_jax.errors import (
    Fault,
    InvalidInputError,
    count_faults,
    did_you_mean,
    refuse,
    unknown,
)
from kadita_jax.parameters import PARAMETERS, parameter_faults

if TYPE_CHECKING:
    from kadita_jax.initial import Start
    from kadita_jax.keys import RandomKey
    from kadita_jax.model import Params, State

CANONICAL = ("swarm", "torus", "dynamic_parallel", "highly_parallel")

# Steps are counted in 32 bits, and the last part of a run goes beyond its end.
LIMIT = 2**30

PerFish = float | tuple[float, ...]


def _parameter(name: str) -> Any:
    parameter = PARAMETERS[name]
    text = f"{parameter.meaning} [{parameter.unit}]; {parameter.rule}"
    return Field(default=parameter.default, description=text)


class Scenario(BaseModel):
    """One run, checked as a whole: a wrong one raises InvalidInputError with all its faults."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(
        "school", pattern=r"^[A-Za-z0-9_.-]+$", max_length=200, description="names the files"
    )
    title: str = Field("", description="one line for people")
    n_fish: int = Field(150, ge=1, lt=LIMIT, description="number of fish; a whole number >= 1")
    seed: int = Field(0, ge=0, lt=2**32, description="of the random streams; 0 to 2**32 - 1")
    n_steps: int = Field(1000, ge=1, lt=LIMIT, description="time steps; a multiple of save_every")
    save_every: int = Field(10, ge=1, lt=LIMIT, description="steps between saved frames; >= 1")
    initial: Literal["uniform_gas", "ring"] = Field(
        "uniform_gas", description="how the school starts: uniform_gas or ring"
    )
    ring_radius: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="radius of the ring [bl]; with initial = ring"
    )
    speed: PerFish = _parameter("speed")
    r_repulsion: PerFish = _parameter("r_repulsion")
    r_orientation: PerFish = _parameter("r_orientation")
    r_attraction: PerFish = _parameter("r_attraction")
    max_turn: PerFish = _parameter("max_turn")
    noise: PerFish = _parameter("noise")
    blind_angle: PerFish = _parameter("blind_angle")
    orientation_weight: PerFish = _parameter("orientation_weight")
    dt: float = _parameter("dt")
    box_size: float = _parameter("box_size")
    neighbours: Literal["auto", "dense", "cells"] = Field(
        "auto",
        description="who is summed over: dense (every pair), cells (those near) or auto (the "
        "faster); the sums agree to rounding",
    )

    # Positional only: a field that a person calls self is unknown like any other.
    def __init__(self, /, **values: Any):
        values = {name: _plain(value) for name, value in values.items()}
        defaults = {name: field.default for name, field in type(self).model_fields.items()}
        faults = list(_rule_faults(defaults | values))
        try:
            super().__init__(**values)
        except ValidationError as error:
            told = {fault.field for fault in faults}
            faults += [f for f in map(_type_fault, _one_a_field(error)) if f.field not in told]
        name = values.get("name", "")
        refuse(f"invalid scenario {name!r}" if name else "invalid scenario", faults)

    @property
    def params(self) -> "Params":
        """The model's parameters, in jax's default float."""
        from kadita_jax.model import make_params

        return make_params(**{name: getattr(self, name) for name in PARAMETERS})

    @property
    def start(self) -> "Start":
        """How the school at step 0 is drawn, given a key and the box."""
        from kadita_jax.initial import Start

        return Start(self.initial, self.n_fish, self.ring_radius)

    def initial_state(self, key: "RandomKey") -> "State":
        """The school at step 0."""
        return self.start(key, self.box_size)

    def replaced(self, /, **changes: Any) -> "Scenario":
        """A copy with some fields changed, checked again; a change to None changes nothing."""
        given = {name: value for name, value in changes.items() if value is not None}
        return Scenario(**(self.model_dump() | given))

    def to_toml(self, *, with_name: bool = True) -> str:
        """The scenario file, each field with its meaning, unit and range as a comment.

        Without its name a copy is called after the file it is written to.
        """
        lines = []
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if value is not None and (with_name or name != "name"):
                lines.append(f"# {field.description}\n{name} = {_toml(value)}\n")
        return "\n".join(lines)


def scenario_names() -> tuple[str, ...]:
    """The canonical scenarios that ship with the package."""
    return CANONICAL


def load_scenario(name_or_path: str | Path) -> Scenario:
    """A canonical scenario by name, or one of your own from a TOML file.

    **Raises:** `InvalidInputError` when there is no such scenario or file, the file is not
    TOML, or any field is wrong.
    """
    if str(name_or_path) in CANONICAL:
        shipped = files("kadita_jax") / "data" / "scenarios" / f"{name_or_path}.toml"
        return parse_scenario(shipped.read_text("utf-8"), str(name_or_path))
    path = Path(name_or_path)
    refuse("cannot read scenario", _file_faults(path))
    try:
        return parse_scenario(path.read_text("utf-8"), path.stem)
    except UnicodeDecodeError:
        fault = Fault("file", "must be UTF-8 text", "other bytes")
        raise InvalidInputError(f"cannot read {path}", [fault]) from None


def loaded(scenario: Scenario | str | Path, changes: dict, faults: list[Fault]) -> Scenario | None:
    """The scenario with its changes; None, and its faults added, where there is none."""
    try:
        found = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
        return found.replaced(**changes)
    except InvalidInputError as error:
        faults += error.faults
        return None


def parse_scenario(text: str, name: str) -> Scenario:
    """A scenario from TOML; `name` is what it is called if the text does not say."""
    try:
        values = tomllib.loads(text)
    # A number of too many digits and too deep a list are no TOMLDecodeError.
    except (ValueError, RecursionError) as error:
        fault = Fault("file", f"must be TOML ({error})", text.strip())
        raise InvalidInputError(f"cannot read scenario {name!r}", [fault]) from None
    return Scenario(**({"name": name} | values))


def _file_faults(path: Path) -> Iterator[Fault]:
    if path.is_dir():
        yield Fault("scenario", "must be a file, not a directory", str(path))
    elif not path.is_file():
        hint = did_you_mean(str(path), CANONICAL) or f"; canonical are {', '.join(CANONICAL)}"
        yield Fault("scenario", f"must be a canonical name or an existing file{hint}", str(path))


def _plain(value: Any) -> Any:
    """numpy's numbers and arrays as Python's own, lists as tuples: a scenario is frozen."""
    value = value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
    return tuple(value) if isinstance(value, list) else value


def _rule_faults(values: dict[str, Any]) -> Iterator[Fault]:
    n_fish, n_steps, save_every = (values[name] for name in ("n_fish", "n_steps", "save_every"))
    parameters = {name: values[name] for name in PARAMETERS}
    yield from parameter_faults(parameters, None if count_faults({"n_fish": n_fish}) else n_fish)
    counted = not count_faults({"n_steps": n_steps, "save_every": save_every})
    if counted and n_steps % save_every:
        yield Fault("n_steps", f"must be a multiple of save_every = {save_every}", n_steps)
    if values["initial"] == "ring" and values["ring_radius"] is None:
        yield Fault("ring_radius", "must be given with initial = 'ring'", None)
    if values["initial"] != "ring" and values["ring_radius"] is not None:
        yield Fault("ring_radius", "must not be given without initial = 'ring'", values["initial"])


def _one_a_field(error: ValidationError) -> Iterator[ErrorDetails]:
    told = set()
    for details in error.errors():
        if details["loc"][0] not in told:
            told.add(details["loc"][0])
            yield details


def _type_fault(details: ErrorDetails) -> Fault:
    field = str(details["loc"][0])
    if details["type"] == "extra_forbidden":
        return unknown(field, Scenario.model_fields, details["input"])
    rule = details["msg"].replace("Input should", "must").replace("String should", "must")
    return Fault(field, rule, details["input"])


def _toml(value: Any) -> str:
    # JSON's literals are TOML's but for two: no surrogate pairs, no bare DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def canonical_name(scenario: Scenario) -> str | None:
    """Which canonical school this is, whatever its name, seed and length; None for another."""
    free = {"name", "title", "seed", "n_steps", "save_every", "neighbours"}
    physics = scenario.model_dump(exclude=free)
    same = (n for n in CANONICAL if load_scenario(n).model_dump(exclude=free) == physics)
    return next(same, None)
