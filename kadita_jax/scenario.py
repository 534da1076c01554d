"""A scenario: everything that defines one run, as a person writes it down."""

import json
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from kadita_jax.courses import in_parameters
from kadita_jax.errors import Fault, InvalidInputError, refuse
from kadita_jax.parameters import OPEN, PARAMETERS, RADII
from kadita_jax.scenario_checks import (
    SIZES,
    drawn_values,
    file_faults,
    scenario_faults,
    type_faults,
)

if TYPE_CHECKING:
    from kadita_jax.initial import Start
    from kadita_jax.keys import RandomKey
    from kadita_jax.model import Params, State

# The seed paper's four schools, and those of the original model.
CANONICAL = ("swarm", "torus", "dynamic_parallel", "highly_parallel")
SHIPPED = (*CANONICAL, *(f"couzin2002_{name}" for name in CANONICAL))

# Steps are counted in 32 bits, and the last part of a run goes beyond its end.
LIMIT = 2**30

PerFish = float | tuple[float, ...]
Vector = tuple[float, float, float]


def _parameter(name: str, more: str = "") -> Any:
    parameter = PARAMETERS[name]
    text = f"{parameter.meaning} [{parameter.unit}]; {parameter.rule}{more}"
    return Field(default=parameter.default, description=text)


