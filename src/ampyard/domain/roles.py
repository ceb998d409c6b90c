"""What roles and scopes are for, in words; `docs/roles.md` is written from here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ampyard.domain.access import ROLE_SCOPES, SYSTEM_WIDE, TENANT_WIDE, Role, Scope

_ROLES: Mapping[Role, str] = {
    Role.VIEWER: "Sees the fleet.",
    Role.ANALYST: "Sees the fleet and its reports.",
    Role.INSTALLER: "Sets up charge points and operates them.",
    Role.DISPATCHER: "Plans who drives what and who is served first, and handles alerts.",
    Role.OPERATOR: "Dispatches, operates charge points, starts and stops transactions, and puts right what was recorded wrongly.",
    Role.ADMINISTRATOR: "Does everything, but for making and unmaking owners.",
    Role.OWNER: "Does everything. Of the whole tenant alone.",
    Role.SYSTEM_ADMINISTRATOR: "Administers the installation. Carried by tokens alone; no tenant can grant it.",
}

_SCOPES: Mapping[Scope, str] = {
    Scope.FLEET_READ: "See depots, charge points, vehicles, transactions, priorities, dispatch, charts and alerts.",
    Scope.DEPOTS_WRITE: "Change depots and their supply.",
    Scope.CHARGE_POINTS_WRITE: "Add, change and retire charge points.",
    Scope.CHARGE_POINTS_CONTROL: "Operate charge points: reset, unlock, availability, configuration, firmware.",
    Scope.VEHICLES_WRITE: "Change vehicles, their types, groups and id tags.",
    Scope.TELEMETRY_WRITE: "Report states of charge and site meters, and push limits of site controllers.",
    Scope.TRANSACTIONS_CONTROL: "Start and stop transactions.",
    Scope.TRANSACTIONS_CORRECT: "Correct transactions and decide on anomalies.",
    Scope.PRIORITIES_WRITE: "Set and clear priorities.",
    Scope.DISPATCH_WRITE: "Change blocks and assignments.",
    Scope.ALERTS_HANDLE: "Acknowledge and resolve alerts.",
    Scope.ALERTS_CONFIGURE: "Change the rules that raise alerts, and who is told.",
    Scope.REPORTS_READ: "See and download reports.",
    Scope.SCHEMA_READ: "Introspect the graphs.",
    Scope.ACCESS_READ: "See users, resource groups and grants.",
    Scope.ACCESS_WRITE: "Change users, resource groups and grants.",
    Scope.OWNERS_WRITE: "Make and unmake owners.",
    Scope.KEYS_WRITE: "Make, rename and revoke API keys.",
    Scope.SETTINGS_READ: "See settings, feature flags, roaming parties and system health.",
    Scope.SETTINGS_WRITE: "Change settings, feature flags, roaming parties and partners' tokens.",
    Scope.AUDIT_READ: "See the audit log.",
    Scope.JOBS_READ: "See what runs in the background.",
    Scope.JOBS_WRITE: "Have a failed job done again.",
    Scope.TENANTS_READ: "See all tenants and the names of their users.",
    Scope.TENANTS_WRITE: "Make, change, suspend and resume tenants.",
    Scope.USERS_IMPERSONATE: "Act as a user, for support.",
}


@dataclass(frozen=True, slots=True)
class RoleDescription:
    """A role with what it stands for; `scopes` in the order of `Scope`."""

    role: Role
    description: str
    scopes: tuple[Scope, ...]
    grantable: bool


def described_roles() -> list[RoleDescription]:
    """Return every role, from the least to the most."""
    return [
        RoleDescription(
            role, text, tuple(scope for scope in Scope if scope in ROLE_SCOPES[role]), grantable=role is not Role.SYSTEM_ADMINISTRATOR
        )
        for role, text in _ROLES.items()
    ]


def describe_scope(scope: Scope) -> str:
    """Return what a scope lets do."""
    return _SCOPES[scope]


def roles_page() -> str:
    """Return `docs/roles.md`."""
    roles = described_roles()
    lines = [
        "# Roles and scopes",
        "",
        "A role is a set of scopes. It is granted to a user in the whole tenant or on a resource group, and then holds for what is in",
        "the group and in all groups below it; a token's `roles` claim carries roles in the whole tenant.",
        "`ampyard.domain.roles` says what is here.",
        "",
        "| role | |",
        "|---|---|",
        *(f"| `{one.role.value}` | {one.description} |" for one in roles),
        "",
        "Scopes marked * are about the tenant as a whole: a grant on a resource group leaves them out. Those marked † reach across",
        "tenants.",
        "",
        f"| scope | | {' | '.join(one.role.value for one in roles)} |",
        f"|---|---|{':-:|' * len(roles)}",
        *(_row(scope, roles) for scope in Scope),
    ]
    return "\n".join(lines) + "\n"


def _row(scope: Scope, roles: Sequence[RoleDescription]) -> str:
    mark = "*" if scope in TENANT_WIDE else "†" if scope in SYSTEM_WIDE else ""
    cells = [f"`{scope.value}`{mark}", describe_scope(scope), *("yes" if scope in one.scopes else "" for one in roles)]
    return f"| {' | '.join(cells)} |"
