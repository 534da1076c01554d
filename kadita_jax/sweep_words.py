"""The words of `kadita sweep` as the arguments of `kadita_jax.sweep`."""

import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from kadita_jax.errors import Fault

TWICE = "must not name a field twice"


def read_axis_words(
    axis_words: Iterable[str], zip_words: Iterable[str], faults: list[Fault]
) -> dict[Any, Any]:
    """The axes of `--axis NAME=VALUES` and `--zip NAME,NAME`; what is wrong joins `faults`."""
    axes = _read_pairs("axis", "NAME=VALUES", axis_words, faults)
    for words in zip_words:
        names = tuple(words.split(","))
        missing = [name for name in names if name not in axes]
        if missing or len(names) < 2:
            rule = "must name two or more of the axes, with commas between"
            hint = f" (no axis of its own: {', '.join(missing)})" if missing else ""
            faults.append(Fault("zip", f"{rule}{hint}", words))
        else:
            axes = _zipped(axes, names)
    return axes


def _zipped(axes: dict[Any, Any], names: tuple[str, ...]) -> dict[Any, Any]:
    """The axes with some of them changing together, in the place of the first."""
    together = tuple(axes[name] for name in names)
    found = {}
    for name, values in axes.items():
        if name in names:
            found.setdefault(names, together)
        else:
            found[name] = values
    return found


def read_set_words(
    set_words: Iterable[str], elsewhere: Mapping[str, str], faults: list[Fault]
) -> dict[str, Any]:
    """The fields of `--set FIELD=VALUE`, values as in a scenario file; quotes may be left out.

    Those that are said elsewhere, for the reason given there, are refused.
    """
    pairs = _read_pairs("set", "FIELD=VALUE", set_words, faults)
    faults += [
        Fault("set", f"must not name {name}: {elsewhere[name]}", f"{name}={text}")
        for name, text in pairs.items()
        if name in elsewhere
    ]
    return {name: _value(text) for name, text in pairs.items()}


def read_bound_words(words: Iterable[str], faults: list[Fault]) -> dict[str, Any]:
    """The bounds of `--wrt NAME=LOW:HIGH`; of a bare NAME none are given."""
    words = list(words)
    bare = [word for word in words if "=" not in word]
    pairs = _read_pairs("wrt", "NAME=LOW:HIGH", (w for w in words if "=" in w), faults)
    twice = [word for place, word in enumerate(bare) if word in pairs or word in bare[:place]]
    faults += [Fault("wrt", TWICE, word) for word in twice]
    found: dict[str, Any] = dict.fromkeys(bare)
    for name, text in pairs.items():
        low, _, high = text.partition(":")
        try:
            found[name] = float(low), float(high)
        except ValueError:
            faults.append(Fault("wrt", "must be NAME=LOW:HIGH", f"{name}={text}"))
    return found


def _read_pairs(
    option: str, form: str, words: Iterable[str], faults: list[Fault]
) -> dict[str, str]:
    pairs = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            faults.append(Fault(option, f"must be {form}", word))
        elif name in pairs:
            faults.append(Fault(option, TWICE, word))
        else:
            pairs[name] = value
    return pairs


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    # A number of too many digits and too deep a list are no TOMLDecodeError.
    except (ValueError, RecursionError):
        return text
