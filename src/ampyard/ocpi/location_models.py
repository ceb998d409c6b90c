"""The object classes of Locations, by version."""

from typing import get_args

from ampyard.ocpi.mapping.locations import LocationModels
from ampyard.ocpi.v2_2_1 import locations as locations_2_2_1
from ampyard.ocpi.v2_3_0 import locations as locations_2_3_0
from ampyard.ocpi.wire import locations as wire_locations

LOCATION_MODELS = {
    "2.2.1": LocationModels(
        location=locations_2_2_1.Location,
        evse=locations_2_2_1.Evse,
        connector=locations_2_2_1.Connector,
        business_details=locations_2_2_1.BusinessDetails,
        connector_types=frozenset(get_args(locations_2_2_1.ConnectorType)),
    ),
    "2.3.0": LocationModels(
        location=locations_2_3_0.Location,
        evse=locations_2_3_0.Evse,
        connector=locations_2_3_0.Connector,
        business_details=wire_locations.BusinessDetails,
        connector_types=None,
    ),
}
