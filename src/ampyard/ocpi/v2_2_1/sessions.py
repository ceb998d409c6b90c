"""Session of OCPI 2.2.1 (chapter 9)."""

from ampyard.ocpi.v2_2_1.cdrs import CdrToken
from ampyard.ocpi.v2_2_1.types import Price
from ampyard.ocpi.wire import sessions as shared


class Session(shared.Session):
    cdr_token: CdrToken
    total_cost: Price | None = None
