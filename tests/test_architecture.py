"""The house stands: imports only go down, and the lower floors are pure."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "kadita_jax"

FLOORS = (
    (
        "errors",
        "names",
        "parameters",
        "arrays",
        "numerics",
        "pytree",
        "keys",
        "draws",
        "threefry",
        "blocks",
        "capacity",
        "moments",
        "axes",
        "knots",
        "courses",
        "walks",
        "shares",
    ),
    ("geometry", "cells", "candidates"),
    ("model", "initial"),
    ("rules", "turning", "schedule"),
    ("neighbours",),
    ("stepping", "simulation", "metrics"),
    ("window", "places", "observed", "member", "sweeping", "pathwise", "growth", "differences"),
    (
        "interruptible",
        "distributions",
        "scenario_checks",
        "scenario",
        "layout",
        "netcdf",
        "files",
        "locks",
        "interrupts",
        "heartbeats",
        "first_reader",
        "probe",
        "dataset",
        "form",
        "earlier",
        "runfile",
        "tables",
        "host",
        "machine",
        "provenance",
        "tracks",
        "plan",
        "parts",
        "study",
        "grid",
        "sweep_plan",
        "sweep_layout",
        "journal",
        "sweepfile",
        "prepare",
        "worker",
        "connection",
        "cluster",
        "sweeps",
        "sensitivity_checks",
        "sensitivity_steps",
        "sensitivity_plan",
        "sensitivity_result",
        "sensitivities",
        "hysteresis_plan",
        "hysteresis_loop",
        "bounds",
        "fitting",
        "calibration_target",
        "calibration_plan",
        "calibration",
        "devices",
        "ahead",
        "compile_cache",
        "motion",
        "plot",
        "viewer",
        "artist",
        "pictures",
    ),
    (
        "terminal",
        "sweep_words",
        "last_word",
        "job_checks",
        "jobs",
        "run_job",
        "frame_words",
        "film_job",
        "sweep_job",
        "exits",
        "options",
        "study_jobs",
        "loop_job",
        "study_commands",
        "view_job",
        "file_commands",
        "cli",
    ),
)
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
PURE_LIBRARIES = {"jax", "numpy", "jaxtyping"}
STANDARD_LIBRARY_OF_PURE_FLOORS = {
    "collections",
    "contextlib",
    "dataclasses",
    "difflib",
    "functools",
    "itertools",
    "math",
    "numbers",
    "types",
    "typing",
    "zlib",
}

MODULES = sorted(PACKAGE.rglob("*.py"))


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """All that can run: what is there for type checkers only is passed over."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from walk(child)


def imports(path: Path) -> set[str]:
    """Dotted names of everything a module imports."""
    found = set()
    for node in walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "kadita_jax":
            found |= {f"kadita_jax.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
    return found


def home(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_every_module_has_a_floor():
    assert {home(path) for path in MODULES} - {"__init__"} == set(FLOOR)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_only_go_down(path):
    if home(path) == "__init__":
        return
    ours = {name.split(".")[1] for name in imports(path) if name.startswith("kadita_jax.")}
    above = {name for name in ours & set(FLOOR) if FLOOR[name] > FLOOR[home(path)]}
    assert above == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_lower_floors_are_pure(path):
    if FLOOR.get(home(path), 9) > 6:
        return
    libraries = {name.split(".")[0] for name in imports(path)} - {"kadita_jax"}
    assert libraries <= PURE_LIBRARIES | STANDARD_LIBRARY_OF_PURE_FLOORS
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert calls.isdisjoint({"print", "open", "input"})


def test_metrics_need_no_simulator():
    for path in (PACKAGE / "metrics").glob("*.py"):
        ours = {name.split(".")[1] for name in imports(path) if name.startswith("kadita_jax.")}
        assert {FLOOR[name] for name in ours - {"metrics"}} <= {0, 1}


def test_every_public_name_is_there():
    import kadita_jax as kj

    public = [name for name in dir(kj) if not name.startswith("_")]
    assert len(public) > 15
    for name in public:
        assert getattr(kj, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'simluate'"):
        _ = kj.simluate


def test_pictures_need_no_jax():
    # The process that draws them would import it for nothing, while the other one compiles.
    told = "import sys, kadita_jax.pictures, kadita_jax.plot as p; p.summary; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert {"matplotlib", "kadita_jax.plot.summary"} <= set(done.stdout.split())
    assert "jax" not in done.stdout.split()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_that_is_read_is_run(path):
    libraries = {name.split(".")[0] for name in imports(path)}
    assert libraries.isdisjoint({"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"})
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    for call in calls:
        assert ast.unparse(call.func) not in {"eval", "exec"}
        allowed = [word for word in call.keywords if word.arg == "allow_pickle"]
        assert all(ast.unparse(word.value) == "False" for word in allowed)
        # The default of numpy's is the same; where it matters it stands there.
        assert allowed or ast.unparse(call.func) not in {"np.load", "np.savez"}
