"""How GraphQL operations run, over HTTP, Server-Sent Events and WebSocket. Knows no domain; see README.md beside this file."""

from ampyard.engine.asgi import GraphQLApp
from ampyard.engine.endpoint import Principal
from ampyard.engine.errors import PublicError, UnauthenticatedError
from ampyard.engine.limits import Limits
from ampyard.engine.operation import OperationContext
from ampyard.engine.schema import Schema, Subgraph

__all__ = ["GraphQLApp", "Limits", "OperationContext", "Principal", "PublicError", "Schema", "Subgraph", "UnauthenticatedError"]
