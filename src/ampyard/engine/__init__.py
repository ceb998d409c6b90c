"""How GraphQL operations run, over HTTP, Server-Sent Events and WebSocket. Knows no domain; see README.md beside this file."""

from ampyard.engine.asgi import GraphQLApp
from ampyard.engine.batching import Batch, InstanceCheck, Load, computed, edge
from ampyard.engine.cost import MUTATION_WEIGHT, cost, list_size
from ampyard.engine.endpoint import Principal
from ampyard.engine.errors import PublicError, UnauthenticatedError
from ampyard.engine.federation import Subgraph
from ampyard.engine.gateway import Gateway
from ampyard.engine.limits import Limits
from ampyard.engine.observing import Observe, OperationReport
from ampyard.engine.operation import OperationContext
from ampyard.engine.persisted import ManifestError, PersistedDocuments, TrustedDocuments
from ampyard.engine.schema import Schema
from ampyard.engine.standing import Standing
from ampyard.engine.subscriptions import Delivery, Feed, SharedContext, subscription

__all__ = [
    "MUTATION_WEIGHT",
    "Batch",
    "Delivery",
    "Feed",
    "Gateway",
    "GraphQLApp",
    "InstanceCheck",
    "Limits",
    "Load",
    "ManifestError",
    "Observe",
    "OperationContext",
    "OperationReport",
    "PersistedDocuments",
    "Principal",
    "PublicError",
    "Schema",
    "SharedContext",
    "Standing",
    "Subgraph",
    "TrustedDocuments",
    "UnauthenticatedError",
    "computed",
    "cost",
    "edge",
    "list_size",
    "subscription",
]
