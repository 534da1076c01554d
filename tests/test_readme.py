"""What the README promises: its example, its commands, its table of benchmarks."""

import json
import re
from pathlib import Path

import jax
import pytest

import kadita_jax as kj

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def block(language: str, after: str) -> str:
    """The first fenced block of a language after a mark."""
    found = re.search(rf"```{language}\n(.*?)```", README[README.index(after) :], re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_ten_lines_print_what_they_promise(capsys):
    with jax.enable_x64(False), jax.numpy_rank_promotion("allow"):
        exec(block("python", "## Ten lines"), {})
    printed, promised = capsys.readouterr().out.split("\n"), block("text", "prints").split("\n")
    # In between, chaos magnifies what a jax release rounds differently.
    assert printed[0].split()[:2] == promised[0].split()[:2]
    assert printed[1].split()[:2] == promised[1].split()[:2]
    assert printed[2] == promised[2]


def test_three_lines_draw_the_figure_of_a_sweep(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    school = kj.Scenario(n_fish=7, n_steps=12, save_every=1)
    axes = {"r_orientation": [1, 2, 3], "r_attraction": [4, 5, 6, 7]}
    kj.sweep(school, axes, measure_every=3, out="phase.nc", keep_final=True).close()
    lines = block("python", "<!-- ci: figure -->")
    assert len(lines.split("\n\n")[-1].splitlines()) + 1 == 3
    exec(lines, {})
    assert (tmp_path / "polarization.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("mark", "ends"),
    [("<!-- ci: run -->", "kadita run --out schools"), ("<!-- ci: tests -->", "python -m pytest")],
)
def test_the_two_commands_are_one_line_each(mark, ends):
    command = block("bash", mark)
    assert command.count("\n") == 1
    assert command.startswith("python -m pip install ")
    assert command.endswith(f" && {ends}\n")


def test_its_pictures_are_there_and_small():
    shown = re.findall(r"!\[(.+?)\]\((.+?)\)", README)
    assert len(shown) >= 4
    for words, path in shown:
        assert len(words) > 20
        assert 10_000 < (ROOT / path).stat().st_size < 600_000


def test_the_films_take_what_the_benchmark_wrote():
    found = json.loads((ROOT / "bench" / "results" / "film.json").read_text())["figures"]
    ours, peer = (found[name]["seconds"] for name in ("our MP4", "the peer's GIF"))
    told = f"{found['n_fish']} fish and {found['frames']} frames (`python bench/film.py`)"
    words = f"{told}: MP4 in {ours:.0f} s, GIF in {found['our GIF']['seconds']:.0f} s"
    assert words in README.replace("\n", " ")
    assert f"takes {peer:.0f} s" in README


def test_the_viewer_plays_as_its_benchmark_wrote():
    figures = json.loads((ROOT / "bench" / "results" / "viewer.json").read_text())["figures"]
    (large,) = (found for found in figures if found["n_fish"] == 1000)
    plain, trailing = large["fps_trails_0"], large["fps_trails_50"]
    assert min(plain, trailing) >= 30
    words = f"play at {plain:.0f} frames a second, and at {trailing:.0f} with trails of 50"
    assert words in README.replace("\n", " ")
    assert f"{large['n_fish']:,} fish in 500 frames are {large['megabytes']:.0f} MB" in README


def test_the_cluster_takes_what_the_benchmark_wrote():
    found = json.loads((ROOT / "bench" / "results" / "cluster.json").read_text())["figures"]
    overhead = found["speed"]["overhead"]
    assert overhead <= 0.15
    assert found["speed"]["same_bits"]
    for kills in (found["kills_here"], found["kills"]):
        assert kills["members"] == kills["members_computed"] == 2000
        assert kills["same_bits"]
        # One in flight on each worker that was killed, and on both when the scheduler was.
        in_flight = kills["workers_killed"] + 2 * kills.get("schedulers_killed", 0)
        assert kills["begun_more_than_once"] <= in_flight
        assert kills["most_often"] == 2
    words = f"{found['kills']['members']:,} members of {found['settings']['n_fish']} fish take"
    assert f"{words} {100 * overhead:.0f} % longer" in README.replace("\n  ", " ")


def test_what_was_killed_went_on():
    found = json.loads((ROOT / "bench" / "results" / "chaos.json").read_text())["figures"]
    was_whole = sum(left["finished"] for left in found["left"].values())
    words = f"**Killed {found['same_bits']} times** at random moments ({was_whole} of them once"
    assert words in README


def test_what_is_wrong_was_refused():
    found = json.loads((ROOT / "bench" / "results" / "fuzz.json").read_text())["figures"]
    assert found["bad"] == []
    for counts in found["verdicts"].values():
        assert counts.pop("refused") + counts.pop("accepted") == 2000
        assert set(counts.values()) == {0}
    assert "Of 2,000 damaged files, 2,000 random command lines" in README


def test_long_runs_are_as_the_benchmark_wrote():
    found = json.loads((ROOT / "bench" / "results" / "long_runs.json").read_text())["figures"]
    run = found["streamed"]
    early, most = run["resident_mib_in_the_first_fifth"], run["resident_mib_at_most"]
    assert run["n_steps"] == 1_000_000
    assert run["continued_to_the_bit"]
    # All frames are 97 MiB: what grew with them would be seen. The memory that allocators keep
    # differs by some 15 MiB between runs.
    assert most - early < 0.25 * run["file_mib"]
    words = f"{early:.0f} MiB of memory in the first fifth and {most:.0f} at most"
    assert words in README.replace("\n  ", " ")
    # Two samples: of three such distances, one in two hundred is beyond three by chance.
    assert max(found["far"]["apart in standard errors"].values()) < 3


def test_the_speeds_are_those_that_the_benchmark_wrote():
    figures = json.loads((ROOT / "bench" / "results" / "against_peer.json").read_text())
    assert figures["machine"]["jax"] in README
    for name, ours in figures["figures"]["float32"].items():
        peer = figures["figures"]["peer"][name]
        cell = f"{ours['step_s'] * 1e3:.3f} ({peer['step_s'] / ours['step_s']:.0f}x)"
        assert cell in README


def test_the_gains_of_two_devices_are_those_of_the_benchmark():
    rows = json.loads((ROOT / "bench" / "results" / "mesh.json").read_text())["figures"]
    gain = {(row["way"], row["n_fish"]): row["gain"] for row in rows}
    told = " ".join(README.split())
    assert f"every pair {gain['dense', 20_000]:.1f} times as fast as one" in told
    assert f"100,000 over cells {gain['cells', 100_000]:.1f} times" in told
    assert f"200 fish {1 / gain['dense', 200]:.0f} times as slow" in told


def test_the_phase_diagram_is_that_of_the_benchmark():
    figures = json.loads((ROOT / "bench" / "results" / "sweep.json").read_text())["figures"]
    ours, peer = figures["ours"], figures["peer"]
    ratio = peer["mean_s"] * ours["n_computed"] / ours["wall_s"]
    told = " ".join(README.split())
    assert f"{ours['wall_s']:.0f} s with compiling" in told
    assert f"**{ratio:.0f} times** as long" in told
    assert f"and {figures['peak_mib']['100000']:.0f} MiB" in told


def test_the_errors_of_derivatives_are_those_of_the_benchmark():
    results, told = ROOT / "bench" / "results", " ".join(README.split())
    figures = json.loads((results / "sensitivity.json").read_text())["figures"]
    order, index = (metric["differences"] for metric in figures["judged"].values())
    pairs = [metric["pairs"] for metric in figures["judged"].values()]
    for found in (order, index, *pairs):
        assert f"at {found['covered']} of {found['points']}" in told
    for first, second in ((order, index), pairs):
        widest = f"at most {first['widest']:.0%} and {second['widest']:.0%} of"
        assert widest.replace("%", " %") in told
    assert f"Eight take {figures['cost']['ratio']:.1f} times one forward ensemble" in told
    assert f"in reverse {figures['reverse']['peak_mib']:.0f} MiB" in told
    fits = json.loads((results / "calibration.json").read_text())["figures"]
    near = sum(start["off"] <= 0.05 for start in fits["starts"])
    assert f"{near} ended within 5 %" in told
    assert "in {}, {} and {} of the ten".format(*fits["covered"].values()) in told


def test_the_original_models_figures_are_those_of_the_benchmarks():
    results, told = ROOT / "bench" / "results", " ".join(README.split())
    names = ("couzin2002", "hysteresis", "unlike")
    map_, loop, fish = (
        json.loads((results / f"{name}.json").read_text())["figures"] for name in names
    )
    assert f"5,000 steps each, takes {map_['map']['seconds']:.0f} s" in told
    shares = [share for row in map_["strip"]["milling"] for share in row]
    assert f"({100 * sum(shares) / len(shares):.0f} % of the schools there mill" in told
    torus, *others = (row[-1] for row in map_["checks"][:4])
    assert f"the median school mills at {torus} points" in told
    assert all(len(set(row.split(" of "))) == 1 for row in others)
    mills = {field: f"{100 * v['torus_schools']:.0f} %" for field, v in map_["perception"].items()}
    assert f"{mills['300']} with 300, {mills['270']} with 270, {mills['230']} with 230" in told
    assert f"of 16 schools takes {loop['seconds']:.0f} s" in told
    half = {(told["zones"], told["n_fish"]): told["for_half"] for told in fish["leading"]}
    assert f"({half['narrow', 10]:.2f} of 10 fish against {half['narrow', 50]:.2f} of 50" in told
