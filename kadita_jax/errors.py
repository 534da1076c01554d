"""Wrong input: every fault found, told in one message."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, TypeAlias

# What a person may hand in where another type is meant: it is checked in the body, so that the
# answer is an InvalidInputError with every other fault and not a type checker's.
Unchecked: TypeAlias = Any


@dataclass(frozen=True)
class Fault:
    """One thing wrong with one field: the rule it breaks and the value it had."""

    field: str
    rule: str
    value: object

    def __str__(self) -> str:
        return f"{self.field}: {self.rule}, got {shown(self.value)}"


class InvalidInputError(ValueError):
    """Raised before anything runs; `faults` lists all that is wrong at once."""

    def __init__(self, subject: str, faults: Sequence[Fault]):
        self.subject, self.faults = subject, tuple(faults)
        lines = "".join(f"\n  {fault}" for fault in self.faults)
        super().__init__(f"{subject}:{lines}")

    def __reduce__(self) -> tuple:
        """It travels from the workers of a cluster."""
        return type(self), (self.subject, self.faults)


def refuse(subject: str, faults: Iterable[Fault]) -> None:
    """Raise InvalidInputError if there is any fault; otherwise do nothing."""
    found = tuple(faults)
    if found:
        raise InvalidInputError(subject, found)


def shown(value: object, limit: int = 80) -> str:
    """The value as a person would recognise it, cut to one short line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """' (did you mean ...?)' when one of the known words is close, else ''."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""


def unknown(field: str, known: Iterable[str], value: object) -> Fault:
    """The fault of a field that does not exist, with the nearest one that does."""
    names = tuple(known)
    hint = did_you_mean(field, names) or f"; known are {', '.join(names)}"
    return Fault(field, f"is not a known field{hint}", value)


def count_faults(counts: Mapping[str, object], low: int = 1) -> list[Fault]:
    """The faults of numbers that must be whole and at least `low`."""
    return [
        Fault(name, f"must be a whole number >= {low}", count)
        for name, count in counts.items()
        if isinstance(count, bool) or not isinstance(count, Integral) or int(count) < low
    ]
