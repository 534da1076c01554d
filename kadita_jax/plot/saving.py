"""Pictures and films, written whole under their final names or not at all."""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import numpy as np
from matplotlib.animation import AbstractMovieWriter, FFMpegWriter
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from kadita_jax.errors import Fault, refuse
from kadita_jax.files import PARTIAL, name_faults, replacing
from kadita_jax.plot.animation import Film, moving_faults
from kadita_jax.plot.style import style

DPI = 160
# Of films: 960 x 1080 pixels in MP4, and half of that in a GIF, which is ten times as large.
FILM_DPI, GIF_DPI = 120, 60
GIF_COLOURS = 128
FILMS = (".gif", ".mp4")
NO_FFMPEG = "must end in .gif: ffmpeg, which makes MP4, is not found (apt or conda install ffmpeg)"

Progress = Callable[[int], None]


def save(
    picture: Figure | Axes | Film,
    path: str | os.PathLike[str],
    *,
    dpi: float | int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a picture or a film under its final name whole, or not at all.

    **Arguments:**

    - `picture`: any matplotlib figure, any axes, whose figure it then is, or a film of `animate`.
    - `path`: where to; the suffix gives the format, PNG without one, .mp4 or .gif for films: GIF
        of at most 50 frames a second, as common browsers show faster ones at 10.
    - `dpi`: pixels an inch; 160 for pictures, 120 for MP4 and 60 for GIF when None.
    - `progress`: called with the number of frames written, now and then.

    **Returns:** the path written.

    **Raises:** `InvalidInputError` for a film that is neither, an MP4 without ffmpeg or a GIF that
    is too fast.
    """
    path = Path(path)
    if isinstance(picture, Film):
        rate = {"frames_per_second": picture.frames_per_second}
        refuse("cannot save", film_faults(path) + moving_faults(**rate, is_gif=is_gif(path)))
        _save_film(picture, path, dpi, progress)
    else:
        _save_figure(picture, path, dpi or DPI)
    return path


def is_gif(path: Path) -> bool:
    """Whether a film of this name is a GIF."""
    return path.suffix.lower() == ".gif"


def film_faults(path: Path) -> list[Fault]:
    """Why no film can be written to this path; empty when one can."""
    if faults := name_faults("film", path, PARTIAL):
        return faults
    if path.is_dir():
        return [Fault("film", "must be a file, not a folder", str(path))]
    if path.suffix.lower() not in FILMS:
        return [Fault("film", f"must end in {' or '.join(FILMS)}", str(path))]
    if path.suffix.lower() == ".mp4" and not FFMpegWriter.isAvailable():
        return [Fault("film", NO_FFMPEG, str(path))]
    return []


def _save_figure(picture: Figure | Axes, path: Path, dpi: float | int) -> None:
    figure = picture.get_figure(root=True)
    assert figure is not None
    with replacing(path) as partial, style(), warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes; the file has it in full.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(partial, dpi=dpi, format=path.suffix[1:] or "png")


def _save_film(film: Film, path: Path, dpi: float | int | None, progress: Progress | None) -> None:
    rate, usual = film.frames_per_second, GIF_DPI if is_gif(path) else FILM_DPI
    writer = _GifWriter(rate) if is_gif(path) else _mp4_writer(rate)  # type: ignore[arg-type]
    told: dict[str, Any] = {}
    if progress is not None:
        told = {"progress_callback": lambda number, _: progress(number + 1)}
    with replacing(path) as partial, style(), _told_plainly(path):
        film.save(str(partial), writer, dpi=dpi or usual, **told)


@contextmanager
def _told_plainly(path: Path) -> Iterator[None]:
    """Ctrl-C, which ffmpeg takes too, stays Ctrl-C; what else stops ffmpeg is an OSError."""
    try:
        yield
    except CalledProcessError as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        told = (error.stderr or b"").decode(errors="replace").strip().splitlines()
        raise OSError(f"ffmpeg cannot write {path}: {' '.join(told[-2:])}") from error


def _mp4_writer(rate: float) -> FFMpegWriter:
    # The name that grows ends in .partial, so the container is told; pixels as every player has.
    words = ["-f", "mp4", "-pix_fmt", "yuv420p", "-crf", "20", "-movflags", "+faststart"]
    # Of sides that are odd, which these pixels cannot have, the last row or column goes.
    words += ["-vf", "crop=trunc(iw/2)*2:trunc(ih/2)*2"]
    return FFMpegWriter(fps=rate, codec="libx264", extra_args=words)  # type: ignore[arg-type]


class _GifWriter(AbstractMovieWriter):
    """GIF through Pillow, each frame kept in a byte a pixel: matplotlib's own keeps four."""

    def setup(self, fig: Figure, outfile: str | Path, dpi: float | int | None = None) -> None:
        super().setup(fig, outfile, dpi)  # type: ignore[misc]
        self._frames: list[Image.Image] = []

    def grab_frame(self, **savefig_kwargs: Any) -> None:
        buffer = BytesIO()
        self.fig.savefig(buffer, format="rgba", dpi=self.dpi, **savefig_kwargs)
        whole = Image.frombuffer("RGBA", self.frame_size, buffer.getvalue()).convert("RGB")
        self._frames.append(whole.quantize(GIF_COLOURS, dither=Image.Dither.NONE))

    def finish(self) -> None:
        if not self._frames:
            # Stopped before any: what stopped it is told.
            return
        first, *others = self._frames
        first.save(
            self.outfile,
            format="GIF",
            save_all=True,
            append_images=others,
            duration=frame_lengths(len(self._frames), self.fps),
            loop=0,
        )


def frame_lengths(n_frames: int, frames_per_second: float) -> list[int]:
    """How long each frame of a GIF is shown, in ms: whole hundredths of a second at the right rate.

    At 30 frames a second 30, 40 and 30 ms, again and again.
    """
    begins = np.round(100 / frames_per_second * np.arange(n_frames + 1)).astype(int)
    return [10 * int(length) for length in np.diff(begins)]
