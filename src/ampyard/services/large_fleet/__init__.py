"""A large fleet with a year behind it: to see that lists, charts and boards are quick when there is much to show."""

from ampyard.services.large_fleet.making import LARGE, Made, make_large_fleet
from ampyard.services.large_fleet.plan import LargeFleet, Size

__all__ = ["LARGE", "LargeFleet", "Made", "Size", "make_large_fleet"]
