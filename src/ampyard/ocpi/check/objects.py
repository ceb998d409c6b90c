"""The lists that senders serve, and what is in them."""

from ampyard.ocpi.modules import Models, each
from ampyard.ocpi.v2_2_1 import cdrs as cdrs_2_2_1
from ampyard.ocpi.v2_2_1 import hub_client_info as hub_client_info_2_2_1
from ampyard.ocpi.v2_2_1 import locations as locations_2_2_1
from ampyard.ocpi.v2_2_1 import sessions as sessions_2_2_1
from ampyard.ocpi.v2_2_1 import tariffs as tariffs_2_2_1
from ampyard.ocpi.v2_2_1 import tokens as tokens_2_2_1
from ampyard.ocpi.v2_3_0 import cdrs as cdrs_2_3_0
from ampyard.ocpi.v2_3_0 import hub_client_info as hub_client_info_2_3_0
from ampyard.ocpi.v2_3_0 import locations as locations_2_3_0
from ampyard.ocpi.v2_3_0 import sessions as sessions_2_3_0
from ampyard.ocpi.v2_3_0 import tariffs as tariffs_2_3_0
from ampyard.ocpi.wire import tokens as tokens_2_3_0

LISTS: dict[str, Models] = {
    "locations": each(locations_2_2_1.Location, locations_2_3_0.Location),
    "tariffs": each(tariffs_2_2_1.Tariff, tariffs_2_3_0.Tariff),
    "sessions": each(sessions_2_2_1.Session, sessions_2_3_0.Session),
    "cdrs": each(cdrs_2_2_1.Cdr, cdrs_2_3_0.Cdr),
    "tokens": each(tokens_2_2_1.Token, tokens_2_3_0.Token),
    "hubclientinfo": each(hub_client_info_2_2_1.ClientInfo, hub_client_info_2_3_0.ClientInfo),
}
