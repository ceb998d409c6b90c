"""How modules are declared: what is served where, from which the routes, the version details and the OpenAPI documents are made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ampyard.domain.roaming.partners import InterfaceRole
from ampyard.ocpi.call import Handler

# The class of an object in each version that has it.
Models: TypeAlias = Mapping[str, Any]
ALL_VERSIONS = ("2.2.1", "2.3.0")


@dataclass(frozen=True, slots=True)
class Route:
    """What one method does at one path of a module.

    Args:
        method: of HTTP.
        path: below the module, such as `/{location_id}`.
        handler: what answers.
        summary: what it does, for the OpenAPI documents.
        body: the class of the body, by version; None: it has none.
        partial: the body is a part of such an object (PATCH).
        answer: the class of `data` in the answer, by version; None: it has none.
        paged: `data` is a list of such objects, in pages.
        query: further parameters in the query, with what they are.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    body: Models | None = None
    partial: bool = False
    answer: Models | None = None
    paged: bool = False
    query: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Module:
    """One side of a module. Messages of configuration modules are never routed (section 4.3, Message Routing Headers)."""

    identifier: str
    role: InterfaceRole
    routes: tuple[Route, ...]
    versions: tuple[str, ...] = ALL_VERSIONS
    configuration: bool = False


def each(of_2_2_1: Any, of_2_3_0: Any) -> Models:
    """Return the classes of an object in the two versions."""
    return {"2.2.1": of_2_2_1, "2.3.0": of_2_3_0}
