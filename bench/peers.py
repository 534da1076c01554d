"""Other packages, each in an environment of its own and run by its own Python."""

import json
import os
import subprocess
import venv
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CACHE = HERE.parent / ".cache"


def python_with(requirement: str, folder: str) -> Path:
    """The Python of an environment that holds one package, made on first use."""
    environment = CACHE / folder
    python = environment / "bin" / "python"
    if not python.exists():
        venv.create(environment, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", requirement], check=True)
    return python


def run_worker(python: Path, script: str, order: Any) -> Any:
    """What a script beside this one answers to an order, both as JSON."""
    done = subprocess.run(
        [python, HERE / script],
        input=json.dumps(order),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": ""},
    )
    return json.loads(done.stdout)
