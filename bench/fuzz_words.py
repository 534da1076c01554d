"""Values of options: right ones, and ones that no reading of them could take."""

import math
from typing import NamedTuple

NUMBERS = ("-1", "0", "1", "2", "2.5", "1e400", "nan", "inf", "-0", "\u0661", "1_0", "0x1", "1e3")
LONG = "a" * 300
# The last is a byte that is no UTF-8, as Python hears it from a shell.
WORDS = ("", " ", "x", "None", "'", '"', "\\", "é", "\x07", LONG, "[", "..", "--", "-h=", "\udcff")
LISTS = ("1:2:2", "1:2", "::", "1:2:0", "1:2:1e9", "0:1:3:log", "1:2:3:lin", "1,,2", ",", "2,1")
POOL = (*NUMBERS, *WORDS, *LISTS)


class Values(NamedTuple):
    """Values of an option that are right, and some that are wrong; None where it takes none."""

    right: tuple[str | None, ...]
    wrong: tuple[str | None, ...]


def whole(low: int, *right: str, wrong: tuple[str, ...] = ()) -> Values:
    """A whole number of at least `low`."""

    def is_one(word: str) -> bool:
        return word.lstrip("-").replace("_", "").isdecimal() and int(word) >= low

    return Values(right, wrong + tuple(word for word in POOL if not is_one(word)))


def number(*right: str, most: float = math.inf, wrong: tuple[str, ...] = ()) -> Values:
    """A finite number above zero."""
    return Values(right, wrong + tuple(word for word in POOL if not 0 < _read(word) <= most))


def _read(word: str) -> float:
    """The finite number that a word tells, else nan."""
    try:
        return float(word) if math.isfinite(float(word)) else math.nan
    except ValueError:
        return math.nan


def one_of(*right: str) -> Values:
    """A word of these."""
    return Values(right, POOL)


def unlike(right: tuple[str, ...], *wrong: str) -> Values:
    """Words of their own form, which none of the pool has."""
    return Values(right, wrong + POOL)


def none(*seemly: str | None) -> Values:
    """An option that must not be given here, with words that would be right elsewhere."""
    return Values((), seemly)


FLAG = Values((None,), ())
