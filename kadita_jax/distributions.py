"""Unlike fish: one value for each, drawn from a distribution with a seed of its own.

In a scenario file, in place of a parameter's number:

    speed = {distribution = "normal", mean = 3.0, std = 0.3, seed = 1}
    speed = {distribution = "uniform", low = 2.0, high = 4.0, seed = 1}
    speed = {distribution = "mixture", first = 3.0, second = 4.0, share = 0.1, seed = 1}
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from kadita_jax.errors import Fault, unknown
from kadita_jax.parameters import as_numbers

FORMS: Mapping[str, tuple[str, ...]] = {
    "normal": ("mean", "std"),
    "uniform": ("low", "high"),
    "mixture": ("first", "second", "share"),
}
SEED = "seed"


def drawn(given: Mapping[str, Any], n_fish: int) -> tuple[float, ...]:
    """The values of so many fish, the same for the same seed.

    "normal" by mean and std; "uniform" from low to high; "mixture" of two values, of which a share
    of the fish, to the nearest whole fish, has the second. Mixtures of one seed pick the same fish.
    """
    random = np.random.default_rng(given[SEED])
    if given["distribution"] == "normal":
        values = random.normal(given["mean"], given["std"], n_fish)
    elif given["distribution"] == "uniform":
        values = random.uniform(given["low"], given["high"], n_fish)
    else:
        has_second = random.permutation(n_fish) < round(given["share"] * n_fish)
        values = np.where(has_second, float(given["second"]), float(given["first"]))
    return tuple(values.tolist())


def distribution_faults(name: str, given: Mapping[str, Any]) -> list[Fault]:
    """Everything that is wrong with a distribution that a parameter is written as."""
    kind = given.get("distribution")
    if not isinstance(kind, str) or kind not in FORMS:
        rule = f"must have distribution = {' or '.join(FORMS)}"
        return [Fault(name, rule, given)]
    wanted = ("distribution", SEED, *FORMS[kind])
    faults = [
        replace(unknown(str(key), wanted, value), field=f"{name}: {key}")
        for key, value in given.items()
        if key not in wanted
    ]
    missing = [key for key in wanted if key not in given]
    if missing:
        faults.append(Fault(name, f"must say {', '.join(missing)} of its distribution", given))
    return faults or list(_value_faults(name, given))


def _value_faults(name: str, given: Mapping[str, Any]) -> Iterator[Fault]:
    seed = given[SEED]
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        yield Fault(f"{name}: {SEED}", "must be a whole number >= 0", seed)
    if given["distribution"] == "uniform" and not _spans(given["low"], given["high"]):
        yield Fault(f"{name}: high", "must be >= low, by a finite number", given["high"])
    for key in FORMS[given["distribution"]]:
        number = as_numbers(given[key])
        if number is None or number.ndim or not np.isfinite(number):
            yield Fault(f"{name}: {key}", "must be a finite number", given[key])
        elif key == "std" and number < 0:
            yield Fault(f"{name}: {key}", "must be >= 0", given[key])
        elif key == "share" and not 0 <= number <= 1:
            yield Fault(f"{name}: {key}", "must be >= 0 and <= 1", given[key])


def _spans(low: Any, high: Any) -> bool:
    """Whether values can be drawn between; what is no number is told elsewhere."""
    ends = [as_numbers(end) for end in (low, high)]
    if any(end is None or end.ndim or not np.isfinite(end) for end in ends):
        return True
    with np.errstate(over="ignore"):
        width = float(high) - float(low)
    return 0 <= width < np.inf
