"""The notebooks run from top to bottom, here at toy size, and are kept with what they print."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from quickly import QUICKLY

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
TOYS = {
    "quickstart": "n_fish, n_steps = 8, 50",
    "the_four_schools": "n_fish, n_steps, replicates, largest = 8, 40, 2, 16",
    "phase_diagram": "n_fish, n_steps, side, replicates = 8, 40, 4, 2",
    "what_each_entropy_sees": "side, box = 3, 40.0",
    "couzin2002": "n_fish, n_steps, side, replicates = 8, 40, 2, 1",
    "what_would_make_this_school_mill": "n_fish, n_steps, replicates, n_rounds = 8, 20, 16, 1",
    "reading_the_radii_from_a_film": "n_fish, n_steps, replicates = 10, 20, 32",
}
# What a repository can carry of pictures.
MOST_BYTES = 500_000


def test_every_notebook_has_a_toy():
    assert {path.stem for path in NOTEBOOKS.glob("*.ipynb")} == set(TOYS)


@pytest.mark.parametrize("name", TOYS)
def test_it_is_kept_whole_and_small(name):
    path = NOTEBOOKS / f"{name}.ipynb"
    cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(output.output_type != "error" for cell in cells for output in cell.outputs)
    assert path.stat().st_size < MOST_BYTES


@pytest.mark.parametrize("name", TOYS)
def test_its_pictures_are_put_into_words(name):
    cells = nbformat.read(NOTEBOOKS / f"{name}.ipynb", 4).cells
    read = " ".join(" ".join(cell.source for cell in cells if cell.cell_type == "markdown").split())
    outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert pictures
    for picture in pictures:
        words = picture.metadata["image/png"]["alt"]
        # What a screen reader says is what stands below the picture.
        assert f"*Picture:* {words[0].lower()}{words[1:]}" in read or f"*Picture:* {words}" in read
        assert len(words) > 40


@pytest.mark.parametrize("name", TOYS)
def test_it_runs(name, tmp_path, monkeypatch):
    for setting, value in QUICKLY.items():
        monkeypatch.setenv(setting, value)
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", 4)
    sizes = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(sizes) == 1
    assert TOYS[name].split(" = ")[0] == sizes[0].source.split(" = ")[0]
    sizes[0].source = TOYS[name]
    NotebookClient(notebook, resources={"metadata": {"path": tmp_path}}).execute()
