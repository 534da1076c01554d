"""A disk that has no room, takes none or may not be written to costs nothing that was there."""

import errno
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

import kadita_jax as kj

SMALL = kj.Scenario(name="small", n_fish=12, box_size=8.0, n_steps=40)


def test_a_run_that_the_disk_has_no_room_for_is_refused_with_the_figures(tmp_path, monkeypatch):
    # 5 frames of 12 fish: 6 floats of 8 bytes each, 12 metrics, a label, a time.
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(2**20, 2**20 - 2048, 2048))
    told = "need 5.65 KiB, before and after they are compressed, of 2 KiB free"
    with pytest.raises(OSError, match=told) as caught:
        kj.run(SMALL, out=tmp_path / "run.nc")
    assert caught.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.EDQUOT])
def test_a_disk_that_cannot_keep_room_is_no_hindrance_and_one_that_may_not_is_told(
    number, tmp_path, monkeypatch
):
    def fail(*_: object) -> None:
        raise OSError(number, "of no file")

    monkeypatch.setattr(os, "posix_fallocate", fail)
    path = tmp_path / "small.nc"
    if number == errno.EOPNOTSUPP:
        kj.run(SMALL, out=path).close()
        return
    with pytest.raises(OSError, match=r"the frames need .* KiB: .*small\.nc"):
        kj.run(SMALL, out=path)
    assert list(tmp_path.iterdir()) == []


# A file system of 2 MiB that fills up while the run goes on; it goes on when there is room again.
FULL = """
import errno, os, sys
from functools import partial
import jax
import kadita_jax as kj
from kadita_jax import plan

jax.config.update("jax_enable_x64", True)
os.chdir(sys.argv[1])
plan.PART_PAIRS = 1
if sys.argv[2] == "unreserved":
    del os.posix_fallocate
school = kj.Scenario(name="long", n_fish=300, n_steps=30, save_every=1, box_size=20.0)

def fill(done):
    if done == 10:
        with open("ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(512))
            except OSError:
                pass

def sweep(**options):
    options |= {"n_steps": 2, "measure_every": 1, "part_size": 1}
    return kj.sweep(school, {"noise": "0.1:1:20"}, **options)

is_sweep = sys.argv[2] == "sweep"
try:
    (sweep if is_sweep else partial(kj.run, school))(out="long.nc", progress=fill)
except OSError as error:
    print(error)
print(sorted(os.listdir()))
os.unlink("ballast")
whole = sweep() if is_sweep else kj.run(school)
found = sweep(out="long.nc") if is_sweep else kj.resume("long.nc")
print(found.equals(whole), sorted(os.listdir()))
"""


def in_a_small_file_system(folder: Path, *argv: str) -> list[str]:
    """The command's words, where a file system of 2 MiB is mounted over a folder for it alone."""
    mount = f'mount -t tmpfs -o size=2m tmpfs "{folder}" && exec "$@"'
    return ["unshare", "-rm", "sh", "-c", mount, "sh", *argv]


def can_mount(folder: Path) -> bool:
    words = in_a_small_file_system(folder, "true")
    return bool(shutil.which("unshare")) and not subprocess.call(words, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("kind", "left"),
    [
        ("reserved", "long.nc.partial"),
        ("unreserved", "long.nc.partial"),
        ("sweep", "long.nc.parts"),
    ],
)
def test_a_disk_that_fills_up_costs_nothing(kind, left, tmp_path):
    """On the way frames fail where no room is kept for them; in the end their compressed copy."""
    if not can_mount(tmp_path):
        pytest.skip("no file system can be mounted here")
    words = in_a_small_file_system(tmp_path, sys.executable, "-c", FULL, str(tmp_path), kind)
    done = subprocess.run(words, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    assert "long.nc" in done.stdout.splitlines()[0]
    assert done.stdout.splitlines()[1:] == [f"['ballast', '{left}']", "True ['long.nc']"]
