"""The word that chooses frames of a run, "A:B:STRIDE", read as Python reads a slice."""

from kadita_jax.errors import Fault

FRAMES_RULE = "must be A:B or A:B:STRIDE, whole numbers of which any may be left out"


def parse_frames(text: str | None) -> slice | None:
    """A slice from "A:B" or "A:B:STRIDE", all frames from None; None when it is neither."""
    words = (":" if text is None else text).split(":")
    try:
        parts = [int(part) if part.strip() else None for part in words]
    except ValueError:
        return None
    if not 2 <= len(parts) <= 3 or (len(parts) == 3 and parts[2] is not None and parts[2] < 1):
        return None
    return slice(*parts)


def word_faults(text: str | None) -> list[Fault]:
    """The fault of a word that cannot be read."""
    return [] if parse_frames(text) else [Fault("frames", FRAMES_RULE, text)]


def taken_frames(text: str | None, n_frames: int) -> range:
    """The numbers of the frames that a word without `word_faults` takes of so many."""
    return range(*(parse_frames(text) or slice(None)).indices(n_frames))


def taking_faults(text: str | None, n_frames: int, least: int = 1) -> list[Fault]:
    """The fault of a word that cannot be read, or that takes fewer frames than are needed."""
    faults = word_faults(text)
    if faults or len(taken_frames(text, n_frames)) >= least:
        return faults
    return [Fault("frames", f"must take at least {least} of the {n_frames} frames", text)]