class Scenario(BaseModel):
    """One run, checked as a whole: a wrong one raises InvalidInputError with all its faults.

    All parameters but dt and box_size may be one number, a list of one for each fish, or a
    distribution that those are drawn from (`kadita_jax.distributions`). The field then holds the
    values; files are written with the distribution.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(
        "school", pattern=r"^[A-Za-z0-9_.-]+$", max_length=200, description="names the files"
    )
    title: str = Field("", description="one line for people")
    n_fish: int = Field(150, ge=1, lt=LIMIT, description="number of fish; a whole number >= 1")
    seed: int = Field(0, ge=0, lt=2**32, description="of the random streams; 0 to 2**32 - 1")
    n_steps: int = Field(1000, ge=1, lt=LIMIT, description="time steps; a multiple of save_every")
    save_every: int = Field(10, ge=1, lt=LIMIT, description="steps between saved frames; >= 1")
    initial: Literal["uniform_gas", "uniform_ball", "ring"] = Field(
        "uniform_gas", description="how the school starts: uniform_gas, uniform_ball or ring"
    )
    ring_radius: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="radius of the ring [bl]; with initial = ring"
    )
    ball_radius: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="of the ball [bl]; with initial = uniform_ball"
    )
    rules: Literal["reference", "couzin2002"] = Field(
        "reference",
        description="how neighbours become a heading: reference (the seed paper's) or couzin2002",
    )
    speed: PerFish = _parameter("speed")
    r_repulsion: PerFish = _parameter("r_repulsion")
    r_orientation: PerFish = _parameter("r_orientation")
    r_attraction: PerFish = _parameter("r_attraction")
    max_turn: PerFish = _parameter("max_turn")
    noise: PerFish = _parameter("noise")
    blind_angle: PerFish = _parameter("blind_angle")
    orientation_weight: PerFish = _parameter("orientation_weight")
    informed_weight: PerFish = _parameter("informed_weight")
    preferred_direction: Vector | tuple[Vector, ...] | None = Field(
        None, description="where informed fish would go: [x, y, z], or one such for each fish"
    )
    dt: float = _parameter("dt")
    box_size: float | None = _parameter("box_size", f'; "{OPEN}" for open water')
    neighbours: Literal["auto", "dense", "cells"] = Field(
        "auto",
        description="who is summed over: dense (every pair), cells (those near) or auto (the "
        "faster); the sums agree to rounding",
    )
    schedule: dict[str, tuple[tuple[int, float], ...]] = Field(
        default_factory=dict,
        description="parameters that change with time, linear between steps: "
        "{noise = [[0, 0.1], [500, 0.4]]}; any but dt and box_size, and the two widths",
    )
    _distributions: dict[str, Mapping] = PrivateAttr(default_factory=dict)

    # Positional only: a field that a person calls self is unknown like any other.
    def __init__(self, /, **values: Any):
        values = {name: _plain(value) for name, value in values.items()}
        values |= {"box_size": None} if values.get("box_size") == OPEN else {}
        defaults = {n: f.get_default(call_default_factory=True) for n, f in FIELDS.items()}
        given, faults = {n: v for n, v in values.items() if _is_drawn(n, v)}, []
        values |= drawn_values(given, values.get("n_fish", defaults["n_fish"]), faults)
        faults += scenario_faults(defaults | values)
        try:
            super().__init__(**values)
        except ValidationError as error:
            told = {fault.field for fault in faults}
            faults += [f for f in type_faults(error, FIELDS) if f.field not in told]
        name = values.get("name", "")
        refuse(f"invalid scenario {name!r}" if name else "invalid scenario", faults)
        self._distributions = given

    @property
    def params(self) -> "Params":
        """The model's parameters, in jax's default float."""
        from kadita_jax.model import make_params

        fields = {name: getattr(self, name) for name in PARAMETERS}
        preferred = self.preferred_direction
        return make_params(rules=self.rules, preferred_direction=preferred, **fields)

    @property
    def start(self) -> "Start":
        """How the school at step 0 is drawn, given a key and the box."""
        from kadita_jax.initial import Start

        size = SIZES.get(self.initial)
        return Start(self.initial, self.n_fish, None if size is None else getattr(self, size))

    def initial_state(self, key: "RandomKey") -> "State":
        """The school at step 0."""
        return self.start(key, self.box_size)

    @property
    def courses(self) -> dict[str, list[list]]:
        """The schedule by fields of `Params`, as `simulate` takes it: of widths, their radii."""
        return in_parameters(self.schedule, {name: getattr(self, name) for name in RADII})

    @property
    def farthest(self) -> float:
        """The largest r_attraction that any fish ever has, bl."""
        knots = self.courses.get("r_attraction", [])
        return max([value for _, value in knots] or np.atleast_1d(self.r_attraction).tolist())

    def replaced(self, /, **changes: Any) -> "Scenario":
        """A copy with some fields changed, checked again; a change to None changes nothing.

        `box_size="open"` takes the box away.
        """
        given = {name: value for name, value in changes.items() if value is not None}
        return Scenario(**(self.model_dump() | self._distributions | given))

    def to_toml(self, *, with_name: bool = True) -> str:
        """The scenario file, each field with its meaning, unit and range as a comment.

        Without its name a copy is called after the file it is written to.
        """
        lines = []
        for name, field in FIELDS.items():
            value = self._distributions.get(name, getattr(self, name))
            value = OPEN if name == "box_size" and value is None else value
            if value is not None and (with_name or name != "name"):
                lines.append(f"# {field.description}\n{name} = {_toml(value)}\n")
        return "\n".join(lines)


FIELDS = Scenario.model_fields


def scenario_names() -> tuple[str, ...]:
    """The scenarios that ship with the package."""
    return SHIPPED


def load_scenario(name_or_path: str | Path) -> Scenario:
    """A shipped scenario by name, or one of your own from a TOML file.

    **Raises:** `InvalidInputError` when there is no such scenario or file, the file is not
    TOML, or any field is wrong.
    """
    if str(name_or_path) in SHIPPED:
        shipped = files("kadita_jax") / "data" / "scenarios" / f"{name_or_path}.toml"
        return parse_scenario(shipped.read_text("utf-8"), str(name_or_path))
    path = Path(name_or_path)
    refuse("cannot read scenario", file_faults(path, SHIPPED))
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


def _plain(value: Any) -> Any:
    """numpy's numbers and arrays as Python's own, lists as tuples: a scenario is frozen."""
    value = value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return tuple(map(_plain, value)) if isinstance(value, (list, tuple)) else value


def _is_drawn(name: str, value: Any) -> bool:
    return name in PARAMETERS and isinstance(value, Mapping)


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key} = {_toml(entry)}' for key, entry in value.items())}}}"
    # JSON's literals are TOML's but for two: no surrogate pairs, no bare DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def canonical_name(scenario: Scenario) -> str | None:
    """Which canonical school this is, whatever its name, seed and length; None for another."""
    free = {"name", "title", "seed", "n_steps", "save_every", "neighbours"}
    physics = scenario.model_dump(exclude=free)
    same = (n for n in CANONICAL if load_scenario(n).model_dump(exclude=free) == physics)
    return next(same, None)
