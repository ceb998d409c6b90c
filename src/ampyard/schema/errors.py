"""What a change is refused with, as data: every payload has it."""

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.engine import list_size
from ampyard.resolvers.changes import ConflictFault, NotAllowedFault, NotFoundFault, ValidationFault
from ampyard.schema.node import shows


@strawberry.interface(description="Why a change was refused; nothing of it was kept.")
class MutationError:
    message: str = strawberry.field(description="What was wrong, where, and what would be right, for people.")
    code: str = strawberry.field(description="BAD_USER_INPUT, NOT_FOUND, CONFLICT or FORBIDDEN.")
    path: list[str] = strawberry.field(
        description='The part of the input that it is about, such as ["input", "name"]; empty: all of it.',
        directives=[list_size(2)],
    )


@strawberry.federation.type(directives=[Authenticated()], description="The input is wrong.")
class ValidationError(MutationError):
    is_type_of = staticmethod(shows(ValidationFault))


@strawberry.federation.type(
    directives=[Authenticated()], description="What the input names does not exist, or not for the caller; the two are not told apart."
)
class NotFoundError(MutationError):
    is_type_of = staticmethod(shows(NotFoundFault))


@strawberry.federation.type(directives=[Authenticated()], description="The change contradicts the present state.")
class ConflictError(MutationError):
    is_type_of = staticmethod(shows(ConflictFault))


@strawberry.federation.type(directives=[Authenticated()], description="The caller may not do this: its scopes do not reach so far.")
class NotAllowedError(MutationError):
    is_type_of = staticmethod(shows(NotAllowedFault))


ERRORS = (ValidationError, NotFoundError, ConflictError, NotAllowedError)


@strawberry.type(description="What every change answers with.")
class Payload:
    errors: list[MutationError] = strawberry.field(
        description="Why the change was refused; empty when it was made.", directives=[list_size(1)]
    )


@strawberry.input(description="What every change takes.")
class Change:
    idempotency_key: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Chosen by the client, 200 characters at most: sent again with it within a week, a change gets the first one's answer.",
    )
