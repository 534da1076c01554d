"""Who is summed over. Every enumeration feeds the one rule of `kadita_jax.rules`."""

from kadita_jax.neighbours.dense import sum_over_all as sum_over_all
