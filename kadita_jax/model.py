"""What a school is (`State`) and how its fish behave (`Params`), with their checks."""

from collections.abc import Mapping
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float

from kadita_jax.arrays import dtype_faults, vector_faults
from kadita_jax.errors import Fault, Unchecked, refuse, unknown
from kadita_jax.numerics import Blur, direction
from kadita_jax.parameters import PARAMETERS, as_numbers, parameter_faults, preference_faults
from kadita_jax.pytree import pytree

# Of Couzin et al. (2002), J. theor. Biol. 218, 1-11; the others are the seed paper's.
COUZIN2002 = "couzin2002"
RULES = ("reference", COUZIN2002)


@pytree()
class State:
    """Positions and headings of a school, unchecked; `make_state` checks and normalises.

    **Attributes:**

    - `position`: shape (N, 3), body lengths, in [0, box_size) when the box is periodic.
    - `heading`: shape (N, 3), unit vectors; velocity is speed times heading.
    """

    position: Float[Array, "fish 3"]
    heading: Float[Array, "fish 3"]

    @property
    def n_fish(self) -> int:
        """The number of fish, from the shape."""
        return self.position.shape[0]


@pytree(static=("rules",))
class Params:
    """The parameters of the zone model, unchecked; `make_params` checks and fills in defaults.

    Every leaf is a scalar; all but `dt` and `box_size` may instead hold one value per fish, the
    focal fish's own. All of them can be mapped over and differentiated.

    **Attributes:**

    - `speed`: constant swimming speed, bl/s.
    - `r_repulsion`, `r_orientation`, `r_attraction`: zone radii, bl; a zone is the half-open
        shell [inner, outer), empty when they are equal.
    - `max_turn`: largest turn in one step, radians.
    - `noise`: standard deviation of the directional noise of one step, radians.
    - `blind_angle`: half-angle of the rear blind cone, degrees.
    - `orientation_weight`: weight of the orientation sum, 0 to 1.
    - `informed_weight`: weight of the preferred direction beside the pull of the others; 0 for a
        naive fish. Without effect where there is no preferred direction.
    - `preferred_direction`: (3,), or (N, 3) of one for each fish, unit vectors; None, and every
        fish is naive.
    - `dt`: time step, s. max_turn and noise are per step: changing dt alone changes the physics.
    - `box_size`: side of the cubic periodic box, bl; None for open water.
    - `rules`: static; which rules turn neighbours into a heading.
    - `blur`: makes every threshold of the rules smooth: the three radii by its width in body
        lengths; the blind cone, by the cosine of the bearing, and whether any fish is too close,
        by its width or 1/2 if that is less. None: plain steps, whose derivatives are 0.
    """

    speed: Float[Array, "*#fish"]
    r_repulsion: Float[Array, "*#fish"]
    r_orientation: Float[Array, "*#fish"]
    r_attraction: Float[Array, "*#fish"]
    max_turn: Float[Array, "*#fish"]
    noise: Float[Array, "*#fish"]
    blind_angle: Float[Array, "*#fish"]
    orientation_weight: Float[Array, "*#fish"]
    dt: Float[Array, ""]
    box_size: Float[Array, ""] | None
    informed_weight: Float[Array, "*#fish"] | None = None
    preferred_direction: Float[Array, "*#fish 3"] | None = None
    rules: str = "reference"
    blur: Blur | None = None


def per_fish(leaf: Float[Array, "*fish"]) -> Float[Array, "..."]:
    """A parameter ready to meet arrays of (N, M): () stays, (N,) becomes a column."""
    return leaf if leaf.ndim == 0 else leaf[..., None]


def own_values(params: Params) -> dict[str, Float[Array, " fish"]]:
    """The parameters that have one value per fish, by name."""
    leaves = {name: getattr(params, name) for name in PARAMETERS}
    return {name: leaf for name, leaf in leaves.items() if leaf is not None and leaf.ndim == 1}


def with_values(params: Params, values: Mapping[str, Float[Array, "..."]]) -> Params:
    """What some fish do to each other: the parameters with their own values; no pair is led."""
    return replace(params, preferred_direction=None, **values)


def reach(params: Params) -> Float[Array, ""]:
    """The distance beyond which no fish feels another, bl."""
    radius = jnp.max(params.r_attraction)
    return radius if params.blur is None else radius + params.blur.width


