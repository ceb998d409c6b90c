"""Token of OCPI 2.2.1 (chapter 12): its types are closed."""

from ampyard.ocpi.v2_2_1.types import TokenType
from ampyard.ocpi.wire import tokens as shared


class Token(shared.Token):
    type: TokenType


class AuthorizationInfo(shared.AuthorizationInfo):
    token: Token
