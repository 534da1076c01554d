"""A run cut where its frames are saved."""

from typing import NamedTuple


class Walks(NamedTuple):
    """A run as three walks: up to the first frame, from frame to frame, and past the last."""

    lead: int
    n_frames: int
    save_every: int
    rest: int


def walks_of(first_step: int, n_steps: int, save_every: int) -> Walks:
    """The walks of so many steps, frames at the absolute steps that are multiples of save_every."""
    lead = -first_step % save_every
    if lead > n_steps:
        return Walks(0, 0, save_every, n_steps)
    n_frames, rest = divmod(n_steps - lead, save_every)
    return Walks(lead, n_frames, save_every, rest)
