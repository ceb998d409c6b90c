"""Looking at an OCPI server from outside, reading only: does it keep the rules of the standard? It can be pointed at anybody's."""

from ampyard.ocpi.check.findings import Finding, Outcome
from ampyard.ocpi.check.running import check

__all__ = ["Finding", "Outcome", "check"]
