"""The lists that senders serve, and what is in them."""

from ampyard.ocpi.models import CDR, CLIENT_INFO, LOCATION, SESSION, TARIFF, TOKEN
from ampyard.ocpi.modules import Models

LISTS: dict[str, Models] = {
    "locations": LOCATION,
    "tariffs": TARIFF,
    "sessions": SESSION,
    "cdrs": CDR,
    "tokens": TOKEN,
    "hubclientinfo": CLIENT_INFO,
}
