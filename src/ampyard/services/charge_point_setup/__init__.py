"""Setting up charge points: drawn in, edited, moved, given passwords; each change checked against the supply it hangs on.

Where several are created or edited at once it is all or none, and every fault of the request is told with its place in it.
"""

from ampyard.services.charge_point_setup.creating import NewChargePoint, Placed, add_charge_points, create_charge_point, flaws_of, write_new
from ampyard.services.charge_point_setup.editing import Patch, edit_charge_point, edit_charge_points, refit
from ampyard.services.charge_point_setup.passwords import set_password

__all__ = [
    "NewChargePoint",
    "Patch",
    "Placed",
    "add_charge_points",
    "create_charge_point",
    "edit_charge_point",
    "edit_charge_points",
    "flaws_of",
    "refit",
    "set_password",
    "write_new",
]
