"""When a run of a sweep is measured."""

from typing import Any, NamedTuple, TypeAlias

from kadita_jax.errors import Fault, count_faults

# A whole number, or one that is traced: the window is no constant of the compiled program.
Count: TypeAlias = Any


class Window(NamedTuple):
    """When a run is measured: at the multiples of `every` with burn_in < step <= n_steps."""

    n_steps: Count
    every: Count
    burn_in: Count

    @property
    def first(self) -> Count:
        """The first step that is measured."""
        return (self.burn_in // self.every + 1) * self.every

    @property
    def n_frames(self) -> Count:
        """How many steps are measured."""
        return self.n_steps // self.every - self.burn_in // self.every


def window_of(n_steps: Count, measure_every: Count, burn_in: Count | None) -> Window:
    """The window of a run of so many steps; without a burn_in its second half is measured."""
    # Python's own numbers: numpy's whole numbers are no JSON.
    return Window(n_steps, int(measure_every), n_steps // 2 if burn_in is None else int(burn_in))


def settings_faults(n_steps: int | None, measure_every: Any, burn_in: Any) -> list[Fault]:
    """What is wrong with a window as a person asks for it, of a run of so many steps or unknown."""
    if n_steps is not None:
        until = n_steps // 2 if burn_in is None else burn_in
        return window_faults(n_steps, measure_every, until)
    until = 0 if burn_in is None else burn_in
    return count_faults({"measure_every": measure_every}) + count_faults({"burn_in": until}, low=0)


def window_faults(n_steps: Any, measure_every: Any, burn_in: Any) -> list[Fault]:
    """Every rule that a measuring window breaks."""
    faults = count_faults({"n_steps": n_steps, "measure_every": measure_every})
    faults += count_faults({"burn_in": burn_in}, low=0)
    if not faults and measure_every > n_steps:
        faults.append(Fault("measure_every", f"must be <= n_steps = {n_steps}", measure_every))
    elif not faults and Window(n_steps, measure_every, burn_in).n_frames < 1:
        rule = f"must leave a multiple of measure_every = {measure_every} up to n_steps = {n_steps}"
        faults.append(Fault("burn_in", rule, burn_in))
    return faults
