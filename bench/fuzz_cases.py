"""Damaged files and random scenario files, and the right files that all cases begin with."""

import random
import shutil
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

TINY = 'name = "tiny"\nn_fish = 5\nn_steps = 2\nsave_every = 1\nbox_size = 6.0\n'


@dataclass(frozen=True)
class Case:
    """Words for `kadita`, the files to make for them, and whether they are known to be wrong."""

    words: list[str]
    files: dict[str, bytes]
    is_wrong: bool


def damaged_file(draw: random.Random, samples: dict[str, bytes]) -> Case:
    """A NetCDF file that was cut, overwritten in places, or never was one, and a command for it."""
    name = draw.choice(sorted(samples))
    content = samples[name]
    kind = draw.choice(("cut", "bits", "block", "text"))
    if kind == "cut":
        content = content[: draw.randrange(len(content))]
    elif kind == "text":
        content = draw.randbytes(draw.randrange(2000))
    elif kind == "bits":
        content = _with_bits_flipped(draw, content)
    else:
        first = draw.randrange(len(content))
        content = content[:first] + draw.randbytes(512) + content[first + 512 :]
    words = [word.format(name) for word in draw.choice(USES[name])]
    return Case(words, {name: content}, kind in ("cut", "text"))


# What one does with each sample.
USES: dict[str, tuple[list[str], ...]] = {
    "run.nc": (
        ["metrics", "{}"],
        ["plot", "{}", "--out", "pictures"],
        # All 101 frames are six seconds of drawing, ten where others compute, too.
        ["plot", "{}", "--animate", "film.gif", "--frames", "::5"],
        ["view", "{}", "--no-browser", "--out", "page.html"],
        ["run", "--resume", "{}", "--n-steps", "102"],
    ),
    "half.nc.partial": (["run", "--resume", "half.nc"],),
    "sweep.nc": (["plot", "{}"], ["view", "{}", "--no-browser"]),
}


def _with_bits_flipped(draw: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(draw.randint(1, 3)):
        place = draw.randrange(8 * len(changed))
        changed[place // 8] ^= 1 << place % 8
    return bytes(changed)


def scenario_file(draw: random.Random, _samples: dict[str, bytes]) -> Case:
    """A scenario file with letters changed, or with a field that is known to be wrong."""
    if draw.random() < 0.5:
        wrong = draw.choice(WRONG_FIELDS)
        kept = [line for line in TINY.splitlines() if line.split()[0] != wrong.split()[0]]
        return Case(["run", "mine.toml"], {"mine.toml": "\n".join([*kept, wrong]).encode()}, True)
    text = bytearray(TINY.encode())
    for _ in range(draw.randint(1, 4)):
        place = draw.randrange(len(text))
        text[place : place + draw.randint(0, 2)] = draw.randbytes(draw.randint(0, 2))
    # Whatever it has become is read and told, not run: it may be a school of a day's work.
    return Case(["scenarios", "mine.toml"], {"mine.toml": bytes(text)}, False)


WRONG_FIELDS = (
    "n_fish = 0",
    "n_fish = 2.5",
    "n_fish = true",
    "n_fish = 10_000_000_000",
    "n_steps = -1",
    "n_steps = 1e400",
    'box_size = "wide"',
    "box_size = 0",
    "box_size = nan",
    "speed = inf",
    "speed = [1, 2]",
    "noise = -0.1",
    "max_turn = []",
    "blind_angle = 400",
    "r_orientation = 1e9",
    "seed = 1979-05-27",
    "spede = 1",
    "rules = 3",
    "initial = { a = 1 }",
    "schedule = [1]",
    "n_steps = 3\nn_steps = 3",
)


def make_samples(folder: Path) -> None:
    """A finished and an unfinished run, a sweep, the scenario of all, and a folder with a file."""
    import kadita_jax as kj
    from kadita_jax.files import partial_path

    def stop(done: int) -> None:
        # What is unfinished is copied as a kill would leave it.
        if partial_path(Path("half.nc")).exists() and done == 2:
            shutil.copy(partial_path(Path("half.nc")), "kept")

    with chdir(folder):
        Path("tiny.toml").write_text(TINY)
        Path("folder").mkdir()
        Path("folder/note.txt").write_text("a folder in the place of a file")
        kj.run("tiny.toml", n_steps=100, out="run.nc").close()
        kj.sweep(
            "tiny.toml", {"noise": [0.1, 0.2]}, n_steps=2, measure_every=1, out="sweep.nc"
        ).close()
        kj.run("tiny.toml", n_steps=2, out="half.nc", progress=stop).close()
        Path("half.nc").unlink()
        Path("kept").rename("half.nc.partial")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path there."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}
