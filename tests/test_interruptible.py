"""A computation of jax that takes long does not keep Ctrl-C waiting."""

import os
import signal
import threading
import time
from _thread import interrupt_main

import jax
import jax.numpy as jnp
import pytest

from kadita_jax.interruptible import interruptibly


def send() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.usefixtures("hearing")
# The second only leaves word, as a signal does that comes just before the main thread falls asleep.
@pytest.mark.parametrize("interrupt", [send, interrupt_main])
def test_ctrl_c_is_heard_while_another_thread_computes(interrupt):
    begun, ended = threading.Event(), threading.Event()

    def compute() -> None:
        begun.set()
        ended.wait(20)

    def press() -> None:
        begun.wait(60)
        # By then the main thread sleeps.
        time.sleep(0.5)
        interrupt()

    threading.Thread(target=press).start()
    begin = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            interruptibly(compute)
        assert time.monotonic() - begin < 10
    finally:
        ended.set()


@pytest.mark.parametrize("x64", [False, True])
def test_the_other_thread_computes_in_this_ones_precision(x64):
    with jax.enable_x64(x64):
        assert interruptibly(jnp.zeros, 3).dtype == jnp.zeros(3).dtype


def test_what_it_raises_comes_through():
    with pytest.raises(ZeroDivisionError):
        interruptibly(lambda: 1 / 0)
