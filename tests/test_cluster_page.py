"""The page on clusters does what it says: its SLURM script runs, here on a queue of our own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import pytest
import xarray as xr

import kadita_jax as kj

PAGE = Path(__file__).parent.parent / "docs" / "cluster.md"
# SLURM's two commands: a job is a process of this machine, its number the process's. As SLURM
# does, it keeps the job's file, which is removed once it is handed in.
SBATCH = """#!/bin/sh
echo "$@" > submitted
cp "$1" job.sh
setsid sh job.sh > /dev/null 2>&1 &
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/sh
kill -- -"$1"
"""
# What is another on a machine of two cores, without a virtual environment of that name.
TOYS = {
    "cores=16": "cores=2",
    "processes=16": "processes=2",
    "jobs=8": "jobs=1",
    '"2:15:64"': '"2:8:3"',
    '"5:20:64"': "[9.0]",
    "replicates=32": "n_steps=20, replicates=2",
    'job_script_prologue=["source ~/kadita/bin/activate"]': "job_script_prologue=[]",
    'python="python"': f"python={sys.executable!r}",
}

WORKERS = ("--nthreads 1 ", "--nworkers 2 ")


def script() -> str:
    found = re.findall(r"<!-- ci: slurm -->\n```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(found) == 1
    text = found[0]
    for written, toy in TOYS.items():
        assert text.count(written) == 1, written
        text = text.replace(written, toy)
    return text


@pytest.fixture
def queue(tmp_path: Path) -> dict[str, str]:
    """An environment whose SLURM is this machine."""
    for name, content in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o700)
    return os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "TF_CPP_MIN_LOG_LEVEL": "3"}


def test_the_script_for_slurm_runs_as_it_stands(tmp_path, queue):
    (tmp_path / "phase.py").write_text(script())
    words = [sys.executable, "phase.py"]
    done = subprocess.run(
        words, cwd=tmp_path, env=queue, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    job = (tmp_path / "job.sh").read_text()
    told = (
        "#SBATCH -p batch",
        "#SBATCH -n 1",
        "--cpus-per-task=2",
        "--mem=30G",
        "-t 04:00:00",
        *WORKERS,
    )
    assert [piece for piece in told if piece not in job] == []
    with xr.open_dataset(tmp_path / "phase.nc") as found:
        axes = {"r_orientation": "2:8:3", "r_attraction": [9.0]}
        # The script computes in single precision, these tests in double.
        with jax.enable_x64(False):
            alone = kj.sweep("swarm", axes, n_steps=20, replicates=2)
        assert found["valid"].all()
        xr.testing.assert_equal(found, alone)
