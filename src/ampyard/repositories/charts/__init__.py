"""Charts, each kind of many parents at a time."""

from ampyard.repositories.charts.energy import energy_of_charge_points, energy_of_depots, energy_of_vehicles
from ampyard.repositories.charts.groups import energy_of_resource_groups, energy_of_vehicle_groups
from ampyard.repositories.charts.power import power_of_charge_points, power_of_depots, power_of_nodes, power_of_transactions
from ampyard.repositories.charts.utilisation import readiness_of_depots, utilisation_of_charge_points, utilisation_of_depots

__all__ = [
    "energy_of_charge_points",
    "energy_of_depots",
    "energy_of_resource_groups",
    "energy_of_vehicle_groups",
    "energy_of_vehicles",
    "power_of_charge_points",
    "power_of_depots",
    "power_of_nodes",
    "power_of_transactions",
    "readiness_of_depots",
    "utilisation_of_charge_points",
    "utilisation_of_depots",
]
