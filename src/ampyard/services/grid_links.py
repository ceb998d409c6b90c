"""Grid links: connecting a power node with whoever may limit it from outside, and taking that back."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any

from ampyard.domain.access import Principal, Scope
from ampyard.domain.depots import Depot
from ampyard.domain.errors import ConflictError
from ampyard.domain.grid_links import GridLink, LinkKind, link_faults
from ampyard.domain.ids import new_id
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.grid_links import GridLinks
from ampyard.services.backend import Backend
from ampyard.services.depots import require_open_depot
from ampyard.services.edits import changed, require_not_null, require_sound
from ampyard.services.fallbacks import check_fallbacks
from ampyard.services.grid_signals import announce
from ampyard.services.secrets import hash_key, new_key

_SHOWN = 9  # `grid_` and four characters: enough to tell tokens apart
_MAY_BE_NULL = frozenset({"fallback_kw", "fallback_a", "group_id", "url", "token_url", "client_id", "ven_name", "client_secret"})


@dataclass(frozen=True, slots=True)
class NewGridLink:
    """A link that is asked for; its fields as those of `GridLink`, and of OpenADR the secret that goes with `client_id`."""

    power_node_id: uuid.UUID
    kind: LinkKind
    name: str
    interval_s: int = 60
    lost_after_s: int = 300
    fallback_kw: float | None = None
    fallback_a: float | None = None
    group_id: str | None = None
    url: str | None = None
    token_url: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    ven_name: str | None = None


async def create_grid_link(backend: Backend, principal: Principal, wanted: NewGridLink) -> tuple[GridLink, str | None]:
    """Connect a power node with the outside; returns the link, and the token that the other side comes with, which is shown this once.

    We call a VTN ourselves: of OpenADR there is no token. From now on the link counts as lost once nobody has been heard for long enough.

    Raises:
        ForbiddenError: the principal lacks `depots:write`, or has it elsewhere.
        NotFoundError: there is no such node.
        InvalidInputError: a field is wrong, or the fall-backs of charge points would not fit the fall-back.
        ConflictError: the depot is archived, or secrets cannot be kept here.
    """
    principal.require(Scope.DEPOTS_WRITE)
    async with backend.unit_of_work(principal, Scope.DEPOTS_WRITE) as work:
        node = await work.require(PowerNodes, wanted.power_node_id, "power node")
        await require_open_depot(work, node.depot_id, ("input", "powerNodeId"))
        given = {field.name: getattr(wanted, field.name) for field in fields(wanted) if field.name != "client_secret"}
        link = GridLink(
            id=new_id(),
            tenant_id=work.tenant_id,
            depot_id=node.depot_id,
            enabled=True,
            lost_at=work.now + timedelta(seconds=wanted.lost_after_s),
            due_at=work.now,
            created_at=work.now,
            updated_at=work.now,
            **given,
        )
        token = None if link.kind is LinkKind.OPENADR else new_key("grid")
        link = replace(link, token_prefix=None if token is None else token[:_SHOWN])
        _check(backend, link, wanted.client_secret, is_new=True)
        await work.add(
            GridLinks,
            link,
            token_hash=None if token is None else hash_key(token),
            locked_secret=None if wanted.client_secret is None else locked(backend, link.id, wanted.client_secret),
        )
        await check_fallbacks(work, link.depot_id, ("input", "fallbackKw"))
        await work.audit("grid_link.create", "grid_link", link.id, **_told(given))
        announce(work, link.depot_id)
        # Whoever repeats the request gets the link, not its token: that is kept nowhere.
        work.answers(grid_link=link, token=None)
        await work.commit()
    return link, token


async def edit_grid_link(backend: Backend, principal: Principal, link_id: uuid.UUID, **changes: Any) -> GridLink:
    """Change a link; what is not named stays. One that is switched off neither limits nor falls back, and nobody is called.

    Raises:
        ForbiddenError: the principal lacks `depots:write`, or has it elsewhere.
        NotFoundError: there is no such link.
        InvalidInputError: a field is wrong, or the fall-backs of charge points would not fit the fall-back.
    """
    principal.require(Scope.DEPOTS_WRITE)
    require_not_null(changes, may_be_null=_MAY_BE_NULL)
    secret = changes.pop("client_secret", None)
    async with backend.unit_of_work(principal, Scope.DEPOTS_WRITE) as work:
        before = await work.require(GridLinks, link_id, "grid link")
        changes = changed(before, changes)
        if not changes and secret is None:
            work.answers(grid_link=before)
            await work.commit()
            return before
        link = replace(before, **changes, updated_at=work.now)
        _check(backend, link, secret, is_new=False)
        # Silence is counted anew, and a side that was left alone is called again: what kept it away may be what was changed.
        silent_from = before.heard_at if before.enabled and before.heard_at is not None else work.now
        link = replace(link, lost_at=link.silent_from(silent_from), due_at=work.now, failures=0, error=None)
        kept: dict[str, Any] = {name: getattr(link, name) for name in ("lost_at", "due_at", "failures", "error", "updated_at")}
        if secret is not None:
            kept["locked_secret"] = locked(backend, link.id, secret)
        await work.change(GridLinks, link.id, **changes, **kept)
        await check_fallbacks(work, link.depot_id, ("input", "fallbackKw"))
        was = _told({name: getattr(before, name) for name in changes})
        await work.audit("grid_link.edit", "grid_link", link.id, **_told(changes), before=was, secret_renewed=secret is not None)
        announce(work, link.depot_id)
        work.answers(grid_link=link)
        await work.commit()
    return link


async def renew_grid_link_token(backend: Backend, principal: Principal, link_id: uuid.UUID) -> tuple[GridLink, str]:
    """Give the other side of a link a new token, which is shown this once; the old one is refused from now on. Of OSCP it registers anew.

    Raises:
        ForbiddenError: the principal lacks `depots:write`, or has it elsewhere.
        NotFoundError: there is no such link.
        ConflictError: the other side of such a link does not come to us.
    """
    principal.require(Scope.DEPOTS_WRITE)
    async with backend.unit_of_work(principal, Scope.DEPOTS_WRITE) as work:
        link = await work.require(GridLinks, link_id, "grid link")
        if link.kind is LinkKind.OPENADR:
            raise ConflictError("A VTN does not come to us; there is no token to renew.", ("input", "gridLinkId"))
        token = new_key("grid")
        link = replace(link, token_prefix=token[:_SHOWN], registered_at=None, updated_at=work.now)
        kept = {name: getattr(link, name) for name in ("token_prefix", "registered_at", "updated_at")}
        await work.change(GridLinks, link.id, **kept, token_hash=hash_key(token))
        await work.audit("grid_link.renew_token", "grid_link", link.id, prefix=link.token_prefix)
        work.answers(grid_link=link, token=None)
        await work.commit()
    return link, token


async def remove_grid_link(backend: Backend, principal: Principal, link_id: uuid.UUID) -> Depot:
    """Remove a link with all that came by it; returns its depot. What it limited is lifted.

    Raises:
        ForbiddenError: the principal lacks `depots:write`, or has it elsewhere.
        NotFoundError: there is no such link.
    """
    principal.require(Scope.DEPOTS_WRITE)
    async with backend.unit_of_work(principal, Scope.DEPOTS_WRITE) as work:
        link = await work.require(GridLinks, link_id, "grid link")
        await work.remove(GridLinks, link.id)
        await work.audit("grid_link.remove", "grid_link", link.id, name=link.name, kind=link.kind.value)
        announce(work, link.depot_id)
        depot = (await Depots(work.session).by_ids([link.depot_id]))[link.depot_id]
        work.answers(depot=depot)
        await work.commit()
    return depot


def locked(backend: Backend, link_id: uuid.UUID, secret: str) -> str:
    """Return a secret of a link as it may be stored.

    Raises:
        ConflictError: this process keeps no secrets.
    """
    if backend.notifier is None:
        raise ConflictError("This process is not set up to keep secrets.")
    return backend.notifier.vault.lock(secret, str(link_id))


def _check(backend: Backend, link: GridLink, secret: str | None, *, is_new: bool) -> None:
    insecure_allowed = backend.notifier is not None and backend.notifier.webhooks.private_allowed
    faults = list(link_faults(link, insecure_allowed=insecure_allowed))
    if link.kind is not LinkKind.OPENADR and secret is not None:
        faults.append(("client_secret", f"A link of kind {link.kind} has none; leave it out."))
    if link.kind is LinkKind.OPENADR and is_new and not secret:
        faults.append(("client_secret", "A VTN asks for it; give the secret that goes with clientId."))
    require_sound(faults)


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields as an audit record keeps them."""
    return {name: str(value) if isinstance(value, (uuid.UUID, LinkKind)) else value for name, value in values.items() if value is not None}
