"""Who is summed over. Every enumeration feeds the one rule of `kadita_jax.rules`."""

from kadita_jax.neighbours.cells import sum_over_near as sum_over_near
from kadita_jax.neighbours.choice import NEIGHBOURS as NEIGHBOURS
from kadita_jax.neighbours.choice import Neighbours as Neighbours
from kadita_jax.neighbours.choice import cell_layout as cell_layout
from kadita_jax.neighbours.choice import chosen_layout as chosen_layout
from kadita_jax.neighbours.choice import grown as grown
from kadita_jax.neighbours.choice import neighbours_faults as neighbours_faults
from kadita_jax.neighbours.choice import pairs_of_step as pairs_of_step
from kadita_jax.neighbours.choice import radii_in_box as radii_in_box
from kadita_jax.neighbours.choice import traced_faults as traced_faults
from kadita_jax.neighbours.dense import sum_over_all as sum_over_all
