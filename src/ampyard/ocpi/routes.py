"""The modules that are served, each declared beside its handlers."""

from ampyard.ocpi.handlers import locations
from ampyard.ocpi.modules import Module

MODULES: tuple[Module, ...] = (locations.MODULE,)
