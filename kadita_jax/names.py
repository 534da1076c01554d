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

# Told of schools in open water, or where a distance is asked for; the fields of `metrics.Groups`.
GROUP_LONG_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "n_groups": "number of groups: fish joined by chains of others within the group distance",
        "largest_group": "fraction of the fish in the largest group",
        "largest_group_polarization": "polarization P of the largest group alone",
        "largest_group_rotation": "rotation M of the largest group alone, about its own centroid",
    }
)
GROUP_NAMES = tuple(GROUP_LONG_NAMES)
# Of schools with informed fish.
ACCURACY_LONG_NAMES: Mapping[str, str] = MappingProxyType(
    {"accuracy": "accuracy, cosine of the mean heading to the preferred direction"}
)
ACCURACY_NAMES = tuple(ACCURACY_LONG_NAMES)


def more_names(*, has_groups: bool, is_led: bool) -> tuple[str, ...]:
    """What is told of a school beside the twelve metrics, in file order.

    **Arguments:**

    - `is_led`: whether there is a direction that fish may prefer.
    """
    return (*(GROUP_NAMES if has_groups else ()), *(ACCURACY_NAMES if is_led else ()))


MORE_LONG_NAMES = {**GROUP_LONG_NAMES, **ACCURACY_LONG_NAMES}
MORE_NAMES = tuple(MORE_LONG_NAMES)
ALL_LONG_NAMES = {**LONG_NAMES, **MORE_LONG_NAMES}
