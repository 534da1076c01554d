"""Random streams: one tag a purpose, so no two purposes ever share a number.

`jax.random.split(key)[i]` equals `fold_in(key, i)`: without a tag of its own, an initial state
and the noise drawn from one key would be the same numbers.
"""

from jaxtyping import Array, Int, UInt32

from kadita_jax.errors import Fault
from kadita_jax.threefry import RandomKey, fold_in

TAG_INITIAL = 0x696E6974
TAG_NOISE = 0x6E6F6973
TAG_MEMBER = 0x6D656D62
TAG_TANGENT = 0x74616E67


def key_faults(key: object) -> list[Fault]:
    """The fault of what is no random key, such as a bare seed."""
    if isinstance(key, RandomKey):
        return []
    return [Fault("key", "must be a random key, as jax.random.key(seed) gives", key)]


def initial_key(key: RandomKey) -> RandomKey:
    """The stream that initial states are drawn from."""
    return fold_in(key, TAG_INITIAL)


def noise_key(key: RandomKey, step: int | Int[Array, ""]) -> RandomKey:
    """The stream of one absolute step's noise, whichever run or chunk asks for it."""
    return step_key(noise_stream(key), step)


def noise_stream(key: RandomKey) -> RandomKey:
    """What all steps' noise is drawn from: XLA does not take it out of a loop by itself."""
    return fold_in(key, TAG_NOISE)


def step_key(stream: RandomKey, step: int | Int[Array, ""]) -> RandomKey:
    """The `noise_key` of a step, given the `noise_stream`."""
    return fold_in(stream, step)


def member_key(key: RandomKey, number: int | Int[Array, ""] | UInt32[Array, ""]) -> RandomKey:
    """The key of one member of a sweep, whichever part, device or machine computes it."""
    return fold_in(fold_in(key, TAG_MEMBER), number)


def tangent_key(key: RandomKey) -> RandomKey:
    """What the small difference that `tangent_growth` follows is drawn from."""
    return fold_in(key, TAG_TANGENT)
