"""What the metrics and the states are called, and in which order.

The one list behind files, tables and pictures; the fields of `metrics.Metrics` are these names, as
a test sees to. It needs no jax, so that what only draws does not wait for it.
"""

from collections.abc import Mapping
from types import MappingProxyType

LONG_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "polarization": "polarization P, length of the mean heading",
        "rotation": "rotation M, length of the mean angular momentum about the centroid",
        "spread": "root mean square distance from the centroid, in body lengths",
        "order_index": "order index, the larger of polarization and rotation",
        "school_cohesion_entropy": "school cohesion entropy, of nearest neighbour distances",
        "polarization_entropy": "polarization entropy, of headings",
        "depth_stratification_entropy": "depth stratification entropy, of the z coordinate",
        "angular_momentum_entropy": "angular momentum entropy, of each fish's angular momentum",
        "nearest_neighbor_entropy": "nearest neighbour entropy, of the spacing of the five nearest",
        "velocity_correlation_entropy": "velocity correlation entropy, of pairs of headings",
        "school_shape_entropy": "school shape entropy, of the covariance's eigenvalues",
        "oceanic_schooling_index": "Oceanic Schooling Index, weighted mean of the seven entropies",
    }
)
NAMES = tuple(LONG_NAMES)

STATES = ("swarm", "torus", "dynamic_parallel", "highly_parallel", "transitional")
