"""Which processes of a sweep are still there, and what one says that was killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from kadita_jax import heartbeats
from kadita_jax.heartbeats import MAY_MISS

# Long beside the moments for which a busy machine lets a thread wait.
SECONDS = 0.05


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(heartbeats, "BEAT_SECONDS", SECONDS)


def listen(refuse_lost: Callable[[], None]) -> None:
    for _ in range(2 * MAY_MISS):
        time.sleep(SECONDS)
        refuse_lost()


def test_a_process_that_stays_silent_is_lost_and_one_that_has_left_is_not(tmp_path):
    (tmp_path / "alive-2").touch()
    with heartbeats.heartbeats(tmp_path, 0, [1, 2]) as refuse_lost:
        refuse_lost()
        with pytest.raises(OSError, match="process 2 of this sweep is lost"):
            listen(refuse_lost)
        (tmp_path / "alive-2").unlink()
        time.sleep(5 * SECONDS)
        refuse_lost()


def test_processes_that_hear_each_other_are_not_lost(tmp_path):
    with (
        heartbeats.heartbeats(tmp_path, 0, [1]) as first,
        heartbeats.heartbeats(tmp_path, 1, [0]) as second,
    ):
        listen(lambda: (first(), second()))
        (tmp_path / "alive-0").unlink()
        time.sleep(5 * SECONDS)
        # The sweep is done: nothing is left again in its folder.
        assert [path.name for path in tmp_path.iterdir()] == ["alive-1"]


def test_alone_nothing_is_written(tmp_path):
    with heartbeats.heartbeats(tmp_path, 0, []) as refuse_lost:
        refuse_lost()
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("end", "told"), [("os.kill(os.getpid(), 9)", "gone\n"), ("pass", "")])
def test_who_was_killed_has_a_last_word(end, told):
    code = f"import os; from kadita_jax.last_word import last_word\nwith last_word('gone'): {end}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stderr == told
    assert run.returncode == (-signal.SIGKILL if told else os.EX_OK)
