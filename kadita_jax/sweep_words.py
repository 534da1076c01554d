"""The words of `kadita sweep` as the arguments of `kadita_jax.sweep`."""

import tomllib
from collections.abc import Iterable
from typing import Any

from kadita_jax.errors import Fault


def read_axis_words(
    axis_words: Iterable[str], zip_words: Iterable[str], faults: list[Fault]
) -> dict[Any, Any]:
    """The axes of `--axis NAME=VALUES` and `--zip NAME,NAME`; what is wrong joins `faults`."""
    axes = _read_pairs("axis", axis_words, faults)
    for words in zip_words:
        names = tuple(words.split(","))
        missing = [name for name in names if name not in axes]
        if missing or len(names) < 2:
            rule = "must name two or more of the axes, with commas between"
            faults.append(Fault("zip", rule, words))
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


def read_set_words(set_words: Iterable[str], faults: list[Fault]) -> dict[str, Any]:
    """The fields of `--set FIELD=VALUE`, values as in a scenario file; quotes may be left out."""
    pairs = _read_pairs("set", set_words, faults)
    return {name: _value(text) for name, text in pairs.items()}


def _read_pairs(option: str, words: Iterable[str], faults: list[Fault]) -> dict[str, str]:
    pairs = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            faults.append(Fault(option, "must be NAME=VALUE", word))
        elif name in pairs:
            faults.append(Fault(option, "must not name a field twice", word))
        else:
            pairs[name] = value
    return pairs


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
