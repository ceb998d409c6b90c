"""OCPP 2.1: 2.0.1 with more of it. What that one says and hears is valid here, too, and is checked against the schemas of 2.1."""

from typing import Any

from ocpp.v21.enums import Action

from ampyard.connect.v21.commands import message
from ampyard.connect.v201.endpoint import Endpoint201
from ampyard.domain.charge_points import OcppVersion
from ampyard.domain.commands import Command


class Endpoint21(Endpoint201):
    """What 2.1 adds (discharging, tariffs, distributed energy resources, event streams, …) is answered with NotSupported.

    Fields it adds to known messages, as running costs, are read over.
    """

    version = OcppVersion.V21
    actions = frozenset(Action)
    _ocpp_version = "2.1"  # type: ignore[misc]  # a class variable in the package as well, not annotated as one

    def message(self, command: Command) -> Any:
        return message(command)
