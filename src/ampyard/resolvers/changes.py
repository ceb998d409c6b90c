"""Changes: one root field each, that takes one input and answers with a payload, in which refusals are data (ADR 0009)."""

import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import Parameter, Signature
from types import SimpleNamespace
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import orjson
import strawberry
from strawberry.types.base import get_object_definition

from ampyard.domain.access import Principal, Scope
from ampyard.domain.errors import ConflictError, DomainError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.imports import ImportReport
from ampyard.engine import MUTATION_WEIGHT, cost
from ampyard.repositories.requests import ANSWERED_ONCE, Request, answered
from ampyard.resolvers.context import Context, Info
from ampyard.resolvers.ids import entity_by_name
from ampyard.resolvers.loading import by_id_of
from ampyard.resolvers.scopes import requires
from ampyard.services.backend import Backend

_log = logging.getLogger(__name__)

_KEY_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Caller:
    """Who wants a change, and where it is made."""

    backend: Backend
    principal: Principal


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a change was refused, as a payload shows it."""

    message: str
    code: str
    path: tuple[str, ...]


class ValidationFault(Fault):
    """The input is wrong."""


class NotFoundFault(Fault):
    """What the input names is not there."""


class ConflictFault(Fault):
    """The change contradicts the present state."""


class NotAllowedFault(Fault):
    """The caller may not do this."""


_FAULTS: Mapping[type[DomainError], type[Fault]] = {
    InvalidInputError: ValidationFault,
    NotFoundError: NotFoundFault,
    ConflictError: ConflictFault,
    ForbiddenError: NotAllowedFault,
}

# Takes the caller and the input's fields; returns the payload's.
Act = Callable[..., Awaitable[Mapping[str, Any]]]


def mutation(payload: type[Any], act: Act, input_type: type[Any], scope: Scope, *, description: str, weight: int = MUTATION_WEIGHT) -> Any:
    """Return a field of the mutation root.

    Args:
        payload: the type that is answered with; its fields are nullable but for `errors`.
        act: does it. It is given the `Caller` and those fields of the input that the request has, by name; what it returns are the
            payload's fields. What it does is committed by one unit of work, which says what it `answers`.
        input_type: its fields, and `idempotency_key`.
        scope: what the caller needs, for the whole tenant or for the resource group of what is changed.
        description: what the field does.
        weight: what calling it costs, besides the objects it returns.
    """

    async def resolve(info: Info, **given: Any) -> SimpleNamespace:
        definition = get_object_definition(payload, strict=True)
        nothing = dict.fromkeys(field.python_name for field in definition.fields)
        fields = {name: value for name, value in vars(given["input"]).items() if value is not strawberry.UNSET}
        key = fields.pop("idempotency_key", None)
        await info.context.end_event()
        try:
            info.context.principal.require(scope)
            values = await _perform(info.context, act, info.field_name, key, fields)
        except DomainError as error:
            return SimpleNamespace(**{**nothing, "errors": _faults(error)})
        except asyncpg.IntegrityConstraintViolationError as error:
            # Two changes at the same time, each of which was right by itself.
            _log.info("%s contradicts another change: %s", info.field_name, error)
            told = ConflictError("This contradicts another change that has just been made; look at the present state, and try again.")
            return SimpleNamespace(**{**nothing, "errors": _faults(told)})
        return SimpleNamespace(**{**nothing, **values, "errors": []})

    wanted: Any = Annotated[input_type, strawberry.argument(description="What is wanted.")]
    resolve.__signature__ = Signature(  # type: ignore[attr-defined]  # functions may carry one
        [
            Parameter("info", Parameter.POSITIONAL_OR_KEYWORD, annotation=Info),
            Parameter("input", Parameter.KEYWORD_ONLY, annotation=wanted),
        ]
    )
    return strawberry.field(resolver=resolve, description=description, directives=[*requires(scope), cost(weight)])


async def _perform(context: Context, act: Act, operation: str, key: str | None, fields: dict[str, Any]) -> Mapping[str, Any]:
    backend, principal = context.backend, context.principal
    if key is None:
        return await act(Caller(backend, principal), **fields)
    if not 1 <= len(key) <= _KEY_LENGTH:
        message = f"The idempotency key has {len(key)} characters; give 1 to {_KEY_LENGTH}, and a new one for each new change."
        raise InvalidInputError(message, ("input", "idempotencyKey"))
    digest = hashlib.sha256(orjson.dumps(fields, default=repr, option=orjson.OPT_SORT_KEYS)).hexdigest()
    request = Request(key, operation, digest)
    earlier = await _earlier(context, request)
    if earlier is None:
        # The payload shows what is so after the change, not what was when the key was looked up.
        await context.end_event()
        try:
            return await act(Caller(replace(backend, request=request), principal), **fields)
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != ANSWERED_ONCE:
                raise
        # The same request has been answered meanwhile, so nothing of this one was kept.
        await context.end_event()
        earlier = await _earlier(context, request)
        if earlier is None:
            raise ConflictError("The same request is being answered right now; ask again.", ("input", "idempotencyKey"))
    return {name: await _shown(context, value) for name, value in earlier.items()}


async def _earlier(context: Context, request: Request) -> dict[str, Any] | None:
    known = await answered(context.snapshot, context.principal.author, request.key)
    if known is None:
        return None
    if known.request != request:
        what = f"{known.request.operation} with another input" if known.request.operation == request.operation else known.request.operation
        raise ConflictError(f"This idempotency key was used for {what}; give a new one for each new change.", ("input", "idempotencyKey"))
    return known.answer


async def _shown(context: Context, value: Any) -> Any:
    """Return what a kept answer refers to, as it is now; what is gone since is left out."""
    if isinstance(value, list):
        shown = [await _shown(context, one) for one in value]
        return [one for one in shown if one is not None]
    if isinstance(value, dict) and "created" in value:
        return ImportReport(dry_run=False, errors=(), **value)
    if isinstance(value, dict):
        return await context.load(by_id_of(entity_by_name(value["type"])), UUID(value["id"]))
    return value


def _faults(error: DomainError) -> Sequence[Fault]:
    all_of_it = [error, *error.others] if isinstance(error, InvalidInputError) else [error]
    return [_FAULTS.get(type(one), ConflictFault)(str(one), one.code, one.path) for one in all_of_it]
