"""The lists that senders serve, and what is in them."""

from ampyard.ocpi.modules import Models, each
from ampyard.ocpi.v2_2_1 import locations as locations_2_2_1
from ampyard.ocpi.v2_3_0 import locations as locations_2_3_0

LISTS: dict[str, Models] = {
    "locations": each(locations_2_2_1.Location, locations_2_3_0.Location),
}