def make_params(
    *,
    rules: str | Unchecked = "reference",
    preferred_direction: ArrayLike | Unchecked | None = None,
    edge_width: float | Float[Array, ""] | Unchecked | None = None,
    exact: bool | Unchecked = False,
    dtype: jax.typing.DTypeLike | None = None,
    **fields: object,
) -> Params:
    """Parameters from plain numbers, checked, with the peer's defaults for what is not given.

    Traced values (inside jit, grad or vmap) pass unchecked.

    **Arguments:**

    - `rules`: which rules turn neighbours into a heading; "reference" is the seed paper's,
        "couzin2002" the original model's: repulsion from all sides, each zone's sum made a unit
        vector, an exact turn, noise on the desired direction.
    - `preferred_direction`: (3,), or (N, 3) of one for each fish, of any length; where fish with an
        informed_weight want to go (Couzin et al. 2005, Nature 433, 513-516). None: nowhere.
    - `edge_width`: half-width in bl of what blurs every threshold of the rules (see `Params`), so
        that the step has derivatives by the radii; None, plain steps. In a periodic box
        r_attraction + edge_width must not exceed half a side: beyond it a neighbour's nearest
        image jumps while it is still felt.
    - `exact`: with an edge_width, whether steps stay plain ones and only derivatives are those of
        blurred edges (not the derivative of any model, and so biased).
    - `dtype`: of every leaf; jax's default float when None.
    - `fields`: any fields of `Params`; units and ranges as in `kadita_jax.parameters`.

    **Raises:**

    - `InvalidInputError` (a ValueError) naming every faulty field, the rule and the value.
    """
    defaults = {name: parameter.default for name, parameter in PARAMETERS.items()}
    values = defaults | {k: v for k, v in fields.items() if k in PARAMETERS}
    concrete = {k: v for k, v in values.items() if not isinstance(v, Tracer)}
    faults = [unknown(k, PARAMETERS, v) for k, v in fields.items() if k not in PARAMETERS]
    faults += [*missing_numbers(concrete), *parameter_faults(concrete)]
    if rules not in RULES:
        faults.append(Fault("rules", f"must be one of {', '.join(RULES)}", rules))
    dtype = jnp.result_type(float) if dtype is None else dtype
    faults += blur_faults(edge_width, exact, concrete)
    if not isinstance(preferred_direction, Tracer):
        faults += preference_faults(preferred_direction, concrete)
    refuse("invalid parameters", faults + dtype_faults(dtype))
    leaves = {k: None if v is None else jnp.asarray(v, dtype) for k, v in values.items()}
    blur = None if edge_width is None else Blur(jnp.asarray(edge_width, dtype), exact)
    preferred = None if preferred_direction is None else _unit(preferred_direction, dtype)
    return Params(**leaves, preferred_direction=preferred, rules=rules, blur=blur)  # type: ignore[arg-type]


def _unit(vectors: Unchecked, dtype: jax.typing.DTypeLike) -> Float[Array, "*fish 3"]:
    # Of any length: squares of the largest numbers overflow, those of the smallest vanish.
    array = jnp.asarray(vectors, dtype)
    return direction(array / jnp.max(jnp.abs(array), axis=-1, keepdims=True))


def blur_faults(edge_width: Unchecked, exact: Unchecked, values: Mapping) -> list[Fault]:
    """Why edges cannot be blurred so far, with parameters of these values."""
    faults = [] if isinstance(exact, bool) else [Fault("exact", "must be true or false", exact)]
    if edge_width is None or isinstance(edge_width, Tracer):
        return faults
    width = as_numbers(edge_width)
    if width is None or width.ndim or not (np.isfinite(width) and width >= 0):
        return [*faults, Fault("edge_width", "must be one finite number >= 0 (bl)", edge_width)]
    radius, side = (as_numbers(values.get(name)) for name in ("r_attraction", "box_size"))
    if radius is None or side is None or np.max(radius) + width <= side / 2:
        return faults
    rule = (
        "must be <= box_size / 2 (beyond it the nearest image jumps while it is felt, and no "
        "derivative sees that)"
    )
    return [*faults, Fault("r_attraction + edge_width", rule, float(np.max(radius) + width))]


def missing_numbers(values: dict) -> list[Fault]:
    """The fault of each None, which only box_size may be (open water)."""
    return [
        Fault(name, "must be a number", None)
        for name, value in values.items()
        if value is None and name != "box_size"
    ]


def make_state(
    position: ArrayLike | Unchecked,
    heading: ArrayLike | Unchecked,
    *,
    dtype: jax.typing.DTypeLike | None = None,
) -> State:
    """A state from any arrays, shapes checked and headings normalised.

    A heading shorter than the tiny length stays zero. Positions are taken as they are:
    `simulate` wraps them into the box at the first step.

    **Arguments:**

    - `position`: shape (N, 3), body lengths.
    - `heading`: shape (N, 3), any length: velocities will do.
    - `dtype`: of both arrays; jax's default float when None.

    **Raises:**

    - `InvalidInputError` when a shape is not (N, 3), N is 0, shapes differ, the dtype is no
        float that jax has or, outside jit, a value is not finite.
    """
    dtype = jnp.result_type(float) if dtype is None else dtype
    faults = vector_faults({"position": position, "heading": heading}, ndim=2)
    refuse("invalid state", faults + dtype_faults(dtype))
    return State(jnp.asarray(position, dtype), direction(jnp.asarray(heading, dtype)))


def leaves_faults(state: State, params: Params) -> list[Fault]:
    """Every parameter whose shape or dtype is not the state's."""
    faults = []
    for name in PARAMETERS:
        leaf = getattr(params, name)
        if isinstance(leaf, jax.Array):
            faults += _leaf_faults(name, leaf, state)
    preferred = params.preferred_direction
    if preferred is not None and preferred.shape not in ((3,), (state.n_fish, 3)):
        rule = f"must be one vector or one for each of {state.n_fish} fish"
        faults.append(Fault("preferred_direction", rule, f"shape {preferred.shape}"))
    return faults


def _leaf_faults(name: str, leaf: Array, state: State) -> list[Fault]:
    faults = []
    if leaf.shape not in ((), (state.n_fish,)):
        rule = f"must be one number or one for each of {state.n_fish} fish"
        faults.append(Fault(name, rule, f"shape {leaf.shape}"))
    if leaf.dtype != state.position.dtype:
        rule = f"must have the state's dtype {state.position.dtype}"
        faults.append(Fault(name, rule, leaf.dtype.name))
    return faults
