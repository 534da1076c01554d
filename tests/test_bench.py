"""Each benchmark at toy size, so that none rots."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parent.parent / "bench"


@pytest.mark.parametrize(
    ("script", "words", "shown"),
    [
        ("parity.py", "--first 1", "oceanic_schooling_index"),
        ("ensemble.py", "--schools swarm --seeds 2 --shorten 50", "of 10 differ at 1%"),
        (
            "against_peer.py",
            "--schools swarm --repeats 1 --shorten 50 --without-peer",
            "ms/step",
        ),
        (
            "sweep.py",
            "--side 2 --replicates 1 --n-steps 20 --without-peer --memory-of 20",
            "peak MiB",
        ),
        (
            "startup.py",
            "--schools swarm --repeats 1 --shorten 50 --without-peer",
            "kadita run, warm",
        ),
    ],
)
def test_runs_prints_and_writes(script, words, shown, tmp_path):
    done = subprocess.run(
        [sys.executable, BENCH / script, *words.split(), "--out", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout
    written = json.loads((tmp_path / script.replace(".py", ".json")).read_text())
    assert written["machine"]["jax"]
    assert written["figures"]
