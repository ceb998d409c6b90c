"""OCPI 2.2.1 and 2.3.0 for roaming partners: `ocpi_app` is mounted at /ocpi.

A request goes through `call` (who asks), a handler (what is asked; the same for every version), a service, `mapping` (our
entities as objects of the version asked for) and `envelope`. Object classes: `wire` for what versions share, `v…` for each.
"""

from ampyard.ocpi.app import ocpi_app

__all__ = ["ocpi_app"]
