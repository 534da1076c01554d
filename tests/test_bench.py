"""Each benchmark at toy size, so that none rots; derivatives.py whole, in test_smooth.py."""

import json
from collections.abc import Iterator
from importlib import import_module
from multiprocessing.context import ForkServerContext
from pathlib import Path

import chromium
import pytest
from forked import forking, run
from quickly import QUICKLY

BENCH = Path(__file__).parent.parent / "bench"
WITHOUT_FIGURE = (
    "parity.py",
    "ensemble.py",
    "film.py",
    "chaos.py",
    "fuzz.py",
    "cluster.py",
    "long_runs.py",
)
# Without the peer there are no ratios to draw.
WITHOUT_PEER = ("against_peer.py",)
WITHOUT_BROWSER = bool(chromium.missing()) and not chromium.is_required()


@pytest.fixture(scope="module")
def forks() -> Iterator[ForkServerContext]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in QUICKLY.items():
            patch.setenv(name, value)
        yield forking()


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
            "scaling.py",
            "--most 100 --most-dense 100 --slope-from 100 --aligning 100 --million 100"
            " --repeats 1 --without-peer",
            "slope of cells from 100 fish",
        ),
        (
            "mesh.py",
            "--dense 60 --cells 100 --repeats 1",
            "times as fast",
        ),
        ("cost_model.py", "--sizes 100 --ratios 4.5 --repeats 1", "LISTED_FISH"),
        (
            "sweep.py",
            "--side 2 --replicates 1 --n-steps 20 --without-peer --memory-of 20"
            " --small-side 2 --small-replicates 1 --small-steps 20",
            "peak MiB",
        ),
        (
            "startup.py",
            "--schools swarm --repeats 1 --shorten 50 --without-peer",
            "kadita run, warm",
        ),
        (
            "sensitivity.py",
            "--n-fish 8 --n-steps 20 --points 1 --true-replicates 16 --replicates 16 --paths 16"
            " --horizons 20 --horizon-replicates 16 --reverse 8 20 --of polarization",
            "steps in reverse",
        ),
        (
            "couzin2002.py",
            "--side 2 --replicates 1 --n-steps 20 --seeds 1 --points 2",
            "highly parallel, from 6 x 10 to 15",
        ),
        ("hysteresis.py", "--values 0:1:2 --replicates 2 --n-steps 10", "up: P / M"),
        (
            "unlike.py",
            "--schools 2 --n-steps 30 --led 2 --varied speed --sizes 10",
            "accuracy 0.5 at an informed fraction",
        ),
        (
            "calibration.py",
            "--n-fish 6 --n-steps 20 --starts 1 --schools 32",
            "of 1 starts within 5% of the truth",
        ),
        ("film.py", "--n-fish 9 --frames 3 --without-peer", "9 fish, 3 frames"),
        ("metrics.py", "--small 10 --large 20 --parts-of 10 --repeats 1", "histogram over pairs"),
        (
            "gpu.py",
            "--dense 100 --cells 100 --metrics 10 --members 4 --member-fish 10 --member-steps 20"
            " --repeats 1 --shorten 100 --peak-tflops 1 --bandwidth 1",
            "members x steps",
        ),
        # Not toys: so many of each in CI.
        ("chaos.py", "--kills 10", "10 of 10 results with the bits of an undisturbed command"),
        ("fuzz.py", "--cases 34", "0 of 102 cases went wrong"),
        (
            "cluster.py",
            "--n-fish 10 --n-steps 20 --side 3 --replicates 4 --part-size 4 --repeats 1",
            "same bits: True",
        ),
        ("long_runs.py", "--n-steps 4000", "apart in standard errors"),
        pytest.param(
            "viewer.py",
            "--sizes 10 --frames 5 --seconds 0.2",
            "frames/s, trails 50",
            marks=pytest.mark.skipif(WITHOUT_BROWSER, reason=chromium.missing()),
        ),
    ],
)
def test_runs_prints_writes_and_draws(script, words, shown, tmp_path, forks):
    told = tmp_path / "told"
    done = forks.Process(
        target=run, args=(BENCH / script, [*words.split(), "--out", str(tmp_path)], told)
    )
    done.start()
    done.join()
    assert done.exitcode == 0, told.read_text()
    assert shown in told.read_text()
    written = json.loads((tmp_path / script.replace(".py", ".json")).read_text())
    assert written["machine"]["jax"]
    assert written["figures"]
    if script not in WITHOUT_FIGURE + WITHOUT_PEER:
        assert (tmp_path / script.replace(".py", ".png")).stat().st_size > 5_000


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("speed", {"same_bits": False}),
        ("kills_here", {"same_bits": False}),
        ("kills", {"same_bits": False}),
        ("kills_here", {"members_computed": 719}),
        ("kills", {"members_computed": 719}),
    ],
)
def test_a_cluster_whose_sweep_is_unlike_the_plain_one_fails(name, wrong, monkeypatch):
    monkeypatch.syspath_prepend(BENCH)
    unlike_plain = import_module("cluster").unlike_plain
    counts = {"same_bits": True, "members": 720, "members_computed": 720}
    right = {"speed": {"same_bits": True}, "kills_here": counts, "kills": counts}
    assert unlike_plain(right) == []
    assert unlike_plain(right | {name: right[name] | wrong}) == [name]


def test_ratios_to_the_peer_are_drawn(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(BENCH)
    script, report = import_module("against_peer"), import_module("report")
    figures = json.loads((BENCH / "results" / "against_peer.json").read_text())["figures"]
    written = report.save_figure("against_peer", script.draw(figures), tmp_path)
    assert written.stat().st_size > 5_000
