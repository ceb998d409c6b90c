"""What an OCPP 2.1 CSMS may order: what one of 2.0.1 may, and profiles that mind the link."""

from ampyard.simulator.v201.orders import Orders201


class Orders21(Orders201):
    def _variables(self) -> dict[tuple[str, str], str]:
        """Return the variables of 2.0.1, and of those that 2.1 adds the ones that this station really follows."""
        return super()._variables() | {("SmartChargingCtrlr", "SupportsMaxOfflineDuration"): "true"}
