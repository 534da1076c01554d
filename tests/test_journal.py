"""The parts of a sweep on disk: each is as it was written, or as good as none."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kadita_jax as kj
from kadita_jax.journal import Journal, differences

SETTINGS = {"noise": [0.1, 0.2], "part_size": {"5": 2}}
ARRAYS = {"polarization_mean": np.linspace(0, 1, 5), "state": np.arange(5, dtype=np.int8)}


@pytest.fixture(scope="module")
def journal(tmp_path_factory) -> Journal:
    journal = Journal(tmp_path_factory.mktemp("sweep") / "phase.nc.parts", SETTINGS)
    with journal.held():
        journal.begin()
        journal.write(3, ARRAYS)
    return journal


@pytest.fixture(scope="module")
def part(journal) -> Path:
    (part,) = journal.folder.glob("part-000003-*.npz")
    return part


def anew(journal: Journal) -> Journal:
    """The journal as the next process finds it."""
    return Journal(journal.folder, SETTINGS)


def test_there_and_back(journal):
    found = anew(journal)
    assert (found.present(), found.damaged(), found.found()) == ({3}, set(), SETTINGS)
    for name, values in ARRAYS.items():
        np.testing.assert_array_equal(found.read(3)[name], values)
    assert found.read(3, "state").keys() == {"state"}


@given(data=st.data())
def test_a_changed_bit_changes_no_array(journal, part, data):
    whole = part.read_bytes()
    place = data.draw(st.integers(0, 8 * len(whole) - 1))
    changed = bytearray(whole)
    changed[place // 8] ^= 1 << place % 8
    check_damaged(anew(journal), part, bytes(changed))


@given(data=st.data())
def test_a_part_that_was_cut_short_is_none(journal, part, data):
    whole = part.read_bytes()
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    check_damaged(anew(journal), part, cut)


def check_damaged(journal: Journal, part: Path, changed: bytes) -> None:
    whole = part.read_bytes()
    part.write_bytes(changed)
    try:
        assert (journal.present(), journal.damaged()) == (set(), {3})
        with pytest.raises(kj.InvalidInputError, match="the same command computes it anew"):
            journal.read(3)
    finally:
        part.write_bytes(whole)


def test_no_part_is_taken_for_another(journal, part):
    """Whoever copies parts by hand may give one the number of another, or none."""
    for number in ("000004", "abc"):
        part.with_name(part.name.replace("000003", number)).write_bytes(part.read_bytes())
    try:
        assert (anew(journal).present(), anew(journal).damaged()) == ({3}, {4})
    finally:
        for number in ("000004", "abc"):
            part.with_name(part.name.replace("000003", number)).unlink()


def test_a_journal_of_an_earlier_release_is_told_as_that():
    (fault,) = differences({"noise": [0.1]}, {"noise": [0.1], "processor": "x86_64 AVX512"})
    assert str(fault).startswith("processor: must be told by the journal, which another release")


def test_settings_that_are_lost_cost_no_part_of_ones_own(journal):
    text = (journal.folder / "sweep.json").read_text()
    (journal.folder / "sweep.json").unlink()
    again = anew(journal)
    again.begin()
    assert again.present() == {3}
    assert (journal.folder / "sweep.json").read_text() == text
