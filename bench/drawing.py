"""How the figures of the benchmarks look. A function that draws one is decorated `@style()`."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from kadita_jax.plot.style import BLUE as BLUE
from kadita_jax.plot.style import GREEN as GREEN
from kadita_jax.plot.style import MUTED as MUTED
from kadita_jax.plot.style import SKY as SKY
from kadita_jax.plot.style import VERMILLION as VERMILLION
from kadita_jax.plot.style import style as style


def new_figure(width: float = 6.4, height: float = 3.8) -> Figure:
    """An empty figure whose parts make room for each other."""
    return Figure(figsize=(width, height), layout="constrained")


def set_logarithmic(axes: Axes, which: str = "xy") -> None:
    """Powers of ten along x, y or both, as plain numbers: pictures parse no formulas."""
    for name in which:
        getattr(axes, f"set_{name}scale")("log")
        axis = getattr(axes, f"{name}axis")
        axis.set_major_locator(LogLocator())
        axis.set_major_formatter("{x:,.7g}")
        axis.set_minor_formatter(NullFormatter())


def label_bars(axes: Axes, form: str) -> None:
    """The value of each bar at its end."""
    for bars in axes.containers:
        axes.bar_label(bars, fmt=form, padding=2, fontsize=7.5)
