"""What may be given as a cluster, and the Dask client that it becomes."""

import logging
import multiprocessing
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from kadita_jax.compile_cache import shared_cache
from kadita_jax.devices import LAST_PORT
from kadita_jax.errors import Fault, InvalidInputError
from kadita_jax.interrupts import held_back

if TYPE_CHECKING:
    from distributed import Client

LOCAL = re.compile(r"local:(\d{1,4})", re.ASCII)
ADDRESS = re.compile(r"tcp://(?:[\w.-]+|\[[\w.:%]+\]):(\d{1,5})", re.ASCII)
RULE = f"must be local:N with N >= 1, tcp://HOST:PORT with PORT <= {LAST_PORT}, or a Client of Dask"
TLS_RULE = "must be given as a Client of Dask in Python, which has the certificates"
CLIENT_RULE = "must be a Client that is connected and not asynchronous"
UNGUARDED = "kadita: a script must start workers below: if __name__ == '__main__':"
CONNECT_SECONDS, CLOSE_SECONDS = 20, 2
# Nobody looks at a dashboard; a lost worker's part is computed by another.
LOCAL_OPTIONS: dict[str, Any] = {
    "threads_per_worker": 1,
    "dashboard_address": None,
    "scheduler_kwargs": {"dashboard_address": ":0"},
    "silence_logs": logging.CRITICAL,
}
# Those that tell of a lost scheduler, as the error that follows does in one line.
LOGGERS = ("distributed", "distributed.client", "tornado.application")


def cluster_faults(cluster: Any) -> list[Fault]:
    """Why something is no cluster; nothing is contacted."""
    if cluster is None:
        return []
    if find_spec("distributed") is None:
        rule = "needs Dask: pip install 'kadita_jax[cluster]'"
        return [Fault("cluster", rule, cluster)]
    if isinstance(cluster, str):
        return _address_faults(cluster)
    from distributed import Client

    if not isinstance(cluster, Client):
        return [Fault("cluster", RULE, type(cluster).__name__)]
    if cluster.asynchronous:
        return [Fault("cluster", CLIENT_RULE, "an asynchronous Client")]
    is_wrong = cluster.status != "running"
    return [Fault("cluster", CLIENT_RULE, f"a {cluster.status} Client")] if is_wrong else []


@contextmanager
def connected(cluster: "Client | str") -> Iterator["Client"]:
    """The client of what `cluster_faults` finds nothing wrong with; closed if it is opened here.

    **Raises:** `InvalidInputError` when no scheduler answers; OSError when no workers can be
    started here.
    """
    if not isinstance(cluster, str):
        yield cluster
        return
    local = LOCAL.fullmatch(cluster)
    with ExitStack() as opened:
        opened.enter_context(_quiet())
        where = cluster if local is None else opened.enter_context(_local(int(local[1])))
        yield opened.enter_context(_client(where))


def _address_faults(text: str) -> list[Fault]:
    local, address = LOCAL.fullmatch(text), ADDRESS.fullmatch(text)
    number, most = (local[1], 9999) if local else (address[1], LAST_PORT) if address else (0, 0)
    if 0 < int(number) <= most:
        return []
    return [Fault("cluster", TLS_RULE if text.startswith("tls://") else RULE, text)]


@contextmanager
def _quiet() -> Iterator[None]:
    # To import it sets the levels of its loggers.
    import distributed  # noqa: F401

    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def _local(n_workers: int) -> Iterator[Any]:
    """Worker processes of this machine, each of one thread, that share its compiled programs."""
    from distributed import LocalCluster

    # Python imports the script in each process that it starts, and there it would start others.
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise SystemExit(UNGUARDED)
    with ExitStack() as opened:
        # Half-started workers cannot be closed.
        with held_back():
            try:
                cluster = LocalCluster(n_workers=n_workers, env=shared_cache(), **LOCAL_OPTIONS)
            except (OSError, RuntimeError) as error:
                raise OSError(f"cannot start {n_workers} workers here: {_cause(error)}") from error
            opened.enter_context(cluster)
        yield cluster


@contextmanager
def _client(where: Any) -> Iterator["Client"]:
    from distributed import Client

    try:
        client = Client(where, timeout=CONNECT_SECONDS, set_as_default=False)
    # A ValueError is a host's name that cannot be one.
    except (OSError, ValueError) as error:
        rule = f"must be where a scheduler answers within {CONNECT_SECONDS} s"
        raise InvalidInputError("cannot sweep", [Fault("cluster", rule, where)]) from error
    try:
        yield client
    finally:
        # A client whose scheduler is lost would wait for another, or for one that does not answer.
        with suppress(TimeoutError):
            client.close(timeout=CLOSE_SECONDS)


def _cause(error: BaseException) -> str:
    """What an error began with, in one line."""
    while (earlier := error.__cause__ or error.__context__) is not None:
        error = earlier
    return " ".join(f"{type(error).__name__}: {error}".split())
