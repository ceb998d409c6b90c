"""The subgraph `products` of Apollo's subgraph compatibility tests, built on our engine.

Its schema and its data are what those tests expect (SUBGRAPH_GUIDE.md of apollographql/apollo-federation-subgraph-compatibility).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import strawberry
from starlette.requests import HTTPConnection
from strawberry import ID, federation
from strawberry.schema_directive import Location

from ampyard.engine import Gateway, GraphQLApp, Subgraph


@federation.schema_directive(
    locations=[Location.OBJECT], name="custom", compose=True, import_url="https://myspecs.dev/myCustomDirective/v1.0"
)
class Custom:
    pass


@federation.type(shareable=True)
class ProductDimension:
    size: str | None
    weight: float | None
    unit: str | None = federation.field(inaccessible=True)


@strawberry.type
class ProductVariation:
    id: ID


@strawberry.type
class CaseStudy:
    case_number: ID
    description: str | None


@federation.type(keys=["study { caseNumber }"])
class ProductResearch:
    study: CaseStudy
    outcome: str | None = None

    @classmethod
    def resolve_reference(cls, study: Mapping[str, Any]) -> "ProductResearch | None":
        return next((one for one in RESEARCH if one.study.case_number == study["caseNumber"]), None)


def _average_products_created(root: "User") -> int | None:
    return round(root.total_products_created / root.years_of_employment) if root.total_products_created else None


@federation.type(keys=["email"], extend=True)
class User:
    email: ID = federation.field(external=True)
    name: str | None = federation.field(override="users")
    total_products_created: int | None = federation.field(external=True)
    years_of_employment: int = federation.field(external=True)

    average_products_created_per_year: int | None = federation.field(
        resolver=_average_products_created, requires=["totalProductsCreated", "yearsOfEmployment"]
    )

    @classmethod
    def resolve_reference(cls, email: ID, total_products_created: int | None = None, years_of_employment: int = 0) -> "User | None":
        # What is external is known here only where the router sends it along, because a field requires it.
        if email != USER.email:
            return None
        return User(email=email, name=USER.name, total_products_created=total_products_created, years_of_employment=years_of_employment)


@federation.type(keys=["sku package"])
class DeprecatedProduct:
    sku: str
    package: str
    reason: str | None
    created_by: User | None

    @classmethod
    def resolve_reference(cls, sku: str, package: str) -> "DeprecatedProduct | None":
        return DEPRECATED if (sku, package) == (DEPRECATED.sku, DEPRECATED.package) else None


@federation.type(keys=["id", "sku package", "sku variation { id }"], directives=[Custom()])
class Product:
    id: ID
    sku: str | None
    package: str | None
    variation: ProductVariation | None
    dimensions: ProductDimension | None
    created_by: User | None = federation.field(provides=["totalProductsCreated"])
    notes: str | None = federation.field(tags=["internal"])
    research: list[ProductResearch]

    @classmethod
    def resolve_references(cls, _info: strawberry.Info, representations: Sequence[Mapping[str, Any]]) -> "list[Product | None]":
        return [next((product for product in PRODUCTS if product._is(one)), None) for one in representations]

    def _is(self, fields: Mapping[str, Any]) -> bool:
        if "id" in fields:
            return bool(fields["id"] == self.id)
        if "variation" in fields:
            return bool(fields["sku"] == self.sku and self.variation and fields["variation"]["id"] == self.variation.id)
        return bool((fields["sku"], fields["package"]) == (self.sku, self.package))


@federation.interface_object(keys=["id"])
class Inventory:
    id: ID
    deprecated_products: list[DeprecatedProduct]

    @classmethod
    def resolve_reference(cls, id: ID) -> "Inventory | None":  # noqa: A002 - the key's name
        return Inventory(id=id, deprecated_products=[DEPRECATED]) if id == "apollo-oss" else None


USER = User(email=ID("support@apollographql.com"), name="Jane Smith", total_products_created=1337, years_of_employment=10)
DIMENSIONS = ProductDimension(size="small", weight=1, unit="kg")
DEPRECATED = DeprecatedProduct(
    sku="apollo-federation-v1", package="@apollo/federation-v1", reason="Migrate to Federation V2", created_by=USER
)
RESEARCH = [
    ProductResearch(study=CaseStudy(case_number=ID("1234"), description="Federation Study")),
    ProductResearch(study=CaseStudy(case_number=ID("1235"), description="Studio Study")),
]
PRODUCTS = [
    Product(
        id=ID("apollo-federation"),
        sku="federation",
        package="@apollo/federation",
        variation=ProductVariation(id=ID("OSS")),
        dimensions=DIMENSIONS,
        created_by=USER,
        notes=None,
        research=RESEARCH[:1],
    ),
    Product(
        id=ID("apollo-studio"),
        sku="studio",
        package="",
        variation=ProductVariation(id=ID("platform")),
        dimensions=DIMENSIONS,
        created_by=USER,
        notes=None,
        research=RESEARCH[1:],
    ),
]


def _product(id: ID) -> Product | None:  # noqa: A002 - the key's name
    return next((product for product in PRODUCTS if product.id == id), None)


@federation.type(extend=True)
class Query:
    product: Product | None = strawberry.field(resolver=_product)
    deprecated_product: DeprecatedProduct | None = strawberry.field(
        resolver=DeprecatedProduct.resolve_reference, deprecation_reason="Use product query instead"
    )


@dataclass(frozen=True)
class Anybody:
    """Everyone who asks; and, as nothing is loaded here, also the context of an operation."""

    expires_at: datetime | None = None

    async def end_event(self) -> None:
        """Let go of nothing."""

    async def end_operation(self) -> None:
        """Let go of nothing."""


async def _authenticate(_connection: HTTPConnection, _credential: str | None) -> Anybody:
    return Anybody()


schema = Subgraph(Query, types=[Inventory])
app = GraphQLApp(schema=schema, authenticate=_authenticate, context=lambda anybody, _connection: anybody, gateway=Gateway(traces=True))
