"""Users of a tenant: invited, edited, disabled and enabled again."""

import re
import uuid
from dataclasses import dataclass, replace
from typing import Any

from ampyard.domain.access import Principal, Scope
from ampyard.domain.errors import ConflictError, Problems
from ampyard.domain.events import Event, EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.users import User
from ampyard.repositories.access import RoleGrants, Users
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend
from ampyard.services.grants import check_holds_all, check_owners_remain, lock_access

_LENGTHS = {"subject": 200, "name": 200, "email": 254}
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class NewUser:
    """Who is invited. `subject` is what the identity provider calls them."""

    subject: str
    name: str
    email: str | None = None


async def invite_user(backend: Backend, principal: Principal, wanted: NewUser) -> User:
    """Make a user known. They may sign in as soon as they are granted something; what they may do is said by their grants alone.

    Raises:
        ForbiddenError: the principal lacks `access:write`.
        InvalidInputError: subject, name or e-mail address are malformed.
        ConflictError: there is a user of this subject already.
    """
    principal.require(Scope.ACCESS_WRITE)
    check_user({"subject": wanted.subject, "name": wanted.name, "email": wanted.email})
    async with backend.unit_of_work(principal, Scope.ACCESS_WRITE) as work:
        await lock_access(work)
        await _check_free(work, wanted.subject)
        user = User(
            id=new_id(),
            tenant_id=work.tenant_id,
            subject=wanted.subject,
            email=wanted.email,
            name=wanted.name,
            disabled_at=None,
            created_at=work.now,
            updated_at=work.now,
        )
        await work.add(Users, user)
        await work.audit("user.invite", "user", user.id, subject=user.subject, name=user.name, email=user.email)
        _published(work, user)
        await work.commit()
    return user


async def edit_user(backend: Backend, principal: Principal, user_id: uuid.UUID, **changes: Any) -> User:
    """Change a user's subject, name or e-mail address. Whoever gets a subject gets what the user may do.

    Raises:
        ForbiddenError: the principal lacks `access:write`; or would change whom the grants of a user are for who holds more.
        NotFoundError: there is no such user.
        InvalidInputError: a value is malformed.
        ConflictError: there is a user of this subject already.
    """
    principal.require(Scope.ACCESS_WRITE)
    check_user(changes)
    async with backend.unit_of_work(principal, Scope.ACCESS_WRITE) as work:
        await lock_access(work)
        user = await work.require(Users, user_id, "user")
        if changes.get("subject", user.subject) != user.subject:
            await _check_free(work, changes["subject"])
            await _check_may_become(work, user)
        edited = replace(user, **changes, updated_at=work.now)
        await work.change(Users, user_id, **changes, updated_at=work.now)
        await work.audit("user.edit", "user", user_id, **changes)
        _published(work, edited)
        await work.commit()
    return edited


async def disable_user(backend: Backend, principal: Principal, user_id: uuid.UUID) -> User:
    """Shut a user out, everywhere within seconds; open subscriptions end.

    Raises:
        ForbiddenError: the principal lacks `access:write`, or, of an owner, `owners:write`.
        NotFoundError: there is no such user.
        ConflictError: the user is disabled already, or the last owner.
    """
    principal.require(Scope.ACCESS_WRITE)
    async with backend.unit_of_work(principal, Scope.ACCESS_WRITE) as work:
        await lock_access(work)
        user = await work.require(Users, user_id, "user")
        if user.disabled_at is not None:
            raise ConflictError(f"The user is disabled since {user.disabled_at.isoformat()}.", ("input", "userId"))
        await check_owners_remain(work, user_id, "userId")
        disabled = replace(user, disabled_at=work.now, updated_at=work.now)
        await work.change(Users, user_id, disabled_at=work.now, updated_at=work.now)
        await work.audit("user.disable", "user", user_id, subject=user.subject)
        _published(work, disabled)
        await work.commit()
    return disabled


async def enable_user(backend: Backend, principal: Principal, user_id: uuid.UUID) -> User:
    """Let a disabled user in again, with the grants that are in force by then.

    Raises:
        ForbiddenError: the principal lacks `access:write`, or holds less than the user would.
        NotFoundError: there is no such user.
        ConflictError: the user is not disabled.
    """
    principal.require(Scope.ACCESS_WRITE)
    async with backend.unit_of_work(principal, Scope.ACCESS_WRITE) as work:
        await lock_access(work)
        user = await work.require(Users, user_id, "user")
        if user.disabled_at is None:
            raise ConflictError("The user is not disabled.", ("input", "userId"))
        await _check_may_become(work, user)
        enabled = replace(user, disabled_at=None, updated_at=work.now)
        await work.change(Users, user_id, disabled_at=None, updated_at=work.now)
        await work.audit("user.enable", "user", user_id, subject=user.subject)
        _published(work, enabled)
        await work.commit()
    return enabled


def check_user(values: dict[str, Any], prefix: str = "") -> None:
    """Raise `InvalidInputError` unless what is given of subject, name and e-mail address is well-formed.

    `prefix` comes before each of them in the names of the input's fields.
    """
    problems = Problems()
    for name in ("subject", "name"):
        if name in values:
            length = len((values[name] or "").strip())
            message = f"It has {length} characters; give 1 to {_LENGTHS[name]}."
            problems.check(1 <= length <= _LENGTHS[name], message, "input", _field(prefix, name))
    email = values.get("email")
    if email is not None:
        fits = len(email) <= _LENGTHS["email"] and _ADDRESS.fullmatch(email) is not None
        message = f"{email[:80]!r} is no e-mail address; give one such as anna@example.org."
        problems.check(fits, message, "input", _field(prefix, "email"))
    problems.raise_any()


def _field(prefix: str, name: str) -> str:
    return prefix + name.capitalize() if prefix else name


async def _check_free(work: UnitOfWork, subject: str) -> None:
    if await Users(work.session).by_subject(subject) is not None:
        raise ConflictError(f"There is a user of the subject {subject[:80]!r} already.", ("input", "subject"))


async def _check_may_become(work: UnitOfWork, user: User) -> None:
    for grant in await RoleGrants(work.session).in_force_of([user.id], at=work.now):
        check_holds_all(work.principal, grant.role, grant.resource_group_id)


def _published(work: UnitOfWork, user: User) -> None:
    work.publish(Event(EventKind.ACCESS_CHANGED, user.id))
    work.answers(user=user)
