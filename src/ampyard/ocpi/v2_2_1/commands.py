"""Commands of OCPI 2.2.1 (chapter 13) that name a token."""

from ampyard.ocpi.v2_2_1.tokens import Token
from ampyard.ocpi.wire import commands as shared


class ReserveNow(shared.ReserveNow):
    token: Token


class StartSession(shared.StartSession):
    token: Token
