"""Whatever a person writes is taken or refused with its faults; nothing else comes of it."""

import json
import tomllib
from contextlib import suppress

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import kadita_jax as kj
from kadita_jax.axes import MOST_VALUES, SWEPT, read_axes
from kadita_jax.distributions import FORMS
from kadita_jax.errors import Fault
from kadita_jax.scenario import FIELDS, Scenario, parse_scenario
from kadita_jax.sweep_words import read_axis_words, read_bound_words, read_set_words


def table(entries: dict[str, str]) -> str:
    """An inline table of TOML."""
    return f"{{{', '.join(f'{name} = {value}' for name, value in entries.items())}}}"


def array(values: list[str]) -> str:
    """An array of TOML."""
    return f"[{', '.join(values)}]"


def quoted(word: str) -> str:
    """A string of TOML, whose literals are JSON's but for two."""
    return json.dumps(word, ensure_ascii=False).replace("\x7f", "\\u007f")


FIELD = st.sampled_from([*FIELDS, "self", "speeed", "'1'"])
NUMBER = (
    st.integers(-2, 10)
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from([2**30, 2**32, 10**400])
).map(str)
WORD = st.sampled_from(["open", "ring", "uniform_ball", "couzin2002", ""]) | st.text(max_size=5)
ODD = st.sampled_from(["1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "0x1F", "1_0", "true"])
SCALAR = NUMBER | WORD.map(quoted) | ODD
DISTRIBUTION = st.sampled_from(sorted(FORMS)).flatmap(
    lambda kind: st.fixed_dictionaries(
        {"distribution": st.just(quoted(kind)), "seed": NUMBER}
        | dict.fromkeys(FORMS[kind], NUMBER | SCALAR)
    )
)
ANYTHING = st.recursive(
    SCALAR,
    lambda inner: (
        st.lists(inner, max_size=4).map(array)
        | st.dictionaries(FIELD | st.sampled_from(["seed", *FORMS]), inner, max_size=3).map(table)
    ),
    max_leaves=8,
)
COURSES = st.dictionaries(
    FIELD, st.lists(st.tuples(NUMBER, NUMBER).map(list).map(array), max_size=3).map(array)
)
VALUE = SCALAR | ANYTHING | DISTRIBUTION.map(table) | COURSES.map(table)


@settings(max_examples=100)
@given(st.dictionaries(FIELD, VALUE, max_size=4) | COURSES.map(lambda c: {"schedule": table(c)}))
def test_a_scenario_is_made_or_refused(fields: dict[str, str]) -> None:
    text = "\n".join(f"{name} = {value}" for name, value in fields.items())
    assert set(tomllib.loads(text)) == {name.strip("'") for name in fields}
    with suppress(kj.InvalidInputError):
        made = parse_scenario(text, "mine")
        assert parse_scenario(made.to_toml(), "other") == made


@settings(max_examples=50)
@given(st.text() | st.text("[]{}='\"#.,\n\\0123456789aeinosu_- "))
def test_any_text_is_a_scenario_or_refused(text: str) -> None:
    with suppress(kj.InvalidInputError):
        assert isinstance(parse_scenario(text, "mine"), Scenario)


NAME = st.sampled_from([*SWEPT, "speeed", "", "dt,dt"])
NUMBERS = st.lists(NUMBER | WORD, max_size=4)
VALUES = st.text("0123456789.:,-+eE_naif log") | NUMBERS.map(":".join) | NUMBERS.map(",".join)


@settings(max_examples=100)
@given(st.dictionaries(NAME, VALUES, max_size=3))
def test_axes_are_read_or_refused(axes: dict[str, str]) -> None:
    found, faults = read_axes(axes)
    assert all(str(fault) for fault in faults)
    if not faults:
        assert [axis.dim for axis in found] == list(axes)
        assert all(1 <= len(axis) <= MOST_VALUES for axis in found)
        assert all(SWEPT[axis.dim].admits(axis.values[0]) for axis in found)


@settings(max_examples=50)
@given(st.floats(0, 1e6), st.floats(0, 1e6), st.integers(2, 50))
def test_a_b_n_is_n_values_from_a_to_b(low: float, high: float, n: int) -> None:
    found, faults = read_axes({"noise": f"{low!r}:{high!r}:{n}"})
    # Too near each other some of them are one, and that is told.
    is_distinct = len(np.unique(np.linspace(low, high, n))) == n
    assert bool(faults) is not is_distinct
    for axis in found:
        assert (axis.values[0][0], axis.values[0][-1], len(axis)) == (low, high, n)


PAIR = st.tuples(NAME, st.sampled_from(["=", "==", ""]), VALUES | VALUE).map("".join)


@settings(max_examples=100)
@given(st.lists(PAIR | st.text(max_size=9), max_size=4), st.lists(NUMBERS.map(",".join) | NAME))
def test_words_are_read_or_refused(words: list[str], zips: list[str]) -> None:
    faults: list[Fault] = []
    faults += read_axes(read_axis_words(words, zips, faults))[1]
    changes = read_set_words(words, {"n_fish": "it is said elsewhere"}, faults)
    read_bound_words(words, faults)
    with suppress(kj.InvalidInputError):
        assert isinstance(Scenario().replaced(**changes), Scenario)
    assert all(str(fault) for fault in faults)
