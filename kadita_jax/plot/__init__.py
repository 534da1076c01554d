"""Pictures of a run, drawn without a display and without any global state."""

from kadita_jax.plot.style import save as save
from kadita_jax.plot.summary import summary as summary
