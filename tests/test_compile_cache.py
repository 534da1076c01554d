"""Compiled programs on disk: found again, bounded, switched off, and never in the way."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import jax
import pytest

from kadita_jax import compile_cache
from kadita_jax.compile_cache import cache_folder, use_compile_cache

SETTINGS = (
    "jax_compilation_cache_dir",
    "jax_enable_compilation_cache",
    "jax_persistent_cache_min_compile_time_secs",
)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A user's empty home, and jax's settings as a fresh process has them."""
    for name in ("JAX_COMPILATION_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    before = {name: getattr(jax.config, name) for name in SETTINGS}
    jax.config.update("jax_compilation_cache_dir", None)
    with warnings.catch_warnings():
        yield tmp_path
    for name, value in before.items():
        jax.config.update(name, value)


def folder_in_use() -> str | None:
    use_compile_cache()
    return jax.config.jax_compilation_cache_dir


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, ".cache/kadita_jax"),
        ("linux", {"XDG_CACHE_HOME": "/elsewhere"}, "/elsewhere/kadita_jax"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, ".cache/kadita_jax"),
        ("darwin", {}, "Library/Caches/kadita_jax"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/kadita_jax"),
    ],
)
def test_the_folder_is_the_platforms_own(platform, variables, expected, home, monkeypatch):
    monkeypatch.setattr(compile_cache.sys, "platform", platform)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == home / expected


def test_the_folder_is_made_for_this_user_alone(home):
    assert folder_in_use() == str(home / ".cache" / "kadita_jax")
    assert cache_folder().stat().st_mode & 0o777 == 0o700
    assert not list(cache_folder().iterdir())


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="folders have no owner here")
@pytest.mark.parametrize(("mode", "owner"), [(0o770, 0), (0o707, 0), (0o700, 1)])
def test_where_others_could_put_programs_none_is_found(mode, owner, home, monkeypatch, capsys):
    cache_folder().mkdir(parents=True)
    cache_folder().chmod(mode)
    user = os.geteuid() + owner
    monkeypatch.setattr(compile_cache.os, "geteuid", lambda: user)
    assert folder_in_use() is None
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert told.startswith(f"kadita: keeps no compiled programs: {home / '.cache' / 'kadita_jax'} ")


@pytest.mark.usefixtures("home")
def test_what_jax_cannot_read_is_removed_in_silence(capsys):
    assert folder_in_use() is not None
    for name in ("jit_[a]-1-cache", "jit_a-1-cache", "jit_[a]-1-atime"):
        (cache_folder() / name).touch()
    warnings.warn(f"{compile_cache.UNREADABLE} entry for 'jit_[a]': Error: it's bad", stacklevel=1)
    assert {path.name for path in cache_folder().iterdir()} == {"jit_a-1-cache", "jit_[a]-1-atime"}
    assert capsys.readouterr().err == ""


def test_what_the_user_told_jax_stays(home):
    jax.config.update("jax_compilation_cache_dir", str(home / "mine"))
    assert folder_in_use() == str(home / "mine")
    assert not cache_folder().exists()


def test_no_folder_no_cache_and_no_word_of_it(home, monkeypatch):
    (home / ".cache").write_text("in the way")
    assert folder_in_use() is None
    monkeypatch.setattr(compile_cache.Path, "expanduser", no_home)
    assert folder_in_use() is None


def no_home(_: Path) -> Path:
    raise RuntimeError("Could not determine home directory.")


def test_where_jax_keeps_nothing_no_folder_is_made(home):
    jax.config.update("jax_enable_compilation_cache", False)
    assert folder_in_use() is None
    assert not list(home.iterdir())


def test_the_oldest_programs_make_room(home, monkeypatch):
    monkeypatch.setattr(compile_cache, "MOST_BYTES", 250)
    cache_folder().mkdir(mode=0o700, parents=True)
    for age, name in enumerate("abc"):
        entry = cache_folder() / f"{name}-cache"
        entry.write_bytes(bytes(100))
        os.utime(entry, (1e9 - age, 1e9 - age))
    (cache_folder() / "autotuned").mkdir()
    assert folder_in_use() == str(home / ".cache" / "kadita_jax")
    assert {path.name for path in cache_folder().iterdir()} == {"a-cache", "b-cache", "autotuned"}


def kadita(line: str, folder: Path, **variables: str) -> tuple[int, str]:
    """Exit code and standard error of a command that keeps its cache in this folder."""
    variables |= {"XDG_CACHE_HOME": str(folder)}
    # jax has set in this process how much of XLA's log is shown.
    here_alone = ("JAX_COMPILATION_CACHE_DIR", "TF_CPP_MIN_LOG_LEVEL")
    inherited = {k: v for k, v in os.environ.items() if k not in here_alone}
    command = [sys.executable, "-c", "from kadita_jax.cli import main; main()", *line.split()]
    done = subprocess.run(
        command, cwd=folder, env=inherited | variables, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr


def tables_of_a_run(folder: Path) -> dict[str, bytes]:
    """What `kadita run` of a tiny school leaves, having said nothing on standard error."""
    (folder / "tiny.toml").write_text("n_fish = 7\nn_steps = 4\nsave_every = 2\n")
    # Nothing here depends on how well it is compiled.
    quickly = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    assert kadita("run tiny.toml --out out --overwrite", folder, **quickly) == (0, "")
    return {path.name: path.read_bytes() for path in (folder / "out").glob("*.csv")}


def test_the_second_command_compiles_nothing_and_gives_the_same_bits(tmp_path):
    first, cache = tables_of_a_run(tmp_path), tmp_path / "kadita_jax"
    programs = {path.name: path.stat().st_mtime_ns for path in cache.iterdir()}
    assert any("simulate" in name for name in programs)
    assert tables_of_a_run(tmp_path) == first
    assert {path.name: path.stat().st_mtime_ns for path in cache.iterdir()} == programs
    for path in cache.iterdir():
        path.write_bytes(b"damaged")
    assert tables_of_a_run(tmp_path) == first
    assert {path.name for path in cache.iterdir()} == set(programs)
    assert not any(path.read_bytes() == b"damaged" for path in cache.iterdir())


@pytest.mark.parametrize(
    ("words", "variables", "kept"),
    [
        ("", {}, True),
        ("--no-compile-cache", {}, False),
        ("", {"KADITA_NO_COMPILE_CACHE": "1"}, False),
    ],
)
def test_the_command_keeps_nothing_when_told_so(words, variables, kept, tmp_path):
    code, _ = kadita(f"{words} plot absent.nc", tmp_path, **variables)
    assert code == 2
    assert (tmp_path / "kadita_jax").exists() == kept
