"""Every metric of a school, pure: order parameters, seven entropies and their index.

Works on any positions and headings, simulated or tracked.
"""

from kadita_jax.metrics.convention import CONVENTIONS as CONVENTIONS
from kadita_jax.metrics.entropies import OSI_WEIGHTS as OSI_WEIGHTS
from kadita_jax.metrics.entropies import angular_momentum_entropy as angular_momentum_entropy
from kadita_jax.metrics.entropies import (
    depth_stratification_entropy as depth_stratification_entropy,
)
from kadita_jax.metrics.entropies import nearest_neighbor_entropy as nearest_neighbor_entropy
from kadita_jax.metrics.entropies import oceanic_schooling_index as oceanic_schooling_index
from kadita_jax.metrics.entropies import polarization_entropy as polarization_entropy
from kadita_jax.metrics.entropies import school_cohesion_entropy as school_cohesion_entropy
from kadita_jax.metrics.entropies import school_shape_entropy as school_shape_entropy
from kadita_jax.metrics.entropies import (
    velocity_correlation_entropy as velocity_correlation_entropy,
)
from kadita_jax.metrics.groups import Groups as Groups
from kadita_jax.metrics.groups import find_groups as find_groups
from kadita_jax.metrics.groups import group_labels as group_labels
from kadita_jax.metrics.groups import measure_groups as measure_groups
from kadita_jax.metrics.groups import measure_groups_trajectory as measure_groups_trajectory
from kadita_jax.metrics.informed import accuracy as accuracy
from kadita_jax.metrics.measure import Metrics as Metrics
from kadita_jax.metrics.measure import measure as measure
from kadita_jax.metrics.measure import measure_trajectory as measure_trajectory
from kadita_jax.metrics.nearest import nearest_distances as nearest_distances
from kadita_jax.metrics.order import polarization as polarization
from kadita_jax.metrics.order import rotation as rotation
from kadita_jax.metrics.order import spread as spread
from kadita_jax.metrics.order import state_label as state_label
from kadita_jax.metrics.sorting import Sorting as Sorting
from kadita_jax.metrics.sorting import rank_correlation as rank_correlation
from kadita_jax.metrics.sorting import sorting as sorting
from kadita_jax.names import NAMES as NAMES
from kadita_jax.names import STATES as STATES
