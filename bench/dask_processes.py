"""A Dask scheduler and workers as processes of this machine that can be killed one by one."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Processes:
    """What was started; `environment` is added to that of each.

    Preloaded, a script of Python runs in each worker before anything else.
    """

    address: str
    environment: dict[str, str]
    preload: Path | None = None
    scheduler: subprocess.Popen | None = None
    workers: list[subprocess.Popen] = field(default_factory=list)

    def start_scheduler(self) -> None:
        """Start the scheduler, anew where one was killed."""
        host, port = self.address.removeprefix("tcp://").split(":")
        self.scheduler = self._started("scheduler", "--host", host, "--port", port)

    def start_worker(self) -> None:
        """Start a worker of one thread; nobody starts it again, and it waits for a scheduler."""
        preload = [] if self.preload is None else ["--preload", str(self.preload)]
        words = ("--nthreads", "1", "--no-nanny", "--death-timeout", "60", *preload)
        self.workers.append(self._started("worker", self.address, *words))

    def _started(self, kind: str, *words: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{kind}", *words, "--no-dashboard"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | self.environment,
        )


@contextmanager
def running(
    n_workers: int, environment: dict[str, str], preload: Path | None = None
) -> Iterator[Processes]:
    """A scheduler and workers, killed in the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = Processes(f"tcp://127.0.0.1:{port}", environment, preload)
    processes.start_scheduler()
    for _ in range(n_workers):
        processes.start_worker()
    try:
        yield processes
    finally:
        for process in (processes.scheduler, *processes.workers):
            if process is not None:
                process.kill()
                process.wait()
