"""Session of OCPI 2.3.0 (chapter 9)."""

from ampyard.ocpi.v2_3_0.types import Price
from ampyard.ocpi.wire import sessions as shared
from ampyard.ocpi.wire.cdrs import CdrToken


class Session(shared.Session):
    cdr_token: CdrToken
    total_cost: Price | None = None
