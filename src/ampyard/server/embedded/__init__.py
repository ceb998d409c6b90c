"""PostgreSQL and Valkey of our own, under one folder, reachable over Unix sockets alone.

For machines that have neither. A deployment that sets `AMPYARD_DATABASE_URL` and `AMPYARD_REDIS_URL` starts none of it.
"""

from ampyard.server.embedded.home import EmbeddedServersError, HomeInUseError, PortTakenError, ensure_port_free
from ampyard.server.embedded.servers import EmbeddedServers

__all__ = ["EmbeddedServers", "EmbeddedServersError", "HomeInUseError", "PortTakenError", "ensure_port_free"]
